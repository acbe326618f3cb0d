/* Who is asked for, and who must not answer: SNI, and certificates of our own CA. */
#include "tests/unit/trust_fixture.h"

#include "certs/leaf.h"

#define N(a) (sizeof(a) / sizeof(*(a)))

static void
the_server_knows_the_name_that_was_asked_for(void **state)
{
	static const char *const asked[][2] = {
		{ "localhost", "localhost" },
		{ "LocalHost", "localhost" },
		{ "API.openai.COM", "api.openai.com" },
		{ "localhost", "localhost" },	/* resumed */
	};

	for (size_t i = 0; i < N(asked); i++) {
		struct pair p;

		pair_new(&p, &trust, asked[i][0]);
		assert_string_equal(tls_sni(p.server.tls), "");
		assert_true(shake_hands(&p, i & 1 ? 1 : SIZE_MAX));
		assert_string_equal(tls_sni(p.server.tls), asked[i][1]);
		assert_string_equal(tls_sni(p.client.tls), "");
		pair_free(&p);
	}
}

/* A hello with any name in it, as the server reads it. */
static void
what_no_host_can_be_called_is_no_name(void **state)
{
	static const char *const asked[][2] = {
		{ "a.b.example", "a.b.example" },
		{ "a.b.example.", "a.b.example" },
		{ "_x-1.example", "_x-1.example" },
		{ "127.0.0.1", "127.0.0.1" },
		{ "xn--bcher-kva.example", "xn--bcher-kva.example" },
		{ ".", "" },
		{ "a b", "" },
		{ "a\r\nHost: b", "" },
		{ "a:443", "" },
		{ "user@a", "" },
		{ "a/b", "" },
		{ "b\xc3\xbc" "cher.example", "" },
		{ "::1", "" },
		{ "*.example", "" },
	};

	for (size_t i = 0; i < N(asked); i++) {
		struct pair p;

		pair_new(&p, &trust, asked[i][0]);
		assert_int_equal(tls_handshake(p.client.tls), TLS_WANT);
		assert_true(deliver(&p.client, &p.server, SIZE_MAX));
		assert_int_equal(tls_handshake(p.server.tls), TLS_WANT);
		assert_string_equal(tls_sni(p.server.tls), asked[i][1]);
		pair_free(&p);
	}
}

static void
the_name_is_known_also_where_all_get_the_same_certificate(void **state)
{
	static const char *const hosts[] = { "localhost" };
	const struct leaf *l;
	struct tls_server *s;
	struct pair p;

	assert_int_equal(leaf_mint(&l, trust.ca, hosts, 1, time(NULL)), 0);
	s = tls_server_new(trust.shared, NULL, l);
	pair_new(&p, &trust, "localhost");
	tls_free(p.server.tls);
	p.server.tls = tls_accept(s, NULL);
	tls_set_out(p.server.tls, &p.server.out);
	assert_true(shake_hands(&p, SIZE_MAX));
	assert_string_equal(tls_sni(p.server.tls), "localhost");
	pair_free(&p);
	tls_server_free(s);
	leaf_unref(l);
}

static void
who_was_asked_for_before_tls_decides_which_leaf_is_shown(void **state)
{
	struct pair p;

	pair_new(&p, &trust, "api.openai.com");
	tls_free(p.server.tls);
	p.server.tls = tls_accept(trust.server, "localhost");
	tls_set_out(p.server.tls, &p.server.out);
	assert_false(shake_hands(&p, SIZE_MAX));
	assert_non_null(strstr(tls_error(p.client.tls), "is for another name"));
	assert_string_equal(tls_sni(p.server.tls), "api.openai.com");
	pair_free(&p);
}

static void
assert_loop(struct pair *p)
{
	assert_false(shake_hands(p, SIZE_MAX));
	assert_true(tls_error_is_loop(p->client.tls));
	assert_non_null(strstr(tls_error(p->client.tls),
	    "made by this very tracetape"));
	assert_non_null(strstr(tls_error(p->client.tls), "upstream.resolve"));
	/* The other side learns it. */
	assert_true(deliver(&p->client, &p->server, SIZE_MAX));
	assert_int_equal(tls_handshake(p->server.tls), TLS_FAILED);
	assert_false(tls_error_is_loop(p->server.tls));
}

