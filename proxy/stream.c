#include "proxy/stream.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>
#include <event2/event_struct.h>

#include "proxy/loop.h"
#include "proxy/piece.h"
#include "proxy/tls.h"
#include "store/bytes.h"

enum {
	STREAM_MAGIC = 0x5354524d,
	STREAM_KEEP_OUT = 32 * 1024,	/* storage kept for the next message */
	STREAM_RECORD = 16 * 1024,	/* plaintext of one TLS record */
};

enum phase {
	PHASE_CONNECTING,
	PHASE_HANDSHAKE,
	PHASE_OPEN,
	PHASE_DEAD,
};

enum {
	PAUSED = PAUSE_PEER | PAUSE_RECORDER,
	READ_ARMED = 1 << 2,
	WRITE_ARMED = 1 << 3,
	GOT_EOF = 1 << 4,
	EOF_CLEAN = 1 << 5,
	OVER_HIGH = 1 << 6,	/* owner waits for DRAINED */
	BROKEN = 1 << 7,	/* writes are dropped */
	FINISHING = 1 << 8,
	FINISHED = 1 << 9,
	DIRTY = 1 << 10,		/* on the loop's list */
	FREED = 1 << 11,	/* destroyed when nobody is inside */
};

struct stream {
	uint32_t magic;
	int fd;
	enum phase phase;
	unsigned flags;
	unsigned inside;	/* callbacks running, plus the dirty list */
	int saved_errno;
	enum stream_end end;
	struct loop *loop;
	struct tls *tls;
	stream_callback *cb;
	void *arg;
	struct stream *next_dirty;

	/* Bytes [first_off, first->len), then the pieces behind it, are unread. */
	struct piece *first, *last;
	size_t first_off;
	size_t unread;

	/* Bytes [out_off, out.len) are to be sent. */
	struct bytes out;
	size_t out_off;

	/* Written but not encrypted yet, so that a head and the start of its
	 * body share a TLS record.  Never over STREAM_RECORD. */
	struct bytes plain;

	struct event read, write;
};

static void
destroy(struct stream *s)
{
	struct piece *p;

	assert(s->inside == 0);
	while ((p = s->first)) {
		s->first = p->next;
		piece_drop(p);
	}
	bytes_fini(&s->out);
	bytes_fini(&s->plain);
	tls_free(s->tls);
	s->magic = 0;
	free(s);
}

static void
enter(struct stream *s)
{
	assert(s->magic == STREAM_MAGIC);
	s->inside++;
}

static void
leave(struct stream *s)
{
	if (--s->inside == 0 && s->flags & FREED)
		destroy(s);
}

/* Tells the owner.  False: s is gone, do not touch it but to leave. */
static bool
emit(struct stream *s, enum stream_event ev)
{
	if (!(s->flags & FREED))
		s->cb(s->arg, ev);
	return !(s->flags & FREED);
}

