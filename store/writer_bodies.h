/* writer_bodies.h - for writer.c: bodies that have ended, squeezed (store/FORMAT.md
 * 4.6), and the earlier ones that they may repeat.
 *
 * Thread:  the writer's, inside its transaction, which the caller ends.
 * Memory:  nothing until used; then the parents' bound, zstd's contexts, and the
 *          largest body of late; bodies_rest gives all but the parents back.
 * Errors:  int rc, 0, LMDB's codes, or an errno.
 */
#ifndef TRACETAPE_STORE_WRITER_BODIES_H
#define TRACETAPE_STORE_WRITER_BODIES_H

#include "store/env.h"
#include "store/tail.h"
#include "store/writer.h"

struct bodies {
	struct parents *parents[2];	/* of requests, of responses */
	struct squeeze *squeeze;
	struct bytes raw, row, record;
};

/* Where they lie. */
struct bodies_store {
	const struct env *env;
	MDB_txn *txn;
	struct tail *tail;		/* of table body, open */
	size_t part_bytes;
	size_t put;			/* adds bytes put, about */
};

int bodies_init(struct bodies *b, size_t parents_bytes);
void bodies_fini(struct bodies *b);	/* safe on a zeroed one */

/* What was put last is lost: no body may repeat it. */
void bodies_lost(struct bodies *b);
void bodies_rest(struct bodies *b);

/* As writer_squeeze_pack; !*is_put: it does not pay, and is not put. */
int bodies_put_pack(struct bodies *b, struct bodies_store *s, uint64_t seq,
    const struct slice side[SIDE_N], bool *is_put);

/* As writer_put_body and writer_squeeze. */
int bodies_put(struct bodies *b, struct bodies_store *s, const struct body *y,
    struct message *m);
int bodies_squeeze(struct bodies *b, struct bodies_store *s,
    struct writer_late *l);

#endif
