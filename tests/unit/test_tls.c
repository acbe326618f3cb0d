#include "tests/unit/trust_fixture.h"

#include "certs/leaf.h"
#include "certs/mbed.h"

#define N(a) (sizeof(a) / sizeof(*(a)))

enum { DAY = 86400, MANY = 70000 };

static void
a_handshake_succeeds_in_pieces_of_any_size(void **state)
{
	static const size_t cuts[] = { 1, 2, 3, 5, 64, 500, 1000, 16384, SIZE_MAX };

	for (size_t i = 0; i < N(cuts); i++) {
		struct pair p;

		pair_new(&p, &trust, "localhost");
		assert_false(tls_is_ready(p.client.tls));
		assert_true(shake_hands(&p, cuts[i]));
		assert_null(tls_error(p.client.tls));
		assert_null(tls_error(p.server.tls));
		assert_string_equal(tls_version(p.client.tls),
		    tls_version(p.server.tls));
		assert_memory_equal(tls_version(p.client.tls), "TLSv1.", 6);
		pair_free(&p);
	}
}

/* All of in[0..n) goes through `from` and comes out of `to`, cut bytes a time. */
static void
pass(struct end *from, struct end *to, const uint8_t *in, size_t n, size_t cut)
{
	static uint8_t out[MANY + 1];
	size_t got = 0, len;
	enum tls_result rc;

	assert_int_equal(tls_write(from->tls, in, n), TLS_OK);
	while (deliver(from, to, cut)) {
		while ((rc = tls_read(to->tls, out + got, sizeof(out) - got,
		    &len)) == TLS_OK) {
			assert_true(len > 0);
			got += len;
		}
		assert_int_equal(rc, TLS_WANT);
		assert_int_equal(len, 0);
	}
	assert_int_equal(got, n);
	assert_memory_equal(out, in, n);
}

static void
data_passes_both_ways_in_pieces_of_any_size(void **state)
{
	static const size_t lens[] = { 0, 1, 2, 100, 16383, 16384, 16385, 32768,
	    65536, MANY };
	static const size_t cuts[] = { 1, 7, 1500, 20000, SIZE_MAX };
	static uint8_t in[MANY];
	struct pair p;

	for (size_t i = 0; i < sizeof(in); i++)
		in[i] = (uint8_t)(i * 31 + i / 253);
	pair_new(&p, &trust, "localhost");
	assert_true(shake_hands(&p, SIZE_MAX));
	for (size_t i = 0; i < N(lens); i++)
		for (size_t j = 0; j < N(cuts); j++) {
			pass(&p.client, &p.server, in, lens[i], cuts[j]);
			pass(&p.server, &p.client, in, lens[i], cuts[j]);
		}
	pair_free(&p);
}

static void
reads_of_any_room_give_every_byte(void **state)
{
	struct pair p;
	char out[64] = "";
	size_t got = 0, n;

	pair_new(&p, &trust, "localhost");
	assert_true(shake_hands(&p, SIZE_MAX));
	assert_int_equal(tls_write(p.client.tls, "one record", 10), TLS_OK);
	assert_int_equal(tls_write(p.client.tls, ", and another", 13), TLS_OK);
	assert_true(deliver(&p.client, &p.server, SIZE_MAX));
	while (tls_read(p.server.tls, out + got, 1 + got % 3, &n) == TLS_OK)
		got += n;
	assert_string_equal(out, "one record, and another");
	pair_free(&p);
}

