#include "proxy/tape.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/loop.h"
#include "proxy/press.h"
#include "proxy/spool.h"
#include "store/digest.h"
#include "store/pack.h"
#include "store/redact.h"
#include "store/sha256.h"
#include "store/writer.h"

/* As long as a crash may take from what is in flight. */
static const int64_t hold_ns = 1000000000;

struct tape {
	struct tape *prev, *next;	/* of those in flight */
	uint64_t seq;
	int64_t began_ns, saved_ns;
	size_t cost;
	struct exchange x;		/* its slices point below, or into digest */
	struct digest *digest;
	struct sha256 sha[2];		/* request, response */
	struct spool side[SIDE_N];
	struct bytes scratch;
	struct press *press;		/* NULL: nothing is squeezed */
	struct elements elements;	/* of the request, once it was squeezed */
	struct writer *writer;		/* while the digest reads a piece */
	int item_rc;			/* of the items of that piece */
	struct bytes trailer[2];	/* raw; kept whole, so that no secret is split */
	int64_t last_us[2];		/* arrival of the last piece, per direction */
	enum { ROW_NEVER, ROW_STALE, ROW_SAVED } row;
	char who[REDACT_HASH_LEN + 1];
	struct tape_start start;
};

/* An item of a trace batch.  After one that failed, the batch of the writer is gone
 * and nothing more of this piece goes in. */
static void
on_item(void *arg, const struct ingest_item *item)
{
	struct tape *t = arg;

	if (t->item_rc == 0)
		t->item_rc = writer_put_item(t->writer, t->seq, item);
}

static struct slice
text_or_missing(const char *text)
{
	return (struct slice){ text[0] ? text : NULL, strlen(text) };
}

struct tape *
tape_new(const struct tape_start *start)
{
	struct tape *t = calloc(1, sizeof(*t));

	if (!t || !(t->digest = digest_new())) {
		free(t);
		return NULL;
	}
	digest_on_item(t->digest, on_item, t);
	t->began_ns = loop_now_ns();
	exchange_init(&t->x);
	t->x.time_ns = start->time_ns;
	t->x.mode = start->mode;
	t->start = *start;
	t->x.client = text_or_missing(t->start.client);
	t->x.label = text_or_missing(t->start.label);
	t->x.scheme = text_or_missing(t->start.scheme);
	t->x.host = text_or_missing(t->start.host);
	t->x.tls_client = text_or_missing(t->start.tls_client);
	sha256_init(&t->sha[0]);
	sha256_init(&t->sha[1]);
	return t;
}

void
tape_free(struct tape *t)
{
	if (!t)
		return;
	for (int i = 0; i < SIDE_N; i++)
		spool_fini(&t->side[i]);
	elements_fini(&t->elements);
	bytes_fini(&t->scratch);
	bytes_fini(&t->trailer[0]);
	bytes_fini(&t->trailer[1]);
	digest_free(t->digest);
	free(t);
}

void
tape_open(struct tape *t, struct writer *w)
{
	t->seq = t->x.seq = writer_next_seq(w);
}

uint64_t
tape_seq(const struct tape *t)
{
	return t->seq;
}

static void
touch(struct tape *t)
{
	if (t->row == ROW_SAVED)
		t->row = ROW_STALE;
}

void
tape_trailer(struct tape *t, enum side side, struct slice lines)
{
	bytes_put_slice(&t->trailer[side == SIDE_RESPONSE_TRAILER], lines);
}

int
tape_head(struct tape *t, struct writer *w, enum side side, struct slice head,
    bool is_final)
{
	struct bytes *safe = &t->scratch;
	char who[REDACT_HASH_LEN + 1];
	int rc;

	bytes_clear(safe);
	redact_head(safe, head, writer_key(w), who);
	if (side == SIDE_REQUEST_HEAD) {
		memcpy(t->who, who, sizeof(who));
		digest_request_head(t->digest, head);
	} else if (side == SIDE_RESPONSE_HEAD && is_final) {
		digest_response_head(t->digest, head);
	}
	rc = safe->failed ? ENOMEM :
	    spool_add(&t->side[side], w, t->seq, side, safe->p, safe->len);
	touch(t);
	return rc;
}

static int
add_time(struct tape *t, struct writer *w, enum side times, size_t n,
    int64_t delta_us)
{
	struct bytes *pair = &t->scratch;

	bytes_clear(pair);
	bytes_put_varint(pair, n);
	bytes_put_varint(pair, (uint64_t)delta_us);
	return pair->failed ? ENOMEM :
	    spool_add(&t->side[times], w, t->seq, times, pair->p, pair->len);
}

