#include "proxy/conn.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>

#include "proxy/address.h"
#include "proxy/answer.h"
#include "proxy/config.h"
#include "proxy/connect.h"
#include "proxy/dial.h"
#include "proxy/log.h"
#include "proxy/recorder.h"
#include "proxy/tls.h"

static const char *const state_names[] = {
#define X(name, limit) #name,
	CONN_STATES(X)
#undef X
};

#define TO(name) (1u << CONN_##name)

static const unsigned may_follow[CONN_STATE_N] = {
	[CONN_HANDSHAKE] = TO(IDLE) | TO(CLOSED),
	[CONN_IDLE] = TO(HEAD) | TO(OPENED) | TO(DIAL) | TO(KEEP) | TO(EXCHANGE) |
	    TO(TUNNEL) | TO(LINGER) | TO(CLOSED),
	[CONN_HEAD] = TO(OPENED) | TO(DIAL) | TO(KEEP) | TO(EXCHANGE) |
	    TO(TUNNEL) | TO(LINGER) | TO(CLOSED),
	[CONN_OPENED] = TO(HANDSHAKE) | TO(IDLE) | TO(LINGER) | TO(CLOSED),
	[CONN_DIAL] = TO(EXCHANGE) | TO(TUNNEL) | TO(LINGER) | TO(CLOSED),
	[CONN_KEEP] = TO(IDLE) | TO(LINGER) | TO(CLOSED),
	[CONN_EXCHANGE] = TO(IDLE) | TO(DIAL) | TO(TUNNEL) | TO(DRAIN) |
	    TO(LINGER) | TO(CLOSED),
	[CONN_TUNNEL] = TO(LINGER) | TO(CLOSED),
	[CONN_DRAIN] = TO(IDLE) | TO(LINGER) | TO(CLOSED),
	[CONN_LINGER] = TO(CLOSED),
};

void
conn_say(const struct conn *c, int level, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	if (!log_wants((enum log_level)level))
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	log_line((enum log_level)level, "conn=%llu client=%s %s",
	    (unsigned long long)c->id, c->peer, text);
}

void
conn_enter(struct conn *c, enum conn_state to)
{
	if (c->state == to)
		return;
	assert(may_follow[c->state] & 1u << to);
	if (log_wants(LOG_DEBUG))
		conn_say(c, LOG_DEBUG, "%s -> %s", state_names[c->state],
		    state_names[to]);
	c->state = to;
	if (to != CONN_CLOSED)
		conn_time_start(c);
}

static void
drop_upstream(struct conn *c)
{
	dial_cancel(c->dial);
	stream_free(c->upstream);
	c->dial = NULL;
	c->upstream = NULL;
}

static void
flow_reset(struct flow *f)
{
	bytes_fini(&f->partial);
	memset(f, 0, sizeof(*f));
}

void
conn_forget(struct conn *c)
{
	flow_reset(&c->up);
	flow_reset(&c->down);
	bytes_fini(&c->head);
	bytes_fini(&c->sent);
	c->drained = 0;
	c->flags &= CONN_LASTING;
}

static void
end_record(struct conn *c, enum outcome outcome, const char *why)
{
	if (c->flags & CONN_CONNECTS)
		connect_say_end(c);
	tap_end(&c->tap, outcome, why);
}

/* Ends c.  c stays readable until this turn of the loop is over. */
void
conn_close(struct conn *c, enum outcome outcome, const char *why)
{
	if (c->state == CONN_CLOSED)
		return;
	conn_say(c, LOG_INFO, "closed in=%s requests=%llu why=\"%s\"",
	    state_names[c->state], (unsigned long long)c->requests,
	    c->why[0] ? c->why : why);
	end_record(c, outcome, why);
	conn_enter(c, CONN_CLOSED);
	evtimer_del(&c->timer);
	drop_upstream(c);
	stream_free(c->client);
	c->client = NULL;
	loop_bury(c->loop, c);
}

