#include "store/parents.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "store/elements.h"

enum {
	BUCKETS = 256,		/* a power of two */
	LOOK_AT = 32,		/* parents of one agent, the latest */
	ENTRIES_MAX = 1024,
};

/* One allocation: the entry, its elements' hashes, its bytes. */
struct entry {
	struct parent parent;
	struct entry *newer, *older;
	struct entry *same_last, *same_head;	/* in a bucket, older ones */
	uint64_t last;		/* the rolling hash behind all elements */
	uint64_t head;
	size_t cost, n;
	uint64_t each[];
};

struct parents {
	size_t max_bytes, held;
	size_t n;
	struct entry *newest, *oldest;
	struct entry **by_last, **by_head;	/* NULL: nothing was put yet */
};

struct parents *
parents_new(size_t max_bytes)
{
	struct parents *ps = calloc(1, sizeof(*ps));

	if (ps)
		ps->max_bytes = max_bytes;
	return ps;
}

void
parents_free(struct parents *ps)
{
	if (ps)
		parents_clear(ps);
	free(ps);
}

size_t
parents_held(const struct parents *ps)
{
	return ps->held;
}

static struct entry **
bucket(struct entry **table, uint64_t hash)
{
	return &table[(hash ^ hash >> 32) & (BUCKETS - 1)];
}

static size_t
tables_cost(void)
{
	return 2 * BUCKETS * sizeof(struct entry *);
}

void
parents_clear(struct parents *ps)
{
	while (ps->newest) {
		struct entry *y = ps->newest;

		ps->newest = y->older;
		free(y);
	}
	free(ps->by_last);
	free(ps->by_head);
	*ps = (struct parents){ .max_bytes = ps->max_bytes };
}

/* Takes y out of the order of age alone. */
static void
unlink_age(struct parents *ps, struct entry *y)
{
	*(y->newer ? &y->newer->older : &ps->newest) = y->older;
	*(y->older ? &y->older->newer : &ps->oldest) = y->newer;
}

static void
drop(struct parents *ps, struct entry *y)
{
	struct entry **at = bucket(ps->by_last, y->last);

	while (*at != y)
		at = &(*at)->same_last;
	*at = y->same_last;
	at = bucket(ps->by_head, y->head);
	while (*at != y)
		at = &(*at)->same_head;
	*at = y->same_head;
	unlink_age(ps, y);
	ps->held -= y->cost;
	ps->n--;
	free(y);
}

/* One whose child is there is hardly ever asked for again: by a fork, perhaps. */
static void
make_oldest(struct parents *ps, struct entry *y)
{
	unlink_age(ps, y);
	y->newer = ps->oldest;
	y->older = NULL;
	*(ps->oldest ? &ps->oldest->older : &ps->newest) = y;
	ps->oldest = y;
}

static struct entry *
of_seq(const struct parents *ps, uint64_t seq)
{
	struct entry *y = ps->newest;

	while (y && y->parent.seq != seq)
		y = y->older;
	return y;
}

static bool
make_room(struct parents *ps, size_t cost)
{
	const size_t tables = ps->by_last ? 0 : tables_cost();

	if (cost + tables_cost() > ps->max_bytes)
		return false;
	while (ps->held + cost + tables > ps->max_bytes || ps->n == ENTRIES_MAX)
		drop(ps, ps->oldest);
	if (!tables)
		return true;
	ps->by_last = calloc(BUCKETS, sizeof(struct entry *));
	ps->by_head = calloc(BUCKETS, sizeof(struct entry *));
	if (!ps->by_last || !ps->by_head) {
		parents_clear(ps);
		return false;
	}
	ps->held = tables;
	return true;
}

static struct entry *
entry_new(const struct elements *e, const struct parent *p, size_t cost)
{
	struct entry *y = malloc(cost);
	const size_t n_each = e->n * sizeof(e->each[0]);

	if (!y)
		return NULL;
	*y = (struct entry){ .parent = *p, .cost = cost, .n = e->n,
	    .head = e->head };
	if (n_each > 0)
		memcpy(y->each, e->each, n_each);
	memcpy((char *)y->each + n_each, p->raw.p, p->raw.len);
	y->parent.raw.p = (char *)y->each + n_each;
	for (size_t i = 0; i < e->n; i++)
		y->last = elements_roll(y->last, e->each[i]);
	return y;
}

