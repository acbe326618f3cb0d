#include "proxy/connect.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proxy/answer.h"
#include "proxy/conn.h"
#include "proxy/log.h"
#include "proxy/policy.h"
#include "proxy/route.h"
#include "proxy/tls.h"

/* CONNECT (RFC 9110 9.3.6).  An intercepted host is spoken to here: behind our 200
 * the same connection begins anew, with TLS or a plain request.  Any other host
 * gets a tunnel: bytes that we count and do not look at. */

static const char granted[] = "HTTP/1.1 200 Connection established\r\n\r\n";

static bool
is_intercepted(const struct conn *c)
{
	return policy_intercepts(c->loop->shared->policy, c->origin.host);
}

static void
check(struct conn *c, const struct http1_head *h, struct refusal *no)
{
	struct origin *o = &c->origin;

	memset(o, 0, sizeof(*o));
	if (c->loop->draining) {
		no->status = 503;
		no->code = "shutting_down";
		snprintf(no->why, sizeof(no->why), "tracetape is being stopped");
	} else if (!origin_parse_authority(o, h->target.p, h->target.len) || !o->port) {
		no->status = 400;
		snprintf(no->why, sizeof(no->why), "CONNECT wants host:port "
		    "(RFC 9112 3.2.3)");
	} else if (h->framing != HTTP1_NONE &&
	    (h->framing != HTTP1_LENGTH || h->length > 0)) {
		no->status = 400;
		snprintf(no->why, sizeof(no->why), "CONNECT has no content "
		    "(RFC 9110 9.3.6)");
	} else if (route_knows_client(c, h, no) && !is_intercepted(c) &&
	    !route_is_ours(c, o)) {
		route_may_tunnel(c, o, no);
	}
}

void
connect_begin(struct conn *c, const struct http1_head *h)
{
	struct refusal no = { .code = "bad_target" };

	tap_watch(&c->tap, c->loop);
	c->up.at = FLOW_DONE;
	check(c, h, &no);
	if (no.status)
		answer_refusal(c, &no);
	else
		c->flags |= CONN_CONNECTS;
}

/* What comes next on c->client is for c->target, or for ourselves. */
static void
enter(struct conn *c, bool is_ours)
{
	c->flags |= CONN_INSIDE;
	c->flags &= ~(unsigned)CONN_CLOSE_AFTER;
	c->mode = is_ours ? MODE_REVERSE : MODE_FORWARD;
	if (!is_ours)
		c->target = c->origin;
	memset(&c->tap, 0, sizeof(c->tap));
	c->requests = 0;
	conn_forget(c);
	conn_enter(c, CONN_OPENED);
	if (stream_unread(c->client) > 0)
		connect_first_bytes(c);
	else if (stream_at_eof(c->client))
		conn_linger(c, STREAM_END_CLEAN, "client is done");
}

/* TLS inside of TLS: the inner one gets a connection of its own, and this one tunnels
 * to it. */
static void
enter_inner(struct conn *c, bool is_ours)
{
	struct conn *inner;
	int fd[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0,
	    fd) != 0) {
		answer(c, 503, "no_memory", "no socket for the tunnel");
		return;
	}
	c->upstream = stream_new(c->loop, fd[0], NULL, on_upstream, c);
	inner = loop_adopt_pair(c->loop, fd[1], c);
	if (!c->upstream || !inner) {
		answer(c, 503, "no_memory", "no memory for the tunnel");
		return;
	}
	inner->origin = c->origin;
	enter(inner, is_ours);
	connect_dialed(c);
	/* Not a blind one: inner knows when it is done. */
	c->flags &= ~(unsigned)CONN_CONNECTS;
}

void
connect_open(struct conn *c)
{
	bool is_ours = !is_intercepted(c) && route_is_ours(c, &c->origin);

	if (!is_ours && !is_intercepted(c)) {
		request_dial(c);
		return;
	}
	if (stream_tls(c->client)) {
		enter_inner(c, is_ours);
		return;
	}
	stream_write(c->client, granted, sizeof(granted) - 1);
	enter(c, is_ours);
}

/* The other end of the tunnel is there. */
void
connect_dialed(struct conn *c)
{
	stream_write(c->client, granted, sizeof(granted) - 1);
	c->flags |= CONN_ANSWERED;
	c->down.at = FLOW_BODY;
	tunnel_begin(c);
}

/* Whose certificate the client gets.  For ourselves it is our listener's; NULL:
 * without that and without a CA there is none. */
static struct tls_server *
server_of(const struct conn *c)
{
	struct loop *l = c->loop;

	return c->mode == MODE_REVERSE && l->tls_server ? l->tls_server :
	    l->tls_minting;
}

/* A TLS record of type handshake begins with 22 (RFC 8446 5.1), and no method does. */
void
connect_first_bytes(struct conn *c)
{
	struct tls_server *server = server_of(c);
	struct piece *piece;
	const uint8_t *p;
	struct tls *tls;

	if (stream_peek(c->client, &piece, &p) == 0)
		return;
	if (p[0] != 0x16) {
		c->target.is_tls = false;
		conn_enter(c, CONN_IDLE);
		request_read(c);
		return;
	}
	if (!server) {
		conn_close(c, OUTCOME_COMPLETE, "no TLS here: there is no "
		    "certificate for it");
		return;
	}
	c->target.is_tls = true;
	tls = tls_accept(server, c->target.host);
	if (tls && stream_start_tls(c->client, tls))
		conn_enter(c, CONN_HANDSHAKE);
	else
		conn_close(c, OUTCOME_COMPLETE, "no memory for TLS");
}

/* The client's TLS is up.  It may believe to speak with the origin: a hosts file, or
 * a gateway, has led it here. */
void
connect_by_sni(struct conn *c)
{
	const struct tls *tls = stream_tls(c->client);
	const char *sni = tls ? tls_sni(tls) : "";

	if (c->flags & CONN_INSIDE || !sni[0] ||
	    !policy_intercepts(c->loop->shared->policy, sni))
		return;
	c->flags |= CONN_INSIDE;
	c->mode = MODE_REDIRECTED;
	snprintf(c->target.host, sizeof(c->target.host), "%s", sni);
	c->target.port = 443;
	c->target.is_tls = true;
}

void
connect_say_end(const struct conn *c)
{
	const struct tape_end *end = &c->tap.end;
	char name[ORIGIN_AUTHORITY_MAX];

	if (!c->tap.loop)
		return;
	origin_name(&c->origin, name);
	conn_say(c, LOG_INFO, "tunnel closed host=%s up=%lld down=%lld ms=%lld",
	    name, (long long)end->request.body_bytes,
	    (long long)end->response.body_bytes,
	    (long long)(tap_now_us(&c->tap) / 1000));
}