static bool
may_read(const struct stream *s)
{
	return (s->phase == PHASE_HANDSHAKE || s->phase == PHASE_OPEN) &&
	    !(s->flags & (PAUSED | GOT_EOF | FREED)) && s->unread < STREAM_HIGH;
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

static void
arm_read(struct stream *s)
{
	arm(s, &s->read, READ_ARMED, may_read(s));
}

static void
fail(struct stream *s, int err)
{
	if (s->phase == PHASE_DEAD)
		return;
	/* mbedTLS has left its alert in the queue: the peer may still want it. */
	if (s->tls && s->out.len > s->out_off && s->phase != PHASE_CONNECTING)
		(void)!send(s->fd, s->out.p + s->out_off,
		    s->out.len - s->out_off, MSG_NOSIGNAL);
	s->phase = PHASE_DEAD;
	s->saved_errno = err;
	s->flags |= BROKEN;
	arm_read(s);
	arm(s, &s->write, WRITE_ARMED, false);
	bytes_fini(&s->out);
	bytes_fini(&s->plain);
	s->out_off = 0;
	emit(s, STREAM_ERROR);
}

/* A piece with room at its end. */
static struct piece *
room(struct stream *s)
{
	struct piece *p;

	if (s->last && s->last->len < PIECE_BYTES)
		return s->last;
	p = piece_new();
	if (!p)
		return NULL;
	if (s->last)
		s->last->next = p;
	else
		s->first = p;
	s->last = p;
	return p;
}

static void
got_eof(struct stream *s, bool clean)
{
	if (s->flags & GOT_EOF)
		return;
	s->flags |= GOT_EOF | (clean ? EOF_CLEAN : 0);
	arm_read(s);
	emit(s, STREAM_EOF);
}

/* Decrypts all that was fed.  False: s is dead or gone. */
static bool
decrypt(struct stream *s)
{
	size_t before = s->unread;
	enum tls_result r;

	for (;;) {
		struct piece *p = room(s);
		size_t n = 0;

		if (!p) {
			fail(s, ENOMEM);
			return false;
		}
		r = tls_read(s->tls, p->data + p->len, PIECE_BYTES - p->len, &n);
		if (r != TLS_OK)
			break;
		p->len += (uint32_t)n;
		s->unread += n;
	}
	if (s->out.len > s->out_off)
		loop_dirty(s->loop, s);
	if (s->unread > before && !emit(s, STREAM_DATA))
		return false;
	if (r == TLS_FAILED)
		fail(s, 0);
	else if (r == TLS_EOF)
		got_eof(s, true);
	return s->phase != PHASE_DEAD && !(s->flags & FREED);
}

static bool
shake_hands(struct stream *s)
{
	enum tls_result r = tls_handshake(s->tls);

	if (s->out.len > s->out_off)
		loop_dirty(s->loop, s);
	if (r == TLS_WANT)
		return true;
	if (r != TLS_OK) {
		fail(s, 0);
		return false;
	}
	s->phase = PHASE_OPEN;
	return emit(s, STREAM_READY);
}

/* One recv.  Returns the bytes it brought, 0: stop for now. */
static size_t
read_tls(struct stream *s)
{
	ssize_t n = recv(s->fd, s->loop->scratch, LOOP_SCRATCH, 0);

	if (n < 0) {
		if (errno != EAGAIN && errno != EINTR)
			fail(s, errno);
		return 0;
	}
	if (n == 0) {
		if (s->phase == PHASE_HANDSHAKE)
			fail(s, ECONNRESET);
		else
			got_eof(s, false);
		return 0;
	}
	tls_feed(s->tls, s->loop->scratch, (size_t)n);
	if (s->phase == PHASE_HANDSHAKE &&
	    (!shake_hands(s) || s->phase == PHASE_HANDSHAKE))
		return 0;
	if (!decrypt(s))
		return 0;
	return (size_t)n;
}

static size_t
read_plain(struct stream *s)
{
	struct piece *p = room(s);
	ssize_t n;

	if (!p) {
		fail(s, ENOMEM);
		return 0;
	}
	n = recv(s->fd, p->data + p->len, PIECE_BYTES - p->len, 0);
	if (n < 0) {
		if (errno != EAGAIN && errno != EINTR)
			fail(s, errno);
		return 0;
	}
	if (n == 0) {
		got_eof(s, true);
		return 0;
	}
	p->len += (uint32_t)n;
	s->unread += (size_t)n;
	if (!emit(s, STREAM_DATA))
		return 0;
	return p->len == PIECE_BYTES ? (size_t)n : 0;
}

static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct stream *s = arg;
	struct loop *l = s->loop;
	size_t budget = STREAM_BUDGET, n;

	(void)fd, (void)what;
	enter(s);
	while (may_read(s)) {
		n = s->tls ? read_tls(s) : read_plain(s);
		/* A short read emptied the socket; epoll will tell of more. */
		if (n == 0 || (s->tls && n < LOOP_SCRATCH) || n >= budget)
			break;
		budget -= n;
	}
	if (!(s->flags & FREED))
		arm_read(s);
	leave(s);
	loop_flush(l);
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
	arm(s, &s->write, WRITE_ARMED, false);
	if (err) {
		fail(s, err);
		return;
	}
	s->phase = s->tls ? PHASE_HANDSHAKE : PHASE_OPEN;
	if (!emit(s, STREAM_CONNECTED))
		return;
	arm_read(s);
	if (s->tls)
		shake_hands(s);
	else
		emit(s, STREAM_READY);
}

