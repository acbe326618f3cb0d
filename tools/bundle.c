#include "tools/bundle.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "certs/error.h"
#include "certs/pemfile.h"
#include "certs/roots.h"

enum { SYSTEM_MAX = 16 * 1024 * 1024 };	/* bytes of the system's roots */

/* What follows this line is ours, to the end. */
static const char mark[] = "# The CA of tracetape, which speaks only for the hosts "
    "it was made for:\n";

/* A shell may name our bundle before it is made, or after it has been removed, or
 * our CA alone: then the system's roots are meant. */
static void
forget_own_file(const struct ca *ca)
{
	const char *file = getenv("SSL_CERT_FILE");

	if (!file || !*file)
		return;
	if ((access(file, F_OK) < 0 && errno == ENOENT) ||
	    savefile_has(file, ca_pem(ca)))
		unsetenv("SSL_CERT_FILE");
}

/* Appends the certificates of file, without those that are ours. */
static int
put_system(struct bytes *out, const char *file)
{
	struct bytes pem = { 0 };
	const char *text, *ours;
	int rc = pemfile_read(&pem, AT_FDCWD, file, SYSTEM_MAX, NULL);

	if (rc)
		goto out;
	text = (const char *)pem.p;
	if (!strstr(text, "-----BEGIN CERTIFICATE-----")) {
		rc = CERTS_ROOTS_BAD;	/* DER is no beginning of a bundle */
		goto out;
	}
	ours = strstr(text, mark);
	bytes_put(out, text, ours ? (size_t)(ours - text) : strlen(text));
	if (out->len > 0 && out->p[out->len - 1] != '\n')
		bytes_putc(out, '\n');
out:
	bytes_fini(&pem);
	return rc;
}

/* The roots are parsed as well: half a file is not handed on. */
int
bundle_put(struct bytes *out, const struct ca *ca, const char **bad)
{
	struct roots *roots;
	int rc;

	forget_own_file(ca);
	rc = roots_load(&roots, NULL, bad);
	if (rc)
		return rc;
	*bad = roots_system_file(roots);
	roots_free(roots);
	rc = put_system(out, *bad);
	if (rc)
		return rc;
	*bad = NULL;
	bytes_puts(out, mark);
	bytes_put_slice(out, ca_pem(ca));
	return out->failed ? ENOMEM : 0;
}

int
bundle_save(const struct ca *ca, const char *file, enum savefile_how how,
    const char **bad)
{
	struct bytes pem = { 0 };
	int rc = bundle_put(&pem, ca, bad);

	if (rc == 0 && !savefile_has(file, bytes_slice(&pem))) {
		*bad = file;
		rc = savefile_put(file, how, bytes_slice(&pem));
	}
	bytes_fini(&pem);
	return rc;
}

bool
bundle_is_current(const struct ca *ca, const char *file)
{
	struct bytes pem = { 0 };
	const char *bad;
	bool is = bundle_put(&pem, ca, &bad) == 0 &&
	    savefile_has(file, bytes_slice(&pem));

	bytes_fini(&pem);
	return is;
}
