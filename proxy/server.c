#include "proxy/server.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>
#include <event2/event_struct.h>
#include <event2/listener.h>

#include "proxy/address.h"
#include "proxy/config.h"
#include "proxy/log.h"
#include "proxy/loop.h"
#include "proxy/policy.h"

enum {
	LOOPS_AUTO_MAX = 4,
	LOOPS_MAX = 64,
	BACKLOG = 512,
	RETRY_MS = 100,		/* after accept failed, or at the connection limit */
};

struct listener {
	struct server *server;
	struct evconnlistener *ev;	/* NULL: off */
	bool is_tls;
};

struct server {
	const struct loop_shared *shared;
	struct event_base *base;
	struct listener http, tls;
	struct sockaddr_storage listening[2];
	size_t n_listening;
	struct loop *loop[LOOPS_MAX];
	size_t n_loops, n_ended;
	int done[2];
	struct event on_done, on_term, on_int, on_hup, on_retry, on_late;
	enum { SERVER_RUNNING, SERVER_DRAINING } state;
};

static void
listen_again(struct server *s, bool on)
{
	struct listener *both[] = { &s->http, &s->tls };

	for (int i = 0; i < 2; i++) {
		if (!both[i]->ev)
			continue;
		if (on)
			evconnlistener_enable(both[i]->ev);
		else
			evconnlistener_disable(both[i]->ev);
	}
}

/* Stops accepting for a moment: what is short now may be there then. */
static void
back_off(struct server *s)
{
	struct timeval tv = { 0, RETRY_MS * 1000 };

	listen_again(s, false);
	evtimer_add(&s->on_retry, &tv);
}

static int64_t
total_load(const struct server *s)
{
	int64_t total = 0;

	for (size_t i = 0; i < s->n_loops; i++)
		total += loop_load(s->loop[i]);
	return total;
}

static void
on_retry(evutil_socket_t fd, short what, void *arg)
{
	struct server *s = arg;

	(void)fd, (void)what;
	if (total_load(s) < s->shared->config->connections_max)
		listen_again(s, true);
	else
		back_off(s);
}

static void
on_accept_error(struct evconnlistener *ev, void *arg)
{
	struct listener *l = arg;

	(void)ev;
	log_error("accept: %s; see `ulimit -n` and limits.connections",
	    strerror(errno));
	back_off(l->server);
}

static void
say_refused(const struct sockaddr *sa)
{
	char text[ADDRESS_TEXT_MAX];

	address_print(sa, text);
	log_info("client=%s refused: not in forward.allow", text);
}

static void
on_accept(struct evconnlistener *ev, evutil_socket_t fd, struct sockaddr *sa,
    int len, void *arg)
{
	struct listener *l = arg;
	struct server *s = l->server;
	struct loop *least = s->loop[0];

	(void)ev;
	if (!policy_admits(s->shared->policy, sa)) {
		say_refused(sa);
		close(fd);
		return;
	}
	for (size_t i = 1; i < s->n_loops; i++)
		if (loop_load(s->loop[i]) < loop_load(least))
			least = s->loop[i];
	if (!loop_give(least, fd, sa, (socklen_t)len, l->is_tls))
		close(fd);
	if (total_load(s) >= s->shared->config->connections_max) {
		log_warn("limits.connections is reached: new clients wait");
		back_off(s);
	}
}

static bool
open_listener(struct server *s, struct listener *l, const char *address,
    char err[SERVER_ERROR_MAX])
{
	struct sockaddr_storage sa;
	socklen_t len;

	l->server = s;
	if (!address[0])
		return true;
	if (!address_parse(address, &sa, &len)) {
		snprintf(err, SERVER_ERROR_MAX, "cannot listen on '%s': give "
		    "address:port, such as 127.0.0.1:8787 or [::1]:8787", address);
		return false;
	}
	l->ev = evconnlistener_new_bind(s->base, on_accept, l,
	    LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC | LEV_OPT_REUSEABLE |
	    LEV_OPT_DISABLED, BACKLOG, (struct sockaddr *)&sa, (int)len);
	if (!l->ev) {
		snprintf(err, SERVER_ERROR_MAX, "cannot listen on %s: %s",
		    address, strerror(errno));
		return false;
	}
	evconnlistener_set_error_cb(l->ev, on_accept_error);
	len = sizeof(s->listening[0]);
	if (getsockname(evconnlistener_get_fd(l->ev),
	    (struct sockaddr *)&s->listening[s->n_listening], &len) == 0)
		s->n_listening++;
	return true;
}

