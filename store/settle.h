/* settle.h - what a writer does to a store when it opens it: meta on the first
 * day, what an earlier process left in flight, gaps for the numbers of which it left
 * nothing, and where to go on counting.
 *
 * Thread:  the writer's, inside its transaction, which the caller ends.
 * Errors:  int rc, 0, LMDB's codes, or an errno.
 */
#ifndef TRACETAPE_STORE_SETTLE_H
#define TRACETAPE_STORE_SETTLE_H

#include "store/env.h"

struct settled {
	size_t part_bytes;
	uint64_t next_seq;
	uint64_t interrupted;	/* exchanges that were in flight, and are now
				 * OUTCOME_INTERRUPTED */
};

int settle(const struct env *e, MDB_txn *txn, struct settled *s);

/* Exchanges [seq, seq + n) have lost their last rows. */
struct lost {
	uint64_t seq, n;
	const char *why;
};

/* Where an earlier row says that it is in flight, that is over too. */
int settle_lost(const struct env *e, MDB_txn *txn, size_t part_bytes,
    const struct lost *lost);

#endif
