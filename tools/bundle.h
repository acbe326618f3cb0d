/* bundle.h - the system's roots and our CA as one PEM text.  SSL_CERT_FILE and the like
 * replace a client's roots: with our CA alone it would trust nobody else.
 *
 * Roots:  those that roots.h finds, so $SSL_CERT_FILE first, which may be a company's.
 *         It may also be a bundle of ours: then what is ours in it, and may be
 *         an older CA by now, is left out.
 * Errors: int rc for certs_strerror; *bad names the file at fault, or is NULL, and
 *         lives as long as file and the environment.
 */
#ifndef TRACETAPE_TOOLS_BUNDLE_H
#define TRACETAPE_TOOLS_BUNDLE_H

#include "certs/ca.h"
#include "store/bytes.h"
#include "tools/savefile.h"

#define BUNDLE_FILE "bundle.pem"	/* beside CA_CERT_FILE */

/* Appends it.  CERTS_NO_ROOTS, CERTS_ROOTS_BAD, CERTS_FILE_LARGE, errno values. */
int bundle_put(struct bytes *out, const struct ca *ca, const char **bad);

/* Makes file hold it, with mode 0644; one that does is left alone. */
int bundle_save(const struct ca *ca, const char *file, enum savefile_how how,
    const char **bad);

/* True when file holds what bundle_put would give. */
bool bundle_is_current(const struct ca *ca, const char *file);

#endif
