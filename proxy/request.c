#include "proxy/conn.h"

#include <string.h>

#include "proxy/answer.h"
#include "proxy/config.h"
#include "proxy/connect.h"
#include "proxy/dial.h"
#include "proxy/forward.h"
#include "proxy/log.h"
#include "proxy/piece.h"
#include "proxy/pool.h"
#include "proxy/relay.h"
#include "proxy/route.h"
#include "proxy/tls.h"

static bool
is_method(const struct http1_head *h, struct slice name)
{
	return slice_eq(h->method, name);
}

/* RFC 9110 9.2.2, the methods that this API uses. */
static bool
is_idempotent(const struct http1_head *h)
{
	return is_method(h, SLICE("GET")) || is_method(h, SLICE("HEAD")) ||
	    is_method(h, SLICE("OPTIONS")) || is_method(h, SLICE("DELETE"));
}

/* To the upstream, and kept while it may have to be sent again. */
static void
send_up(struct conn *c, const void *p, size_t n)
{
	stream_write(c->upstream, p, n);
	if ((c->flags & (CONN_REUSED | CONN_RETRIED)) != CONN_REUSED ||
	    c->flags & CONN_NO_RESEND)
		return;
	if (c->sent.len + n <= CONN_RESEND_MAX)
		bytes_put(&c->sent, p, n);
	if (c->sent.failed || c->sent.len + n > CONN_RESEND_MAX) {
		c->flags |= CONN_NO_RESEND;
		bytes_fini(&c->sent);
	}
}

void
request_done(struct conn *c)
{
	c->up.at = FLOW_DONE;
	tap_request_end(&c->tap);
}

static void
exchange_begin(struct conn *c)
{
	struct tape_end *end = &c->tap.end;

	conn_enter(c, CONN_EXCHANGE);
	if (c->flags & CONN_REUSED)
		end->flags |= EXCHANGE_REUSED;
	else
		end->flags &= ~(uint32_t)EXCHANGE_REUSED;
	if (stream_tls(c->upstream)) {
		text_set(end->tls_upstream, sizeof(end->tls_upstream),
		    tls_version(stream_tls(c->upstream)));
		if (tls_resumed(stream_tls(c->upstream)))
			end->flags |= EXCHANGE_TLS_RESUMED;
	}
	tap_mark(&c->tap, &end->timing.sent_first);
	if (c->flags & CONN_RETRIED) {
		stream_write(c->upstream, c->sent.p, c->sent.len);
		bytes_fini(&c->sent);
	} else {
		send_up(c, c->head.p, c->head.len);
		bytes_fini(&c->head);
	}
	if (c->up.at == FLOW_DONE)
		tap_mark(&c->tap, &end->timing.sent_last);
	request_pump(c);
	if (c->state == CONN_EXCHANGE && c->client && stream_at_eof(c->client))
		request_eof(c);
}

static void
on_dialed(void *arg, const struct dialed *d)
{
	struct conn *c = arg;
	struct timing *t = &c->tap.end.timing;

	c->dial = NULL;
	t->dns = d->dns_us;
	t->connect = d->connect_us;
	t->tls = d->tls_us;
	c->upstream = d->stream;
	if (c->upstream) {
		stream_give(c->upstream, on_upstream, c);
		if (c->flags & CONN_CONNECTS)
			connect_dialed(c);
		else
			exchange_begin(c);
		return;
	}
	switch (d->failure) {
	case DIAL_CONNECT_TIMEOUT:
	case DIAL_TLS_TIMEOUT:
		answer(c, 504, "upstream_timeout", "%s", d->why);
		break;
	case DIAL_CERTIFICATE:
		answer(c, 502, "upstream_certificate", "%s", d->why);
		break;
	case DIAL_DNS:
		answer(c, 502, "upstream_dns", "%s", d->why);
		break;
	case DIAL_TLS:
		answer(c, 502, "upstream_tls", "%s", d->why);
		break;
	case DIAL_LOOP:
		answer(c, 502, "upstream_loop", "%s", d->why);
		break;
	case DIAL_VIA:
		answer(c, 502, "upstream_via", "%s", d->why);
		break;
	case DIAL_FORBIDDEN:
		answer(c, 403, "forbidden_address", "%s", d->why);
		break;
	case DIAL_CONNECT:
	case DIAL_OK:
		answer(c, 502, "upstream_connect", "%s", d->why);
		break;
	}
}

