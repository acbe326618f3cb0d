/* fuzz_tree.c - any nodes make a tree in which each is met once, below its parent,
 * and children stand under the one they name. */
#include <stdlib.h>
#include <string.h>

#include "store/tree.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

enum { NODES_MAX = 256 };

static void
must(bool holds)
{
	if (!holds)
		abort();
}

static void
must_stand_well(const struct tree_node *v, uint32_t i)
{
	const struct tree_node *up = v[i].parent == TREE_NONE ? NULL :
	    &v[v[i].parent];

	must((up != NULL) == (v[i].place == TREE_CHILD));
	if (up)
		must(slice_eq(up->id, v[i].parent_id) &&
		    v[i].depth == up->depth + 1);
	else
		must(v[i].depth == 0);
	if (v[i].place == TREE_ROOT)
		must(v[i].parent_id.len == 0);
	if (v[i].place == TREE_CUT)
		must(v[i].parent_id.len > 0);
}

/* How many are met from here on. */
static size_t
walk(const struct tree_node *v, uint32_t i, uint8_t met[NODES_MAX])
{
	size_t n = 0;

	for (; i != TREE_NONE; i = tree_next(v, i), n++) {
		must(!met[i]);
		met[i] = 1;
		must_stand_well(v, i);
	}
	return n;
}

/* Four bytes a node: id, parent, begin, end. */
int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct tree_node v[NODES_MAX];
	uint8_t met[NODES_MAX] = { 0 };
	struct tree t;

	n = n / 4 < NODES_MAX ? n / 4 : NODES_MAX;
	for (size_t i = 0; i < n; i++, p += 4)
		v[i] = (struct tree_node){
			.id = { (const char *)p, 1 },
			.parent_id = { (const char *)p + 1, p[1] != 0 },
			.began_ns = (int64_t)p[2] - 1, .ended_ns = (int64_t)p[3] - 1,
		};
	must(tree_link(v, n, &t) == 0);
	must(walk(v, t.first_root, met) + walk(v, t.first_orphan, met) == n);
	return 0;
}
