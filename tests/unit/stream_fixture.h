/* stream_fixture.h - a stream over a socket pair, with nothing around it but an event
 * base; the other end is a bare socket.
 *
 * The loop of loop.c is left out: what streams want of it stands here, so that the
 * linker does not look for it.
 */
#ifndef TRACETAPE_TESTS_STREAM_FIXTURE_H
#define TRACETAPE_TESTS_STREAM_FIXTURE_H

#include "tests/unit/tls_fixture.h"

#include <event2/event.h>
#include <sys/socket.h>

#include "proxy/loop.h"
#include "proxy/stream.h"

void
loop_flush(struct loop *l)
{
	loop_send(l);
}

void
loop_tidy_later(struct loop *l)
{
	(void)l;
}

enum { EVENTS_MAX = 64, FIXTURE_TURNS = 400 };

struct side {
	struct loop loop;
	struct stream *s;
	int peer;			/* the other end */
	enum stream_event seen[EVENTS_MAX];
	size_t n_seen;
	bool is_calling;		/* no event may come now */
	bool frees;			/* at the next event */
	struct bytes got;		/* all that came */
	struct bytes heard;	/* by the peer's codec */
	bool keeps;			/* leaves it unread */
	uint8_t scratch[LOOP_SCRATCH];
};

static inline void
side_take(struct side *d)
{
	struct piece *piece;
	const uint8_t *p;
	size_t n;

	while ((n = stream_peek(d->s, &piece, &p)) > 0) {
		bytes_put(&d->got, p, n);
		stream_consume(d->s, n);
	}
}

static inline void
side_on_event(void *arg, enum stream_event ev)
{
	struct side *d = arg;

	assert_false(d->is_calling);
	assert_true(d->n_seen < EVENTS_MAX);
	if (ev != STREAM_DATA || d->n_seen == 0 ||
	    d->seen[d->n_seen - 1] != STREAM_DATA)
		d->seen[d->n_seen++] = ev;
	if (d->frees) {
		stream_free(d->s);
		d->s = NULL;
	} else if (ev == STREAM_DATA && !d->keeps) {
		side_take(d);
	}
}

static inline void
side_new(struct side *d)
{
	int fd[2];

	memset(d, 0, sizeof(*d));
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd),
	    0);
	d->loop.base = event_base_new();
	d->loop.scratch = d->scratch;
	d->peer = fd[1];
	d->s = stream_new(&d->loop, fd[0], NULL, side_on_event, d);
	assert_non_null(d->s);
}

static inline void
side_free(struct side *d)
{
	stream_free(d->s);
	loop_send(&d->loop);
	event_base_free(d->loop.base);
	if (d->peer >= 0)
		close(d->peer);
	bytes_fini(&d->got);
	bytes_fini(&d->heard);
}

/* What is ready happens. */
static inline void
side_turn(struct side *d)
{
	event_base_loop(d->loop.base, EVLOOP_NONBLOCK);
	loop_send(&d->loop);
}

static inline bool
side_saw(const struct side *d, enum stream_event ev)
{
	for (size_t i = 0; i < d->n_seen; i++)
		if (d->seen[i] == ev)
			return true;
	return false;
}

/* The peer's codec gets what came for it, and what it says leaves, cut bytes in a
 * turn. */
static inline void
side_peer_turn(struct side *d, struct end *peer, size_t cut)
{
	static uint8_t in[65536], plain[65536];
	size_t n, got;
	ssize_t rc = recv(d->peer, in, sizeof(in), 0);

	if (rc > 0) {
		tls_feed(peer->tls, in, (size_t)rc);
		if (!tls_is_ready(peer->tls))
			tls_handshake(peer->tls);
		/* TLS 1.3 may have more behind the handshake. */
		while (tls_is_ready(peer->tls) && tls_read(peer->tls, plain,
		    sizeof(plain), &got) == TLS_OK)
			bytes_put(&d->heard, plain, got);
	}
	n = peer->out.len - peer->off;
	if (n > cut)
		n = cut;
	if (n > 0 && (rc = send(d->peer, peer->out.p + peer->off, n,
	    MSG_NOSIGNAL)) > 0)
		peer->off += (size_t)rc;
}

#endif