/* The row of a trace batch stands in the store before its items. */
static int
read_request(struct tape *t, struct writer *w, const void *p, size_t n)
{
	int rc = 0;

	if (t->row == ROW_NEVER && digest_has_items(t->digest))
		rc = tape_save(t, w, NULL);
	if (rc)
		return rc;
	t->writer = w;
	t->item_rc = 0;
	digest_request_data(t->digest, p, n);
	return t->item_rc;
}

int
tape_data(struct tape *t, struct writer *w, enum side side, const void *p,
    size_t n, int64_t at_us)
{
	const bool is_response = side == SIDE_RESPONSE_BODY;
	int64_t delta = at_us - t->last_us[is_response];
	int rc = 0;

	if (is_response)
		digest_response_data(t->digest, p, n, at_us);
	else
		rc = read_request(t, w, p, n);
	sha256_add(&t->sha[is_response], p, n);
	if (rc)
		t->side[side].is_cut = true;	/* or it would have a hole */
	else
		rc = spool_add(&t->side[side], w, t->seq, side, p, n);
	if (rc == 0 && !t->side[side].is_cut)
		rc = add_time(t, w, side + 1, n, delta > 0 ? delta : 0);
	t->last_us[is_response] = at_us;
	touch(t);
	return rc;
}

void
tape_request_end(struct tape *t)
{
	digest_request_end(t->digest);
	touch(t);
}

bool
tape_holds(const struct tape *t)
{
	const struct spool *s = &t->side[SIDE_REQUEST_BODY];

	return s->hold > 0 && spool_is_whole(s);
}

void
tape_let_go(struct tape *t)
{
	t->side[SIDE_REQUEST_BODY].hold = 0;
}

void
tape_press_with(struct tape *t, struct press *p)
{
	t->press = p;
	if (!press_has_time(p, t->began_ns))
		return;
	t->side[SIDE_REQUEST_BODY].hold = p->hold;
	t->side[SIDE_RESPONSE_BODY].hold = p->hold;
}

/* A body that is all here, unless it is coded, or there is no time. */
static int
press_body(struct tape *t, struct writer *w, enum side side, struct message *m)
{
	struct spool *s = &t->side[side];
	const struct body y = { t->seq, side, bytes_slice(&s->tail), &t->elements };
	const int64_t began = loop_now_ns();
	int rc;

	if (!t->press || !spool_is_whole(s) || !press_has_time(t->press, began))
		return 0;
	digest_fill(t->digest, &t->x);
	if (m->encoding.p)
		return 0;
	if (side == SIDE_REQUEST_BODY)
		elements_feed(&t->elements, y.raw.p, y.raw.len);
	rc = writer_put_body(w, &y, m);
	if (rc == 0 && m->squeezed_bytes >= 0)
		spool_is_squeezed(s);
	press_spend(t->press, loop_now_ns() - began);
	return rc;
}

int
tape_press(struct tape *t, struct writer *w)
{
	tape_let_go(t);
	return press_body(t, w, SIDE_REQUEST_BODY, &t->x.request);
}

/* One direction of the row: what came, what is kept, and the proof. */
static void
fill_message(struct message *m, struct sha256 *sha, const struct spool *body,
    const struct tape_counts *c)
{
	struct sha256 done = *sha;

	m->kept_bytes = body->put;
	if (!c)
		return;
	m->head_bytes = c->head_bytes;
	m->body_bytes = c->body_bytes;
	m->sent_bytes = c->sent_bytes;
	m->has_sha256 = !c->is_cut && body->put == c->body_bytes;
	if (m->has_sha256)
		sha256_end(&done, m->sha256);
}

static void
fill(struct tape *t, const struct tape_end *end)
{
	struct exchange *x = &t->x;

	digest_fill(t->digest, x);
	if (t->who[0])
		x->key_hash = (struct slice){ t->who, REDACT_HASH_LEN };
	fill_message(&x->request, &t->sha[0], &t->side[SIDE_REQUEST_BODY],
	    end ? &end->request : NULL);
	fill_message(&x->response, &t->sha[1], &t->side[SIDE_RESPONSE_BODY],
	    end ? &end->response : NULL);
	if (!end)
		return;
	x->outcome = end->outcome;
	x->flags |= end->flags;
	if (end->reason[0])
		x->reason = (struct slice){ end->reason, strlen(end->reason) };
	if (end->tls_upstream[0])
		x->tls_upstream = (struct slice){ end->tls_upstream,
		    strlen(end->tls_upstream) };
	{
		int64_t token = x->timing.first_token;
		int64_t upstream = x->timing.upstream_ms;

		x->timing = end->timing;
		x->timing.first_token = token;
		x->timing.upstream_ms = upstream;
	}
}

