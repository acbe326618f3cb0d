/* roots.h - the certificates that upstreams are verified against: the system's trust
 * store and a file of the operator's.
 *
 * Thread:  never changes once loaded; any number of configs may share it.
 * Memory:  some 3 KiB a certificate, 450 KiB for Debian's.
 * Errors:  int rc for certs_strerror.
 * Time:    loading takes 5 to 10 ms; do it once.
 */
#ifndef TRACETAPE_CERTS_ROOTS_H
#define TRACETAPE_CERTS_ROOTS_H

#include <stddef.h>

#include "certs/mbed.h"

struct roots;

/* $SSL_CERT_FILE when it is set, else the first bundle found where systems keep
 * theirs; and extra (PEM or DER), unless that is NULL.  Some certificates
 * of the system's may be beyond us (roots_n_unusable); of extra, none may be.
 * errno values, CERTS_ROOTS_BAD, CERTS_FILE_LARGE: *bad names the file at
 * fault, which lives as long as extra and the environment.  CERTS_NO_ROOTS
 * when there is no system's bundle and extra is NULL. */
int roots_load(struct roots **r, const char *extra, const char **bad);
void roots_free(struct roots *r);	/* safe on NULL */

/* For mbedtls_ssl_conf_ca_chain, which only reads it. */
mbedtls_x509_crt *roots_chain(const struct roots *r);
size_t roots_n(const struct roots *r);		/* certificates */
size_t roots_n_unusable(const struct roots *r);	/* ... mbedTLS cannot parse */
const char *roots_system_file(const struct roots *r);	/* NULL: none */

#endif
