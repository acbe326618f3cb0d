#include "store/record.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

enum { HEAD_LEN = 5 };		/* version and length */

enum type {
	TYPE_INT,		/* int64_t, -1: missing */
	TYPE_ENUM,		/* 0: absent */
	TYPE_FLAGS,		/* uint32_t, 0: absent */
	TYPE_TEXT,		/* struct slice */
	TYPE_HASH,		/* of the struct message at off */
};

/* One row per field, in tag order; the numbers are on disk. */
struct field {
	uint8_t tag;
	uint8_t type;
	uint8_t limit;		/* of an enum */
	uint16_t off;		/* in struct exchange */
};

#define AT(name) offsetof(struct exchange, name)
#define INT(tag, name) { tag, TYPE_INT, 0, AT(name) }
#define TEXT(tag, name) { tag, TYPE_TEXT, 0, AT(name) }
#define ENUM(tag, name, n) { tag, TYPE_ENUM, n, AT(name) }
#define MESSAGE(tag, name) \
	INT((tag), name.head_bytes), \
	INT((tag) + 1, name.body_bytes), \
	INT((tag) + 2, name.sent_bytes), \
	INT((tag) + 3, name.kept_bytes), \
	INT((tag) + 4, name.decoded_bytes), \
	{ (tag) + 5, TYPE_HASH, 0, AT(name) }, \
	TEXT((tag) + 6, name.type), \
	TEXT((tag) + 7, name.encoding)

static const struct field fields[] = {
	INT(1, time_ns),
	ENUM(2, mode, MODE_N),
	ENUM(3, outcome, OUTCOME_N),
	ENUM(4, endpoint, ENDPOINT_N),
	{ 5, TYPE_FLAGS, 0, AT(flags) },
	INT(6, status),
	TEXT(7, reason),
	TEXT(8, client),
	TEXT(9, label),
	TEXT(10, method),
	TEXT(11, scheme),
	TEXT(12, host),
	TEXT(13, path),
	TEXT(14, tls_client),
	TEXT(15, tls_upstream),
	TEXT(16, key_hash),
	MESSAGE(20, request),
	MESSAGE(30, response),
	INT(40, timing.request_end),
	INT(41, timing.dns),
	INT(42, timing.connect),
	INT(43, timing.tls),
	INT(44, timing.sent_first),
	INT(45, timing.sent_last),
	INT(46, timing.first_byte),
	INT(47, timing.first_token),
	INT(48, timing.end),
	INT(49, timing.upstream_ms),
	INT(50, usage.input),
	INT(51, usage.cached),
	INT(52, usage.cache_write),
	INT(53, usage.output),
	INT(54, usage.reasoning),
	INT(55, usage.total),
	TEXT(56, usage_json),
	TEXT(57, tool_usage_json),
	TEXT(60, model),
	TEXT(61, model_asked),
	TEXT(62, response_id),
	TEXT(63, previous_response_id),
	TEXT(64, conversation),
	TEXT(65, api_status),
	TEXT(66, incomplete_reason),
	TEXT(67, service_tier),
	TEXT(68, error_code),
	TEXT(69, error_type),
	TEXT(70, error_message),
	TEXT(71, request_id),
	TEXT(72, sdk_lang),
	TEXT(73, sdk_version),
	TEXT(74, user_agent),
	INT(75, retry_count),
	INT(76, items.traces),
	INT(77, items.spans),
	INT(78, items.odd),
	TEXT(80, ratelimit[RATELIMIT_LIMIT_REQUESTS]),
	TEXT(81, ratelimit[RATELIMIT_REMAINING_REQUESTS]),
	TEXT(82, ratelimit[RATELIMIT_RESET_REQUESTS]),
	TEXT(83, ratelimit[RATELIMIT_LIMIT_TOKENS]),
	TEXT(84, ratelimit[RATELIMIT_REMAINING_TOKENS]),
	TEXT(85, ratelimit[RATELIMIT_RESET_TOKENS]),
	INT(90, request.squeezed_bytes),
	INT(91, request.prefix),
	INT(92, response.squeezed_bytes),
	INT(93, response.prefix),
};

enum { FIELDS_N = sizeof(fields) / sizeof(fields[0]) };

_Static_assert(sizeof(enum mode) == sizeof(unsigned) &&
    sizeof(enum outcome) == sizeof(unsigned) &&
    sizeof(enum endpoint) == sizeof(unsigned), "enums are read as unsigned");

