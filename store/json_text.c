#include "store/json.h"

#include <string.h>

enum { REPLACEMENT = 0xfffd };

/* The character at p, in *used bytes; invalid bytes give REPLACEMENT, as many at
 * once as began a valid character (Unicode 3.9, best practice). */
static uint32_t
utf8_get(const uint8_t *p, const uint8_t *end, size_t *used)
{
	unsigned more = *p < 0xc2 ? 0 : *p < 0xe0 ? 1 : *p < 0xf0 ? 2 :
	    *p < 0xf5 ? 3 : 0;
	uint8_t low = 0x80, high = 0xbf;
	uint32_t c = *p;

	*used = 1;
	if (c < 0x80)
		return c;
	if (more == 0)
		return REPLACEMENT;
	if (*p == 0xe0)
		low = 0xa0;	/* overlong */
	else if (*p == 0xed)
		high = 0x9f;	/* surrogates */
	else if (*p == 0xf0)
		low = 0x90;
	else if (*p == 0xf4)
		high = 0x8f;	/* past U+10FFFF */
	c &= 0x3fu >> more;
	for (unsigned i = 1; i <= more; i++) {
		if (p + i == end || p[i] < low || p[i] > high)
			return REPLACEMENT;
		c = c << 6 | (p[i] & 0x3f);
		low = 0x80;
		high = 0xbf;
		*used = i + 1;
	}
	return c;
}

static void
utf8_put(struct bytes *out, uint32_t c)
{
	uint8_t b[4];
	unsigned n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
	static const uint8_t lead[] = { 0, 0, 0xc0, 0xe0, 0xf0 };

	for (unsigned i = n - 1; i > 0; i--, c >>= 6)
		b[i] = (uint8_t)(0x80 | (c & 0x3f));
	b[0] = (uint8_t)(lead[n] | c);
	bytes_put(out, b, n);
}

static int
hex4(const uint8_t *p, const uint8_t *end)
{
	int v = 0;

	if (end - p < 4)
		return -1;
	for (unsigned i = 0; i < 4; i++) {
		uint8_t c = p[i] | 0x20;

		if (p[i] >= '0' && p[i] <= '9')
			v = v << 4 | (p[i] - '0');
		else if (c >= 'a' && c <= 'f')
			v = v << 4 | (c - 'a' + 10);
		else
			return -1;
	}
	return v;
}

/* A \u escape, p behind the 'u'; a pair of surrogates is one character. */
static const uint8_t *
put_unicode(struct bytes *out, const uint8_t *p, const uint8_t *end)
{
	int v = hex4(p, end), low;

	if (v < 0)
		return NULL;
	p += 4;
	if (v >= 0xd800 && v < 0xdc00 && end - p >= 6 && p[0] == '\\' &&
	    p[1] == 'u' && (low = hex4(p + 2, end)) >= 0xdc00 && low < 0xe000) {
		utf8_put(out, 0x10000 + ((uint32_t)(v - 0xd800) << 10 |
		    (uint32_t)(low - 0xdc00)));
		return p + 6;
	}
	utf8_put(out, v >= 0xd800 && v < 0xe000 ? REPLACEMENT : (uint32_t)v);
	return p;
}

/* An escape, p behind the backslash; NULL: there is no such escape. */
static const uint8_t *
put_escape(struct bytes *out, const uint8_t *p, const uint8_t *end)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	const char *at;

	if (p == end)
		return NULL;
	if (*p == 'u')
		return put_unicode(out, p + 1, end);
	at = memchr(from, *p, sizeof(from) - 1);
	if (!at)
		return NULL;
	bytes_putc(out, to[at - from]);
	return p + 1;
}

