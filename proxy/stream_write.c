#include "proxy/stream_private.h"

#include <errno.h>
#include <sys/ioctl.h>
#ifdef __linux__
#include <linux/sockios.h>
#endif

#include "proxy/loop.h"

static void
broken(struct stream *s)
{
	s->flags |= BROKEN;
	outbox_fini(&s->out);
	stream_arm_write(s, false);
	stream_emit(s, STREAM_BROKEN);
}

/* All has been sent: what waited for that happens. */
static void
emptied(struct stream *s)
{
	struct linger reset = { 1, 0 };

	stream_arm_write(s, false);
	if (!(s->flags & FINISHING) || s->flags & FINISHED)
		return;
	s->flags |= FINISHED;
	if (s->end == STREAM_END_RESET)
		setsockopt(s->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	else
		shutdown(s->fd, SHUT_WR);
	stream_emit(s, STREAM_DRAINED);
}

void
stream_flush(struct stream *s)
{
	bool was_blocked = s->flags & (OVER_HIGH | WRITE_ARMED);
	enum outbox_result r;

	if (s->phase == PHASE_DEAD || s->phase == PHASE_CONNECTING ||
	    s->flags & (FREED | BROKEN))
		return;
	r = outbox_send(&s->out, s->fd);
	if (r == OUTBOX_FAILED) {
		stream_fail(s, ENOMEM);
		return;
	}
	if (r == OUTBOX_BROKEN) {
		broken(s);
		return;
	}
	if (r == OUTBOX_BLOCKED)
		stream_arm_write(s, true);
	if ((s->flags & OVER_HIGH && outbox_len(&s->out) <= STREAM_HIGH / 4) ||
	    (was_blocked && r == OUTBOX_EMPTY && !(s->flags & FINISHING))) {
		s->flags &= ~(unsigned)OVER_HIGH;
		if (!stream_emit(s, STREAM_DRAINED))
			return;
	}
	if (outbox_len(&s->out) == 0 && s->phase != PHASE_DEAD)
		emptied(s);
}

void
stream_write(struct stream *s, const void *p, size_t n)
{
	if (n == 0 || s->phase != PHASE_OPEN || s->flags & (BROKEN | FINISHING))
		return;
	outbox_put(&s->out, p, n);
	if (outbox_len(&s->out) > STREAM_HIGH)
		s->flags |= OVER_HIGH;
	loop_dirty(s->loop, s);
}

size_t
stream_queued(const struct stream *s)
{
	return outbox_len(&s->out);
}

uint64_t
stream_sent(const struct stream *s)
{
	return s->out.sent;
}

size_t
stream_in_kernel(const struct stream *s)
{
#ifdef SIOCOUTQ
	int n = 0;

	if (ioctl(s->fd, SIOCOUTQ, &n) == 0 && n > 0)
		return (size_t)n;
#else
	(void)s;
#endif
	return 0;
}

void
stream_finish(struct stream *s, enum stream_end how)
{
	if (s->flags & FINISHING)
		return;
	if (how == STREAM_END_CLEAN && s->phase == PHASE_OPEN &&
	    !(s->flags & BROKEN))
		outbox_close(&s->out);
	s->flags |= FINISHING;
	s->end = how;
	loop_dirty(s->loop, s);
}

bool
stream_is_finished(const struct stream *s)
{
	return s->flags & (FINISHED | BROKEN) || s->phase == PHASE_DEAD;
}

void
loop_dirty(struct loop *l, struct stream *s)
{
	if (s->flags & DIRTY)
		return;
	s->flags |= DIRTY;
	s->inside++;
	s->next_dirty = l->dirty;
	l->dirty = s;
}

/* Sends what the callbacks of this turn have queued. */
void
loop_send(struct loop *l)
{
	struct stream *s;

	while ((s = l->dirty)) {
		l->dirty = s->next_dirty;
		s->flags &= ~(unsigned)DIRTY;
		stream_flush(s);
		stream_leave(s);
	}
}
