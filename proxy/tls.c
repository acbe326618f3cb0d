#include "proxy/tls.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "certs/cache.h"
#include "certs/leaf.h"
#include "certs/mbed.h"
#include "certs/roots.h"
#include "proxy/sessions.h"

struct tls_shared {
	mbedtls_ssl_ticket_context tickets;
	struct mbed_rng rng;
};

struct tls_client {
	mbedtls_ssl_config conf;
	struct mbed_rng rng;
	struct sessions sessions;
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
	} peer;
	enum { CLOSE_UNSENT, CLOSE_SENT } closing;
	int rc;				/* mbedTLS's, of the failure */
	char key[SESSIONS_KEY_MAX];	/* host:port, for resumption */
	char subject[128];		/* of the upstream's leaf */
	char error[512];
};

/* Never h2: we do not speak it, and Node 26 would take it. */
static const char *alpn[] = { "http/1.1", NULL };

int
tls_start(void)
{
	static const uint8_t zero[16];
	mbedtls_aes_context aes;
	uint8_t out[16];
	int rc;

	mbedtls_aes_init(&aes);
	rc = mbedtls_aes_setkey_enc(&aes, zero, 128);
	if (rc == 0)
		rc = mbedtls_aes_crypt_ecb(&aes, MBEDTLS_AES_ENCRYPT, zero, out);
	mbedtls_aes_free(&aes);
	return rc ? rc : mbed_start();
}

struct tls_shared *
tls_shared_new(void)
{
	struct tls_shared *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	mbedtls_ssl_ticket_init(&s->tickets);
	if (mbed_rng_init(&s->rng, "tracetape tickets") != 0 ||
	    mbedtls_ssl_ticket_setup(&s->tickets, mbedtls_ctr_drbg_random,
	    &s->rng.drbg, MBEDTLS_CIPHER_AES_256_GCM, 86400) != 0) {
		tls_shared_free(s);
		return NULL;
	}
	return s;
}

void
tls_shared_free(struct tls_shared *s)
{
	if (!s)
		return;
	mbedtls_ssl_ticket_free(&s->tickets);
	mbed_rng_fini(&s->rng);
	free(s);
}

static int
set_defaults(mbedtls_ssl_config *conf, int endpoint, struct mbed_rng *rng)
{
	int rc = mbedtls_ssl_config_defaults(conf, endpoint,
	    MBEDTLS_SSL_TRANSPORT_STREAM, MBEDTLS_SSL_PRESET_DEFAULT);

	if (rc)
		return rc;
	mbedtls_ssl_conf_rng(conf, mbedtls_ctr_drbg_random, &rng->drbg);
	mbed_conf_versions(conf);
	mbed_conf_groups(conf);
	return mbedtls_ssl_conf_alpn_protocols(conf, alpn);
}

struct tls_client *
tls_client_new(const struct roots *roots)
{
	struct tls_client *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	mbedtls_ssl_config_init(&c->conf);
	if (mbed_rng_init(&c->rng, "tracetape client") != 0 ||
	    set_defaults(&c->conf, MBEDTLS_SSL_IS_CLIENT, &c->rng) != 0) {
		tls_client_free(c);
		return NULL;
	}
	mbedtls_ssl_conf_authmode(&c->conf, MBEDTLS_SSL_VERIFY_REQUIRED);
	mbedtls_ssl_conf_ca_chain(&c->conf, roots_chain(roots), NULL);
	mbed_conf_tell_tickets(&c->conf);
	return c;
}

void
tls_client_free(struct tls_client *c)
{
	if (!c)
		return;
	sessions_fini(&c->sessions);
	mbedtls_ssl_config_free(&c->conf);
	mbed_rng_fini(&c->rng);
	free(c);
}

/* mbedTLS asks which certificate to show for this name.  The config does not say
 * for which session; server->current does. */
static int
on_sni(void *arg, mbedtls_ssl_context *ssl, const unsigned char *name,
    size_t len)
{
	struct tls_server *s = arg;
	const struct leaf *leaf;
	char host[256];

	if (!s->cache || len >= sizeof(host))
		return 0;
	memcpy(host, name, len);
	host[len] = '\0';
	if (cache_get(s->cache, host, &leaf) != 0)
		return 0;
	if (s->current->leaf) {
		/* Asked again, after a HelloRetryRequest: the first stands. */
		leaf_unref(leaf);
		return 0;
	}
	s->current->leaf = leaf;
	return mbedtls_ssl_set_hs_own_cert(ssl, leaf_crt(leaf), leaf_key(leaf));
}

