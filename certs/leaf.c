#include "certs/leaf.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "certs/error.h"
#include "certs/pemfile.h"

enum { LEAF_FILE_MAX = 1024 * 1024 };	/* bytes */

struct leaf {
	atomic_uint refs;
	struct ca *ca;			/* has the key; NULL: own_key is it */
	mbedtls_x509_crt crt;
	mbedtls_pk_context own_key;
	time_t not_after;
};

static struct leaf *
leaf_new(void)
{
	struct leaf *l = calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	atomic_init(&l->refs, 1);
	mbedtls_x509_crt_init(&l->crt);
	mbedtls_pk_init(&l->own_key);
	return l;
}

const struct leaf *
leaf_ref(const struct leaf *l)
{
	atomic_fetch_add(&((struct leaf *)l)->refs, 1);
	return l;
}

void
leaf_unref(const struct leaf *shared)
{
	struct leaf *l = (struct leaf *)shared;

	if (!l || atomic_fetch_sub(&l->refs, 1) != 1)
		return;
	mbedtls_x509_crt_free(&l->crt);
	mbedtls_pk_free(&l->own_key);
	ca_unref(l->ca);
	free(l);
}

static time_t
crt_not_after(const mbedtls_x509_crt *crt)
{
	const mbedtls_x509_time *t = &crt->valid_to;
	struct tm tm = { 0 };

	tm.tm_year = t->year - 1900;
	tm.tm_mon = t->mon - 1;
	tm.tm_mday = t->day;
	tm.tm_hour = t->hour;
	tm.tm_min = t->min;
	tm.tm_sec = t->sec;
	return timegm(&tm);
}

static int
mint(struct leaf *l, struct ca *ca, const struct name *names, size_t n,
    time_t now)
{
	struct bytes der = { 0 };
	int rc = ca_issue(ca, names, n, now, &der);

	if (rc == 0)
		rc = mbedtls_x509_crt_parse_der(&l->crt, der.p, der.len);
	bytes_fini(&der);
	if (rc)
		return rc;
	l->ca = ca_ref(ca);
	l->not_after = crt_not_after(&l->crt);
	return 0;
}

int
leaf_mint(const struct leaf **out, struct ca *ca, const char *const *hosts,
    size_t n, time_t now)
{
	struct name names[LEAF_HOSTS_MAX];
	struct leaf *l;
	int rc;

	assert(n > 0 && n <= LEAF_HOSTS_MAX);
	*out = NULL;
	for (size_t i = 0; i < n; i++)
		if ((rc = name_host(&names[i], hosts[i])) != 0)
			return rc;
	l = leaf_new();
	if (!l)
		return ENOMEM;
	rc = mint(l, ca, names, n, now);
	if (rc)
		leaf_unref(l);
	else
		*out = l;
	return rc;
}

/* Adds the next certificate of *pem and moves *pem behind it.  We only show the
 * chain, and the client judges it. */
static int
load_block(struct leaf *l, const uint8_t **pem)
{
	mbedtls_pem_context block;
	const uint8_t *der;
	size_t used, len;
	int rc;

	mbedtls_pem_init(&block);
	rc = mbedtls_pem_read_buffer(&block, "-----BEGIN CERTIFICATE-----",
	    "-----END CERTIFICATE-----", *pem, NULL, 0, &used);
	if (rc == 0) {
		*pem += used;
		der = mbed_pem_data(&block, &len);
		rc = mbed_crt_add(&l->crt, der, len);
	}
	mbedtls_pem_free(&block);
	return rc;
}

static int
load_cert(struct leaf *l, const char *file)
{
	struct bytes pem = { 0 };
	const uint8_t *p;
	int rc = pemfile_read(&pem, AT_FDCWD, file, LEAF_FILE_MAX, NULL);

	if (rc)
		goto out;
	p = pem.p;
	do
		rc = load_block(l, &p);
	while (rc == 0);
	/* None left, and at least one was there. */
	if (rc == MBEDTLS_ERR_PEM_NO_HEADER_FOOTER_PRESENT && l->crt.raw.p)
		rc = 0;
	else
		rc = CERTS_LEAF_CERT;
out:
	bytes_fini(&pem);
	return rc;
}

static int
load_key(struct leaf *l, const char *file, struct mbed_rng *rng)
{
	struct bytes pem = { 0 };
	int rc = pemfile_read(&pem, AT_FDCWD, file, LEAF_FILE_MAX, NULL);

	if (rc == 0)
		rc = mbed_pk_parse(&l->own_key, pem.p, pem.len + 1, rng);
	if (rc == MBEDTLS_ERR_PK_PASSWORD_REQUIRED ||
	    rc == MBEDTLS_ERR_PEM_PASSWORD_REQUIRED)
		rc = CERTS_LEAF_PASSWORD;
	else if (rc < 0 && rc != CERTS_FILE_LARGE)
		rc = CERTS_LEAF_KEY;
	pemfile_wipe(&pem);
	return rc;
}

static int
load(struct leaf *l, const char *cert_file, const char *key_file,
    struct mbed_rng *rng, const char **bad)
{
	int rc = load_cert(l, cert_file);

	if (rc)
		return rc;
	*bad = key_file;
	rc = load_key(l, key_file, rng);
	if (rc)
		return rc;
	if (mbed_pk_check_pair(&l->crt.pk, &l->own_key, rng) != 0)
		return CERTS_LEAF_MISMATCH;
	l->not_after = crt_not_after(&l->crt);
	return 0;
}

int
leaf_load(const struct leaf **out, const char *cert_file, const char *key_file,
    const char **bad)
{
	struct leaf *l = leaf_new();
	struct mbed_rng rng;
	int rc;

	*out = NULL;
	*bad = cert_file;
	if (!l)
		return ENOMEM;
	rc = mbed_rng_init(&rng, "tracetape leaf");
	if (rc == 0)
		rc = load(l, cert_file, key_file, &rng, bad);
	mbed_rng_fini(&rng);
	if (rc)
		leaf_unref(l);
	else
		*out = l;
	return rc;
}

mbedtls_x509_crt *
leaf_crt(const struct leaf *l)
{
	return &((struct leaf *)l)->crt;
}

mbedtls_pk_context *
leaf_key(const struct leaf *l)
{
	return l->ca ? ca_leaf_key(l->ca) : &((struct leaf *)l)->own_key;
}

time_t
leaf_not_after(const struct leaf *l)
{
	return l->not_after;
}

bool
leaf_is_stale(const struct leaf *l, time_t now)
{
	return l->ca && now + LEAF_RENEW_S > l->not_after &&
	    l->not_after < ca_not_after(l->ca);
}
