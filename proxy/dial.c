#include "proxy/dial.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>
#include <event2/event_struct.h>

#include "proxy/address.h"
#include "proxy/config.h"
#include "proxy/loop.h"
#include "proxy/origin.h"
#include "proxy/ourselves.h"
#include "proxy/policy.h"
#include "proxy/resolver.h"
#include "proxy/stream.h"
#include "proxy/tls.h"
#include "proxy/via.h"
#include "store/bytes.h"

enum { ADDRESS_MIN_MS = 2000 };		/* one address, when others wait */

struct dial {
	struct loop *loop;
	struct origin origin;
	enum dial_how how;
	const struct via *via;		/* whom we connect to; NULL: origin */
	dial_callback *cb;
	void *arg;
	enum {
		STEP_DNS,
		STEP_CONNECT,
		STEP_VIA,		/* the other proxy's answer */
		STEP_TLS,
		STEP_FAILED,
	} step;
	struct lookup *lookup;
	struct stream *stream;
	struct addrs addrs;
	size_t next;			/* address to try */
	size_t n_tried;
	char last[160];			/* why that one failed */
	char ours[ADDRESS_TEXT_MAX];	/* an address that is; "": none was */
	char forbidden[ADDRESS_TEXT_MAX];	/* ... that the policy refuses */
	struct bytes answer;		/* the other proxy's, as far as it came */
	struct event timer;
	int64_t began_ns;		/* of this step */
	int64_t limit_ns;		/* when DNS, TCP and the answer must be done */
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
left_ms(const struct dial *d)
{
	return (d->limit_ns - loop_now_ns()) / 1000000;
}

static int64_t
step_us(const struct dial *d)
{
	return (loop_now_ns() - d->began_ns) / 1000;
}

static void
destroy(struct dial *d)
{
	evtimer_del(&d->timer);
	bytes_fini(&d->answer);
	free(d);
}

/* Ends it, from the top of the loop. */
static void
deliver(struct dial *d)
{
	struct dialed result = d->result;

	result.why = d->why;
	result.stream = d->stream;
	evtimer_del(&d->timer);
	d->cb(d->arg, &result);
	destroy(d);
}

/* The callback never comes from inside dial_begin: failures go through the timer. */
__attribute__((format(printf, 3, 4))) static void
fail(struct dial *d, enum dial_failure what, const char *fmt, ...)
{
	char name[ORIGIN_AUTHORITY_MAX], proxy[ORIGIN_AUTHORITY_MAX];
	va_list ap;
	int n;

	origin_name(&d->origin, name);
	n = snprintf(d->why, sizeof(d->why), "%s: ", name);
	if (d->via && d->step != STEP_TLS) {
		origin_name(&d->via->proxy, proxy);
		n += snprintf(d->why + n, sizeof(d->why) - (size_t)n,
		    "upstream.via %s: ", proxy);
	}
	va_start(ap, fmt);
	vsnprintf(d->why + n, sizeof(d->why) - (size_t)n, fmt, ap);
	va_end(ap);
	d->result.failure = what;
	stream_free(d->stream);
	d->stream = NULL;
	d->step = STEP_FAILED;
	set_timer(d, 0);
}

/* Every address has been refused, by us or by those who are there. */
static void
fail_addresses(struct dial *d)
{
	if (d->n_tried > 0 || (!d->ours[0] && !d->forbidden[0]))
		fail(d, left_ms(d) > 0 ? DIAL_CONNECT : DIAL_CONNECT_TIMEOUT,
		    "%s", d->last[0] ? d->last : "no address");
	else if (d->ours[0] && d->via)
		fail(d, DIAL_LOOP, "%s is where this very tracetape listens; name "
		    "the proxy that is to come behind it, or none", d->ours);
	else if (d->ours[0])
		fail(d, DIAL_LOOP, "%s is where this very tracetape listens: the "
		    "name leads back to it; set upstream.resolve = %s=ADDRESS, "
		    "or upstream.dns", d->ours, d->origin.host);
	else
		fail(d, DIAL_FORBIDDEN, "%s is not a public address; tunnels to it "
		    "need it, or the host, in forward.tunnel_to", d->forbidden);
}

static void
begin_tls(struct dial *d)
{
	d->result.connect_us = step_us(d);
	d->began_ns = loop_now_ns();
	d->step = STEP_TLS;
	set_timer(d, d->loop->config->handshake_ms);
}

static struct tls *
new_tls(struct dial *d)
{
	return tls_connect(d->loop->tls_client, d->origin.host, d->origin.port);
}

/* The other proxy has opened the tunnel; what is unread came through it. */
static void
enter_tunnel(struct dial *d)
{
	if (!d->origin.is_tls && d->how == DIAL_UPSTREAM &&
	    stream_unread(d->stream) > 0) {
		fail(d, DIAL_VIA, "sent an answer before it was asked");
		return;
	}
	begin_tls(d);
	if (!d->origin.is_tls)
		deliver(d);
	else if (!stream_start_tls(d->stream, new_tls(d)))
		fail(d, DIAL_TLS, "no memory");
}

static void
judge_answer(struct dial *d, long len, int status)
{
	if (len < 0)
		fail(d, DIAL_VIA, "did not answer as an HTTP proxy does; check its "
		    "host and port");
	else if (status < 200 || status > 299)
		fail(d, DIAL_VIA, "answered %d: %s", status,
		    via_remedy(d->via, status));
	else
		enter_tunnel(d);
}

/* The answer may come in any pieces; what is behind it stays unread. */
static void
read_answer(struct dial *d)
{
	struct piece *piece;
	const uint8_t *p;
	size_t n, had, room;
	int status = 0;
	long len = 0;

	while (len == 0 && (n = stream_peek(d->stream, &piece, &p)) > 0) {
		had = d->answer.len;
		room = VIA_HEAD_MAX - had;
		bytes_put(&d->answer, p, n < room ? n : room);
		if (d->answer.failed) {
			fail(d, DIAL_VIA, "no memory");
			return;
		}
		len = via_answer(d->answer.p, d->answer.len, &status);
		stream_consume(d->stream, len > 0 ? (size_t)len - had :
		    d->answer.len - had);
	}
	if (len != 0)
		judge_answer(d, len, status);
}

static void
ask_via(struct dial *d)
{
	struct bytes request = { 0 };

	via_request(&request, d->via, &d->origin);
	if (request.failed)
		fail(d, DIAL_VIA, "no memory");
	else
		stream_write(d->stream, request.p, request.len);
	if (request.p)
		explicit_bzero(request.p, request.len);
	bytes_fini(&request);
}

static void try_next(struct dial *d);

static void
on_connected(struct dial *d)
{
	const struct loop_shared *s = d->loop->shared;

	if (ourselves_answer(s->listening, s->n_listening,
	    stream_fd(d->stream))) {
		d->n_tried--;
		address_print((struct sockaddr *)&d->addrs.a[d->next - 1].sa,
		    d->ours);
		try_next(d);
	} else if (d->via) {
		d->step = STEP_VIA;
		set_timer(d, left_ms(d) > 0 ? left_ms(d) : 0);
	} else {
		begin_tls(d);
	}
}

static void
on_ready(struct dial *d)
{
	if (d->step == STEP_VIA) {
		ask_via(d);
		return;
	}
	if (d->origin.is_tls)
		d->result.tls_us = step_us(d);
	deliver(d);
}

static void
on_lost(struct dial *d, enum stream_event ev)
{
	const struct tls *tls = stream_tls(d->stream);
	enum dial_failure what = DIAL_TLS;

	switch (d->step) {
	case STEP_CONNECT:
		snprintf(d->last, sizeof(d->last), "%s", stream_error(d->stream));
		try_next(d);
		break;
	case STEP_VIA:
		/* Its answer may still be on the way. */
		if (ev != STREAM_BROKEN)
			fail(d, DIAL_VIA, "closed the connection before it had "
			    "answered");
		break;
	case STEP_TLS:
		if (tls && tls_error_is_loop(tls))
			what = DIAL_LOOP;
		else if (tls && tls_error_is_certificate(tls))
			what = DIAL_CERTIFICATE;
		fail(d, what, "%s", stream_error(d->stream));
		break;
	case STEP_DNS:
	case STEP_FAILED:
		break;
	}
}

static void
on_stream(void *arg, enum stream_event ev)
{
	struct dial *d = arg;

	switch (ev) {
	case STREAM_CONNECTED:
		on_connected(d);
		break;
	case STREAM_READY:
		on_ready(d);
		break;
	case STREAM_DATA:
		if (d->step == STEP_VIA)
			read_answer(d);
		break;
	case STREAM_ERROR:
	case STREAM_EOF:
	case STREAM_BROKEN:
		on_lost(d, ev);
		break;
	case STREAM_DRAINED:
		break;
	}
}

/* False: not to this address; d says why. */
static bool
may_connect(struct dial *d, const struct sockaddr *sa)
{
	const struct loop_shared *s = d->loop->shared;

	if (d->how == DIAL_TUNNEL && !d->via && s->policy &&
	    !policy_reaches(s->policy, &d->origin, sa)) {
		address_print(sa, d->forbidden);
		return false;
	}
	if (ourselves_at(s->listening, s->n_listening, sa)) {
		address_print(sa, d->ours);
		return false;
	}
	return true;
}

/* False: errno says why. */
static bool
connect_to(struct dial *d, const struct sockaddr *sa, socklen_t len)
{
	struct tls *tls = NULL;

	d->n_tried++;
	if (d->origin.is_tls && !d->via && !(tls = new_tls(d))) {
		errno = ENOMEM;
		return false;
	}
	d->stream = stream_connect(d->loop, sa, len, tls, on_stream, d);
	return d->stream != NULL;
}

/* The next address, or the end. */
static void
try_next(struct dial *d)
{
	int64_t left = left_ms(d);

	stream_free(d->stream);
	d->stream = NULL;
	while (d->next < d->addrs.n && left > 0) {
		size_t i = d->next++;
		const struct sockaddr *sa = (struct sockaddr *)&d->addrs.a[i].sa;
		int64_t ms = left / (int64_t)(d->addrs.n - i);

		if (!may_connect(d, sa))
			continue;
		if (connect_to(d, sa, d->addrs.a[i].len)) {
			if (ms < ADDRESS_MIN_MS && ADDRESS_MIN_MS < left)
				ms = ADDRESS_MIN_MS;
			set_timer(d, ms);
			return;
		}
		snprintf(d->last, sizeof(d->last), "%s", strerror(errno));
	}
	fail_addresses(d);
}

static void
on_addrs(void *arg, const struct addrs *addrs, const char *error)
{
	struct dial *d = arg;

	if (d->lookup || step_us(d) > 50)
		d->result.dns_us = step_us(d);
	d->lookup = NULL;
	if (!addrs) {
		fail(d, DIAL_DNS, "%s", error);
		return;
	}
	d->addrs = *addrs;
	d->step = STEP_CONNECT;
	d->began_ns = loop_now_ns();
	try_next(d);
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
		snprintf(d->last, sizeof(d->last), "connecting timed out");
		try_next(d);
		break;
	case STEP_VIA:
		fail(d, DIAL_CONNECT_TIMEOUT, "no answer in time");
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

/* The other proxy resolves the name, but an address needs no resolving to be seen
 * through.  True: it has failed. */
static bool
is_forbidden_behind_via(struct dial *d)
{
	const struct policy *policy = d->loop->shared->policy;
	const struct sockaddr *sa = (struct sockaddr *)&d->addrs.a[0].sa;

	if (d->how != DIAL_TUNNEL || !policy ||
	    !addrs_parse(&d->addrs, d->origin.host, d->origin.port) ||
	    policy_reaches(policy, &d->origin, sa))
		return false;
	address_print(sa, d->forbidden);
	fail_addresses(d);
	return true;
}

static void
start(struct dial *d)
{
	const struct loop_shared *s = d->loop->shared;
	const struct origin *to = &d->origin;

	if (s->via && !(s->policy && policy_skips_via(s->policy, to->host))) {
		if (is_forbidden_behind_via(d))
			return;
		d->via = s->via;
		to = &d->via->proxy;
	}
	d->lookup = resolver_lookup(d->loop->resolver, to->host, to->port,
	    on_addrs, d);
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
	d->how = how;
	if (how == DIAL_TUNNEL)
		d->origin.is_tls = false;
	d->cb = cb;
	d->arg = arg;
	d->result.dns_us = d->result.connect_us = d->result.tls_us = -1;
	d->began_ns = loop_now_ns();
	d->limit_ns = d->began_ns + l->config->connect_ms * 1000000;
	evtimer_assign(&d->timer, l->base, on_timer, d);
	set_timer(d, l->config->connect_ms);
	start(d);
	return d;
}

void
dial_cancel(struct dial *d)
{
	if (!d)
		return;
	if (d->lookup)
		lookup_cancel(d->lookup);
	stream_free(d->stream);
	destroy(d);
}
