#include "proxy/resolver.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <event2/dns.h>
#include <event2/event.h>
#include <event2/util.h>

#include "proxy/address.h"
#include "proxy/config.h"
#include "proxy/loop.h"
#include "proxy/origin.h"

#define RESOLV_CONF "/etc/resolv.conf"

enum {
	DNS_PORT = 53,
	LAST_TURNS = 1024,
};

struct remembered {
	char host[ORIGIN_HOST_MAX];	/* "" is free */
	int64_t until_ns;
	struct addrs addrs;
};

struct resolver {
	struct event_base *base;
	const struct config *config;
	struct evdns_base *dns;
	struct timespec conf_mtime;
	unsigned pending;
	struct remembered cache[RESOLVER_CACHE];
};

struct lookup {
	struct resolver *resolver;
	struct evdns_getaddrinfo_request *request;
	resolver_callback *cb;		/* NULL: cancelled */
	void *arg;
	unsigned port;
	enum { LOOKUP_STARTING, LOOKUP_WAITING, LOOKUP_ANSWERED } is;
	char host[ORIGIN_HOST_MAX];
};

static void
set_ports(struct addrs *addrs, unsigned port)
{
	for (size_t i = 0; i < addrs->n; i++)
		address_set_port((struct sockaddr *)&addrs->a[i].sa, port);
}

/* upstream.resolve: "host=addr[:port]". */
static bool
configured(const struct config *c, const char *host, unsigned port,
    struct addrs *addrs)
{
	size_t len = strlen(host);

	for (size_t i = 0; i < c->upstream_resolve.n; i++) {
		const char *rule = c->upstream_resolve.item[i];

		if (strncmp(rule, host, len) != 0 || rule[len] != '=' ||
		    !address_parse(rule + len + 1, &addrs->a[0].sa,
		    &addrs->a[0].len))
			continue;
		addrs->n = 1;
		if (address_port((struct sockaddr *)&addrs->a[0].sa) == 0)
			set_ports(addrs, port);
		return true;
	}
	return false;
}

bool
addrs_parse(struct addrs *addrs, const char *host, unsigned port)
{
	char text[ORIGIN_AUTHORITY_MAX];

	snprintf(text, sizeof(text), strchr(host, ':') ? "[%s]" : "%s", host);
	if (!address_parse(text, &addrs->a[0].sa, &addrs->a[0].len))
		return false;
	addrs->n = 1;
	set_ports(addrs, port);
	return true;
}

static bool
remembered(struct resolver *r, const char *host, unsigned port,
    struct addrs *addrs)
{
	int64_t now = loop_now_ns();

	for (int i = 0; i < RESOLVER_CACHE; i++) {
		struct remembered *e = &r->cache[i];

		if (!e->host[0] || now > e->until_ns ||
		    strcmp(e->host, host) != 0)
			continue;
		*addrs = e->addrs;
		set_ports(addrs, port);
		return true;
	}
	return false;
}

static void
remember(struct resolver *r, const char *host, const struct addrs *addrs)
{
	struct remembered *e = &r->cache[0];

	for (int i = 0; i < RESOLVER_CACHE; i++) {
		if (strcmp(r->cache[i].host, host) == 0) {
			e = &r->cache[i];
			break;
		}
		if (r->cache[i].until_ns < e->until_ns)
			e = &r->cache[i];
	}
	snprintf(e->host, sizeof(e->host), "%s", host);
	e->until_ns = loop_now_ns() + RESOLVER_KEEP_S * INT64_C(1000000000);
	e->addrs = *addrs;
}

static struct evdns_base *
dns_new(struct resolver *r)
{
	struct evdns_base *dns = evdns_base_new(r->base,
	    EVDNS_BASE_DISABLE_WHEN_INACTIVE);

	if (!dns)
		return NULL;
	evdns_base_set_option(dns, "timeout:", "3");
	evdns_base_set_option(dns, "attempts:", "2");
	/* Names that nobody answers for, of tunnels, must not hold up the upstream's:
	 * evdns would let 64 questions out at once, two for each name. */
	evdns_base_set_option(dns, "max-inflight:", "4096");
	return dns;
}

/* upstream.dns.  With neither file read, evdns knows of no other server, search list
 * or host. */
static void
ask_only(struct resolver *r, const char *server)
{
	struct sockaddr_storage sa;
	socklen_t len;

	if (r->dns || !address_parse(server, &sa, &len))
		return;
	if (address_port((struct sockaddr *)&sa) == 0)
		address_set_port((struct sockaddr *)&sa, DNS_PORT);
	r->dns = dns_new(r);
	if (r->dns && evdns_base_nameserver_sockaddr_add(r->dns,
	    (struct sockaddr *)&sa, len, 0) != 0) {
		evdns_base_free(r->dns, 0);
		r->dns = NULL;
	}
}