void
request_dial(struct conn *c)
{
	conn_enter(c, CONN_DIAL);
	c->dial = dial_begin(c->loop, &c->origin, c->flags & (CONN_CONNECTS |
	    CONN_UNRECORDED) ? DIAL_TUNNEL : DIAL_UPSTREAM, on_dialed, c);
	if (!c->dial)
		answer(c, 503, "no_memory", "no memory for a connection");
}

static void
acquire_upstream(struct conn *c)
{
	c->upstream = pool_take(c->loop->pool, &c->origin);
	if (!c->upstream) {
		request_dial(c);
		return;
	}
	c->flags |= CONN_REUSED;
	stream_give(c->upstream, on_upstream, c);
	exchange_begin(c);
}

void
request_resend(struct conn *c)
{
	conn_say(c, LOG_INFO, "resending: the pooled connection was dead");
	c->flags |= CONN_RETRIED;
	c->flags &= ~(unsigned)CONN_REUSED;
	c->tap.end.flags |= EXCHANGE_RETRIED;
	c->tap.end.timing.sent_first = -1;
	c->tap.end.timing.sent_last = -1;
	stream_free(c->upstream);
	c->upstream = NULL;
	stream_resume(c->client, PAUSE_PEER);
	request_dial(c);
}

static void
record(struct conn *c, struct slice raw)
{
	const struct tls *tls = stream_tls(c->client);
	struct tape_start start = {
		.time_ns = loop_wall_ns(),
		.mode = c->mode,
	};

	text_set(start.client, sizeof(start.client), c->peer);
	text_set(start.label, sizeof(start.label), c->label);
	text_set(start.scheme, sizeof(start.scheme),
	    c->origin.is_tls ? "https" : "http");
	text_set(start.tls_client, sizeof(start.tls_client),
	    tls ? tls_version(tls) : "");
	origin_name(&c->origin, start.host);
	tap_begin(&c->tap, c->loop, &start, raw);
}

/* With its hop-by-hop lines: the client believes to speak with the origin. */
static bool
goes_on_whole(const struct conn *c)
{
	return c->flags & CONN_INSIDE && c->mode != MODE_REVERSE;
}

static void
note(struct conn *c, const struct http1_head *h)
{
	if (h->has_close || h->minor == 0)
		c->flags |= CONN_CLOSE_AFTER;
	if (h->minor == 0)
		c->flags |= CONN_OLD_CLIENT;
	if (is_method(h, SLICE("HEAD")))
		c->flags |= CONN_HEAD_ONLY;
	if (h->has_upgrade)
		c->flags |= CONN_WANTS_UPGRADE;
	if (c->flags & CONN_CLOSE_AFTER && goes_on_whole(c))
		c->flags |= CONN_UPSTREAM_CLOSES;	/* it was told so, too */
	if (is_idempotent(h))
		c->flags |= CONN_IDEMPOTENT;
	if (keep_wants(c, h))
		c->flags |= CONN_KEEPS;
	if (h->expects_continue)
		c->flags |= CONN_EXPECTS;
}

/* The head that goes on.  Whoever believes to speak with the origin has said Host
 * as the origin wants it. */
static void
make_head(struct conn *c, const struct http1_head *h)
{
	const bool is_named = c->mode != MODE_REVERSE && h->host.p;
	char authority[ORIGIN_AUTHORITY_MAX];

	origin_authority(&c->origin, authority);
	forward_request(&c->head, h, goes_on_whole(c) ? FORWARD_ALL :
	    FORWARD_END_TO_END, is_named ? NULL : authority);
}

