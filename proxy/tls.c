#include "proxy/tls.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "certs/cache.h"
#include "certs/leaf.h"
#include "proxy/tls_private.h"

static int
bio_send(void *arg, const unsigned char *p, size_t n)
{
	struct tls *t = arg;

	bytes_put(t->out, p, n);
	return t->out->failed ? MBEDTLS_ERR_SSL_ALLOC_FAILED : (int)n;
}

static int
bio_recv(void *arg, unsigned char *p, size_t n)
{
	struct tls *t = arg;

	if (t->in_len == 0)
		return MBEDTLS_ERR_SSL_WANT_READ;
	if (n > t->in_len)
		n = t->in_len;
	memcpy(p, t->in, n);
	t->in += n;
	t->in_len -= n;
	return (int)n;
}

static struct tls *
session_new(const mbedtls_ssl_config *conf)
{
	struct tls *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	mbedtls_ssl_init(&t->ssl);
	if (mbedtls_ssl_setup(&t->ssl, conf) != 0) {
		tls_free(t);
		return NULL;
	}
	mbedtls_ssl_set_bio(&t->ssl, t, bio_send, bio_recv, NULL);
	return t;
}

struct tls *
tls_connect(struct tls_client *c, const char *host, unsigned port)
{
	struct tls *t;

	/* Without a name 2.28 would accept any valid certificate. */
	if (!host || !*host || !(t = session_new(&c->conf)))
		return NULL;
	t->client = c;
	mbedtls_ssl_set_verify(&t->ssl, tls_on_verify, t);
	if (mbedtls_ssl_set_hostname(&t->ssl, host) != 0) {
		tls_free(t);
		return NULL;
	}
	snprintf(t->key, sizeof(t->key), "%s:%u", host, port);
	sessions_use(&c->sessions, t->key, &t->ssl);
	return t;
}

struct tls *
tls_accept(struct tls_server *s, const char *host)
{
	struct tls *t = session_new(&s->conf);

	if (!t)
		return NULL;
	t->server = s;
	if (host && host[0] && s->cache &&
	    cache_get(s->cache, host, &t->leaf) == 0 &&
	    mbedtls_ssl_set_hs_own_cert(&t->ssl, leaf_crt(t->leaf),
	    leaf_key(t->leaf)) != 0) {
		tls_free(t);
		return NULL;
	}
	return t;
}

void
tls_free(struct tls *t)
{
	if (!t)
		return;
	mbedtls_ssl_free(&t->ssl);
	leaf_unref(t->leaf);
	free(t);
}

void
tls_set_out(struct tls *t, struct bytes *out)
{
	t->out = out;
}

void
tls_feed(struct tls *t, const void *p, size_t n)
{
	assert(t->in_len == 0);
	t->in = p;
	t->in_len = n;
}

static enum tls_result
failed(struct tls *t, int rc, const char *doing)
{
	t->state = SESSION_FAILED;
	t->rc = rc;
	t->in_len = 0;
	tls_explain(t, doing);
	return TLS_FAILED;
}

/* The upstream gave a ticket: keep the session.  Answered by read, write and
 * handshake alike, which are then called again. */
static bool
took_ticket(struct tls *t, int rc)
{
	if (!mbed_is_ticket(rc))
		return false;
	if (t->client)
		sessions_keep(&t->client->sessions, t->key, &t->ssl);
	return true;
}

enum tls_result
tls_handshake(struct tls *t)
{
	int rc;

	if (t->state == SESSION_FAILED)
		return TLS_FAILED;
	if (t->server)
		t->server->current = t;
	do
		rc = mbedtls_ssl_handshake(&t->ssl);
	while (took_ticket(t, rc) ||
	    (rc == MBEDTLS_ERR_SSL_WANT_READ && t->in_len > 0));
	if (t->server)
		t->server->current = NULL;
	if (rc == MBEDTLS_ERR_SSL_WANT_READ)
		return TLS_WANT;
	if (rc != 0)
		return failed(t, rc, "handshake");
	t->state = SESSION_OPEN;
	leaf_unref(t->leaf);
	t->leaf = NULL;
	if (t->client && strcmp(tls_version(t), "TLSv1.2") == 0)
		sessions_keep(&t->client->sessions, t->key, &t->ssl);
	return TLS_OK;
}

bool
tls_is_ready(const struct tls *t)
{
	return t->state == SESSION_OPEN;
}

enum tls_result
tls_read(struct tls *t, void *p, size_t cap, size_t *n)
{
	int rc;

	*n = 0;
	if (t->state == SESSION_EOF || t->state == SESSION_FAILED) {
		t->in_len = 0;
		return t->state == SESSION_EOF ? TLS_EOF : TLS_FAILED;
	}
	/* WANT_READ with input left: a record that carried no data for us. */
	do
		rc = mbedtls_ssl_read(&t->ssl, p, cap);
	while (took_ticket(t, rc) ||
	    ((rc == MBEDTLS_ERR_SSL_WANT_READ || rc == 0) && t->in_len > 0));
	if (rc > 0) {
		*n = (size_t)rc;
		return TLS_OK;
	}
	if (rc == MBEDTLS_ERR_SSL_WANT_READ || rc == 0)
		return TLS_WANT;	/* 0: an empty record */
	if (rc == MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY) {
		t->state = SESSION_EOF;
		t->in_len = 0;
		return TLS_EOF;
	}
	return failed(t, rc, "read");
}

enum tls_result
tls_write(struct tls *t, const void *p, size_t n)
{
	const unsigned char *from = p;
	int rc;

	while (n > 0) {
		/* Our send callback takes everything, so there is no WANT_WRITE. */
		rc = mbedtls_ssl_write(&t->ssl, from, n);
		if (took_ticket(t, rc))
			continue;
		if (rc <= 0)
			return failed(t, rc, "write");
		from += rc;
		n -= (size_t)rc;
	}
	return TLS_OK;
}

void
tls_close(struct tls *t)
{
	if (t->closing == CLOSE_SENT || t->state == SESSION_FAILED)
		return;
	t->closing = CLOSE_SENT;
	mbedtls_ssl_close_notify(&t->ssl);
}

bool
tls_resumed(const struct tls *t)
{
	return t->client && t->peer == PEER_UNSEEN &&
	    (t->state == SESSION_OPEN || t->state == SESSION_EOF);
}

const char *
tls_version(const struct tls *t)
{
	return mbedtls_ssl_get_version(&t->ssl);
}

const char *
tls_sni(const struct tls *t)
{
	return t->sni;
}
