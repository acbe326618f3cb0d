#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "certs/error.h"
#include "certs/leaf.h"
#include "tests/unit/scratch.h"

enum { DAY = 86400 };

static struct ca *
new_ca(void)
{
	static const char *const permit[] = { "api.openai.com", "localhost",
	    "127.0.0.1", "::1" };
	struct ca *ca;

	assert_int_equal(ca_open(&ca, "ca", permit, 4), 0);
	return ca;
}

static const struct leaf *
mint(struct ca *ca, const char *host)
{
	const struct leaf *l;

	assert_int_equal(leaf_mint(&l, ca, &host, 1, time(NULL)), 0);
	return l;
}

static int
try_mint(struct ca *ca, const char *host, time_t now)
{
	const struct leaf *l;
	int rc = leaf_mint(&l, ca, &host, 1, now);

	assert_int_equal(l == NULL, rc != 0);
	leaf_unref(l);
	return rc;
}

static void
write_pem(const struct leaf *l, const char *file)
{
	struct bytes pem = { 0 };

	cert_put_pem(&pem, (struct slice){ (char *)leaf_crt(l)->raw.p,
	    leaf_crt(l)->raw.len });
	assert_false(pem.failed);
	scratch_put(file, pem.p, pem.len);
	bytes_fini(&pem);
}

static void
it_is_for_its_host_and_signed_by_the_ca(void **state)
{
	struct ca *ca = new_ca();
	const struct leaf *l = mint(ca, "EU.api.openai.com.");
	const mbedtls_x509_crt *crt = leaf_crt(l);
	struct cert_view v, issuer;

	assert_int_equal(crt->subject_alt_names.buf.len, 17);
	assert_memory_equal(crt->subject_alt_names.buf.p, "eu.api.openai.com", 17);
	assert_null(crt->subject_alt_names.next);
	assert_int_equal(cert_read(&v, crt->raw.p, crt->raw.len), 0);
	assert_int_equal(cert_read(&issuer, ca_der(ca).p, ca_der(ca).len), 0);
	assert_false(v.is_ca);
	assert_int_equal(crt->issuer_raw.len, issuer.subject.len);
	assert_memory_equal(crt->issuer_raw.p, issuer.subject.p,
	    issuer.subject.len);
	assert_int_not_equal(cert_verify(&v, leaf_key(l)), 0);
	leaf_unref(l);
	ca_unref(ca);
}

static void
its_key_fits_and_may_be_shared_by_threads(void **state)
{
	uint8_t in_cert[MBED_P256_POINT], in_key[MBED_P256_POINT];
	struct ca *ca = new_ca();
	const struct leaf *a = mint(ca, "api.openai.com");
	const struct leaf *b = mint(ca, "localhost");

	assert_int_equal(mbed_pk_point(&leaf_crt(a)->pk, in_cert), 0);
	assert_int_equal(mbed_pk_point(leaf_key(a), in_key), 0);
	assert_memory_equal(in_cert, in_key, sizeof(in_key));
	assert_ptr_equal(leaf_key(a), leaf_key(b));
	assert_true(mbed_pk_is_shareable(leaf_key(a)));
	leaf_unref(a);
	leaf_unref(b);
	ca_unref(ca);
}

/* One end of a handshake in memory. */
struct end {
	mbedtls_ssl_config conf;
	mbedtls_ssl_context ssl;
	struct bytes in;
	struct end *peer;
};

static int
end_send(void *arg, const unsigned char *p, size_t n)
{
	bytes_put(&((struct end *)arg)->peer->in, p, n);
	return (int)n;
}

static int
end_recv(void *arg, unsigned char *p, size_t n)
{
	struct bytes *in = &((struct end *)arg)->in;

	if (in->len == 0)
		return MBEDTLS_ERR_SSL_WANT_READ;
	if (n > in->len)
		n = in->len;
	memcpy(p, in->p, n);
	bytes_shift(in, n);
	return (int)n;
}