/* A whole head lies in raw; h points into it. */
static void
begin(struct conn *c, const struct http1_head *h, struct slice raw)
{
	struct refusal no = { 0 };

	c->requests++;
	if (is_method(h, SLICE("CONNECT")) && !(c->flags & CONN_INSIDE)) {
		connect_begin(c, h);
		return;
	}
	route(c, h, &no);
	if (c->flags & CONN_UNRECORDED)
		tap_watch(&c->tap, c->loop);
	else
		record(c, raw);
	http1_body_init(&c->up.body, h->framing, h->length);
	c->up.at = FLOW_BODY;
	note(c, h);
	if (no.status) {
		answer_refusal(c, &no);
		return;
	}
	if (c->up.body.done)
		request_done(c);
	make_head(c, h);
	if (c->head.failed)
		answer(c, 503, "no_memory", "no memory for the request");
}

/* A request that cannot be read.  Its bytes are not kept: what is a secret in
 * them cannot be told. */
static void
refuse(struct conn *c, enum http1_rule rule)
{
	c->requests++;
	if (!c->tap.loop) {
		route_default(c);
		if (route_is_stranger(c))
			tap_watch(&c->tap, c->loop);
		else
			record(c, (struct slice){ "", 0 });
	}
	answer(c, http1_rule_status(rule), "bad_request", "%s",
	    http1_rule_name(rule));
}

/* Parses what lies in front of us, the run p[0..n).  > 0: bytes of it to consume;
 * the exchange has begun.  0: the run was taken in, more is needed.  < 0: it is
 * over. */
static long
parse(struct conn *c, const uint8_t *p, size_t n)
{
	struct http1_head *h = c->loop->head;
	struct bytes *partial = &c->up.partial;
	size_t before = partial->len, skip = 0;
	long used = 0;

	if (before > 0) {
		bytes_put(partial, p, n);
		p = partial->p;
		n = partial->len;
	}
	if (c->up.seen == 0)
		skip = http1_skip_crlf(p, n);
	if (partial->failed)
		used = -HTTP1_TOO_LONG;
	else if (skip < n)
		used = http1_request(h, p + skip, n - skip, &c->up.seen);
	if (used < 0) {
		refuse(c, (enum http1_rule)-used);
		return -1;
	}
	if (used > 0) {
		begin(c, h, (struct slice){ (const char *)p + skip,
		    (size_t)used });
		return c->state == CONN_LINGER || c->state == CONN_CLOSED ? -1 :
		    used + (long)skip - (long)before;
	}
	if (before == 0)
		bytes_put(partial, p + skip, n - skip);
	else
		bytes_shift(partial, skip);
	return 0;
}

/* The head is consumed: what to do about it? */
static void
go_on(struct conn *c)
{
	if (c->flags & CONN_CONNECTS)
		connect_open(c);
	else if (c->flags & CONN_KEEPS)
		keep_open(c);
	else
		acquire_upstream(c);
}

/* Takes one run.  False: no more is to be read. */
static bool
read_run(struct conn *c, const uint8_t *p, size_t n)
{
	long used = parse(c, p, n);

	if (used < 0)
		return false;
	stream_consume(c->client, used ? (size_t)used : n);
	if (used > 0) {
		bytes_fini(&c->up.partial);
		go_on(c);
		return c->state == CONN_IDLE;
	}
	/* Empty lines alone are no request. */
	if (c->up.partial.len > 0)
		conn_enter(c, CONN_HEAD);
	return true;
}

/* Who takes no answers gets no further ones: on_client_drained goes on. */
static bool
is_client_behind(struct conn *c)
{
	if (c->state != CONN_IDLE || stream_queued(c->client) <= STREAM_HIGH)
		return false;
	stream_pause(c->client, PAUSE_PEER);
	return true;
}

/* What is answered at once (keep.c) comes back here by conn_next: a pipeline of such
 * requests is a loop, and no recursion. */
void
request_read(struct conn *c)
{
	struct piece *piece;
	const uint8_t *p;
	size_t n;

	if (c->flags & CONN_READING)
		return;
	c->flags |= CONN_READING;
	while (!is_client_behind(c) &&
	    (n = stream_peek(c->client, &piece, &p)) > 0 && read_run(c, p, n))
		;
	c->flags &= ~(unsigned)CONN_READING;
	if (c->state == CONN_IDLE && stream_at_eof(c->client))
		conn_linger(c, STREAM_END_CLEAN, "client is done");
}

