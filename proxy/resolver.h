/* resolver.h - addresses of a host: configured, numeric, remembered, or by DNS.
 *
 * Thread:  the loop's.  DNS is libevent's evdns (hosts file and resolv.conf,
 *          reread when it changes), because getaddrinfo would block the loop.
 * Server:  upstream.dns takes the place of both files: names as they are, asked of
 *          that server alone.
 * Memory:  RESOLVER_CACHE hosts are remembered for RESOLVER_KEEP_S.
 */
#ifndef TRACETAPE_PROXY_RESOLVER_H
#define TRACETAPE_PROXY_RESOLVER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

struct config;
struct event_base;
struct lookup;
struct resolver;

enum { ADDRS_MAX = 8, RESOLVER_CACHE = 16, RESOLVER_KEEP_S = 30 };

struct addrs {
	size_t n;
	struct {
		struct sockaddr_storage sa;
		socklen_t len;
	} a[ADDRS_MAX];
};

/* addrs is NULL on failure, and error says why; both are lent. */
typedef void resolver_callback(void *arg, const struct addrs *addrs,
    const char *error);

struct resolver *resolver_new(struct event_base *base, const struct config *c);
void resolver_free(struct resolver *r);		/* safe on NULL; runs the base a
						 * little, to end cancelled lookups */

/* An address in numbers; IPv6 without brackets. */
bool addrs_parse(struct addrs *a, const char *host, unsigned port);

/* Starts a lookup.  NULL: cb has been called already. */
struct lookup *resolver_lookup(struct resolver *r, const char *host,
    unsigned port, resolver_callback *cb, void *arg);

/* cb will not be called. */
void lookup_cancel(struct lookup *l);

#endif
