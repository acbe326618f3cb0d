#include "store/join_thread.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "store/join_private.h"

/* The ids that a thread has led to so far, in the order in which they are looked
 * at.  Each is looked at once. */
struct ids {
	struct slice *v;
	size_t n, cap;
	uint32_t *slot;		/* hash table of numbers in v, plus one */
	size_t n_slots;		/* a power of two, above 2 n */
};

enum { IDS_MAX = 2 * JOIN_CALLS_MAX, SLOTS_FIRST = 256 };

static void
ids_fini(struct ids *s)
{
	free(s->v);
	free(s->slot);
}

static size_t
hash(struct slice id)
{
	uint64_t h = UINT64_C(14695981039346656037);

	for (size_t i = 0; i < id.len; i++)
		h = (h ^ (uint8_t)id.p[i]) * UINT64_C(1099511628211);
	return (size_t)(h ^ (h >> 32));
}

static uint32_t *
slot_of(const struct ids *s, struct slice id)
{
	size_t i = hash(id) & (s->n_slots - 1);

	while (s->slot[i] && !slice_eq(s->v[s->slot[i] - 1], id))
		i = (i + 1) & (s->n_slots - 1);
	return &s->slot[i];
}

static int
ids_grow(struct ids *s)
{
	size_t n_slots = s->n_slots > 0 ? 2 * s->n_slots : SLOTS_FIRST;
	struct slice *v;
	uint32_t *slot;

	if (2 * (s->n + 1) < s->n_slots)
		return 0;
	if (!(v = reallocarray(s->v, n_slots / 2, sizeof(*v))))
		return ENOMEM;
	s->v = v;
	if (!(slot = calloc(n_slots, sizeof(*slot))))
		return ENOMEM;
	free(s->slot);
	s->slot = slot;
	s->n_slots = n_slots;
	for (size_t i = 0; i < s->n; i++)
		*slot_of(s, s->v[i]) = (uint32_t)i + 1;
	return 0;
}

static int
ids_add(struct ids *s, struct join *j, struct slice id)
{
	uint8_t bytes[ID_KEY_MAX];
	struct slice key = { (char *)bytes, 0 };
	int rc = ids_grow(s);

	if (rc || id.len == 0)
		return rc;
	key.len = id_key_put(bytes, id);
	if (*slot_of(s, key))
		return 0;
	if (s->n >= IDS_MAX)
		return JOIN_FULL;
	if ((rc = join_keep(j, &key)) != 0)
		return rc;
	s->v[s->n] = key;
	*slot_of(s, key) = (uint32_t)++s->n;
	return 0;
}

/* ---- what belongs together */

static int
add_names(struct ids *s, struct join *j, const struct response_name *name,
    size_t n)
{
	int rc = 0;

	for (size_t i = 0; i < n && rc == 0; i++)
		rc = ids_add(s, j, name[i].id);
	return rc;
}

/* An exchange that names id.  Its own call is added when its first name is looked
 * at, that is once. */
static int
visit(struct join_work *w, struct ids *s, struct slice id, uint64_t seq)
{
	struct response_name name[RESPONSE_NAMES_MAX];
	uint8_t key[ID_KEY_MAX];
	struct exchange x;
	bool claimed;
	uint32_t i;
	size_t n;
	int rc = reader_get(w->reader, seq, &x);

	if (rc)
		return rc == READER_NONE || rc == READER_CORRUPT ? 0 : rc;
	n = response_names(&x, name);
	if ((rc = add_names(s, w->j, name, n)) != 0 || n == 0 ||
	    !slice_eq((struct slice){ (char *)key,
	    id_key_put(key, name[0].id) }, id))
		return rc;
	if (join_is_call(&x) && (name[0].role == ROLE_NEXT ||
	    name[0].role == ROLE_CONVERSATION))
		name[0].role = ROLE_CREATE;	/* one that got no id */
	if ((rc = join_add_call(w, &x, name[0].role, &i)) != 0)
		return rc;
	rc = join_is_claimed(w, w->j->call[i].id, &claimed);
	if (claimed)
		w->j->n_calls--;
	return rc;
}

static int
visit_all(struct join_work *w, struct ids *s, struct slice id)
{
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
		if ((rc = visit(w, s, id, ref.seq)) != 0)
			return rc;
	}
	return rc == READER_NONE || rc == READER_CORRUPT ? 0 : rc;
}

