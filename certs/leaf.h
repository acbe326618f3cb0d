/* leaf.h - a certificate with its key, as a TLS server shows it: minted by our CA, or
 * loaded from the operator's files.
 *
 * Thread:    never changes once made, so that many threads may use one in their
 *            handshakes; mbedTLS only reads it, though its types say otherwise.
 * Ownership: counted references.  A leaf must stay while a handshake runs that uses
 *            it, or a config that has it.
 * Errors:    int rc for certs_strerror.
 */
#ifndef TRACETAPE_CERTS_LEAF_H
#define TRACETAPE_CERTS_LEAF_H

#include <time.h>

#include "certs/ca.h"

struct leaf;

/* Mints a leaf for hosts[0..n), n > 0, names and addresses; 1 ms.  CERTS_NAME,
 * CERTS_OUTSIDE, CERTS_CA_EXPIRED, ENOMEM.  ca belongs to one thread at a time. */
int leaf_mint(const struct leaf **leaf, struct ca *ca,
    const char *const *hosts, size_t n, time_t now);

/* Loads PEM files: a certificate, followed by those that lead to its root, and its
 * key.  An expired one loads: see leaf_not_after.  errno values, CERTS_LEAF_*;
 * *bad names the file at fault. */
int leaf_load(const struct leaf **leaf, const char *cert_file,
    const char *key_file, const char **bad);

const struct leaf *leaf_ref(const struct leaf *l);
void leaf_unref(const struct leaf *l);	/* safe on NULL */

mbedtls_x509_crt *leaf_crt(const struct leaf *l);
mbedtls_pk_context *leaf_key(const struct leaf *l);
time_t leaf_not_after(const struct leaf *l);

/* True when another one should be minted: less than LEAF_RENEW_S are left, and the
 * CA could give more. */
bool leaf_is_stale(const struct leaf *l, time_t now);

enum { LEAF_RENEW_S = 14 * 86400, LEAF_HOSTS_MAX = 16 };

#endif
