#include "certs/ca.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "certs/ca_files.h"
#include "certs/ca_make.h"
#include "certs/error.h"
#include "certs/pemfile.h"

struct ca {
	atomic_uint refs;
	struct mbed_rng rng;
	mbedtls_pk_context key;
	mbedtls_pk_context leaf_key;
	uint8_t leaf_point[MBED_P256_POINT];
	struct bytes der;
	struct bytes pem;		/* made anew: the file may hold more */
	struct cert_view view;		/* into der */
	struct name *permitted;
	size_t n_permitted;
	uint8_t sha256[MBED_SHA256];
};

static struct ca *
ca_new(void)
{
	struct ca *ca = calloc(1, sizeof(*ca));

	if (!ca)
		return NULL;
	atomic_init(&ca->refs, 1);
	mbedtls_pk_init(&ca->key);
	mbedtls_pk_init(&ca->leaf_key);
	if (mbed_rng_init(&ca->rng, "tracetape ca") != 0) {
		ca_unref(ca);
		return NULL;
	}
	return ca;
}

struct ca *
ca_ref(struct ca *ca)
{
	atomic_fetch_add(&ca->refs, 1);
	return ca;
}

void
ca_unref(struct ca *ca)
{
	if (!ca || atomic_fetch_sub(&ca->refs, 1) != 1)
		return;
	mbedtls_pk_free(&ca->key);
	mbedtls_pk_free(&ca->leaf_key);
	mbed_rng_fini(&ca->rng);
	bytes_fini(&ca->der);
	bytes_fini(&ca->pem);
	free(ca->permitted);
	free(ca);
}

static int
read_key(struct ca *ca, const struct bytes *pem)
{
	uint8_t point[MBED_P256_POINT];

	if (mbed_pk_parse(&ca->key, pem->p, pem->len + 1, &ca->rng) != 0 ||
	    mbed_pk_point(&ca->key, point) != 0)
		return CERTS_KEY_BAD;
	return 0;
}

static int
read_permitted(struct ca *ca)
{
	size_t n;

	if (cert_read_permitted(&ca->view, NULL, 0, &n) != 0)
		return CERTS_CA_FOREIGN;
	ca->permitted = calloc(n, sizeof(*ca->permitted));
	if (!ca->permitted)
		return ENOMEM;
	ca->n_permitted = n;
	return cert_read_permitted(&ca->view, ca->permitted, n, &n);
}

static int
unpack_cert(struct ca *ca, const struct bytes *pem)
{
	mbedtls_pem_context block;
	const uint8_t *der;
	size_t used, len;
	int rc;

	mbedtls_pem_init(&block);
	rc = mbedtls_pem_read_buffer(&block, "-----BEGIN CERTIFICATE-----",
	    "-----END CERTIFICATE-----", pem->p, NULL, 0, &used);
	if (rc == 0) {
		der = mbed_pem_data(&block, &len);
		bytes_put(&ca->der, der, len);
		cert_put_pem(&ca->pem, bytes_slice(&ca->der));
	}
	mbedtls_pem_free(&block);
	if (rc)
		return CERTS_CERT_BAD;
	return ca->der.failed || ca->pem.failed ? ENOMEM : 0;
}

/* The signature is checked because it finds any damage. */
static int
read_cert(struct ca *ca, const struct bytes *pem)
{
	uint8_t point[MBED_P256_POINT];
	int rc = unpack_cert(ca, pem);

	if (rc == 0)
		rc = cert_read(&ca->view, ca->der.p, ca->der.len);
	if (rc == 0)
		rc = mbed_pk_point(&ca->key, point);
	if (rc)
		return rc;
	if (memcmp(point, ca->view.point.p, sizeof(point)) != 0)
		return CERTS_CA_MISMATCH;
	if (cert_verify(&ca->view, &ca->key) != 0)
		return CERTS_CERT_BAD;
	if (!ca->view.is_ca || !ca->view.keyid.p || !ca->view.constraints.p)
		return CERTS_CA_FOREIGN;
	rc = read_permitted(ca);
	if (rc == 0)
		rc = mbed_sha256(ca->der.p, ca->der.len, ca->sha256);
	return rc;
}

static int
load(struct ca **out, const struct ca_files *f)
{
	struct bytes key = { 0 }, cert = { 0 };
	struct ca *ca = ca_new();
	int rc = ca ? ca_files_read(f, &key, &cert) : ENOMEM;

	if (rc == 0)
		rc = read_key(ca, &key);
	if (rc == 0)
		rc = read_cert(ca, &cert);
	if (rc == 0)
		rc = mbed_pk_generate(&ca->leaf_key, MBEDTLS_PK_ECDSA, &ca->rng);
	if (rc == 0)
		rc = mbed_pk_point(&ca->leaf_key, ca->leaf_point);
	pemfile_wipe(&key);
	bytes_fini(&cert);
	if (rc)
		ca_unref(ca);
	else
		*out = ca;
	return rc;
}

