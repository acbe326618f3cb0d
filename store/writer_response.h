/* writer_response.h - puts the rows that tell which exchanges and which spans name
 * an id of a response; for the files of the writer alone.
 *
 * Thread:  the writer's, inside its transaction, which the caller ends.
 * Errors:  int rc, 0, LMDB's codes, or ENOMEM; the transaction is then of no use.
 */
#ifndef TRACETAPE_STORE_WRITER_RESPONSE_H
#define TRACETAPE_STORE_WRITER_RESPONSE_H

#include "store/env.h"
#include "store/response.h"

/* The rows of an exchange that is over; x borrows nothing from the map.  *put
 * counts their bytes, about.  Who names no id pays nothing. */
int writer_response_put(const struct env *e, MDB_txn *txn,
    const struct exchange *x, size_t *put);

/* A span of a trace names the id; span and trace are id keys. */
int writer_claim_put(const struct env *e, MDB_txn *txn, struct slice id,
    struct slice span, struct slice trace);

#endif
