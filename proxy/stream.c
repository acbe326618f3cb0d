#include "proxy/stream.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>

#include "proxy/loop.h"
#include "proxy/stream_private.h"
#include "proxy/tls.h"

static void
destroy(struct stream *s)
{
	assert(s->inside == 0);
	inbox_fini(&s->in);
	inbox_fini(&s->early);
	outbox_fini(&s->out);
	tls_free(s->tls);
	s->magic = 0;
	free(s);
}

void
stream_enter(struct stream *s)
{
	assert(s->magic == STREAM_MAGIC);
	s->inside++;
}

void
stream_leave(struct stream *s)
{
	if (--s->inside == 0 && s->flags & FREED)
		destroy(s);
}

/* Tells the owner.  False: s is gone, do not touch it but to leave. */
bool
stream_emit(struct stream *s, enum stream_event ev)
{
	if (!(s->flags & FREED))
		s->cb(s->arg, ev);
	return !(s->flags & FREED);
}

bool
stream_may_read(const struct stream *s)
{
	return (s->phase == PHASE_HANDSHAKE || s->phase == PHASE_OPEN) &&
	    !(s->flags & (PAUSED | GOT_EOF | FREED)) && s->in.unread < STREAM_HIGH;
}

static void
arm(struct stream *s, struct event *ev, unsigned flag, bool on)
{
	if (on == !!(s->flags & flag))
		return;
	s->flags ^= flag;
	if (on)
		event_add(ev, NULL);
	else
		event_del(ev);
}

void
stream_arm_read(struct stream *s)
{
	bool on = stream_may_read(s);

	arm(s, &s->read, READ_ARMED, on);
	/* The socket need not say anything for this to go on.  What is active is
	 * armed too, so that disarming takes that back. */
	if (on && s->flags & STARTING_TLS)
		event_active(&s->read, EV_READ, 0);
}

void
stream_arm_write(struct stream *s, bool on)
{
	arm(s, &s->write, WRITE_ARMED, on);
}

void
stream_fail(struct stream *s, int err)
{
	if (s->phase == PHASE_DEAD)
		return;
	/* mbedTLS has left its alert in the queue: the peer may still want it. */
	if (s->tls && s->phase != PHASE_CONNECTING && err != ENOMEM)
		outbox_send(&s->out, s->fd);
	s->phase = PHASE_DEAD;
	s->saved_errno = err;
	s->flags |= BROKEN;
	stream_arm_read(s);
	stream_arm_write(s, false);
	outbox_fini(&s->out);
	stream_emit(s, STREAM_ERROR);
}

static void
connected(struct stream *s)
{
	int err = 0;
	socklen_t len = sizeof(err);

	if (getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &err, &len) != 0)
		err = errno;
	if (err == EINPROGRESS)
		return;
	stream_arm_write(s, false);
	if (err) {
		stream_fail(s, err);
		return;
	}
	s->phase = s->tls ? PHASE_HANDSHAKE : PHASE_OPEN;
	if (!stream_emit(s, STREAM_CONNECTED))
		return;
	stream_arm_read(s);
	if (s->tls)
		stream_shake_hands(s);
	else
		stream_emit(s, STREAM_READY);
}

static void
on_writable(evutil_socket_t fd, short what, void *arg)
{
	struct stream *s = arg;
	struct loop *l = s->loop;

	(void)fd, (void)what;
	stream_enter(s);
	if (s->phase == PHASE_CONNECTING)
		connected(s);
	else
		stream_flush(s);
	stream_leave(s);
	loop_flush(l);
}

static void
set_options(int fd)
{
	int on = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	/* A call may be silent for minutes: NAT boxes must not forget us. */
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
#ifdef TCP_KEEPIDLE
	{
		int idle_s = 60;

		setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, sizeof(idle_s));
	}
#endif
}