static int
collect(struct join_work *w, uint64_t seq)
{
	struct response_name name[RESPONSE_NAMES_MAX];
	struct ids s = { 0 };
	struct exchange x;
	uint32_t i;
	size_t n;
	int rc = reader_get(w->reader, seq, &x);

	if (rc)
		return rc;
	n = response_names(&x, name);
	if (n == 0)
		return join_is_call(&x) ? join_add_call(w, &x, ROLE_CREATE, &i) :
		    READER_NONE;
	rc = add_names(&s, w->j, name, n);
	for (size_t k = 0; k < s.n && rc == 0; k++)
		rc = visit_all(w, &s, s.v[k]);
	ids_fini(&s);
	if (rc == JOIN_FULL)
		w->j->cut |= JOIN_CUT_CALLS;
	if (rc == 0 || rc == JOIN_FULL)
		rc = w->j->n_calls > 0 ? 0 : READER_NONE;
	return rc;
}

/* ---- its tree */

static int
compare(struct slice a, struct slice b)
{
	size_t n = a.len < b.len ? a.len : b.len;
	int c = n > 0 ? memcmp(a.p, b.p, n) : 0;

	return c ? c : (a.len > b.len) - (a.len < b.len);
}

static int
by_age(const struct join_call *x, const struct join_call *y)
{
	if (x->time_ns != y->time_ns)
		return x->time_ns < y->time_ns ? -1 : 1;
	return (x->seq > y->seq) - (x->seq < y->seq);
}

static int
by_id(const void *a, const void *b)
{
	const struct join_call *x = *(struct join_call *const *)a;
	const struct join_call *y = *(struct join_call *const *)b;
	int c = compare(x->id, y->id);

	return c ? c : by_age(x, y);
}

static int
by_conversation(const void *a, const void *b)
{
	const struct join_call *x = *(struct join_call *const *)a;
	const struct join_call *y = *(struct join_call *const *)b;
	int c = compare(x->conversation, y->conversation);

	return c ? c : by_age(x, y);
}

static bool
is_creation(const struct join_call *c)
{
	return c->role == ROLE_CREATE || c->role == ROLE_COMPACT;
}

/* A span for call c alone, so far. */
static int
add_span(struct join_work *w, struct join_call *c)
{
	struct join_span *s;
	struct tree_node *node;
	int rc = join_add_span(w, &s, &node);

	if (rc)
		return rc;
	s->kind = SPAN_CALL;
	s->name = s->model = c->model;
	s->response_id = node->id = c->id;
	c->span = (uint32_t)(w->j->n_spans - 1);
	return 0;
}

/* One span for all that is about one response. */
static int
make_spans(struct join_work *w, struct join_call **v, size_t n)
{
	int rc = 0;

	qsort(v, n, sizeof(struct join_call *), by_id);
	for (size_t i = 0; i < n && rc == 0; i++) {
		if (v[i]->id.len == 0)
			continue;
		if (i > 0 && slice_eq(v[i - 1]->id, v[i]->id))
			v[i]->span = v[i - 1]->span;
		else
			rc = add_span(w, v[i]);
		v[i]->how = JOIN_BY_ID;
	}
	if (rc == 0)
		rc = join_attempts(w->j);
	for (size_t i = 0; i < n && rc == 0; i++) {
		if (v[i]->span != TREE_NONE)
			continue;
		rc = add_span(w, v[i]);
		v[i]->how = JOIN_BY_ID;
	}
	return rc;
}

/* In a conversation a call goes on after the one before it. */
static void
name_parents(struct join *j, struct join_call **v, size_t n)
{
	struct slice last = { NULL, 0 };

	qsort(v, n, sizeof(struct join_call *), by_conversation);
	for (size_t i = 0; i < n; i++) {
		struct tree_node *node;

		if (i > 0 && compare(v[i - 1]->conversation,
		    v[i]->conversation) != 0)
			last = (struct slice){ NULL, 0 };
		if (!is_creation(v[i]) || v[i]->how == JOIN_ATTEMPT)
			continue;
		node = &j->node[v[i]->span];
		if (v[i]->previous_id.len > 0)
			node->parent_id = v[i]->previous_id;
		else if (v[i]->conversation.len > 0 && node->parent_id.len == 0 &&
		    !slice_eq(last, node->id))
			node->parent_id = last;
		if (node->id.len > 0)
			last = node->id;
	}
}

static void
measure(struct join *j)
{
	for (size_t i = 0; i < j->n_calls; i++) {
		const struct join_call *c = &j->call[i];
		struct tree_node *node = &j->node[c->span];
		int64_t end = c->end_ns >= 0 ? c->end_ns : c->time_ns;

		if (node->began_ns < 0 || c->time_ns < node->began_ns)
			node->began_ns = c->time_ns;
		if (end > node->ended_ns)
			node->ended_ns = end;
		if (j->began_ns < 0 || c->time_ns < j->began_ns)
			j->began_ns = c->time_ns;
		if (end > j->ended_ns)
			j->ended_ns = end;
	}
}

/* v: in order of conversations; its first one, if there is any, else the first
 * response of all. */
