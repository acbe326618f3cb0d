/* One trace a line.  In JSON the fields are those of the dashboard's own list, and
 * then ours; every key is always there; null: not known.
 *
 *   id, object ("trace"), created_at (the first batch of it came), duration_ms (of
 *   its spans), first_5_agents, group_id, handoff_count, tool_count,
 *   workflow_name, metadata
 *   inferred     nobody sent a trace: calls that go on one after the other, by
 *                previous_response_id, conversation or what they send again
 *   started_at, started_ns, ended_at    of its spans
 *   spans, exchanges, calls, attempts   how many; exchanges are those joined to
 *                a span, calls those of them that asked a model, attempts the calls
 *                that failed and were made again
 *   errors       spans with an error, or whose last call failed
 *   usage        input_tokens, cached_tokens, cache_write_tokens, output_tokens,
 *                reasoning_tokens, total_tokens: each response counts once
 *   unmatched_spans    of model calls, whose exchange is not recorded
 *   unmatched_calls    of the same client and time, which no span names
 *   cut          the trace is larger than what is looked at
 */
#include "tools/dump_trace.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "store/json.h"
#include "tools/grid.h"
#include "tools/jsonwalk.h"
#include "tools/units.h"

static const struct grid_column columns[] = {
	{ "trace", NULL, GRID_LEFT, GRID_CLIP_MIDDLE, 10, 0 },
	{ "workflow", NULL, GRID_LEFT, GRID_CLIP, 8, 0 },
	{ "start", NULL, GRID_LEFT, GRID_KEEP, 0, 0 },
	{ "time", NULL, GRID_RIGHT, GRID_KEEP, 5, 6 },
	{ "spans", NULL, GRID_RIGHT, GRID_KEEP, 5, 4 },
	{ "calls", NULL, GRID_RIGHT, GRID_KEEP, 5, 0 },
	{ "in", NULL, GRID_RIGHT, GRID_KEEP, 4, 3 },
	{ "cached", "cach", GRID_RIGHT, GRID_KEEP, 4, 2 },
	{ "out", NULL, GRID_RIGHT, GRID_KEEP, 4, 5 },
	{ "errors", "err", GRID_RIGHT, GRID_KEEP, 3, 0 },
	{ "group", NULL, GRID_LEFT, GRID_CLIP, 6, 1 },
};

enum {
	COLUMNS = sizeof(columns) / sizeof(columns[0]),
	LONG_TIME_FROM = 150,	/* cells from which on dates are printed whole */
	AGENTS_MAX = 5,
	METADATA_MAX = 4 * 1024 * 1024,
};

struct traces {
	struct dump *d;
	struct grid *grid;	/* NULL: JSON */
	struct bytes text;
	int64_t now_ns;
	size_t printed;
	size_t cut;
};

/* ---- a row */

static void
cell(struct traces *s, enum term_colour c)
{
	grid_cell(s->grid, bytes_slice(&s->text), c);
	bytes_clear(&s->text);
}

static void
text_cell(struct traces *s, struct slice text)
{
	grid_cell(s->grid, text.p ? text : SLICE("-"), TERM_PLAIN);
}

static void
count_cell(struct traces *s, int64_t n, enum term_colour c)
{
	units_count(&s->text, n);
	cell(s, c);
}

static void
start_cell(struct traces *s, int64_t began_ns)
{
	unsigned width = s->d->term.width;

	if (began_ns < 0)
		bytes_putc(&s->text, '-');
	else if (width == 0 || width >= LONG_TIME_FROM)
		units_local(&s->text, began_ns);
	else
		units_local_short(&s->text, began_ns, s->now_ns);
	cell(s, TERM_DIM);
}

static int64_t
duration_us(const struct join *j)
{
	return j->began_ns < 0 ? -1 : (j->ended_ns - j->began_ns) / 1000;
}

static void
print_row(struct traces *s, const struct join *j)
{
	const struct join_totals *t = &j->totals;

	text_cell(s, j->id);
	text_cell(s, j->is_inferred ? SLICE("(inferred)") : j->workflow);
	start_cell(s, j->began_ns);
	units_duration(&s->text, duration_us(j));
	cell(s, TERM_PLAIN);
	count_cell(s, j->is_inferred ? -1 : (int64_t)t->spans, TERM_PLAIN);
	count_cell(s, (int64_t)t->calls, TERM_PLAIN);
	count_cell(s, t->usage.input, TERM_PLAIN);
	count_cell(s, t->usage.cached, TERM_PLAIN);
	count_cell(s, t->usage.output, TERM_PLAIN);
	count_cell(s, (int64_t)t->errors, t->errors ? TERM_RED : TERM_PLAIN);
	text_cell(s, j->group);
	grid_row(s->grid);
}

