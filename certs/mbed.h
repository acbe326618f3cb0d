/* mbed.h - mbedTLS 2.28 (Debian 12, Ubuntu 24.04) and 3.6 (Debian 13) under one set
 * of names: everything that the two spell differently stands here.
 *
 * Include this instead of mbedtls/ headers.
 * Errors:  mbedTLS's own codes: 0, or negative.
 * Thread:  like what they wrap: an object belongs to one thread at a time.
 */
#ifndef TRACETAPE_CERTS_MBED_H
#define TRACETAPE_CERTS_MBED_H

#include <mbedtls/version.h>

#if MBEDTLS_VERSION_MAJOR < 3
/* 3.x hides struct members behind this; 2.28 does not know it. */
#define MBEDTLS_PRIVATE(member) member
#endif

#include <mbedtls/aes.h>
#include <mbedtls/ctr_drbg.h>
#include <mbedtls/ecp.h>
#include <mbedtls/entropy.h>
#include <mbedtls/error.h>
#include <mbedtls/pem.h>
#include <mbedtls/pk.h>
#include <mbedtls/platform_util.h>
#include <mbedtls/ssl.h>
#include <mbedtls/ssl_ticket.h>
#include <mbedtls/x509_crt.h>
#if MBEDTLS_VERSION_MAJOR >= 3
#include <psa/crypto.h>
#endif

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MBED_P256_POINT = 65, MBED_SHA256 = 32 };	/* bytes */

/* Once, before any thread and after any fork: PSA, which TLS 1.3 needs. */
int mbed_start(void);

/* A generator of one's own, seeded from the system. */
struct mbed_rng {
	mbedtls_entropy_context entropy;
	mbedtls_ctr_drbg_context drbg;
};

int mbed_rng_init(struct mbed_rng *r, const char *who);
void mbed_rng_fini(struct mbed_rng *r);	/* also after a failed init */
int mbed_rng_fill(struct mbed_rng *r, void *p, size_t n);

int mbed_sha256(const void *p, size_t n, uint8_t out[MBED_SHA256]);

/* p[0..len) is PEM with its final NUL counted in len, or DER.  key must be
 * initialised.  Keys with a password are refused. */
int mbed_pk_parse(mbedtls_pk_context *key, const void *p, size_t len,
    struct mbed_rng *rng);

/* A P-256 key.  As MBEDTLS_PK_ECKEY it can be written to a file, but 2.28 copies it
 * for each signature; as MBEDTLS_PK_ECDSA it signs in half the time, with a
 * table that is made here. */
int mbed_pk_generate(mbedtls_pk_context *key, mbedtls_pk_type_t type,
    struct mbed_rng *rng);

/* sig holds MBEDTLS_PK_SIGNATURE_MAX_SIZE bytes. */
int mbed_pk_sign(mbedtls_pk_context *key, const uint8_t hash[MBED_SHA256],
    uint8_t *sig, size_t *len, struct mbed_rng *rng);

/* 0 when the two halves belong together. */
int mbed_pk_check_pair(const mbedtls_pk_context *pub,
    const mbedtls_pk_context *key, struct mbed_rng *rng);

/* The uncompressed public point; MBEDTLS_ERR_PK_TYPE_MISMATCH unless P-256. */
int mbed_pk_point(const mbedtls_pk_context *key, uint8_t out[MBED_P256_POINT]);

/* True when signatures only read the key, so that threads may share it: else 2.28
 * would make the table at the first one, without a lock. */
bool mbed_pk_is_shareable(const mbedtls_pk_context *key);

/* The bytes that a parsed PEM block held; they live as long as pem. */
const uint8_t *mbed_pem_data(const mbedtls_pem_context *pem, size_t *len);

/* Adds a certificate to chain, also one with critical extensions that mbedTLS does not
 * know, such as our CA's name constraints: to be shown or compared, not trusted. */
int mbed_crt_add(mbedtls_x509_crt *chain, const void *der, size_t len);

/* At least TLS 1.2; X25519, P-256, P-384, P-521 in this order. */
void mbed_conf_versions(mbedtls_ssl_config *conf);
void mbed_conf_groups(mbedtls_ssl_config *conf);

/* Makes reads and writes of a TLS 1.3 client answer mbed_is_ticket codes, which are
 * news, not errors: keep the session and call again. */
void mbed_conf_tell_tickets(mbedtls_ssl_config *conf);
bool mbed_is_ticket(int rc);

#endif
