#include "certs/cert.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "certs/der.h"
#include "certs/oids.h"

#define PEM_BEGIN "-----BEGIN CERTIFICATE-----\n"
#define PEM_END "-----END CERTIFICATE-----\n"

static void
put_oid(struct bytes *b, struct slice oid)
{
	der_put(b, DER_OID, oid.p, oid.len);
}

/* RFC 5758 3.2: no parameters, not even NULL. */
static void
put_signature_algorithm(struct bytes *b)
{
	size_t seq = der_begin(b, DER_SEQUENCE);

	put_oid(b, OID_ECDSA_SHA256);
	der_end(b, seq);
}

/* RFC 5480 2. */
static void
put_public_key(struct bytes *b, const uint8_t point[MBED_P256_POINT])
{
	size_t spki = der_begin(b, DER_SEQUENCE);
	size_t algorithm = der_begin(b, DER_SEQUENCE);

	put_oid(b, OID_EC_PUBLIC_KEY);
	put_oid(b, OID_P256);
	der_end(b, algorithm);
	der_put_bits(b, point, MBED_P256_POINT, 0);
	der_end(b, spki);
}

static void
put_validity(struct bytes *b, time_t not_before, time_t not_after)
{
	size_t seq = der_begin(b, DER_SEQUENCE);

	der_put_time(b, not_before);
	der_put_time(b, not_after);
	der_end(b, seq);
}

static void
put_name(struct bytes *b, struct slice attribute, const char *text)
{
	size_t rdns = der_begin(b, DER_SEQUENCE);
	size_t rdn = der_begin(b, DER_SET);
	size_t pair = der_begin(b, DER_SEQUENCE);

	assert(strlen(text) <= CERT_CN_MAX);
	put_oid(b, attribute);
	der_put(b, DER_UTF8_STRING, text, strlen(text));
	der_end(b, pair);
	der_end(b, rdn);
	der_end(b, rdns);
}

void
cert_put_name(struct bytes *b, const char *cn)
{
	if (cn)
		put_name(b, OID_COMMON_NAME, cn);
	else
		put_name(b, OID_ORGANIZATION, "tracetape");
}

/* An extension holds its value as DER inside an octet string. */
struct extension {
	size_t seq;
	size_t value;
};

enum importance { NORMAL, CRITICAL };

static struct extension
extension_begin(struct bytes *b, struct slice oid, enum importance how)
{
	struct extension e;

	e.seq = der_begin(b, DER_SEQUENCE);
	put_oid(b, oid);
	if (how == CRITICAL)
		der_put_true(b);
	e.value = der_begin(b, DER_OCTET_STRING);
	return e;
}

static void
extension_end(struct bytes *b, struct extension e)
{
	der_end(b, e.value);
	der_end(b, e.seq);
}

/* A leaf's is empty: cA is FALSE by default, and DER leaves defaults out. */
static void
put_basic_constraints(struct bytes *b, const struct cert *c)
{
	struct extension e = extension_begin(b, OID_BASIC_CONSTRAINTS, CRITICAL);
	size_t seq = der_begin(b, DER_SEQUENCE);

	if (c->kind == CERT_CA) {
		der_put_true(b);
		der_put_unsigned(b, (const uint8_t *)"", 1);	/* pathlen 0 */
	}
	der_end(b, seq);
	extension_end(b, e);
}

static void
put_key_usage(struct bytes *b, const struct cert *c)
{
	struct extension e = extension_begin(b, OID_KEY_USAGE, CRITICAL);

	if (c->kind == CERT_CA)
		der_put_bits(b, "\x06", 1, 1);	/* keyCertSign, cRLSign */
	else
		der_put_bits(b, "\x80", 1, 7);	/* digitalSignature */
	extension_end(b, e);
}

/* In the CA, too: whoever steals its key cannot sign mail or programs. */
static void
put_extended_key_usage(struct bytes *b)
{
	struct extension e = extension_begin(b, OID_EXT_KEY_USAGE, NORMAL);
	size_t seq = der_begin(b, DER_SEQUENCE);

	put_oid(b, OID_SERVER_AUTH);
	der_end(b, seq);
	extension_end(b, e);
}

static int
put_key_ids(struct bytes *b, const struct cert *c)
{
	uint8_t keyid[CERT_KEYID_BYTES];
	int rc = cert_keyid(c->point, keyid);
	struct extension e;
	size_t seq;

	e = extension_begin(b, OID_SUBJECT_KEYID, NORMAL);
	der_put(b, DER_OCTET_STRING, keyid, sizeof(keyid));
	extension_end(b, e);
	if (c->kind == CERT_CA)
		return rc;
	e = extension_begin(b, OID_AUTHORITY_KEYID, NORMAL);
	seq = der_begin(b, DER_SEQUENCE);
	der_put(b, DER_CONTEXT(0), c->issuer_keyid.p, c->issuer_keyid.len);
	der_end(b, seq);
	extension_end(b, e);
	return rc;
}

enum { GENERAL_NAME_DNS = 2, GENERAL_NAME_IP = 7 };

static void
put_alt_names(struct bytes *b, const struct cert *c)
{
	struct extension e = extension_begin(b, OID_SUBJECT_ALT_NAME, NORMAL);
	size_t seq = der_begin(b, DER_SEQUENCE);

	for (size_t i = 0; i < c->n_names; i++) {
		const struct name *n = &c->names[i];

		if (n->kind == NAME_DNS)
			der_put(b, DER_CONTEXT(GENERAL_NAME_DNS), n->dns,
			    strlen(n->dns));
		else
			der_put(b, DER_CONTEXT(GENERAL_NAME_IP), n->ip, n->ip_len);
	}
	der_end(b, seq);
	extension_end(b, e);
}

