#include "tools/dump.h"

#include <inttypes.h>
#include <string.h>

#include "store/sse.h"
#include "tools/body.h"
#include "tools/units.h"

enum { FULL_MAX = 16 * 1024 * 1024, TIME_CELLS = 12, NAME_CELLS = 38 };

struct events {
	struct dump *d;
	struct sse sse;
	struct bytes data;	/* of the current event, up to max */
	size_t max;
	bool is_cut;
	int64_t at_us;
	uint64_t n;
};

static void
on_data(void *arg, const char *p, size_t n)
{
	struct events *e = arg;
	size_t room = e->max - e->data.len;

	if (n > room) {
		e->is_cut = true;
		n = room;
	}
	bytes_put(&e->data, p, n);
}

static void
put_time(const struct events *e, struct bytes *line)
{
	struct bytes at = { 0 };

	if (e->at_us < 0)
		bytes_puts(&at, "-");
	else
		bytes_printf(&at, "%" PRId64 ".%03dms", e->at_us / 1000,
		    (int)(e->at_us % 1000));
	bytes_printf(line, "%*.*s", TIME_CELLS, (int)at.len, (const char *)at.p);
	bytes_fini(&at);
}

/* "    12.345ms  response.created  {...}", on a terminal within its width. */
static void
on_event(void *arg, struct slice name)
{
	struct events *e = arg;
	struct bytes line = { 0 }, cut = { 0 };
	size_t width = e->d->term.width, cells;

	put_time(e, &line);
	bytes_puts(&line, "  ");
	term_put(&line, name);
	cells = term_cells(bytes_slice(&line));
	for (; cells < TIME_CELLS + 2 + NAME_CELLS; cells++)
		bytes_putc(&line, ' ');
	bytes_puts(&line, "  ");
	term_put(&line, bytes_slice(&e->data));
	if (e->is_cut)
		bytes_puts(&line, "\u2026");
	term_clip(&cut, bytes_slice(&line),
	    width && !(e->d->flags & DUMP_FULL) ? width : SIZE_MAX, false);
	fwrite(cut.p, 1, cut.len, e->d->out);
	putc('\n', e->d->out);
	bytes_fini(&line);
	bytes_fini(&cut);
	bytes_clear(&e->data);
	e->is_cut = false;
	e->n++;
}

static const struct sse_sink sink = { on_data, on_event };

static bool
on_bytes(void *arg, const void *p, size_t n)
{
	struct events *e = arg;

	sse_feed(&e->sse, p, n);
	return true;
}

int
dump_events(struct dump *d, const struct exchange *x)
{
	struct events e = { .d = d, .at_us = -1,
		.max = d->flags & DUMP_FULL ? FULL_MAX : DUMP_EVENT_MAX };
	struct body_from from = { d->reader, x->seq, SIDE_RESPONSE_BODY,
		x->response.encoding };
	struct body_end end;
	int rc;

	sse_init(&e.sse, &sink, &e);
	rc = body_timed(&from, on_bytes, &e, &e.at_us, &end);
	sse_end(&e.sse);
	if (e.n == 0)
		dump_note(d, "no events");
	if (end.decoded != DECODE_OK)
		dump_note(d, "decoding ended early: %s",
		    decode_strerror(end.decoded));
	bytes_fini(&e.data);
	return rc;
}
