#include "proxy/dial.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>
#include <event2/event_struct.h>

#include "proxy/config.h"
#include "proxy/loop.h"
#include "proxy/origin.h"
#include "proxy/resolver.h"
#include "proxy/stream.h"
#include "proxy/tls.h"

enum { ADDRESS_MIN_MS = 2000 };		/* one address, when others wait */

struct dial {
	struct loop *loop;
	struct origin origin;
	dial_callback *cb;
	void *arg;
	enum {
		STEP_DNS,
		STEP_CONNECT,
		STEP_TLS,
		STEP_FAILED,
	} step;
	struct lookup *lookup;
	struct stream *stream;
	struct addrs addrs;
	size_t next;			/* address to try */
	struct event timer;
	int64_t began_ns;		/* of this step */
	int64_t limit_ns;		/* when DNS and TCP must be done */
	struct dialed result;
	char why[1024];
};

static void
set_timer(struct dial *d, int64_t ms)
{
	struct timeval tv = { ms / 1000, (ms % 1000) * 1000 };

	evtimer_add(&d->timer, &tv);
}

static int64_t
step_us(const struct dial *d)
{
	return (loop_now_ns() - d->began_ns) / 1000;
}

/* Ends it, from the top of the loop. */
static void
deliver(struct dial *d)
{
	struct dialed result = d->result;
	dial_callback *cb = d->cb;
	void *arg = d->arg;

	result.why = d->why;
	evtimer_del(&d->timer);
	cb(arg, &result);
	free(d);
}

/* The callback never comes from inside dial_begin: failures go through the timer. */
static void
fail(struct dial *d, enum dial_failure what, const char *why)
{
	char name[ORIGIN_AUTHORITY_MAX];

	origin_name(&d->origin, name);
	d->result.failure = what;
	snprintf(d->why, sizeof(d->why), "%s: %s", name, why);
	stream_free(d->stream);
	d->stream = NULL;
	d->step = STEP_FAILED;
	set_timer(d, 0);
}

static void try_next(struct dial *d, const char *why);

static void
on_stream(void *arg, enum stream_event ev)
{
	struct dial *d = arg;

	switch (ev) {
	case STREAM_CONNECTED:
		d->result.connect_us = step_us(d);
		d->began_ns = loop_now_ns();
		d->step = STEP_TLS;
		set_timer(d, d->loop->config->handshake_ms);
		break;
	case STREAM_READY:
		if (d->origin.is_tls)
			d->result.tls_us = step_us(d);
		d->result.stream = d->stream;
		deliver(d);
		break;
	case STREAM_ERROR:
	case STREAM_EOF:
	case STREAM_BROKEN:
		if (d->step == STEP_CONNECT)
			try_next(d, stream_error(d->stream));
		else
			fail(d, stream_tls(d->stream) &&
			    tls_error_is_certificate(stream_tls(d->stream)) ?
			    DIAL_CERTIFICATE : DIAL_TLS, stream_error(d->stream));
		break;
	case STREAM_DATA:
	case STREAM_DRAINED:
		break;
	}
}

/* The next address, or the end; why is the last one's failure. */
static void
try_next(struct dial *d, const char *why)
{
	int64_t left_ms = (d->limit_ns - loop_now_ns()) / 1000000;
	char last[320];

	snprintf(last, sizeof(last), "%s", why);
	stream_free(d->stream);
	d->stream = NULL;
	while (d->next < d->addrs.n && left_ms > 0) {
		size_t i = d->next++;
		struct tls *tls = NULL;
		int64_t ms = left_ms / (int64_t)(d->addrs.n - i);

		if (d->origin.is_tls && !(tls = tls_connect(d->loop->tls_client,
		    d->origin.host, d->origin.port))) {
			fail(d, DIAL_TLS, "no memory");
			return;
		}
		d->stream = stream_connect(d->loop,
		    (struct sockaddr *)&d->addrs.a[i].sa, d->addrs.a[i].len, tls,
		    on_stream, d);
		if (d->stream) {
			if (ms < ADDRESS_MIN_MS && ADDRESS_MIN_MS < left_ms)
				ms = ADDRESS_MIN_MS;
			set_timer(d, ms);
			return;
		}
		snprintf(last, sizeof(last), "%s", strerror(errno));
	}
	fail(d, left_ms > 0 ? DIAL_CONNECT : DIAL_CONNECT_TIMEOUT, last);
}

static void
on_addrs(void *arg, const struct addrs *addrs, const char *error)
{
	struct dial *d = arg;

	if (d->lookup || step_us(d) > 50)
		d->result.dns_us = step_us(d);
	d->lookup = NULL;
	if (!addrs) {
		fail(d, DIAL_DNS, error);
		return;
	}
	d->addrs = *addrs;
	d->step = STEP_CONNECT;
	d->began_ns = loop_now_ns();
	try_next(d, "no address");
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct dial *d = arg;
	struct loop *l = d->loop;

	(void)fd, (void)what;
	switch (d->step) {
	case STEP_DNS:
		lookup_cancel(d->lookup);
		d->lookup = NULL;
		fail(d, DIAL_DNS, "no answer from DNS in time");
		break;
	case STEP_CONNECT:
		try_next(d, "connecting timed out");
		break;
	case STEP_TLS:
		fail(d, DIAL_TLS_TIMEOUT, "the TLS handshake timed out");
		break;
	case STEP_FAILED:
		deliver(d);
		break;
	}
	loop_flush(l);
}

struct dial *
dial_begin(struct loop *l, const struct origin *o, enum dial_how how,
    dial_callback *cb, void *arg)
{
	struct dial *d = calloc(1, sizeof(*d));

	if (!d)
		return NULL;
	d->loop = l;
	d->origin = *o;
	if (how == DIAL_TUNNEL)
		d->origin.is_tls = false;
	d->cb = cb;
	d->arg = arg;
	d->result.dns_us = d->result.connect_us = d->result.tls_us = -1;
	d->began_ns = loop_now_ns();
	d->limit_ns = d->began_ns + l->config->connect_ms * 1000000;
	evtimer_assign(&d->timer, l->base, on_timer, d);
	set_timer(d, l->config->connect_ms);
	d->lookup = resolver_lookup(l->resolver, d->origin.host, d->origin.port,
	    on_addrs, d);
	return d;
}

void
dial_cancel(struct dial *d)
{
	if (!d)
		return;
	evtimer_del(&d->timer);
	if (d->lookup)
		lookup_cancel(d->lookup);
	stream_free(d->stream);
	free(d);
}
