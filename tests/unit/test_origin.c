#include "proxy/origin.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/guard.h"

#define N(a) (sizeof(a) / sizeof(*(a)))

struct url {
	const char *text, *host;
	unsigned port;
	bool is_tls;
};

static void
a_url_is_scheme_host_and_port(void **state)
{
	static const struct url cases[] = {
		{ "https://api.openai.com", "api.openai.com", 443, true },
		{ "http://api.openai.com", "api.openai.com", 80, false },
		{ "https://API.OpenAI.com/", "api.openai.com", 443, true },
		{ "https://localhost:8443", "localhost", 8443, true },
		{ "http://127.0.0.1:1/", "127.0.0.1", 1, false },
		{ "http://a_b-c.d:65535", "a_b-c.d", 65535, false },
		{ "https://[::1]", "::1", 443, true },
		{ "https://[FE80::A]:00080/", "fe80::a", 80, true },
	};
	struct origin o;
	const char *why;

	for (size_t i = 0; i < N(cases); i++) {
		memset(&o, 'x', sizeof(o));
		assert_true(origin_parse(&o, cases[i].text, &why));
		assert_string_equal(o.host, cases[i].host);
		assert_int_equal(o.port, cases[i].port);
		assert_int_equal(o.is_tls, cases[i].is_tls);
	}
}

static void
what_is_no_url_is_refused_with_the_remedy(void **state)
{
	static const char *const bad[] = {
		"", "api.openai.com", "api.openai.com:443", "ftp://a", "HTTPS://a",
		"https:/a", "https:a", "https://", "https:///", "https://:80",
		"https://a:0", "https://a:65536", "https://a:123456",
		"https://a:8o", "https://a:-1", "https://a:+1", "https://a: 1",
		"https://a:1:2", "https://u@a", "https://u:p@a", "https://a b",
		"https://a\tb", "https://\xc3\xa9", "https://a%41", "https://[",
		"https://[]", "https://[::1", "https://[::1]x",
		"https://[a]", "https://::1", "https://a\r\nX: 1", "https://[::1%1]",
	};
	struct origin o;
	const char *why;

	for (size_t i = 0; i < N(bad); i++) {
		why = NULL;
		if (origin_parse(&o, bad[i], &why))
			fail_msg("passed: %s", bad[i]);
		assert_non_null(strstr(why, "http"));
	}
}

static void
a_path_is_refused_with_the_place_where_it_belongs(void **state)
{
	static const char *const bad[] = {
		"https://a/v1", "https://a//", "https://a/?x", "https://a?x",
		"https://a#x", "https://a:1/v1/", "https://a/#",
	};
	struct origin o;
	const char *why;

	for (size_t i = 0; i < N(bad); i++) {
		assert_false(origin_parse(&o, bad[i], &why));
		assert_non_null(strstr(why, "OPENAI_BASE_URL"));
	}
}

static void
an_authority_ends_where_it_ends(void **state)
{
	static const struct url cases[] = {
		{ "a", "a", 0, false }, { "A.B:1", "a.b", 1, false },
		{ "[::1]", "::1", 0, false }, { "[::1]:2", "::1", 2, false },
	};
	struct origin o;

	for (size_t i = 0; i < N(cases); i++) {
		size_t len = strlen(cases[i].text);

		memset(&o, 'x', sizeof(o));
		assert_true(origin_parse_authority(&o,
		    guard_put(cases[i].text, len), len));
		assert_string_equal(o.host, cases[i].host);
		assert_int_equal(o.port, cases[i].port);
		/* No prefix reads past its end either. */
		for (size_t n = 0; n < len; n++)
			(void)origin_parse_authority(&o,
			    guard_put(cases[i].text, n), n);
	}
	assert_false(origin_parse_authority(&o, "a\0b", 3));
	assert_false(origin_parse_authority(&o, "", 0));
}

static void
a_host_of_any_length_fits_or_is_refused(void **state)
{
	char url[600], name[ORIGIN_AUTHORITY_MAX];
	struct origin o;
	const char *why;

	for (size_t n = 1; n < 500; n++) {
		strcpy(url, "https://");
		for (size_t i = 0; i < n; i++)
			url[8 + i] = i % 50 == 49 && i + 1 < n ? '.' : 'a';
		strcpy(url + 8 + n, ":65535");
		assert_int_equal(origin_parse(&o, url, &why), n < ORIGIN_HOST_MAX);
		if (n >= ORIGIN_HOST_MAX)
			continue;
		origin_name(&o, name);
		assert_string_equal(name, url + 8);
	}
}

static void
the_longest_address_prints_whole(void **state)
{
	char url[600] = "https://[", name[ORIGIN_AUTHORITY_MAX];
	struct origin o;
	const char *why;

	memset(url + 9, ':', ORIGIN_HOST_MAX - 1);
	strcpy(url + 9 + ORIGIN_HOST_MAX - 1, "]:65535");
	if (!origin_parse(&o, url, &why))
		return;
	origin_name(&o, name);
	assert_string_equal(name, url + 8);
}

static void
the_port_is_printed_where_it_must_be(void **state)
{
	static const struct {
		const char *url, *authority, *name;
	} cases[] = {
		{ "https://a", "a", "a:443" }, { "https://a:443", "a", "a:443" },
		{ "https://a:80", "a:80", "a:80" }, { "http://a:80", "a", "a:80" },
		{ "http://a:443", "a:443", "a:443" },
		{ "https://[::1]", "[::1]", "[::1]:443" },
		{ "http://[::1]:8", "[::1]:8", "[::1]:8" },
	};
	char out[ORIGIN_AUTHORITY_MAX];
	struct origin o;
	const char *why;

	for (size_t i = 0; i < N(cases); i++) {
		assert_true(origin_parse(&o, cases[i].url, &why));
		origin_authority(&o, out);
		assert_string_equal(out, cases[i].authority);
		origin_name(&o, out);
		assert_string_equal(out, cases[i].name);
	}
}

static void
origins_are_equal_when_scheme_host_and_port_are(void **state)
{
	static const char *const urls[] = { "https://a", "http://a:443",
	    "https://b", "https://a:80", "http://a" };
	struct origin a, b;
	const char *why;

	for (size_t i = 0; i < N(urls); i++)
		for (size_t j = 0; j < N(urls); j++) {
			memset(&b, 'x', sizeof(b));
			assert_true(origin_parse(&a, urls[i], &why));
			assert_true(origin_parse(&b, urls[j], &why));
			assert_int_equal(origin_eq(&a, &b), i == j);
		}
	assert_true(origin_parse(&a, "https://A:443/", &why));
	assert_true(origin_parse(&b, "https://a", &why));
	assert_true(origin_eq(&a, &b));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_url_is_scheme_host_and_port),
		cmocka_unit_test(what_is_no_url_is_refused_with_the_remedy),
		cmocka_unit_test(a_path_is_refused_with_the_place_where_it_belongs),
		cmocka_unit_test(an_authority_ends_where_it_ends),
		cmocka_unit_test(a_host_of_any_length_fits_or_is_refused),
		cmocka_unit_test(the_longest_address_prints_whole),
		cmocka_unit_test(the_port_is_printed_where_it_must_be),
		cmocka_unit_test(origins_are_equal_when_scheme_host_and_port_are),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
