#include "store/join_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int
join_next(struct reader *r, uint64_t after, struct exchange *x)
{
	int rc;

	for (;; after = x->seq) {
		x->seq = 0;
		rc = reader_next(r, after, x);
		if (rc != READER_CORRUPT || x->seq <= after)
			return rc;
	}
}

bool
join_is_call(const struct exchange *x)
{
	return x->endpoint == ENDPOINT_RESPONSES_CREATE ||
	    x->endpoint == ENDPOINT_CHAT ||
	    x->endpoint == ENDPOINT_RESPONSES_COMPACT;
}

/* ---- clients */

/* "127.0.0.1:51234", "[::1]:51234": each connection has a port of its own. */
static struct slice
without_port(struct slice client)
{
	const char *colon = client.p ? memrchr(client.p, ':', client.len) : NULL;

	if (colon)
		client.len = (size_t)(colon - client.p);
	return client;
}

static bool
is_who(const struct join_who *who, const struct exchange *x)
{
	return slice_eq(who->client, without_port(x->client)) &&
	    slice_eq(who->label, x->label) &&
	    (who->any_key || slice_eq(who->key, x->key_hash));
}

bool
join_knows(const struct join_work *w, const struct exchange *x)
{
	for (uint32_t i = 0; i < w->n_who; i++)
		if (is_who(&w->who[i], x))
			return true;
	return false;
}

/* Past the bound all others are one, which only makes fewer joins. */
static int
know(struct join_work *w, const struct exchange *x, bool any_key, uint32_t *at)
{
	struct join_who who = { without_port(x->client), x->label, x->key_hash,
		any_key };
	int rc;

	for (*at = 0; *at < w->n_who; ++*at)
		if (w->who[*at].any_key == any_key && is_who(&w->who[*at], x))
			return 0;
	if (w->n_who == JOIN_WHO_MAX)
		return 0;
	if ((rc = join_keep(w->j, &who.client)) != 0 ||
	    (rc = join_keep(w->j, &who.label)) != 0 ||
	    (rc = join_keep(w->j, &who.key)) != 0)
		return rc;
	w->who[w->n_who++] = who;
	return 0;
}

int
join_know_batch(struct join_work *w, uint64_t seq)
{
	struct exchange x;
	uint32_t at;
	int rc = reader_get(w->reader, seq, &x);

	if (rc)
		return rc == READER_NONE || rc == READER_CORRUPT ? 0 : rc;
	return know(w, &x, true, &at);
}

/* ---- one exchange */

static bool
has_failed(const struct exchange *x)
{
	if (x->outcome == OUTCOME_IN_FLIGHT)
		return false;
	return x->outcome != OUTCOME_COMPLETE || x->status < 0 ||
	    x->status >= 400 || slice_eq(x->api_status, SLICE("failed"));
}

static uint64_t
body_of(const struct message *m)
{
	uint64_t v = m->has_sha256 ? be64_get(m->sha256) : 0;

	return m->has_sha256 && v == 0 ? 1 : v;
}

static int64_t
end_of(const struct exchange *x)
{
	if (x->time_ns < 0 || x->time_ns > JOIN_TIME_MAX || x->timing.end < 0 ||
	    x->timing.end > (JOIN_TIME_MAX - x->time_ns) / 1000)
		return -1;
	return x->time_ns + x->timing.end * 1000;
}

/* Texts that the call before has as well are not kept twice. */
static int
keep_same(struct join *j, struct slice *s, struct slice before)
{
	if (s->p && before.p && slice_eq(*s, before)) {
		*s = before;
		return 0;
	}
	return join_keep(j, s);
}

static int
keep_texts(struct join *j, struct join_call *c)
{
	static const struct join_call none;
	const struct join_call *last = j->n_calls > 0 ? c - 1 : &none;
	int rc = join_keep_id(j, &c->id);

	if (rc == 0)
		rc = join_keep_id(j, &c->previous_id);
	if (rc == 0)
		rc = join_keep_id(j, &c->conversation);
	if (rc == 0)
		rc = keep_same(j, &c->model, last->model);
	if (rc == 0)
		rc = keep_same(j, &c->api_status, last->api_status);
	return rc ? rc : keep_same(j, &c->error, last->error);
}