void
conn_free(struct conn *c)
{
	assert(c->magic == CONN_MAGIC && c->state == CONN_CLOSED);
	conn_forget(c);
	c->magic = 0;
	free(c);
}

/* Our last bytes are queued: lets them leave, then waits for the client's FIN, so
 * that no RST overtakes them. */
void
conn_linger(struct conn *c, enum stream_end how, const char *why)
{
	drop_upstream(c);
	snprintf(c->why, sizeof(c->why), "%s", why);
	if (!c->client || stream_is_finished(c->client)) {
		conn_close(c, OUTCOME_COMPLETE, why);
		return;
	}
	conn_enter(c, CONN_LINGER);
	stream_consume(c->client, stream_unread(c->client));
	stream_finish(c->client, how);
	stream_resume(c->client, PAUSE_PEER);
	stream_resume(c->client, PAUSE_RECORDER);
}

/* The answer stops in the middle: the client must see that it does. */
void
conn_cut(struct conn *c, enum outcome outcome, const char *why)
{
	/* Where no framing tells, TLS does, by the missing close_notify. */
	bool until_close = c->client && !stream_tls(c->client) &&
	    (c->down.body.framing == HTTP1_UNTIL_CLOSE ||
	    c->state == CONN_TUNNEL);

	end_record(c, outcome, why);
	if (until_close)
		c->flags |= CONN_RESETS;
	conn_linger(c, until_close ? STREAM_END_RESET : STREAM_END_CUT, why);
}

void
conn_next(struct conn *c)
{
	conn_recorder_ready(c);
	conn_forget(c);
	if (c->loop->draining)
		c->flags |= CONN_CLOSE_AFTER;
	if (c->flags & CONN_CLOSE_AFTER) {
		conn_linger(c, STREAM_END_CLEAN, "done");
		return;
	}
	conn_enter(c, CONN_IDLE);
	stream_resume(c->client, PAUSE_PEER);
	if (stream_unread(c->client) > 0)
		request_read(c);
	else if (stream_at_eof(c->client))
		conn_linger(c, STREAM_END_CLEAN, "client is done");
	else
		loop_tidy_later(c->loop);
}

void
conn_tidy(struct conn *c)
{
	if (c->state == CONN_IDLE)
		stream_rest(c->client);
	if (c->client)
		stream_check(c->client);
	if (c->upstream)
		stream_check(c->upstream);
	if (c->state == CONN_EXCHANGE || c->state == CONN_TUNNEL)
		loop_tidy_later(c->loop);
}

/* Some look at our certificate late, and then leave without an alert. */
static void
say_distrust(const struct conn *c)
{
	if (stream_tls(c->client) && c->requests == 0)
		conn_say(c, LOG_WARN, "TLS with the client failed: it left before "
		    "its first request: does it trust our CA?");
}

/* The client can no longer be answered. */
void
conn_client_left(struct conn *c, const char *why)
{
	switch (c->state) {
	case CONN_DIAL:
	case CONN_EXCHANGE:
		if (c->loop->config->on_abort == ON_ABORT_DRAIN &&
		    !(c->flags & CONN_WANTS_UPGRADE) && c->upstream &&
		    c->up.at == FLOW_DONE && c->client) {
			stream_free(c->client);
			c->client = NULL;
			stream_resume(c->upstream, PAUSE_PEER);
			snprintf(c->why, sizeof(c->why), "%s", why);
			return;
		}
		conn_close(c, OUTCOME_CANCELLED, why);
		return;
	case CONN_TUNNEL:
		tunnel_reset(c->upstream);
		conn_close(c, OUTCOME_CANCELLED, why);
		return;
	case CONN_KEEP:
		conn_close(c, OUTCOME_CANCELLED, why);
		return;
	case CONN_HANDSHAKE:
		/* In TLS 1.3 a reset may overtake its alert. */
		conn_say(c, LOG_WARN, "TLS with the client failed: %s%s", why,
		    strstr(why, "alert") ? "" : ": does it trust our CA?");
		conn_close(c, OUTCOME_COMPLETE, why);
		return;
	case CONN_IDLE:
		say_distrust(c);
		/* fall through */
	case CONN_OPENED:
	case CONN_HEAD:
	case CONN_DRAIN:
	case CONN_LINGER:
	case CONN_CLOSED:
	case CONN_STATE_N:
		conn_close(c, OUTCOME_COMPLETE, why);
		return;
	}
}

