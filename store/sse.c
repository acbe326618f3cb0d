#include "store/sse.h"

#include <string.h>

enum {
	AT_START,	/* of the stream: a BOM may come */
	IN_FIELD,	/* also at the start of a line */
	AT_VALUE,	/* behind the colon: one space may come */
	IN_DATA,
	IN_NAME,
	IN_IGNORED,
};

static const char bom[3] = "\xef\xbb\xbf";

void
sse_init(struct sse *s, const struct sse_sink *sink, void *arg)
{
	memset(s, 0, sizeof(*s));
	s->sink = sink;
	s->arg = arg;
}

static void
deliver(struct sse *s)
{
	struct slice name = SLICE("message");

	if (s->name_len > 0)
		name = (struct slice){ s->name, s->name_len };
	if (s->has_data)
		s->sink->event(s->arg, name);
	s->has_data = false;
	s->name_len = 0;
}

/* The field's name is complete: decides where its value goes. */
static int
begin_value(struct sse *s)
{
	if (s->field_len == 4 && memcmp(s->field, "data", 4) == 0) {
		if (s->has_data)
			s->sink->data(s->arg, "\n", 1);
		s->has_data = true;
		return IN_DATA;
	}
	if (s->field_len == 5 && memcmp(s->field, "event", 5) == 0) {
		s->name_len = 0;	/* the last one counts */
		return IN_NAME;
	}
	return IN_IGNORED;
}

static void
end_line(struct sse *s)
{
	if (s->state == IN_FIELD && s->field_len > 0)
		begin_value(s);		/* no colon: the value is empty */
	else if (s->state == IN_FIELD || s->state == AT_START)
		deliver(s);
	s->state = IN_FIELD;
	s->field_len = 0;
}

static void
add_field(struct sse *s, char c)
{
	if (s->field_len < sizeof(s->field))
		s->field[s->field_len++] = c;
}

/* One byte at the start of the stream; what began like a BOM and is none was
 * the start of a field's name. */
static const char *
start(struct sse *s, const char *p)
{
	if (*p == bom[s->bom]) {
		if (++s->bom == sizeof(bom))
			s->state = IN_FIELD;
		return p + 1;
	}
	for (unsigned i = 0; i < s->bom; i++)
		add_field(s, bom[i]);
	s->state = IN_FIELD;
	return p;
}

static const char *
field(struct sse *s, const char *p, const char *end)
{
	for (; p < end && *p != '\n' && *p != '\r'; p++) {
		if (*p != ':') {
			add_field(s, *p);
			continue;
		}
		s->value = begin_value(s);
		s->state = AT_VALUE;
		return p + 1;
	}
	return p;
}

/* The line's end in [p, end), or end.  A window at a time, or a stream of short
 * CR lines would be searched for LFs over and over. */
static const char *
find_eol(const char *p, const char *end)
{
	enum { WINDOW = 1024 };

	while (p < end) {
		size_t n = end - p < WINDOW ? (size_t)(end - p) : WINDOW;
		const char *lf = memchr(p, '\n', n);
		const char *cr = memchr(p, '\r', lf ? (size_t)(lf - p) : n);

		if (cr || lf)
			return cr ? cr : lf;
		p += n;
	}
	return end;
}

static void
add_name(struct sse *s, const char *p, size_t n)
{
	if (n > SSE_NAME_MAX - s->name_len)
		n = SSE_NAME_MAX - s->name_len;
	memcpy(s->name + s->name_len, p, n);
	s->name_len += (unsigned)n;
}

static const char *
value(struct sse *s, const char *p, const char *end)
{
	const char *eol = find_eol(p, end);
	size_t n = (size_t)(eol - p);

	if (s->state == IN_DATA && n > 0)
		s->sink->data(s->arg, p, n);
	else if (s->state == IN_NAME)
		add_name(s, p, n);
	return eol;
}

static const char *
step(struct sse *s, const char *p, const char *end)
{
	switch (s->state) {
	case AT_START:
		return start(s, p);
	case IN_FIELD:
		return field(s, p, end);
	case AT_VALUE:
		s->state = s->value;
		return *p == ' ' ? p + 1 : p;
	default:
		return value(s, p, end);
	}
}

void
sse_feed(struct sse *s, const void *data, size_t n)
{
	const char *p = data, *end = n ? p + n : p;

	while (p < end) {
		bool lf_of_cr = s->after_cr && *p == '\n';

		s->after_cr = false;
		if (lf_of_cr) {
			p++;
		} else if (*p == '\n' || *p == '\r') {
			s->after_cr = *p++ == '\r';
			end_line(s);
		} else {
			p = step(s, p, end);
		}
	}
}

void
sse_end(struct sse *s)
{
	if (s->state != IN_FIELD || s->field_len > 0)
		end_line(s);
	deliver(s);
	sse_init(s, s->sink, s->arg);
}
