/* directory.h - the directory of a store, its files' rights, and its key.
 *
 * Everything in it is for its owner alone, whatever the umask; FORMAT.md 1.
 */
#ifndef TRACETAPE_STORE_DIRECTORY_H
#define TRACETAPE_STORE_DIRECTORY_H

#include <stdbool.h>
#include <stdint.h>

enum { DIRECTORY_KEY_LEN = 32 };

enum {
	DIRECTORY_WIDE = -100301,	/* others may look in, and it is not
					 * ours to tighten */
	DIRECTORY_OWNER = -100302,	/* belongs to another user */
	DIRECTORY_KEY = -100303,	/* the key file is unusable */
};

/* dir/name, to be freed; NULL: no memory. */
char *directory_path(const char *dir, const char *name);

/* Makes dir and its missing parents, 0700, or checks and tightens what is there.
 * 0, DIRECTORY_WIDE, DIRECTORY_OWNER, or an errno. */
int directory_make(const char *dir);

/* Makes the plain file dir/name, empty, or leaves what it has; 0600 either way.
 * Run by root, the file gets the directory's owner.  0 or an errno. */
int directory_make_file(const char *dir, const char *name);

/* Makes the names in dir outlive a power cut.  0 or an errno. */
int directory_sync(const char *dir);

/* Reads the key of the store, made first if there is none.  The writer's lock is
 * held.  0, DIRECTORY_KEY, or an errno. */
int directory_key(const char *dir, uint8_t key[DIRECTORY_KEY_LEN]);

#endif