static int
put_trailer(struct tape *t, struct writer *w, enum side side)
{
	struct bytes *lines = &t->trailer[side == SIDE_RESPONSE_TRAILER];
	int rc = 0;

	if (lines->len > 0 && !lines->failed)
		rc = tape_head(t, w, side, bytes_slice(lines), true);
	bytes_fini(lines);
	return rc;
}

/* Puts the sides that are whole and small together: one value takes fewer pages than
 * one for each. */
static int
put_pack(struct tape *t, struct writer *w)
{
	struct slice side[SIDE_N] = { { NULL, 0 } };
	bool is_empty = true;
	int rc;

	for (enum side s = 0; s < SIDE_N; s++) {
		if (!spool_is_whole(&t->side[s]))
			continue;
		side[s] = bytes_slice(&t->side[s].tail);
		if (pack_len(side) > writer_part_bytes(w))
			side[s].len = 0;
		else
			is_empty = false;
	}
	if (is_empty)
		return 0;
	if (t->press && press_has_time(t->press, loop_now_ns()))
		rc = writer_squeeze_pack(w, t->seq, side);
	else
		rc = writer_put_pack(w, t->seq, side);
	if (rc)
		return rc;
	for (enum side s = 0; s < SIDE_N; s++)
		if (side[s].len > 0)
			spool_is_put(&t->side[s]);
	return 0;
}

/* Bodies of which there are parts now wait for their time. */
static void
press_rest(struct tape *t)
{
	if (t->press && (t->side[SIDE_REQUEST_BODY].part > 0 ||
	    t->side[SIDE_RESPONSE_BODY].part > 0))
		press_later(t->press, t->seq, &t->elements);
}

int
tape_save(struct tape *t, struct writer *w, const struct tape_end *end)
{
	int rc = 0;

	if (end)
		rc = put_trailer(t, w, SIDE_REQUEST_TRAILER);
	if (end && rc == 0)
		rc = put_trailer(t, w, SIDE_RESPONSE_TRAILER);
	if (rc)
		return rc;
	if (end && end->response.head_bytes >= 0)
		digest_response_end(t->digest, end->has_clean_response);
	if (end)
		rc = press_body(t, w, SIDE_RESPONSE_BODY, &t->x.response);
	if (rc)
		return rc;
	if (end && (rc = put_pack(t, w)) != 0)
		return rc;
	if (end || loop_now_ns() - t->began_ns >= hold_ns)
		tape_let_go(t);
	for (enum side s = 0; s < SIDE_N && rc == 0; s++)
		if (s != SIDE_REQUEST_BODY || !tape_holds(t))
			rc = spool_save(&t->side[s], w, t->seq, s);
	if (rc)
		return rc;
	fill(t, end);
	rc = writer_put_exchange(w, &t->x);
	if (rc)
		return rc;
	if (end)
		press_rest(t);
	t->row = tape_holds(t) ? ROW_STALE : ROW_SAVED;
	t->saved_ns = loop_now_ns();
	return 0;
}

bool
tape_is_unsaved(const struct tape *t)
{
	return t->row != ROW_SAVED;
}

int64_t
tape_saved_ns(const struct tape *t)
{
	return t->saved_ns;
}

int64_t
tape_began_ns(const struct tape *t)
{
	return t->began_ns;
}

bool
tape_is_unput(const struct tape *t)
{
	if (t->row != ROW_NEVER)
		return false;
	for (int i = 0; i < SIDE_N; i++)
		if (t->side[i].put > 0 || t->side[i].is_cut)
			return false;
	return true;
}

void
tape_charge(struct tape *t, size_t bytes)
{
	t->cost += bytes;
}

size_t
tape_cost(const struct tape *t)
{
	return t->cost;
}

void
tape_link(struct tape **head, struct tape *t)
{
	t->prev = NULL;
	t->next = *head;
	if (*head)
		(*head)->prev = t;
	*head = t;
}

void
tape_unlink(struct tape **head, struct tape *t)
{
	if (t->prev)
		t->prev->next = t->next;
	else
		*head = t->next;
	if (t->next)
		t->next->prev = t->prev;
	t->prev = t->next = NULL;
}

struct tape *
tape_next(const struct tape *t)
{
	return t->next;
}

void
tape_committed(struct tape *t)
{
	for (int i = 0; i < SIDE_N; i++)
		spool_committed(&t->side[i]);
	if (!tape_is_unput(t) && !tape_holds(t))
		t->cost = 0;
}

void
tape_lost(struct tape *t)
{
	for (int i = 0; i < SIDE_N; i++)
		spool_lost(&t->side[i]);
	if (t->side[SIDE_REQUEST_BODY].put == 0)
		t->x.request.squeezed_bytes = t->x.request.prefix = -1;
	t->cost = 0;
	t->row = ROW_NEVER;
	t->saved_ns = 0;
}
