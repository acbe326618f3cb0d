#include "tools/dump_trace.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tools/pick.h"

/* Numbers of exchanges that were seen: a hash table, a 0 being a free slot. */
struct seqs {
	uint64_t *slot;
	size_t n, n_slots;	/* a power of two */
};

enum {
	SEQS_FIRST = 1024,
	LIST_FIRST = 64,
	SPARE = 256,		/* traces that run longer than those after them */
	LOOKS_MAX = 100000,	/* exchanges, for the last few inferred traces */
};

static uint64_t *
seqs_slot(const struct seqs *s, uint64_t seq)
{
	size_t i = (size_t)(seq * UINT64_C(0x9e3779b97f4a7c15) >> 20) &
	    (s->n_slots - 1);

	while (s->slot[i] != 0 && s->slot[i] != seq)
		i = (i + 1) & (s->n_slots - 1);
	return &s->slot[i];
}

static bool
seqs_has(const struct seqs *s, uint64_t seq)
{
	return s->n > 0 && *seqs_slot(s, seq) == seq;
}

static int
seqs_add(struct seqs *s, uint64_t seq)
{
	struct seqs wide = { .n_slots = s->n_slots ? 2 * s->n_slots : SEQS_FIRST };

	if (2 * (s->n + 1) > s->n_slots) {
		wide.slot = calloc(wide.n_slots, sizeof(*wide.slot));
		if (!wide.slot)
			return ENOMEM;
		for (size_t i = 0; i < s->n_slots; i++)
			if (s->slot[i] != 0)
				*seqs_slot(&wide, s->slot[i]) = s->slot[i];
		wide.n = s->n;
		free(s->slot);
		*s = wide;
	}
	s->n += *seqs_slot(s, seq) == 0;
	*seqs_slot(s, seq) = seq;
	return 0;
}

/* ---- the list */

static int
by_begin(const void *a, const void *b)
{
	const struct trace_ref *x = a, *y = b;
	size_t n = x->id_len < y->id_len ? x->id_len : y->id_len;
	int c = (x->began_ns > y->began_ns) - (x->began_ns < y->began_ns);

	if (c == 0)
		c = (x->seq > y->seq) - (x->seq < y->seq);
	if (c == 0)
		c = memcmp(x->id, y->id, n);
	return c ? c : (x->id_len > y->id_len) - (x->id_len < y->id_len);
}

static void
keep_newest(struct trace_list *l, size_t max)
{
	if (l->n > 1)
		qsort(l->v, l->n, sizeof(*l->v), by_begin);
	if (l->n > max) {
		memmove(l->v, l->v + l->n - max, max * sizeof(*l->v));
		l->n = max;
	}
}

/* Room for one more; what is too old for the list goes now and then. */
static struct trace_ref *
add(struct trace_list *l, int64_t max)
{
	size_t cap = l->cap > 0 ? 2 * l->cap : LIST_FIRST;
	struct trace_ref *v;

	if (l->n == l->cap && max >= 0 && l->n / 2 > (size_t)max)
		keep_newest(l, (size_t)max);
	if (l->n == l->cap) {
		v = reallocarray(l->v, cap, sizeof(*v));
		if (!v)
			return NULL;
		l->v = v;
		l->cap = cap;
	}
	return &l->v[l->n++];
}

void
trace_list_fini(struct trace_list *l)
{
	free(l->v);
	trace_history_fini(&l->history);
	*l = (struct trace_list){ 0 };
}

/* ---- recorded ones */

/* When it began: its first span, else the last batch that brought it. */
static int
find_begin(struct dump *d, struct trace_ref *t, uint64_t last_seq)
{
	struct kept_item span = { .started_ns = -1 };
	struct exchange x;
	int rc = reader_next_span(d->reader, (struct slice){ t->id, t->id_len },
	    NULL, &span);

	t->began_ns = rc == 0 ? span.started_ns : -1;
	if (t->began_ns >= 0)
		return 0;
	if (rc && rc != READER_NONE && rc != READER_CORRUPT)
		return rc;
	rc = reader_get(d->reader, last_seq, &x);
	if (rc == 0)
		t->began_ns = x.time_ns;
	return rc == READER_NONE || rc == READER_CORRUPT ? 0 : rc;
}

