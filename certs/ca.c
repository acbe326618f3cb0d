#include "certs/ca.h"

#include <ctype.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "certs/ca_files.h"
#include "certs/error.h"
#include "certs/pemfile.h"

#define PEM_BEGIN "-----BEGIN CERTIFICATE-----\n"
#define PEM_END "-----END CERTIFICATE-----\n"

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

/* Making one. */

static bool
is_covered(const struct name *set, const struct name *by, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (name_is_within(set, &by[i]))
			return true;
	return false;
}

/* Leaves out what another entry covers: "*.a.example" beside "a.example". */
static int
parse_permit(struct name **out, size_t *n_out, const char *const *permit,
    size_t n)
{
	struct name *names;

	*out = NULL;
	*n_out = 0;
	if (n == 0 || n > CA_PERMIT_MAX)
		return CERTS_PERMIT;
	names = calloc(n, sizeof(*names));
	if (!names)
		return ENOMEM;
	for (size_t i = 0; i < n; i++) {
		if (name_set(&names[*n_out], permit[i]) != 0) {
			free(names);
			return CERTS_PERMIT;
		}
		if (!is_covered(&names[*n_out], names, *n_out))
			++*n_out;
	}
	*out = names;
	return 0;
}

/* Two CAs of one user, or of two machines, must differ in name: clients choose the
 * issuer by it. */
static int
make_cn(char cn[CERT_CN_MAX + 1], struct mbed_rng *rng)
{
	char host[40];
	uint8_t r[4];
	int rc = mbed_rng_fill(rng, r, sizeof(r));

	if (gethostname(host, sizeof(host)) < 0)
		strcpy(host, "localhost");
	host[sizeof(host) - 1] = '\0';
	for (char *p = host; *p; p++)
		if (!isalnum((unsigned char)*p) && *p != '.')
			*p = '-';
	snprintf(cn, CERT_CN_MAX + 1, "tracetape CA (%s, %02x%02x%02x%02x)",
	    host, r[0], r[1], r[2], r[3]);
	return rc;
}

/* A serial is positive (RFC 5280 4.1.2.2). */
static int
make_serial(struct cert *c, struct mbed_rng *rng)
{
	static const uint8_t zero[CERT_SERIAL_BYTES];
	int rc;

	do
		rc = mbed_rng_fill(rng, c->serial, sizeof(c->serial));
	while (rc == 0 && memcmp(c->serial, zero, sizeof(zero)) == 0);
	return rc;
}

static void
put_pem(struct bytes *pem, struct slice der)
{
	size_t len = 0, cap = der.len * 2 + 256;
	uint8_t *to = bytes_reserve(pem, cap);

	if (!to)
		return;
	if (mbedtls_pem_write_buffer(PEM_BEGIN, PEM_END,
	    (const unsigned char *)der.p, der.len, to, cap, &len) != 0)
		pem->failed = true;
	else
		pem->len += len - 1;		/* it counts the NUL */
}

static int
write_cert(struct bytes *pem, mbedtls_pk_context *key, struct mbed_rng *rng,
    const struct name *permitted, size_t n)
{
	struct cert c = { .kind = CERT_CA, .names = permitted, .n_names = n };
	struct bytes subject = { 0 }, der = { 0 };
	char cn[CERT_CN_MAX + 1];
	int rc = make_cn(cn, rng);

	cert_put_name(&subject, cn);
	c.issuer = c.subject = bytes_slice(&subject);
	c.not_before = time(NULL) - CA_BACKDATE_S;
	c.not_after = c.not_before + CA_DAYS * (time_t)86400 - 1;
	if (rc == 0)
		rc = make_serial(&c, rng);
	if (rc == 0)
		rc = mbed_pk_point(key, c.point);
	if (rc == 0)
		rc = subject.failed ? ENOMEM : cert_write(&der, &c, key, rng);
	if (rc == 0)
		put_pem(pem, bytes_slice(&der));
	bytes_fini(&subject);
	bytes_fini(&der);
	return rc == 0 && pem->failed ? ENOMEM : rc;
}

static int
make(const struct ca_files *f, const struct name *permitted, size_t n)
{
	struct bytes cert = { 0 };
	unsigned char key_pem[512];
	mbedtls_pk_context key;
	struct mbed_rng rng;
	int rc = mbed_rng_init(&rng, "tracetape ca key");

	mbedtls_pk_init(&key);
	if (rc == 0)
		rc = mbed_pk_generate_p256(&key, &rng);
	if (rc == 0)
		rc = mbedtls_pk_write_key_pem(&key, key_pem, sizeof(key_pem));
	if (rc == 0)
		rc = write_cert(&cert, &key, &rng, permitted, n);
	if (rc == 0)
		rc = ca_files_write(f, (struct slice){ (char *)key_pem,
		    strlen((char *)key_pem) }, bytes_slice(&cert));
	mbedtls_platform_zeroize(key_pem, sizeof(key_pem));
	mbedtls_pk_free(&key);
	mbed_rng_fini(&rng);
	bytes_fini(&cert);
	return rc;
}

/* Reading one. */

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
		put_pem(&ca->pem, bytes_slice(&ca->der));
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
		rc = mbed_pk_generate_p256(&ca->leaf_key, &ca->rng);
	if (rc == 0)
		rc = mbed_pk_warm(&ca->leaf_key, &ca->rng);
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
	int rc = parse_permit(&names, &n_names, permit, n);

	*ca = NULL;
	if (rc == 0)
		rc = ca_files_open(&f, dir, CA_FILES_MAKE);
	if (rc)
		goto out;
	rc = ca_files_find(&f);
	if (when == ALWAYS || rc == CERTS_NO_CA)
		rc = make(&f, names, n_names);
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
	    is_covered(&n, ca->permitted, ca->n_permitted);
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

int
ca_issue(struct ca *ca, const char *cn, const struct name *names, size_t n,
    time_t now, struct bytes *der)
{
	struct cert c = { .kind = CERT_LEAF, .names = names, .n_names = n };
	struct bytes subject = { 0 };
	int rc;

	for (size_t i = 0; i < n; i++)
		if (!is_covered(&names[i], ca->permitted, ca->n_permitted))
			return CERTS_OUTSIDE;
	cert_put_name(&subject, cn);
	c.issuer = ca->view.subject;
	c.issuer_keyid = ca->view.keyid;
	c.subject = bytes_slice(&subject);
	memcpy(c.point, ca->leaf_point, sizeof(c.point));
	rc = set_dates(&c, ca, now);
	if (rc == 0)
		rc = make_serial(&c, &ca->rng);
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
