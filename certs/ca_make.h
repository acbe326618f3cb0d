/* ca_make.h - makes a CA: a new key, and a certificate that it signs for itself.
 *
 * Errors: int rc for certs_strerror.
 */
#ifndef TRACETAPE_CERTS_CA_MAKE_H
#define TRACETAPE_CERTS_CA_MAKE_H

#include "certs/ca_files.h"
#include "certs/name.h"

/* Puts both into f; permitted[0..n) is all that it may speak for, n > 0. */
int ca_make(const struct ca_files *f, const struct name *permitted, size_t n);

#endif
