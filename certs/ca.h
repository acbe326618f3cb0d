/* ca.h - the local certificate authority: a P-256 key that may speak for a few hosts.
 *
 * Files:     DIR/ca.key (0600) and DIR/ca.pem (0644) in a directory of 0700, and
 *            DIR/ca.lock.  Programs that start together end up with the same CA; one
 *            that dies half-way leaves nothing that the next cannot put right.
 *            ca.key is refused when others may read it.
 * Content:   10 years, pathlen 0, critical name constraints: verifiers refuse what
 *            the key signs for any other host, even if it is stolen.
 * Thread:    ca_issue belongs to one thread at a time; the rest is read-only.
 * Ownership: counted references; a leaf holds one for its key.
 * Errors:    int rc for certs_strerror.
 * Time:      opening may wait for another program that is making the CA, and makes
 *            keys: some 5 ms.
 */
#ifndef TRACETAPE_CERTS_CA_H
#define TRACETAPE_CERTS_CA_H

#include <stdbool.h>
#include <time.h>

#include "certs/cert.h"

#define CA_KEY_FILE "ca.key"
#define CA_CERT_FILE "ca.pem"

enum {
	CA_DAYS = 3652,
	CA_LEAF_DAYS = 197,
	CA_BACKDATE_S = 3600,		/* for clients whose clock is behind */
};

struct ca;

/* Reads the CA of a directory.  CERTS_NO_CA when there is none. */
int ca_load(struct ca **ca, const char *dir);

/* The same, but makes directory and CA when there is none.  permit: what it may
 * speak for, as name_sets takes it; an existing CA keeps its own list. */
int ca_open(struct ca **ca, const char *dir, const char *const *permit,
    size_t n);

/* Makes a new CA in the place of what is there. */
int ca_rotate(struct ca **ca, const char *dir, const char *const *permit,
    size_t n);

struct ca *ca_ref(struct ca *ca);
void ca_unref(struct ca *ca);		/* safe on NULL */

/* False also for what is no host. */
bool ca_permits(const struct ca *ca, const char *host);

size_t ca_n_permitted(const struct ca *ca);
const struct name *ca_permitted(const struct ca *ca, size_t i);

struct slice ca_der(const struct ca *ca);	/* the certificate */
struct slice ca_pem(const struct ca *ca);
const uint8_t *ca_sha256(const struct ca *ca);	/* its fingerprint, 32 bytes */
time_t ca_not_before(const struct ca *ca);
time_t ca_not_after(const struct ca *ca);

/* Appends the DER of a leaf for names, all of which must be permitted: else
 * CERTS_OUTSIDE.  It is good for CA_LEAF_DAYS in all, from CA_BACKDATE_S before now,
 * but only while the CA is: CERTS_CA_EXPIRED when that is over. */
int ca_issue(struct ca *ca, const struct name *names, size_t n, time_t now,
    struct bytes *der);

/* The key of all the leaves that this object issues: made at opening, never on
 * disk.  Minting then costs one signature and no key. */
mbedtls_pk_context *ca_leaf_key(struct ca *ca);

#endif
