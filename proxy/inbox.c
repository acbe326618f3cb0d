#include "proxy/inbox.h"

#include <assert.h>

#include "proxy/piece.h"

void
inbox_fini(struct inbox *i)
{
	struct piece *p;

	while ((p = i->first)) {
		i->first = p->next;
		piece_drop(p);
	}
	i->last = NULL;
	i->off = i->unread = 0;
}

struct piece *
inbox_room(struct inbox *i)
{
	struct piece *p;

	if (i->last && i->last->len < PIECE_BYTES)
		return i->last;
	p = piece_new();
	if (!p)
		return NULL;
	if (i->last)
		i->last->next = p;
	else
		i->first = p;
	i->last = p;
	return p;
}

void
inbox_filled(struct inbox *i, size_t n)
{
	i->last->len += (uint32_t)n;
	i->unread += n;
}

size_t
inbox_peek(struct inbox *i, struct piece **piece, const uint8_t **p)
{
	if (i->unread == 0)
		return 0;
	*piece = i->first;
	*p = i->first->data + i->off;
	return i->first->len - i->off;
}

void
inbox_consume(struct inbox *i, size_t n)
{
	assert(n <= i->unread);
	i->unread -= n;
	while (i->first) {
		struct piece *p = i->first;
		size_t here = p->len - i->off;

		if (n < here) {
			i->off += n;
			return;
		}
		n -= here;
		i->off = p->len;
		if (p == i->last)
			break;
		i->first = p->next;
		i->off = 0;
		piece_drop(p);
	}
	if (i->unread > 0 || !i->last)
		return;
	/* Only the last piece is left, used up.  If the recorder does not hold
	 * it, it is filled again; else what is left of it is. */
	if (piece_is_mine(i->last)) {
		i->last->len = 0;
		i->off = 0;
	} else if (i->last->len == PIECE_BYTES) {
		inbox_rest(i);
	}
}

void
inbox_rest(struct inbox *i)
{
	if (i->unread == 0)
		inbox_fini(i);
}
