/* tail.h - a table that mostly grows at its end: rows above the highest go in by
 * MDB_APPEND, which looks for no place.
 *
 * Thread:  the writer's, inside its transaction; the cursor ends with it.
 * Errors:  int rc, 0 or LMDB's codes.
 */
#ifndef TRACETAPE_STORE_TAIL_H
#define TRACETAPE_STORE_TAIL_H

#include <lmdb.h>

#include "store/table.h"

struct tail {			/* zeroed: not open */
	MDB_cursor *cursor;
	uint8_t key[BODY_KEY_LEN];	/* the highest, or above it */
	size_t len;		/* 0: the table is empty */
};

/* Does nothing when it is open already. */
int tail_open(struct tail *t, MDB_txn *txn, MDB_dbi dbi);

/* k has BODY_KEY_LEN bytes at most; flags and *v are mdb_cursor_put's. */
int tail_put(struct tail *t, MDB_val *k, MDB_val *v, unsigned flags);

#endif
