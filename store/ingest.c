#include "store/ingest.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "store/json.h"

enum {
	KEY_MAX = 64,			/* bytes of a key's JSON text that can match */
	FIRST_CHARGE = 256,
	KEPT_MAX = 64 * 1024,		/* room that stays from item to item */
};

static atomic_size_t held;		/* by the items of all batches at once */

/* Where in the outermost object we are. */
enum state {
	START,		/* before its '{' */
	MEMBER,		/* a key, ',' or the end comes */
	KEY,
	COLON,
	VALUE,		/* behind the colon */
	SKIP,		/* in a value that is not an array `data` */
	BETWEEN,	/* in the array: an element, ',' or ']' comes */
	ELEMENT,
	OVER,
};

/* How far a value has come that nobody understands yet. */
struct lexer {
	uint64_t depth;		/* containers open in it */
	enum { PLAIN, STRING, ESCAPE } in;
};

struct ingest {
	ingest_sink *on_item;
	void *arg;
	struct item_reader *reader;
	enum state state;
	struct lexer lex;
	bool is_skipped;	/* the element at hand is too large */
	size_t charged;		/* of `held`, for buf */
	struct bytes buf;	/* the key or element at hand */
	struct ingest_counts counts;
};

struct ingest *
ingest_new(ingest_sink *on_item, void *arg)
{
	struct ingest *g = calloc(1, sizeof(*g));

	if (!g || !(g->reader = item_reader_new())) {
		free(g);
		return NULL;
	}
	g->on_item = on_item;
	g->arg = arg;
	return g;
}

static void
release(struct ingest *g)
{
	bytes_fini(&g->buf);
	atomic_fetch_sub(&held, g->charged);
	g->charged = 0;
}

void
ingest_free(struct ingest *g)
{
	if (!g)
		return;
	release(g);
	item_reader_free(g->reader);
	free(g);
}

struct ingest_counts
ingest_counts(const struct ingest *g)
{
	return g->counts;
}

/* May buf grow to len bytes?  It grows by doubling, and so does the charge. */
static bool
charge(struct ingest *g, size_t len)
{
	size_t cap = g->charged ? g->charged : FIRST_CHARGE, more;

	while (cap < len)
		cap *= 2;
	more = cap - g->charged;
	if (more == 0)
		return true;
	if (atomic_fetch_add(&held, more) + more > INGEST_HELD_MAX) {
		atomic_fetch_sub(&held, more);
		return false;
	}
	g->charged += more;
	return true;
}

static void
keep(struct ingest *g, const char *p, size_t n)
{
	if (g->is_skipped || n == 0)
		return;
	if (n <= INGEST_ITEM_MAX && g->buf.len + n <= INGEST_ITEM_MAX &&
	    charge(g, g->buf.len + n))
		bytes_put(&g->buf, p, n);
	else
		g->buf.failed = true;
	if (g->buf.failed) {
		g->is_skipped = true;
		release(g);
	}
}