static void
link_entry(struct parents *ps, struct entry *y)
{
	struct entry **last = bucket(ps->by_last, y->last);
	struct entry **head = bucket(ps->by_head, y->head);

	y->same_last = *last;
	*last = y;
	y->same_head = *head;
	*head = y;
	y->older = ps->newest;
	*(ps->newest ? &ps->newest->newer : &ps->oldest) = y;
	ps->newest = y;
	ps->held += y->cost;
	ps->n++;
}

void
parents_put(struct parents *ps, const struct elements *e,
    const struct parent *p, uint64_t after)
{
	struct entry *y;
	const size_t own = sizeof(*y) + e->n * sizeof(e->each[0]);

	if ((y = of_seq(ps, p->seq)))
		drop(ps, y);
	if (after && (y = of_seq(ps, after)))
		make_oldest(ps, y);
	if ((e->n == 0 && e->head == 0) ||	/* nobody would find it */
	    p->raw.len == 0 || p->raw.len > ps->max_bytes ||
	    !make_room(ps, own + p->raw.len) ||
	    !(y = entry_new(e, p, own + p->raw.len)))
		return;
	link_entry(ps, y);
}

/* The latest, if several have them all. */
static const struct entry *
with_all(const struct parents *ps, uint64_t last, size_t n)
{
	const struct entry *y = *bucket(ps->by_last, last);

	while (y && (y->last != last || y->n != n))
		y = y->same_last;
	return y;
}

/* The one whose elements are all at the beginning of e's, and are most. */
static const struct entry *
by_prefix(const struct parents *ps, const struct elements *e,
    size_t *n_shared)
{
	const struct entry *best = NULL;
	uint64_t h = 0;

	for (size_t i = 0; i < e->n; i++) {
		const struct entry *y;

		h = elements_roll(h, e->each[i]);
		if ((y = with_all(ps, h, i + 1))) {
			best = y;
			*n_shared = i + 1;
		}
	}
	return best;
}

/* How many elements are the same at the beginning, and how many in all. */
static void
compare(const struct entry *y, const struct elements *e, size_t *begin, size_t *same)
{
	const size_t n = y->n < e->n ? y->n : e->n;

	*begin = *same = 0;
	for (size_t i = 0; i < n; i++) {
		const bool is = y->each[i] == e->each[i];

		*same += is;
		*begin += is && *begin == i;
	}
}

/* Of the latest of the same agent the one with most in common: some at the beginning,
 * but more behind it (a fork, a rewind); else some anywhere; else the latest. */
static const struct entry *
by_head(const struct parents *ps, const struct elements *e,
    size_t more_than)
{
	const struct entry *best = NULL, *alike = NULL, *latest = NULL;
	const struct entry *y = *bucket(ps->by_head, e->head);
	size_t most_same = 0;

	for (unsigned i = 0; y && i < LOOK_AT; y = y->same_head) {
		size_t begin, same;

		if (y->head != e->head)
			continue;
		i++;
		compare(y, e, &begin, &same);
		if (begin > more_than) {
			best = y;
			more_than = begin;
		}
		if (same > most_same) {
			alike = y;
			most_same = same;
		}
		if (!latest)
			latest = y;
	}
	return best ? best : more_than > 0 ? NULL : alike ? alike : latest;
}

const struct parent *
parents_find(const struct parents *ps, const struct elements *e)
{
	const struct entry *whole, *other = NULL;
	size_t shared = 0;

	if (!ps->by_last || (e->n == 0 && e->head == 0))
		return NULL;
	whole = by_prefix(ps, e, &shared);
	if (e->head)
		other = by_head(ps, e, shared);
	return other ? &other->parent : whole ? &whole->parent : NULL;
}
