#include "proxy/stream_private.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include <event2/event.h>

#include "proxy/loop.h"
#include "proxy/piece.h"
#include "proxy/tls.h"

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
		stream_got_eof(s, true);
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

/* Gives what came to the handshake, then to decrypt.  False: s is dead or gone. */
static bool
take(struct stream *s, const void *p, size_t n)
{
	tls_feed(s->tls, p, n);
	if (s->phase == PHASE_HANDSHAKE) {
		if (!stream_shake_hands(s))
			return false;
		if (s->phase == PHASE_HANDSHAKE)
			return true;
	}
	return s->phase == PHASE_OPEN && decrypt(s);
}

/* One run of what came before TLS was begun; the next has a turn of its own. */
static void
read_early(struct stream *s)
{
	struct piece *piece;
	const uint8_t *p = NULL;
	size_t n = inbox_peek(&s->early, &piece, &p);

	if (s->flags & BROKEN) {
		stream_fail(s, EPIPE);
		return;
	}
	if (!take(s, p, n))
		return;
	inbox_consume(&s->early, n);
	if (s->early.unread > 0)
		return;
	inbox_fini(&s->early);
	s->flags &= ~(unsigned)STARTING_TLS;
}

size_t
stream_read_tls(struct stream *s)
{
	ssize_t n;

	if (s->flags & STARTING_TLS) {
		read_early(s);
		return 0;
	}
	n = recv(s->fd, s->loop->scratch, LOOP_SCRATCH, 0);
	if (n < 0) {
		if (errno != EAGAIN && errno != EINTR)
			stream_fail(s, errno);
		return 0;
	}
	if (n == 0) {
		if (s->phase == PHASE_HANDSHAKE)
			stream_fail(s, ECONNRESET);
		else
			stream_got_eof(s, false);
		return 0;
	}
	return take(s, s->loop->scratch, (size_t)n) ? (size_t)n : 0;
}

bool
stream_start_tls(struct stream *s, struct tls *tls)
{
	assert(!s->tls && s->phase == PHASE_OPEN && !(s->flags & FINISHING));
	if (!tls)
		return false;
	s->tls = tls;
	s->phase = PHASE_HANDSHAKE;
	/* What is queued was plain, and leaves before what TLS appends. */
	s->out.tls = tls;
	tls_set_out(tls, &s->out.out);
	s->early = s->in;
	memset(&s->in, 0, sizeof(s->in));
	/* A FIN behind it was seen: recv tells of it again, when it is its turn. */
	s->flags &= ~(unsigned)(GOT_EOF | EOF_CLEAN);
	s->flags |= STARTING_TLS;
	stream_arm_read(s);
	return true;
}
