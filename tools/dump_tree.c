/* A trace as a tree: each line has when it began, since the trace did, how long it
 * took, and what it was.  Attempts that failed stand below the span of their call;
 * what has no span, or no exchange, says so. */
#include "tools/dump_trace.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tools/units.h"

enum {
	INDENT = 2,
	INDENT_MAX = 40,	/* cells; deeper ones are not moved any further */
	TIME_CELLS = 8,		/* of each of the two columns */
	TEXT_MIN = 30,		/* cells of text, however narrow the terminal */
};

struct show {
	struct dump *d;
	const struct join *j;
	uint32_t *indent;	/* of each node */
	struct bytes text;	/* of the line, as it was recorded */
	struct bytes line;
};

/* ---- a line */

/* Since the trace began; the clocks of client and proxy may differ. */
static void
put_offset(struct bytes *b, int64_t from_ns, int64_t at_ns)
{
	if (from_ns < 0 || at_ns < 0) {
		bytes_putc(b, '-');
		return;
	}
	bytes_putc(b, at_ns < from_ns ? '-' : '+');
	units_duration(b, (at_ns < from_ns ? from_ns - at_ns : at_ns - from_ns) /
	    1000);
}

static void
put_span_time(struct bytes *b, int64_t began_ns, int64_t ended_ns)
{
	bool is_known = began_ns >= 0 && ended_ns >= began_ns;

	units_duration(b, is_known ? (ended_ns - began_ns) / 1000 : -1);
}

/* Puts what is in s->text behind the two times, cut to the terminal. */
static void
end_line(struct show *s, const struct slice when[2], unsigned indent,
    enum term_colour c)
{
	const struct term *t = &s->d->term;
	size_t before, cells;

	if (indent > INDENT_MAX)
		indent = INDENT_MAX;
	bytes_clear(&s->line);
	for (int i = 0; i < 2; i++)
		bytes_printf(&s->line, "%*.*s ", TIME_CELLS, (int)when[i].len,
		    when[i].p);
	before = 2 * (TIME_CELLS + 1) + 1 + indent;
	bytes_printf(&s->line, " %*s%s", (int)indent, "", term_on(t, c));
	cells = t->width > before + TEXT_MIN ? t->width - before : TEXT_MIN;
	if (t->width > 0)
		term_clip(&s->line, bytes_slice(&s->text), cells, false);
	else
		term_put(&s->line, bytes_slice(&s->text));
	bytes_puts(&s->line, term_off(t));
	bytes_putc(&s->line, '\n');
	fwrite(s->line.p, 1, s->line.len, s->d->out);
	bytes_clear(&s->text);
}

static void
say(struct show *s, const char *word, struct slice what)
{
	if (what.len > 0) {
		bytes_puts(&s->text, word);
		bytes_put_slice(&s->text, what);
	}
}

/* A line that is about no time. */
static void
remark(struct show *s, const char *text, enum term_colour c)
{
	static const struct slice none[2] = { { "", 0 }, { "", 0 } };

	bytes_puts(&s->text, text);
	end_line(s, none, 0, c);
}

/* ---- calls */

static bool
is_creation(const struct join_call *c)
{
	return c->role == ROLE_CREATE || c->role == ROLE_COMPACT;
}

static void
say_usage(struct show *s, const struct usage *u)
{
	if (u->input < 0 && u->output < 0)
		return;
	bytes_puts(&s->text, "  ");
	units_count(&s->text, u->input);
	bytes_puts(&s->text, " in");
	if (u->cached > 0)
		bytes_printf(&s->text, " (%" PRId64 " cached)", u->cached);
	bytes_puts(&s->text, ", ");
	units_count(&s->text, u->output);
	bytes_puts(&s->text, " out");
	if (u->reasoning > 0)
		bytes_printf(&s->text, " (%" PRId64 " reasoning)", u->reasoning);
}

/* What there is to say of how it ended, when that was not well. */
static void
say_end(struct show *s, const struct join_call *c)
{
	if (c->outcome != OUTCOME_COMPLETE)
		bytes_printf(&s->text, "  %s", outcome_name(c->outcome));
	if (c->status >= 0 && c->status != 200)
		bytes_printf(&s->text, "  %" PRId64, c->status);
	say(s, " ", c->error);
	if (!slice_eq(c->api_status, SLICE("completed")))
		say(s, "  ", c->api_status);
}

