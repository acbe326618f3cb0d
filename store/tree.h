/* tree.h - makes a tree of things that name their parents, such as spans; the
 * result depends on what they are and not on their order.
 *
 * Memory:  n pointers while it works; the nodes are the caller's.
 * Time:    n log n.
 */
#ifndef TRACETAPE_STORE_TREE_H
#define TRACETAPE_STORE_TREE_H

#include "store/bytes.h"

#define TREE_NONE UINT32_MAX

enum tree_place {
	TREE_CHILD = 0,
	TREE_ROOT,		/* it names no parent */
	TREE_ORPHAN,		/* its parent is not there */
	TREE_CUT,		/* its parent is below it: it is taken for a root */
};

struct tree_node {
	struct slice id;		/* of two that are equal, the earlier one
					 * has the children */
	struct slice parent_id;		/* empty or missing: none */
	int64_t began_ns;		/* -1: it does not tell */
	int64_t ended_ns;
	/* What tree_link finds out; numbers of nodes, TREE_NONE for none. */
	enum tree_place place;
	uint32_t parent;
	uint32_t first;			/* child */
	uint32_t next;			/* sibling, or root, or orphan */
	uint32_t depth;			/* of roots and orphans: 0 */
};

struct tree {
	uint32_t first_root;
	uint32_t first_orphan;
};

/* Siblings, and roots, stand in the order of their beginnings, then of their ends,
 * then of their ids; what does not tell a time comes last.  Of a cycle the node
 * that is first in this order is cut.  0, or ENOMEM.  n < TREE_NONE. */
int tree_link(struct tree_node *v, size_t n, struct tree *t);

/* The node that comes behind i when a tree is read from the top: its first child,
 * its next sibling, or that of the nearest one above it, which for roots and orphans
 * is the next of these.  TREE_NONE: i was the last. */
uint32_t tree_next(const struct tree_node *v, uint32_t i);

#endif
