#include "store/join_private.h"

#include <errno.h>
#include <stdlib.h>

enum {
	CHAIN_BACK = 64,	/* chains that an attempt may go on with */
	NEAR_MAX = 4096,	/* chains that are looked at for one span */
	ROUNDS_MAX = 16,
};

/* A call and the attempts before it. */
struct chain {
	uint32_t last;		/* call; the others by way of before */
	uint32_t askers;	/* spans that have no other chain to choose */
	int64_t began_ns;
	uint64_t seq;		/* of the first */
};

struct match {
	struct join *j;
	const struct join_call **order;
	uint32_t *before;	/* of a call: the attempt before it */
	size_t n;
	struct chain *chain;
	size_t n_chains;
	uint32_t *asks;		/* of a span: the chain; TREE_NONE */
};

/* ---- attempts */

static int
differ(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

static int
by_body(const void *a, const void *b)
{
	const struct join_call *x = *(const struct join_call *const *)a;
	const struct join_call *y = *(const struct join_call *const *)b;
	int c = differ(x->body, y->body);

	if (c == 0)
		c = differ(x->who, y->who);
	if (c == 0)
		c = differ(x->endpoint, y->endpoint);
	if (c == 0)
		c = differ((uint64_t)x->time_ns, (uint64_t)y->time_ns);
	return c ? c : differ(x->seq, y->seq);
}

static bool
same_request(const struct join_call *a, const struct join_call *b)
{
	return a->body != 0 && a->body == b->body && a->who == b->who &&
	    a->endpoint == b->endpoint;
}

/* b may be what the client did when a had failed. */
static bool
follows(const struct join_call *a, const struct join_call *b)
{
	return same_request(a, b) && (a->flags & CALL_FAILED) &&
	    a->how == JOIN_NOT && b->retry > 0 &&
	    b->retry - 1 == (a->retry > 0 ? a->retry : 0) &&
	    (a->end_ns < 0 || a->end_ns - JOIN_SLACK_NS <= b->time_ns);
}

/* The one chain that call i goes on with; NULL: none, or it cannot be told. */
static struct chain *
chain_of(const struct match *m, uint32_t i)
{
	struct chain *found = NULL;
	size_t n = m->n_chains;

	for (size_t back = 0; back < CHAIN_BACK && n > 0; back++) {
		struct chain *c = &m->chain[--n];

		if (!same_request(&m->j->call[c->last], &m->j->call[i]))
			break;
		if (!follows(&m->j->call[c->last], &m->j->call[i]))
			continue;
		if (found)
			return NULL;
		found = c;
	}
	return found;
}

static void
make_chains(struct match *m)
{
	qsort(m->order, m->n, sizeof(struct join_call *), by_body);
	for (size_t k = 0; k < m->n; k++) {
		uint32_t i = (uint32_t)(m->order[k] - m->j->call);
		struct chain *c = chain_of(m, i);

		m->before[i] = c ? c->last : TREE_NONE;
		if (c)
			c->last = i;
		else
			m->chain[m->n_chains++] = (struct chain){ i, 0,
			    m->order[k]->time_ns, m->order[k]->seq };
	}
}

/* Attempts are within their span, even though its call says where it is. */
static void
own_attempts(struct match *m, const struct chain *c)
{
	uint32_t span = m->j->call[c->last].span;
	int64_t began_ns = m->j->node[span].began_ns;

	for (uint32_t i = m->before[c->last]; i != TREE_NONE; i = m->before[i]) {
		struct join_call *call = &m->j->call[i];

		if (began_ns >= 0 && call->time_ns + m->j->skew_ns <
		    began_ns - JOIN_SLACK_NS)
			return;
		call->how = JOIN_ATTEMPT;
		call->span = span;
	}
}

/* ---- by time */

static int
by_begin(const void *a, const void *b)
{
	const struct chain *x = a, *y = b;
	int c = differ((uint64_t)x->began_ns, (uint64_t)y->began_ns);

	return c ? c : differ(x->seq, y->seq);
}

static bool
wants_call(const struct join *j, uint32_t s)
{
	const struct join_span *span = &j->span[s];

	return (span->kind == SPAN_RESPONSE || span->kind == SPAN_GENERATION) &&
	    span->first_call == TREE_NONE && span->twin == TREE_NONE &&
	    j->node[s].began_ns >= 0 &&
	    j->node[s].ended_ns >= j->node[s].began_ns;
}

int64_t
join_seen_until(const struct join_call *c)
{
	if ((c->flags & CALL_STREAM) && c->first_us >= 0 &&
	    c->first_us <= (JOIN_TIME_MAX - c->time_ns) / 1000)
		return c->time_ns + c->first_us * 1000;
	return c->end_ns >= 0 ? c->end_ns : c->time_ns;
}

static bool
may_be(const struct match *m, uint32_t s, const struct chain *c)
{
	const struct join_span *span = &m->j->span[s];
	const struct join_call *last = &m->j->call[c->last];
	const struct tree_node *node = &m->j->node[s];
	const int64_t skew = m->j->skew_ns - JOIN_SLACK_NS;

	if (last->how != JOIN_NOT || c->began_ns + m->j->skew_ns <
	    node->began_ns - JOIN_SLACK_NS)
		return false;
	if (last->endpoint != ENDPOINT_RESPONSES_CREATE &&
	    (last->endpoint != ENDPOINT_CHAT || span->kind != SPAN_GENERATION))
		return false;
	/* A response of another id is not this one. */
	if (span->response_id.len > 0 && last->id.len > 0)
		return false;
	return join_seen_until(last) + skew <= node->ended_ns;
}

/* The chain that span s cannot but mean; TREE_NONE: there are more, or none. */
static uint32_t
only_chain(const struct match *m, uint32_t s)
{
	const struct tree_node *node = &m->j->node[s];
	const int64_t from = node->began_ns - m->j->skew_ns - JOIN_SLACK_NS;
	size_t lo = 0, hi = m->n_chains;
	uint32_t found = TREE_NONE;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (m->chain[mid].began_ns < from)
			lo = mid + 1;
		else
			hi = mid;
	}
	for (size_t i = lo; i < m->n_chains; i++) {
		const struct chain *c = &m->chain[i];

		if (c->began_ns + m->j->skew_ns - JOIN_SLACK_NS > node->ended_ns)
			break;
		if (i - lo >= NEAR_MAX)
			return TREE_NONE;
		if (!may_be(m, s, c))
			continue;
		if (found != TREE_NONE)
			return TREE_NONE;
		found = (uint32_t)i;
	}
	return found;
}

