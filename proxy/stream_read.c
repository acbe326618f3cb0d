#include "proxy/stream_private.h"

#include <errno.h>

#include "proxy/loop.h"
#include "proxy/piece.h"
#include "proxy/tls.h"

static void
got_eof(struct stream *s, bool clean)
{
	if (s->flags & GOT_EOF)
		return;
	s->flags |= GOT_EOF | (clean ? EOF_CLEAN : 0);
	stream_arm_read(s);
	stream_emit(s, STREAM_EOF);
}

/* Decrypts all that was fed.  False: s is dead or gone. */
static bool
decrypt(struct stream *s)
{
	size_t before = s->in.unread;
	enum tls_result r;

	for (;;) {
		struct piece *p = inbox_room(&s->in);
		size_t n = 0;

		if (!p) {
			stream_fail(s, ENOMEM);
			return false;
		}
		r = tls_read(s->tls, p->data + p->len, PIECE_BYTES - p->len, &n);
		if (r != TLS_OK)
			break;
		inbox_filled(&s->in, n);
	}
	if (outbox_len(&s->out) > 0)
		loop_dirty(s->loop, s);
	if (s->in.unread > before && !stream_emit(s, STREAM_DATA))
		return false;
	if (r == TLS_FAILED)
		stream_fail(s, 0);
	else if (r == TLS_EOF)
		got_eof(s, true);
	return s->phase != PHASE_DEAD && !(s->flags & FREED);
}

bool
stream_shake_hands(struct stream *s)
{
	enum tls_result r = tls_handshake(s->tls);

	if (outbox_len(&s->out) > 0)
		loop_dirty(s->loop, s);
	if (r == TLS_WANT)
		return true;
	if (r != TLS_OK) {
		stream_fail(s, 0);
		return false;
	}
	s->phase = PHASE_OPEN;
	return stream_emit(s, STREAM_READY);
}

/* One recv.  Returns the bytes it brought, 0: stop for now. */
static size_t
read_tls(struct stream *s)
{
	ssize_t n = recv(s->fd, s->loop->scratch, LOOP_SCRATCH, 0);

	if (n < 0) {
		if (errno != EAGAIN && errno != EINTR)
			stream_fail(s, errno);
		return 0;
	}
	if (n == 0) {
		if (s->phase == PHASE_HANDSHAKE)
			stream_fail(s, ECONNRESET);
		else
			got_eof(s, false);
		return 0;
	}
	tls_feed(s->tls, s->loop->scratch, (size_t)n);
	if (s->phase == PHASE_HANDSHAKE &&
	    (!stream_shake_hands(s) || s->phase == PHASE_HANDSHAKE))
		return 0;
	if (!decrypt(s))
		return 0;
	return (size_t)n;
}

static size_t
read_plain(struct stream *s)
{
	struct piece *p = inbox_room(&s->in);
	bool is_full;
	ssize_t n;

	if (!p) {
		stream_fail(s, ENOMEM);
		return 0;
	}
	n = recv(s->fd, p->data + p->len, PIECE_BYTES - p->len, 0);
	if (n < 0) {
		if (errno != EAGAIN && errno != EINTR)
			stream_fail(s, errno);
		return 0;
	}
	if (n == 0) {
		got_eof(s, true);
		return 0;
	}
	inbox_filled(&s->in, (size_t)n);
	is_full = p->len == PIECE_BYTES;
	/* The owner may take the piece, and the recorder let go of it. */
	if (!stream_emit(s, STREAM_DATA))
		return 0;
	return is_full ? (size_t)n : 0;
}

void
stream_poll(struct stream *s)
{
	size_t budget = STREAM_BUDGET, n;

	stream_enter(s);
	while (stream_may_read(s)) {
		n = s->tls ? read_tls(s) : read_plain(s);
		/* A short read emptied the socket; epoll will tell of more. */
		if (n == 0 || (s->tls && n < LOOP_SCRATCH) || n >= budget)
			break;
		budget -= n;
	}
	if (!(s->flags & FREED))
		stream_arm_read(s);
	stream_leave(s);
}

void
stream_on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct stream *s = arg;
	struct loop *l = s->loop;

	(void)fd, (void)what;
	stream_poll(s);
	loop_flush(l);
}