static void
end_init(struct end *e, int side, struct mbed_rng *rng, struct end *peer)
{
	memset(e, 0, sizeof(*e));
	e->peer = peer;
	mbedtls_ssl_config_init(&e->conf);
	mbedtls_ssl_init(&e->ssl);
	assert_int_equal(mbedtls_ssl_config_defaults(&e->conf, side,
	    MBEDTLS_SSL_TRANSPORT_STREAM, MBEDTLS_SSL_PRESET_DEFAULT), 0);
	mbed_conf_versions(&e->conf);
	mbed_conf_groups(&e->conf);
	mbed_conf_tell_tickets(&e->conf);
	mbedtls_ssl_conf_rng(&e->conf, mbedtls_ctr_drbg_random, &rng->drbg);
}

static void
end_fini(struct end *e)
{
	mbedtls_ssl_free(&e->ssl);
	mbedtls_ssl_config_free(&e->conf);
	bytes_fini(&e->in);
}

/* The client verifies names and signatures, though mbedTLS does not know enough to
 * trust our CA: it must find just that. */
static void
it_serves_a_handshake(void **state)
{
	struct ca *ca = new_ca();
	const struct leaf *l = mint(ca, "api.openai.com");
	struct end client, server;
	struct mbed_rng rng;
	int c = 1, s = 1;

	assert_int_equal(mbed_rng_init(&rng, "test"), 0);
	end_init(&client, MBEDTLS_SSL_IS_CLIENT, &rng, &server);
	end_init(&server, MBEDTLS_SSL_IS_SERVER, &rng, &client);
	mbedtls_ssl_conf_authmode(&client.conf, MBEDTLS_SSL_VERIFY_OPTIONAL);
	mbedtls_ssl_conf_ca_chain(&client.conf, leaf_crt(l), NULL);
	assert_int_equal(mbedtls_ssl_conf_own_cert(&server.conf, leaf_crt(l),
	    leaf_key(l)), 0);
	assert_int_equal(mbedtls_ssl_setup(&client.ssl, &client.conf), 0);
	assert_int_equal(mbedtls_ssl_setup(&server.ssl, &server.conf), 0);
	assert_int_equal(mbedtls_ssl_set_hostname(&client.ssl, "api.openai.com"),
	    0);
	mbedtls_ssl_set_bio(&client.ssl, &client, end_send, end_recv, NULL);
	mbedtls_ssl_set_bio(&server.ssl, &server, end_send, end_recv, NULL);
	for (int i = 0; i < 20 && (c || s); i++) {
		if (c)
			c = mbedtls_ssl_handshake(&client.ssl);
		if (s)
			s = mbedtls_ssl_handshake(&server.ssl);
	}
	assert_int_equal(c, 0);
	assert_int_equal(s, 0);
	assert_int_equal(mbedtls_ssl_get_verify_result(&client.ssl),
	    MBEDTLS_X509_BADCERT_NOT_TRUSTED);
	end_fini(&client);
	end_fini(&server);
	mbed_rng_fini(&rng);
	leaf_unref(l);
	ca_unref(ca);
}

static void
it_lasts_197_days_from_an_hour_ago(void **state)
{
	struct ca *ca = new_ca();
	time_t now = time(NULL) + 7 * DAY;
	const char *host = "localhost";
	const struct leaf *l;
	struct cert_view v;

	assert_int_equal(leaf_mint(&l, ca, &host, 1, now), 0);
	assert_int_equal(cert_read(&v, leaf_crt(l)->raw.p, leaf_crt(l)->raw.len),
	    0);
	assert_int_equal(v.not_before, now - 3600);
	assert_int_equal(v.not_after - v.not_before + 1, 197 * DAY);
	assert_int_equal(leaf_not_after(l), v.not_after);
	leaf_unref(l);
	ca_unref(ca);
}

static void
it_never_outlives_its_ca(void **state)
{
	struct ca *ca = new_ca();
	time_t end = ca_not_after(ca);
	const char *host = "localhost";
	const struct leaf *l;

	assert_int_equal(leaf_mint(&l, ca, &host, 1, end - 3 * DAY), 0);
	assert_int_equal(leaf_not_after(l), end);
	/* Another one would end no later. */
	assert_false(leaf_is_stale(l, end - DAY));
	leaf_unref(l);
	assert_int_equal(try_mint(ca, host, end), 0);
	assert_int_equal(try_mint(ca, host, end + 1), CERTS_CA_EXPIRED);
	assert_non_null(strstr(certs_strerror(CERTS_CA_EXPIRED), "ca rotate"));
	ca_unref(ca);
}

