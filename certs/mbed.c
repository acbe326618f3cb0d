#include "certs/mbed.h"

#include <mbedtls/sha256.h>
#include <string.h>

#if MBEDTLS_VERSION_MAJOR < 3
#define mbedtls_sha256 mbedtls_sha256_ret
#endif

int
mbed_start(void)
{
#if MBEDTLS_VERSION_MAJOR >= 3
	return (int)psa_crypto_init();
#else
	return 0;
#endif
}

int
mbed_rng_init(struct mbed_rng *r, const char *who)
{
	mbedtls_entropy_init(&r->entropy);
	mbedtls_ctr_drbg_init(&r->drbg);
	return mbedtls_ctr_drbg_seed(&r->drbg, mbedtls_entropy_func, &r->entropy,
	    (const unsigned char *)who, strlen(who));
}

void
mbed_rng_fini(struct mbed_rng *r)
{
	mbedtls_ctr_drbg_free(&r->drbg);
	mbedtls_entropy_free(&r->entropy);
}

int
mbed_rng_fill(struct mbed_rng *r, void *p, size_t n)
{
	return mbedtls_ctr_drbg_random(&r->drbg, p, n);
}

int
mbed_sha256(const void *p, size_t n, uint8_t out[MBED_SHA256])
{
	return mbedtls_sha256(p, n, out, 0);
}

int
mbed_pk_parse(mbedtls_pk_context *key, const void *p, size_t len,
    struct mbed_rng *rng)
{
#if MBEDTLS_VERSION_MAJOR >= 3
	return mbedtls_pk_parse_key(key, p, len, NULL, 0,
	    mbedtls_ctr_drbg_random, &rng->drbg);
#else
	(void)rng;
	return mbedtls_pk_parse_key(key, p, len, NULL, 0);
#endif
}

int
mbed_pk_generate(mbedtls_pk_context *key, mbedtls_pk_type_t type,
    struct mbed_rng *rng)
{
	int rc = mbedtls_pk_setup(key, mbedtls_pk_info_from_type(type));

	if (rc)
		return rc;
	return mbedtls_ecp_gen_key(MBEDTLS_ECP_DP_SECP256R1, mbedtls_pk_ec(*key),
	    mbedtls_ctr_drbg_random, &rng->drbg);
}

int
mbed_pk_sign(mbedtls_pk_context *key, const uint8_t hash[MBED_SHA256],
    uint8_t *sig, size_t *len, struct mbed_rng *rng)
{
#if MBEDTLS_VERSION_MAJOR >= 3
	return mbedtls_pk_sign(key, MBEDTLS_MD_SHA256, hash, MBED_SHA256, sig,
	    MBEDTLS_PK_SIGNATURE_MAX_SIZE, len, mbedtls_ctr_drbg_random,
	    &rng->drbg);
#else
	return mbedtls_pk_sign(key, MBEDTLS_MD_SHA256, hash, MBED_SHA256, sig,
	    len, mbedtls_ctr_drbg_random, &rng->drbg);
#endif
}

int
mbed_pk_check_pair(const mbedtls_pk_context *pub, const mbedtls_pk_context *key,
    struct mbed_rng *rng)
{
#if MBEDTLS_VERSION_MAJOR >= 3
	return mbedtls_pk_check_pair(pub, key, mbedtls_ctr_drbg_random,
	    &rng->drbg);
#else
	(void)rng;
	return mbedtls_pk_check_pair(pub, key);
#endif
}

int
mbed_pk_point(const mbedtls_pk_context *key, uint8_t out[MBED_P256_POINT])
{
	const mbedtls_ecp_keypair *ec;
	size_t len;
	int rc;

	if (!mbedtls_pk_can_do(key, MBEDTLS_PK_ECDSA))
		return MBEDTLS_ERR_PK_TYPE_MISMATCH;
	ec = mbedtls_pk_ec(*key);
	if (ec->MBEDTLS_PRIVATE(grp).id != MBEDTLS_ECP_DP_SECP256R1)
		return MBEDTLS_ERR_PK_TYPE_MISMATCH;
	rc = mbedtls_ecp_point_write_binary(&ec->MBEDTLS_PRIVATE(grp),
	    &ec->MBEDTLS_PRIVATE(Q), MBEDTLS_ECP_PF_UNCOMPRESSED, &len, out,
	    MBED_P256_POINT);
	/* The point at infinity is written as one byte. */
	if (rc == 0 && len != MBED_P256_POINT)
		rc = MBEDTLS_ERR_PK_INVALID_PUBKEY;
	return rc;
}

