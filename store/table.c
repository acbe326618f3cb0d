#include "store/table.h"

#include <assert.h>

enum { GAP_VERSION = 1 };
enum {
	SQUEEZED_SIDE = 64,	/* and the side's number */
	SQUEEZED_PACK = 254,
	PACK_SIDE = 255,	/* behind all sides, so that packs go in by append */
};

_Static_assert((int)SIDE_N <= (int)SQUEEZED_SIDE &&
    (int)SQUEEZED_SIDE + (int)SIDE_N <= (int)SQUEEZED_PACK, "sides and packs differ");

static const char *const names[TABLE_N] = {
	[TABLE_META] = "meta",
	[TABLE_EXCHANGE] = "exchange",
	[TABLE_BODY] = "body",
	[TABLE_OPEN] = "open",
	[TABLE_GAP] = "gap",
	[TABLE_TRACE] = "trace",
	[TABLE_SPAN] = "span",
	[TABLE_SPANID] = "spanid",
	[TABLE_RESPONSE] = "response",
	[TABLE_BY_RESPONSE] = "by_response",
};

const char *
table_name(enum table t)
{
	assert((unsigned)t < TABLE_N);
	return names[t];
}

void
body_key_put(uint8_t key[BODY_KEY_LEN], uint64_t seq, enum side side,
    uint32_t part)
{
	assert((unsigned)side < SIDE_N);
	be64_put(key, seq);
	key[8] = (uint8_t)side;
	be32_put(key + 9, part);
}

void
pack_key_put(uint8_t key[BODY_KEY_LEN], uint64_t seq)
{
	be64_put(key, seq);
	key[8] = PACK_SIDE;
	be32_put(key + 9, 0);
}

void
squeezed_key_put(uint8_t key[BODY_KEY_LEN], uint64_t seq, enum side side,
    uint32_t block)
{
	assert((unsigned)side < SIDE_N && block <= UINT16_MAX);
	be64_put(key, seq);
	key[8] = (uint8_t)(SQUEEZED_SIDE + side);
	be32_put(key + 9, block << 16);
}

void
squeezed_pack_key_put(uint8_t key[BODY_KEY_LEN], uint64_t seq)
{
	pack_key_put(key, seq);
	key[8] = SQUEEZED_PACK;
}

bool
seq_key_get(const void *p, size_t n, size_t key_len, uint64_t *seq)
{
	if (n != key_len)
		return false;
	*seq = be64_get(p);
	return true;
}

void
gap_encode(struct bytes *b, uint64_t n, struct slice why)
{
	assert(n > 0);
	bytes_put_varint(b, GAP_VERSION);
	bytes_put_varint(b, n);
	bytes_put_varint(b, why.len);
	bytes_put_slice(b, why);
}

int
gap_decode(const void *p, size_t len, uint64_t seq, uint64_t *n,
    struct slice *why)
{
	struct cursor c = { p, len, false };
	uint64_t version = cursor_varint(&c);
	uint64_t why_len;

	*n = cursor_varint(&c);
	why_len = cursor_varint(&c);
	if (c.failed || version != GAP_VERSION || why_len != c.len)
		return -1;
	if (*n == 0 || *n - 1 > UINT64_MAX - seq)
		return -1;
	*why = cursor_take(&c, c.len);
	return 0;
}
