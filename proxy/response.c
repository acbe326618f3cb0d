#include "proxy/conn.h"

#include <assert.h>

#include "proxy/answer.h"
#include "proxy/forward.h"
#include "proxy/piece.h"
#include "proxy/pool.h"
#include "proxy/relay.h"
#include "proxy/tls.h"

/* The client may be gone while we read on for the usage (proxy.on_abort). */
static void
send_down(struct conn *c, const void *p, size_t n)
{
	if (!c->client)
		return;
	stream_write(c->client, p, n);
	if (n > 0)
		c->flags |= CONN_ANSWERED;
}

/* The response is complete. */
static void
finish(struct conn *c)
{
	bool request_done = c->up.at == FLOW_DONE;
	struct stream *s = c->upstream;

	c->upstream = NULL;
	if (request_done && !(c->flags & CONN_UPSTREAM_CLOSES))
		pool_give(c->loop->pool, &c->origin, s);
	else
		stream_bye(s);
	c->tap.end.has_clean_response = true;
	if (!c->client) {
		tap_end(&c->tap, OUTCOME_CANCELLED, c->why);
		conn_close(c, OUTCOME_CANCELLED, c->why);
		return;
	}
	tap_end(&c->tap, OUTCOME_COMPLETE, request_done ? NULL :
	    "answered before the request was complete");
	if (request_done) {
		conn_next(c);
	} else if (c->flags & CONN_CLOSE_AFTER) {
		conn_linger(c, STREAM_END_CLEAN, "answered early");
	} else {
		conn_enter(c, CONN_DRAIN);
		stream_resume(c->client, PAUSE_PEER);
		request_discard(c);
	}
}

/* A kept connection that dies right after it was taken was dead before, and has
 * delivered nothing.  Later it may well have, and the call would be billed twice
 * (RFC 9110 9.2.2). */
static bool
may_resend(const struct conn *c)
{
	int64_t sent_us = c->tap.end.timing.sent_first;

	return c->down.at == FLOW_HEAD && c->down.partial.len == 0 &&
	    c->flags & CONN_REUSED && c->client &&
	    !(c->flags & (CONN_NO_RESEND | CONN_ANSWERED)) &&
	    (c->flags & CONN_IDEMPOTENT || tap_now_us(&c->tap) - sent_us <
	    CONN_RESEND_MS * INT64_C(1000));
}

/* The upstream cannot finish its answer. */
static void
fail(struct conn *c, const char *why)
{
	if (may_resend(c)) {
		request_resend(c);
		return;
	}
	if (c->down.at == FLOW_HEAD && c->client)
		answer(c, 502, "upstream_failed", "%s", why);
	else
		conn_cut(c, OUTCOME_UPSTREAM, why);
}

/* A client that believes to speak with the origin sees all that it says. */
static enum forward_lines
lines_of(const struct conn *c)
{
	return c->flags & CONN_INSIDE && c->mode != MODE_REVERSE ?
	    FORWARD_ALL : FORWARD_END_TO_END;
}

static void
interim(struct conn *c, const struct http1_head *h, struct slice raw)
{
	struct bytes head = { 0 };

	tap_head(&c->tap, raw, false);
	c->flags |= CONN_NO_RESEND;
	c->tap.end.timing.first_byte = -1;
	if (c->flags & CONN_OLD_CLIENT)
		return;
	forward_response(&head, h, lines_of(c), FORWARD_KEEP);
	send_down(c, head.p, head.len);
	bytes_fini(&head);
}

static void
final(struct conn *c, const struct http1_head *h, struct slice raw)
{
	struct bytes head = { 0 };
	bool until_close = h->framing == HTTP1_UNTIL_CLOSE;

	bytes_fini(&c->sent);
	c->flags |= CONN_NO_RESEND;
	if (h->has_close || h->minor == 0 || until_close)
		c->flags |= CONN_UPSTREAM_CLOSES;
	if (h->minor == 0 || until_close || c->loop->draining ||
	    (h->has_close && lines_of(c) == FORWARD_ALL))
		c->flags |= CONN_CLOSE_AFTER;
	forward_response(&head, h, lines_of(c), c->flags & CONN_CLOSE_AFTER &&
	    h->framing != HTTP1_TUNNEL ? FORWARD_CLOSE : FORWARD_KEEP);
	send_down(c, head.p, head.len);
	bytes_fini(&head);
	tap_head(&c->tap, raw, true);
	http1_body_init(&c->down.body, h->framing, h->length);
	c->down.at = c->down.body.done ? FLOW_DONE : FLOW_BODY;
}

/* A whole head lies in raw; h points into it. */
static void
take_head(struct conn *c, const struct http1_head *h, struct slice raw)
{
	if (h->status == 101 && !(c->flags & CONN_WANTS_UPGRADE)) {
		c->flags |= CONN_NO_RESEND;
		fail(c, "the upstream switched protocols unasked");
	} else if (h->status >= 200 || h->status == 101) {
		final(c, h, raw);
	} else {
		interim(c, h, raw);
	}
	bytes_fini(&c->down.partial);
	c->down.seen = 0;
}