static void
announce(const struct listener *l, FILE *out)
{
	struct sockaddr_storage sa;
	socklen_t len = sizeof(sa);
	char text[ADDRESS_TEXT_MAX];

	if (!l->ev || getsockname(evconnlistener_get_fd(l->ev),
	    (struct sockaddr *)&sa, &len) != 0)
		return;
	address_print((struct sockaddr *)&sa, text);
	fprintf(out, "listening %s://%s\n", l->is_tls ? "https" : "http", text);
	fflush(out);
}

static void
close_listeners(struct server *s)
{
	struct listener *both[] = { &s->http, &s->tls };

	for (int i = 0; i < 2; i++) {
		if (both[i]->ev)
			evconnlistener_free(both[i]->ev);
		both[i]->ev = NULL;
	}
	if (event_initialized(&s->on_retry))
		evtimer_del(&s->on_retry);
}

static void
on_late(evutil_socket_t fd, short what, void *arg)
{
	struct server *s = arg;

	(void)fd, (void)what;
	log_warn("exchanges still run after proxy.drain_s: they are interrupted");
	for (size_t i = 0; i < s->n_loops; i++)
		loop_stop(s->loop[i]);
}

static void
on_signal(evutil_socket_t sig, short what, void *arg)
{
	struct server *s = arg;
	struct timeval tv = { s->shared->config->drain_s, 0 };

	(void)what;
	if (s->state == SERVER_DRAINING) {
		on_late(-1, 0, s);
		return;
	}
	s->state = SERVER_DRAINING;
	log_info("signal %d: no more connections; live exchanges have %lld s",
	    (int)sig, (long long)s->shared->config->drain_s);
	close_listeners(s);
	for (size_t i = 0; i < s->n_loops; i++)
		loop_drain(s->loop[i]);
	evtimer_add(&s->on_late, &tv);
}

static void
on_done(evutil_socket_t fd, short what, void *arg)
{
	struct server *s = arg;
	char bytes[LOOPS_MAX];
	ssize_t n = read(fd, bytes, sizeof(bytes));

	(void)what;
	if (n > 0)
		s->n_ended += (size_t)n;
	if (s->n_ended >= s->n_loops)
		event_base_loopbreak(s->base);
}

struct server *
server_new(const struct loop_shared *shared, char err[SERVER_ERROR_MAX])
{
	struct server *s = calloc(1, sizeof(*s));

	snprintf(err, SERVER_ERROR_MAX, "no memory");
	if (!s)
		return NULL;
	s->shared = shared;
	s->tls.is_tls = true;
	s->done[0] = s->done[1] = -1;
	if (!(s->base = event_base_new()) || pipe(s->done) != 0) {
		server_free(s);
		return NULL;
	}
	event_assign(&s->on_done, s->base, s->done[0], EV_READ | EV_PERSIST,
	    on_done, s);
	evsignal_assign(&s->on_term, s->base, SIGTERM, on_signal, s);
	evsignal_assign(&s->on_int, s->base, SIGINT, on_signal, s);
	evsignal_assign(&s->on_hup, s->base, SIGHUP, on_signal, s);
	evtimer_assign(&s->on_retry, s->base, on_retry, s);
	evtimer_assign(&s->on_late, s->base, on_late, s);
	if (!open_listener(s, &s->http, shared->config->listen_http, err) ||
	    !open_listener(s, &s->tls, shared->config->listen_tls, err)) {
		server_free(s);
		return NULL;
	}
	return s;
}

static bool
start_loops(struct server *s)
{
	size_t want = (size_t)s->shared->config->workers;

	if (want == 0) {
		long cores = sysconf(_SC_NPROCESSORS_ONLN);

		want = cores < 1 ? 1 : cores > LOOPS_AUTO_MAX ?
		    LOOPS_AUTO_MAX : (size_t)cores;
	}
	while (s->n_loops < want && s->n_loops < LOOPS_MAX) {
		struct loop *l = loop_start(s->shared, s->done[1]);

		if (!l)
			return false;
		s->loop[s->n_loops++] = l;
	}
	return true;
}

int
server_run(struct server *s, FILE *out)
{
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);	/* a file size limit is a full disk */
	event_add(&s->on_done, NULL);
	event_add(&s->on_term, NULL);
	event_add(&s->on_int, NULL);
	event_add(&s->on_hup, NULL);
	if (!start_loops(s))
		return -1;
	listen_again(s, true);
	announce(&s->http, out);
	announce(&s->tls, out);
	event_base_dispatch(s->base);
	return 0;
}

const struct sockaddr_storage *
server_listening(const struct server *s, size_t *n)
{
	*n = s->n_listening;
	return s->listening;
}

void
server_free(struct server *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->n_loops; i++) {
		loop_stop(s->loop[i]);
		loop_join(s->loop[i]);
	}
	if (s->base) {
		close_listeners(s);
		event_base_free(s->base);
	}
	for (int i = 0; i < 2; i++)
		if (s->done[i] >= 0)
			close(s->done[i]);
	free(s);
}
