/* group.h - the raw bytes of squeezed bodies: each by way of the body before it that
 * it repeats, back to a key frame.
 *
 * Thread:  one for each struct group.
 * Memory:  nothing until used; then what was undone last, GROUP_HELD_MAX in all, and
 *          a squeezed row.
 * Errors:  int rc, 0, a name below, or what fetch gave.  Total: any rows give what was
 *          squeezed, or a fault, after SQUEEZE_DEPTH_MAX + 1 rows at most.
 */
#ifndef TRACETAPE_STORE_GROUP_H
#define TRACETAPE_STORE_GROUP_H

#include "store/squeeze.h"

enum { GROUP_HELD_MAX = 2 * SQUEEZE_RAW_MAX };

enum {
	GROUP_CORRUPT = -100211,
	GROUP_MEMORY = -100212,
};

/* Which body, and which block of a body that is longer than a frame (0: all of one
 * that is not). */
struct group_at {
	uint64_t seq;
	uint32_t side;
	uint32_t block;
};

struct group_source {
	/* Puts a block's row into *row, which is empty; *is_raw when it is the body
	 * itself, SQUEEZE_RAW_MAX bytes at most.  A row that is not there is a fault
	 * of the caller's naming, which must not be 0. */
	int (*fetch)(void *arg, const struct group_at *at, struct bytes *row,
	    bool *is_raw);
	void *arg;
};

struct group;

struct group *group_new(void);	/* NULL: no memory */
void group_free(struct group *g);	/* safe on NULL */
void group_clear(struct group *g);	/* frees all that the next call makes anew */

/* Finds the raw bytes of a block, lent until the next call; *is_new unless they were
 * lent before and held since. */
int group_get(struct group *g, const struct group_source *source,
    const struct group_at *at, struct slice *raw, bool *is_new);

/* What was lent last is not what it should be: do not lend it again. */
void group_forget(struct group *g, const struct group_at *at);

#endif
