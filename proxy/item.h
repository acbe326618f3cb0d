/* item.h - what a loop tells the writer thread about an exchange, one event each.
 *
 * Between tap (who makes them) and recorder (who consumes them); nobody else.
 */
#ifndef TRACETAPE_PROXY_ITEM_H
#define TRACETAPE_PROXY_ITEM_H

#include "store/exchange.h"

struct piece;
struct tape;

enum tap_kind {
	TAP_BEGIN,		/* extra: struct tape_start, the raw request head */
	TAP_HEAD,		/* extra: a response head */
	TAP_TRAILER,		/* extra: bytes of a trailer section */
	TAP_DATA,		/* extra: the payload, unless a piece holds it */
	TAP_REQUEST_END,
	TAP_END,		/* extra: struct tape_end; the exchange is over */
};

enum { TAP_BEGIN_COST = 4096 };	/* about what a tape in work holds */

struct tap_item {
	struct tap_item *next;
	struct tap_item *of;	/* the TAP_END of its exchange: made first, gone
				 * last, it stands for the exchange */
	struct tape *tape;	/* in TAP_END, the writer's; NULL: no memory */
	struct piece *piece;	/* TAP_DATA: holds p; a reference, or NULL */
	const uint8_t *p;
	size_t n;
	size_t cost;		/* bytes counted against the recorder's bound */
	int64_t at_us;
	enum tap_kind kind;
	enum side side;
	bool is_final;
	_Alignas(8) unsigned char extra[];
};

/* All of a list. */
void tap_items_free(struct tap_item *i);

#endif
