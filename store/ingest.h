/* ingest.h - the items of a trace batch, POST .../traces/ingest, whose body
 * arrives in pieces.
 *
 * Memory:  one item at a time, at most INGEST_ITEM_MAX of it; all batches at once
 *          INGEST_HELD_MAX, past which the item that asks for more is skipped.
 * Errors:  none: what is no item is counted; without memory to look for items all
 *          counts are -1.  In text that is no JSON, what looks like an item counts
 *          as one, up to where the outermost object ends.
 */
#ifndef TRACETAPE_STORE_INGEST_H
#define TRACETAPE_STORE_INGEST_H

#include "store/exchange.h"
#include "store/ingest_item.h"

enum {
	INGEST_ITEM_MAX = 4 * 1024 * 1024,
	INGEST_HELD_MAX = 64 * 1024 * 1024,
};

/* The item is lent for the call.  Odd ones come too, unless they are too large. */
typedef void ingest_sink(void *arg, const struct ingest_item *item);

struct ingest;

struct ingest *ingest_new(ingest_sink *on_item, void *arg);	/* NULL: no memory */
void ingest_free(struct ingest *g);	/* safe on NULL */

/* The next piece of the body, decoded.  An element is complete at the ',' or ']'
 * behind it: there is no end to be told of, and one that is cut does not count. */
void ingest_feed(struct ingest *g, const void *p, size_t n);

/* odd: too large, or ITEM_ODD. */
struct ingest_counts ingest_counts(const struct ingest *g);

#endif
