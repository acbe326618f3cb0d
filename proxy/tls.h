/* tls.h - TLS as a codec between buffers; it knows no socket.
 *
 * Thread:    a tls_client, a tls_server and all their sessions belong to one loop
 *            thread (mbedTLS shares the RNG of a config among its sessions).
 *            tls_shared, roots and leaves are read-only or locked: any thread.
 * Ownership: sessions borrow their config, which outlives them.
 * Errors:    TLS_FAILED; tls_error tells why in words fit for an operator.
 */
#ifndef TRACETAPE_PROXY_TLS_H
#define TRACETAPE_PROXY_TLS_H

#include "store/bytes.h"

struct ca;
struct cache;
struct leaf;
struct roots;
struct tls;
struct tls_client;
struct tls_server;
struct tls_shared;

enum tls_result {
	TLS_OK = 0,
	TLS_WANT,	/* feed more bytes */
	TLS_EOF,	/* the peer said close_notify; latched */
	TLS_FAILED,
};

/* Once, before any thread starts: self-tests the CPU's AES (mbedTLS before 3.6.4
 * detects it racily), starts PSA where there is one. */
int tls_start(void);

/* Session tickets for our own clients, shared by all loops. */
struct tls_shared *tls_shared_new(void);
void tls_shared_free(struct tls_shared *s);

/* Config for connections to upstreams: chain and name are always verified
 * against roots; at least TLS 1.2; sessions are resumed by host and port. */
struct tls_client *tls_client_new(const struct roots *roots);
void tls_client_free(struct tls_client *c);

/* Config for our listeners.  fixed: one leaf for everybody; or NULL and leaves
 * come from cache by SNI.  Both are borrowed. */
struct tls_server *tls_server_new(struct tls_shared *shared,
    struct cache *cache, const struct leaf *fixed);
void tls_server_free(struct tls_server *s);

/* A session; NULL: no memory, or a name that cannot be set.  Encrypted output is
 * appended to *out by every call below, so flush it after each. */
struct tls *tls_connect(struct tls_client *c, const char *host, unsigned port);
/* host: whom the client asked us for before TLS began; it decides which leaf, whatever
 * SNI says.  NULL or "": nobody, SNI decides. */
struct tls *tls_accept(struct tls_server *s, const char *host);
void tls_free(struct tls *t);		/* safe on NULL */
void tls_set_out(struct tls *t, struct bytes *out);

/* Lends encrypted input; every byte of it is used up once handshake or read
 * has answered TLS_WANT. */
void tls_feed(struct tls *t, const void *p, size_t n);

enum tls_result tls_handshake(struct tls *t);
bool tls_is_ready(const struct tls *t);

/* Up to cap plaintext bytes; *n > 0 exactly when TLS_OK. */
enum tls_result tls_read(struct tls *t, void *p, size_t cap, size_t *n);

/* Encrypts all of p[0..n). */
enum tls_result tls_write(struct tls *t, const void *p, size_t n);

/* Appends close_notify, once. */
void tls_close(struct tls *t);

/* The name that our client asked for (SNI), lower case and without a final dot; "":
 * none, or none that a host could have.  Known once tls_is_ready. */
const char *tls_sni(const struct tls *t);

/* Makes c refuse chains that this CA has signed, be it trusted or not: they are our
 * own.  Once, before the first session.  False: no memory. */
bool tls_client_shun(struct tls_client *c, const struct ca *ca);
bool tls_error_is_loop(const struct tls *t);

bool tls_resumed(const struct tls *t);
const char *tls_version(const struct tls *t);	/* "TLSv1.2", "TLSv1.3" */
const char *tls_error(const struct tls *t);
bool tls_error_is_certificate(const struct tls *t);

#endif
