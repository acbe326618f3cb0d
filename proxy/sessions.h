/* sessions.h - TLS sessions kept for resumption, a few, by host and port.
 *
 * Thread:  one loop's.
 * Memory:  at most SESSIONS_MAX; the least recently kept goes first.  Never on
 *          disk: a session is a secret.
 */
#ifndef TRACETAPE_PROXY_SESSIONS_H
#define TRACETAPE_PROXY_SESSIONS_H

#include <stdint.h>

#include "certs/mbed.h"

enum { SESSIONS_MAX = 16, SESSIONS_KEY_MAX = 272 };

struct session {
	char key[SESSIONS_KEY_MAX];	/* "" is free */
	uint64_t kept;			/* order */
	mbedtls_ssl_session session;
};

struct sessions {			/* zeroed is empty */
	struct session s[SESSIONS_MAX];
	uint64_t n_kept;
};

void sessions_fini(struct sessions *s);

/* Offers the kept session, if any, in the handshake to come.  It stays: RFC 8446 C.4
 * asks for one use of a ticket so that connections cannot be linked, but ours carry
 * the same credentials, and servers give no new ticket with a resumption. */
void sessions_use(struct sessions *s, const char *key, mbedtls_ssl_context *ssl);

/* Keeps the session of an established connection. */
void sessions_keep(struct sessions *s, const char *key,
    const mbedtls_ssl_context *ssl);

#endif
