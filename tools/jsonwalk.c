#include "tools/jsonwalk.h"

#include <string.h>

#include "tools/utf8.h"

static const char *
skip_space(const char *p, const char *end)
{
	while (p < end && (*p == ' ' || *p == '\t' || *p == '\n' || *p == '\r'))
		p++;
	return p;
}

static bool
is_digit(const char *p, const char *end)
{
	return p < end && *p >= '0' && *p <= '9';
}

static bool
is_hex(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') ||
	    (c >= 'A' && c <= 'F');
}

/* All skip_*: the end of what starts at p, NULL when malformed. */
static const char *
skip_escape(const char *p, const char *end)
{
	if (p >= end || !*p || !strchr("\"\\/bfnrtu", *p))
		return NULL;
	if (*p != 'u')
		return p + 1;
	for (int i = 1; i <= 4; i++)
		if (p + i >= end || !is_hex(p[i]))
			return NULL;
	return p + 5;
}

static const char *
skip_string(const char *p, const char *end)
{
	uint32_t cp;

	for (p++; p < end; ) {
		int len;

		if (*p == '"')
			return p + 1;
		if (*p == '\\') {
			p = skip_escape(p + 1, end);
			if (!p)
				return NULL;
			continue;
		}
		len = utf8_next(p, (size_t)(end - p), &cp);
		if (len <= 0 || cp < 0x20)
			return NULL;
		p += len;
	}
	return NULL;
}

static const char *
skip_digits(const char *p, const char *end)
{
	if (!is_digit(p, end))
		return NULL;
	while (is_digit(p, end))
		p++;
	return p;
}

static const char *
skip_number(const char *p, const char *end)
{
	if (*p == '-')
		p++;
	if (p < end && *p == '0')
		p++;
	else if (!(p = skip_digits(p, end)))
		return NULL;
	if (p < end && *p == '.' && !(p = skip_digits(p + 1, end)))
		return NULL;
	if (p < end && (*p == 'e' || *p == 'E')) {
		p++;
		if (p < end && (*p == '+' || *p == '-'))
			p++;
		p = skip_digits(p, end);
	}
	return p;
}

static const char *
skip_word(const char *p, const char *end)
{
	static const char *const words[] = { "true", "false", "null" };

	for (size_t i = 0; i < 3; i++) {
		size_t len = strlen(words[i]);

		if ((size_t)(end - p) >= len && memcmp(p, words[i], len) == 0)
			return p + len;
	}
	return NULL;
}

static const char *
skip_scalar(const char *p, const char *end)
{
	if (*p == '"')
		return skip_string(p, end);
	if (*p == '-' || is_digit(p, end))
		return skip_number(p, end);
	return skip_word(p, end);
}

/* Past `"key" :` and the space after it. */
static const char *
skip_key(const char *p, const char *end)
{
	if (p >= end || *p != '"' || !(p = skip_string(p, end)))
		return NULL;
	p = skip_space(p, end);
	return p < end && *p == ':' ? skip_space(p + 1, end) : NULL;
}

/* Past all brackets that close at p, and the comma after them.  *depth is 0 when
 * the outermost value is over. */
static const char *
skip_closing(const char *p, const char *end, const char *open, unsigned *depth)
{
	while (*depth > 0) {
		p = skip_space(p, end);
		if (p >= end)
			return NULL;
		if (*p == ',')
			return p + 1;
		if (*p != (open[*depth - 1] == '{' ? '}' : ']'))
			return NULL;
		p++;
		(*depth)--;
	}
	return p;
}

/* Iterative, so that hostile nesting costs no stack. */
static const char *
skip_value(const char *p, const char *end)
{
	char open[JSON_DEPTH_MAX];
	unsigned depth = 0;

	do {
		p = skip_space(p, end);
		if (depth > 0 && open[depth - 1] == '{' &&
		    !(p = skip_key(p, end)))
			return NULL;
		if (p >= end)
			return NULL;
		if (*p != '{' && *p != '[') {
			p = skip_scalar(p, end);
		} else if (depth == JSON_DEPTH_MAX) {
			return NULL;
		} else {
			open[depth++] = *p;
			p = skip_space(p + 1, end);
			/* Not empty: its first member or element is next. */
			if (p < end && *p != (open[depth - 1] == '{' ? '}' : ']'))
				continue;
		}
		if (p)
			p = skip_closing(p, end, open, &depth);
	} while (p && depth > 0);
	return p;
}

static char
closing(const struct jsonwalk *w)
{
	return w->open == '{' ? '}' : ']';
}

bool
jsonwalk_begin(struct jsonwalk *w, struct slice raw)
{
	const char *end, *p;

	memset(w, 0, sizeof(*w));
	if (!raw.p)
		return false;
	end = raw.p + raw.len;
	p = skip_space(raw.p, end);
	if (p >= end || (*p != '{' && *p != '['))
		return false;
	w->open = *p;
	w->p = p + 1;
	w->end = end;
	return true;
}

bool
jsonwalk_next(struct jsonwalk *w, struct slice *key, struct slice *value)
{
	const char *p = skip_space(w->p, w->end), *from;

	key->p = NULL;
	key->len = 0;
	if (w->failed || p >= w->end || *p == closing(w))
		return false;
	w->failed = true;
	if (w->open == '{') {
		if (*p != '"' || !(from = skip_string(p, w->end)))
			return false;
		key->p = p;
		key->len = (size_t)(from - p);
		p = skip_key(p, w->end);
	}
	if (!p || !(from = skip_value(p, w->end)))
		return false;
	value->p = p;
	value->len = (size_t)(from - p);
	p = skip_space(from, w->end);
	if (p >= w->end || (*p != ',' && *p != closing(w)))
		return false;
	w->p = *p == ',' ? p + 1 : p;
	w->failed = false;
	return true;
}

struct slice
jsonwalk_get(struct slice raw, const char *key)
{
	struct slice found = { NULL, 0 }, k, v;
	struct jsonwalk w;
	size_t len = strlen(key);

	if (!jsonwalk_begin(&w, raw) || w.open != '{')
		return found;
	while (jsonwalk_next(&w, &k, &v))
		if (k.len == len + 2 && memcmp(k.p + 1, key, len) == 0)
			found = v;
	return found;
}

bool
jsonwalk_compact(struct slice raw, struct bytes *out)
{
	const char *end, *p, *after;

	if (!raw.p)
		return false;
	end = raw.p + raw.len;
	p = skip_space(raw.p, end);
	if (!(after = skip_value(p, end)) ||
	    skip_space(after, end) != end)
		return false;
	while (p < after) {
		const char *to = *p == '"' ? skip_string(p, after) : p + 1;

		bytes_put(out, p, (size_t)(to - p));
		p = skip_space(to, after);
	}
	return true;
}