/* Forwards what lies in one run.  False: the body breaks a rule. */
static bool
forward_run(struct conn *c, struct piece *piece, const uint8_t *p, size_t n)
{
	struct slice run = { (const char *)p, n };
	struct relayed r = relay_take(&c->tap, &c->up.body, SIDE_REQUEST_BODY,
	    piece, run);

	send_up(c, p, r.done);
	c->tap.end.request.sent_bytes = c->tap.end.request.body_bytes;
	stream_consume(c->client, r.done);
	if (r.rc == 0)
		return true;
	stream_free(c->upstream);
	c->upstream = NULL;
	c->up.at = FLOW_DONE;
	if (c->flags & CONN_ANSWERED)
		conn_cut(c, OUTCOME_REFUSED, http1_rule_name((enum http1_rule)-r.rc));
	else
		refuse(c, (enum http1_rule)-r.rc);
	return false;
}

void
request_pump(struct conn *c)
{
	struct piece *piece;
	const uint8_t *p;
	size_t n;

	while (c->up.at == FLOW_BODY && c->client &&
	    (n = stream_peek(c->client, &piece, &p)) > 0) {
		if (!forward_run(c, piece, p, n))
			return;
		if (!c->up.body.done)
			continue;
		request_done(c);
		tap_mark(&c->tap, &c->tap.end.timing.sent_last);
	}
	if (stream_queued(c->upstream) > STREAM_HIGH && c->client &&
	    c->up.at == FLOW_BODY)
		stream_pause(c->client, PAUSE_PEER);
	conn_mind_recorder(c);
}

/* There is no upstream; what has come of the body is kept all the same, so that the
 * record shows what was asked. */
void
request_absorb(struct conn *c)
{
	struct piece *piece;
	const uint8_t *p;
	size_t n;

	while (c->up.at == FLOW_BODY && c->client &&
	    (n = stream_peek(c->client, &piece, &p)) > 0) {
		struct slice run = { (const char *)p, n };
		struct relayed r = relay_take(&c->tap, &c->up.body,
		    SIDE_REQUEST_BODY, piece, run);

		stream_consume(c->client, r.done);
		if (c->up.body.done)
			request_done(c);
		else if (r.rc != 0)
			c->up.at = FLOW_DONE;
	}
}

void
request_discard(struct conn *c)
{
	struct piece *piece;
	const uint8_t *p;
	size_t n;

	while (!c->up.body.done && (n = stream_peek(c->client, &piece, &p)) > 0) {
		struct http1_part part;

		c->drained += n;
		if (c->drained > CONN_DRAIN_MAX ||
		    http1_body_next(&c->up.body, p, n, &part) != 0) {
			conn_linger(c, STREAM_END_CLEAN, "answered early");
			return;
		}
		stream_consume(c->client, part.used);
	}
	if (c->up.body.done)
		conn_next(c);
}

/* A FIN: half-close, or the client has left?  One-shot tools send theirs with the
 * request; an SDK that gives up sends it later. */
void
request_eof(struct conn *c)
{
	int64_t end_us = c->tap.end.timing.request_end;

	if (!stream_at_eof(c->client) || (c->state == CONN_DIAL &&
	    c->up.at != FLOW_DONE && stream_unread(c->client) > 0))
		return;
	if (c->flags & CONN_HALF_CLOSED)
		return;
	/* Nothing will ever go into this tunnel.  Proxies that lead to each other would
	 * pass such a CONNECT on for ever. */
	if (c->flags & CONN_CONNECTS && c->state == CONN_DIAL) {
		conn_client_left(c, "client left before its tunnel was open");
		return;
	}
	if (c->up.at != FLOW_DONE) {
		conn_close(c, OUTCOME_CANCELLED,
		    "client left in the middle of its request");
		return;
	}
	/* TLS that ends without close_notify is no half-close (RFC 8446 6.1). */
	if (!(c->flags & CONN_ANSWERED) && stream_eof_is_clean(c->client) &&
	    tap_now_us(&c->tap) - end_us < CONN_HALF_CLOSE_MS * 1000) {
		c->flags |= CONN_CLOSE_AFTER | CONN_HALF_CLOSED;
		return;
	}
	conn_client_left(c, "client left before the end of the answer");
}
