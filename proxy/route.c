#include "proxy/route.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "proxy/answer.h"
#include "proxy/config.h"
#include "proxy/conn.h"
#include "proxy/forward.h"
#include "proxy/policy.h"

static void __attribute__((format(printf, 4, 5)))
refuse(struct refusal *no, int status, const char *code, const char *fmt, ...)
{
	va_list ap;

	no->status = status;
	no->code = code;
	va_start(ap, fmt);
	vsnprintf(no->why, sizeof(no->why), fmt, ap);
	va_end(ap);
}

void
route_default(struct conn *c)
{
	if (c->target.host[0]) {
		c->origin = c->target;
		return;
	}
	c->mode = MODE_REVERSE;
	if (!(c->flags & CONN_INSIDE))
		c->label[0] = '\0';
	c->origin = *loop_origin(c->loop);
}

/* Clients of a proxy say who they are with each request, or with their CONNECT. */
bool
route_knows_client(struct conn *c, const struct http1_head *h,
    struct refusal *no)
{
	struct slice value = http1_find(h, "proxy-authorization");

	if (auth_check(c->loop->shared->auth, value, c->label) == AUTH_OK)
		return true;
	no->lines = "Proxy-Authenticate: Basic realm=\"tracetape\", "
	    "charset=\"UTF-8\"\r\n";
	refuse(no, 407, "proxy_authentication", "%s: put one of "
	    "forward.auth_file into the proxy's URL, http://name:password@host:port",
	    value.p ? "wrong name or password" : "name and password are needed");
	return false;
}

/* From another machine, with neither a password nor a network to vouch for it.  A
 * CONNECT, also one to ourselves, has said who it is. */
bool
route_is_stranger(const struct conn *c)
{
	const struct loop_shared *s = c->loop->shared;

	return s->auth && !(c->flags & CONN_LOCAL) &&
	    !policy_has_allow(s->policy) &&
	    !(c->flags & CONN_INSIDE && c->mode != MODE_REDIRECTED);
}

/* A base URL carries no password: those who may not come without are told so. */
static bool
may_come_unnamed(struct conn *c, struct refusal *no)
{
	if (!route_is_stranger(c))
		return true;
	refuse(no, 403, "password_needed", "from other machines this proxy is used "
	    "by HTTPS_PROXY with a password (forward.auth_file), or from the "
	    "networks of forward.allow");
	return false;
}

static bool
is_loopback_name(const char *host)
{
	return strcmp(host, "localhost") == 0 || strcmp(host, "localhost.") == 0;
}

static bool
is_own_name(const char *host)
{
	char name[ORIGIN_HOST_MAX];

	return gethostname(name, sizeof(name)) == 0 && name[0] &&
	    strncasecmp(name, host, sizeof(name)) == 0;
}

static bool
is_same_address(const struct sockaddr *a, const struct sockaddr *b)
{
	const uint8_t *pa, *pb;
	size_t n = address_ip(a, &pa);

	return n > 0 && address_ip(b, &pb) == n && memcmp(pa, pb, n) == 0;
}

/* 0.0.0.0 and ::. */
static bool
is_wildcard(const struct sockaddr *sa)
{
	static const uint8_t zero[16];
	const uint8_t *ip;
	size_t n = address_ip(sa, &ip);

	return n > 0 && memcmp(ip, zero, n) == 0;
}

/* Does host lead to the listener at sa?  local: where this client found us. */
static bool
is_at(const char *host, const struct sockaddr *sa, const struct sockaddr *local)
{
	struct sockaddr_storage named;
	socklen_t len;
	char text[ORIGIN_AUTHORITY_MAX];
	const bool is_wide = is_wildcard(sa);

	if (is_loopback_name(host))
		return is_wide || address_is_loopback(sa);
	if (is_own_name(host))
		return is_wide || !address_is_loopback(sa);
	snprintf(text, sizeof(text), strchr(host, ':') ? "[%s]" : "%s", host);
	if (!address_parse(text, &named, &len))
		return false;
	return is_same_address((struct sockaddr *)&named, sa) ||
	    (is_wide && (address_is_loopback((struct sockaddr *)&named) ||
	    is_same_address((struct sockaddr *)&named, local)));
}

/* HTTP_PROXY and a base URL may both name us. */
bool
route_is_ours(const struct conn *c, const struct origin *o)
{
	const struct loop_shared *s = c->loop->shared;
	struct sockaddr_storage local;
	socklen_t len = sizeof(local);

	if (getsockname(stream_fd(c->client), (struct sockaddr *)&local, &len) != 0)
		memset(&local, 0, sizeof(local));
	for (size_t i = 0; i < s->n_listening; i++) {
		const struct sockaddr *sa =
		    (const struct sockaddr *)&s->listening[i];

		if (address_port(sa) == o->port &&
		    is_at(o->host, sa, (struct sockaddr *)&local))
			return true;
	}
	return false;
}