static bool
is_space(char c)
{
	return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

/* The element in buf is complete. */
static void
end_element(struct ingest *g)
{
	struct slice raw = bytes_slice(&g->buf);
	struct ingest_item item;

	while (raw.len > 0 && is_space(raw.p[raw.len - 1]))
		raw.len--;
	if (g->is_skipped) {
		g->counts.odd++;
	} else {
		item_read(g->reader, raw, &item);
		g->counts.traces += item.kind == ITEM_TRACE;
		g->counts.spans += item.kind == ITEM_SPAN;
		g->counts.odd += item.kind == ITEM_ODD;
		g->on_item(g->arg, &item);
	}
	g->is_skipped = false;
	if (g->buf.cap > KEPT_MAX)
		release(g);
	else
		bytes_clear(&g->buf);
}

/* Inside of a string: behind what belongs to it, which may be its end. */
static const char *
in_string(struct lexer *l, const char *p, const char *end)
{
	if (l->in == ESCAPE) {
		l->in = STRING;
		return p + 1;
	}
	while (p < end && *p != '"' && *p != '\\')
		p++;
	if (p == end)
		return p;
	l->in = *p == '"' ? PLAIN : ESCAPE;
	return p + 1;
}

/* The ',' or bracket that ends the value at p, or end: it goes on. */
static const char *
value_end(struct lexer *l, const char *p, const char *end)
{
	while (p < end) {
		if (l->in != PLAIN) {
			p = in_string(l, p, end);
			continue;
		}
		switch (*p) {
		case '"':
			l->in = STRING;
			break;
		case '{':
		case '[':
			l->depth++;
			break;
		case '}':
		case ']':
			if (l->depth == 0)
				return p;
			l->depth--;
			break;
		case ',':
			if (l->depth == 0)
				return p;
			break;
		}
		p++;
	}
	return end;
}

static void
begin_value(struct ingest *g, enum state state)
{
	g->state = state;
	g->lex = (struct lexer){ 0, PLAIN };
}

static const char *
on_element(struct ingest *g, const char *p, const char *end)
{
	const char *to = value_end(&g->lex, p, end);

	keep(g, p, (size_t)(to - p));
	if (to < end) {
		end_element(g);
		g->state = BETWEEN;
	}
	return to;
}

static const char *
on_key(struct ingest *g, const char *p, const char *end)
{
	const char *to = in_string(&g->lex, p, end);

	if (g->buf.len <= KEY_MAX)	/* longer ones never match */
		bytes_put(&g->buf, p, (size_t)(to - p) <= KEY_MAX ?
		    (size_t)(to - p) : KEY_MAX + 1);
	if (g->lex.in == PLAIN)
		g->state = COLON;
	return to;
}

/* buf holds a key, quotes and all, or the beginning of a longer one. */
static bool
is_data(struct ingest *g)
{
	struct bytes key = { 0 };
	bool is = g->buf.len <= KEY_MAX && json_text(bytes_slice(&g->buf), &key) &&
	    slice_eq(bytes_slice(&key), SLICE("data"));

	g->buf.failed |= key.failed;
	bytes_fini(&key);
	return is;
}

static void
on_value(struct ingest *g, char c)
{
	const bool is_items = c == '[' && is_data(g);

	if (g->buf.failed) {
		g->counts = (struct ingest_counts){ -1, -1, -1 };
		g->state = OVER;
		return;
	}
	bytes_clear(&g->buf);
	if (is_items)
		g->state = BETWEEN;
	else
		begin_value(g, SKIP);
}

static const char *
on_skipped(struct ingest *g, const char *p, const char *end)
{
	const char *to = value_end(&g->lex, p, end);

	if (to < end)
		g->state = MEMBER;
	return to;
}

/* A byte that is no white space, outside of keys and values. */
static const char *
on_byte(struct ingest *g, const char *p)
{
	switch (g->state) {
	case START:		/* a byte order mark may stand in front */
		if (*p == '{')
			g->state = MEMBER;
		else if (!memchr("\xef\xbb\xbf", *p, 3))
			g->state = OVER;
		return p + 1;
	case MEMBER:
		if (*p == '"') {
			begin_value(g, KEY);
			g->lex.in = STRING;
			bytes_clear(&g->buf);
			bytes_putc(&g->buf, '"');
		} else if (*p != ',') {
			g->state = OVER;
		}
		return p + 1;
	case COLON:
		g->state = *p == ':' ? VALUE : OVER;
		return p + 1;
	case VALUE:
		on_value(g, *p);
		return g->state == SKIP ? p : p + 1;
	case BETWEEN:
		if (*p == ']')
			g->state = MEMBER;
		else if (*p == '}')
			g->state = OVER;
		else if (*p != ',')
			begin_value(g, ELEMENT);
		return g->state == ELEMENT ? p : p + 1;
	default:
		return p + 1;
	}
}

void
ingest_feed(struct ingest *g, const void *data, size_t n)
{
	const char *p = data, *end;

	if (n == 0)
		return;
	end = p + n;
	while (p < end && g->state != OVER) {
		if (g->state == KEY)
			p = on_key(g, p, end);
		else if (g->state == SKIP)
			p = on_skipped(g, p, end);
		else if (g->state == ELEMENT)
			p = on_element(g, p, end);
		else if (is_space(*p))
			p++;
		else
			p = on_byte(g, p);
	}
}
