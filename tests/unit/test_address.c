#include "proxy/address.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "proxy/network.h"

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
	static const char *const yes[] = { "127.0.0.1", "127.255.255.254", "[::1]",
	    "[::ffff:127.0.0.1]" };
	static const char *const no[] = { "0.0.0.0", "126.255.255.255", "128.0.0.1",
	    "1.0.0.127", "[::]", "[::2]", "[1::1]", "[fe80::1]", "[::127.0.0.1]",
	    "[::ffff:1.0.0.127]" };

	for (size_t i = 0; i < N(yes); i++) {
		assert_true(address_parse(yes[i], &sa, &len));
		assert_true(address_is_loopback(p));
	}
	for (size_t i = 0; i < N(no); i++) {
		assert_true(address_parse(no[i], &sa, &len));
		assert_false(address_is_loopback(p));
	}
	assert_false(address_is_loopback(&(struct sockaddr){ .sa_family = AF_UNIX }));
}

/* First and last of what is not public; the neighbours are, unless "-". */
static const char *const special[][4] = {
	{ "-", "0.0.0.0", "0.255.255.255", "1.0.0.0" },
	{ "9.255.255.255", "10.0.0.0", "10.255.255.255", "11.0.0.0" },
	{ "100.63.255.255", "100.64.0.0", "100.127.255.255", "100.128.0.0" },
	{ "126.255.255.255", "127.0.0.0", "127.255.255.255", "128.0.0.0" },
	{ "168.63.129.15", "168.63.129.16", "168.63.129.16", "168.63.129.17" },
	{ "169.253.255.255", "169.254.0.0", "169.254.255.255", "169.255.0.0" },
	{ "172.15.255.255", "172.16.0.0", "172.31.255.255", "172.32.0.0" },
	{ "191.255.255.255", "192.0.0.0", "192.0.0.255", "192.0.1.0" },
	{ "192.0.1.255", "192.0.2.0", "192.0.2.255", "192.0.3.0" },
	{ "192.88.98.255", "192.88.99.0", "192.88.99.255", "192.88.100.0" },
	{ "192.167.255.255", "192.168.0.0", "192.168.255.255", "192.169.0.0" },
	{ "198.17.255.255", "198.18.0.0", "198.19.255.255", "198.20.0.0" },
	{ "198.51.99.255", "198.51.100.0", "198.51.100.255", "198.51.101.0" },
	{ "203.0.112.255", "203.0.113.0", "203.0.113.255", "203.0.114.0" },
	{ "223.255.255.255", "224.0.0.0", "239.255.255.255", "-" },
	{ "-", "240.0.0.0", "255.255.255.255", "-" },
};

/* The address in a form that carries an IPv4 one inside. */
static void
dress(char *out, size_t cap, const char *form, const char *v4)
{
	unsigned b[4];

	assert_int_equal(sscanf(v4, "%u.%u.%u.%u", b, b + 1, b + 2, b + 3), 4);
	for (int i = 0; strcmp(form, "teredo client") == 0 && i < 4; i++)
		b[i] ^= 0xff;
	if (form[0] == 't')
		snprintf(out, cap, strcmp(form, "teredo server") == 0 ?
		    "[2001:0:%02x%02x:%02x%02x:0:0:f7f7:f7f7]" :
		    "[2001:0:808:808:0:0:%02x%02x:%02x%02x]", b[0], b[1], b[2], b[3]);
	else
		snprintf(out, cap, form, b[0], b[1], b[2], b[3]);
}

static void
assert_public(const char *v4, bool is)
{
	static const char *const forms[] = { "%u.%u.%u.%u", "[::ffff:%u.%u.%u.%u]",
	    "[64:ff9b::%u.%u.%u.%u]", "[2002:%02x%02x:%02x%02x::1]",
	    "teredo server", "teredo client" };
	char text[64];

	for (size_t i = 0; i < N(forms) && v4[0] != '-'; i++) {
		dress(text, sizeof(text), forms[i], v4);
		assert_true(address_parse(text, &sa, &len));
		if (address_is_public(p) != is)
			fail_msg("%s", text);
	}
}

static void
special_networks_are_not_public_from_end_to_end_in_whatever_form(void **state)
{
	for (size_t i = 0; i < N(special); i++) {
		assert_public(special[i][0], true);
		assert_public(special[i][1], false);
		assert_public(special[i][2], false);
		assert_public(special[i][3], true);
	}
	assert_public("8.8.8.8", true);
}

