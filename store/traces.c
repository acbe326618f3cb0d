#include "store/traces.h"

#include <assert.h>
#include <string.h>

#include "store/sha256.h"

enum {
	ITEM_VERSION = 1,
	HASH_MARK = 0xff,		/* no byte of UTF-8 */
	HASH_DIGITS = 32,
	HEAD_MAX = ID_KEY_MAX - 1 - HASH_DIGITS,	/* in front of a hash */
	START_LEN = 8,
};

static const uint64_t no_start = UINT64_MAX;

static void
hex_put(uint8_t *to, const uint8_t *p, size_t n)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < n; i++) {
		*to++ = (uint8_t)digits[p[i] >> 4];
		*to++ = (uint8_t)digits[p[i] & 15];
	}
}

size_t
id_key_put(uint8_t key[ID_KEY_MAX], struct slice id)
{
	const char *zero = memchr(id.p, 0, id.len);
	size_t n = zero ? (size_t)(zero - id.p) : id.len;
	struct sha256 sha;
	uint8_t hash[32];

	assert(id.len > 0);
	if (!zero && n <= ID_KEY_MAX) {
		memcpy(key, id.p, n);
		return n;
	}
	if (n > HEAD_MAX)
		n = HEAD_MAX;
	memcpy(key, id.p, n);
	key[n] = HASH_MARK;
	sha256_init(&sha);
	sha256_add(&sha, id.p, id.len);
	sha256_end(&sha, hash);
	hex_put(key + n + 1, hash, HASH_DIGITS / 2);
	return n + 1 + HASH_DIGITS;
}

static uint64_t
start_number(int64_t start_ns)
{
	return start_ns < 0 ? no_start : (uint64_t)start_ns;
}

static bool
start_from(uint64_t v, int64_t *start_ns)
{
	*start_ns = v == no_start ? -1 : (int64_t)v;
	return v == no_start || v <= INT64_MAX;
}

size_t
span_key_put(uint8_t key[SPAN_KEY_MAX], struct slice trace, int64_t start_ns,
    struct slice span)
{
	uint8_t *p = key;

	assert(trace.len <= ID_KEY_MAX && span.len <= ID_KEY_MAX);
	memcpy(p, trace.p, trace.len);
	p += trace.len;
	*p++ = 0;
	be64_put(p, start_number(start_ns));
	p += START_LEN;
	memcpy(p, span.p, span.len);
	return trace.len + 1 + START_LEN + span.len;
}

size_t
spanid_key_put(uint8_t key[SPAN_KEY_MAX], struct slice span, struct slice trace)
{
	assert(trace.len <= ID_KEY_MAX && span.len <= ID_KEY_MAX);
	memcpy(key, span.p, span.len);
	key[span.len] = 0;
	memcpy(key + span.len + 1, trace.p, trace.len);
	return span.len + 1 + trace.len;
}

bool
span_key_get(const void *p, size_t n, size_t trace_len, int64_t *start_ns,
    struct slice *span)
{
	const size_t before = trace_len + 1 + START_LEN;
	const uint8_t *key = p;

	if (n <= before || n - before > ID_KEY_MAX || key[trace_len] != 0)
		return false;
	*span = (struct slice){ (const char *)key + before, n - before };
	return start_from(be64_get(key + trace_len + 1), start_ns);
}

void
start_put(uint8_t p[8], int64_t start_ns)
{
	uint64_t v = start_number(start_ns);

	for (int i = 0; i < START_LEN; i++)
		p[i] = (uint8_t)(v >> (8 * i));
}

bool
start_get(const void *p, size_t n, int64_t *start_ns)
{
	struct cursor c = { p, n, false };
	uint64_t v = cursor_u64(&c);

	return !c.failed && c.len == 0 && start_from(v, start_ns);
}

void
item_encode(struct bytes *b, const struct kept_item *k)
{
	bytes_put_varint(b, ITEM_VERSION);
	bytes_put_u64(b, k->first_seq);
	bytes_put_u64(b, k->last_seq);
	bytes_put_slice(b, k->raw);
}

int
item_decode(const void *p, size_t n, struct kept_item *k)
{
	struct cursor c = { p, n, false };
	uint64_t version = cursor_varint(&c);

	k->first_seq = cursor_u64(&c);
	k->last_seq = cursor_u64(&c);
	if (c.failed || version != ITEM_VERSION || k->first_seq > k->last_seq)
		return -1;
	k->raw = cursor_take(&c, c.len);
	return 0;
}

bool
item_says_more(struct slice a, struct slice b)
{
	if (a.len != b.len)
		return a.len > b.len;
	return a.len > 0 && memcmp(a.p, b.p, a.len) > 0;
}
