#include "proxy/pool.h"

#include <stdlib.h>

#include <event2/event.h>
#include <event2/event_struct.h>

#include "proxy/config.h"
#include "proxy/loop.h"
#include "proxy/origin.h"
#include "proxy/stream.h"

struct idle {
	struct idle *next;		/* older */
	struct pool *pool;
	struct stream *stream;
	struct origin origin;
	int64_t since_ns;
};

struct pool {
	struct loop *loop;
	struct idle *newest;
	int64_t n;
	struct event sweep;
};

enum { SWEEP_MS = 1000 };

/* Takes e out of the list; its stream goes to the caller. */
static struct stream *
unlink_idle(struct pool *p, struct idle **at)
{
	struct idle *e = *at;
	struct stream *s = e->stream;

	*at = e->next;
	p->n--;
	free(e);
	if (p->n == 0)
		evtimer_del(&p->sweep);
	return s;
}

static void
on_idle(void *arg, enum stream_event ev)
{
	struct idle *e = arg;
	struct pool *p = e->pool;

	if (ev == STREAM_DRAINED)
		return;
	for (struct idle **at = &p->newest; *at; at = &(*at)->next) {
		if (*at == e) {
			stream_free(unlink_idle(p, at));
			return;
		}
	}
}

static void
close_older(struct pool *p, int64_t limit_ns, int64_t keep)
{
	struct idle **at = &p->newest;

	for (int64_t i = 0; *at; i++) {
		if (i < keep && (*at)->since_ns > limit_ns) {
			at = &(*at)->next;
			continue;
		}
		stream_bye(unlink_idle(p, at));
	}
}

static void
on_sweep(evutil_socket_t fd, short what, void *arg)
{
	struct pool *p = arg;
	const struct config *c = p->loop->config;

	(void)fd, (void)what;
	close_older(p, loop_now_ns() - c->pool_ms * 1000000, c->pool_max);
	loop_flush(p->loop);
}

struct pool *
pool_new(struct loop *l)
{
	struct pool *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->loop = l;
	event_assign(&p->sweep, l->base, -1, EV_PERSIST, on_sweep, p);
	return p;
}

void
pool_free(struct pool *p)
{
	if (!p)
		return;
	close_older(p, INT64_MAX, 0);
	free(p);
}

static struct idle **
find(struct pool *p, const struct origin *o)
{
	for (struct idle **at = &p->newest; *at; at = &(*at)->next)
		if (origin_eq(&(*at)->origin, o))
			return at;
	return NULL;
}

/* What has come since the loop looked last would be taken for the answer to what is
 * asked next, so look now: on_idle then drops the connection. */
struct stream *
pool_take(struct pool *p, const struct origin *o)
{
	struct idle **at;

	while ((at = find(p, o))) {
		struct idle *e = *at;

		stream_poll(e->stream);
		at = find(p, o);
		if (at && *at == e)
			return unlink_idle(p, at);
	}
	return NULL;
}

void
pool_give(struct pool *p, const struct origin *o, struct stream *s)
{
	struct timeval every = { SWEEP_MS / 1000, 0 };
	struct idle *e = calloc(1, sizeof(*e));

	if (!e || !stream_is_idle(s)) {
		free(e);
		stream_bye(s);
		return;
	}
	e->pool = p;
	e->stream = s;
	e->origin = *o;
	e->since_ns = loop_now_ns();
	e->next = p->newest;
	p->newest = e;
	if (p->n++ == 0)
		evtimer_add(&p->sweep, &every);
	stream_give(s, on_idle, e);
	stream_resume(s, PAUSE_PEER);
	stream_resume(s, PAUSE_RECORDER);
	if (p->n > p->loop->config->pool_max)
		close_older(p, 0, p->loop->config->pool_max);
}

void
pool_tidy(struct pool *p)
{
	for (struct idle *e = p->newest; e; e = e->next)
		stream_rest(e->stream);
}
