#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "certs/error.h"
#include "certs/name.h"

static void
a_host_is_a_name_or_an_address_in_one_spelling(void **state)
{
	static const char *const cases[][2] = {
		{ "api.openai.com", "api.openai.com" },
		{ "API.OpenAI.com", "api.openai.com" },
		{ "api.openai.com.", "api.openai.com" },
		{ "localhost", "localhost" },
		{ "my_box.example", "my_box.example" },
		{ "xn--bcher-kva.example", "xn--bcher-kva.example" },
		{ "1.example", "1.example" },
		{ "a--b.example", "a--b.example" },
		{ "127.0.0.1", "127.0.0.1" },
		{ "::1", "::1" },
		{ "[::1]", "::1" },
		{ "0:0:0:0:0:0:0:1", "::1" },
		{ "2001:DB8::A", "2001:db8::a" },
		{ "::ffff:127.0.0.1", "::ffff:127.0.0.1" },
	};
	char text[NAME_TEXT_MAX];
	struct name n;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		assert_int_equal(name_host(&n, cases[i][0]), 0);
		name_print(&n, text);
		assert_string_equal(text, cases[i][1]);
	}
}

static void
what_is_no_host_is_refused(void **state)
{
	static const char *const cases[] = {
		"", ".", "..", "a..b", ".a", "a..", "-a.example", "a-.example",
		"a b", "a/b", "a:443", "*", "*.example", "a\tb", "a\nb", "caf\xc3\xa9",
		"127.1", "2130706433", "0x7f000001", "0x7f.1", "1.2.3", "1.2.3.4.5",
		"256.0.0.1", "01.02.03.04", "a.0x", "a.7",
		"[127.0.0.1]", "[::1", "::1]", "[]", "fe80::1%eth0", ":::", "::1/128",
		"10.0.0.0/8",
		"a23456789012345678901234567890123456789012345678901234567890.1234",
		"a234567890123456789012345678901234567890123456789012345678901234",
	};
	struct name n;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		if (name_host(&n, cases[i]) != CERTS_NAME)
			fail_msg("%s", cases[i]);
}

static void
a_name_has_at_most_253_bytes(void **state)
{
	char text[NAME_DNS_MAX + 3];
	struct name n;

	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = i % 50 == 49 ? '.' : 'a';
	text[NAME_DNS_MAX] = '\0';
	assert_int_equal(name_host(&n, text), 0);
	text[NAME_DNS_MAX] = '.';
	text[NAME_DNS_MAX + 1] = '\0';
	assert_int_equal(name_host(&n, text), 0);
	text[NAME_DNS_MAX] = 'a';
	assert_int_equal(name_host(&n, text), CERTS_NAME);
}

static void
a_set_is_a_domain_or_a_network(void **state)
{
	static const char *const cases[][2] = {
		{ "api.openai.com", "api.openai.com" },
		{ "*.API.openai.com", "api.openai.com" },
		{ "127.0.0.1", "127.0.0.1" },
		{ "127.0.0.1/32", "127.0.0.1" },
		{ "::1/128", "::1" },
		{ "10.1.2.3/8", "10.0.0.0/8" },
		{ "10.255.255.255/9", "10.128.0.0/9" },
		{ "0.0.0.0/0", "0.0.0.0/0" },
		{ "[2001:db8::ffff]/33", "2001:db8::/33" },
	};
	char text[NAME_TEXT_MAX];
	struct name n, again;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		assert_int_equal(name_set(&n, cases[i][0]), 0);
		name_print(&n, text);
		assert_string_equal(text, cases[i][1]);
		assert_int_equal(name_set(&again, text), 0);
		assert_memory_equal(&again, &n, sizeof(n));
	}
}

static void
what_is_no_set_is_refused(void **state)
{
	static const char *const cases[] = {
		"", "*", "*.", "*.*.example", "a.*.example", "*example",
		"*.127.0.0.1", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1",
		"10.0.0.0/+8", "10.0.0.0/ 8", "10.0.0.0/08", "10.0.0.0/8x",
		"::/129", "::/4294967296", "example/8", "/8",
	};
	struct name n;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		if (name_set(&n, cases[i]) != CERTS_PERMIT)
			fail_msg("%s", cases[i]);
}

