/* cert.h - X.509 certificates as we write them (RFC 5280), and read our own CA's.
 *
 * Written here and not with mbedTLS: its 2.28.3 writes signature algorithms of EC
 * keys against RFC 5758, and neither version writes name constraints.  Read
 * here, too, since mbedTLS refuses critical name constraints.
 *
 * Form: P-256 keys, ECDSA with SHA-256.
 */
#ifndef TRACETAPE_CERTS_CERT_H
#define TRACETAPE_CERTS_CERT_H

#include <time.h>

#include "certs/mbed.h"
#include "certs/name.h"
#include "store/bytes.h"

enum {
	CERT_SERIAL_BYTES = 16,
	CERT_KEYID_BYTES = 20,
	CERT_CN_MAX = 64,	/* ub-common-name */
};

/* What stands in a certificate.  All is borrowed. */
struct cert {
	enum { CERT_LEAF, CERT_CA } kind;
	uint8_t serial[CERT_SERIAL_BYTES];
	time_t not_before;		/* both are inside */
	time_t not_after;
	struct slice issuer;		/* a Name in DER */
	struct slice subject;
	struct slice issuer_keyid;	/* leaf only */
	uint8_t point[MBED_P256_POINT];	/* the subject's public key */
	const struct name *names;	/* leaf: the hosts that it is for, > 0 */
	size_t n_names;			/* CA: what it may speak for, > 0 */
};

/* Appends the certificate, signed by signer.  0, ENOMEM, or mbedTLS's. */
int cert_write(struct bytes *out, const struct cert *c,
    mbedtls_pk_context *signer, struct mbed_rng *rng);

/* Appends a Name: CN=cn, which is UTF-8 and at most CERT_CN_MAX bytes; NULL: the
 * program's name, not as a CN. */
void cert_put_name(struct bytes *out, const char *cn);

/* RFC 7093 2 (1): the first 160 bits of SHA-256 over the public key. */
int cert_keyid(const uint8_t point[MBED_P256_POINT],
    uint8_t keyid[CERT_KEYID_BYTES]);

/* A random one; never zero, since serials are positive (RFC 5280 4.1.2.2). */
int cert_make_serial(struct cert *c, struct mbed_rng *rng);

void cert_put_pem(struct bytes *pem, struct slice der);

/* What one reads in a CA's certificate.  Slices point into the DER. */
struct cert_view {
	struct slice tbs;		/* the signed bytes */
	struct slice signature;
	struct slice subject;
	struct slice point;
	struct slice keyid;		/* missing: no subjectKeyIdentifier */
	struct slice constraints;	/* NameConstraints; missing: none, or
					 * not critical */
	time_t not_before;
	time_t not_after;
	bool is_ca;
};

/* 0 or CERTS_CERT_BAD: not a certificate with a P-256 key and signature. */
int cert_read(struct cert_view *v, const void *der, size_t len);

/* The permitted names, at most cap; *n is how many there are.  0 or
 * CERTS_CERT_BAD. */
int cert_read_permitted(const struct cert_view *v, struct name *names,
    size_t cap, size_t *n);

/* 0 when key made the signature, which in a CA's certificate is its own. */
int cert_verify(const struct cert_view *v, mbedtls_pk_context *key);

#endif
