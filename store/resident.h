/* resident.h - keeps LMDB's map from counting as our memory.
 *
 * LMDB touches new pages of its map with every commit, the kernel maps the sixteen
 * around each, and all of them count as ours for as long as we run, though they are
 * page cache.  Dropping the mapping costs a minor fault for each page wanted again.
 *
 * Thread: the writer's, while no transaction is open.
 * Linux:  LMDB does not tell where its map lies; /proc/self/maps does.  Elsewhere
 *         nothing is found and nothing is dropped.
 */
#ifndef TRACETAPE_STORE_RESIDENT_H
#define TRACETAPE_STORE_RESIDENT_H

#include <stddef.h>

struct resident {		/* zeroed: not found */
	void *map;
	size_t len;
};

/* Finds the map of the file that fd has open, whose path ends with name.  (The
 * device would tell more than the name, but overlays show another one there.) */
void resident_find(struct resident *r, int fd, const char *name);

/* Lets go of the map's first n bytes. */
void resident_drop(const struct resident *r, size_t n);

#endif