/* In the place of their beginnings they have the numbers of their last batches. */
static int
list_all(struct dump *d, int64_t max, struct trace_list *l)
{
	struct slice after = { NULL, 0 };
	struct kept_item k = { .raw = { NULL, 0 } };
	struct trace_ref *t, at;
	int rc;

	for (;;) {
		rc = reader_next_trace(d->reader, after, &k);
		if ((rc && rc != READER_CORRUPT) || k.key.len == 0 ||
		    k.key.len > sizeof(at.id))
			break;
		at = (struct trace_ref){ .id_len = k.key.len };
		memcpy(at.id, k.key.p, k.key.len);
		if (rc == 0) {
			if (!(t = add(l, max)))
				return ENOMEM;
			*t = at;
			t->began_ns = (int64_t)(k.last_seq & INT64_MAX);
		}
		after = (struct slice){ at.id, at.id_len };
		k.key.len = 0;
	}
	return rc == READER_NONE || rc == READER_CORRUPT ? 0 : rc;
}

/* To look up the beginning of each trace would take most of the time.  A trace is sent
 * while it runs: the newest are among those of the last batches, and of these many
 * more are looked at than are wanted. */
static int
list_recorded(struct dump *d, int64_t max, struct trace_list *l)
{
	int64_t most = max >= 0 && max < INT32_MAX ? 2 * max + SPARE : -1;
	int rc = list_all(d, most, l);

	if (most >= 0)
		keep_newest(l, (size_t)most);
	for (size_t i = 0; i < l->n && rc == 0; i++)
		rc = find_begin(d, &l->v[i], (uint64_t)l->v[i].began_ns);
	return rc;
}

/* ---- inferred ones */

/* The walk from the newest exchange down. */
struct walk {
	struct trace_list *l;
	struct seqs seen;
	int64_t max;
	int64_t oldest_ns;	/* older ones have no room in the list */
	size_t found;
	size_t lone_max;
	uint64_t looks;
};

static int
add_thread(struct dump *d, struct walk *w, uint64_t seq)
{
	struct trace_ref *t;
	struct join *j;
	int rc = join_thread(&j, d->reader, seq);

	if (rc)
		return rc == READER_NONE ? 0 : rc;
	rc = seqs_add(&w->seen, seq);
	for (size_t i = 0; i < j->n_calls && rc == 0; i++)
		rc = seqs_add(&w->seen, j->call[i].seq);
	if (rc == 0 && (j->n_spans > 1 || j->call[0].conversation.len > 0)) {
		w->found++;
		if (!(t = add(w->l, w->max)))
			rc = ENOMEM;
		else
			*t = (struct trace_ref){ .began_ns = j->began_ns,
			    .seq = seq };
	}
	join_free(j);
	return rc;
}

static int
visit(struct dump *d, struct walk *w, const struct exchange *x)
{
	struct trace_history *h = &w->l->history;
	const uint64_t seq = x->seq;
	enum join_standing s;
	int rc;

	if (seqs_has(&w->seen, seq))
		return 0;
	if ((rc = join_standing(d->reader, x, &s)) != 0)
		return rc;
	if (s == JOIN_LINKED)
		return add_thread(d, w, seq);
	if (s != JOIN_LONE)
		return 0;
	if (h->n < w->lone_max)
		return trace_history_add(h, seq);
	h->cut = true;
	return 0;
}

static bool
has_enough(const struct walk *w, const struct exchange *x)
{
	return x->time_ns < w->oldest_ns || (w->max >= 0 &&
	    (w->looks > LOOKS_MAX || w->found > 2 * (size_t)w->max + SPARE));
}