static void
a_clock_that_went_back_makes_none_older_than_the_ca(void **state)
{
	struct ca *ca = new_ca();
	const char *host = "localhost";
	const struct leaf *l;
	struct cert_view v;

	assert_int_equal(leaf_mint(&l, ca, &host, 1, time(NULL) - 9 * DAY), 0);
	assert_int_equal(cert_read(&v, leaf_crt(l)->raw.p, leaf_crt(l)->raw.len),
	    0);
	assert_int_equal(v.not_before, ca_not_before(ca));
	leaf_unref(l);
	ca_unref(ca);
}

static void
it_is_stale_two_weeks_before_its_end(void **state)
{
	struct ca *ca = new_ca();
	const struct leaf *l = mint(ca, "localhost");

	assert_false(leaf_is_stale(l, time(NULL)));
	assert_false(leaf_is_stale(l, leaf_not_after(l) - 14 * DAY));
	assert_true(leaf_is_stale(l, leaf_not_after(l) - 14 * DAY + 1));
	leaf_unref(l);
	ca_unref(ca);
}

static void
a_host_outside_the_constraints_gets_none(void **state)
{
	static const char *const hosts[] = { "example.com", "openai.com",
	    "api.openai.com.example", "127.0.0.2", "::2", "com" };
	const char *mixed[] = { "localhost", "example.com" };
	struct ca *ca = new_ca();
	const struct leaf *l;

	for (size_t i = 0; i < sizeof(hosts) / sizeof(*hosts); i++)
		assert_int_equal(try_mint(ca, hosts[i], time(NULL)),
		    CERTS_OUTSIDE);
	assert_int_equal(leaf_mint(&l, ca, mixed, 2, time(NULL)), CERTS_OUTSIDE);
	assert_null(l);
	assert_int_equal(try_mint(ca, "*.api.openai.com", time(NULL)), CERTS_NAME);
	assert_non_null(strstr(certs_strerror(CERTS_OUTSIDE),
	    "tracetape ca rotate"));
	ca_unref(ca);
}

static void
serials_are_positive_and_differ(void **state)
{
	struct ca *ca = new_ca();
	uint8_t last[20] = { 0 };

	for (int i = 0; i < 64; i++) {
		const struct leaf *l = mint(ca, "localhost");
		const mbedtls_x509_buf *serial = &leaf_crt(l)->serial;

		assert_true(serial->len <= 17 && serial->len >= 12);
		assert_true(serial->p[0] < 0x80);
		assert_int_not_equal(memcmp(last, serial->p, 12), 0);
		memcpy(last, serial->p, 12);
		leaf_unref(l);
	}
	ca_unref(ca);
}

static void
it_outlives_the_caller_s_hold_on_the_ca(void **state)
{
	struct ca *ca = new_ca();
	const struct leaf *l = mint(ca, "localhost");
	uint8_t hash[MBED_SHA256] = { 1 }, sig[MBEDTLS_PK_SIGNATURE_MAX_SIZE];
	struct mbed_rng rng;
	size_t len;

	ca_unref(ca);
	assert_int_equal(mbed_rng_init(&rng, "test"), 0);
	assert_int_equal(mbed_pk_sign(leaf_key(l), hash, sig, &len, &rng), 0);
	mbed_rng_fini(&rng);
	leaf_ref(l);
	leaf_unref(l);
	leaf_unref(l);
	leaf_unref(NULL);
}