/* Polls and resumed streams of the span's response. */
static void
say_repeats(struct show *s, const struct join_span *span)
{
	unsigned polls = 0, streams = 0;

	for (uint32_t i = span->first_call; i != TREE_NONE;
	    i = s->j->call[i].next) {
		polls += s->j->call[i].role == ROLE_POLL;
		streams += s->j->call[i].role == ROLE_STREAM;
	}
	if (polls > 0)
		bytes_printf(&s->text, "  %u poll%s", polls, polls > 1 ? "s" : "");
	if (streams > 0)
		bytes_printf(&s->text, "  resumed %u time%s", streams,
		    streams > 1 ? "s" : "");
}

static const struct join_call *
counting_call(const struct join *j, const struct join_span *span)
{
	for (uint32_t i = span->first_call; i != TREE_NONE; i = j->call[i].next)
		if (j->call[i].flags & CALL_COUNTS)
			return &j->call[i];
	return NULL;
}

/* The call that the span is about: the last that is no attempt; NULL: none. */
static const struct join_call *
main_call(const struct join *j, const struct join_span *span)
{
	const struct join_call *c = NULL;

	for (uint32_t i = span->first_call; i != TREE_NONE; i = j->call[i].next)
		if (j->call[i].how != JOIN_ATTEMPT &&
		    (!c || is_creation(&j->call[i])))
			c = &j->call[i];
	return c;
}

static void
say_call(struct show *s, const struct join_span *span, const struct join_call *c)
{
	const struct join_call *counts = counting_call(s->j, span);

	/* How it went in the end is what told last. */
	bytes_printf(&s->text, " #%" PRIu64, c->seq);
	say(s, "  ", c->model);
	if (counts)
		say_usage(s, &counts->usage);
	if (c->first_us >= 0 && (c->flags & CALL_STREAM)) {
		bytes_puts(&s->text, "  first ");
		units_duration(&s->text, c->first_us);
	}
	say_end(s, counts && counts != c ? counts : c);
	say_repeats(s, span);
	if (c->how == JOIN_BY_TIME)
		bytes_puts(&s->text, "  joined by time");
}

static void
show_call(struct show *s, const struct join_call *c, unsigned indent,
    const char *what)
{
	struct bytes at[2] = { { 0 }, { 0 } };

	put_offset(&at[0], s->j->began_ns, c->time_ns + s->j->skew_ns);
	put_span_time(&at[1], c->time_ns, c->end_ns);
	bytes_printf(&s->text, "%s #%" PRIu64, what, c->seq);
	say(s, "  ", c->model);
	if (c->flags & CALL_COUNTS)
		say_usage(s, &c->usage);
	say_end(s, c);
	say(s, "  ", c->id);
	end_line(s, (struct slice[]){ bytes_slice(&at[0]), bytes_slice(&at[1]) },
	    indent, c->flags & CALL_FAILED ? TERM_YELLOW : TERM_PLAIN);
	bytes_fini(&at[0]);
	bytes_fini(&at[1]);
}

/* ---- spans */

static void
say_model_span(struct show *s, const struct join_span *span)
{
	const struct join_call *c = main_call(s->j, span);

	bytes_puts(&s->text, span_kind_name(span->kind));
	if (c)
		say_call(s, span, c);
	else if (span->twin != TREE_NONE)
		bytes_puts(&s->text, "  named before");
	else
		bytes_puts(&s->text, "  no exchange is recorded");
	if (!c)
		say(s, "  ", span->model);
}

/* Long, and last: on a narrow terminal the rest tells more. */
static void
say_id(struct show *s, const struct join_span *span)
{
	const struct join_call *c = main_call(s->j, span);

	say(s, "  ", span->response_id.len > 0 || !c ? span->response_id : c->id);
}

