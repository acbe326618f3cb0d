#include "proxy/conn.h"

#include <assert.h>

#include <event2/event.h>

#include "proxy/answer.h"
#include "proxy/config.h"

/* Nobody can say whether a blind tunnel is done: one that has lost a side is not kept
 * for long, and one that is silent does not hold up the end of the proxy. */
static int64_t
tunnel_ms(const struct conn *c)
{
	const struct config *k = c->loop->config;
	const bool is_half = stream_at_eof(c->client) ||
	    stream_at_eof(c->upstream);

	if (c->loop->draining && (c->flags & CONN_CONNECTS || is_half))
		return k->linger_ms;
	return is_half ? k->idle_ms : k->tunnel_ms;
}

/* Every time limit of a connection. */
static int64_t
limit_ms(const struct conn *c)
{
	if (c->state == CONN_TUNNEL)
		return tunnel_ms(c);
	switch (c->state) {
#define X(name, limit) case CONN_##name: return c->loop->config->limit;
	CONN_STATES(X)
#undef X
	case CONN_STATE_N:
		break;
	}
	return c->loop->config->idle_ms;
}

void
conn_time_set(struct conn *c, int64_t ms)
{
	int64_t now = loop_now_ns();
	struct timeval tv = { ms / 1000, (ms % 1000) * 1000 };

	c->deadline_ns = now + ms * 1000000;
	/* A later deadline is found when the timer fires early. */
	if (c->armed_ns && c->armed_ns <= c->deadline_ns)
		return;
	c->armed_ns = c->deadline_ns;
	evtimer_add(&c->timer, &tv);
}

void
conn_time_start(struct conn *c)
{
	c->moved = 0;
	conn_time_set(c, limit_ms(c));
}

void
conn_touch(struct conn *c)
{
	/* In the other states a peer that drips bytes must not hold us. */
	if (c->state == CONN_DIAL || c->state == CONN_EXCHANGE ||
	    c->state == CONN_KEEP || c->state == CONN_TUNNEL)
		conn_time_start(c);
}

static void
expired(struct conn *c)
{
	switch (c->state) {
	case CONN_HANDSHAKE:
		conn_close(c, OUTCOME_TIMEOUT, "TLS handshake took too long");
		break;
	case CONN_OPENED:
	case CONN_IDLE:
		conn_linger(c, STREAM_END_CLEAN, "idle");
		break;
	case CONN_HEAD:
		answer(c, 408, "request_timeout", "the request head was not "
		    "complete in time (timeouts.head_ms)");
		break;
	case CONN_KEEP:
		answer(c, 408, "request_timeout", "the request was not complete "
		    "in time (timeouts.idle_ms)");
		break;
	case CONN_DIAL:
	case CONN_EXCHANGE:
		if (c->flags & CONN_ANSWERED || !c->client) {
			conn_cut(c, OUTCOME_TIMEOUT,
			    "no byte in either direction (timeouts.idle_ms)");
			break;
		}
		answer(c, 504, "upstream_timeout", "no byte in either direction "
		    "for too long (timeouts.idle_ms)");
		break;
	case CONN_TUNNEL:
		conn_close(c, OUTCOME_TIMEOUT, "tunnel is idle");
		break;
	case CONN_DRAIN:
		conn_linger(c, STREAM_END_CLEAN, "answered early");
		break;
	case CONN_LINGER:
		conn_close(c, OUTCOME_COMPLETE, "done; client kept open");
		break;
	case CONN_CLOSED:
	case CONN_STATE_N:
		break;
	}
}

/* Bytes that s has still to deliver are added to *waiting, those that it has
 * delivered to *moved. */
static void
count(const struct stream *s, uint64_t *waiting, uint64_t *moved)
{
	size_t in_kernel;

	if (!s)
		return;
	in_kernel = stream_in_kernel(s);
	*waiting += stream_queued(s) + in_kernel;
	*moved += stream_sent(s) - in_kernel;
}

/* A slow reader is alive while it reads, though we read and write nothing. */
static bool
has_moved(struct conn *c)
{
	uint64_t waiting = 0, moved = 0;

	if (c->state != CONN_IDLE && c->state != CONN_EXCHANGE &&
	    c->state != CONN_TUNNEL && c->state != CONN_LINGER)
		return false;
	count(c->client, &waiting, &moved);
	count(c->upstream, &waiting, &moved);
	if (waiting == 0 || moved == c->moved)
		return false;
	c->moved = moved;
	return true;
}

/* A RST throws away what the kernel has not delivered yet: waits for that. */
void
conn_time_reset(struct conn *c)
{
	int64_t now = loop_now_ns();

	if (has_moved(c))
		c->reset_by_ns = now + c->loop->config->linger_ms * 1000000;
	if (stream_in_kernel(c->client) == 0 || now >= c->reset_by_ns)
		conn_close(c, OUTCOME_COMPLETE, "done");
	else
		conn_time_set(c, CONN_RESET_POLL_MS);
}

/* All of ours is in the kernel's hands, and we wait for the client's FIN. */
static void
lingered(struct conn *c)
{
	if (c->flags & CONN_RESETS && c->reset_by_ns)
		conn_time_reset(c);
	else if (has_moved(c))
		conn_time_set(c, c->loop->config->linger_ms);
	else
		conn_close(c, OUTCOME_COMPLETE, "done; client kept open");
}

void
conn_on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct conn *c = arg;
	struct loop *l = c->loop;
	int64_t left_ms;

	(void)fd, (void)what;
	assert(c->magic == CONN_MAGIC);
	c->armed_ns = 0;
	left_ms = (c->deadline_ns - loop_now_ns() + 999999) / 1000000;
	if (left_ms > 0)
		conn_time_set(c, left_ms);
	else if (c->state == CONN_LINGER && stream_is_finished(c->client))
		lingered(c);
	else if (has_moved(c))
		conn_time_set(c, limit_ms(c));
	else
		expired(c);
	loop_flush(l);
}
