#include "store/json.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "store/json_keep.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* What comes next.  From VALUE to LAST_BETWEEN white space may stand in front. */
enum state {
	START,		/* of the text: a BOM may come */
	VALUE,
	VALUE_OR_END,	/* behind '[' */
	KEY_OR_END,	/* behind '{' */
	KEY,		/* behind ',' in an object */
	COLON,
	AFTER,		/* a value: ',' or the container's end */
	DONE,
	LAST_BETWEEN = DONE,
	BOM2,
	BOM3,
	STRING,
	ESCAPE,
	HEX,
	LITERAL,
	NUM_MINUS,
	NUM_ZERO,
	NUM_INT,
	NUM_DOT,
	NUM_FRAC,
	NUM_E,
	NUM_E_SIGN,
	NUM_EXP,
	BAD,
};

/* Depth counts open containers: the keys of the outermost object have depth 1. */
struct json_scan {
	enum state state;
	unsigned depth;
	const char *literal;	/* what must still come of "true" .. */
	uint16_t code;		/* of a \u escape */
	uint8_t n_hex;
	bool in_key;		/* the string is a key */
	uint64_t is_object[JSON_DEPTH_MAX / 64];	/* by depth - 1 */
	struct json_keep keep;	/* last: ends in an array */
};

struct json_scan *
json_scan_new(const struct json_want *want, size_t n)
{
	struct json_scan *s;

	assert(n <= JSON_WANT_MAX);
	s = calloc(1, sizeof(*s) + n * sizeof(s->keep.w[0]));
	if (s)
		json_keep_init(&s->keep, want, n);
	return s;
}

void
json_scan_free(struct json_scan *s)
{
	if (s)
		json_keep_fini(&s->keep);
	free(s);
}

void
json_scan_reset(struct json_scan *s)
{
	s->state = START;
	s->depth = 0;
	s->in_key = false;
	json_keep_reset(&s->keep);
}

/* The value that began at the current depth ends before p. */
static void
end_value(struct json_scan *s, const uint8_t *p)
{
	s->state = s->depth ? AFTER : DONE;
	if (s->keep.open)
		json_keep_end(&s->keep, s->depth, p);
}

static bool
in_object(const struct json_scan *s)
{
	unsigned i = s->depth - 1;

	return s->depth > 0 && (s->is_object[i / 64] >> (i % 64) & 1);
}

static bool
open_container(struct json_scan *s, bool object)
{
	unsigned i = s->depth;
	uint64_t bit = (uint64_t)1 << (i % 64);

	if (i == JSON_DEPTH_MAX)
		return false;
	s->depth++;
	if (object)
		s->is_object[i / 64] |= bit;
	else
		s->is_object[i / 64] &= ~bit;
	json_keep_enter(&s->keep, s->depth, object);
	s->state = object ? KEY_OR_END : VALUE_OR_END;
	return true;
}

static const uint8_t *
close_container(struct json_scan *s, const uint8_t *p, bool object)
{
	if (s->depth == 0 || in_object(s) != object)
		return NULL;
	s->depth--;
	end_value(s, p + 1);
	return p + 1;
}

static const uint64_t ones = 0x0101010101010101;

/* High bits set where a byte of x is zero, and perhaps above such a byte. */
static uint64_t
zeros(uint64_t x)
{
	return (x - ones) & ~x & (ones << 7);
}

static bool
is_plain(uint8_t c)
{
	return c >= 0x20 && c != '"' && c != '\\';
}

/* The first byte in [p, end) that is not plain text of a string. */
static const uint8_t *
skip_plain(const uint8_t *p, const uint8_t *end)
{
#ifdef __SSE2__
	const __m128i quote = _mm_set1_epi8('"'), slash = _mm_set1_epi8('\\');
	const __m128i control = _mm_set1_epi8(0x1f);

	for (; end - p >= 16; p += 16) {
		__m128i x = _mm_loadu_si128((const __m128i *)p);
		__m128i bad = _mm_or_si128(_mm_or_si128(
		    _mm_cmpeq_epi8(x, quote), _mm_cmpeq_epi8(x, slash)),
		    _mm_cmpeq_epi8(_mm_min_epu8(x, control), x));
		unsigned at = (unsigned)_mm_movemask_epi8(bad);

		if (at)
			return p + __builtin_ctz(at);
	}
#endif
	for (; end - p >= 8; p += 8) {
		uint64_t x;

		memcpy(&x, p, 8);
		if (zeros(x ^ ones * '"') | zeros(x ^ ones * '\\') |
		    ((x - ones * 0x20) & ~x & (ones << 7)))
			break;
	}
	while (p < end && is_plain(*p))
		p++;
	return p;
}