static void
openssl_accepts_it_for_its_host_alone(void **state)
{
	static const struct {
		const char *host;
		const char *option;
		const char *other;
	} cases[] = {
		{ "api.openai.com", "-verify_hostname", "eu.api.openai.com" },
		{ "us.api.openai.com", "-verify_hostname", "api.openai.com" },
		{ "localhost", "-verify_hostname", "localhost.example" },
		{ "127.0.0.1", "-verify_ip", "127.0.0.2" },
		{ "::1", "-verify_ip", "::2" },
		{ "a12345678901234567890123456789012345678901234567890.api.openai.com",
		    "-verify_hostname", "api.openai.com" },
	};
	static const char verify[] = "openssl verify -x509_strict -purpose "
	    "sslserver -CAfile ca/ca.pem";
	struct ca *ca = new_ca();

	if (!scratch_has("openssl")) {
		ca_unref(ca);
		skip();
	}
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const struct leaf *l = mint(ca, cases[i].host);

		write_pem(l, "leaf.pem");
		leaf_unref(l);
		assert_int_equal(scratch_sh("%s %s %s leaf.pem", verify,
		    cases[i].option, cases[i].host), 0);
		assert_int_not_equal(scratch_sh("%s %s %s leaf.pem", verify,
		    cases[i].option, cases[i].other), 0);
	}
	assert_int_not_equal(scratch_sh("openssl verify -purpose sslclient "
	    "-CAfile ca/ca.pem leaf.pem"), 0);
	ca_unref(ca);
}

static void
gnutls_accepts_it(void **state)
{
	static const char *const hosts[] = { "api.openai.com", "localhost",
	    "127.0.0.1" };
	struct ca *ca = new_ca();

	if (!scratch_has("certtool")) {
		ca_unref(ca);
		skip();
	}
	for (size_t i = 0; i < 3; i++) {
		const struct leaf *l = mint(ca, hosts[i]);

		write_pem(l, "leaf.pem");
		leaf_unref(l);
		assert_int_equal(scratch_sh("certtool --verify --verify-profile "
		    "medium --load-ca-certificate ca/ca.pem "
		    "--verify-purpose 1.3.6.1.5.5.7.3.1 --infile leaf.pem"), 0);
	}
	ca_unref(ca);
}

static void
openssl_reads_in_it_what_we_wrote(void **state)
{
	static const char *const lines[] = {
		"Basic Constraints: critical", "CA:FALSE", "Key Usage: critical",
		"Digital Signature", "TLS Web Server Authentication",
		"Authority Key Identifier", "Subject Key Identifier",
		"DNS:localhost, IP Address:127.0.0.1", "Subject: CN = localhost",
	};
	const char *hosts[] = { "localhost", "127.0.0.1" };
	struct ca *ca = new_ca();
	const struct leaf *l;

	assert_int_equal(leaf_mint(&l, ca, hosts, 2, time(NULL)), 0);
	write_pem(l, "leaf.pem");
	leaf_unref(l);
	ca_unref(ca);
	if (!scratch_has("openssl"))
		skip();
	assert_int_equal(scratch_sh("openssl x509 -text -noout -nameopt "
	    "oneline,-esc_msb -in leaf.pem >text"), 0);
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++)
		if (scratch_sh("grep -F '%s' text", lines[i]) != 0)
			fail_msg("%s", lines[i]);
	/* RFC 5758: nothing but the OID in both signature algorithms. */
	assert_int_equal(scratch_sh("openssl asn1parse -in leaf.pem | "
	    "grep -B1 -A1 ecdsa-with-SHA256 >algorithms && ! grep NULL algorithms "
	    "&& test $(grep -c 'l=  10 cons: SEQUENCE' algorithms) = 2"), 0);
}

