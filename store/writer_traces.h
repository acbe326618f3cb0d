/* writer_traces.h - upserts an item of a trace batch; for writer.c alone.
 *
 * Thread:  the writer's, inside its transaction, which the caller ends.
 * Errors:  int rc, 0, LMDB's codes, or ENOMEM; the transaction is then of no use.
 */
#ifndef TRACETAPE_STORE_WRITER_TRACES_H
#define TRACETAPE_STORE_WRITER_TRACES_H

#include "store/env.h"
#include "store/ingest_item.h"

/* item is no ITEM_ODD and came with exchange seq.  scratch is overwritten. */
int writer_traces_put(const struct env *e, MDB_txn *txn, uint64_t seq,
    const struct ingest_item *item, struct bytes *scratch);

#endif
