/* dial.h - a new connection to an origin: DNS, TCP (address after address), TLS.
 *
 * Thread: the loop's.  Time: timeouts.connect_ms for DNS and TCP together,
 * timeouts.handshake_ms for TLS.
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
};

struct dialed {
	struct stream *stream;		/* the taker's; NULL on failure */
	enum dial_failure failure;
	const char *why;		/* lent, for an operator */
	int64_t dns_us;			/* durations; -1: did not happen */
	int64_t connect_us;
	int64_t tls_us;
};

typedef void dial_callback(void *arg, const struct dialed *d);

/* NULL: no memory.  cb is called exactly once, later, unless cancelled. */
struct dial *dial_begin(struct loop *l, const struct origin *o,
    dial_callback *cb, void *arg);
void dial_cancel(struct dial *d);	/* safe on NULL */

#endif