static void
a_goodbye_comes_after_the_data_and_is_remembered(void **state)
{
	for (size_t cut = 1; cut < 100; cut += 7) {
		struct pair p;
		char out[16];
		size_t n, got = 0;
		enum tls_result rc = TLS_WANT;

		pair_new(&p, &trust, "localhost");
		assert_true(shake_hands(&p, SIZE_MAX));
		assert_int_equal(tls_write(p.client.tls, "bye", 3), TLS_OK);
		tls_close(p.client.tls);
		n = p.client.out.len;
		tls_close(p.client.tls);
		assert_int_equal(p.client.out.len, n);
		while (deliver(&p.client, &p.server, cut))
			while ((rc = tls_read(p.server.tls, out + got,
			    sizeof(out) - got, &n)) == TLS_OK)
				got += n;
		assert_int_equal(got, 3);
		assert_int_equal(rc, TLS_EOF);
		for (int again = 0; again < 3; again++) {
			assert_int_equal(tls_read(p.server.tls, out, 1, &n), TLS_EOF);
			assert_int_equal(n, 0);
		}
		assert_null(tls_error(p.server.tls));
		/* What comes behind the goodbye is no data (RFC 8446 6.1). */
		tls_feed(p.server.tls, "junk", 4);
		assert_int_equal(tls_read(p.server.tls, out, 1, &n), TLS_EOF);
		tls_feed(p.server.tls, "junk", 4);
		pair_free(&p);
	}
}

static void
after_the_peers_goodbye_the_other_direction_still_works(void **state)
{
	struct pair p;
	char out[16];
	size_t n;

	pair_new(&p, &trust, "localhost");
	assert_true(shake_hands(&p, SIZE_MAX));
	tls_close(p.client.tls);
	assert_true(deliver(&p.client, &p.server, SIZE_MAX));
	assert_int_equal(tls_read(p.server.tls, out, sizeof(out), &n), TLS_EOF);
	assert_int_equal(tls_write(p.server.tls, "answer", 6), TLS_OK);
	assert_true(deliver(&p.server, &p.client, SIZE_MAX));
	/* 1.3 sends its tickets first. */
	assert_int_equal(tls_read(p.client.tls, out, sizeof(out), &n), TLS_OK);
	assert_int_equal(n, 6);
	assert_memory_equal(out, "answer", 6);
	pair_free(&p);
}

static void
a_cut_record_is_no_data_and_no_end(void **state)
{
	struct pair p;
	char out[64];
	size_t n;

	pair_new(&p, &trust, "localhost");
	assert_true(shake_hands(&p, SIZE_MAX));
	assert_int_equal(tls_write(p.client.tls, "secret", 6), TLS_OK);
	assert_true(deliver(&p.client, &p.server,
	    p.client.out.len - p.client.off - 1));
	assert_int_equal(tls_read(p.server.tls, out, sizeof(out), &n), TLS_WANT);
	assert_int_equal(n, 0);
	assert_null(tls_error(p.server.tls));
	pair_free(&p);
}

static void
a_changed_byte_anywhere_in_a_record_is_refused(void **state)
{
	size_t len = 1;

	for (size_t at = 0; at < len; at++) {
		struct pair p;
		char out[64];
		size_t n, off;
		enum tls_result rc;

		pair_new(&p, &trust, "localhost");
		assert_true(shake_hands(&p, SIZE_MAX));
		assert_int_equal(tls_write(p.client.tls, "a secret", 8), TLS_OK);
		off = p.client.off + at;
		len = p.client.out.len - p.client.off;
		assert_true(len > 20);
		p.client.out.p[off] ^= 0x01;
		assert_true(deliver(&p.client, &p.server, SIZE_MAX));
		rc = tls_read(p.server.tls, out, sizeof(out), &n);
		/* The high byte of the length may ask for more. */
		assert_true(rc == TLS_FAILED || (rc == TLS_WANT && at < 5));
		assert_int_equal(n, 0);
		if (rc == TLS_FAILED) {
			assert_non_null(strstr(tls_error(p.server.tls), "read failed"));
			assert_int_equal(tls_read(p.server.tls, out, 1, &n), TLS_FAILED);
			assert_false(tls_error_is_certificate(p.server.tls));
		}
		pair_free(&p);
	}
}

/* The client's second session takes up the first; data makes the tickets of 1.3
 * arrive. */
static void
a_second_connection_resumes_the_first(void **state)
{
	for (int i = 0; i < 4; i++) {
		struct pair p;

		pair_new(&p, &trust, "localhost");
		assert_false(tls_resumed(p.client.tls));
		assert_true(shake_hands(&p, i == 3 ? 1 : SIZE_MAX));
		assert_int_equal(tls_resumed(p.client.tls), i > 0);
		pass(&p.server, &p.client, (const uint8_t *)"hello", 5, SIZE_MAX);
		pass(&p.client, &p.server, (const uint8_t *)"hello", 5, SIZE_MAX);
		pair_free(&p);
	}
}