static void
name_thread(struct join *j, struct join_call **v, size_t n)
{
	const struct join_call *first = NULL;

	for (size_t i = 0; i < n; i++) {
		if (v[i]->conversation.len > 0) {
			j->id = v[i]->conversation;
			break;
		}
		if (v[i]->id.len > 0 && (!first || by_age(v[i], first) < 0))
			first = v[i];
	}
	if (j->id.len == 0 && first)
		j->id = first->id;
	j->is_inferred = true;
	j->workflow = j->group = (struct slice){ NULL, 0 };
}

static int
make_tree(struct join_work *w)
{
	struct join *j = w->j;
	struct join_call **v = calloc(j->n_calls + 1, sizeof(struct join_call *));
	int rc = v ? 0 : ENOMEM;

	for (size_t i = 0; v && i < j->n_calls; i++)
		v[i] = &j->call[i];
	if (rc == 0)
		rc = make_spans(w, v, j->n_calls);
	if (rc == 0) {
		name_parents(j, v, j->n_calls);
		name_thread(j, v, j->n_calls);
		measure(j);
		rc = tree_link(j->node, j->n_spans, &j->tree);
	}
	free(v);
	return rc;
}

/* The calls are there, unless rc says otherwise. */
static int
finish(struct join_work *w, int rc, struct join **j)
{
	if (rc == 0)
		rc = make_tree(w);
	if (rc == 0)
		rc = join_end(w->j);
	if (rc) {
		join_free(w->j);
		w->j = NULL;
	}
	*j = w->j;
	return rc;
}

int
join_thread(struct join **j, struct reader *r, uint64_t seq)
{
	struct join_work w;
	int rc = join_begin(&w, r);

	if (rc == 0)
		rc = collect(&w, seq);
	return finish(&w, rc, j);
}

/* The call with this number; TREE_NONE: it is not there.  Numbers rise. */
static uint32_t
find_call(const struct join *j, uint64_t seq)
{
	size_t lo = 0, hi = j->n_calls;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (j->call[mid].seq < seq)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < j->n_calls && j->call[lo].seq == seq ? (uint32_t)lo : TREE_NONE;
}

/* What a call goes on after stands where previous_response_id would. */
static int
add_history(struct join_work *w, const struct history_call *v, size_t n)
{
	struct exchange x;
	uint32_t i, before;
	int rc = 0;

	for (size_t k = 0; k < n && rc == 0; k++) {
		rc = reader_get(w->reader, v[k].seq, &x);
		if (rc == READER_NONE || rc == READER_CORRUPT) {
			rc = 0;		/* gone since */
			continue;
		}
		if (rc == 0)
			rc = join_add_call(w, &x, ROLE_CREATE, &i);
		before = rc == 0 && v[k].after > 0 ?
		    find_call(w->j, v[k].after) : TREE_NONE;
		if (before != TREE_NONE)
			w->j->call[i].previous_id = w->j->call[before].id;
	}
	if (rc == 0 || rc == JOIN_FULL)
		rc = w->j->n_calls > 0 ? 0 : READER_NONE;
	return rc;
}

int
join_history(struct join **j, struct reader *r, const struct history_call *v,
    size_t n)
{
	struct join_work w;
	int rc = join_begin(&w, r);

	if (rc == 0)
		rc = add_history(&w, v, n);
	return finish(&w, rc, j);
}

/* Does a call go on after this response? */
static int
has_next(struct reader *r, struct slice id, bool *has)
{
	struct response_ref ref;
	uint64_t after = 0;
	int rc;

	*has = false;
	do {
		ref.seq = after;
		rc = reader_next_response(r, id, after, &ref);
		if (rc == READER_CORRUPT && ref.seq == after)
			break;
		*has = rc == 0 && ref.role == ROLE_NEXT;
		after = ref.seq;
	} while (!*has && (rc == 0 || rc == READER_CORRUPT));
	return rc == READER_NONE || rc == READER_CORRUPT ? 0 : rc;
}

int
join_standing(struct reader *r, const struct exchange *x, enum join_standing *s)
{
	uint8_t key[ID_KEY_MAX];
	struct slice id = { (char *)key, 0 };
	bool linked = x->previous_response_id.len > 0 || x->conversation.len > 0;
	struct claim c;
	int rc;

	*s = !join_is_call(x) ? JOIN_NO_CALL : linked ? JOIN_LINKED : JOIN_LONE;
	if (*s == JOIN_NO_CALL || x->response_id.len == 0)
		return 0;
	id.len = id_key_put(key, x->response_id);
	rc = reader_next_claim(r, id, NULL, &c);
	if (rc == 0)
		*s = JOIN_CLAIMED;
	if (rc != READER_NONE || linked)
		return rc == READER_NONE ? 0 : rc;
	rc = has_next(r, id, &linked);
	if (linked)
		*s = JOIN_LINKED;
	return rc;
}
