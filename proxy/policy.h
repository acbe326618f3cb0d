/* policy.h - for whom we work, and to where: the rules of [forward].
 *
 * Thread: any; const once made.
 * Hosts:  compared without case, a final dot and an IPv6 zone; "*.b" has a.b and
 *         a.c.b, and not b itself.  A host that is an address in numbers is compared as
 *         one.  Hosts of upstream.resolve are listed, for the address that it gives them.
 * Networks: in forward.tunnel_to they list addresses in numbers and make the addresses
 *         that names resolve to reachable; they list no names, since names are not
 *         resolved to be judged.  In upstream.no_via likewise.
 */
#ifndef TRACETAPE_PROXY_POLICY_H
#define TRACETAPE_PROXY_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

struct config;
struct origin;
struct policy;

/* NULL: err (CONFIG_ERROR_MAX bytes) names the key, the item and the remedy, or says
 * that there is no memory. */
struct policy *policy_new(const struct config *c, char *err);
void policy_free(struct policy *p);		/* safe on NULL */

/* forward.allow: may this client talk to us?  An empty list has everybody, another
 * has nobody besides, not even this machine. */
bool policy_admits(const struct policy *p, const struct sockaddr *client);
bool policy_has_allow(const struct policy *p);

/* forward.intercept: is what goes to host terminated and recorded? */
bool policy_intercepts(const struct policy *p, const char *host);

/* upstream.no_via, and loopback (localhost, *.localhost, 127.0.0.0/8, ::1): is host
 * reached without upstream.via? */
bool policy_skips_via(const struct policy *p, const char *host);

enum tunnel_verdict {
	TUNNEL_YES,
	TUNNEL_OFF,		/* forward.tunnel = none */
	TUNNEL_UNLISTED,	/* forward.tunnel = listed, and it is not */
	TUNNEL_PORT,		/* neither its port nor itself with it is listed */
	TUNNEL_ADDRESS,		/* an address in numbers that policy_reaches refuses,
				 * or in a spelling (127.1) that some take for one */
};

/* May a client reach o, which is not intercepted?  Before its name is resolved. */
enum tunnel_verdict policy_tunnel(const struct policy *p, const struct origin *o);

/* ... and when it is: false for loopback, private, link-local and other special
 * addresses (address_is_public), unless forward.tunnel_to names o or has sa,
 * or upstream.resolve sends o there. */
bool policy_reaches(const struct policy *p, const struct origin *o,
    const struct sockaddr *sa);

#endif
