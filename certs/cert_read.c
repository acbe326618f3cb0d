#include "certs/cert.h"

#include <string.h>

#include "certs/der.h"
#include "certs/error.h"
#include "certs/oids.h"

static bool
oid_is_one_of(struct der *d, struct slice oid)
{
	struct der in = der_take(d, DER_SEQUENCE);

	return der_oid_is(&in, oid) && der_is_at_end(&in);
}

static bool
read_public_key(struct cert_view *v, struct der *tbs)
{
	struct der spki = der_take(tbs, DER_SEQUENCE);
	struct der algorithm = der_take(&spki, DER_SEQUENCE);

	if (!der_oid_is(&algorithm, OID_EC_PUBLIC_KEY) ||
	    !der_oid_is(&algorithm, OID_P256))
		return false;
	v->point = der_take_bits(&spki);
	return !spki.failed && v->point.len == MBED_P256_POINT;
}

/* One Extension: what we do not look for is passed over. */
static bool
read_extension(struct cert_view *v, struct der *all)
{
	struct der ext = der_take(all, DER_SEQUENCE), value, in;
	struct slice oid;
	bool critical;

	in = der_take(&ext, DER_OID);
	oid = der_rest(&in);
	critical = der_take_true(&ext);
	value = der_take(&ext, DER_OCTET_STRING);
	if (ext.failed)
		return false;
	if (slice_eq(oid, OID_BASIC_CONSTRAINTS)) {
		in = der_take(&value, DER_SEQUENCE);
		v->is_ca = der_take_true(&in);
	} else if (slice_eq(oid, OID_SUBJECT_KEYID)) {
		in = der_take(&value, DER_OCTET_STRING);
		v->keyid = der_rest(&in);
	} else if (slice_eq(oid, OID_NAME_CONSTRAINTS) && critical) {
		in = der_take(&value, DER_SEQUENCE);
		v->constraints = der_rest(&in);
	} else {
		return true;
	}
	return !value.failed && !in.failed;
}

static bool
read_tbs(struct cert_view *v, struct der tbs)
{
	struct der validity, tagged, extensions;

	der_take(&tbs, DER_CONTEXT_OF(0));	/* version */
	der_take(&tbs, DER_INTEGER);		/* serial */
	if (!oid_is_one_of(&tbs, OID_ECDSA_SHA256))
		return false;
	der_take(&tbs, DER_SEQUENCE);		/* issuer */
	validity = der_take(&tbs, DER_SEQUENCE);
	v->not_before = der_take_time(&validity);
	v->not_after = der_take_time(&validity);
	v->subject = der_take_whole(&tbs, DER_SEQUENCE);
	if (validity.failed || !read_public_key(v, &tbs))
		return false;
	tagged = der_take(&tbs, DER_CONTEXT_OF(3));
	extensions = der_take(&tagged, DER_SEQUENCE);
	if (tbs.failed || extensions.failed)
		return false;
	while (!der_is_at_end(&extensions))
		if (!read_extension(v, &extensions))
			return false;
	return true;
}

int
cert_read(struct cert_view *v, const void *p, size_t len)
{
	struct der all = der_over(p, len);
	struct der cert = der_take(&all, DER_SEQUENCE), tbs;

	memset(v, 0, sizeof(*v));
	if (all.failed || !der_is_at_end(&all))
		return CERTS_CERT_BAD;
	v->tbs = der_take_whole(&cert, DER_SEQUENCE);
	if (cert.failed || !oid_is_one_of(&cert, OID_ECDSA_SHA256))
		return CERTS_CERT_BAD;
	v->signature = der_take_bits(&cert);
	if (cert.failed || !der_is_at_end(&cert))
		return CERTS_CERT_BAD;
	tbs = der_over(v->tbs.p, v->tbs.len);
	return read_tbs(v, der_take(&tbs, DER_SEQUENCE)) ? 0 : CERTS_CERT_BAD;
}

/* The base of a GeneralSubtree: true when it is of a kind that we know. */
static bool
read_base(struct name *n, struct der *subtree)
{
	struct slice s;
	struct der in;

	memset(n, 0, sizeof(*n));
	if (der_next_is(subtree, DER_CONTEXT(2))) {
		in = der_take(subtree, DER_CONTEXT(2));
		s = der_rest(&in);
		if (s.len == 0 || s.len > NAME_DNS_MAX)
			return false;
		n->kind = NAME_DNS;
		memcpy(n->dns, s.p, s.len);
		return true;
	}
	in = der_take(subtree, DER_CONTEXT(7));
	s = der_rest(&in);
	if (s.len != 8 && s.len != 32)
		return false;
	n->kind = NAME_IP;
	n->ip_len = s.len / 2;
	memcpy(n->ip, s.p, n->ip_len);
	memcpy(n->mask, s.p + n->ip_len, n->ip_len);
	return true;
}

int
cert_read_permitted(const struct cert_view *v, struct name *names, size_t cap,
    size_t *n)
{
	struct der all = der_over(v->constraints.p, v->constraints.len);
	struct der permitted, subtree;
	struct name name;

	*n = 0;
	permitted = der_take(&all, DER_CONTEXT_OF(0));
	while (!der_is_at_end(&permitted)) {
		subtree = der_take(&permitted, DER_SEQUENCE);
		if (!read_base(&name, &subtree))
			return CERTS_CERT_BAD;
		if (*n < cap)
			names[*n] = name;
		++*n;
	}
	return permitted.failed || *n == 0 ? CERTS_CERT_BAD : 0;
}

int
cert_verify(const struct cert_view *v, mbedtls_pk_context *key)
{
	uint8_t hash[MBED_SHA256];
	int rc = mbed_sha256(v->tbs.p, v->tbs.len, hash);

	if (rc)
		return rc;
	return mbedtls_pk_verify(key, MBEDTLS_MD_SHA256, hash, sizeof(hash),
	    (const unsigned char *)v->signature.p, v->signature.len);
}