static void
a_session_is_not_offered_to_another_name_or_port(void **state)
{
	struct pair p;

	pair_new(&p, &trust, "localhost");
	assert_true(shake_hands(&p, SIZE_MAX));
	pass(&p.server, &p.client, (const uint8_t *)"x", 1, SIZE_MAX);
	pair_free(&p);
	pair_new(&p, &trust, "api.openai.com");
	assert_true(shake_hands(&p, SIZE_MAX));
	assert_false(tls_resumed(p.client.tls));
	pair_free(&p);
	pair_new(&p, &trust, "localhost");
	tls_free(p.client.tls);
	assert_non_null(p.client.tls = tls_connect(trust.client, "localhost", 444));
	tls_set_out(p.client.tls, &p.client.out);
	assert_true(shake_hands(&p, SIZE_MAX));
	assert_false(tls_resumed(p.client.tls));
	pair_free(&p);
}

static void
a_resumption_that_the_server_forgot_is_a_full_handshake(void **state)
{
	struct tls_shared *other = tls_shared_new();
	struct pair p;

	pair_new(&p, &trust, "localhost");
	assert_true(shake_hands(&p, SIZE_MAX));
	pass(&p.server, &p.client, (const uint8_t *)"x", 1, SIZE_MAX);
	pair_free(&p);
	tls_server_free(trust.server);
	trust.server = tls_server_new(other, trust.cache, NULL);
	pair_new(&p, &trust, "localhost");
	assert_true(shake_hands(&p, SIZE_MAX));
	assert_false(tls_resumed(p.client.tls));
	pass(&p.client, &p.server, (const uint8_t *)"x", 1, SIZE_MAX);
	pair_free(&p);
	tls_server_free(trust.server);
	tls_shared_free(trust.shared);
	trust.shared = other;
	trust.server = tls_server_new(other, trust.cache, NULL);
}

/* Shows leaf to a client that asks for host, and expects a refusal. */
static void
assert_refused(const struct leaf *leaf, const char *host, const char *why)
{
	struct tls_server *s = tls_server_new(trust.shared, NULL, leaf);
	struct pair p;

	assert_non_null(s);
	pair_new(&p, &trust, host);
	tls_free(p.server.tls);
	p.server.tls = tls_accept(s, NULL);
	tls_set_out(p.server.tls, &p.server.out);
	assert_false(shake_hands(&p, SIZE_MAX));
	assert_false(tls_is_ready(p.client.tls));
	assert_non_null(tls_error(p.client.tls));
	if (!strstr(tls_error(p.client.tls), why))
		fail_msg("'%s' is not in: %s", why, tls_error(p.client.tls));
	assert_true(tls_error_is_certificate(p.client.tls));
	assert_false(tls_resumed(p.client.tls));
	assert_int_equal(tls_handshake(p.client.tls), TLS_FAILED);
	/* The server learns it by an alert. */
	assert_true(deliver(&p.client, &p.server, SIZE_MAX));
	assert_int_equal(tls_handshake(p.server.tls), TLS_FAILED);
	assert_non_null(strstr(tls_error(p.server.tls), "handshake failed"));
	assert_false(tls_error_is_certificate(p.server.tls));
	pair_free(&p);
	tls_server_free(s);
}

static const struct leaf *
mint(struct ca *ca, const char *host, time_t now)
{
	const struct leaf *l;

	assert_int_equal(leaf_mint(&l, ca, &host, 1, now), 0);
	return l;
}

static void
a_certificate_for_another_name_is_refused(void **state)
{
	const struct leaf *l = mint(trust.ca, "api.openai.com", time(NULL));

	assert_refused(l, "localhost", "is for another name (CN=api.openai.com)");
	assert_refused(l, "openai.com", "is for another name");
	assert_refused(l, "xapi.openai.com", "is for another name");
	leaf_unref(l);
}