struct stream *
stream_new(struct loop *l, int fd, struct tls *tls, stream_callback *cb,
    void *arg)
{
	struct stream *s = calloc(1, sizeof(*s));

	if (!s) {
		close(fd);
		tls_free(tls);
		return NULL;
	}
	s->magic = STREAM_MAGIC;
	s->loop = l;
	s->fd = fd;
	s->tls = tls;
	s->cb = cb;
	s->arg = arg;
	s->phase = tls ? PHASE_HANDSHAKE : PHASE_OPEN;
	s->out.tls = tls;
	if (tls)
		tls_set_out(tls, &s->out.out);
	set_options(fd);
	event_assign(&s->read, l->base, fd, EV_READ | EV_PERSIST,
	    stream_on_readable, s);
	event_assign(&s->write, l->base, fd, EV_WRITE | EV_PERSIST, on_writable, s);
	stream_arm_read(s);
	return s;
}

struct stream *
stream_connect(struct loop *l, const struct sockaddr *sa, socklen_t salen,
    struct tls *tls, stream_callback *cb, void *arg)
{
	int fd = socket(sa->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct stream *s;

	if (fd < 0) {
		tls_free(tls);
		return NULL;
	}
	s = stream_new(l, fd, tls, cb, arg);
	if (!s)
		return NULL;
	s->phase = PHASE_CONNECTING;
	stream_arm_read(s);
	if (connect(fd, sa, salen) != 0 && errno != EINPROGRESS) {
		int err = errno;

		stream_free(s);
		errno = err;
		return NULL;
	}
	stream_arm_write(s, true);
	return s;
}

void
stream_free(struct stream *s)
{
	if (!s)
		return;
	assert(s->magic == STREAM_MAGIC && !(s->flags & FREED));
	arm(s, &s->read, READ_ARMED, false);
	stream_arm_write(s, false);
	close(s->fd);
	s->fd = -1;
	s->phase = PHASE_DEAD;
	s->flags |= FREED;
	if (s->inside == 0)
		destroy(s);
}

static void
on_nothing(void *arg, enum stream_event ev)
{
	(void)arg, (void)ev;
}

void
stream_bye(struct stream *s)
{
	stream_give(s, on_nothing, NULL);
	stream_finish(s, STREAM_END_CLEAN);
	stream_flush(s);
	stream_free(s);
}

void
stream_give(struct stream *s, stream_callback *cb, void *arg)
{
	s->cb = cb;
	s->arg = arg;
}

size_t
stream_peek(struct stream *s, struct piece **piece, const uint8_t **p)
{
	return inbox_peek(&s->in, piece, p);
}

void
stream_consume(struct stream *s, size_t n)
{
	inbox_consume(&s->in, n);
	if (s->inside == 0 || !(s->flags & READ_ARMED))
		stream_arm_read(s);
}

void
stream_rest(struct stream *s)
{
	inbox_rest(&s->in);
	outbox_rest(&s->out);
}

size_t
stream_unread(const struct stream *s)
{
	return s->in.unread;
}

bool
stream_at_eof(const struct stream *s)
{
	return s->flags & GOT_EOF && s->in.unread == 0;
}

bool
stream_eof_is_clean(const struct stream *s)
{
	return s->flags & EOF_CLEAN;
}

bool
stream_is_idle(const struct stream *s)
{
	return s->phase == PHASE_OPEN && s->in.unread == 0 &&
	    outbox_len(&s->out) == 0 &&
	    !(s->flags & (GOT_EOF | BROKEN | FINISHING | STARTING_TLS));
}

void
stream_check(struct stream *s)
{
	struct pollfd p = { .fd = s->fd };

	if (s->phase != PHASE_OPEN || s->flags & READ_ARMED)
		return;
	stream_enter(s);
	if (poll(&p, 1, 0) == 1 && p.revents & (POLLERR | POLLHUP))
		stream_fail(s, ECONNRESET);
	stream_leave(s);
}

void
stream_pause(struct stream *s, enum stream_pause why)
{
	s->flags |= why;
	stream_arm_read(s);
	loop_tidy_later(s->loop);
}

void
stream_resume(struct stream *s, enum stream_pause why)
{
	s->flags &= ~(unsigned)why;
	stream_arm_read(s);
}

const char *
stream_error(const struct stream *s)
{
	const char *why = s->tls ? tls_error(s->tls) : NULL;

	if (why)
		return why;
	return strerror(s->saved_errno ? s->saved_errno : ECONNRESET);
}

const struct tls *
stream_tls(const struct stream *s)
{
	return s->tls;
}

int
stream_fd(const struct stream *s)
{
	return s->fd;
}
