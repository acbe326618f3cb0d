#include "proxy/address.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define N(a) (sizeof(a) / sizeof(*(a)))

static struct sockaddr_storage sa;
static struct sockaddr *const p = (struct sockaddr *)&sa;
static socklen_t len;

struct address {
	const char *text, *printed;
	int family;
	unsigned port;
};

static void
an_address_is_parsed_and_printed_with_its_port(void **state)
{
	static const struct address cases[] = {
		{ "127.0.0.1", "127.0.0.1:0", AF_INET, 0 },
		{ "127.0.0.1:0", "127.0.0.1:0", AF_INET, 0 },
		{ "0.0.0.0:80", "0.0.0.0:80", AF_INET, 80 },
		{ "255.255.255.255:65535", "255.255.255.255:65535", AF_INET, 65535 },
		{ "[::1]", "[::1]:0", AF_INET6, 0 },
		{ "[::]:1", "[::]:1", AF_INET6, 1 },
		{ "[2001:DB8:0::1]:8787", "[2001:db8::1]:8787", AF_INET6, 8787 },
		{ "[::ffff:1.2.3.4]:5", "[::ffff:1.2.3.4]:5", AF_INET6, 5 },
		{ "[1111:2222:3333:4444:5555:6666:177.177.177.177]:65535",
		  "[1111:2222:3333:4444:5555:6666:b1b1:b1b1]:65535", AF_INET6, 65535 },
	};
	char out[ADDRESS_TEXT_MAX];

	for (size_t i = 0; i < N(cases); i++) {
		memset(&sa, 0xff, sizeof(sa));
		assert_true(address_parse(cases[i].text, &sa, &len));
		assert_int_equal(p->sa_family, cases[i].family);
		assert_int_equal(len, cases[i].family == AF_INET ? 16 : 28);
		assert_int_equal(address_port(p), cases[i].port);
		address_print(p, out);
		assert_string_equal(out, cases[i].printed);
	}
}

static void
what_is_printed_parses_to_the_same(void **state)
{
	static const char *const texts[] = { "1.2.3.4:5", "[::1]:6", "[1::]:65535" };
	struct sockaddr_storage again;
	char out[ADDRESS_TEXT_MAX];
	socklen_t again_len;

	for (size_t i = 0; i < N(texts); i++) {
		assert_true(address_parse(texts[i], &sa, &len));
		address_print(p, out);
		assert_true(address_parse(out, &again, &again_len));
		assert_int_equal(again_len, len);
		assert_memory_equal(&again, &sa, sizeof(sa));
	}
}

static void
what_is_no_numeric_address_is_refused(void **state)
{
	static const char *const bad[] = {
		"", ":", ":80", "localhost", "localhost:80", "1.2.3", "1.2.3.4.5",
		"256.1.1.1", "1.2.3.4:", "1.2.3.4:x", "1.2.3.4:8x", "1.2.3.4:65536",
		"1.2.3.4:99999999999999999999", "1.2.3.4:-1", "1.2.3.4 ", " 1.2.3.4",
		"01.2.3.4", "1.2.3.4:1:2", "[", "]", "[]", "[]:1", "[::1", "::1",
		"::1:80", "[::1]80", "[::1]x", "[::1]:", "[::1]]", "[:::1]",
		"[fe80::1%lo]:1", "[1.2.3.4", "1.2.3.4]", "[[::1]]:1",
		"[1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb:cccc:dddd]:1",
		"*:80", "http://1.2.3.4",
	};

	for (size_t i = 0; i < N(bad); i++)
		if (address_parse(bad[i], &sa, &len))
			fail_msg("passed: %s", bad[i]);
}

static void
a_port_is_digits_and_nothing_else(void **state)
{
	static const char *const bad[] = {
		"1.2.3.4: 80", "1.2.3.4:+80", "1.2.3.4:\t80", "[::1]: 80",
		"1.2.3.4:-18446744073709551536", "1.2.3.4:-0",
	};

	for (size_t i = 0; i < N(bad); i++)
		if (address_parse(bad[i], &sa, &len))
			fail_msg("passed: %s", bad[i]);
}

static void
a_port_can_be_set(void **state)
{
	static const char *const texts[] = { "127.0.0.1:1", "[::1]:1" };
	static const unsigned ports[] = { 0, 1, 255, 256, 8787, 65535 };

	for (size_t i = 0; i < N(texts); i++)
		for (size_t j = 0; j < N(ports); j++) {
			assert_true(address_parse(texts[i], &sa, &len));
			address_set_port(p, ports[j]);
			assert_int_equal(address_port(p), ports[j]);
			assert_true(address_is_loopback(p));
		}
}

static void
loopback_is_told_from_the_rest(void **state)
{
	static const char *const yes[] = { "127.0.0.1", "127.255.255.254", "[::1]" };
	static const char *const no[] = { "0.0.0.0", "126.255.255.255", "128.0.0.1",
	    "1.0.0.127", "[::]", "[::2]", "[1::1]", "[fe80::1]" };

	for (size_t i = 0; i < N(yes); i++) {
		assert_true(address_parse(yes[i], &sa, &len));
		assert_true(address_is_loopback(p));
	}
	for (size_t i = 0; i < N(no); i++) {
		assert_true(address_parse(no[i], &sa, &len));
		assert_false(address_is_loopback(p));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_address_is_parsed_and_printed_with_its_port),
		cmocka_unit_test(what_is_printed_parses_to_the_same),
		cmocka_unit_test(what_is_no_numeric_address_is_refused),
		cmocka_unit_test(a_port_is_digits_and_nothing_else),
		cmocka_unit_test(a_port_can_be_set),
		cmocka_unit_test(loopback_is_told_from_the_rest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