/* A leaf that we would never mint, signed with our key by somebody else. */
static void
openssl_refuses_what_a_thief_signs_with_our_key(void **state)
{
	static const char *const thefts[] = {
		"subjectAltName=DNS:example.com",
		"subjectAltName=DNS:api.openai.com,DNS:example.com",
		"subjectAltName=DNS:openai.com",
		"subjectAltName=IP:10.0.0.1",
		"subjectAltName=IP:2001:db8::1",
		"basicConstraints=critical,CA:TRUE\nsubjectAltName=DNS:localhost",
	};
	struct ca *ca = new_ca();

	ca_unref(ca);
	if (!scratch_has("openssl"))
		skip();
	assert_int_equal(scratch_sh("openssl req -new -newkey ec -pkeyopt "
	    "ec_paramgen_curve:P-256 -nodes -keyout thief.key -subj /CN=thief "
	    "-out thief.csr"), 0);
	scratch_put("ext", "subjectAltName=DNS:localhost", 28);
	for (size_t i = 0; i <= sizeof(thefts) / sizeof(*thefts); i++) {
		assert_int_equal(scratch_sh("openssl x509 -req -in thief.csr "
		    "-CA ca/ca.pem -CAkey ca/ca.key -CAcreateserial -days 9 "
		    "-extfile ext -out thief.pem"), 0);
		/* The first one is honest: so it is the names that are refused. */
		assert_int_equal(scratch_sh("openssl verify -CAfile ca/ca.pem "
		    "thief.pem") == 0, i == 0 || i == 6);
		if (i < 6)
			scratch_put("ext", thefts[i], strlen(thefts[i]));
	}
	/* An issuer below our CA is beyond its path length. */
	assert_int_equal(scratch_sh("openssl req -new -key thief.key -subj /CN=x "
	    "-out x.csr && printf 'subjectAltName=DNS:localhost' >ext && "
	    "openssl x509 -req -in x.csr -CA thief.pem -CAkey thief.key "
	    "-CAcreateserial -extfile ext -days 9 -out x.pem"), 0);
	assert_int_not_equal(scratch_sh("openssl verify -CAfile ca/ca.pem "
	    "-untrusted thief.pem x.pem"), 0);
}

static void
without_addresses_in_its_list_a_ca_speaks_for_none(void **state)
{
	static const struct {
		const char *permit;
		const char *good;
		const char *bad;
	} cases[] = {
		{ "localhost", "DNS:localhost", "IP:127.0.0.1" },
		{ "localhost", "DNS:localhost", "IP:::1" },
		{ "127.0.0.0/8", "IP:127.1.2.3", "DNS:localhost" },
		{ "127.0.0.0/8", "IP:127.1.2.3", "IP:::1" },
	};

	if (!scratch_has("openssl"))
		skip();
	assert_int_equal(scratch_sh("openssl req -new -newkey ec -pkeyopt "
	    "ec_paramgen_curve:P-256 -nodes -keyout x.key -subj /CN=x "
	    "-out x.csr"), 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct ca *ca;

		assert_int_equal(ca_rotate(&ca, "ca", &cases[i].permit, 1), 0);
		ca_unref(ca);
		for (int good = 0; good < 2; good++) {
			assert_int_equal(scratch_sh("echo subjectAltName=%s >ext; "
			    "openssl x509 -req -in x.csr -CA ca/ca.pem -CAkey "
			    "ca/ca.key -CAcreateserial -days 9 -extfile ext -out "
			    "x.pem", good ? cases[i].good : cases[i].bad), 0);
			assert_int_equal(scratch_sh("openssl verify -CAfile "
			    "ca/ca.pem x.pem") == 0, good);
		}
	}
}

/* The operator's own files. */

static int
load(const char *cert, const char *key, const char *want_bad)
{
	const struct leaf *l;
	const char *bad;
	int rc = leaf_load(&l, cert, key, &bad);

	assert_int_equal(l == NULL, rc != 0);
	if (rc)
		assert_string_equal(bad, want_bad);
	else
		assert_true(mbed_pk_is_shareable(leaf_key(l)));
	leaf_unref(l);
	return rc;
}

static int
make_pair(const char *name, const char *key_options)
{
	return scratch_sh("openssl req -x509 %s -nodes -keyout %s.key -subj /CN=%s "
	    "-addext subjectAltName=DNS:%s -days 9 -out %s.pem", key_options,
	    name, name, name, name);
}

static void
the_operators_pair_loads(void **state)
{
	if (!scratch_has("openssl"))
		skip();
	assert_int_equal(make_pair("ec", "-newkey ec -pkeyopt "
	    "ec_paramgen_curve:P-256"), 0);
	assert_int_equal(load("ec.pem", "ec.key", NULL), 0);
	assert_int_equal(make_pair("rsa", "-newkey rsa:2048"), 0);
	assert_int_equal(load("rsa.pem", "rsa.key", NULL), 0);
	assert_int_equal(scratch_sh("cat ec.pem ec.key >both"), 0);
	assert_int_equal(load("both", "both", NULL), 0);
	assert_int_equal(scratch_sh("openssl x509 -text -in ec.pem >text"), 0);
	assert_int_equal(load("text", "ec.key", NULL), 0);
}