/* A varint field: tag, the length of the varint, the varint. */
static void
put_number(struct bytes *b, uint8_t tag, uint64_t v)
{
	uint8_t *p = bytes_reserve(b, 12);
	size_t n = 2;

	if (!p)
		return;
	for (; v >= 0x80; v >>= 7)
		p[n++] = (uint8_t)(v | 0x80);
	p[n++] = (uint8_t)v;
	p[0] = tag;
	p[1] = (uint8_t)(n - 2);
	b->len += n;
}

static void
put_bytes(struct bytes *b, uint8_t tag, const void *p, size_t n)
{
	bytes_putc(b, tag);
	bytes_put_varint(b, n);
	bytes_put(b, p, n);
}

static void
put_field(struct bytes *b, const struct field *f, const void *at)
{
	const struct message *m = at;
	const struct slice *s = at;

	switch ((enum type)f->type) {
	case TYPE_INT:
		if (*(const int64_t *)at != -1)
			put_number(b, f->tag, (uint64_t)*(const int64_t *)at);
		break;
	case TYPE_ENUM:
	case TYPE_FLAGS:
		if (*(const uint32_t *)at != 0)
			put_number(b, f->tag, *(const uint32_t *)at);
		break;
	case TYPE_TEXT:
		if (s->p)
			put_bytes(b, f->tag, s->p, s->len);
		break;
	case TYPE_HASH:
		if (m->has_sha256)
			put_bytes(b, f->tag, m->sha256, sizeof(m->sha256));
		break;
	}
}

void
record_encode(struct bytes *b, const struct exchange *x)
{
	size_t begin = b->len, len;

	assert((unsigned)x->mode < MODE_N && (unsigned)x->outcome < OUTCOME_N &&
	    (unsigned)x->endpoint < ENDPOINT_N);
	bytes_putc(b, RECORD_VERSION);
	bytes_put_u32(b, 0);	/* the length, once it is known */
	for (size_t i = 0; i < FIELDS_N; i++)
		put_field(b, &fields[i], (const char *)x + fields[i].off);
	if (b->failed)
		return;
	len = b->len - begin - HEAD_LEN;
	if (len > UINT32_MAX) {
		b->failed = true;
		return;
	}
	for (unsigned i = 0; i < 4; i++)
		b->p[begin + 1 + i] = (uint8_t)(len >> (8 * i));
}

/* The varint that fills s exactly; false: it does not. */
static bool
get_number(struct slice s, uint64_t *v)
{
	struct cursor c = { (const uint8_t *)s.p, s.len, false };

	*v = cursor_varint(&c);
	return !c.failed && c.len == 0;
}

static bool
get_field(const struct field *f, void *at, struct slice s)
{
	struct message *m = at;
	uint64_t v = 0;

	if (f->type <= TYPE_FLAGS && !get_number(s, &v))
		return false;
	switch ((enum type)f->type) {
	case TYPE_INT:
		*(int64_t *)at = (int64_t)v;
		return true;
	case TYPE_ENUM:
		*(uint32_t *)at = (uint32_t)v;
		return v < f->limit;
	case TYPE_FLAGS:
		*(uint32_t *)at = (uint32_t)v;
		return v <= UINT32_MAX;
	case TYPE_TEXT:
		*(struct slice *)at = s;
		return true;
	case TYPE_HASH:
		if (s.len != sizeof(m->sha256))
			return false;
		memcpy(m->sha256, s.p, s.len);
		m->has_sha256 = true;
		return true;
	}
	return false;
}

static bool
get_fields(struct exchange *x, struct cursor *c)
{
	size_t next = 0;	/* in fields; both sides rise */
	uint64_t last = 0;

	while (c->len > 0) {
		uint64_t tag = cursor_varint(c);
		uint64_t len = cursor_varint(c);
		struct slice s;

		if (c->failed || tag <= last || len > c->len)
			return false;
		last = tag;
		s = cursor_take(c, (size_t)len);
		while (next < FIELDS_N && fields[next].tag < tag)
			next++;
		if (next == FIELDS_N || fields[next].tag != tag)
			continue;	/* newer than we are */
		if (!get_field(&fields[next], (char *)x + fields[next].off, s))
			return false;
	}
	return true;
}

int
record_decode(struct exchange *x, const void *p, size_t n)
{
	struct cursor c = { p, n, false };
	uint64_t version = cursor_varint(&c);
	uint32_t len = cursor_u32(&c);

	exchange_init(x);
	if (c.failed || version != RECORD_VERSION || len != c.len)
		return -1;
	if (get_fields(x, &c))
		return 0;
	exchange_init(x);	/* nobody uses half a record by mistake */
	return -1;
}