static void
on_writable(evutil_socket_t fd, short what, void *arg)
{
	struct stream *s = arg;
	struct loop *l = s->loop;

	(void)fd, (void)what;
	enter(s);
	if (s->phase == PHASE_CONNECTING)
		connected(s);
	else
		stream_flush(s);
	leave(s);
	loop_flush(l);
}

static void
broken(struct stream *s)
{
	s->flags |= BROKEN;
	bytes_fini(&s->out);
	bytes_fini(&s->plain);
	s->out_off = 0;
	arm(s, &s->write, WRITE_ARMED, false);
	emit(s, STREAM_BROKEN);
}

/* The queue is empty: what waited for that happens. */
static void
emptied(struct stream *s)
{
	struct linger reset = { 1, 0 };

	arm(s, &s->write, WRITE_ARMED, false);
	s->out_off = 0;
	if (s->out.cap > STREAM_KEEP_OUT)
		bytes_fini(&s->out);
	else
		bytes_clear(&s->out);
	if (!(s->flags & FINISHING) || s->flags & FINISHED)
		return;
	s->flags |= FINISHED;
	if (s->end == STREAM_END_RESET)
		setsockopt(s->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	else
		shutdown(s->fd, SHUT_WR);
	emit(s, STREAM_DRAINED);
}

static void
encrypt(struct stream *s)
{
	if (s->plain.len > 0 && !s->plain.failed &&
	    tls_write(s->tls, s->plain.p, s->plain.len) != TLS_OK)
		s->out.failed = true;
	s->plain.len = 0;
}

void
stream_flush(struct stream *s)
{
	ssize_t n;

	if (s->phase == PHASE_DEAD || s->phase == PHASE_CONNECTING ||
	    s->flags & (FREED | BROKEN))
		return;
	encrypt(s);
	if (s->out.failed || s->plain.failed) {
		fail(s, ENOMEM);
		return;
	}
	while (s->out_off < s->out.len) {
		n = send(s->fd, s->out.p + s->out_off, s->out.len - s->out_off,
		    MSG_NOSIGNAL);
		if (n >= 0) {
			s->out_off += (size_t)n;
		} else if (errno == EAGAIN) {
			arm(s, &s->write, WRITE_ARMED, true);
			break;
		} else if (errno != EINTR) {
			broken(s);
			return;
		}
	}
	if (s->flags & OVER_HIGH && stream_queued(s) <= STREAM_HIGH / 4) {
		s->flags &= ~(unsigned)OVER_HIGH;
		if (!emit(s, STREAM_DRAINED))
			return;
	}
	if (s->out_off == s->out.len && s->phase != PHASE_DEAD)
		emptied(s);
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
	if (tls)
		tls_set_out(tls, &s->out);
	set_options(fd);
	event_assign(&s->read, l->base, fd, EV_READ | EV_PERSIST, on_readable, s);
	event_assign(&s->write, l->base, fd, EV_WRITE | EV_PERSIST, on_writable, s);
	arm_read(s);
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
	arm_read(s);
	if (connect(fd, sa, salen) != 0 && errno != EINPROGRESS) {
		int err = errno;

		stream_free(s);
		errno = err;
		return NULL;
	}
	arm(s, &s->write, WRITE_ARMED, true);
	return s;
}

void
stream_free(struct stream *s)
{
	if (!s)
		return;
	assert(s->magic == STREAM_MAGIC && !(s->flags & FREED));
	arm(s, &s->read, READ_ARMED, false);
	arm(s, &s->write, WRITE_ARMED, false);
	close(s->fd);
	s->fd = -1;
	s->phase = PHASE_DEAD;
	s->flags |= FREED;
	if (s->inside == 0)
		destroy(s);
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
	if (s->unread == 0)
		return 0;
	*piece = s->first;
	*p = s->first->data + s->first_off;
	return s->first->len - s->first_off;
}

void
stream_consume(struct stream *s, size_t n)
{
	assert(n <= s->unread);
	s->unread -= n;
	while (s->first) {
		struct piece *p = s->first;
		size_t here = p->len - s->first_off;

		if (n < here) {
			s->first_off += n;
			break;
		}
		n -= here;
		s->first_off = p->len;
		if (p == s->last)
			break;
		s->first = p->next;
		s->first_off = 0;
		piece_drop(p);
	}
	if (s->unread == 0 && s->last && piece_is_mine(s->last)) {
		s->last->len = 0;
		s->first_off = 0;
	} else if (s->unread == 0 && s->last && s->last->len == PIECE_BYTES) {
		stream_rest(s);
	}
	if (s->inside == 0 || !(s->flags & READ_ARMED))
		arm_read(s);
}

void
stream_rest(struct stream *s)
{
	if (s->unread > 0)
		return;
	piece_drop(s->first);
	s->first = s->last = NULL;
	s->first_off = 0;
	if (stream_queued(s) == 0) {
		bytes_fini(&s->out);
		bytes_fini(&s->plain);
		s->out_off = 0;
	}
}

size_t
stream_unread(const struct stream *s)
{
	return s->unread;
}

bool
stream_at_eof(const struct stream *s)
{
	return s->flags & GOT_EOF && s->unread == 0;
}

bool
stream_eof_is_clean(const struct stream *s)
{
	return s->flags & EOF_CLEAN;
}

static void
write_tls(struct stream *s, const void *p, size_t n)
{
	if (s->plain.len + n > STREAM_RECORD)
		encrypt(s);
	if (n < STREAM_RECORD)
		bytes_put(&s->plain, p, n);
	else if (tls_write(s->tls, p, n) != TLS_OK)
		s->out.failed = true;
}

void
stream_write(struct stream *s, const void *p, size_t n)
{
	if (n == 0 || s->phase != PHASE_OPEN || s->flags & (BROKEN | FINISHING))
		return;
	if (s->out_off > 0 && s->out_off >= s->out.len / 2) {
		bytes_shift(&s->out, s->out_off);
		s->out_off = 0;
	}
	if (!s->tls)
		bytes_put(&s->out, p, n);
	else
		write_tls(s, p, n);
	if (stream_queued(s) > STREAM_HIGH)
		s->flags |= OVER_HIGH;
	loop_dirty(s->loop, s);
}

size_t
stream_queued(const struct stream *s)
{
	return s->out.len - s->out_off + s->plain.len;
}

void
stream_pause(struct stream *s, enum stream_pause why)
{
	s->flags |= why;
	arm_read(s);
}

void
stream_resume(struct stream *s, enum stream_pause why)
{
	s->flags &= ~(unsigned)why;
	arm_read(s);
}

void
stream_finish(struct stream *s, enum stream_end how)
{
	if (s->flags & FINISHING)
		return;
	if (how == STREAM_END_CLEAN && s->tls && s->phase == PHASE_OPEN &&
	    !(s->flags & BROKEN)) {
		encrypt(s);
		tls_close(s->tls);
	}
	s->flags |= FINISHING;
	s->end = how;
	loop_dirty(s->loop, s);
}

bool
stream_is_finished(const struct stream *s)
{
	return s->flags & (FINISHED | BROKEN) || s->phase == PHASE_DEAD;
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
		leave(s);
	}
}