static void
of_ipv6_only_global_unicast_is_public(void **state)
{
	static const char *const yes[] = { "[2606:4700::1]", "[2a00:1450::1]",
	    "[2000::1]", "[2001:200::]", "[2001:db7::1]", "[2001:db9::1]",
	    "[3ffe:ffff::]", "[3fff:1000::]", "[3fff:ffff::1]", "[2620:4f:8000::1]" };
	static const char *const no[] = { "[::]", "[::1]", "[::2]", "[::8.8.8.8]",
	    "[::10.0.0.1]", "[::fffe:808:808]", "[::ffff:0:8.8.8.8]", "[64:ff9b:1::]",
	    "[64:ff9b:1:ffff:ffff:ffff:808:808]", "[64:ff9b::1:0:808:808]",
	    "[64:ff9a::808:808]", "[100::1]", "[100:0:0:1::1]", "[1fff:ffff::]",
	    "[2001:1::1]", "[2001:2::1]", "[2001:10::1]", "[2001:1ff::1]",
	    "[2001:db8::]", "[2001:db8:ffff::1]", "[3fff::1]", "[3fff:fff::1]",
	    "[4000::]", "[5f00::1]", "[fc00::]", "[fd00:ec2::254]", "[fdff::1]",
	    "[fe80::1]", "[febf::1]", "[fec0::1]", "[feff::1]", "[ff02::1]",
	    "[ff0e::1]", "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]" };

	for (size_t i = 0; i < N(yes); i++) {
		assert_true(address_parse(yes[i], &sa, &len));
		if (!address_is_public(p))
			fail_msg("not public: %s", yes[i]);
	}
	for (size_t i = 0; i < N(no); i++) {
		assert_true(address_parse(no[i], &sa, &len));
		if (address_is_public(p))
			fail_msg("public: %s", no[i]);
	}
	assert_false(address_is_public(&(struct sockaddr){ .sa_family = AF_UNIX }));
	assert_false(address_is_public(&(struct sockaddr){ .sa_family = AF_UNSPEC }));
}

struct membership {
	const char *network, *ip;
	bool has;
};

static void
a_network_has_the_addresses_that_begin_like_it(void **state)
{
	static const struct membership cases[] = {
		{ "10.0.0.0/8", "10.0.0.0", true },
		{ "10.0.0.0/8", "10.255.255.255", true },
		{ "10.0.0.0/8", "11.0.0.0", false },
		{ "10.0.0.0/8", "9.255.255.255", false },
		{ "10.0.0.0/8", "[::ffff:10.1.2.3]", true },
		{ "10.0.0.0/8", "[a00::]", false },
		{ "10.0.0.0/8", "[::10.1.2.3]", false },
		{ "172.16.0.0/12", "172.31.255.255", true },
		{ "172.16.0.0/12", "172.32.0.0", false },
		{ "1.2.3.4", "1.2.3.4", true },
		{ "1.2.3.4", "1.2.3.5", false },
		{ "1.2.3.4/32", "1.2.3.4", true },
		{ "1.2.3.4/31", "1.2.3.5", true },
		{ "1.2.3.4/31", "1.2.3.6", false },
		{ "128.0.0.0/1", "255.1.1.1", true },
		{ "128.0.0.0/1", "127.1.1.1", false },
		{ "0.0.0.0/0", "255.255.255.255", true },
		{ "0.0.0.0/0", "[::1]", false },
		{ "0.0.0.0/0", "[::ffff:1.1.1.1]", true },
		{ "::/0", "[2606::1]", true },
		{ "::/0", "1.2.3.4", false },
		{ "::/0", "[::ffff:1.2.3.4]", false },
		{ "::1", "[::1]", true },
		{ "::1", "[::2]", false },
		{ "::1", "127.0.0.1", false },
		{ "fd00::/8", "[fdff:ffff::1]", true },
		{ "fd00::/8", "[fc00::1]", false },
		{ "fe80::/10", "[febf::1]", true },
		{ "fe80::/10", "[fec0::]", false },
		{ "2001:db8::/127", "[2001:db8::1]", true },
		{ "2001:db8::/127", "[2001:db8::2]", false },
		{ "2001:DB8::/32", "[2001:db8:ffff::]", true },
		{ "::ffff:10.0.0.0/104", "10.1.2.3", true },
		{ "::ffff:10.0.0.0/104", "11.1.2.3", false },
		{ "::ffff:0:0/96", "8.8.8.8", true },
		{ "::ffff:1.2.3.4", "1.2.3.4", true },
	};
	struct network n;
	char why[NETWORK_WHY_MAX];

	for (size_t i = 0; i < N(cases); i++) {
		if (!network_parse(&n, cases[i].network, why))
			fail_msg("%s: %s", cases[i].network, why);
		assert_true(address_parse(cases[i].ip, &sa, &len));
		if (network_has(&n, p) != cases[i].has)
			fail_msg("%s, %s", cases[i].network, cases[i].ip);
		p->sa_family = AF_UNIX;
		assert_false(network_has(&n, p));
	}
}

