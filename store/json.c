#include "store/json.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* Without parent links jsmn is quadratic in arrays of objects. */
#define JSMN_PARENT_LINKS
#define JSMN_STRICT
#define JSMN_STATIC
#include <jsmn.h>

enum { TOKENS_MAX = 4096, TOKENS_ON_STACK = 128 };

static const struct slice missing = { NULL, 0 };

static struct slice
trim(struct slice raw)
{
	while (raw.len > 0 && strchr(" \t\r\n", raw.p[0]) && raw.p[0]) {
		raw.p++;
		raw.len--;
	}
	while (raw.len > 0 && strchr(" \t\r\n", raw.p[raw.len - 1]) &&
	    raw.p[raw.len - 1])
		raw.len--;
	return raw;
}

bool
json_is_string(struct slice raw)
{
	return raw.len >= 2 && raw.p[0] == '"' && raw.p[raw.len - 1] == '"';
}

bool
json_is_null(struct slice raw)
{
	return !raw.p || slice_eq(raw, SLICE("null"));
}

/* jsmn ends strings inside their quotes; we hand out raw values. */
static struct slice
token_raw(struct slice text, const jsmntok_t *t)
{
	int quote = t->type == JSMN_STRING;

	return (struct slice){ text.p + t->start - quote,
	    (size_t)(t->end - t->start) + 2 * (size_t)quote };
}

static bool
key_is(struct slice text, const jsmntok_t *t, struct slice key)
{
	struct slice raw = token_raw(text, t);
	struct bytes plain = { 0 };
	bool is;

	if (!memchr(raw.p, '\\', raw.len))
		return slice_eq((struct slice){ raw.p + 1, raw.len - 2 }, key);
	is = json_text(raw, &plain) && slice_eq(bytes_slice(&plain), key);
	bytes_fini(&plain);
	return is;
}

/* The value of key in the object t[at], the last one if there are several; 0
 * when there is none: t[0] is nobody's value. */
static int
find(struct slice text, const jsmntok_t *t, int n, int at, struct slice key)
{
	int found = 0;

	if (t[at].type != JSMN_OBJECT)
		return 0;
	for (int i = at + 1; i + 1 < n && t[i].start < t[at].end; i++)
		if (t[i].parent == at && key_is(text, &t[i], key))
			found = i + 1;
	return found;
}

static struct slice
walk(struct slice text, const jsmntok_t *t, int n, const char *path)
{
	int at = 0;

	for (;;) {
		size_t len = strcspn(path, ".");

		at = find(text, t, n, at, (struct slice){ path, len });
		if (at == 0)
			return missing;
		if (path[len] == '\0')
			return token_raw(text, &t[at]);
		path += len + 1;
	}
}

/* jsmn only finds where things are: it takes much for JSON that is none, so the
 * scanner looks first, and what jsmn sees is valid. */
struct slice
json_get(struct slice raw, const char *path)
{
	jsmntok_t few[TOKENS_ON_STACK], *t = few;
	struct slice found = missing;
	jsmn_parser parser;
	int n;

	raw = trim(raw);
	if (raw.len == 0 || raw.len > INT_MAX || raw.p[0] != '{' ||
	    !json_valid(raw))
		return missing;
	jsmn_init(&parser);
	n = jsmn_parse(&parser, raw.p, raw.len, NULL, 0);
	if (n <= 0 || n > TOKENS_MAX)
		return missing;
	if (n > TOKENS_ON_STACK && !(t = malloc((size_t)n * sizeof(*t))))
		return missing;
	jsmn_init(&parser);
	if (jsmn_parse(&parser, raw.p, raw.len, t, (unsigned)n) == n)
		found = walk(raw, t, n, path);
	if (t != few)
		free(t);
	return found;
}

/* Goes on with *v as if n zeros and the digit were written behind it. */
static bool
add_digit(uint64_t *v, uint64_t n, unsigned digit)
{
	for (uint64_t i = 0; i <= n; i++)
		if (__builtin_mul_overflow(*v, (uint64_t)10, v))
			return false;
	return !__builtin_add_overflow(*v, (uint64_t)digit, v);
}

/* The exponent behind an 'e', held at a bound that no text's length reaches. */
static int64_t
exponent(const char *p, const char *end)
{
	const int64_t bound = INT64_MAX / 4;
	bool negative = *p == '-';
	int64_t v = 0;

	for (p += *p == '-' || *p == '+'; p < end; p++)
		v = v > bound / 10 - 1 ? bound : v * 10 + (*p - '0');
	return negative ? -v : v;
}

/* Reads digits and point up to the exponent or the end: *v without zeros at its
 * end, times a power of ten.  false: more digits than an integer has. */
static bool
read_digits(const char **at, const char *end, uint64_t *v, int64_t *power)
{
	uint64_t zeros = 0;
	bool point = false;
	const char *p = *at;

	*v = 0;
	*power = 0;
	for (; p < end && (*p | 0x20) != 'e'; p++) {
		if (*p == '.') {
			point = true;
			continue;
		}
		*power -= point;
		if (*p == '0') {
			zeros += *v != 0;
			continue;
		}
		if (!add_digit(v, zeros, (unsigned)(*p - '0')))
			return false;
		zeros = 0;
	}
	*power += (int64_t)zeros;
	*at = p;
	return true;
}

bool
json_int(struct slice raw, int64_t *v)
{
	const char *p, *end;
	bool negative;
	int64_t power;
	uint64_t u;

	raw = trim(raw);
	if (raw.len == 0 || (raw.p[0] != '-' && (raw.p[0] < '0' || raw.p[0] > '9')) ||
	    !json_valid(raw))
		return false;
	end = raw.p + raw.len;
	negative = raw.p[0] == '-';
	p = raw.p + negative;
	if (!read_digits(&p, end, &u, &power))
		return false;
	if (p < end)
		power += exponent(p + 1, end);
	if (u > 0 && power < 0)
		return false;
	for (; u > 0 && power > 0; power--)
		if (__builtin_mul_overflow(u, (uint64_t)10, &u))
			return false;
	if (u > (uint64_t)INT64_MAX + negative)
		return false;
	*v = negative ? (int64_t)(0 - u) : (int64_t)u;
	return true;
}