static void
on_client_data(struct conn *c)
{
	conn_touch(c);
	switch (c->state) {
	case CONN_IDLE:
	case CONN_HEAD:
		request_read(c);
		break;
	case CONN_OPENED:
		connect_first_bytes(c);
		break;
	case CONN_KEEP:
		keep_pump(c);
		break;
	case CONN_EXCHANGE:
		request_pump(c);
		break;
	case CONN_TUNNEL:
		tunnel_pump(c, c->client, c->upstream, SIDE_REQUEST_BODY);
		break;
	case CONN_DRAIN:
		request_discard(c);
		break;
	case CONN_LINGER:
		stream_consume(c->client, stream_unread(c->client));
		break;
	case CONN_HANDSHAKE:
	case CONN_DIAL:			/* waits, up to STREAM_HIGH bytes */
	case CONN_CLOSED:
	case CONN_STATE_N:
		break;
	}
}

static void
on_client_eof(struct conn *c)
{
	switch (c->state) {
	case CONN_IDLE:
		if (stream_unread(c->client) > 0)
			break;		/* requests that wait: on_client_drained */
		say_distrust(c);
		/* fall through */
	case CONN_OPENED:
		conn_linger(c, STREAM_END_CLEAN, "client is done");
		break;
	case CONN_KEEP:
		if (c->up.at == FLOW_DONE)
			break;		/* it waits for the recorder */
		conn_close(c, OUTCOME_CANCELLED,
		    "client left in the middle of its request");
		break;
	case CONN_HEAD:
		conn_linger(c, STREAM_END_CLEAN, "client left inside a head");
		break;
	case CONN_DRAIN:
		conn_linger(c, STREAM_END_CLEAN, "answered early");
		break;
	case CONN_DIAL:
	case CONN_EXCHANGE:
		request_eof(c);
		break;
	case CONN_TUNNEL:
		tunnel_eof(c, c->client, c->upstream);
		break;
	case CONN_LINGER:
		if (stream_is_finished(c->client))
			conn_close(c, OUTCOME_COMPLETE, "done");
		break;
	case CONN_HANDSHAKE:
	case CONN_CLOSED:
	case CONN_STATE_N:
		conn_close(c, OUTCOME_COMPLETE, "client left");
		break;
	}
}

static void
on_client_drained(struct conn *c)
{
	if (c->upstream)
		stream_resume(c->upstream, PAUSE_PEER);
	if (c->state == CONN_TUNNEL)
		tunnel_eof(c, NULL, NULL);
	if (c->state == CONN_IDLE && c->flags & CONN_CLOSE_AFTER) {
		conn_linger(c, STREAM_END_CLEAN, "shutting down");
	} else if (c->state == CONN_IDLE) {
		stream_resume(c->client, PAUSE_PEER);
		request_read(c);
	}
	if (c->state != CONN_LINGER || !stream_is_finished(c->client))
		return;
	if (c->flags & CONN_RESETS) {
		c->reset_by_ns = loop_now_ns() +
		    c->loop->config->linger_ms * 1000000;
		conn_time_reset(c);
	} else if (stream_at_eof(c->client)) {
		conn_close(c, OUTCOME_COMPLETE, "done");
	} else {
		conn_time_set(c, c->loop->config->linger_ms);
	}
}

