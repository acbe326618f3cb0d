#include "proxy/tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/item.h"
#include "proxy/loop.h"
#include "proxy/piece.h"
#include "proxy/recorder.h"

void
tap_queue_init(struct tap_queue *q)
{
	q->first = NULL;
	q->last = &q->first;
	q->bytes = 0;
}

static struct tap_item *
item_new(struct tap *t, enum tap_kind kind, size_t extra)
{
	struct tap_item *i;

	if (kind != TAP_END && !t->last)
		return NULL;
	i = malloc(sizeof(*i) + extra);
	if (!i) {
		tap_cut(t);
		return NULL;
	}
	memset(i, 0, sizeof(*i));
	i->kind = kind;
	i->of = t->last;
	i->at_us = tap_now_us(t);
	i->cost = sizeof(*i) + extra;
	return i;
}

static void
give(struct tap *t, struct tap_item *i)
{
	struct tap_queue *q = t->loop->taps;

	*q->last = i;
	q->last = &i->next;
	q->bytes += i->cost;
	recorder_count(t->loop->recorder, i->cost);
}

void
tap_watch(struct tap *t, struct loop *l)
{
	memset(t, 0, sizeof(*t));
	t->loop = l;
	t->began_ns = loop_now_ns();
	memset(&t->end.timing, 0xff, sizeof(t->end.timing));
	t->end.response.head_bytes = -1;
}

void
tap_begin(struct tap *t, struct loop *l, const struct tape_start *start,
    struct slice head)
{
	struct tap_item *i;

	tap_watch(t, l);
	t->end.request.head_bytes = (int64_t)head.len;
	if (recorder_may_begin(l->recorder))
		t->last = item_new(t, TAP_END, sizeof(t->end));
	if (t->last)
		t->last->of = t->last;
	if (!(i = item_new(t, TAP_BEGIN, sizeof(*start) + head.len))) {
		free(t->last);
		t->last = NULL;
		recorder_count_lost(l->recorder);
		return;
	}
	i->cost += TAP_BEGIN_COST;
	i->n = head.len;
	memcpy(i->extra, start, sizeof(*start));
	memcpy(i->extra + sizeof(*start), head.p, head.len);
	give(t, i);
}

int64_t
tap_now_us(const struct tap *t)
{
	return (loop_now_ns() - t->began_ns) / 1000;
}

void
tap_mark(const struct tap *t, int64_t *us)
{
	if (*us < 0 && t->loop)
		*us = tap_now_us(t);
}

static void
give_text(struct tap *t, enum tap_kind kind, enum side side, struct slice text,
    bool is_final)
{
	struct tap_item *i = item_new(t, kind, text.len);

	if (!i)
		return;
	i->side = side;
	i->is_final = is_final;
	i->n = text.len;
	memcpy(i->extra, text.p, text.len);
	give(t, i);
}

void
tap_head(struct tap *t, struct slice head, bool is_final)
{
	struct tape_counts *c = &t->end.response;

	c->head_bytes = (c->head_bytes < 0 ? 0 : c->head_bytes) +
	    (int64_t)head.len;
	give_text(t, TAP_HEAD, SIDE_RESPONSE_HEAD, head, is_final);
}

void
tap_trailer(struct tap *t, enum side side, struct slice lines)
{
	if (lines.len > 0)
		give_text(t, TAP_TRAILER, side, lines, true);
}

/* Small payloads are copied, so that the stream can fill its piece again.  A large
 * one holds the piece: it is over half of one, so no other item holds the same,
 * and the count of bytes that wait stays exact. */
void
tap_data(struct tap *t, enum side side, struct piece *piece, const uint8_t *p,
    size_t n)
{
	struct tape_counts *c = side == SIDE_REQUEST_BODY ?
	    &t->end.request : &t->end.response;
	const bool is_small = n <= PIECE_BYTES / 2;
	struct tap_item *i;

	if (n == 0)
		return;
	c->body_bytes += (int64_t)n;
	if (c->is_cut || !(i = item_new(t, TAP_DATA, is_small ? n : 0)))
		return;
	i->side = side;
	i->n = n;
	if (is_small) {
		memcpy(i->extra, p, n);
		i->p = i->extra;
	} else {
		i->piece = piece_take(piece);
		i->p = p;
		i->cost += PIECE_BYTES;
	}
	give(t, i);
}

void
tap_request_end(struct tap *t)
{
	struct tap_item *i;

	if (!t->loop)
		return;
	tap_mark(t, &t->end.timing.request_end);
	if ((i = item_new(t, TAP_REQUEST_END, 0)))
		give(t, i);
}

void
tap_end(struct tap *t, enum outcome outcome, const char *reason)
{
	struct tap_item *i = t->last;

	if (!t->loop)
		return;
	tap_mark(t, &t->end.timing.end);
	t->end.outcome = outcome;
	snprintf(t->end.reason, sizeof(t->end.reason), "%s",
	    reason ? reason : "");
	if (i) {
		memcpy(i->extra, &t->end, sizeof(t->end));
		i->n = sizeof(t->end);
		give(t, i);
	}
	memset(t, 0, sizeof(*t));
}

void
tap_cut(struct tap *t)
{
	t->end.request.is_cut = t->end.response.is_cut = true;
}

bool
tap_is_recording(const struct tap *t)
{
	return t->last && !t->end.response.is_cut;
}

void
tap_items_free(struct tap_item *i)
{
	while (i) {
		struct tap_item *next = i->next;

		free(i);
		i = next;
	}
}
