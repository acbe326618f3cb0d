#include "store/join_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int
differ(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

static int
by_time(const void *a, const void *b)
{
	const struct join_call *x = *(const struct join_call *const *)a;
	const struct join_call *y = *(const struct join_call *const *)b;
	int c = differ((uint64_t)x->time_ns, (uint64_t)y->time_ns);

	return c ? c : differ(x->seq, y->seq);
}

static bool
has_usage(const struct join_call *c)
{
	return c->usage.input >= 0 || c->usage.output >= 0 ||
	    c->usage.total >= 0;
}

/* Who tells of the tokens of a response: lowest first. */
static unsigned
reluctance(const struct join_call *c)
{
	unsigned n = 0;

	if (!has_usage(c))
		n += 100;
	if (!response_is_terminal(c->api_status) && c->endpoint != ENDPOINT_CHAT)
		n += 50;
	if (c->role == ROLE_STREAM)
		n += 1;
	else if (c->role != ROLE_CREATE && c->role != ROLE_COMPACT)
		n += 2;
	return n;
}

static int
by_id(const void *a, const void *b)
{
	const struct join_call *x = *(const struct join_call *const *)a;
	const struct join_call *y = *(const struct join_call *const *)b;
	size_t n = x->id.len < y->id.len ? x->id.len : y->id.len;
	int c = n > 0 ? memcmp(x->id.p, y->id.p, n) : 0;

	if (c == 0)
		c = differ(x->id.len, y->id.len);
	if (c == 0)
		c = differ(reluctance(x), reluctance(y));
	return c ? c : differ(x->seq, y->seq);
}

/* Polls and resumed streams repeat the tokens of a response. */
static void
choose_counting(struct join_call **v, size_t n)
{
	qsort(v, n, sizeof(struct join_call *), by_id);
	for (size_t i = 0; i < n; i++) {
		bool again = i > 0 && v[i]->id.len > 0 &&
		    slice_eq(v[i]->id, v[i - 1]->id);

		if (!again && has_usage(v[i]))
			v[i]->flags |= CALL_COUNTS;
	}
}

/* v: in order of time, put in front of the lists from the last one on. */
static void
make_lists(struct join *j, struct join_call **v, size_t n)
{
	for (size_t i = 0; i < j->n_spans; i++)
		j->span[i].first_call = TREE_NONE;
	while (n-- > 0) {
		uint32_t *list = v[n]->span == TREE_NONE ? &j->first_loose :
		    &j->span[v[n]->span].first_call;

		v[n]->next = *list;
		*list = (uint32_t)(v[n] - j->call);
	}
}

/* ---- clocks */

/* A day: what differs by more is no clock that is a little off. */
#define SKEW_MAX_NS INT64_C(86400000000000)

/* The call was in its span by the client's clock: that is ahead of ours by lo to hi. */
static void
narrow(const struct tree_node *n, const struct join_call *c, int64_t *lo,
    int64_t *hi)
{
	if (n->began_ns - c->time_ns > *lo)
		*lo = n->began_ns - c->time_ns;
	if (n->ended_ns - join_seen_until(c) < *hi)
		*hi = n->ended_ns - join_seen_until(c);
}

void
join_compare_clocks(struct join *j)
{
	int64_t lo = -SKEW_MAX_NS, hi = SKEW_MAX_NS;

	for (size_t i = 0; i < j->n_calls; i++) {
		const struct join_call *c = &j->call[i];
		const struct tree_node *n = c->span == TREE_NONE ? NULL :
		    &j->node[c->span];

		if (n && c->how == JOIN_BY_ID && c->role == ROLE_CREATE &&
		    n->began_ns >= 0 && n->ended_ns >= n->began_ns)
			narrow(n, c, &lo, &hi);
	}
	/* As good as none, or not to be explained by a clock. */
	if ((lo <= JOIN_SLACK_NS && hi >= -JOIN_SLACK_NS) || lo > hi ||
	    lo < -SKEW_MAX_NS || hi > SKEW_MAX_NS)
		return;
	j->skew_ns = lo + (hi - lo) / 2;
}

/* ---- totals */

static void
add(int64_t *sum, int64_t n)
{
	int64_t had = *sum < 0 ? 0 : *sum;

	if (n >= 0)
		*sum = n > INT64_MAX - had ? INT64_MAX : had + n;
}

static void
add_call(struct join_totals *t, const struct join_call *c)
{
	if (c->span == TREE_NONE) {
		t->unmatched_calls++;
		return;
	}
	t->exchanges++;
	if (c->role == ROLE_CREATE || c->role == ROLE_COMPACT)
		t->calls++;
	if (c->how == JOIN_ATTEMPT)
		t->attempts++;
	if (!(c->flags & CALL_COUNTS))
		return;
	add(&t->usage.input, c->usage.input);
	add(&t->usage.cached, c->usage.cached);
	add(&t->usage.cache_write, c->usage.cache_write);
	add(&t->usage.output, c->usage.output);
	add(&t->usage.reasoning, c->usage.reasoning);
	add(&t->usage.total, c->usage.total);
}

/* Did what came last for the span fail?  Attempts before it do not count. */
static bool
has_failed(const struct join *j, const struct join_span *s)
{
	bool failed = false;

	for (uint32_t i = s->first_call; i != TREE_NONE; i = j->call[i].next)
		if (j->call[i].role == ROLE_CREATE ||
		    j->call[i].role == ROLE_COMPACT)
			failed = j->call[i].flags & CALL_FAILED;
	return failed;
}

static void
add_span(const struct join *j, struct join_totals *t, const struct join_span *s)
{
	t->handoffs += s->kind == SPAN_HANDOFF;
	t->tools += s->kind == SPAN_FUNCTION;
	t->errors += s->error.p != NULL || has_failed(j, s);
	t->unmatched_spans += (s->kind == SPAN_RESPONSE ||
	    s->kind == SPAN_GENERATION) && s->first_call == TREE_NONE &&
	    s->twin == TREE_NONE;
}

static void
total(struct join *j)
{
	struct join_totals *t = &j->totals;

	*t = (struct join_totals){ .usage = { -1, -1, -1, -1, -1, -1 } };
	for (size_t i = 0; i < j->n_calls; i++)
		add_call(t, &j->call[i]);
	for (size_t i = 0; i < j->n_spans; i++)
		add_span(j, t, &j->span[i]);
	t->spans = j->is_inferred ? 0 : j->n_spans;
}

int
join_end(struct join *j)
{
	struct join_call **v = calloc(j->n_calls + 1, sizeof(struct join_call *));

	if (!v)
		return ENOMEM;
	for (size_t i = 0; i < j->n_calls; i++)
		v[i] = &j->call[i];
	choose_counting(v, j->n_calls);
	qsort(v, j->n_calls, sizeof(struct join_call *), by_time);
	make_lists(j, v, j->n_calls);
	total(j);
	free(v);
	return 0;
}
