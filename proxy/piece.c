#include "proxy/piece.h"

#include <assert.h>
#include <stddef.h>
#include <stdlib.h>

struct piece *
piece_new(void)
{
	struct piece *p = malloc(sizeof(*p));

	if (!p)
		return NULL;
	atomic_init(&p->refs, 1);
	p->len = 0;
	p->next = NULL;
	return p;
}

struct piece *
piece_take(struct piece *p)
{
	atomic_fetch_add_explicit(&p->refs, 1, memory_order_relaxed);
	return p;
}

void
piece_drop(struct piece *p)
{
	unsigned before;

	if (!p)
		return;
	before = atomic_fetch_sub_explicit(&p->refs, 1, memory_order_acq_rel);
	assert(before > 0);
	if (before == 1)
		free(p);
}

int
piece_is_mine(struct piece *p)
{
	return atomic_load_explicit(&p->refs, memory_order_acquire) == 1;
}
