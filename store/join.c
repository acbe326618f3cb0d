#include "store/join.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "store/join_private.h"

enum { BLOCK = 64 * 1024, BAD_MAX = 1024 };

/* Texts lie in blocks, which do not move. */
struct block {
	struct block *before;
	size_t len, cap;
	char text[];
};

struct join_texts {
	struct block *last;
	size_t total;
	struct span_reader *spans;
};

int
join_begin(struct join_work *w, struct reader *r)
{
	struct join *j = calloc(1, sizeof(*j));

	*w = (struct join_work){ .j = j, .reader = r };
	if (!j)
		return ENOMEM;
	j->began_ns = j->ended_ns = -1;
	j->tree.first_root = j->tree.first_orphan = TREE_NONE;
	j->first_loose = TREE_NONE;
	j->texts = calloc(1, sizeof(*j->texts));
	if (j->texts)
		j->texts->spans = span_reader_new();
	return j->texts && j->texts->spans ? 0 : ENOMEM;
}

void
join_free(struct join *j)
{
	struct block *b, *before;

	if (!j)
		return;
	for (b = j->texts ? j->texts->last : NULL; b; b = before) {
		before = b->before;
		free(b);
	}
	if (j->texts)
		span_reader_free(j->texts->spans);
	free(j->texts);
	free(j->span);
	free(j->node);
	free(j->call);
	free(j);
}

static struct block *
room(struct join_texts *t, size_t n)
{
	struct block *b = t->last;
	size_t cap = n > BLOCK ? n : BLOCK;

	if (b && b->cap - b->len >= n)
		return b;
	if (!(b = malloc(sizeof(*b) + cap)))
		return NULL;
	*b = (struct block){ .before = t->last, .cap = cap };
	return t->last = b;
}

int
join_keep(struct join *j, struct slice *s)
{
	struct join_texts *t = j->texts;
	struct block *b;

	if (s->len > SPAN_TEXT_MAX)
		s->len = SPAN_TEXT_MAX;
	if (!s->p || s->len == 0) {
		s->p = s->p ? "" : NULL;
		s->len = 0;
		return 0;
	}
	if (t->total + s->len > JOIN_TEXT_MAX)
		return JOIN_FULL;
	if (!(b = room(t, s->len)))
		return ENOMEM;
	memcpy(b->text + b->len, s->p, s->len);
	s->p = b->text + b->len;
	b->len += s->len;
	t->total += s->len;
	return 0;
}

int
join_keep_id(struct join *j, struct slice *id)
{
	uint8_t key[ID_KEY_MAX];

	_Static_assert((int)ID_KEY_MAX <= (int)SPAN_TEXT_MAX, "join_keep cuts none");
	if (id->len == 0) {
		*id = (struct slice){ NULL, 0 };
		return 0;
	}
	*id = (struct slice){ (char *)key, id_key_put(key, *id) };
	return join_keep(j, id);
}

/* ---- spans */

static int
grow(struct join_work *w)
{
	size_t cap = w->span_cap > 0 ? 2 * w->span_cap : 32;
	struct join *j = w->j;
	struct join_span *span;
	struct tree_node *node;

	if (j->n_spans < w->span_cap)
		return 0;
	if (j->n_spans >= JOIN_SPANS_MAX)
		return JOIN_FULL;
	if (!(span = reallocarray(j->span, cap, sizeof(*span))))
		return ENOMEM;
	j->span = span;
	if (!(node = reallocarray(j->node, cap, sizeof(*node))))
		return ENOMEM;
	j->node = node;
	w->span_cap = cap;
	return 0;
}

int
join_add_span(struct join_work *w, struct join_span **s, struct tree_node **node)
{
	struct join *j = w->j;
	int rc = grow(w);

	if (rc == JOIN_FULL)
		j->cut |= JOIN_CUT_SPANS;
	if (rc)
		return rc;
	*s = &j->span[j->n_spans];
	*node = &j->node[j->n_spans++];
	**s = (struct join_span){ .turn = -1, .triggered = -1,
		.first_call = TREE_NONE, .twin = TREE_NONE };
	**node = (struct tree_node){ .began_ns = -1, .ended_ns = -1 };
	return 0;
}

static int
keep_span(struct join *j, struct join_span *s, struct tree_node *node)
{
	struct slice *const ids[] = { &node->id, &node->parent_id,
		&s->response_id };
	struct slice *const texts[] = { &s->type, &s->name, &s->to, &s->model,
		&s->error };
	int rc = 0;

	for (unsigned i = 0; i < 3 && rc == 0; i++)
		rc = join_keep_id(j, ids[i]);
	for (unsigned i = 0; i < 5 && rc == 0; i++)
		rc = join_keep(j, texts[i]);
	return rc;
}

static int64_t
told(int64_t ns)
{
	return ns > JOIN_TIME_MAX ? -1 : ns;
}

static int
add_span(struct join_work *w, const struct kept_item *k)
{
	struct span_facts f;
	struct join_span *s;
	struct tree_node *node;
	int rc;

	if (!span_read(w->j->texts->spans, k->raw, &f))
		return 0;
	if ((rc = join_add_span(w, &s, &node)) != 0)
		return rc;
	s->kind = f.kind;
	s->turn = f.turn;
	s->triggered = f.triggered;
	s->type = f.item.type;
	s->name = f.name;
	s->to = f.to;
	s->model = f.model;
	s->error = f.error;
	s->response_id = f.item.response_id;
	node->id = f.item.id;
	node->parent_id = f.item.parent_id;
	node->began_ns = told(f.item.started_ns);
	node->ended_ns = told(f.item.ended_ns);
	rc = keep_span(w->j, s, node);
	if (rc)
		w->j->n_spans--;
	if (rc == JOIN_FULL)
		w->j->cut |= JOIN_CUT_SPANS;
	return rc;
}

