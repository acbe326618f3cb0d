#include "store/tree.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* What does not tell comes last. */
static int
compare_times(int64_t a, int64_t b)
{
	const uint64_t x = (uint64_t)a, y = (uint64_t)b;

	return (x > y) - (x < y);
}

static int
compare_ids(struct slice a, struct slice b)
{
	size_t n = a.len < b.len ? a.len : b.len;
	int c = n > 0 ? memcmp(a.p, b.p, n) : 0;

	return c ? c : (a.len > b.len) - (a.len < b.len);
}

/* Nodes that are equal in all of this are told apart by their parents, so that not
 * even they depend on where they stand. */
static int
compare(const struct tree_node *a, const struct tree_node *b)
{
	int c = compare_times(a->began_ns, b->began_ns);

	if (c == 0)
		c = compare_times(a->ended_ns, b->ended_ns);
	if (c == 0)
		c = compare_ids(a->id, b->id);
	if (c == 0)
		c = compare_ids(a->parent_id, b->parent_id);
	return c ? c : (a > b) - (a < b);
}

static int
by_order(const void *a, const void *b)
{
	return compare(*(struct tree_node *const *)a,
	    *(struct tree_node *const *)b);
}

static int
by_id(const void *a, const void *b)
{
	const struct tree_node *x = *(struct tree_node *const *)a;
	const struct tree_node *y = *(struct tree_node *const *)b;
	int c = compare_ids(x->id, y->id);

	return c ? c : compare(x, y);
}

/* The first of those with this id; NULL: there is none. */
static struct tree_node *
find(struct tree_node **sorted, size_t n, struct slice id)
{
	size_t lo = 0, hi = n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (compare_ids(sorted[mid]->id, id) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < n && slice_eq(sorted[lo]->id, id) ? sorted[lo] : NULL;
}

static void
find_parents(struct tree_node *v, struct tree_node **sorted, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct tree_node *up = NULL;

		if (v[i].parent_id.len > 0)
			up = find(sorted, n, v[i].parent_id);
		v[i].parent = up ? (uint32_t)(up - v) : TREE_NONE;
		v[i].place = up ? TREE_CHILD : v[i].parent_id.len > 0 ?
		    TREE_ORPHAN : TREE_ROOT;
		v[i].first = v[i].next = TREE_NONE;
		v[i].depth = 0;
	}
}

/* i is on a cycle: cuts it at its first node. */
static void
cut_cycle(struct tree_node *v, uint32_t i)
{
	uint32_t least = i;

	for (uint32_t j = v[i].parent; j != i; j = v[j].parent)
		if (compare(&v[j], &v[least]) < 0)
			least = j;
	v[least].parent = TREE_NONE;
	v[least].place = TREE_CUT;
}

/* Walks up from each node, once over each; depth serves as the mark of the walk that
 * came by. */
static void
cut_cycles(struct tree_node *v, size_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		uint32_t j = i;

		while (j != TREE_NONE && v[j].depth == 0) {
			v[j].depth = i + 1;
			j = v[j].parent;
		}
		if (j != TREE_NONE && v[j].depth == i + 1)
			cut_cycle(v, j);
	}
}

/* sorted: by order.  Puts each in front of its siblings, the last one first. */
static void
link_siblings(struct tree_node *v, struct tree_node **sorted, size_t n,
    struct tree *t)
{
	while (n-- > 0) {
		struct tree_node *node = sorted[n];
		uint32_t *list = node->parent != TREE_NONE ?
		    &v[node->parent].first : node->place == TREE_ORPHAN ?
		    &t->first_orphan : &t->first_root;

		node->next = *list;
		*list = (uint32_t)(node - v);
	}
}

static void
measure(struct tree_node *v, uint32_t i)
{
	for (; i != TREE_NONE; i = tree_next(v, i))
		v[i].depth = v[i].parent == TREE_NONE ? 0 :
		    v[v[i].parent].depth + 1;
}

int
tree_link(struct tree_node *v, size_t n, struct tree *t)
{
	struct tree_node **sorted;

	assert(n < TREE_NONE);
	t->first_root = t->first_orphan = TREE_NONE;
	if (n == 0)
		return 0;
	if (!(sorted = calloc(n, sizeof(struct tree_node *))))
		return ENOMEM;
	for (size_t i = 0; i < n; i++)
		sorted[i] = &v[i];
	qsort(sorted, n, sizeof(struct tree_node *), by_id);
	find_parents(v, sorted, n);
	cut_cycles(v, n);
	qsort(sorted, n, sizeof(struct tree_node *), by_order);
	link_siblings(v, sorted, n, t);
	free(sorted);
	measure(v, t->first_root);
	measure(v, t->first_orphan);
	return 0;
}

uint32_t
tree_next(const struct tree_node *v, uint32_t i)
{
	if (v[i].first != TREE_NONE)
		return v[i].first;
	while (v[i].next == TREE_NONE && v[i].parent != TREE_NONE)
		i = v[i].parent;
	return v[i].next;
}