static void
a_certificate_of_a_stranger_is_refused(void **state)
{
	static const char *const permit[] = { "localhost" };
	const struct leaf *l;
	struct ca *other;

	assert_int_equal(ca_open(&other, "other", permit, 1), 0);
	l = mint(other, "localhost", time(NULL));
	assert_refused(l, "localhost", "is not signed by a trusted CA");
	leaf_unref(l);
	ca_unref(other);
}

/* Certificates of other times and of nobody come from the openssl command. */
static const struct leaf *
self_signed(const char *days)
{
	const struct leaf *l;
	const char *bad;

	assert_int_equal(scratch_sh("openssl req -x509 -newkey ec -pkeyopt "
	    "ec_paramgen_curve:P-256 -nodes -subj /CN=localhost -addext "
	    "subjectAltName=DNS:localhost -days %s -keyout self.key -out self.pem",
	    days), 0);
	assert_int_equal(leaf_load(&l, "self.pem", "self.key", &bad), 0);
	return l;
}

static void
a_self_signed_certificate_is_refused_as_such(void **state)
{
	const struct leaf *l;

	if (!scratch_has("openssl"))
		skip();
	l = self_signed("1");
	assert_refused(l, "localhost", "is self-signed and not trusted");
	leaf_unref(l);
}

/* The CA's key as a leaf that was good until yesterday: no CA issues that. */
static const struct leaf *
expired(struct ca *ca)
{
	struct bytes pem = scratch_get("ca/ca.key"), subject = { 0 }, der = { 0 };
	struct cert c = { .kind = CERT_LEAF, .n_names = 1 };
	const time_t now = time(NULL);
	mbedtls_pk_context key;
	struct cert_view issuer;
	const struct leaf *l;
	struct mbed_rng rng;
	struct name name;
	const char *bad;

	bytes_putc(&pem, 0);
	mbedtls_pk_init(&key);
	assert_int_equal(mbed_rng_init(&rng, "yesterday"), 0);
	assert_int_equal(mbed_pk_parse(&key, pem.p, pem.len, &rng), 0);
	assert_int_equal(mbed_pk_point(&key, c.point), 0);
	assert_int_equal(cert_read(&issuer, ca_der(ca).p, ca_der(ca).len), 0);
	assert_int_equal(name_set(&name, "localhost"), 0);
	cert_put_name(&subject, "localhost");
	c.names = &name;
	c.subject = bytes_slice(&subject);
	c.issuer = issuer.subject;
	c.issuer_keyid = issuer.keyid;
	c.not_before = now - 3 * DAY;
	c.not_after = now - DAY;
	assert_int_equal(cert_make_serial(&c, &rng), 0);
	assert_int_equal(cert_write(&der, &c, &key, &rng), 0);
	bytes_clear(&subject);
	cert_put_pem(&subject, bytes_slice(&der));
	scratch_put("old.pem", subject.p, subject.len);
	assert_int_equal(leaf_load(&l, "old.pem", "ca/ca.key", &bad), 0);
	mbedtls_pk_free(&key);
	mbed_rng_fini(&rng);
	bytes_fini(&pem);
	bytes_fini(&subject);
	bytes_fini(&der);
	return l;
}

static void
an_expired_certificate_is_refused_and_so_is_a_future_one(void **state)
{
	const struct leaf *l = mint(trust.ca, "localhost", time(NULL) + 2 * DAY);

	assert_refused(l, "localhost", "is not valid yet");
	leaf_unref(l);
	l = expired(trust.ca);
	assert_refused(l, "localhost", "has expired (CN=localhost)");
	leaf_unref(l);
}

