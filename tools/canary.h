/* canary.h - one request of our own through a door of the proxy, and what came back.
 *
 * Thread: the caller's, who waits until the deadline at the latest.
 * Texts:  may be a stranger's: escape what you show.
 */
#ifndef TRACETAPE_TOOLS_CANARY_H
#define TRACETAPE_TOOLS_CANARY_H

#include "certs/mbed.h"
#include "store/bytes.h"

enum {
	CANARY_WHY_MAX = 640,
	CANARY_CODE_MAX = 48,
	CANARY_BODY_MAX = 64 * 1024,	/* more of an answer is not looked at ... */
	CANARY_BODY_MS = 3000,		/* ... nor waited for */
};

enum canary_end {
	CANARY_ANSWERED,		/* by whoever is behind the proxy */
	CANARY_OWN_ERROR,		/* by the proxy: code and why are its words */
	CANARY_NO_TUNNEL,		/* CONNECT was refused; likewise */
	CANARY_NO_LISTENER,
	CANARY_UNTRUSTED,		/* a certificate of another CA than ours */
	CANARY_CERTIFICATE,		/* one that is bad in another way */
	CANARY_BROKEN,			/* no HTTP, or no whole answer */
	CANARY_TIMEOUT,
	CANARY_TROUBLE,			/* ours */
};

/* All is borrowed. */
struct canary_plan {
	const char *address;		/* "127.0.0.1:8787" */
	struct slice connect;		/* head of a CONNECT; missing: none */
	const char *sni;		/* TLS then; NULL: none */
	mbedtls_x509_crt *roots;	/* for it */
	struct slice method;
	struct slice request;		/* head and body */
	int64_t timeout_ms;
};

struct canary {
	enum canary_end end;
	int status;			/* of the answer, -1: none came */
	int64_t ms;			/* from the start to the answer's head */
	char code[CANARY_CODE_MAX];	/* of an error of the proxy's own */
	char why[CANARY_WHY_MAX];
};

void canary_fly(struct canary *c, const struct canary_plan *plan);

#endif