static int
load_spans(struct join_work *w)
{
	struct kept_item k = { .started_ns = -1 };
	const struct kept_item *after = NULL;
	unsigned bad = 0;
	int rc;

	/* The key of a damaged row may lead back. */
	while ((rc = reader_next_span(w->reader, w->j->id, after, &k)) == 0 ||
	    (rc == READER_CORRUPT && k.key.len > 0 && bad++ < BAD_MAX)) {
		if (rc == 0 && (rc = add_span(w, &k)) != 0)
			return rc == JOIN_FULL ? 0 : rc;
		after = &k;
	}
	return rc == READER_NONE || rc == READER_CORRUPT ? 0 : rc;
}

/* When the trace began and ended, as its spans tell. */
static void
measure(struct join *j)
{
	for (size_t i = 0; i < j->n_spans; i++) {
		const struct tree_node *n = &j->node[i];
		int64_t end = n->ended_ns > n->began_ns ? n->ended_ns : n->began_ns;

		if (n->began_ns >= 0 &&
		    (j->began_ns < 0 || n->began_ns < j->began_ns))
			j->began_ns = n->began_ns;
		if (end > j->ended_ns)
			j->ended_ns = end;
	}
	if (j->began_ns < 0)
		j->ended_ns = -1;
}

static int
load_trace(struct join_work *w, struct slice id)
{
	struct join *j = w->j;
	struct kept_item k;
	int rc = reader_trace(w->reader, id, &k);

	if (rc)
		return rc;
	j->id = id;
	j->first_seq = k.first_seq;
	j->last_seq = k.last_seq;
	span_read_trace(j->texts->spans, k.raw, &j->workflow, &j->group);
	if ((rc = join_keep_id(j, &j->id)) == 0 &&
	    (rc = join_keep(j, &j->workflow)) == 0 &&
	    (rc = join_keep(j, &j->group)) == 0)
		rc = load_spans(w);
	if (rc == 0)
		rc = tree_link(j->node, j->n_spans, &j->tree);
	measure(j);
	return rc;
}

/* ---- calls */

struct named_span {
	struct slice id;
	uint32_t span;
	uint32_t rank;		/* in the tree, from its top */
};

static int
by_name(const void *a, const void *b)
{
	const struct named_span *x = a, *y = b;
	size_t n = x->id.len < y->id.len ? x->id.len : y->id.len;
	int c = memcmp(x->id.p, y->id.p, n);

	if (c == 0)
		c = (x->id.len > y->id.len) - (x->id.len < y->id.len);
	return c ? c : (x->rank > y->rank) - (x->rank < y->rank);
}

static size_t
name_spans(const struct join *j, struct named_span *v)
{
	uint32_t heads[] = { j->tree.first_root, j->tree.first_orphan }, rank = 0;
	size_t n = 0;

	for (unsigned h = 0; h < 2; h++) {
		for (uint32_t i = heads[h]; i != TREE_NONE;
		    i = tree_next(j->node, i), rank++)
			if (j->span[i].response_id.len > 0)
				v[n++] = (struct named_span){
					j->span[i].response_id, i, rank };
	}
	qsort(v, n, sizeof(*v), by_name);
	return n;
}

/* The first span of an id has its exchanges. */
static int
join_ids(struct join_work *w)
{
	struct join *j = w->j;
	struct named_span *v = calloc(j->n_spans + 1, sizeof(*v));
	size_t n = v ? name_spans(j, v) : 0, of = 0;
	int rc = v ? 0 : ENOMEM;

	for (size_t i = 0; i < n && rc == 0; i++) {
		if (i > 0 && slice_eq(v[of].id, v[i].id)) {
			j->span[v[i].span].twin = v[of].span;
			continue;
		}
		of = i;
		rc = join_gather(w, v[i].span, v[i].id, JOIN_BY_ID);
	}
	free(v);
	return rc == JOIN_FULL ? 0 : rc;
}

/* Whose calls may be meant where no id tells: those of who made the calls that are
 * joined, else of who sent the trace. */
static int
find_clients(struct join_work *w)
{
	int rc;

	if (w->n_who > 0)
		return 0;
	rc = join_know_batch(w, w->j->first_seq);
	if (rc == 0 && w->j->last_seq != w->j->first_seq)
		rc = join_know_batch(w, w->j->last_seq);
	return rc == JOIN_FULL ? 0 : rc;
}

/* Those joined by time may have been polled. */
static int
gather_more(struct join_work *w)
{
	struct join *j = w->j;
	size_t n = j->n_calls;
	int rc = 0;

	for (size_t i = 0; i < n && rc == 0; i++)
		if (j->call[i].how == JOIN_BY_TIME && j->call[i].id.len > 0)
			rc = join_gather(w, j->call[i].span, j->call[i].id,
			    JOIN_BY_TIME);
	return rc == JOIN_FULL ? 0 : rc;
}

static int
build(struct join_work *w, struct slice trace_id)
{
	int rc = load_trace(w, trace_id);

	if (rc == 0)
		rc = join_ids(w);
	if (rc == 0)
		rc = find_clients(w);
	join_compare_clocks(w->j);
	if (rc == 0)
		rc = join_look(w);
	if (rc == 0)
		rc = join_match(w->j);
	if (rc == 0)
		rc = gather_more(w);
	return rc ? rc : join_end(w->j);
}

int
join_trace(struct join **j, struct reader *r, struct slice trace_id)
{
	struct join_work w;
	int rc = join_begin(&w, r);

	if (rc == 0)
		rc = build(&w, trace_id);
	if (rc) {
		join_free(w.j);
		w.j = NULL;
	}
	*j = w.j;
	return rc;
}