static void
a_connection_without_a_name_is_not_made(void **state)
{
	char name[400];

	assert_null(tls_connect(trust.client, NULL, 443));
	assert_null(tls_connect(trust.client, "", 443));
	memset(name, 'a', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	assert_null(tls_connect(trust.client, name, 443));
	tls_free(NULL);
}

/* A client of mbedTLS's own, with other wishes than ours. */
struct stranger {
	mbedtls_ssl_config conf;
	mbedtls_ssl_context ssl;
	struct mbed_rng rng;
	struct bytes out;
};

static int
stranger_send(void *arg, const unsigned char *p, size_t n)
{
	bytes_put(&((struct stranger *)arg)->out, p, n);
	return (int)n;
}

static int
stranger_recv(void *arg, unsigned char *p, size_t n)
{
	(void)arg, (void)p, (void)n;
	return MBEDTLS_ERR_SSL_WANT_READ;
}

/* What our server makes of its ClientHello with these protocols. */
static enum tls_result
answer_to_alpn(const char **alpn, const char **why)
{
	static char text[256];
	struct stranger *s = calloc(1, sizeof(*s));
	struct tls *t = tls_accept(trust.server, NULL);
	struct bytes out = { 0 };
	enum tls_result rc;

	mbedtls_ssl_config_init(&s->conf);
	mbedtls_ssl_init(&s->ssl);
	assert_int_equal(mbed_rng_init(&s->rng, "a stranger"), 0);
	assert_int_equal(mbedtls_ssl_config_defaults(&s->conf,
	    MBEDTLS_SSL_IS_CLIENT, MBEDTLS_SSL_TRANSPORT_STREAM,
	    MBEDTLS_SSL_PRESET_DEFAULT), 0);
	mbedtls_ssl_conf_rng(&s->conf, mbedtls_ctr_drbg_random, &s->rng.drbg);
	mbedtls_ssl_conf_authmode(&s->conf, MBEDTLS_SSL_VERIFY_NONE);
	if (alpn)
		assert_int_equal(mbedtls_ssl_conf_alpn_protocols(&s->conf, alpn), 0);
	assert_int_equal(mbedtls_ssl_setup(&s->ssl, &s->conf), 0);
	mbedtls_ssl_set_bio(&s->ssl, s, stranger_send, stranger_recv, NULL);
	assert_int_equal(mbedtls_ssl_handshake(&s->ssl),
	    MBEDTLS_ERR_SSL_WANT_READ);
	tls_set_out(t, &out);
	tls_feed(t, s->out.p, s->out.len);
	rc = tls_handshake(t);
	assert_true(out.len > 0);	/* an answer, or an alert */
	snprintf(text, sizeof(text), "%s", tls_error(t) ? tls_error(t) : "");
	*why = text;
	tls_free(t);
	mbedtls_ssl_free(&s->ssl);
	mbedtls_ssl_config_free(&s->conf);
	mbed_rng_fini(&s->rng);
	bytes_fini(&s->out);
	bytes_fini(&out);
	free(s);
	return rc;
}

static void
a_client_that_speaks_only_h2_is_refused(void **state)
{
	static const char *h2[] = { "h2", NULL };
	static const char *both[] = { "h2", "http/1.1", NULL };
	static const char *one[] = { "http/1.1", NULL };
	const char *why;

	assert_int_equal(answer_to_alpn(h2, &why), TLS_FAILED);
	assert_non_null(strstr(why, "handshake failed"));
	assert_int_equal(answer_to_alpn(both, &why), TLS_WANT);
	assert_int_equal(answer_to_alpn(one, &why), TLS_WANT);
	assert_int_equal(answer_to_alpn(NULL, &why), TLS_WANT);
}

static void
what_is_not_tls_is_refused_with_an_error(void **state)
{
	static const char *const junk[] = { "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
	    "\x16\x03\x01\xff\xff....", "\x15\x03\x03\x00\x02\x02\x28",
	    "\x80\x2e\x01\x00\x02\x00\x15\x00\x00" };
	static const size_t lens[] = { 27, 9, 7, 9 };

	for (size_t i = 0; i < N(junk); i++)
		for (size_t cut = 1; cut <= lens[i]; cut++) {
			struct tls *t = tls_accept(trust.server, NULL);
			struct bytes out = { 0 };
			enum tls_result rc = TLS_WANT;

			tls_set_out(t, &out);
			for (size_t n = 0; n < lens[i] && rc == TLS_WANT; n += cut) {
				tls_feed(t, junk[i] + n, lens[i] - n < cut ?
				    lens[i] - n : cut);
				rc = tls_handshake(t);
			}
			assert_int_equal(rc, TLS_FAILED);
			assert_non_null(tls_error(t));
			assert_false(tls_error_is_certificate(t));
			assert_int_equal(tls_handshake(t), TLS_FAILED);
			tls_close(t);
			tls_free(t);
			bytes_fini(&out);
		}
}

static void
an_upstream_that_fails_before_its_certificate_is_no_resumption(void **state)
{
	struct pair p;

	pair_new(&p, &trust, "localhost");
	assert_int_equal(tls_handshake(p.client.tls), TLS_WANT);
	tls_feed(p.client.tls, "\x15\x03\x03\x00\x02\x02\x28", 7);
	assert_int_equal(tls_handshake(p.client.tls), TLS_FAILED);
	assert_non_null(strstr(tls_error(p.client.tls), "handshake failed"));
	assert_false(tls_resumed(p.client.tls));
	pair_free(&p);
}

static void
names_decide_which_leaf_is_shown(void **state)
{
	static const char *const hosts[] = { "api.openai.com", "localhost",
	    "eu.api.openai.com" };

	for (size_t i = 0; i < N(hosts); i++) {
		struct pair p;

		pair_new(&p, &trust, hosts[i]);
		assert_true(shake_hands(&p, SIZE_MAX));
		pair_free(&p);
	}
}

static void
two_handshakes_at_once_do_not_mix_up_their_leaves(void **state)
{
	struct pair p[2];
	bool moved = true;

	pair_new(&p[0], &trust, "api.openai.com");
	pair_new(&p[1], &trust, "localhost");
	for (int i = 0; i < 2; i++)
		assert_int_equal(tls_handshake(p[i].client.tls), TLS_WANT);
	while (moved) {
		moved = false;
		for (int i = 0; i < 2; i++) {
			if (!tls_is_ready(p[i].server.tls) &&
			    deliver(&p[i].client, &p[i].server, 11)) {
				moved = true;
				assert_int_not_equal(tls_handshake(p[i].server.tls),
				    TLS_FAILED);
			}
			if (!tls_is_ready(p[i].client.tls) &&
			    deliver(&p[i].server, &p[i].client, 13)) {
				moved = true;
				assert_int_not_equal(tls_handshake(p[i].client.tls),
				    TLS_FAILED);
			}
		}
	}
	for (int i = 0; i < 2; i++) {
		assert_true(tls_is_ready(p[i].client.tls));
		assert_true(tls_is_ready(p[i].server.tls));
		pair_free(&p[i]);
	}
}

#define T(f) cmocka_unit_test_setup_teardown(f, begin, end)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_handshake_succeeds_in_pieces_of_any_size),
		T(data_passes_both_ways_in_pieces_of_any_size),
		T(reads_of_any_room_give_every_byte),
		T(a_goodbye_comes_after_the_data_and_is_remembered),
		T(after_the_peers_goodbye_the_other_direction_still_works),
		T(a_cut_record_is_no_data_and_no_end),
		T(a_changed_byte_anywhere_in_a_record_is_refused),
		T(a_second_connection_resumes_the_first),
		T(a_session_is_not_offered_to_another_name_or_port),
		T(a_resumption_that_the_server_forgot_is_a_full_handshake),
		T(a_certificate_for_another_name_is_refused),
		T(a_certificate_of_a_stranger_is_refused),
		T(a_self_signed_certificate_is_refused_as_such),
		T(an_expired_certificate_is_refused_and_so_is_a_future_one),
		T(a_connection_without_a_name_is_not_made),
		T(a_client_that_speaks_only_h2_is_refused),
		T(what_is_not_tls_is_refused_with_an_error),
		T(an_upstream_that_fails_before_its_certificate_is_no_resumption),
		T(names_decide_which_leaf_is_shown),
		T(two_handshakes_at_once_do_not_mix_up_their_leaves),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
