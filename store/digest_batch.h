/* digest_batch.h - the items of the trace batch that a digest may be about.
 *
 * Memory:  nothing before digest_batch_begin; then ingest.h's.
 */
#ifndef TRACETAPE_STORE_DIGEST_BATCH_H
#define TRACETAPE_STORE_DIGEST_BATCH_H

#include "store/ingest.h"
#include "store/payload.h"

struct digest_batch {
	ingest_sink *on_item;	/* NULL: they are only counted */
	void *arg;
	struct ingest *ingest;	/* NULL: not begun, over, or no memory */
	struct ingest_counts counts;	/* -1: nobody has looked */
};

void digest_batch_init(struct digest_batch *b);

/* body, which has no on_text yet, is that of a batch: listens to its text. */
void digest_batch_begin(struct digest_batch *b, struct payload *body);
void digest_batch_end(struct digest_batch *b);	/* the counts stay */

#endif