struct tls_server *
tls_server_new(struct tls_shared *shared, struct cache *cache,
    const struct leaf *fixed)
{
	struct tls_server *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	mbedtls_ssl_config_init(&s->conf);
	if (mbed_rng_init(&s->rng, "tracetape server") != 0 ||
	    set_defaults(&s->conf, MBEDTLS_SSL_IS_SERVER, &s->rng) != 0)
		goto fail;
	s->cache = fixed ? NULL : cache;
	if (fixed)
		s->fallback = leaf_ref(fixed);
	else if (cache_get(cache, NULL, &s->fallback) != 0)
		goto fail;
	if (mbedtls_ssl_conf_own_cert(&s->conf, leaf_crt(s->fallback),
	    leaf_key(s->fallback)) != 0)
		goto fail;
	mbedtls_ssl_conf_sni(&s->conf, on_sni, s);
	mbedtls_ssl_conf_session_tickets_cb(&s->conf, mbedtls_ssl_ticket_write,
	    mbedtls_ssl_ticket_parse, &shared->tickets);
	return s;
fail:
	tls_server_free(s);
	return NULL;
}

void
tls_server_free(struct tls_server *s)
{
	if (!s)
		return;
	mbedtls_ssl_config_free(&s->conf);
	leaf_unref(s->fallback);
	mbed_rng_fini(&s->rng);
	free(s);
}

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

/* Remembers who the upstream says it is, for the error text. */
static int
on_verify(void *arg, mbedtls_x509_crt *crt, int depth, uint32_t *flags)
{
	struct tls *t = arg;

	(void)flags;
	if (depth != 0)
		return 0;
	t->peer = crt->issuer_raw.len == crt->subject_raw.len &&
	    memcmp(crt->issuer_raw.p, crt->subject_raw.p,
	    crt->issuer_raw.len) == 0 ? PEER_SELF_SIGNED : PEER_SEEN;
	if (mbedtls_x509_dn_gets(t->subject, sizeof(t->subject),
	    &crt->subject) < 0)
		t->subject[0] = '\0';
	return 0;
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
	mbedtls_ssl_set_verify(&t->ssl, on_verify, t);
	if (mbedtls_ssl_set_hostname(&t->ssl, host) != 0) {
		tls_free(t);
		return NULL;
	}
	snprintf(t->key, sizeof(t->key), "%s:%u", host, port);
	sessions_use(&c->sessions, t->key, &t->ssl);
	return t;
}

struct tls *
tls_accept(struct tls_server *s)
{
	struct tls *t = session_new(&s->conf);

	if (t)
		t->server = s;
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

static void
explain(struct tls *t, const char *doing)
{
	uint32_t bad = mbedtls_ssl_get_verify_result(&t->ssl);
	const char *what = NULL;
	char text[160];

	if (t->client && t->peer != PEER_UNSEEN && bad && bad != UINT32_MAX) {
		if (bad & MBEDTLS_X509_BADCERT_EXPIRED)
			what = "has expired";
		else if (bad & MBEDTLS_X509_BADCERT_FUTURE)
			what = "is not valid yet";
		else if (bad & MBEDTLS_X509_BADCERT_NOT_TRUSTED)
			what = t->peer == PEER_SELF_SIGNED ?
			    "is self-signed and not trusted" :
			    "is not signed by a trusted CA";
		else if (bad & MBEDTLS_X509_BADCERT_CN_MISMATCH)
			what = "is for another name";
		else
			what = "is not acceptable";
		snprintf(t->error, sizeof(t->error),
		    "the certificate %s (%s)", what, t->subject);
		return;
	}
	mbedtls_strerror(t->rc, text, sizeof(text));
	snprintf(t->error, sizeof(t->error), "TLS %s failed: %s", doing, text);
}

static enum tls_result
failed(struct tls *t, int rc, const char *doing)
{
	t->state = SESSION_FAILED;
	t->rc = rc;
	t->in_len = 0;
	explain(t, doing);
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
tls_error(const struct tls *t)
{
	return t->state == SESSION_FAILED ? t->error : NULL;
}

bool
tls_error_is_certificate(const struct tls *t)
{
	return t->state == SESSION_FAILED &&
	    t->rc == MBEDTLS_ERR_X509_CERT_VERIFY_FAILED;
}
