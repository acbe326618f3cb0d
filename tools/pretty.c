#include "tools/pretty.h"

#include <string.h>

void
pretty_init(struct pretty *p)
{
	memset(p, 0, sizeof(*p));
}

static void
newline(const struct pretty *p, struct bytes *out)
{
	bytes_putc(out, '\n');
	for (unsigned i = 0; i < p->depth * PRETTY_INDENT; i++)
		bytes_putc(out, ' ');
}

static bool
is_space(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* What may stand in a number or a literal. */
static bool
is_word(uint8_t c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || c == '-' ||
	    c == '+' || c == '.' || c == 'E';
}

static bool
opens(uint8_t c)
{
	return c == '{' || c == '[';
}

/* The line break before a value, key or closing bracket that follows `last`. */
static void
lead_in(const struct pretty *p, struct bytes *out)
{
	if (opens(p->last) || p->last == ',')
		newline(p, out);
	else if (p->last == ':')
		bytes_putc(out, ' ');
}

/* A value may start here: not right after another one. */
static bool
may_start(const struct pretty *p)
{
	return p->last == 0 || p->last == ',' || p->last == ':' ||
	    opens(p->last);
}

static bool
close_one(struct pretty *p, uint8_t c, struct bytes *out)
{
	if (p->depth == 0 || p->open[p->depth - 1] != (c == '}' ? '{' : '['))
		return false;
	p->depth--;
	if (!opens(p->last))
		newline(p, out);
	bytes_putc(out, c);
	return true;
}

/* One byte outside of strings; false: no JSON has it here. */
static bool
between(struct pretty *p, uint8_t c, bool after_space, struct bytes *out)
{
	if (c == '}' || c == ']')
		return close_one(p, c, out);
	if (c == ',' || c == ':') {
		if (p->depth == 0 || may_start(p))
			return false;
		bytes_putc(out, c);
		return true;
	}
	if (is_word(c) && is_word(p->last) && !after_space) {
		bytes_putc(out, c);
		return true;
	}
	if (!may_start(p) || !(is_word(c) || opens(c) || c == '"'))
		return false;
	if (opens(c) && p->depth == PRETTY_DEPTH_MAX)
		return false;
	lead_in(p, out);
	bytes_putc(out, c);
	if (opens(c))
		p->open[p->depth++] = c;
	if (c == '"')
		p->state = PRETTY_STRING;
	return true;
}

static void
in_string(struct pretty *p, uint8_t c, struct bytes *out)
{
	bytes_putc(out, c);
	if (p->state == PRETTY_ESCAPE)
		p->state = PRETTY_STRING;
	else if (c == '\\')
		p->state = PRETTY_ESCAPE;
	else if (c == '"')
		p->state = PRETTY_BETWEEN;
}

void
pretty_feed(struct pretty *p, const void *from, size_t n, struct bytes *out)
{
	const uint8_t *s = from;

	for (size_t i = 0; i < n; i++) {
		uint8_t c = s[i];

		if (p->state == PRETTY_PLAIN) {
			bytes_put(out, s + i, n - i);
			return;
		}
		if (p->state != PRETTY_BETWEEN) {
			in_string(p, c, out);
			continue;
		}
		if (is_space(c)) {
			p->after_space = true;
			continue;
		}
		if (!between(p, c, p->after_space, out)) {
			if (p->after_space)
				bytes_putc(out, ' ');
			bytes_putc(out, c);
			p->state = PRETTY_PLAIN;
		}
		p->last = c;
		p->after_space = false;
	}
}
