#include "proxy/tls_private.h"

#include <stdlib.h>
#include <string.h>

#include "certs/cache.h"
#include "certs/leaf.h"
#include "certs/roots.h"

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
	mbedtls_x509_crt_init(&c->shunned);
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
	mbedtls_x509_crt_free(&c->shunned);
	mbedtls_ssl_config_free(&c->conf);
	mbed_rng_fini(&c->rng);
	free(c);
}

/* What is no host name counts as none. */
static bool
take_sni(struct tls *t, const unsigned char *name, size_t len)
{
	if (len > 0 && name[len - 1] == '.')
		len--;
	if (len == 0 || len >= sizeof(t->sni))
		return false;
	for (size_t i = 0; i < len; i++) {
		bool is_upper = name[i] >= 'A' && name[i] <= 'Z';

		t->sni[i] = (char)(is_upper ? name[i] + 'a' - 'A' : name[i]);
		if (!strchr("abcdefghijklmnopqrstuvwxyz0123456789-_.",
		    t->sni[i]) || !t->sni[i]) {
			t->sni[0] = '\0';
			return false;
		}
	}
	t->sni[len] = '\0';
	return true;
}

/* mbedTLS asks which certificate to show for this name.  The config does not say
 * for which session; server->current does. */
static int
on_sni(void *arg, mbedtls_ssl_context *ssl, const unsigned char *name,
    size_t len)
{
	struct tls_server *s = arg;
	struct tls *t = s->current;
	const struct leaf *leaf;

	/* Asked again, after a HelloRetryRequest: the first stands; and so does
	 * what was chosen by tls_accept. */
	if (t->sni[0] || !take_sni(t, name, len) || t->leaf || !s->cache ||
	    cache_get(s->cache, t->sni, &leaf) != 0)
		return 0;
	t->leaf = leaf;
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
