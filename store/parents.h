/* parents.h - raw bodies of late, each of which may be the prefix that the next body
 * of its conversation is compressed with.
 *
 * Thread:    one.
 * Ownership: the parents own copies of all that is put; parents_find lends.
 * Memory:    nothing until the first put; then at most max_bytes, all counted.  Who
 *            has given birth goes first, then the oldest.
 * Errors:    none: without memory there are fewer parents.
 */
#ifndef TRACETAPE_STORE_PARENTS_H
#define TRACETAPE_STORE_PARENTS_H

#include "store/bytes.h"

struct elements;
struct parents;

enum { PARENTS_BYTES = 64 * 1024 * 1024 };	/* a default for max_bytes */

struct parent {
	uint64_t seq;		/* whose body it is */
	unsigned depth;		/* of its compressed form; 0: a key frame, or raw */
	struct slice raw;
};

/* max_bytes 0: nothing is ever kept.  NULL: no memory. */
struct parents *parents_new(size_t max_bytes);
void parents_free(struct parents *ps);	/* safe on NULL */

/* The best parent for a body with these elements: the one that has most of them at
 * its beginning; else one that has most at the same place, as when the first changes
 * with each turn; else the latest of the same agent, as when a history was compacted.
 * NULL: none.  Lent until the next put or clear. */
const struct parent *parents_find(const struct parents *ps,
    const struct elements *e);

/* Copies p, whose elements are e.  after: the seq of the parent it came from, or 0.
 * A body of the same seq is replaced. */
void parents_put(struct parents *ps, const struct elements *e,
    const struct parent *p, uint64_t after);

/* Forgets all, and frees what it takes: the store has lost what was put last, or
 * nothing comes any more. */
void parents_clear(struct parents *ps);

size_t parents_held(const struct parents *ps);	/* bytes, of max_bytes */

#endif