static void
on_client(void *arg, enum stream_event ev)
{
	struct conn *c = arg;

	assert(c->magic == CONN_MAGIC);
	switch (ev) {
	case STREAM_CONNECTED:
		break;
	case STREAM_READY:
		connect_by_sni(c);
		conn_enter(c, CONN_IDLE);
		break;
	case STREAM_DATA:
		on_client_data(c);
		break;
	case STREAM_DRAINED:
		on_client_drained(c);
		break;
	case STREAM_EOF:
		on_client_eof(c);
		break;
	case STREAM_BROKEN:
		conn_client_left(c, "client takes no more");
		break;
	case STREAM_ERROR:
		conn_client_left(c, stream_error(c->client));
		break;
	}
}

void
conn_mind_recorder(struct conn *c)
{
	const int64_t pause_ms = c->loop->config->recorder_pause_ms;

	if (c->state == CONN_CLOSED || !tap_is_recording(&c->tap) ||
	    !recorder_is_full(c->loop->recorder))
		return;
	if (pause_ms == 0) {
		tap_cut(&c->tap);
		return;
	}
	c->flags |= CONN_WAITS_RECORDER;
	if (c->client)
		stream_pause(c->client, PAUSE_RECORDER);
	if (c->upstream)
		stream_pause(c->upstream, PAUSE_RECORDER);
	if (pause_ms > 0)
		loop_limit_pause(c->loop, pause_ms);
}

/* A whole batch that waits for the recorder alone. */
static bool
has_kept(const struct conn *c)
{
	return c->state == CONN_KEEP && c->up.at == FLOW_DONE;
}

void
conn_recorder_ready(struct conn *c)
{
	if (!(c->flags & CONN_WAITS_RECORDER))
		return;
	c->flags &= ~(unsigned)CONN_WAITS_RECORDER;
	if (c->client)
		stream_resume(c->client, PAUSE_RECORDER);
	if (c->upstream)
		stream_resume(c->upstream, PAUSE_RECORDER);
	if (has_kept(c))
		keep_done(c);
}

void
conn_recorder_cut(struct conn *c)
{
	if (c->flags & CONN_WAITS_RECORDER && !has_kept(c))
		tap_cut(&c->tap);
	conn_recorder_ready(c);
}

void
conn_shut_down(struct conn *c)
{
	c->flags |= CONN_CLOSE_AFTER;
	if ((c->state == CONN_IDLE || c->state == CONN_OPENED) &&
	    stream_queued(c->client) == 0) {
		/* No lingering: there is nothing that a RST could overtake. */
		stream_bye(c->client);
		c->client = NULL;
		conn_close(c, OUTCOME_COMPLETE, "shutting down");
	} else if (c->state == CONN_TUNNEL && (stream_at_eof(c->client) ||
	    stream_at_eof(c->upstream))) {
		conn_cut(c, OUTCOME_INTERRUPTED, "tracetape was stopped");
	} else if (c->state == CONN_TUNNEL) {
		conn_time_start(c);
	} else if (c->state == CONN_DIAL && c->flags & CONN_CONNECTS) {
		answer(c, 503, "shutting_down", "tracetape is being stopped");
	} else if (c->state == CONN_HANDSHAKE) {
		conn_close(c, OUTCOME_INTERRUPTED, "tracetape was stopped");
	}
}

struct conn *
conn_new(struct loop *l, int fd, const struct sockaddr *sa, struct tls *tls)
{
	struct conn *c = calloc(1, sizeof(*c));

	if (c) {
		c->client = stream_new(l, fd, tls, on_client, c);
	} else {
		close(fd);
		tls_free(tls);
	}
	if (!c || !c->client) {
		free(c);
		return NULL;
	}
	c->magic = CONN_MAGIC;
	c->loop = l;
	c->id = loop_new_id();
	c->state = tls ? CONN_HANDSHAKE : CONN_IDLE;
	address_print(sa, c->peer);
	if (address_is_loopback(sa))
		c->flags |= CONN_LOCAL;
	evtimer_assign(&c->timer, l->base, conn_on_timer, c);
	conn_time_start(c);
	return c;
}