static void
say_span(struct show *s, const struct join_span *span)
{
	switch (span->kind) {
	case SPAN_RESPONSE:
	case SPAN_GENERATION:
	case SPAN_CALL:
		say_model_span(s, span);
		return;
	case SPAN_HANDOFF:
		bytes_puts(&s->text, "handoff");
		say(s, " ", span->name);
		say(s, " -> ", span->to);
		return;
	case SPAN_FUNCTION:
		bytes_puts(&s->text, "tool");
		break;
	case SPAN_OTHER:
		bytes_put_slice(&s->text, span->type.len > 0 ? span->type :
		    SLICE("span"));
		break;
	default:
		bytes_puts(&s->text, span_kind_name(span->kind));
	}
	if (span->turn >= 0)
		bytes_printf(&s->text, " %" PRId64, span->turn);
	say(s, " ", span->name);
	say(s, "  ", span->model);
	if (span->triggered >= 0)
		bytes_puts(&s->text, span->triggered ? "  triggered" : "  passed");
	if (span->first_call != TREE_NONE)	/* odd, but it names a response */
		say_call(s, span, &s->j->call[span->first_call]);
}

static enum term_colour
colour_of(const struct join *j, const struct join_span *span)
{
	const struct join_call *c = main_call(j, span);

	if (span->error.p || (c && c->flags & CALL_FAILED))
		return TERM_RED;
	switch (span->kind) {
	case SPAN_AGENT:
		return TERM_BOLD;
	case SPAN_RESPONSE:
	case SPAN_GENERATION:
	case SPAN_CALL:
		return c ? TERM_CYAN : TERM_YELLOW;
	case SPAN_GUARDRAIL:
		return span->triggered == 1 ? TERM_YELLOW : TERM_PLAIN;
	case SPAN_TASK:
	case SPAN_TURN:
		return TERM_DIM;
	default:
		return TERM_PLAIN;
	}
}

static void
show_span(struct show *s, uint32_t i, unsigned indent)
{
	const struct join_span *span = &s->j->span[i];
	const struct tree_node *node = &s->j->node[i];
	struct bytes at[2] = { { 0 }, { 0 } };

	put_offset(&at[0], s->j->began_ns, node->began_ns);
	put_span_time(&at[1], node->began_ns, node->ended_ns);
	say_span(s, span);
	if (span->error.p) {
		bytes_puts(&s->text, "  error");
		say(s, ": ", span->error);
	}
	if (node->place == TREE_CUT)
		bytes_puts(&s->text, "  its parent is below it");
	say_id(s, span);
	end_line(s, (struct slice[]){ bytes_slice(&at[0]), bytes_slice(&at[1]) },
	    indent, colour_of(s->j, span));
	bytes_fini(&at[0]);
	bytes_fini(&at[1]);
	for (uint32_t k = span->first_call; k != TREE_NONE; k = s->j->call[k].next)
		if (s->j->call[k].how == JOIN_ATTEMPT)
			show_call(s, &s->j->call[k], indent + INDENT, "attempt");
}

/* Calls that go on one after the other stay in one column; only forks move. */
static unsigned
indent_of(const struct show *s, uint32_t i)
{
	const struct tree_node *node = &s->j->node[i];

	if (node->parent == TREE_NONE)
		return 0;
	if (s->j->is_inferred && node->next == TREE_NONE &&
	    s->j->node[node->parent].first == i)
		return s->indent[node->parent];
	return s->indent[node->parent] + INDENT;
}

static void
show_nodes(struct show *s, uint32_t head, unsigned indent)
{
	for (uint32_t i = head; i != TREE_NONE; i = tree_next(s->j->node, i)) {
		s->indent[i] = indent_of(s, i);
		show_span(s, i, s->indent[i] + indent);
	}
}

/* ---- the whole */

/* A line without times: s->text, cut to the terminal but not below `least` cells. */
static void
head_line(struct show *s, size_t least, enum term_colour c)
{
	const struct term *t = &s->d->term;
	struct bytes *b = &s->line;

	bytes_clear(b);
	bytes_puts(b, term_on(t, c));
	if (t->width > 0)
		term_clip(b, bytes_slice(&s->text), t->width > least ? t->width :
		    least, false);
	else
		term_put(b, bytes_slice(&s->text));
	bytes_printf(b, "%s\n", term_off(t));
	fwrite(b->p, 1, b->len, s->d->out);
	bytes_clear(&s->text);
}