static void
every_prefix_length_has_its_network_and_no_bit_before(void **state)
{
	struct network n = { .len = 16 };
	uint8_t ip[16];

	for (unsigned bits = 0; bits <= 128; bits++) {
		n.bits = (uint8_t)bits;
		for (unsigned bit = 0; bit < 128; bit++) {
			memset(ip, 0, sizeof(ip));
			ip[bit / 8] = (uint8_t)(0x80 >> bit % 8);
			assert_int_equal(network_has_ip(&n, ip, 16), bit >= bits);
		}
		assert_false(network_has_ip(&n, ip, 4));
	}
}

static void
what_is_no_network_is_refused_with_a_remedy(void **state)
{
	static const struct {
		const char *text, *why;
	} cases[] = {
		{ "", "in numbers" }, { "/", "in numbers" }, { "/8", "in numbers" },
		{ "10", "in numbers" }, { "10.0.0", "in numbers" },
		{ "10.0.0.0/8 ", "/0 to /32" }, { " 10.0.0.0/8", "in numbers" },
		{ "10.0.0.0/", "/0 to /32" }, { "10.0.0.0/x", "/0 to /32" },
		{ "10.0.0.0/-1", "/0 to /32" }, { "10.0.0.0/+8", "/0 to /32" },
		{ "10.0.0.0/08", "/0 to /32" }, { "10.0.0.0/33", "/0 to /32" },
		{ "10.0.0.0/256", "/0 to /32" }, { "10.0.0.0/264", "/0 to /32" },
		{ "10.0.0.0/4294967304", "/0 to /32" },
		{ "10.0.0.0/255.0.0.0", "/0 to /32" }, { "10.0.0.0/8/8", "/0 to /32" },
		{ "fd00::/129", "/0 to /128" }, { "fd00::/", "/0 to /128" },
		{ "[fd00::]/8", "in numbers" }, { "[::1]", "in numbers" },
		{ "fe80::1%lo", "in numbers" }, { "localhost", "in numbers" },
		{ "010.0.0.0/8", "in numbers" }, { "10.0.0.1:80", "in numbers" },
		{ "10.0.0.1/8", "beyond /8: give 10.0.0.0/8, or 10.0.0.1 alone" },
		{ "10.128.0.0/8", "beyond /8: give 10.0.0.0/8" },
		{ "1.2.3.5/31", "beyond /31: give 1.2.3.4/31" },
		{ "1.0.0.0/0", "beyond /0: give 0.0.0.0/0" },
		{ "fd00::1/8", "beyond /8: give fd00::/8, or fd00::1 alone" },
		{ "1111:2222:3333:4444:5555:6666:177.177.177.177/1", "give ::/1" },
		{ "1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb:cccc", "in" },
	};
	struct network n;
	char why[NETWORK_WHY_MAX];

	for (size_t i = 0; i < N(cases); i++) {
		if (network_parse(&n, cases[i].text, why))
			fail_msg("passed: %s", cases[i].text);
		if (!strstr(why, cases[i].why))
			fail_msg("%s: %s", cases[i].text, why);
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
		cmocka_unit_test(
		    special_networks_are_not_public_from_end_to_end_in_whatever_form),
		cmocka_unit_test(of_ipv6_only_global_unicast_is_public),
		cmocka_unit_test(a_network_has_the_addresses_that_begin_like_it),
		cmocka_unit_test(every_prefix_length_has_its_network_and_no_bit_before),
		cmocka_unit_test(what_is_no_network_is_refused_with_a_remedy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