static void
a_set_has_what_lies_below_it_and_nothing_else(void **state)
{
	static const struct {
		const char *host;
		const char *set;
		bool within;
	} cases[] = {
		{ "api.openai.com", "api.openai.com", true },
		{ "eu.api.openai.com", "api.openai.com", true },
		{ "a.b.api.openai.com", "*.api.openai.com", true },
		{ "openai.com", "api.openai.com", false },
		{ "xapi.openai.com", "api.openai.com", false },
		{ "api.openai.com.evil.example", "api.openai.com", false },
		{ "localhost", "localhost", true },
		{ "127.0.0.1", "localhost", false },
		{ "127.0.0.1", "127.0.0.1", true },
		{ "127.0.0.2", "127.0.0.1", false },
		{ "127.0.0.2", "127.0.0.0/8", true },
		{ "128.0.0.2", "127.0.0.0/8", false },
		{ "10.128.0.1", "10.128.0.0/9", true },
		{ "10.127.0.1", "10.128.0.0/9", false },
		{ "8.8.8.8", "0.0.0.0/0", true },
		{ "::1", "0.0.0.0/0", false },
		{ "::ffff:127.0.0.1", "127.0.0.1", false },
		{ "::1", "::1", true },
		{ "::2", "::1", false },
	};
	struct name host, set;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		assert_int_equal(name_host(&host, cases[i].host), 0);
		assert_int_equal(name_set(&set, cases[i].set), 0);
		if (name_is_within(&host, &set) != cases[i].within)
			fail_msg("%s in %s", cases[i].host, cases[i].set);
	}
}

static void
a_wide_network_is_not_in_a_narrow_one(void **state)
{
	struct name wide, narrow;

	assert_int_equal(name_set(&wide, "10.0.0.0/8"), 0);
	assert_int_equal(name_set(&narrow, "10.0.0.0/16"), 0);
	assert_true(name_is_within(&narrow, &wide));
	assert_false(name_is_within(&wide, &narrow));
}

static void
a_list_leaves_out_what_it_has_already(void **state)
{
	static const char *const text[] = {
		"api.openai.com", "*.api.openai.com", "localhost", "10.0.0.0/8",
		"LOCALHOST.", "10.1.0.0/16", "eu.api.openai.com",
	};
	struct name *names;
	size_t n;

	assert_int_equal(name_sets(&names, &n, text, 7), 0);
	assert_int_equal(n, 3);
	free(names);
}

static void
a_list_has_a_length_and_no_bad_entry(void **state)
{
	const char *text[NAME_SETS_MAX + 1];
	struct name *names;
	size_t n;

	for (size_t i = 0; i <= NAME_SETS_MAX; i++)
		text[i] = "localhost";
	assert_int_equal(name_sets(&names, &n, text, 0), CERTS_PERMIT);
	assert_int_equal(name_sets(&names, &n, text, NAME_SETS_MAX + 1),
	    CERTS_PERMIT);
	assert_int_equal(name_sets(&names, &n, text, NAME_SETS_MAX), 0);
	free(names);
	text[7] = "not a host";
	assert_int_equal(name_sets(&names, &n, text, 8), CERTS_PERMIT);
	assert_null(names);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_host_is_a_name_or_an_address_in_one_spelling),
		cmocka_unit_test(what_is_no_host_is_refused),
		cmocka_unit_test(a_name_has_at_most_253_bytes),
		cmocka_unit_test(a_set_is_a_domain_or_a_network),
		cmocka_unit_test(what_is_no_set_is_refused),
		cmocka_unit_test(a_set_has_what_lies_below_it_and_nothing_else),
		cmocka_unit_test(a_wide_network_is_not_in_a_narrow_one),
		cmocka_unit_test(a_list_leaves_out_what_it_has_already),
		cmocka_unit_test(a_list_has_a_length_and_no_bad_entry),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