static int
walk_down(struct dump *d, struct walk *w)
{
	struct exchange x;
	uint64_t before = UINT64_MAX, bad = 0;
	int rc;

	while ((rc = pick_prev(d->reader, before, &x, &bad)) == 0) {
		before = x.seq;
		w->looks++;
		if (has_enough(w, &x) || (rc = visit(d, w, &x)) != 0)
			break;
	}
	return rc == READER_NONE ? 0 : rc;
}

/* The first of its group to go on after another call: tells of the group, once.  One
 * without any is of calls that failed, and may be some span's attempts. */
static bool
is_first_link(const struct trace_history *h, size_t i)
{
	if (h->v[i].after == 0)
		return false;
	for (size_t k = h->v[i].first; k < i; k++)
		if (h->v[k].after > 0 && h->v[k].first == h->v[i].first)
			return false;
	return true;
}

/* What histories tell: each group by its first call. */
static int
list_histories(struct dump *d, int64_t max, struct trace_list *l)
{
	const struct trace_history *h = &l->history;
	struct trace_ref *t;
	struct exchange x;
	int rc = trace_history_read(d, &l->history);

	for (size_t i = 0; i < h->n && rc == 0; i++) {
		if (!is_first_link(h, i))
			continue;
		rc = reader_get(d->reader, h->v[h->v[i].first].seq, &x);
		if (rc == READER_NONE || rc == READER_CORRUPT)
			rc = 0;
		else if (rc == 0 && !(t = add(l, max)))
			rc = ENOMEM;
		else if (rc == 0)
			*t = (struct trace_ref){ .began_ns = x.time_ns,
			    .seq = h->v[h->v[i].first].seq, .history = h };
	}
	return rc;
}

static int
list_inferred(struct dump *d, int64_t max, struct trace_list *l)
{
	struct walk w = { .l = l, .max = max, .oldest_ns = INT64_MIN,
		.lone_max = HISTORY_CALLS_MAX };
	int rc;

	if (max >= 0 && l->n >= (size_t)max)
		w.oldest_ns = l->n > 0 ? l->v[0].began_ns : INT64_MAX;
	if (max >= 0 && max < HISTORY_CALLS_MAX / 32)
		w.lone_max = HISTORY_CALLS_MAX / 2 + 16 * (size_t)max;
	rc = walk_down(d, &w);
	free(w.seen.slot);
	return rc ? rc : list_histories(d, max, l);
}

int
trace_list(struct dump *d, int64_t max, struct trace_list *l)
{
	size_t most = max >= 0 ? (size_t)max : SIZE_MAX;
	int rc = list_recorded(d, max, l);

	keep_newest(l, most);
	if (rc == 0)
		rc = list_inferred(d, max, l);
	keep_newest(l, most);
	return rc == 0 ? DUMP_OK : dump_reader_failed(d, rc);
}

/* An exchange that no id links to another one. */
static bool
is_lone(const struct join *j)
{
	return j->n_spans == 1 && j->call[0].previous_id.len == 0 &&
	    j->call[0].conversation.len == 0;
}

int
trace_join(struct dump *d, const struct trace_ref *t, struct join **j)
{
	struct trace_history h = { 0 };
	struct join *more = NULL;
	int rc;

	if (t->seq == 0)
		return join_trace(j, d->reader,
		    (struct slice){ t->id, t->id_len });
	if (t->history)
		return trace_history_join(d, t->history, t->seq, j);
	if ((rc = join_thread(j, d->reader, t->seq)) != 0 || !is_lone(*j))
		return rc;
	rc = trace_history_around(d, t->seq, &h);
	if (rc == 0)
		rc = trace_history_join(d, &h, t->seq, &more);
	trace_history_fini(&h);
	if (rc == 0 && more->n_calls > 1) {
		join_free(*j);
		*j = more;
		return 0;
	}
	join_free(more);
	if (rc == 0 || rc == READER_NONE)
		return 0;
	join_free(*j);
	*j = NULL;
	return rc;
}