/* Joins what is certain; whether that made anything else certain is for the next
 * round.  All of a round decide before any is joined: their order is of no account. */
static bool
join_round(struct match *m)
{
	struct join *j = m->j;
	bool has_joined = false;

	for (size_t i = 0; i < m->n_chains; i++)
		m->chain[i].askers = 0;
	for (uint32_t s = 0; s < j->n_spans; s++) {
		m->asks[s] = wants_call(j, s) ? only_chain(m, s) : TREE_NONE;
		if (m->asks[s] != TREE_NONE)
			m->chain[m->asks[s]].askers++;
	}
	for (uint32_t s = 0; s < j->n_spans; s++) {
		struct chain *c = m->asks[s] == TREE_NONE ? NULL :
		    &m->chain[m->asks[s]];

		if (!c || c->askers != 1)
			continue;
		j->call[c->last].how = JOIN_BY_TIME;
		j->call[c->last].span = s;
		j->span[s].first_call = c->last;	/* as a mark, for now */
		own_attempts(m, c);
		has_joined = true;
	}
	return has_joined;
}

/* ---- both */

static int
begin(struct match *m, struct join *j)
{
	*m = (struct match){ .j = j };
	m->order = calloc(j->n_calls + 1, sizeof(struct join_call *));
	m->before = calloc(j->n_calls + 1, sizeof(*m->before));
	m->chain = calloc(j->n_calls + 1, sizeof(*m->chain));
	m->asks = calloc(j->n_spans + 1, sizeof(*m->asks));
	if (!m->order || !m->before || !m->chain || !m->asks)
		return ENOMEM;
	for (uint32_t i = 0; i < j->n_calls; i++)
		if (j->call[i].role == ROLE_CREATE ||
		    j->call[i].role == ROLE_COMPACT)
			m->order[m->n++] = &j->call[i];
	make_chains(m);
	for (size_t i = 0; i < m->n_chains; i++)
		if (j->call[m->chain[i].last].how != JOIN_NOT)
			own_attempts(m, &m->chain[i]);
	return 0;
}

static void
end(struct match *m)
{
	free(m->order);
	free(m->before);
	free(m->chain);
	free(m->asks);
}

int
join_attempts(struct join *j)
{
	struct match m;
	int rc = begin(&m, j);

	end(&m);
	return rc;
}

int
join_match(struct join *j)
{
	struct match m;
	int rc = begin(&m, j);

	if (rc == 0) {
		qsort(m.chain, m.n_chains, sizeof(*m.chain), by_begin);
		for (int i = 0; i < ROUNDS_MAX && join_round(&m); i++)
			;
	}
	end(&m);
	return rc;
}
