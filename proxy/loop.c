#include "proxy/loop.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <event2/event.h>
#include <event2/event_struct.h>

#include "proxy/config.h"
#include "proxy/conn.h"
#include "proxy/log.h"
#include "proxy/pool.h"
#include "proxy/recorder.h"
#include "proxy/resolver.h"
#include "proxy/tls.h"

enum { TIDY_MS = 500, INSIST_MS = 10 };

/* What comes through the pipe: a new socket, or what the main thread wants.  Far
 * below PIPE_BUF, so that a write is whole or not at all. */
struct order {
	enum { ORDER_SOCKET, ORDER_DRAIN, ORDER_STOP } kind;
	int fd;
	bool is_tls;
	struct sockaddr_storage sa;
};

struct loop_private {
	pthread_t thread;
	int inbox[2];			/* struct order */
	int wake[2];			/* a byte: the recorder has room */
	int done_fd;
	struct event on_inbox, on_wake, on_pause, on_tidy;
	struct conn *dead;
	struct tap_queue taps;
	struct http1_head head;
	uint8_t scratch[LOOP_SCRATCH];
	atomic_uint load;
};

int64_t
loop_now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * INT64_C(1000000000) + ts.tv_nsec;
}

int64_t
loop_wall_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return ts.tv_sec * INT64_C(1000000000) + ts.tv_nsec;
}

uint64_t
loop_new_id(void)
{
	static atomic_uint_fast64_t last;

	return atomic_fetch_add(&last, 1) + 1;
}

const struct origin *
loop_origin(const struct loop *l)
{
	return l->shared->upstream;
}

unsigned
loop_load(const struct loop *l)
{
	return atomic_load_explicit(&l->private->load, memory_order_relaxed);
}

static void
link_conn(struct loop *l, struct conn *c)
{
	c->next = l->conns;
	if (l->conns)
		l->conns->prev = c;
	l->conns = c;
}

void
loop_bury(struct loop *l, struct conn *c)
{
	if (c->prev)
		c->prev->next = c->next;
	else
		l->conns = c->next;
	if (c->next)
		c->next->prev = c->prev;
	c->prev = NULL;
	c->next = l->private->dead;
	l->private->dead = c;
	atomic_fetch_sub(&l->private->load, 1);
}

static void
reap(struct loop *l)
{
	struct conn *c;

	while ((c = l->private->dead)) {
		l->private->dead = c->next;
		conn_free(c);
	}
	if (l->draining && !l->conns)
		event_base_loopbreak(l->base);
}

void
loop_flush(struct loop *l)
{
	loop_send(l);
	recorder_push(l->recorder, l->taps);
	reap(l);
}

static void
adopt(struct loop *l, const struct order *m)
{
	struct tls *tls = NULL;
	struct conn *c;

	if (l->draining || (m->is_tls &&
	    !(tls = tls_accept(l->tls_server, NULL)))) {
		close(m->fd);
		atomic_fetch_sub(&l->private->load, 1);
		return;
	}
	c = conn_new(l, m->fd, (const struct sockaddr *)&m->sa, tls);
	if (c)
		link_conn(l, c);
	else
		atomic_fetch_sub(&l->private->load, 1);
}

struct conn *
loop_adopt_pair(struct loop *l, int fd, const struct conn *outer)
{
	struct sockaddr_storage nobody = { .ss_family = AF_UNSPEC };
	struct conn *c = conn_new(l, fd, (struct sockaddr *)&nobody, NULL);

	if (!c)
		return NULL;
	memcpy(c->peer, outer->peer, sizeof(c->peer));
	memcpy(c->label, outer->label, sizeof(c->label));
	c->flags |= outer->flags & CONN_LOCAL;
	atomic_fetch_add(&l->private->load, 1);
	link_conn(l, c);
	return c;
}

static void
drain(struct loop *l)
{
	struct conn *c, *next;

	l->draining = true;
	for (c = l->conns; c; c = next) {
		next = c->next;
		conn_shut_down(c);
	}
}