static void
fill(struct join_call *c, const struct exchange *x)
{
	const struct timing *t = &x->timing;

	*c = (struct join_call){
		.seq = x->seq, .time_ns = x->time_ns > 0 &&
		    x->time_ns <= JOIN_TIME_MAX ? x->time_ns : 0,
		.end_ns = end_of(x),
		.first_us = t->first_token >= 0 ? t->first_token : t->first_byte,
		.status = x->status, .retry = x->retry_count,
		.outcome = x->outcome, .endpoint = x->endpoint,
		.span = TREE_NONE, .next = TREE_NONE,
		.body = body_of(&x->request), .usage = x->usage,
		.id = x->response_id, .previous_id = x->previous_response_id,
		.conversation = x->conversation, .model = x->model,
		.api_status = x->api_status,
		.error = x->error_code.p ? x->error_code : x->error_type,
	};
	if (x->flags & EXCHANGE_STREAM)
		c->flags |= CALL_STREAM;
	if (x->flags & EXCHANGE_BACKGROUND)
		c->flags |= CALL_BACKGROUND;
	if (has_failed(x))
		c->flags |= CALL_FAILED;
}

static int
grow(struct join_work *w)
{
	size_t cap = w->call_cap > 0 ? 2 * w->call_cap : 64;
	struct join_call *v;

	if (w->j->n_calls < w->call_cap)
		return 0;
	if (w->j->n_calls >= JOIN_CALLS_MAX)
		return JOIN_FULL;
	v = reallocarray(w->j->call, cap, sizeof(*v));
	if (!v)
		return ENOMEM;
	w->j->call = v;
	w->call_cap = cap;
	return 0;
}

int
join_add_call(struct join_work *w, const struct exchange *x,
    enum response_role role, uint32_t *i)
{
	struct join *j = w->j;
	struct join_call *c;
	int rc = grow(w);

	if (rc == 0) {
		c = &j->call[j->n_calls];
		fill(c, x);
		c->role = role;
		rc = know(w, x, false, &c->who);
		if (rc == 0)
			rc = keep_texts(j, c);
	}
	if (rc == JOIN_FULL)
		j->cut |= JOIN_CUT_CALLS;
	if (rc)
		return rc;
	*i = (uint32_t)j->n_calls++;
	return 0;
}

/* ---- by id */

/* Does the exchange name the id, and not merely go on after it? */
static bool
is_about(const struct exchange *x, struct slice id, enum response_role *role)
{
	struct response_name name[RESPONSE_NAMES_MAX];
	size_t n = response_names(x, name);
	uint8_t key[ID_KEY_MAX];

	for (size_t i = 0; i < n; i++) {
		struct slice k = { (char *)key, id_key_put(key, name[i].id) };

		*role = name[i].role;
		if (slice_eq(k, id))
			return *role != ROLE_NEXT && *role != ROLE_CONVERSATION;
	}
	return false;
}

/* Is it among the calls from i on? */
static bool
has_call(const struct join *j, uint32_t i, uint64_t seq)
{
	for (; i != TREE_NONE; i = j->call[i].next)
		if (j->call[i].seq == seq)
			return true;
	return false;
}

/* What one gathering is about. */
struct gather {
	uint32_t span;
	uint32_t had;		/* the calls that the span had before */
	struct slice id;
	enum join_how how;
};

static int
gather_one(struct join_work *w, const struct gather *g, uint64_t seq)
{
	struct join_span *s = &w->j->span[g->span];
	enum response_role role;
	struct exchange x;
	uint32_t i;
	int rc = reader_get(w->reader, seq, &x);

	if (rc)		/* gone since, or damaged */
		return rc == READER_NONE || rc == READER_CORRUPT ? 0 : rc;
	if (!is_about(&x, g->id, &role) || has_call(w->j, g->had, seq))
		return 0;
	if ((rc = join_add_call(w, &x, role, &i)) != 0)
		return rc;
	w->j->call[i].how = g->how;
	w->j->call[i].span = g->span;
	w->j->call[i].next = s->first_call;
	s->first_call = i;
	return 0;
}

int
join_gather(struct join_work *w, uint32_t span, struct slice id,
    enum join_how how)
{
	const struct gather g = { span, w->j->span[span].first_call, id, how };
	struct response_ref ref;
	uint64_t after = 0;
	int rc;

	for (;; after = ref.seq) {
		ref.seq = 0;
		rc = reader_next_response(w->reader, id, after, &ref);
		if (rc == READER_CORRUPT && ref.seq > after)
			continue;
		if (rc)
			break;
		if (ref.role == ROLE_NEXT || ref.role == ROLE_CONVERSATION)
			continue;
		if ((rc = gather_one(w, &g, ref.seq)) != 0)
			return rc;
	}
	return rc == READER_NONE || rc == READER_CORRUPT ? 0 : rc;
}