static void
the_operators_chain_may_have_a_constrained_issuer(void **state)
{
	struct ca *ca = new_ca();
	const struct leaf *l = mint(ca, "localhost");
	const char *bad;

	leaf_unref(l);
	ca_unref(ca);
	/* The CA itself stands in for a leaf: it is the one with the key. */
	assert_int_equal(scratch_sh("cat ca/ca.pem ca/ca.pem >chain.pem"), 0);
	assert_int_equal(leaf_load(&l, "chain.pem", "ca/ca.key", &bad), 0);
	assert_non_null(leaf_crt(l)->next);
	assert_false(leaf_is_stale(l, leaf_not_after(l)));
	leaf_unref(l);
}

static void
what_is_wrong_with_the_operators_files_is_named(void **state)
{
	static const char ec[] = "-newkey ec -pkeyopt ec_paramgen_curve:P-256";

	if (!scratch_has("openssl"))
		skip();
	assert_int_equal(make_pair("a", ec), 0);
	assert_int_equal(make_pair("b", ec), 0);
	assert_int_equal(load("nowhere", "a.key", "nowhere"), ENOENT);
	assert_int_equal(load("a.pem", "nowhere", "nowhere"), ENOENT);
	assert_int_equal(load(".", "a.key", "."), EISDIR);
	assert_int_equal(load("a.pem", "b.key", "b.key"), CERTS_LEAF_MISMATCH);
	assert_int_equal(load("a.key", "a.key", "a.key"), CERTS_LEAF_CERT);
	assert_int_equal(load("a.pem", "a.pem", "a.pem"), CERTS_LEAF_KEY);
	scratch_put("empty", "", 0);
	assert_int_equal(load("empty", "a.key", "empty"), CERTS_LEAF_CERT);
	assert_int_equal(load("a.pem", "empty", "empty"), CERTS_LEAF_KEY);
	assert_int_equal(scratch_sh("openssl ec -in a.key -aes128 -passout pass:x "
	    "-out locked.key"), 0);
	assert_int_equal(load("a.pem", "locked.key", "locked.key"),
	    CERTS_LEAF_PASSWORD);
	assert_int_equal(scratch_sh("openssl pkcs8 -topk8 -in a.key -passout "
	    "pass:x -out locked8.key"), 0);
	assert_int_equal(load("a.pem", "locked8.key", "locked8.key"),
	    CERTS_LEAF_PASSWORD);
	assert_int_equal(scratch_sh("(cat a.pem; head -c 300 b.pem; echo; echo "
	    "-----END CERTIFICATE-----) >half.pem"), 0);
	assert_int_equal(load("half.pem", "a.key", "half.pem"), CERTS_LEAF_CERT);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, scratch_new, scratch_free)

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(it_is_for_its_host_and_signed_by_the_ca),
		TEST(its_key_fits_and_may_be_shared_by_threads),
		TEST(it_serves_a_handshake),
		TEST(it_lasts_197_days_from_an_hour_ago),
		TEST(it_never_outlives_its_ca),
		TEST(a_clock_that_went_back_makes_none_older_than_the_ca),
		TEST(it_is_stale_two_weeks_before_its_end),
		TEST(a_host_outside_the_constraints_gets_none),
		TEST(serials_are_positive_and_differ),
		TEST(it_outlives_the_caller_s_hold_on_the_ca),
		TEST(openssl_accepts_it_for_its_host_alone),
		TEST(gnutls_accepts_it),
		TEST(openssl_reads_in_it_what_we_wrote),
		TEST(openssl_refuses_what_a_thief_signs_with_our_key),
		TEST(without_addresses_in_its_list_a_ca_speaks_for_none),
		TEST(the_operators_pair_loads),
		TEST(the_operators_chain_may_have_a_constrained_issuer),
		TEST(what_is_wrong_with_the_operators_files_is_named),
	};

	if (mbed_start() != 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