static void
show_head(struct show *s)
{
	const struct join *j = s->j;

	bytes_put_slice(&s->text, j->workflow.len > 0 ? j->workflow :
	    j->is_inferred ? SLICE("inferred: nobody sent a trace of these calls") :
	    SLICE("(the trace itself has not come, only spans of it)"));
	head_line(s, TEXT_MIN, TERM_BOLD);
	bytes_put_slice(&s->text, j->id);
	say(s, "  group ", j->group);
	head_line(s, j->id.len, TERM_PLAIN);
}

static void
show_totals(struct show *s)
{
	const struct join_totals *t = &s->j->totals;
	const struct join *j = s->j;

	if (j->began_ns >= 0) {
		units_local(&s->text, j->began_ns);
		bytes_puts(&s->text, "  ");
		put_span_time(&s->text, j->began_ns, j->ended_ns);
		bytes_puts(&s->text, "  ");
	}
	if (!j->is_inferred)
		bytes_printf(&s->text, "%zu span%s, ", t->spans,
		    t->spans == 1 ? "" : "s");
	bytes_printf(&s->text, "%zu call%s", t->calls, t->calls == 1 ? "" : "s");
	if (t->attempts > 0)
		bytes_printf(&s->text, " (%zu failed attempt%s)", t->attempts,
		    t->attempts == 1 ? "" : "s");
	say_usage(s, &t->usage);
	if (t->errors > 0)
		bytes_printf(&s->text, "  %zu error%s", t->errors,
		    t->errors == 1 ? "" : "s");
	head_line(s, TEXT_MIN, TERM_PLAIN);
	fputc('\n', s->d->out);
}

static void
show_loose(struct show *s)
{
	if (s->j->first_loose == TREE_NONE)
		return;
	remark(s, "calls of the same client in this time that no span names:",
	    TERM_YELLOW);
	for (uint32_t i = s->j->first_loose; i != TREE_NONE;
	    i = s->j->call[i].next)
		show_call(s, &s->j->call[i], INDENT, "call");
}

static void
show_orphans(struct show *s)
{
	if (s->j->tree.first_orphan == TREE_NONE)
		return;
	remark(s, s->j->is_inferred ? "after a response that is not recorded:" :
	    "spans whose parents have not come:", TERM_YELLOW);
	show_nodes(s, s->j->tree.first_orphan, INDENT);
}

static void
show_skew(struct show *s)
{
	int64_t skew_us = s->j->skew_ns / 1000;

	if (skew_us == 0)
		return;
	bytes_puts(&s->text, "the client's clock is ");
	units_duration(&s->text, skew_us < 0 ? -skew_us : skew_us);
	remark(s, skew_us < 0 ? " behind ours" : " ahead of ours", TERM_DIM);
}

static void
show_cuts(struct show *s)
{
	if (s->j->cut & JOIN_CUT_SPANS)
		remark(s, "not all spans are shown: there are too many",
		    TERM_RED);
	if (s->j->cut & JOIN_CUT_CALLS)
		remark(s, "not all exchanges are shown: there are too many",
		    TERM_RED);
	if (s->j->cut & JOIN_CUT_LOOK)
		remark(s, "not all exchanges of this time were looked at: there "
		    "are too many; calls without a span, and attempts, may be "
		    "missing", TERM_RED);
}

static int
show(struct dump *d, const struct join *j)
{
	struct show s = { .d = d, .j = j };

	s.indent = calloc(j->n_spans + 1, sizeof(*s.indent));
	if (!s.indent)
		return dump_fail(DUMP_STORE, "no memory");
	show_head(&s);
	show_totals(&s);
	show_nodes(&s, j->tree.first_root, 0);
	show_orphans(&s);
	show_loose(&s);
	show_skew(&s);
	show_cuts(&s);
	free(s.indent);
	bytes_fini(&s.text);
	bytes_fini(&s.line);
	return DUMP_OK;
}

int
dump_tree(struct dump *d)
{
	struct trace_ref t;
	struct join *j;
	int rc, code = trace_pick(d, d->ids[0], &t);

	if (code != DUMP_OK)
		return code;
	rc = trace_join(d, &t, &j);
	if (rc == READER_NONE)
		return dump_fail(DUMP_NONE, "%s: belongs to no trace in %s",
		    d->ids[0], d->dir);
	if (rc)
		return dump_reader_failed(d, rc);
	code = show(d, j);
	join_free(j);
	return code;
}
