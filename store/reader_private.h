/* reader_private.h - what the files of the reader share. */
#ifndef TRACETAPE_STORE_READER_PRIVATE_H
#define TRACETAPE_STORE_READER_PRIVATE_H

#include "store/env.h"
#include "store/reader.h"

struct reader {
	struct env env;
	MDB_txn *txn;			/* reset between calls; NULL: none yet */
	MDB_cursor *cursor[TABLE_N];	/* of txn, renewed when used */
	struct bytes row;		/* what the last call lent */
	struct bytes pack;		/* undone last */
	struct group *group;		/* NULL: nothing squeezed was read yet */
	size_t part_bytes;
};

/* Every reader_begin that gives 0 is paired with a reader_end. */
int reader_begin(struct reader *r);
void reader_end(struct reader *r);

/* A cursor in the snapshot; MDB_NOTFOUND when the store has no such table. */
int reader_cursor(struct reader *r, enum table t, MDB_cursor **c);

/* What rc, LMDB's or env's, is to the callers of reader.h. */
int reader_code(int rc);

#endif
