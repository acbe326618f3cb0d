/* tls_private.h - the inside of configs and sessions, for the tls*.c alone. */
#ifndef TRACETAPE_PROXY_TLS_PRIVATE_H
#define TRACETAPE_PROXY_TLS_PRIVATE_H

#include "certs/mbed.h"
#include "proxy/sessions.h"
#include "proxy/tls.h"

enum { TLS_SNI_MAX = 256 };

struct tls_shared {
	mbedtls_ssl_ticket_context tickets;
	struct mbed_rng rng;
};

struct tls_client {
	mbedtls_ssl_config conf;
	struct mbed_rng rng;
	struct sessions sessions;
	mbedtls_x509_crt shunned;	/* our own CA; empty: none */
};

struct tls_server {
	mbedtls_ssl_config conf;
	struct mbed_rng rng;
	struct cache *cache;
	const struct leaf *fallback;	/* for clients without SNI */
	struct tls *current;		/* whose handshake runs */
};

struct tls {
	mbedtls_ssl_context ssl;
	struct tls_client *client;
	struct tls_server *server;
	const struct leaf *leaf;	/* held while the handshake may use it */
	const uint8_t *in;
	size_t in_len;
	struct bytes *out;
	enum {
		SESSION_NEW,
		SESSION_OPEN,
		SESSION_EOF,
		SESSION_FAILED,
	} state;
	enum {
		PEER_UNSEEN,		/* no certificate came: a resumption */
		PEER_SEEN,
		PEER_SELF_SIGNED,
		PEER_OURSELVES,		/* our CA made it */
	} peer;
	enum { CLOSE_UNSENT, CLOSE_SENT } closing;
	int rc;				/* mbedTLS's, of the failure */
	char key[SESSIONS_KEY_MAX];	/* host:port, for resumption */
	char sni[TLS_SNI_MAX];		/* our client's */
	char subject[128];		/* of the upstream's leaf */
	char error[512];
};

/* tls_verify.c */
int tls_on_verify(void *arg, mbedtls_x509_crt *crt, int depth,
    uint32_t *flags);

/* Puts into words why t has failed with t->rc. */
void tls_explain(struct tls *t, const char *doing);

#endif
