/* resident.h - keeps the store from filling memory: LMDB's map, and the page cache.
 *
 * LMDB touches new pages of its map with every commit, the kernel maps the sixteen
 * around each, and all of them count as ours for as long as we run, though they are
 * page cache.  Dropping the mapping costs a minor fault for each page wanted again.
 *
 * What was written is hardly ever read again, and would push out of the page cache
 * what others need.  In a virtual machine it also costs: each page of memory that
 * the host has not given yet took 7 us, half of what the writer spent.  So but the
 * last pages are let go, and the kernel gives us the same few again and again.
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
	int fd;			/* the file's, borrowed */
};

/* Finds the map of the file that fd has open, whose path ends with name.  (The
 * device would tell more than the name, but overlays show another one there.) */
void resident_find(struct resident *r, int fd, const char *name);

/* Lets go of the first n bytes of the map, all that the file has, and of the page
 * cache of all of them but the last; what is not on the disk yet stays. */
void resident_drop(const struct resident *r, size_t n);

#endif
