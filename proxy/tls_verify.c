#include "proxy/tls_private.h"

#include <stdio.h>
#include <string.h>

#include "certs/ca.h"

bool
tls_client_shun(struct tls_client *c, const struct ca *ca)
{
	return mbed_crt_add(&c->shunned, ca_der(ca).p, ca_der(ca).len) == 0;
}

static bool
eq(const mbedtls_x509_buf *a, const mbedtls_x509_buf *b)
{
	return a->len == b->len && memcmp(a->p, b->p, a->len) == 0;
}

static bool
is_self_signed(const mbedtls_x509_crt *crt)
{
	return eq(&crt->issuer_raw, &crt->subject_raw);
}

/* The CA or what it has signed.  Another CA may have its name: the key decides.
 * Asked of every certificate, because the CA need not come with its leaf, and a
 * trusted copy of it may differ in all but the key. */
static bool
is_ours(struct tls_client *c, const mbedtls_x509_crt *crt)
{
	mbedtls_x509_crt *ca = &c->shunned;
	uint8_t hash[MBED_SHA256];

	if (ca->raw.len == 0)
		return false;
	if (eq(&crt->raw, &ca->raw))
		return true;
	if (!eq(&crt->issuer_raw, &ca->subject_raw) ||
	    crt->MBEDTLS_PRIVATE(sig_md) != MBEDTLS_MD_SHA256 ||
	    mbed_sha256(crt->tbs.p, crt->tbs.len, hash) != 0)
		return false;
	return mbedtls_pk_verify(&ca->pk, MBEDTLS_MD_SHA256, hash, sizeof(hash),
	    crt->MBEDTLS_PRIVATE(sig).p, crt->MBEDTLS_PRIVATE(sig).len) == 0;
}

/* Remembers who the upstream says it is, for the error text. */
int
tls_on_verify(void *arg, mbedtls_x509_crt *crt, int depth, uint32_t *flags)
{
	struct tls *t = arg;

	if (is_ours(t->client, crt)) {
		t->peer = PEER_OURSELVES;
		*flags |= MBEDTLS_X509_BADCERT_OTHER;
	}
	if (depth != 0)
		return 0;
	if (t->peer != PEER_OURSELVES)
		t->peer = is_self_signed(crt) ? PEER_SELF_SIGNED : PEER_SEEN;
	if (mbedtls_x509_dn_gets(t->subject, sizeof(t->subject),
	    &crt->subject) < 0)
		t->subject[0] = '\0';
	return 0;
}

void
tls_explain(struct tls *t, const char *doing)
{
	uint32_t bad = mbedtls_ssl_get_verify_result(&t->ssl);
	const char *what = NULL;
	char text[160];

	if (t->peer == PEER_OURSELVES) {
		snprintf(t->error, sizeof(t->error), "the upstream's certificate "
		    "was made by this very tracetape: the name leads back to "
		    "it; set upstream.resolve or upstream.dns");
		return;
	}
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

bool
tls_error_is_loop(const struct tls *t)
{
	return t->state == SESSION_FAILED && t->peer == PEER_OURSELVES;
}
