#include "proxy/stream_private.h"

#include <errno.h>

#include "proxy/loop.h"
#include "proxy/piece.h"

void
stream_got_eof(struct stream *s, bool clean)
{
	if (s->flags & GOT_EOF)
		return;
	s->flags |= GOT_EOF | (clean ? EOF_CLEAN : 0);
	stream_arm_read(s);
	stream_emit(s, STREAM_EOF);
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
		stream_got_eof(s, true);
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
		n = s->tls ? stream_read_tls(s) : read_plain(s);
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
