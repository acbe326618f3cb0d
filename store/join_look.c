#include "store/join_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Exchanges get their numbers and their times one after the other, but not in one
 * step, and the clock may be set: so much the rows are mistrusted. */
enum { LOOK_BACK = 64 };

/* The exchanges of a stretch of time, and those of them that are there already. */
struct look {
	int64_t from_ns, to_ns;
	uint64_t *had;		/* seqs, rising */
	size_t n_had, at;
	uint64_t first, last;	/* of those that made what is joined by id; 0 */
	uint64_t looks;
};

static int
compare_seqs(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static int
take_stock(const struct join *j, struct look *l)
{
	l->had = calloc(j->n_calls + 1, sizeof(*l->had));
	if (!l->had)
		return ENOMEM;
	for (size_t i = 0; i < j->n_calls; i++) {
		const struct join_call *c = &j->call[i];

		l->had[l->n_had++] = c->seq;
		if (c->role != ROLE_CREATE)
			continue;
		if (l->first == 0 || c->seq < l->first)
			l->first = c->seq;
		if (c->seq > l->last)
			l->last = c->seq;
	}
	qsort(l->had, l->n_had, sizeof(*l->had), compare_seqs);
	return 0;
}

/* Seqs rise from look to look. */
static bool
is_there(struct look *l, uint64_t seq)
{
	while (l->at < l->n_had && l->had[l->at] < seq)
		l->at++;
	return l->at < l->n_had && l->had[l->at] == seq;
}

/* *after: the number behind which time t begins, if times rise. */
static int
find_time(struct reader *r, int64_t t, uint64_t *after)
{
	uint64_t lo = 0, hi;
	struct exchange x = { .seq = 0 };
	int rc = reader_prev(r, UINT64_MAX, &x);

	if (rc && rc != READER_CORRUPT)
		return rc;
	hi = x.seq;
	while (lo < hi) {
		uint64_t mid = lo + (hi - lo) / 2;

		rc = join_next(r, mid, &x);
		if (rc && rc != READER_NONE)
			return rc;
		if (rc || x.time_ns >= t)
			hi = mid;
		else
			lo = x.seq;
	}
	*after = lo;
	return 0;
}

int
join_is_claimed(const struct join_work *w, struct slice id, bool *claimed)
{
	struct claim c;
	int rc;

	*claimed = false;
	if (id.len == 0)
		return 0;
	for (rc = reader_next_claim(w->reader, id, NULL, &c); rc == 0;
	    rc = reader_next_claim(w->reader, id, &c, &c)) {
		if (!slice_eq(c.trace, w->j->id)) {
			*claimed = true;
			return 0;
		}
	}
	return rc == READER_NONE ? 0 : rc;
}

static int
add_loose(struct join_work *w, const struct exchange *x)
{
	struct response_name name[RESPONSE_NAMES_MAX];
	enum response_role role = response_names(x, name) > 0 ? name[0].role :
	    ROLE_CREATE;
	bool claimed;
	uint32_t i;
	int rc;

	if (role != ROLE_COMPACT)
		role = ROLE_CREATE;	/* one without an id goes on, merely */
	if ((rc = join_add_call(w, x, role, &i)) != 0)
		return rc;
	rc = join_is_claimed(w, w->j->call[i].id, &claimed);
	if (claimed)
		w->j->n_calls--;
	return rc;
}

static bool
is_over(const struct look *l, const struct exchange *x, unsigned *beyond)
{
	if (x->time_ns > l->to_ns)
		++*beyond;
	else
		*beyond = 0;
	return *beyond > LOOK_BACK && x->seq > l->last;
}

static int
walk(struct join_work *w, struct look *l, uint64_t after)
{
	struct exchange x;
	unsigned beyond = 0;
	int rc;

	while ((rc = join_next(w->reader, after, &x)) == 0) {
		after = x.seq;
		if (is_over(l, &x, &beyond))
			return 0;
		if (l->looks++ >= JOIN_LOOK_MAX) {
			w->j->cut |= JOIN_CUT_LOOK;
			return 0;
		}
		if (!join_is_call(&x) || x.time_ns < l->from_ns ||
		    x.time_ns > l->to_ns || is_there(l, x.seq) ||
		    !join_knows(w, &x))
			continue;
		if ((rc = add_loose(w, &x)) != 0)
			break;
	}
	return rc == READER_NONE || rc == JOIN_FULL ? 0 : rc;
}

int
join_look(struct join_work *w)
{
	const struct join *j = w->j;
	struct look l = { .from_ns = j->began_ns - j->skew_ns - JOIN_SLACK_NS };
	uint64_t after;
	int rc;

	if (j->began_ns < 0)
		return 0;
	l.to_ns = j->ended_ns - j->skew_ns + JOIN_SLACK_NS;
	if ((rc = take_stock(j, &l)) == 0 &&
	    (rc = find_time(w->reader, l.from_ns, &after)) == 0) {
		if (l.first > 0 && l.first - 1 < after)
			after = l.first - 1;
		after = after > LOOK_BACK ? after - LOOK_BACK : 0;
		rc = walk(w, &l, after);
	}
	free(l.had);
	return rc == READER_NONE ? 0 : rc;
}
