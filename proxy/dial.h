/* dial.h - a new connection to an origin: DNS, TCP (address after address), the
 * tunnel through upstream.via, TLS.
 *
 * Thread: the loop's.
 * Time:   timeouts.connect_ms for DNS, TCP and the other proxy's answer together,
 *         timeouts.handshake_ms for TLS.
 * Loops:  an address at which we ourselves listen is never connected to, or, where
 *         only the connection shows that, left at once; and a certificate of our
 *         own CA is never accepted: DIAL_LOOP.
 * Via:    the other proxy resolves the name, so what that leads to is its to judge;
 *         an address in numbers is still ours.
 */
#ifndef TRACETAPE_PROXY_DIAL_H
#define TRACETAPE_PROXY_DIAL_H

#include <stdint.h>

struct dial;
struct loop;
struct origin;
struct stream;

enum dial_failure {
	DIAL_OK,
	DIAL_DNS,
	DIAL_CONNECT,
	DIAL_CONNECT_TIMEOUT,
	DIAL_TLS,
	DIAL_TLS_TIMEOUT,
	DIAL_CERTIFICATE,
	DIAL_LOOP,		/* the name leads back to us */
	DIAL_FORBIDDEN,		/* all its addresses are: policy_reaches */
	DIAL_VIA,		/* upstream.via refused */
};

struct dialed {
	struct stream *stream;		/* the taker's; NULL on failure.  A tunnel's
					 * may have unread bytes already */
	enum dial_failure failure;
	const char *why;		/* lent, for an operator */
	int64_t dns_us;			/* durations; -1: did not happen */
	int64_t connect_us;		/* with the other proxy's answer */
	int64_t tls_us;
};

typedef void dial_callback(void *arg, const struct dialed *d);

enum dial_how {
	DIAL_UPSTREAM,		/* configured or intercepted: any address; TLS if
				 * the origin has it */
	DIAL_TUNNEL,		/* a client's choice: bare TCP, only to addresses
				 * that the policy lets through */
};

/* NULL: no memory.  cb is called exactly once, later, unless cancelled. */
struct dial *dial_begin(struct loop *l, const struct origin *o,
    enum dial_how how, dial_callback *cb, void *arg);
void dial_cancel(struct dial *d);	/* safe on NULL */

#endif
