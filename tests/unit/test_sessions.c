#include "proxy/sessions.h"

#include "tests/unit/trust_fixture.h"

/* Connects to port and lets a ticket come in.  True: it was a resumption. */
static bool
connect_to(unsigned port)
{
	struct pair p;
	char c;
	size_t n;
	bool resumed;

	pair_new(&p, &trust, "localhost");
	tls_free(p.client.tls);
	assert_non_null(p.client.tls = tls_connect(trust.client, "localhost", port));
	tls_set_out(p.client.tls, &p.client.out);
	assert_true(shake_hands(&p, SIZE_MAX));
	resumed = tls_resumed(p.client.tls);
	assert_int_equal(tls_write(p.server.tls, "x", 1), TLS_OK);
	while (deliver(&p.server, &p.client, SIZE_MAX))
		while (tls_read(p.client.tls, &c, 1, &n) == TLS_OK)
			continue;
	pair_free(&p);
	return resumed;
}

static void
as_many_origins_are_remembered_as_there_is_room_for(void **state)
{
	for (unsigned port = 1; port <= SESSIONS_MAX; port++)
		assert_false(connect_to(port));
	for (unsigned port = 1; port <= SESSIONS_MAX; port++)
		assert_true(connect_to(port));
}

static void
the_least_recently_kept_is_forgotten_first(void **state)
{
	for (unsigned port = 1; port <= SESSIONS_MAX; port++)
		assert_false(connect_to(port));
	assert_true(connect_to(1));	/* kept anew: now 2 is the oldest */
	assert_false(connect_to(SESSIONS_MAX + 1));
	assert_true(connect_to(SESSIONS_MAX));
	assert_true(connect_to(SESSIONS_MAX + 1));
	assert_true(connect_to(1));
	assert_false(connect_to(2));
}

static void
an_empty_store_offers_nothing_and_can_be_emptied_again(void **state)
{
	static struct sessions s;
	mbedtls_ssl_context ssl;

	mbedtls_ssl_init(&ssl);
	sessions_use(&s, "localhost:1", &ssl);
	sessions_keep(&s, "localhost:1", &ssl);	/* never established */
	for (int i = 0; i < SESSIONS_MAX; i++)
		assert_string_equal(s.s[i].key, "");
	sessions_fini(&s);
	sessions_fini(&s);
	mbedtls_ssl_free(&ssl);
}

#define T(f) cmocka_unit_test_setup_teardown(f, begin, end)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(as_many_origins_are_remembered_as_there_is_room_for),
		T(the_least_recently_kept_is_forgotten_first),
		T(an_empty_store_offers_nothing_and_can_be_emptied_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