/* The fixture's client trusts the CA. */
static void
a_certificate_of_our_own_ca_is_a_loop_though_it_is_trusted(void **state)
{
	struct pair p;

	assert_true(tls_client_shun(trust.client, trust.ca));
	for (int i = 0; i < 2; i++) {
		pair_new(&p, &trust, "localhost");
		assert_false(tls_error_is_loop(p.client.tls));
		assert_loop(&p);
		pair_free(&p);
	}
}

static void
a_certificate_of_our_own_ca_is_a_loop_for_any_name(void **state)
{
	struct pair p;

	assert_true(tls_client_shun(trust.client, trust.ca));
	pair_new(&p, &trust, "api.example.com");
	assert_loop(&p);
	pair_free(&p);
}

/* Neither name nor trust makes it ours: the key does. */
static void
a_certificate_of_another_ca_with_our_name_is_none(void **state)
{
	static const char *const permit[] = { "localhost" };
	struct ca *other;
	struct pair p;

	assert_int_equal(ca_open(&other, "other", permit, 1), 0);
	assert_true(tls_client_shun(trust.client, other));
	pair_new(&p, &trust, "localhost");
	assert_true(shake_hands(&p, SIZE_MAX));
	assert_false(tls_error_is_loop(p.client.tls));
	pair_free(&p);
	ca_unref(other);
}

static void
a_certificate_of_our_own_ca_is_a_loop_where_nobody_trusts_it(void **state)
{
	static const char *const permit[] = { "localhost" };
	struct tls_client *strict;
	struct roots *roots;
	struct ca *other;
	const char *bad;
	struct pair p;

	assert_int_equal(ca_open(&other, "other", permit, 1), 0);
	put_root("other.der", other);
	assert_int_equal(setenv("SSL_CERT_FILE", "other.der", 1), 0);
	assert_int_equal(roots_load(&roots, NULL, &bad), 0);
	assert_non_null(strict = tls_client_new(roots));
	assert_true(tls_client_shun(strict, trust.ca));
	pair_new(&p, &trust, "localhost");
	tls_free(p.client.tls);
	assert_non_null(p.client.tls = tls_connect(strict, "localhost", 443));
	tls_set_out(p.client.tls, &p.client.out);
	assert_loop(&p);
	pair_free(&p);
	tls_client_free(strict);
	roots_free(roots);
	ca_unref(other);
}

/* An operator's server that shows the CA behind the leaf. */
static void
a_certificate_that_comes_with_our_ca_is_a_loop_too(void **state)
{
	const struct leaf *l;
	struct tls_server *s;
	const char *bad;
	struct pair p;

	if (!scratch_has("openssl"))
		skip();
	assert_int_equal(scratch_sh("openssl ecparam -name prime256v1 -genkey "
	    "-noout -out l.key && openssl req -new -key l.key -subj /CN=localhost "
	    "-out l.csr && echo subjectAltName=DNS:localhost >l.ext && "
	    "openssl x509 -req -in l.csr -CA ca/ca.pem -CAkey ca/ca.key "
	    "-CAcreateserial -extfile l.ext -days 1 -out l.pem && "
	    "openssl x509 -inform DER -in root.der >>l.pem"), 0);
	assert_int_equal(leaf_load(&l, "l.pem", "l.key", &bad), 0);
	assert_non_null(s = tls_server_new(trust.shared, NULL, l));
	assert_true(tls_client_shun(trust.client, trust.ca));
	pair_new(&p, &trust, "localhost");
	tls_free(p.server.tls);
	p.server.tls = tls_accept(s, NULL);
	tls_set_out(p.server.tls, &p.server.out);
	assert_loop(&p);
	pair_free(&p);
	tls_server_free(s);
	leaf_unref(l);
}

#define T(f) cmocka_unit_test_setup_teardown(f, begin, end)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(the_server_knows_the_name_that_was_asked_for),
		T(what_no_host_can_be_called_is_no_name),
		T(the_name_is_known_also_where_all_get_the_same_certificate),
		T(who_was_asked_for_before_tls_decides_which_leaf_is_shown),
		T(a_certificate_of_our_own_ca_is_a_loop_though_it_is_trusted),
		T(a_certificate_of_our_own_ca_is_a_loop_for_any_name),
		T(a_certificate_of_another_ca_with_our_name_is_none),
		T(a_certificate_of_our_own_ca_is_a_loop_where_nobody_trusts_it),
		T(a_certificate_that_comes_with_our_ca_is_a_loop_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
