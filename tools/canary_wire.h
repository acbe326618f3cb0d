/* canary_wire.h - one connection of a client that must not hang: TCP, then TLS over it,
 * with one deadline for all of it.
 *
 * Thread: the caller's, who waits.
 * Errors: enum wire_rc; w->why then says what happened, and may hold a stranger's text.
 */
#ifndef TRACETAPE_TOOLS_CANARY_WIRE_H
#define TRACETAPE_TOOLS_CANARY_WIRE_H

#include <sys/types.h>

#include "certs/mbed.h"

enum { WIRE_WHY_MAX = 512, WIRE_SUBJECT_MAX = 200 };

enum wire_rc {
	WIRE_OK = 0,
	WIRE_TIMEOUT = -1,
	WIRE_CONNECT = -2,		/* nobody listens, or no way there */
	WIRE_BROKEN = -3,		/* the connection, or TLS in it, failed */
	WIRE_UNTRUSTED = -4,		/* the certificate is of another CA ... */
	WIRE_CERTIFICATE = -5,		/* ... or is bad in another way */
	WIRE_TROUBLE = -6,		/* ours: no memory, no socket */
};

/* wire_open makes one. */
struct wire {
	int fd;
	int64_t until_ns;		/* monotonic; may be moved */
	mbedtls_ssl_context *ssl;	/* NULL: plain */
	mbedtls_ssl_config conf;
	struct mbed_rng rng;
	char issuer[WIRE_SUBJECT_MAX];	/* of the certificate that was shown */
	char why[WIRE_WHY_MAX];
};

/* address: "127.0.0.1:8787", "[::1]:8787". */
enum wire_rc wire_open(struct wire *w, const char *address, int64_t until_ns);
void wire_close(struct wire *w);	/* also after a failed wire_open */

/* TLS on what is open: host as SNI, ALPN http/1.1, the peer's certificate verified
 * against roots, which must outlive w. */
enum wire_rc wire_secure(struct wire *w, const char *host,
    mbedtls_x509_crt *roots);

/* All n bytes. */
enum wire_rc wire_send(struct wire *w, const void *p, size_t n);

/* > 0: bytes; 0: the peer is done; < 0: enum wire_rc. */
ssize_t wire_recv(struct wire *w, void *p, size_t cap);

int64_t wire_now_ns(void);

#endif