/* Parses a head from the run p[0..n).  False: more is needed, or it is over. */
static bool
read_head(struct conn *c, const uint8_t *p, size_t n)
{
	static const struct slice head_method = { "HEAD", 4 }, other = { "GET", 3 };
	struct http1_head *h = c->loop->head;
	struct bytes *partial = &c->down.partial;
	size_t before = partial->len, run = n;
	struct stream *s = c->upstream;
	long used;

	if (before > 0) {
		bytes_put(partial, p, n);
		p = partial->p;
		n = partial->len;
	}
	tap_mark(&c->tap, &c->tap.end.timing.first_byte);
	used = partial->failed ? -HTTP1_TOO_LONG : http1_response(h,
	    c->flags & CONN_HEAD_ONLY ? head_method : other, p, n,
	    &c->down.seen);
	if (used < 0) {
		c->flags |= CONN_NO_RESEND;
		fail(c, http1_rule_name((enum http1_rule)-used));
		return false;
	}
	if (used == 0) {
		if (before == 0)
			bytes_put(partial, p, n);
		stream_consume(s, run);
		return true;
	}
	take_head(c, h, (struct slice){ (const char *)p, (size_t)used });
	if (c->state != CONN_EXCHANGE || c->upstream != s)
		return false;
	stream_consume(s, (size_t)used - before);
	return true;
}

/* Forwards body bytes of one run.  False: it broke a rule, all is over. */
static bool
forward_run(struct conn *c, struct piece *piece, const uint8_t *p, size_t n)
{
	struct slice run = { (const char *)p, n };
	struct relayed r = relay_take(&c->tap, &c->down.body, SIDE_RESPONSE_BODY,
	    piece, run);

	send_down(c, p, r.done);
	if (c->client)
		c->tap.end.response.sent_bytes = c->tap.end.response.body_bytes;
	stream_consume(c->upstream, r.done);
	if (r.rc == 0)
		return true;
	conn_cut(c, OUTCOME_UPSTREAM, http1_rule_name((enum http1_rule)-r.rc));
	return false;
}

static void
pump(struct conn *c)
{
	struct piece *piece;
	const uint8_t *p;
	size_t n;

	while (c->state == CONN_EXCHANGE && c->down.at != FLOW_DONE &&
	    (n = stream_peek(c->upstream, &piece, &p)) > 0) {
		if (c->down.at == FLOW_HEAD) {
			if (!read_head(c, p, n))
				return;
		} else if (!forward_run(c, piece, p, n)) {
			return;
		}
		if (c->down.at == FLOW_BODY && c->down.body.framing ==
		    HTTP1_TUNNEL) {
			tunnel_begin(c);
			return;
		}
		if (c->down.body.done && c->down.at == FLOW_BODY)
			c->down.at = FLOW_DONE;
	}
	if (c->state != CONN_EXCHANGE)
		return;
	if (c->client && stream_queued(c->client) > STREAM_HIGH)
		stream_pause(c->upstream, PAUSE_PEER);
	if (c->down.at == FLOW_DONE)
		finish(c);
	else
		conn_mind_recorder(c);
}

static void
eof(struct conn *c)
{
	switch (c->state) {
	case CONN_TUNNEL:
		tunnel_eof(c, c->upstream, c->client);
		return;
	case CONN_EXCHANGE:
		break;
	case CONN_HANDSHAKE:
	case CONN_IDLE:
	case CONN_HEAD:
	case CONN_OPENED:
	case CONN_DIAL:
	case CONN_KEEP:
	case CONN_DRAIN:
	case CONN_LINGER:
	case CONN_CLOSED:
	case CONN_STATE_N:
		return;
	}
	if (c->down.at == FLOW_HEAD)
		fail(c, "the upstream closed the connection before it answered");
	else if (!http1_body_eof(&c->down.body))
		fail(c, "the upstream closed the connection inside its answer");
	else if (!stream_eof_is_clean(c->upstream))
		fail(c, "the upstream's TLS ended without close_notify: its "
		    "answer may be cut");
	else
		finish(c);
}

void
on_upstream(void *arg, enum stream_event ev)
{
	struct conn *c = arg;

	assert(c->magic == CONN_MAGIC);
	switch (ev) {
	case STREAM_DATA:
		/* A head that drips in does not keep us. */
		if (c->down.partial.len == 0)
			conn_touch(c);
		if (c->state == CONN_TUNNEL)
			tunnel_pump(c, c->upstream, c->client,
			    SIDE_RESPONSE_BODY);
		else
			pump(c);
		break;
	case STREAM_DRAINED:
		if (c->client && c->state != CONN_CLOSED)
			stream_resume(c->client, PAUSE_PEER);
		if (c->state == CONN_TUNNEL)
			tunnel_eof(c, NULL, NULL);
		break;
	case STREAM_EOF:
		eof(c);
		break;
	case STREAM_ERROR:
		fail(c, stream_error(c->upstream));
		break;
	case STREAM_BROKEN:
		/* It may still have answered; what the client sends on goes
		 * nowhere until then. */
		if (c->state == CONN_TUNNEL)
			fail(c, "the upstream takes no more");
		else if (c->client)
			stream_resume(c->client, PAUSE_PEER);
		break;
	case STREAM_CONNECTED:
	case STREAM_READY:
		break;
	}
}