static void
on_inbox(evutil_socket_t fd, short what, void *arg)
{
	struct loop *l = arg;
	struct order m;

	(void)what;
	while (read(fd, &m, sizeof(m)) == (ssize_t)sizeof(m)) {
		switch (m.kind) {
		case ORDER_SOCKET:
			adopt(l, &m);
			break;
		case ORDER_DRAIN:
			drain(l);
			break;
		case ORDER_STOP:
			event_base_loopbreak(l->base);
			break;
		}
	}
	loop_flush(l);
}

static void
for_each_conn(struct loop *l, void (*f)(struct conn *))
{
	struct conn *c, *next;

	for (c = l->conns; c; c = next) {
		next = c->next;
		f(c);
	}
}

static void
on_wake(evutil_socket_t fd, short what, void *arg)
{
	struct loop *l = arg;
	char bytes[64];

	(void)what;
	while (read(fd, bytes, sizeof(bytes)) > 0)
		;
	evtimer_del(&l->private->on_pause);
	for_each_conn(l, conn_recorder_ready);
	loop_flush(l);
}

static void
on_pause_over(evutil_socket_t fd, short what, void *arg)
{
	struct loop *l = arg;

	(void)fd, (void)what;
	log_warn("the disk is too slow: records are cut (recorder.pause_ms)");
	for_each_conn(l, conn_recorder_cut);
	loop_flush(l);
}

void
loop_limit_pause(struct loop *l, int64_t ms)
{
	struct timeval tv = { ms / 1000, (ms % 1000) * 1000 };

	if (!evtimer_pending(&l->private->on_pause, NULL))
		evtimer_add(&l->private->on_pause, &tv);
}

static void
on_tidy(evutil_socket_t fd, short what, void *arg)
{
	struct loop *l = arg;

	(void)fd, (void)what;
	for_each_conn(l, conn_tidy);
	pool_tidy(l->pool);
	loop_flush(l);
}

void
loop_tidy_later(struct loop *l)
{
	struct timeval tv = { TIDY_MS / 1000, (TIDY_MS % 1000) * 1000 };

	if (!evtimer_pending(&l->private->on_tidy, NULL))
		evtimer_add(&l->private->on_tidy, &tv);
}

static void *
run(void *arg)
{
	struct loop *l = arg;
	struct conn *c, *next;

	event_base_dispatch(l->base);
	for (c = l->conns; c; c = next) {
		next = c->next;
		conn_close(c, OUTCOME_INTERRUPTED, "tracetape was stopped");
	}
	pool_free(l->pool);
	l->pool = NULL;
	loop_flush(l);
	(void)!write(l->private->done_fd, "", 1);
	return NULL;
}

static bool
make_pipe(int fd[2])
{
	if (pipe(fd) != 0)
		return false;
	for (int i = 0; i < 2; i++) {
		fcntl(fd[i], F_SETFD, FD_CLOEXEC);
		fcntl(fd[i], F_SETFL, O_NONBLOCK);
	}
	return true;
}

/* For the last turns of the base, which are the resolver's. */
static void
silence(struct loop_private *p)
{
	struct event *all[] = { &p->on_inbox, &p->on_wake, &p->on_pause,
	    &p->on_tidy };

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (event_initialized(all[i]))
			event_del(all[i]);
}

static void
destroy(struct loop *l)
{
	struct loop_private *p = l->private;

	silence(p);
	if (p->wake[1] >= 0)
		recorder_unwatch(l->recorder, p->wake[1]);
	for (int i = 0; i < 2; i++) {
		close(p->inbox[i]);
		close(p->wake[i]);
	}
	pool_free(l->pool);
	resolver_free(l->resolver);
	tls_client_free(l->tls_client);
	tls_server_free(l->tls_server);
	tls_server_free(l->tls_minting);
	if (l->base)
		event_base_free(l->base);
	free(p);
	free(l);
}

