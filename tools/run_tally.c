#include "tools/run_tally.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "store/reader.h"
#include "tools/units.h"

/* While it counts: the ids of responses whose usage it has, and the trace batches
 * that are ours, in the order of their numbers. */
struct counting {
	struct run_tally *tally;
	const struct run_whose *whose;
	void *ids;
	uint64_t *batch;
	size_t n_batches, room;
};

static bool
is_ours(const struct run_whose *w, const struct exchange *x)
{
	struct slice label = { w->label, strlen(w->label) };

	if (x->label.len > 0)
		return slice_eq(x->label, label);
	return w->unlabelled == UNLABELLED_ALL ||
	    (w->unlabelled == UNLABELLED_REVERSE && x->mode == MODE_REVERSE);
}

static bool
has_failed(const struct exchange *x)
{
	switch (x->outcome) {
	case OUTCOME_IN_FLIGHT:
	case OUTCOME_CANCELLED:		/* as the client wanted it */
		return false;
	case OUTCOME_COMPLETE:
		return x->status >= 400;
	default:
		return true;
	}
}

static int
compare(const void *a, const void *b)
{
	return strcmp(a, b);
}

/* False: it was there already. */
static bool
is_new(struct counting *c, struct slice id)
{
	char *text = strndup(id.p, id.len), **at;

	if (!text)
		return true;
	at = tsearch(text, &c->ids, compare);
	if (at && *at == text)
		return true;
	free(text);
	return at == NULL;
}

static void
forget_ids(struct counting *c)
{
	while (c->ids) {
		char *text = *(char **)c->ids;

		tdelete(text, &c->ids, compare);
		free(text);
	}
}

/* The API counts a response once, however often it is asked for. */
static void
count_usage(struct counting *c, const struct exchange *x)
{
	const struct usage *u = &x->usage;
	int64_t total = u->total;

	if (total < 0 && u->input >= 0)
		total = u->input + (u->output > 0 ? u->output : 0);
	if (total < 0 || (x->response_id.len > 0 && !is_new(c, x->response_id)))
		return;
	c->tally->tokens = total + (c->tally->tokens > 0 ? c->tally->tokens : 0);
	if (u->cached >= 0)
		c->tally->cached = u->cached +
		    (c->tally->cached > 0 ? c->tally->cached : 0);
}

static void
keep_batch(struct counting *c, uint64_t seq)
{
	size_t room = c->room ? 2 * c->room : 64;
	uint64_t *more;

	if (c->n_batches == c->room) {
		more = realloc(c->batch, room * sizeof(*more));
		if (!more)
			return;
		c->batch = more;
		c->room = room;
	}
	c->batch[c->n_batches++] = seq;
}

static void
count(struct counting *c, const struct exchange *x)
{
	struct run_tally *t = c->tally;

	t->seen++;
	t->in_flight += x->outcome == OUTCOME_IN_FLIGHT;
	if (x->endpoint == ENDPOINT_INGEST) {
		t->batches++;
		t->batches_failed += has_failed(x);
		keep_batch(c, x->seq);
		return;
	}
	t->calls++;
	if (has_failed(x)) {
		t->failed++;
		t->failed_status = x->status;
	}
	count_usage(c, x);
}

static int
count_exchanges(struct counting *c, struct reader *r)
{
	uint64_t after = c->whose->after;
	struct exchange x;
	int rc;

	while ((rc = reader_next(r, after, &x)) == 0 || rc == READER_CORRUPT) {
		after = x.seq;
		if (rc == READER_CORRUPT)
			c->tally->lost++;
		else if (is_ours(c->whose, &x))
			count(c, &x);
	}
	return rc == READER_NONE ? 0 : rc;
}

static void
count_gaps(struct counting *c, struct reader *r)
{
	uint64_t after = c->whose->after, seq, n;
	struct slice why;

	while (reader_next_gap(r, after, &seq, &n, &why) == 0) {
		c->tally->lost += n;
		after = seq;
	}
}

static bool
has_batch_within(const struct counting *c, uint64_t first, uint64_t last)
{
	size_t low = 0, high = c->n_batches;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (c->batch[middle] < first)
			low = middle + 1;
		else
			high = middle;
	}
	return low < c->n_batches && c->batch[low] <= last;
}

/* A trace comes in many batches, and may have begun before the run. */
static int
count_traces(struct counting *c, struct reader *r)
{
	struct kept_item trace = { 0 };
	int rc;

	if (c->n_batches == 0)
		return 0;
	while ((rc = reader_next_trace(r, trace.key, &trace)) == 0 ||
	    rc == READER_CORRUPT)
		if (rc == 0 && has_batch_within(c, trace.first_seq,
		    trace.last_seq))
			c->tally->traces++;
	return rc == READER_NONE ? 0 : rc;
}

int
run_tally_read(struct run_tally *t, const char *dir, const struct run_whose *w)
{
	struct counting c = { .tally = t, .whose = w };
	struct reader *r;
	int rc;

	*t = (struct run_tally){
		.tokens = -1, .cached = -1, .failed_status = -1
	};
	rc = reader_open(&r, dir);
	if (rc)
		return rc == READER_NO_STORE ? 0 : rc;
	rc = count_exchanges(&c, r);
	if (rc == 0)
		rc = count_traces(&c, r);
	count_gaps(&c, r);
	reader_close(r);
	forget_ids(&c);
	free(c.batch);
	return rc;
}

static void
put_n(struct bytes *out, uint64_t n, const char *one, const char *many)
{
	units_grouped(out, (int64_t)n);
	bytes_printf(out, " %s", n == 1 ? one : many);
}

static void
put_failed(struct bytes *out, const struct run_tally *t)
{
	bytes_puts(out, " (");
	units_grouped(out, (int64_t)t->failed);
	bytes_puts(out, " failed");
	if (t->failed_status >= 400)
		bytes_printf(out, ", HTTP %d", (int)t->failed_status);
	bytes_puts(out, ")");
}

void
run_tally_put(struct bytes *out, const struct run_tally *t)
{
	put_n(out, t->calls, "call", "calls");
	if (t->failed)
		put_failed(out, t);
	if (t->traces || t->batches) {
		bytes_puts(out, ", ");
		put_n(out, t->traces, "trace", "traces");
		if (t->batches_failed)
			bytes_puts(out, " (refused by the API)");
	}
	if (t->tokens >= 0) {
		bytes_puts(out, ", ");
		put_n(out, (uint64_t)t->tokens, "token", "tokens");
	}
	if (t->tokens >= 0 && t->cached > 0) {
		bytes_puts(out, " (");
		units_grouped(out, t->cached);
		bytes_puts(out, " cached)");
	}
	if (t->in_flight)
		bytes_printf(out, ", %d not ended yet", (int)t->in_flight);
	if (t->lost) {
		bytes_puts(out, ", ");
		put_n(out, t->lost, "exchange is", "exchanges are");
		bytes_puts(out, " lost");
	}
}