bool
route_may_tunnel(struct conn *c, const struct origin *o, struct refusal *no)
{
	char name[ORIGIN_AUTHORITY_MAX];

	origin_name(o, name);
	switch (policy_tunnel(c->loop->shared->policy, o)) {
	case TUNNEL_YES:
		return true;
	case TUNNEL_OFF:
		refuse(no, 403, "tunnel_off", "%s is not intercepted, and this proxy "
		    "carries nothing else (forward.tunnel = none)", name);
		return false;
	case TUNNEL_UNLISTED:
		refuse(no, 403, "tunnel_not_listed", "%s is not listed in "
		    "forward.tunnel_to (forward.tunnel = listed)", name);
		return false;
	case TUNNEL_ADDRESS:
		refuse(no, 403, "forbidden_address", "%s is no public address, and "
		    "forward.tunnel_to does not list it", name);
		return false;
	case TUNNEL_PORT:
		refuse(no, 403, "tunnel_port", "%s: the port is not one of "
		    "forward.ports, and forward.tunnel_to does not list it", name);
		return false;
	}
	return false;
}

static const char not_its_host[] = "the request target's authority is not the "
    "Host line's (RFC 9112 3.2.2)";

/* Case, a default port and a final dot make no difference (RFC 9110 4.2.3). */
static bool
is_same_authority(const struct http1_head *h, struct slice authority)
{
	const uint16_t standard = h->target.p[4] == ':' ? 80 : 443;
	struct origin a = { 0 }, b = { 0 };

	if (slice_eq_nocase(authority, h->host))
		return true;
	if (!origin_parse_authority(&a, authority.p, authority.len) ||
	    !origin_parse_authority(&b, h->host.p, h->host.len))
		return false;
	return strcmp(a.host, b.host) == 0 &&
	    (a.port ? a.port : standard) == (b.port ? b.port : standard);
}

/* http://host/path, as proxies get it. */
static void
route_absolute(struct conn *c, const struct http1_head *h, struct slice authority,
    struct refusal *no)
{
	struct origin o = { .is_tls = h->target.p[4] != ':' };
	bool is_ours, is_kept;

	if (!origin_parse_authority(&o, authority.p, authority.len)) {
		refuse(no, 400, "bad_target", "the request target's authority is no "
		    "host with an optional port (RFC 9112 3.2.2)");
		return;
	}
	if (o.port == 0)
		o.port = o.is_tls ? 443 : 80;
	is_ours = route_is_ours(c, &o);
	is_kept = is_ours || policy_intercepts(c->loop->shared->policy, o.host);
	if (!is_kept)
		c->flags |= CONN_UNRECORDED;	/* refusals too */
	if (h->host.p && !is_same_authority(h, authority)) {
		refuse(no, 400, "bad_target", "%s", not_its_host);
		return;
	}
	if ((!is_ours || route_is_stranger(c)) && !route_knows_client(c, h, no))
		return;
	if (is_kept)
		c->flags &= ~(unsigned)CONN_UNRECORDED;
	if (is_ours)
		return;
	c->origin = o;
	c->mode = MODE_FORWARD;
	if (is_kept)
		return;
	c->origin.whose = ORIGIN_CLIENTS;
	if (o.is_tls)
		refuse(no, 400, "bad_target", "https for other hosts goes through "
		    "CONNECT (RFC 9110 9.3.6)");
	else
		route_may_tunnel(c, &o, no);
}

/* Sets where c's request goes, and how it came. */
void
route(struct conn *c, const struct http1_head *h, struct refusal *no)
{
	struct slice authority, path;

	route_default(c);
	if (route_is_stranger(c))
		c->flags |= CONN_UNRECORDED;
	if (slice_eq(h->method, SLICE("CONNECT")) ||
	    slice_eq(h->method, SLICE("TRACE"))) {
		refuse(no, 405, "method_not_allowed", "%.*s is not served here",
		    (int)h->method.len, h->method.p);
		return;
	}
	if (h->target.p[0] == '/' || slice_eq(h->target, SLICE("*"))) {
		if (c->mode != MODE_FORWARD)
			may_come_unnamed(c, no);
		return;
	}
	if (!forward_split_absolute(h->target, &authority, &path))
		refuse(no, 400, "bad_target", "the request target must be a path "
		    "or an absolute URL (RFC 9112 3.2)");
	else if (!(c->flags & CONN_INSIDE))
		route_absolute(c, h, authority, no);
	else if (h->host.p && !is_same_authority(h, authority))
		refuse(no, 400, "bad_target", "%s", not_its_host);
	else if (c->mode != MODE_FORWARD)
		may_come_unnamed(c, no);
}