static struct event_base *
base_new(void)
{
	struct event_config *c = event_config_new();
	struct event_base *base = NULL;

	if (c) {
		/* One thread per base.  No changelist: it would speak to the
		 * kernel of file numbers that are closed by then, and may be
		 * another thread's. */
		event_config_set_flag(c, EVENT_BASE_FLAG_NOLOCK);
		base = event_base_new_with_config(c);
		event_config_free(c);
	}
	return base;
}

static bool
set_up(struct loop *l, const struct loop_shared *shared)
{
	struct loop_private *p = l->private;
	const bool wants_tls = l->config->listen_tls[0];

	if (!(l->base = base_new()) || !(l->pool = pool_new(l)) ||
	    !(l->resolver = resolver_new(l->base, l->config)) ||
	    !(l->tls_client = tls_client_new(shared->roots)) ||
	    (wants_tls && !(l->tls_server = tls_server_new(shared->tls,
	    shared->leaves, shared->fixed))) ||
	    (shared->leaves && !(l->tls_minting = tls_server_new(shared->tls,
	    shared->leaves, NULL))))
		return false;
	if (shared->ca && !tls_client_shun(l->tls_client, shared->ca))
		return false;
	event_assign(&p->on_inbox, l->base, p->inbox[0], EV_READ | EV_PERSIST,
	    on_inbox, l);
	event_assign(&p->on_wake, l->base, p->wake[0], EV_READ | EV_PERSIST,
	    on_wake, l);
	evtimer_assign(&p->on_pause, l->base, on_pause_over, l);
	evtimer_assign(&p->on_tidy, l->base, on_tidy, l);
	recorder_watch(shared->recorder, p->wake[1]);
	return event_add(&p->on_inbox, NULL) == 0 &&
	    event_add(&p->on_wake, NULL) == 0;
}

/* Signals are the main thread's. */
static int
start_thread(struct loop *l)
{
	sigset_t all, before;
	int rc;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	rc = pthread_create(&l->private->thread, NULL, run, l);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return rc;
}

struct loop *
loop_start(const struct loop_shared *shared, int done_fd)
{
	struct loop *l = calloc(1, sizeof(*l));
	struct loop_private *p = calloc(1, sizeof(*p));

	if (!l || !p || !make_pipe(p->inbox)) {
		free(p);
		free(l);
		return NULL;
	}
	l->private = p;
	if (!make_pipe(p->wake))
		p->wake[0] = p->wake[1] = -1;
	l->shared = shared;
	p->done_fd = done_fd;
	l->config = shared->config;
	l->recorder = shared->recorder;
	l->head = &p->head;
	l->scratch = p->scratch;
	l->taps = &p->taps;
	tap_queue_init(l->taps);
	if (p->wake[0] < 0 || !set_up(l, shared) || start_thread(l) != 0) {
		destroy(l);
		return NULL;
	}
	return l;
}

static bool
send_order(struct loop *l, const struct order *m)
{
	return write(l->private->inbox[1], m, sizeof(*m)) == (ssize_t)sizeof(*m);
}

bool
loop_give(struct loop *l, int fd, const struct sockaddr *sa, socklen_t len,
    bool is_tls)
{
	struct order m;

	memset(&m, 0, sizeof(m));
	m.kind = ORDER_SOCKET;
	m.fd = fd;
	m.is_tls = is_tls;
	memcpy(&m.sa, sa, len);
	atomic_fetch_add(&l->private->load, 1);
	if (send_order(l, &m))
		return true;
	atomic_fetch_sub(&l->private->load, 1);
	return false;
}

/* Orders must arrive, also behind a pipe full of sockets. */
static void
insist(struct loop *l, int kind)
{
	struct pollfd p = { .fd = l->private->inbox[1], .events = POLLOUT };
	struct order m = { .kind = kind };

	while (!send_order(l, &m) && errno == EAGAIN)
		poll(&p, 1, INSIST_MS);
}

void
loop_drain(struct loop *l)
{
	insist(l, ORDER_DRAIN);
}

void
loop_stop(struct loop *l)
{
	insist(l, ORDER_STOP);
}

void
loop_join(struct loop *l)
{
	pthread_join(l->private->thread, NULL);
	destroy(l);
}