static void
end_key(struct json_scan *s)
{
	s->in_key = false;
	s->state = COLON;
	json_keep_key_end(&s->keep, s->depth);
}

static const uint8_t *
in_string(struct json_scan *s, const uint8_t *p, const uint8_t *end)
{
	const uint8_t *q = skip_plain(p, end);

	if (s->in_key)
		json_keep_key(&s->keep, p, (size_t)(q - p));
	if (q == end)
		return q;
	if (*q == '\\')
		s->state = ESCAPE;
	else if (*q != '"')
		return NULL;
	else if (s->in_key)
		end_key(s);
	else
		end_value(s, q + 1);
	return q + 1;
}

static const uint8_t *
in_escape(struct json_scan *s, const uint8_t *p)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	const char *at;

	if (*p == 'u') {
		s->state = HEX;
		s->n_hex = 0;
		s->code = 0;
		return p + 1;
	}
	at = memchr(from, *p, sizeof(from) - 1);
	if (!at)
		return NULL;
	if (s->in_key)
		json_keep_key(&s->keep, to + (at - from), 1);
	s->state = STRING;
	return p + 1;
}

static const uint8_t *
in_hex(struct json_scan *s, const uint8_t *p)
{
	uint8_t c = *p | 0x20, ascii;

	if (*p >= '0' && *p <= '9')
		c = *p - '0';
	else if (c >= 'a' && c <= 'f')
		c = (uint8_t)(c - 'a' + 10);
	else
		return NULL;
	s->code = (uint16_t)(s->code << 4 | c);
	if (++s->n_hex < 4)
		return p + 1;
	ascii = (uint8_t)s->code;
	if (s->in_key && s->code < 0x80)
		json_keep_key(&s->keep, &ascii, 1);
	else if (s->in_key)
		json_keep_key_odd(&s->keep);
	s->state = STRING;
	return p + 1;
}

static bool
is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

static bool
may_end_number(enum state state)
{
	return state == NUM_ZERO || state == NUM_INT || state == NUM_FRAC ||
	    state == NUM_EXP;
}

/* The state behind byte c of a number, or BAD: c is not part of it. */
static enum state
after_digit(enum state state, uint8_t c)
{
	bool has_int = state == NUM_ZERO || state == NUM_INT;
	bool e = (c | 0x20) == 'e';

	if (is_digit(c)) {
		switch (state) {
		case NUM_MINUS:
			return c == '0' ? NUM_ZERO : NUM_INT;
		case NUM_ZERO:
			return BAD;
		case NUM_DOT:
			return NUM_FRAC;
		case NUM_E:
		case NUM_E_SIGN:
			return NUM_EXP;
		default:
			return state;
		}
	}
	if (c == '.' && has_int)
		return NUM_DOT;
	if (e && (has_int || state == NUM_FRAC))
		return NUM_E;
	if ((c == '+' || c == '-') && state == NUM_E)
		return NUM_E_SIGN;
	return BAD;
}

static const uint8_t *
in_number(struct json_scan *s, const uint8_t *p, const uint8_t *end)
{
	for (; p < end; p++) {
		enum state next;

		if (s->state == NUM_INT || s->state == NUM_FRAC)
			while (p < end && is_digit(*p))
				p++;
		if (p == end)
			return p;
		next = after_digit(s->state, *p);
		if (next == BAD)
			break;
		s->state = next;
	}
	if (p < end && !may_end_number(s->state))
		return NULL;
	if (p < end)
		end_value(s, p);
	return p;
}

static const uint8_t *
in_literal(struct json_scan *s, const uint8_t *p, const uint8_t *end)
{
	for (; p < end && *s->literal; p++)
		if (*p != (uint8_t)*s->literal++)
			return NULL;
	if (*s->literal == '\0')
		end_value(s, p);
	return p;
}

