/* table.h - the tables of a store: their names, keys and the small values.
 *
 * The contract is store/FORMAT.md, sections 4 and 6.  Keys and values of trace,
 * span and spanid are in store/traces.h, of response and by_response in
 * store/response.h.
 */
#ifndef TRACETAPE_STORE_TABLE_H
#define TRACETAPE_STORE_TABLE_H

#include "store/exchange.h"

enum { FORMAT_VERSION = 2 };

enum table {
	TABLE_META = 0,
	TABLE_EXCHANGE,
	TABLE_BODY,
	TABLE_OPEN,
	TABLE_GAP,
	TABLE_TRACE,
	TABLE_SPAN,
	TABLE_SPANID,
	TABLE_RESPONSE,
	TABLE_BY_RESPONSE,
	TABLE_N
};

enum {
	SEQ_KEY_LEN = 8,
	BODY_KEY_LEN = 13,
	META_NAME_MAX = 255,
	BLOCK_PARTS = 64,	/* of a body that has several blocks */
	STORE_ID_LEN = 32,	/* hex digits */
};

const char *table_name(enum table t);

/* Names of our own values in meta. */
#define META_FORMAT "format"
#define META_ID "id"
#define META_CREATED "created_ns"
#define META_PART_BYTES "part_bytes"

void body_key_put(uint8_t key[BODY_KEY_LEN], uint64_t seq, enum side side,
    uint32_t part);
void pack_key_put(uint8_t key[BODY_KEY_LEN], uint64_t seq);

/* The first value of a squeezed block; those behind it count up. */
void squeezed_key_put(uint8_t key[BODY_KEY_LEN], uint64_t seq, enum side side,
    uint32_t block);
void squeezed_pack_key_put(uint8_t key[BODY_KEY_LEN], uint64_t seq);

/* The seq in front of a key of exchange, body, open or gap.  false: p is not
 * key_len bytes long. */
bool seq_key_get(const void *p, size_t n, size_t key_len, uint64_t *seq);

/* Appends the value of a gap row: n exchanges are lost, n > 0. */
void gap_encode(struct bytes *b, uint64_t n, struct slice why);

/* 0, or -1: not a gap that can begin at seq.  *why points into p. */
int gap_decode(const void *p, size_t len, uint64_t seq, uint64_t *n,
    struct slice *why);

#endif