static bool
is_plain(uint8_t c)
{
	return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

bool
json_text(struct slice raw, struct bytes *out)
{
	size_t before = out->len, used;
	const uint8_t *p, *end;

	if (!json_is_string(raw))
		return false;
	p = (const uint8_t *)raw.p + 1;
	end = p + raw.len - 2;
	while (p && p < end) {
		const uint8_t *from = p;

		while (p < end && is_plain(*p))
			p++;
		bytes_put(out, from, (size_t)(p - from));
		if (p == end)
			break;
		if (*p == '\\') {
			p = put_escape(out, p + 1, end);
		} else if (*p == '"' || *p < 0x20) {
			p = NULL;
		} else {
			utf8_put(out, utf8_get(p, end, &used));
			p += used;
		}
	}
	if (!p)
		out->len = before;
	return p != NULL;
}

static void
put_escaped(struct bytes *out, uint32_t c)
{
	static const char from[] = "\"\\\b\f\n\r\t", to[] = "\"\\bfnrt";
	const char *at = c < 0x80 ? memchr(from, (int)c, sizeof(from) - 1) : NULL;

	if (at)
		bytes_printf(out, "\\%c", to[at - from]);
	else if (c < 0x20 || (c >= 0x7f && c <= 0x9f) || c == 0x2028 || c == 0x2029)
		bytes_printf(out, "\\u%04x", (unsigned)c);
	else
		utf8_put(out, c);
}

void
json_put_string(struct bytes *out, struct slice s)
{
	const uint8_t *p = (const uint8_t *)(s.p ? s.p : ""), *end = p + s.len;
	size_t used;

	bytes_putc(out, '"');
	while (p < end) {
		const uint8_t *from = p;

		while (p < end && is_plain(*p))
			p++;
		bytes_put(out, from, (size_t)(p - from));
		if (p == end)
			break;
		put_escaped(out, utf8_get(p, end, &used));
		p += used;
	}
	bytes_putc(out, '"');
}

/* Indenting is only done to text that is valid, so nothing is checked here. */
static void
new_line(struct bytes *out, unsigned depth, unsigned indent)
{
	size_t n = depth < JSON_INDENT_MAX ? depth : JSON_INDENT_MAX;
	uint8_t *to;

	n *= indent;
	bytes_putc(out, '\n');
	if (n > 0 && (to = bytes_reserve(out, n))) {
		memset(to, ' ', n);
		out->len += n;
	}
}

static bool
is_space(char c)
{
	return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

static const char *
skip_space(const char *p, const char *end)
{
	while (p < end && is_space(*p))
		p++;
	return p;
}

/* Behind the string or the scalar at p. */
static const char *
skip_scalar(const char *p, const char *end)
{
	if (*p != '"') {
		while (p < end && !is_space(*p) && !memchr(",:]}", *p, 4))
			p++;
		return p;
	}
	for (p++; *p != '"'; p++)
		if (*p == '\\')
			p++;
	return p + 1;
}

static const char *
put_token(struct bytes *out, const char *p, const char *end, unsigned *depth,
    unsigned indent)
{
	const char *next = p + 1;

	switch (*p) {
	case '{':
	case '[':
		bytes_putc(out, *p);
		next = skip_space(next, end);
		if (*next == '}' || *next == ']') {
			bytes_putc(out, *next);
			return next + 1;
		}
		new_line(out, ++*depth, indent);
		return next;
	case '}':
	case ']':
		new_line(out, --*depth, indent);
		bytes_putc(out, *p);
		return next;
	case ',':
		bytes_putc(out, ',');
		new_line(out, *depth, indent);
		return next;
	case ':':
		bytes_puts(out, ": ");
		return next;
	default:
		next = skip_scalar(p, end);
		bytes_put(out, p, (size_t)(next - p));
		return next;
	}
}

bool
json_pretty(struct slice raw, unsigned indent, struct bytes *out)
{
	const char *p = raw.p, *end;
	unsigned depth = 0;

	if (!json_valid(raw)) {
		bytes_put_slice(out, raw);
		return false;
	}
	end = p + raw.len;
	if (*p == '\xef') {
		bytes_put(out, p, 3);	/* a byte order mark */
		p += 3;
	}
	while ((p = skip_space(p, end)) < end)
		p = put_token(out, p, end, &depth, indent);
	return true;
}