/* ---- an object */

static void
key(struct bytes *b, const char *name)
{
	if (b->len > 0 && b->p[b->len - 1] != '{')
		bytes_putc(b, ',');
	bytes_printf(b, "\"%s\":", name);
}

static void
put_text(struct bytes *b, const char *name, struct slice s)
{
	key(b, name);
	if (s.p)
		json_put_string(b, s);
	else
		bytes_puts(b, "null");
}

static void
put_number(struct bytes *b, const char *name, int64_t n)
{
	key(b, name);
	if (n < 0)
		bytes_puts(b, "null");
	else
		bytes_printf(b, "%" PRId64, n);
}

static void
put_time(struct bytes *b, const char *name, int64_t ns)
{
	key(b, name);
	if (ns < 0) {
		bytes_puts(b, "null");
		return;
	}
	bytes_putc(b, '"');
	units_iso(b, ns);
	bytes_putc(b, '"');
}

static bool
is_listed(const struct slice *v, size_t n, struct slice name)
{
	for (size_t i = 0; i < n; i++)
		if (slice_eq(v[i], name))
			return true;
	return false;
}

/* The first agents, in the order in which they began. */
static void
put_agents(struct bytes *b, const struct join *j)
{
	struct slice v[AGENTS_MAX];
	const struct tree_node *best;
	size_t n = 0;

	do {
		best = NULL;
		for (size_t i = 0; i < j->n_spans; i++) {
			const struct tree_node *node = &j->node[i];

			if (j->span[i].kind == SPAN_AGENT && j->span[i].name.p &&
			    !is_listed(v, n, j->span[i].name) &&
			    (!best || (uint64_t)node->began_ns <
			    (uint64_t)best->began_ns))
				best = node;
		}
		if (best)
			v[n++] = j->span[best - j->node].name;
	} while (best && n < AGENTS_MAX);
	key(b, "first_5_agents");
	bytes_putc(b, '[');
	for (size_t i = 0; i < n; i++) {
		bytes_puts(b, i > 0 ? "," : "");
		json_put_string(b, v[i]);
	}
	bytes_putc(b, ']');
}

/* What only the item itself has in full: its id, which is not always its key, and
 * its metadata. */
enum { WANT_ID, WANT_METADATA, WANT_N };

static const struct json_want wants[WANT_N] = {
	[WANT_ID] = { "id", METADATA_MAX },
	[WANT_METADATA] = { "metadata", METADATA_MAX },
};

static void
put_raw(struct bytes *b, const char *name, struct slice raw)
{
	key(b, name);
	if (raw.len == 0 || !jsonwalk_compact(raw, b))
		bytes_puts(b, "null");
}

/* *id and *metadata are lent by scan. */
static void
read_item(struct dump *d, const struct join *j, struct json_scan *scan,
    struct slice want[WANT_N])
{
	struct kept_item k;

	if (j->is_inferred || reader_trace(d->reader, j->id, &k) != 0 ||
	    json_scan_feed(scan, k.raw.p, k.raw.len) != 0)
		return;
	for (size_t i = 0; i < WANT_N; i++)
		want[i] = json_scan_raw(scan, i);
}

static void
put_usage(struct bytes *b, const struct usage *u)
{
	key(b, "usage");
	bytes_putc(b, '{');
	put_number(b, "input_tokens", u->input);
	put_number(b, "cached_tokens", u->cached);
	put_number(b, "cache_write_tokens", u->cache_write);
	put_number(b, "output_tokens", u->output);
	put_number(b, "reasoning_tokens", u->reasoning);
	put_number(b, "total_tokens", u->total);
	bytes_putc(b, '}');
}

/* The fields of the dashboard. */
static void
put_theirs(struct bytes *b, const struct join *j, int64_t created_ns,
    const struct slice want[WANT_N])
{
	if (json_is_string(want[WANT_ID]))
		put_raw(b, "id", want[WANT_ID]);
	else
		put_text(b, "id", j->id);
	put_text(b, "object", SLICE("trace"));
	put_time(b, "created_at", created_ns);
	put_number(b, "duration_ms", duration_us(j) < 0 ? -1 :
	    duration_us(j) / 1000);
	put_agents(b, j);
	put_text(b, "group_id", j->group);
	put_number(b, "handoff_count", (int64_t)j->totals.handoffs);
	put_number(b, "tool_count", (int64_t)j->totals.tools);
	put_text(b, "workflow_name", j->workflow);
	put_raw(b, "metadata", want[WANT_METADATA]);
}