int
ca_load(struct ca **ca, const char *dir)
{
	struct ca_files f;
	int rc = ca_files_open(&f, dir, CA_FILES_EXISTING);

	*ca = NULL;
	if (rc)
		return rc;
	rc = ca_files_find(&f);
	if (rc == 0)
		rc = load(ca, &f);
	ca_files_close(&f);
	return rc;
}

enum when { WHEN_MISSING, ALWAYS };

static int
make_and_load(struct ca **ca, const char *dir, const char *const *permit,
    size_t n, enum when when)
{
	struct ca_files f = { -1, -1 };
	struct name *names = NULL;
	size_t n_names;
	int rc = name_sets(&names, &n_names, permit, n);

	*ca = NULL;
	if (rc == 0)
		rc = ca_files_open(&f, dir, CA_FILES_MAKE);
	if (rc)
		goto out;
	rc = ca_files_find(&f);
	if (when == ALWAYS || rc == CERTS_NO_CA)
		rc = ca_make(&f, names, n_names);
	if (rc == 0)
		rc = load(ca, &f);
out:
	ca_files_close(&f);
	free(names);
	return rc;
}

int
ca_open(struct ca **ca, const char *dir, const char *const *permit, size_t n)
{
	return make_and_load(ca, dir, permit, n, WHEN_MISSING);
}

int
ca_rotate(struct ca **ca, const char *dir, const char *const *permit, size_t n)
{
	return make_and_load(ca, dir, permit, n, ALWAYS);
}

/* Asking one. */

bool
ca_permits(const struct ca *ca, const char *host)
{
	struct name n;

	return name_host(&n, host) == 0 &&
	    name_is_covered(&n, ca->permitted, ca->n_permitted);
}

size_t
ca_n_permitted(const struct ca *ca)
{
	return ca->n_permitted;
}

const struct name *
ca_permitted(const struct ca *ca, size_t i)
{
	return &ca->permitted[i];
}

struct slice
ca_der(const struct ca *ca)
{
	return bytes_slice(&ca->der);
}

struct slice
ca_pem(const struct ca *ca)
{
	return bytes_slice(&ca->pem);
}

const uint8_t *
ca_sha256(const struct ca *ca)
{
	return ca->sha256;
}

time_t
ca_not_before(const struct ca *ca)
{
	return ca->view.not_before;
}

time_t
ca_not_after(const struct ca *ca)
{
	return ca->view.not_after;
}

/* A leaf never stands for a time that its CA does not. */
static int
set_dates(struct cert *c, const struct ca *ca, time_t now)
{
	if (now > ca->view.not_after)
		return CERTS_CA_EXPIRED;
	c->not_before = now - CA_BACKDATE_S;
	if (c->not_before < ca->view.not_before)
		c->not_before = ca->view.not_before;
	c->not_after = c->not_before + CA_LEAF_DAYS * (time_t)86400 - 1;
	if (c->not_after > ca->view.not_after)
		c->not_after = ca->view.not_after;
	return 0;
}

/* What goes into the subject, which clients do not look at: only the names count.
 * But OpenSSL and GnuTLS take a CN for a DNS name, and find it outside the
 * constraints, when there is no other: an address must have none. */
static const char *
common_name(const struct name *n)
{
	if (n->kind == NAME_IP || strlen(n->dns) > CERT_CN_MAX)
		return NULL;
	return n->dns;
}

int
ca_issue(struct ca *ca, const struct name *names, size_t n, time_t now,
    struct bytes *der)
{
	struct cert c = { .kind = CERT_LEAF, .names = names, .n_names = n };
	struct bytes subject = { 0 };
	int rc;

	for (size_t i = 0; i < n; i++)
		if (!name_is_covered(&names[i], ca->permitted, ca->n_permitted))
			return CERTS_OUTSIDE;
	cert_put_name(&subject, common_name(&names[0]));
	c.issuer = ca->view.subject;
	c.issuer_keyid = ca->view.keyid;
	c.subject = bytes_slice(&subject);
	memcpy(c.point, ca->leaf_point, sizeof(c.point));
	rc = set_dates(&c, ca, now);
	if (rc == 0)
		rc = cert_make_serial(&c, &ca->rng);
	if (rc == 0)
		rc = subject.failed ? ENOMEM :
		    cert_write(der, &c, &ca->key, &ca->rng);
	bytes_fini(&subject);
	return rc;
}

mbedtls_pk_context *
ca_leaf_key(struct ca *ca)
{
	return &ca->leaf_key;
}
