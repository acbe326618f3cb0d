/* policy.h - for whom we work, and to where: the rules of [forward].
 *
 * Thread: any; const once made.
 * Hosts:  compared without case, a final dot and an IPv6 zone; "*.b" has a.b and
 *         a.c.b, and not b itself.
 */
#ifndef TRACETAPE_PROXY_POLICY_H
#define TRACETAPE_PROXY_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

struct config;
struct origin;
struct policy;

/* NULL: err (CONFIG_ERROR_MAX bytes) names the key, its value and the remedy. */
struct policy *policy_new(const struct config *c, char *err);
void policy_free(struct policy *p);		/* safe on NULL */

/* forward.allow: may this client talk to us?  An empty list has everybody. */
bool policy_admits(const struct policy *p, const struct sockaddr *client);
bool policy_has_allow(const struct policy *p);

/* forward.intercept: is what goes to host terminated and recorded? */
bool policy_intercepts(const struct policy *p, const char *host);

/* upstream.no_via and the loopback names: is host reached without upstream.via? */
bool policy_skips_via(const struct policy *p, const char *host);

enum tunnel_verdict {
	TUNNEL_YES,
	TUNNEL_OFF,		/* forward.tunnel = none */
	TUNNEL_UNLISTED,	/* forward.tunnel = listed, and it is not */
	TUNNEL_PORT,		/* neither its port nor itself with it is listed */
};

/* May a client reach o, which is not intercepted?  Before its name is resolved. */
enum tunnel_verdict policy_tunnel(const struct policy *p, const struct origin *o);

/* ... and when it is: false for loopback, private, link-local and other special
 * addresses (address_is_public), unless forward.tunnel_to names o or has sa. */
bool policy_reaches(const struct policy *p, const struct origin *o,
    const struct sockaddr *sa);

#endif
