#include "tools/cadir.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "certs/error.h"
#include "tests/unit/scratch.h"

static const struct {
	const char *ca_dir;
	const char *store;
	const char *dir;
} places[] = {
	{ "/c", "/s", "/c" },
	{ "c", NULL, "c" },
	{ NULL, "/s", "/s/ca" },
	{ "", "/s", "/s/ca" },
	{ "", "/s/", "/s/ca" },
	{ NULL, "s", "s/ca" },
	{ NULL, NULL, "/env/ca" },
	{ "", "", "/env/ca" },
};

static void
the_ca_lies_where_it_is_told_or_with_the_store(void **state)
{
	setenv("TRACETAPE_STORE", "/env", 1);
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		char *dir = cadir_find(places[i].ca_dir, places[i].store);

		assert_non_null(dir);
		assert_string_equal(dir, places[i].dir);
		free(dir);
	}
	unsetenv("TRACETAPE_STORE");
}

static void
expect_hosts(const struct ca *ca, const char *want)
{
	struct bytes b = { 0 };
	char text[NAME_TEXT_MAX];

	for (size_t i = 0; i < ca_n_permitted(ca); i++) {
		name_print(ca_permitted(ca, i), text);
		bytes_printf(&b, "%s%s", i ? " " : "", text);
	}
	bytes_putc(&b, '\0');
	assert_string_equal((char *)b.p, want);
	bytes_fini(&b);
}

#define OWN "api.openai.com localhost 127.0.0.1 ::1"

static void
a_new_ca_speaks_for_the_api_this_machine_and_what_is_added(void **state)
{
	static const char *const more[] = { "*.llm.example", "10.1.0.0/16" };
	struct ca *ca;

	assert_int_equal(cadir_open(&ca, "plain", NULL, 0), 0);
	expect_hosts(ca, OWN);
	assert_true(ca_permits(ca, "eu.api.openai.com"));
	assert_false(ca_permits(ca, "openai.com"));
	assert_false(ca_permits(ca, "chat.openai.com"));
	ca_unref(ca);
	assert_int_equal(cadir_open(&ca, "more", more, 2), 0);
	expect_hosts(ca, OWN " llm.example 10.1.0.0/16");
	ca_unref(ca);
}

static void
a_ca_that_is_there_keeps_its_hosts(void **state)
{
	static const char *const more[] = { "llm.example" };
	struct ca *ca, *again;

	assert_int_equal(cadir_open(&ca, "ca", NULL, 0), 0);
	assert_int_equal(cadir_open(&again, "ca", more, 1), 0);
	assert_memory_equal(ca_sha256(ca), ca_sha256(again), 32);
	expect_hosts(again, OWN);
	ca_unref(ca);
	ca_unref(again);
}

static void
a_rotated_ca_adds_hosts_and_loses_none(void **state)
{
	static const char *const first[] = { "llm.example" };
	static const char *const second[] = { "two.example", "a.llm.example" };
	struct ca *old, *ca, *last;

	assert_int_equal(cadir_open(&old, "ca", first, 1), 0);
	assert_int_equal(cadir_rotate(&ca, "ca", old, second, 2), 0);
	assert_memory_not_equal(ca_sha256(ca), ca_sha256(old), 32);
	expect_hosts(ca, OWN " llm.example two.example");
	/* Nothing is known of a broken one. */
	assert_int_equal(cadir_rotate(&last, "ca", NULL, NULL, 0), 0);
	expect_hosts(last, OWN);
	ca_unref(old);
	ca_unref(ca);
	ca_unref(last);
}

static void
what_is_no_host_makes_no_ca(void **state)
{
	static const char *const bad[] = { "good.example", "a b" };
	struct ca *ca;

	assert_int_equal(cadir_open(&ca, "ca", bad, 2), CERTS_PERMIT);
	assert_null(ca);
	assert_int_equal(scratch_mode("ca"), -1);
	assert_int_equal(cadir_rotate(&ca, "ca", NULL, bad, 2), CERTS_PERMIT);
	assert_null(ca);
}

static const struct {
	const char *host;
	int rc;
} checks[] = {
	{ "api.openai.com", 0 },
	{ "*.api.openai.com", 0 },
	{ "us.api.openai.com", 0 },
	{ "openai.com", CERTS_OUTSIDE },
	{ "127.0.0.1", 0 },
	{ "127.0.0.0/8", CERTS_OUTSIDE },
	{ "10.0.0.1", CERTS_OUTSIDE },
	{ "example", CERTS_OUTSIDE },
	{ "", CERTS_PERMIT },
	{ "a..b", CERTS_PERMIT },
};

static void
hosts_outside_are_found_before_they_are_needed(void **state)
{
	struct ca *ca;

	assert_int_equal(cadir_open(&ca, "ca", NULL, 0), 0);
	for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {
		const char *two[] = { "localhost", checks[i].host };

		assert_int_equal(cadir_check(ca, two, 2), checks[i].rc);
	}
	assert_int_equal(cadir_check(ca, NULL, 0), 0);
	ca_unref(ca);
}

#define IN_SCRATCH(f) cmocka_unit_test_setup_teardown(f, scratch_new, scratch_free)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_ca_lies_where_it_is_told_or_with_the_store),
		IN_SCRATCH(a_new_ca_speaks_for_the_api_this_machine_and_what_is_added),
		IN_SCRATCH(a_ca_that_is_there_keeps_its_hosts),
		IN_SCRATCH(a_rotated_ca_adds_hosts_and_loses_none),
		IN_SCRATCH(what_is_no_host_makes_no_ca),
		IN_SCRATCH(hosts_outside_are_found_before_they_are_needed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