static const uint8_t *
on_value(struct json_scan *s, const uint8_t *p)
{
	if (s->keep.match)
		json_keep_begin(&s->keep, s->depth, p);
	s->state = LITERAL;
	switch (*p) {
	case '{':
	case '[':
		return open_container(s, *p == '{') ? p + 1 : NULL;
	case 't':
		s->literal = "rue";
		break;
	case 'f':
		s->literal = "alse";
		break;
	case 'n':
		s->literal = "ull";
		break;
	case '"':
		s->state = STRING;
		break;
	case '-':
		s->state = NUM_MINUS;
		break;
	default:
		if (!is_digit(*p))
			return NULL;
		s->state = *p == '0' ? NUM_ZERO : NUM_INT;
	}
	s->keep.match = 0;
	return p + 1;
}

static const uint8_t *
on_key(struct json_scan *s, const uint8_t *p)
{
	if (*p != '"')
		return NULL;
	json_keep_key_begin(&s->keep, s->depth);
	s->in_key = true;
	s->state = STRING;
	return p + 1;
}

static const uint8_t *
after_value(struct json_scan *s, const uint8_t *p)
{
	if (*p == ',') {
		s->state = in_object(s) ? KEY : VALUE;
		return p + 1;
	}
	if (*p == '}' || *p == ']')
		return close_container(s, p, *p == '}');
	return NULL;
}

static bool
is_space(uint8_t c)
{
	return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

/* p is no white space. */
static const uint8_t *
between(struct json_scan *s, const uint8_t *p)
{
	switch (s->state) {
	case VALUE_OR_END:
		if (*p == ']')
			return close_container(s, p, false);
		return on_value(s, p);
	case VALUE:
		return on_value(s, p);
	case KEY_OR_END:
		if (*p == '}')
			return close_container(s, p, true);
		return on_key(s, p);
	case KEY:
		return on_key(s, p);
	case COLON:
		s->state = VALUE;
		return *p == ':' ? p + 1 : NULL;
	case AFTER:
		return after_value(s, p);
	default:
		return NULL;	/* DONE: a second value */
	}
}

static const uint8_t *
step(struct json_scan *s, const uint8_t *p, const uint8_t *end)
{
	switch (s->state) {
	case START:
		s->state = *p == 0xef ? BOM2 : VALUE;
		return *p == 0xef ? p + 1 : p;
	case STRING:
		return in_string(s, p, end);
	case ESCAPE:
		return in_escape(s, p);
	case HEX:
		return in_hex(s, p);
	case LITERAL:
		return in_literal(s, p, end);
	case BOM2:
		s->state = BOM3;
		return *p == 0xbb ? p + 1 : NULL;
	case BOM3:
		s->state = VALUE;
		return *p == 0xbf ? p + 1 : NULL;
	case BAD:
		return NULL;
	default:
		break;
	}
	if (s->state > LAST_BETWEEN)
		return in_number(s, p, end);
	while (p < end && is_space(*p))
		p++;
	return p < end ? between(s, p) : p;
}

int
json_scan_feed(struct json_scan *s, const void *data, size_t n)
{
	const uint8_t *p = data, *end;

	if (n == 0)
		return s->state == BAD ? -1 : 0;
	end = p + n;
	json_keep_piece(&s->keep, p);
	while (p < end) {
		p = step(s, p, end);
		if (!p) {
			s->state = BAD;
			return -1;
		}
	}
	json_keep_piece_end(&s->keep, end);
	return s->state == BAD ? -1 : 0;
}

int
json_scan_end(const struct json_scan *s)
{
	if (s->depth == 0 && may_end_number(s->state))
		return 0;
	return s->state == DONE ? 0 : -1;
}

struct slice
json_scan_raw(const struct json_scan *s, size_t i)
{
	const struct json_kept *w = &s->keep.w[i];

	if (i >= s->keep.n || !w->ended || w->over)
		return (struct slice){ NULL, 0 };
	return (struct slice){ w->p, w->len };
}

bool
json_scan_over(const struct json_scan *s, size_t i)
{
	return i < s->keep.n && s->keep.w[i].ended && s->keep.w[i].over;
}

bool
json_valid(struct slice raw)
{
	struct json_scan s = { 0 };

	return json_scan_feed(&s, raw.p, raw.len) == 0 && json_scan_end(&s) == 0;
}