static void
put_subtree(struct bytes *b, const struct name *n)
{
	size_t subtree = der_begin(b, DER_SEQUENCE), ip;

	if (n->kind == NAME_DNS) {
		der_put(b, DER_CONTEXT(GENERAL_NAME_DNS), n->dns,
		    strlen(n->dns));
	} else {
		ip = der_begin(b, DER_CONTEXT(GENERAL_NAME_IP));
		bytes_put(b, n->ip, n->ip_len);
		bytes_put(b, n->mask, n->ip_len);
		der_end(b, ip);
	}
	der_end(b, subtree);
}

/* A kind of name that has no permitted subtree at all is not constrained (RFC 5280
 * 4.2.1.10), so that it must be excluded as a whole. */
static void
put_excluded(struct bytes *b, bool dns, bool ip)
{
	static const struct name all_dns = { .kind = NAME_DNS };
	static const struct name all_ip4 = { .kind = NAME_IP, .ip_len = 4 };
	static const struct name all_ip6 = { .kind = NAME_IP, .ip_len = 16 };
	size_t subtrees = der_begin(b, DER_CONTEXT_OF(1));

	if (dns)
		put_subtree(b, &all_dns);
	if (ip) {
		put_subtree(b, &all_ip4);
		put_subtree(b, &all_ip6);
	}
	der_end(b, subtrees);
}

static void
put_name_constraints(struct bytes *b, const struct cert *c)
{
	struct extension e = extension_begin(b, OID_NAME_CONSTRAINTS, CRITICAL);
	size_t seq = der_begin(b, DER_SEQUENCE);
	size_t subtrees = der_begin(b, DER_CONTEXT_OF(0));
	bool dns = false, ip = false;

	for (size_t i = 0; i < c->n_names; i++) {
		put_subtree(b, &c->names[i]);
		if (c->names[i].kind == NAME_DNS)
			dns = true;
		else
			ip = true;
	}
	der_end(b, subtrees);
	if (!dns || !ip)
		put_excluded(b, !dns, !ip);
	der_end(b, seq);
	extension_end(b, e);
}

static int
put_extensions(struct bytes *b, const struct cert *c)
{
	size_t tagged = der_begin(b, DER_CONTEXT_OF(3));
	size_t seq = der_begin(b, DER_SEQUENCE);
	int rc;

	put_basic_constraints(b, c);
	put_key_usage(b, c);
	put_extended_key_usage(b);
	rc = put_key_ids(b, c);
	if (c->kind == CERT_CA)
		put_name_constraints(b, c);
	else
		put_alt_names(b, c);
	der_end(b, seq);
	der_end(b, tagged);
	return rc;
}

static int
put_tbs(struct bytes *b, const struct cert *c)
{
	size_t tbs = der_begin(b, DER_SEQUENCE);
	size_t version = der_begin(b, DER_CONTEXT_OF(0));
	int rc;

	der_put_unsigned(b, (const uint8_t *)"\x02", 1);	/* v3 */
	der_end(b, version);
	der_put_unsigned(b, c->serial, sizeof(c->serial));
	put_signature_algorithm(b);
	bytes_put_slice(b, c->issuer);
	put_validity(b, c->not_before, c->not_after);
	bytes_put_slice(b, c->subject);
	put_public_key(b, c->point);
	rc = put_extensions(b, c);
	der_end(b, tbs);
	return rc;
}

int
cert_write(struct bytes *out, const struct cert *c, mbedtls_pk_context *signer,
    struct mbed_rng *rng)
{
	uint8_t hash[MBED_SHA256], sig[MBEDTLS_PK_SIGNATURE_MAX_SIZE];
	size_t begin = der_begin(out, DER_SEQUENCE), sig_len;
	int rc;

	assert(c->n_names > 0);
	rc = put_tbs(out, c);
	if (rc == 0 && out->failed)
		rc = ENOMEM;
	if (rc == 0)
		rc = mbed_sha256(out->p + begin, out->len - begin, hash);
	if (rc == 0)
		rc = mbed_pk_sign(signer, hash, sig, &sig_len, rng);
	if (rc)
		return rc;
	put_signature_algorithm(out);
	der_put_bits(out, sig, sig_len, 0);
	der_end(out, begin);
	return out->failed ? ENOMEM : 0;
}

int
cert_keyid(const uint8_t point[MBED_P256_POINT],
    uint8_t keyid[CERT_KEYID_BYTES])
{
	uint8_t hash[MBED_SHA256];
	int rc = mbed_sha256(point, MBED_P256_POINT, hash);

	memcpy(keyid, hash, CERT_KEYID_BYTES);
	return rc;
}

int
cert_make_serial(struct cert *c, struct mbed_rng *rng)
{
	static const uint8_t zero[CERT_SERIAL_BYTES];
	int rc;

	do
		rc = mbed_rng_fill(rng, c->serial, sizeof(c->serial));
	while (rc == 0 && memcmp(c->serial, zero, sizeof(zero)) == 0);
	return rc;
}

void
cert_put_pem(struct bytes *pem, struct slice der)
{
	size_t len = 0, cap = der.len * 2 + 256;
	uint8_t *to = bytes_reserve(pem, cap);

	if (!to)
		return;
	if (mbedtls_pem_write_buffer(PEM_BEGIN, PEM_END,
	    (const unsigned char *)der.p, der.len, to, cap, &len) != 0)
		pem->failed = true;
	else
		pem->len += len - 1;		/* it counts the NUL */
}