static void
put_ours(struct bytes *b, const struct join *j)
{
	const struct join_totals *t = &j->totals;

	key(b, "inferred");
	bytes_puts(b, j->is_inferred ? "true" : "false");
	put_time(b, "started_at", j->began_ns);
	put_number(b, "started_ns", j->began_ns);
	put_time(b, "ended_at", j->ended_ns);
	put_number(b, "spans", (int64_t)t->spans);
	put_number(b, "exchanges", (int64_t)t->exchanges);
	put_number(b, "calls", (int64_t)t->calls);
	put_number(b, "attempts", (int64_t)t->attempts);
	put_number(b, "errors", (int64_t)t->errors);
	put_usage(b, &t->usage);
	put_number(b, "unmatched_spans", (int64_t)t->unmatched_spans);
	put_number(b, "unmatched_calls", (int64_t)t->unmatched_calls);
	key(b, "cut");
	bytes_puts(b, j->cut ? "true" : "false");
}

static int
print_object(struct traces *s, const struct join *j)
{
	struct slice want[WANT_N] = { { NULL, 0 }, { NULL, 0 } };
	struct json_scan *scan = json_scan_new(wants, WANT_N);
	bool is_array = s->d->format == DUMP_JSON;
	int64_t created_ns = j->began_ns;
	struct bytes *b = &s->text;
	struct exchange x;

	if (scan)
		read_item(s->d, j, scan, want);
	if (!j->is_inferred && reader_get(s->d->reader, j->first_seq, &x) == 0)
		created_ns = x.time_ns;
	bytes_puts(b, is_array ? s->printed > 0 ? ",\n{" : "[\n{" : "{");
	put_theirs(b, j, created_ns, want);
	put_ours(b, j);
	bytes_puts(b, is_array ? "}" : "}\n");
	json_scan_free(scan);
	if (b->failed || !scan)
		return dump_fail(DUMP_STORE, "no memory");
	fwrite(b->p, 1, b->len, s->d->out);
	bytes_clear(b);
	return DUMP_OK;
}

/* ---- all */

static int
print_one(struct traces *s, const struct trace_ref *t)
{
	struct join *j;
	int code = DUMP_OK, rc = trace_join(s->d, t, &j);

	if (rc == READER_NONE)		/* it went while we listed */
		return DUMP_OK;
	if (rc)
		return dump_reader_failed(s->d, rc);
	if (s->grid)
		print_row(s, j);
	else
		code = print_object(s, j);
	s->printed++;
	s->cut += j->cut != 0;
	join_free(j);
	return code;
}

static int
print_all(struct traces *s)
{
	bool is_reverse = s->d->flags & DUMP_REVERSE;
	struct trace_list l = { 0 };
	int code = trace_list(s->d, s->d->n, &l);

	for (size_t i = 0; i < l.n && code == DUMP_OK; i++)
		code = print_one(s, &l.v[is_reverse ? l.n - 1 - i : i]);
	if (l.history.cut)
		dump_fail(DUMP_OK, "older calls without a trace were not compared "
		    "with each other: there are too many");
	trace_list_fini(&l);
	if (s->grid)
		grid_flush(s->grid);
	if (s->d->format == DUMP_JSON)
		fputs(s->printed > 0 ? "\n]\n" : "[]\n", s->d->out);
	if (s->cut > 0)
		dump_fail(DUMP_OK, "%zu of these traces are larger than what is "
		    "looked at: their figures are too low", s->cut);
	if (code == DUMP_OK && s->printed == 0 && s->d->n != 0)
		code = dump_fail(DUMP_NONE, "no trace is recorded yet in %s",
		    s->d->dir);
	return code;
}

int
dump_traces(struct dump *d)
{
	struct traces s = { .d = d };
	struct timespec now;
	int code;

	clock_gettime(CLOCK_REALTIME, &now);
	s.now_ns = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
	if (d->format == DUMP_TABLE) {
		s.grid = grid_new(columns, COLUMNS, &d->term, d->out);
		if (!s.grid)
			return dump_fail(DUMP_STORE, "no memory");
	}
	code = print_all(&s);
	grid_free(s.grid);
	bytes_fini(&s.text);
	return code;
}