/* A laptop changes its network under us. */
static void
reread(struct resolver *r)
{
	struct stat st;

	if (stat(RESOLV_CONF, &st) != 0)
		memset(&st, 0, sizeof(st));
	if (r->dns && (r->pending > 0 ||
	    (st.st_mtim.tv_sec == r->conf_mtime.tv_sec &&
	    st.st_mtim.tv_nsec == r->conf_mtime.tv_nsec)))
		return;
	if (r->dns)
		evdns_base_free(r->dns, 0);
	r->conf_mtime = st.st_mtim;
	r->dns = dns_new(r);
	if (!r->dns)
		return;
	/* Without the file it falls back to 127.0.0.1, as libc does. */
	evdns_base_resolv_conf_parse(r->dns, DNS_OPTIONS_ALL, RESOLV_CONF);
}

static void
collect(struct addrs *addrs, const struct evutil_addrinfo *ai)
{
	addrs->n = 0;
	for (; ai && addrs->n < ADDRS_MAX; ai = ai->ai_next) {
		if (ai->ai_family != AF_INET && ai->ai_family != AF_INET6)
			continue;
		memcpy(&addrs->a[addrs->n].sa, ai->ai_addr, ai->ai_addrlen);
		addrs->a[addrs->n++].len = (socklen_t)ai->ai_addrlen;
	}
}

static void
tell_failure(struct lookup *l, int rc)
{
	const char *server = l->resolver->config->upstream_dns;
	const char *why = rc ? evutil_gai_strerror(rc) :
	    "the name has no address";
	char text[320];

	if (!server[0]) {
		l->cb(l->arg, NULL, why);
		return;
	}
	snprintf(text, sizeof(text), "%s (asked upstream.dns, %s)", why, server);
	l->cb(l->arg, NULL, text);
}

static void
on_answer(int rc, struct evutil_addrinfo *ai, void *arg)
{
	struct lookup *l = arg;
	struct resolver *r = l->resolver;
	struct addrs addrs;

	r->pending--;
	collect(&addrs, ai);
	if (ai)
		evutil_freeaddrinfo(ai);
	if (addrs.n > 0)
		remember(r, l->host, &addrs);
	set_ports(&addrs, l->port);
	if (l->cb && addrs.n > 0)
		l->cb(l->arg, &addrs, NULL);
	else if (l->cb)
		tell_failure(l, rc);
	if (l->is == LOOKUP_STARTING)
		l->is = LOOKUP_ANSWERED;
	else
		free(l);
}

struct lookup *
resolver_lookup(struct resolver *r, const char *host, unsigned port,
    resolver_callback *cb, void *arg)
{
	struct evutil_addrinfo hints;
	struct addrs addrs;
	struct lookup *l;

	if (configured(r->config, host, port, &addrs) ||
	    addrs_parse(&addrs, host, port) || remembered(r, host, port, &addrs)) {
		cb(arg, &addrs, NULL);
		return NULL;
	}
	if (r->config->upstream_dns[0])
		ask_only(r, r->config->upstream_dns);
	else
		reread(r);
	l = calloc(1, sizeof(*l));
	if (!l || !r->dns) {
		free(l);
		cb(arg, NULL, "no memory, or no server to ask");
		return NULL;
	}
	l->resolver = r;
	l->cb = cb;
	l->arg = arg;
	l->port = port;
	snprintf(l->host, sizeof(l->host), "%s", host);
	memset(&hints, 0, sizeof(hints));
	hints.ai_socktype = SOCK_STREAM;
	r->pending++;
	l->request = evdns_getaddrinfo(r->dns, host, NULL, &hints, on_answer, l);
	if (l->is == LOOKUP_ANSWERED) {
		free(l);
		return NULL;
	}
	l->is = LOOKUP_WAITING;
	return l;
}

void
lookup_cancel(struct lookup *l)
{
	l->cb = NULL;
	evdns_getaddrinfo_cancel(l->request);
}

struct resolver *
resolver_new(struct event_base *base, const struct config *c)
{
	struct resolver *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->base = base;
	r->config = c;
	return r;
}

void
resolver_free(struct resolver *r)
{
	if (!r)
		return;
	/* What was cancelled is given back by the loop, 32 in a turn. */
	for (int turns = 0; r->pending > 0 && turns < LAST_TURNS; turns++)
		event_base_loop(r->base, EVLOOP_NONBLOCK);
	if (r->dns)
		evdns_base_free(r->dns, 1);
	free(r);
}
