/* conn.h - one client connection and the exchange it is in.  For the files that
 * drive it and the loop; nobody else.  What they offer each other stands here, in
 * flow.h, route.h, connect.h and answer.h.
 *
 * A state is what we wait for.  How far a message has come is a struct flow, one
 * per direction.  Facts about the current exchange are flags that no state says.
 *
 * Thread: the loop's.
 * Life:   conn_close is the one end.  It may come inside any call below; c stays
 *         readable until the loop's turn is over, in state CONN_CLOSED.
 */
#ifndef TRACETAPE_PROXY_CONN_H
#define TRACETAPE_PROXY_CONN_H

#include <event2/event_struct.h>

#include "proxy/address.h"
#include "proxy/auth.h"
#include "proxy/flow.h"
#include "proxy/loop.h"
#include "proxy/origin.h"
#include "proxy/stream.h"
#include "proxy/tap.h"

/* name, the time limit that holds in it (conn.c) */
#define CONN_STATES(X) \
	X(HANDSHAKE, handshake_ms)	/* the client's TLS */ \
	X(IDLE, keepalive_ms)		/* a request's first byte */ \
	X(HEAD, head_ms)		/* the rest of its head */ \
	X(OPENED, keepalive_ms)		/* CONNECT is granted: TLS, or a head? */ \
	X(DIAL, idle_ms)		/* the upstream; dial has limits of its own */ \
	X(KEEP, idle_ms)		/* a trace batch that goes no further */ \
	X(EXCHANGE, idle_ms)		/* bytes of request and response */ \
	X(TUNNEL, tunnel_ms)		/* bytes behind an Upgrade or a CONNECT */ \
	X(DRAIN, linger_ms)		/* the rest of a request answered early */ \
	X(LINGER, idle_ms)		/* our last bytes leaving, the client's FIN */ \
	X(CLOSED, idle_ms)		/* the end of the loop's turn */

enum conn_state {
#define X(name, limit) CONN_##name,
	CONN_STATES(X)
#undef X
	CONN_STATE_N
};

enum {
	CONN_CLOSE_AFTER = 1 << 0,	/* this exchange is the client's last */
	CONN_HEAD_ONLY = 1 << 1,	/* the method is HEAD */
	CONN_OLD_CLIENT = 1 << 2,	/* HTTP/1.0: no 1xx */
	CONN_WANTS_UPGRADE = 1 << 3,
	CONN_ANSWERED = 1 << 4,		/* response bytes went to the client */
	CONN_REUSED = 1 << 5,		/* the upstream came from the pool */
	CONN_RETRIED = 1 << 6,
	CONN_NO_RESEND = 1 << 7,	/* c->sent does not hold all that was sent */
	CONN_UPSTREAM_CLOSES = 1 << 8,	/* the upstream cannot be used again */
	CONN_WAITS_RECORDER = 1 << 9,
	CONN_RESETS = 1 << 10,		/* ends with a RST once all has left */
	CONN_HALF_CLOSED = 1 << 11,	/* the client's FIN was only that */
	CONN_IDEMPOTENT = 1 << 12,	/* the method may be sent twice */
	CONN_CONNECTS = 1 << 13,	/* the method is CONNECT */
	CONN_KEEPS = 1 << 14,		/* a trace batch: proxy.traces = local */
	CONN_UNRECORDED = 1 << 15,	/* to a host that is not intercepted */
	CONN_EXPECTS = 1 << 18,		/* Expect: 100-continue */

	/* Of the connection, not of its current exchange: */
	CONN_INSIDE = 1 << 16,		/* behind a CONNECT, or for the host of SNI */
	CONN_LOCAL = 1 << 17,		/* the client is on this machine */
	CONN_READING = 1 << 19,		/* request_read is at work */
	CONN_LASTING = CONN_CLOSE_AFTER | CONN_INSIDE | CONN_LOCAL |
	    CONN_READING,
};

enum {
	CONN_MAGIC = 0x434f4e4e,
	CONN_RESEND_MAX = 64 * 1024,	/* of a request, kept for one resend */
	CONN_RESEND_MS = 1000,		/* a kept connection that dies later than this
					 * was alive when it was taken */
	CONN_RESET_POLL_MS = 20,	/* has the kernel sent the last bytes? */
	CONN_DRAIN_MAX = 256 * 1024,	/* read and dropped for keep-alive's sake */
	CONN_HALF_CLOSE_MS = 250,	/* a FIN this soon after the request, before
					 * any answer, is a half-close; later the
					 * client has left */
};

struct conn {
	uint32_t magic;
	enum conn_state state;
	unsigned flags;
	uint64_t id;
	uint64_t requests;
	struct loop *loop;
	struct conn *prev, *next;
	struct stream *client;
	struct stream *upstream;
	struct dial *dial;
	struct origin origin;		/* of the current exchange */
	struct origin target;		/* of all of them; host "": upstream.url */
	enum mode mode;
	char label[AUTH_LABEL_MAX];
	struct flow up, down;
	struct bytes head;		/* the request's, as it goes on */
	struct bytes sent;		/* all that went over a reused connection */
	size_t drained;
	struct tap tap;
	struct event timer;
	int64_t deadline_ns;
	int64_t armed_ns;		/* when the timer will fire; 0: not armed */
	int64_t reset_by_ns;		/* CONN_RESETS waits no longer */
	uint64_t moved;			/* bytes delivered, at the last deadline */
	char peer[ADDRESS_TEXT_MAX];
	char why[TAPE_REASON_MAX];
};

/* conn.c */
struct conn *conn_new(struct loop *l, int fd, const struct sockaddr *sa,
    struct tls *tls);
void conn_enter(struct conn *c, enum conn_state to);
void conn_close(struct conn *c, enum outcome outcome, const char *why);
void conn_linger(struct conn *c, enum stream_end how, const char *why);
void conn_forget(struct conn *c);	/* the exchange; its record has ended */
void conn_next(struct conn *c);		/* to the next request */
void conn_cut(struct conn *c, enum outcome outcome, const char *why);
void conn_client_left(struct conn *c, const char *why);
void conn_mind_recorder(struct conn *c);
void conn_recorder_ready(struct conn *c);
void conn_recorder_cut(struct conn *c);
void conn_shut_down(struct conn *c);	/* finish, and take no more requests */
void conn_tidy(struct conn *c);		/* an idle one gives memory back */
void conn_free(struct conn *c);		/* the loop's, after CONN_CLOSED */
void conn_say(const struct conn *c, int level, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* conn_time.c: every limit of time */
void conn_time_start(struct conn *c);	/* the state's limit, from now */
void conn_time_set(struct conn *c, int64_t ms);
void conn_touch(struct conn *c);	/* bytes flowed: the limit starts anew */
void conn_time_reset(struct conn *c);	/* RST, once the kernel is done */
void conn_on_timer(evutil_socket_t fd, short what, void *arg);

#endif
