/* ingest_item.h - one element of a trace batch: what it is, its ids and times.
 *
 * What makes an item is in store/FORMAT.md 4.4.
 *
 * Memory:  a reader keeps up to 80 KiB for what it lends; see item_read.
 */
#ifndef TRACETAPE_STORE_INGEST_ITEM_H
#define TRACETAPE_STORE_INGEST_ITEM_H

#include "store/bytes.h"

enum { ITEM_ID_MAX = 16 * 1024 };	/* bytes of JSON text, quotes and all */

enum item_kind {
	ITEM_TRACE,		/* has an id */
	ITEM_SPAN,		/* has an id and a trace id */
	ITEM_ODD,		/* all else */
};

/* Texts are unescaped; missing is what is not there, null, no string, or too
 * long (ITEM_ID_MAX for ids, 256 bytes for the others; also when there is no
 * memory), and of ids what is empty or has U+FFFD. */
struct ingest_item {
	enum item_kind kind;
	struct slice raw;	/* the JSON text, as it came */
	struct slice id;
	struct slice trace_id;	/* of a trace: its id */
	struct slice parent_id;
	struct slice started_at, ended_at;
	int64_t started_ns, ended_ns;	/* since 1970; -1: does not tell */
	struct slice type;	/* span_data.type */
	struct slice response_id;	/* span_data.response_id */
};

struct item_reader;

struct item_reader *item_reader_new(void);	/* NULL: no memory */
void item_reader_free(struct item_reader *r);	/* safe on NULL */

/* Reads raw, any bytes, into *item, which borrows from raw and from r until the
 * next call. */
void item_read(struct item_reader *r, struct slice raw, struct ingest_item *item);

#endif