bool
mbed_pk_is_shareable(const mbedtls_pk_context *key)
{
	if (mbedtls_pk_get_type(key) != MBEDTLS_PK_ECDSA)
		return true;
	return mbedtls_pk_ec(*key)->MBEDTLS_PRIVATE(grp).MBEDTLS_PRIVATE(T) != NULL;
}

const uint8_t *
mbed_pem_data(const mbedtls_pem_context *pem, size_t *len)
{
	*len = pem->MBEDTLS_PRIVATE(buflen);
	return pem->MBEDTLS_PRIVATE(buf);
}

static int
accept_extension(void *arg, const mbedtls_x509_crt *crt,
    const mbedtls_x509_buf *oid, int critical, const unsigned char *p,
    const unsigned char *end)
{
	(void)arg, (void)crt, (void)oid, (void)critical, (void)p, (void)end;
	return 0;
}

int
mbed_crt_add(mbedtls_x509_crt *chain, const void *der, size_t len)
{
	return mbedtls_x509_crt_parse_der_with_ext_cb(chain, der, len, 1,
	    accept_extension, NULL);
}

void
mbed_conf_versions(mbedtls_ssl_config *conf)
{
#if MBEDTLS_VERSION_MAJOR >= 3
	mbedtls_ssl_conf_min_tls_version(conf, MBEDTLS_SSL_VERSION_TLS1_2);
#else
	mbedtls_ssl_conf_min_version(conf, MBEDTLS_SSL_MAJOR_VERSION_3,
	    MBEDTLS_SSL_MINOR_VERSION_3);
#endif
}

/* P-521 first, as 2.28 orders them, would double the cost of a handshake.  The
 * large ones stay for the certificates that use them. */
void
mbed_conf_groups(mbedtls_ssl_config *conf)
{
#if MBEDTLS_VERSION_MAJOR >= 3
	static const uint16_t groups[] = {
		MBEDTLS_SSL_IANA_TLS_GROUP_X25519,
		MBEDTLS_SSL_IANA_TLS_GROUP_SECP256R1,
		MBEDTLS_SSL_IANA_TLS_GROUP_SECP384R1,
		MBEDTLS_SSL_IANA_TLS_GROUP_SECP521R1,
		MBEDTLS_SSL_IANA_TLS_GROUP_NONE
	};

	mbedtls_ssl_conf_groups(conf, groups);
#else
	static const mbedtls_ecp_group_id groups[] = {
		MBEDTLS_ECP_DP_CURVE25519,
		MBEDTLS_ECP_DP_SECP256R1,
		MBEDTLS_ECP_DP_SECP384R1,
		MBEDTLS_ECP_DP_SECP521R1,
		MBEDTLS_ECP_DP_NONE
	};

	mbedtls_ssl_conf_curves(conf, groups);
#endif
}

void
mbed_conf_tell_tickets(mbedtls_ssl_config *conf)
{
#if MBEDTLS_VERSION_NUMBER >= 0x03060100 && defined(MBEDTLS_SSL_PROTO_TLS1_3)
	mbedtls_ssl_conf_tls13_enable_signal_new_session_tickets(conf,
	    MBEDTLS_SSL_TLS1_3_SIGNAL_NEW_SESSION_TICKETS_ENABLED);
#else
	(void)conf;
#endif
}

bool
mbed_is_ticket(int rc)
{
#ifdef MBEDTLS_ERR_SSL_RECEIVED_NEW_SESSION_TICKET
	return rc == MBEDTLS_ERR_SSL_RECEIVED_NEW_SESSION_TICKET;
#else
	(void)rc;
	return false;
#endif
}
