#include "store/json_skip.h"

#include <string.h>

static const uint64_t ones = 0x0101010101010101;

/* High bits set where a byte of x is zero, and perhaps above such a byte. */
static uint64_t
zeros(uint64_t x)
{
	return (x - ones) & ~x & (ones << 7);
}

/* The first quote or backslash in [p, end), or end. */
static const char *
plain_end(const char *p, const char *end)
{
	for (; end - p >= 8; p += 8) {
		uint64_t x;

		memcpy(&x, p, 8);
		if (zeros(x ^ ones * '"') | zeros(x ^ ones * '\\'))
			break;
	}
	while (p < end && *p != '"' && *p != '\\')
		p++;
	return p;
}

static const char *
in_string(struct json_skip *s, const char *p, const char *end)
{
	if (s->in == JSON_SKIP_ESCAPE) {
		s->in = JSON_SKIP_STRING;
		return p + 1;
	}
	p = plain_end(p, end);
	if (p == end)
		return p;
	if (*p == '\\')
		s->in = JSON_SKIP_ESCAPE;
	else
		s->in = s->depth ? JSON_SKIP_PLAIN : JSON_SKIP_DONE;
	return p + 1;
}

/* A byte outside of strings; false: it is behind the value. */
static bool
on_plain(struct json_skip *s, char c)
{
	switch (c) {
	case '"':
		s->in = JSON_SKIP_STRING;
		return true;
	case '{':
	case '[':
		s->depth++;
		return true;
	case '}':
	case ']':
		if (s->depth == 0)
			return false;
		if (--s->depth == 0)
			s->in = JSON_SKIP_DONE;
		return true;
	case ',':
	case ' ':
	case '\t':
	case '\r':
	case '\n':
		return s->depth > 0;
	default:
		return true;
	}
}

const char *
json_skip(struct json_skip *s, const char *p, const char *end)
{
	while (p < end && s->in != JSON_SKIP_DONE) {
		if (s->in != JSON_SKIP_PLAIN)
			p = in_string(s, p, end);
		else if (on_plain(s, *p))
			p++;
		else
			s->in = JSON_SKIP_DONE;
	}
	return p;
}
