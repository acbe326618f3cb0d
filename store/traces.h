/* traces.h - the keys and values of the tables trace, span and spanid.
 *
 * The contract is store/FORMAT.md, section 4.4.
 */
#ifndef TRACETAPE_STORE_TRACES_H
#define TRACETAPE_STORE_TRACES_H

#include "store/bytes.h"

enum {
	ID_KEY_MAX = 192,
	SPAN_KEY_MAX = 2 * ID_KEY_MAX + 9,	/* LMDB allows 511 */
};

/* A trace or a span as the store has it. */
struct kept_item {
	struct slice key;	/* the id as it stands in keys: for most, the id */
	struct slice raw;	/* the JSON text; empty: only spans came so far */
	uint64_t first_seq;	/* the exchanges that brought it, or, to a trace, */
	uint64_t last_seq;	/* a span of it */
	int64_t started_ns;	/* of a span, since 1970; -1: it does not tell */
};

/* The id as it stands in keys; id is not empty.  Its length. */
size_t id_key_put(uint8_t key[ID_KEY_MAX], struct slice id);

/* A key of span, and of spanid, of two id keys; start_ns -1: unknown.  Their
 * lengths.  What begins with a trace's id key and a 0 is a key of its spans. */
size_t span_key_put(uint8_t key[SPAN_KEY_MAX], struct slice trace,
    int64_t start_ns, struct slice span);
size_t spanid_key_put(uint8_t key[SPAN_KEY_MAX], struct slice span,
    struct slice trace);

/* The parts of a key of span; *span points into p.  false: it is none. */
bool span_key_get(const void *p, size_t n, size_t trace_len, int64_t *start_ns,
    struct slice *span);

/* The value of spanid. */
void start_put(uint8_t p[8], int64_t start_ns);
bool start_get(const void *p, size_t n, int64_t *start_ns);

/* Appends the value of an item: seqs and raw. */
void item_encode(struct bytes *b, const struct kept_item *k);

/* Sets seqs and raw, which points into p.  0, or -1: it is no such value. */
int item_decode(const void *p, size_t n, struct kept_item *k);

/* Of two texts of one item, does a stay rather than b? */
bool item_says_more(struct slice a, struct slice b);

#endif
