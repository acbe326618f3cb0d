#include "certs/roots.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "certs/error.h"
#include "certs/pemfile.h"

enum { ROOTS_FILE_MAX = 16 * 1024 * 1024 };	/* bytes */

struct roots {
	mbedtls_x509_crt chain;
	size_t n_unusable;
	const char *system_file;
};

static const char *const system_files[] = {
	"/etc/ssl/certs/ca-certificates.crt",		/* Debian, Alpine, Arch */
	"/etc/pki/tls/certs/ca-bundle.crt",		/* Fedora until 43, RHEL */
	"/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",	/* Fedora */
	"/etc/ssl/ca-bundle.pem",			/* SUSE */
	"/etc/ssl/cert.pem",				/* Alpine, macOS, BSDs */
};

static const char *
find_system_file(void)
{
	const char *file = getenv("SSL_CERT_FILE");

	if (file && *file)
		return file;
	for (size_t i = 0; i < sizeof(system_files) / sizeof(*system_files); i++)
		if (access(system_files[i], R_OK) == 0)
			return system_files[i];
	return NULL;
}

/* Adds the certificates of a file; *n_unusable are beyond mbedTLS. */
static int
add(struct roots *r, const char *file, size_t *n_unusable)
{
	struct bytes pem = { 0 };
	int rc = pemfile_read(&pem, AT_FDCWD, file, ROOTS_FILE_MAX, NULL);

	*n_unusable = 0;
	if (rc)
		goto out;
	rc = mbedtls_x509_crt_parse(&r->chain, pem.p, pem.len + 1);
	/* DER ends where it ends. */
	if (rc < 0)
		rc = mbedtls_x509_crt_parse(&r->chain, pem.p, pem.len);
	if (rc > 0) {
		*n_unusable = (size_t)rc;
		rc = 0;
	} else if (rc < 0) {
		rc = rc == MBEDTLS_ERR_X509_ALLOC_FAILED ? ENOMEM :
		    CERTS_ROOTS_BAD;
	}
out:
	bytes_fini(&pem);
	return rc;
}

static int
load(struct roots *r, const char *extra, const char **bad)
{
	size_t n_bad;
	int rc;

	r->system_file = find_system_file();
	if (!r->system_file && !extra)
		return CERTS_NO_ROOTS;
	*bad = r->system_file;
	if (r->system_file &&
	    (rc = add(r, r->system_file, &r->n_unusable)) != 0)
		return rc;
	*bad = extra;
	if (extra && (rc = add(r, extra, &n_bad)) != 0)
		return rc;
	if (extra && n_bad > 0)
		return CERTS_ROOTS_BAD;
	*bad = NULL;
	return 0;
}

int
roots_load(struct roots **out, const char *extra, const char **bad)
{
	struct roots *r = calloc(1, sizeof(*r));
	int rc;

	*out = NULL;
	*bad = NULL;
	if (!r)
		return ENOMEM;
	mbedtls_x509_crt_init(&r->chain);
	rc = load(r, extra, bad);
	if (rc)
		roots_free(r);
	else
		*out = r;
	return rc;
}

void
roots_free(struct roots *r)
{
	if (!r)
		return;
	mbedtls_x509_crt_free(&r->chain);
	free(r);
}

mbedtls_x509_crt *
roots_chain(const struct roots *r)
{
	return &((struct roots *)r)->chain;
}

size_t
roots_n(const struct roots *r)
{
	size_t n = 0;

	for (const mbedtls_x509_crt *c = &r->chain; c; c = c->next)
		n += c->raw.p != NULL;
	return n;
}

size_t
roots_n_unusable(const struct roots *r)
{
	return r->n_unusable;
}

const char *
roots_system_file(const struct roots *r)
{
	return r->system_file;
}
