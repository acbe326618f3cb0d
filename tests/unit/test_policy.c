#include "proxy/policy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proxy/address.h"
#include "proxy/config.h"
#include "proxy/origin.h"
#include "tests/unit/guard.h"

#define N(a) (sizeof(a) / sizeof(*(a)))

enum { SETTINGS_MAX = 6 };

static struct config c;
static struct policy *policy;
static char err[CONFIG_ERROR_MAX];

static int
begin(void **state)
{
	return !config_init(&c);
}

static int
end(void **state)
{
	policy_free(policy);
	policy = NULL;
	config_fini(&c);
	return 0;
}

/* The policy of the defaults and what is set besides. */
static void
make(const char *const set[SETTINGS_MAX])
{
	config_fini(&c);
	assert_true(config_init(&c));
	for (int i = 0; i < SETTINGS_MAX && set[i]; i++)
		if (!config_set(&c, set[i], err))
			fail_msg("%s", err);
	policy_free(policy);
	policy = policy_new(&c, err);
	if (!policy)
		fail_msg("%s", err);
}

#define MAKE(...) make((const char *const[SETTINGS_MAX]){ __VA_ARGS__ })

static const struct sockaddr *
address(const char *text)
{
	static struct sockaddr_storage sa;
	socklen_t len;

	if (!address_parse(text, &sa, &len))
		fail_msg("no address: %s", text);
	return (const struct sockaddr *)&sa;
}

static struct origin
origin(const char *text)
{
	struct origin o = { .port = 0 };

	if (!origin_parse_authority(&o, text, strlen(text)))
		fail_msg("no authority: %s", text);
	return o;
}

static enum tunnel_verdict
tunnel(const char *authority)
{
	struct origin o = origin(authority);

	return policy_tunnel(policy, &o);
}

static bool
reaches(const char *authority, const char *ip)
{
	struct origin o = origin(authority);

	return policy_reaches(policy, &o, address(ip));
}

static void
the_api_and_its_regions_are_intercepted_by_default_and_nothing_else(void **state)
{
	static const char *const yes[] = { "api.openai.com", "API.OpenAI.COM",
	    "api.openai.com.", "us.api.openai.com", "eu.api.openai.com",
	    "jp.api.openai.com", "a.b.api.openai.com", "US.API.OPENAI.COM." };
	static const char *const no[] = { "openai.com", "chat.openai.com",
	    "xapi.openai.com", "api.openai.com.evil.example", "api.openai.co",
	    "api.openai.comm", "api-openai.com", "", ".", "..", ".api.openai.com",
	    "api.openai.com..", "127.0.0.1", "::1", "*.api.openai.com.example" };

	MAKE(NULL);
	for (size_t i = 0; i < N(yes); i++)
		if (!policy_intercepts(policy, yes[i]))
			fail_msg("not intercepted: %s", yes[i]);
	for (size_t i = 0; i < N(no); i++)
		if (policy_intercepts(policy, no[i]))
			fail_msg("intercepted: %s", no[i]);
}

static void
a_suffix_has_what_is_below_it_and_not_itself(void **state)
{
	MAKE("forward.intercept=*.b.example Exact.Example. 10.1.2.3 ::1");
	assert_true(policy_intercepts(policy, "a.b.example"));
	assert_true(policy_intercepts(policy, "a.c.b.example"));
	assert_false(policy_intercepts(policy, "b.example"));
	assert_false(policy_intercepts(policy, "ab.example"));
	assert_true(policy_intercepts(policy, "exact.example"));
	assert_false(policy_intercepts(policy, "a.exact.example"));
	assert_false(policy_intercepts(policy, "api.openai.com"));
	assert_true(policy_intercepts(policy, "10.1.2.3"));
	assert_true(policy_intercepts(policy, "0:0:0:0:0:0:0:1"));
	assert_true(policy_intercepts(policy, "[::1]"));
	assert_true(policy_intercepts(policy, "::1%lo"));
	assert_true(policy_intercepts(policy, "::ffff:10.1.2.3"));
	assert_false(policy_intercepts(policy, "10.1.2.4"));
	MAKE("forward.intercept=");
	assert_false(policy_intercepts(policy, "api.openai.com"));
}

static void
a_host_of_any_length_is_answered(void **state)
{
	char host[1000];

	MAKE(NULL);
	for (size_t n = 0; n < sizeof(host); n++) {
		memset(host, 'a', n);
		host[n] = '\0';
		if (n > 15)
			memcpy(host + n - 15, ".api.openai.com", 15);
		/* 255 is the longest that fits an origin. */
		assert_int_equal(policy_intercepts(policy,
		    guard_put(host, n + 1)), n > 15 && n < ORIGIN_HOST_MAX);
	}
}

struct tunnelled {
	const char *authority;
	enum tunnel_verdict verdict;
};

static void
check(const struct tunnelled *cases, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (tunnel(cases[i].authority) != cases[i].verdict)
			fail_msg("%s: %d, not %d", cases[i].authority,
			    tunnel(cases[i].authority), cases[i].verdict);
}

static void
any_public_host_is_tunnelled_to_on_443_and_80_by_default(void **state)
{
	static const struct tunnelled cases[] = {
		{ "a.example:443", TUNNEL_YES },
		{ "a.example:80", TUNNEL_YES },
		{ "A.EXAMPLE.:80", TUNNEL_YES },
		{ "localhost:443", TUNNEL_YES },	/* until resolved */
		{ "3com:443", TUNNEL_YES },
		{ "8.8.8.8:443", TUNNEL_YES },
		{ "[2606:4700::1]:443", TUNNEL_YES },
		{ "a.example:25", TUNNEL_PORT },
		{ "a.example:22", TUNNEL_PORT },
		{ "a.example:8443", TUNNEL_PORT },
		{ "a.example:65535", TUNNEL_PORT },
		{ "a.example", TUNNEL_PORT },
		{ "127.0.0.1:22", TUNNEL_PORT },
		{ "127.0.0.1:443", TUNNEL_ADDRESS },
		{ "127.0.0.1.:443", TUNNEL_ADDRESS },
		{ "169.254.169.254:80", TUNNEL_ADDRESS },
		{ "10.0.0.1:443", TUNNEL_ADDRESS },
		{ "[::1]:443", TUNNEL_ADDRESS },
		{ "[0:0:0:0:0:0:0:1]:443", TUNNEL_ADDRESS },
		{ "[::ffff:127.0.0.1]:443", TUNNEL_ADDRESS },
		{ "[::ffff:7f00:1]:443", TUNNEL_ADDRESS },
		{ "[64:ff9b::a9fe:a9fe]:80", TUNNEL_ADDRESS },
		{ "127.1:443", TUNNEL_ADDRESS },
		{ "2130706433:443", TUNNEL_ADDRESS },
		{ "0x7f000001:443", TUNNEL_ADDRESS },
		{ "0x7f.0.0.1:443", TUNNEL_ADDRESS },
		{ "0177.0.0.1:443", TUNNEL_ADDRESS },
		{ "127.0.0.01:443", TUNNEL_ADDRESS },
		{ "0:443", TUNNEL_ADDRESS },
		{ "a.example.0:443", TUNNEL_ADDRESS },
	};

	MAKE(NULL);
	check(cases, N(cases));
}

static void
none_tunnels_nowhere(void **state)
{
	static const struct tunnelled cases[] = {
		{ "a.example:443", TUNNEL_OFF },
		{ "listed.example:443", TUNNEL_OFF },
		{ "resolved.example:443", TUNNEL_OFF },
		{ "127.0.0.1:22", TUNNEL_OFF },
	};

	MAKE("forward.tunnel=none", "forward.tunnel_to=listed.example",
	    "upstream.resolve=resolved.example=127.0.0.1");
	check(cases, N(cases));
}

static void
listed_tunnels_to_the_listed_on_ports_that_are_listed(void **state)
{
	static const struct tunnelled cases[] = {
		{ "host.example:443", TUNNEL_YES },
		{ "HOST.example.:80", TUNNEL_YES },
		{ "host.example:22", TUNNEL_PORT },
		{ "git.example:22", TUNNEL_YES },
		{ "git.example:443", TUNNEL_UNLISTED },
		{ "a.suffix.example:443", TUNNEL_YES },
		{ "suffix.example:443", TUNNEL_UNLISTED },
		{ "10.1.2.3:443", TUNNEL_YES },
		{ "[::ffff:10.1.2.3]:443", TUNNEL_YES },
		{ "11.1.2.3:443", TUNNEL_UNLISTED },
		{ "[fd00::1]:5432", TUNNEL_YES },
		{ "[fd00::1]:443", TUNNEL_UNLISTED },
		{ "[::1]:80", TUNNEL_YES },
		{ "resolved.example:443", TUNNEL_YES },
		{ "resolved.example:9999", TUNNEL_PORT },
		{ "192.168.0.9:443", TUNNEL_YES },
		{ "other.example:443", TUNNEL_UNLISTED },
		{ "8.8.8.8:443", TUNNEL_UNLISTED },
		{ "127.0.0.1:443", TUNNEL_UNLISTED },
	};

	MAKE("forward.tunnel=listed",
	    "forward.tunnel_to=Host.Example,git.example:22 *.suffix.example",
	    "forward.tunnel_to=10.0.0.0/8 [fd00::/8]:5432 ::1",
	    "upstream.resolve=Resolved.example=127.0.0.1:9999",
	    "upstream.resolve=192.168.0.9=127.0.0.1:9999");
	check(cases, N(cases));
}

static void
ports_are_those_of_the_list(void **state)
{
	static const struct tunnelled cases[] = {
		{ "a.example:1", TUNNEL_YES },
		{ "a.example:65535", TUNNEL_YES },
		{ "a.example:443", TUNNEL_PORT },
	};
	static const struct tunnelled closed[] = {
		{ "a.example:443", TUNNEL_PORT },
		{ "b.example:443", TUNNEL_YES },
	};

	MAKE("forward.ports=1, 65535");
	check(cases, N(cases));
	MAKE("forward.ports=", "forward.tunnel_to=b.example:443");
	check(closed, N(closed));
}

static void
a_name_that_resolves_to_an_address_of_ours_is_not_reached(void **state)
{
	static const char *const bad[] = { "127.0.0.1", "10.0.0.1", "[::1]",
	    "169.254.169.254", "[fe80::1]", "[::ffff:10.0.0.1]", "0.0.0.0" };

	MAKE(NULL);
	assert_true(reaches("a.example:443", "8.8.8.8:443"));
	assert_true(reaches("a.example:443", "[2606:4700::1]:443"));
	for (size_t i = 0; i < N(bad); i++) {
		assert_false(reaches("a.example:443", bad[i]));
		assert_false(reaches("localhost:443", bad[i]));
	}
}

static void
what_is_listed_is_reached_wherever_it_is(void **state)
{
	MAKE("forward.tunnel_to=git.corp:22 *.lan 10.0.0.0/8 [fd00::/8]:5432",
	    "forward.tunnel_to=localhost",
	    "upstream.resolve=here.example=127.0.0.1:9999");
	assert_true(reaches("git.corp:22", "192.168.1.1:22"));
	assert_false(reaches("git.corp:443", "192.168.1.1:443"));
	assert_true(reaches("a.lan:443", "192.168.1.1:443"));
	assert_true(reaches("a.example:443", "10.9.9.9:443"));
	assert_true(reaches("a.example:443", "[::ffff:10.9.9.9]:443"));
	assert_false(reaches("a.example:443", "192.168.1.1:443"));
	assert_true(reaches("a.example:5432", "[fd00::1]:5432"));
	assert_false(reaches("a.example:443", "[fd00::1]:443"));
	assert_true(reaches("localhost:80", "127.0.0.1:80"));
	/* The port is that which the client asked for. */
	assert_true(reaches("here.example:443", "127.0.0.1:9999"));
	assert_false(reaches("there.example:443", "127.0.0.1:9999"));
	assert_true(reaches("HERE.example.:443", "[::ffff:127.0.0.1]:1"));
	assert_false(reaches("here.example:443", "127.0.0.2:9999"));
	assert_false(reaches("here.example:443", "192.168.0.1:9999"));
}

static void
clients_are_those_of_the_list_and_everybody_without_one(void **state)
{
	MAKE(NULL);
	assert_false(policy_has_allow(policy));
	assert_true(policy_admits(policy, address("8.8.8.8")));
	assert_true(policy_admits(policy, address("[2606::1]")));
	MAKE("forward.allow=10.0.0.0/8,192.168.1.7 fd00::/8");
	assert_true(policy_has_allow(policy));
	assert_true(policy_admits(policy, address("10.255.255.255:5")));
	assert_true(policy_admits(policy, address("[::ffff:10.1.1.1]:5")));
	assert_true(policy_admits(policy, address("192.168.1.7")));
	assert_true(policy_admits(policy, address("[fdff::1]")));
	assert_false(policy_admits(policy, address("192.168.1.8")));
	assert_false(policy_admits(policy, address("11.0.0.0")));
	assert_false(policy_admits(policy, address("[fe00::1]")));
	assert_false(policy_admits(policy, address("127.0.0.1")));
	assert_false(policy_admits(policy,
	    &(struct sockaddr){ .sa_family = AF_UNIX }));
	MAKE("forward.allow=::/0");
	assert_true(policy_admits(policy, address("[2606::1]")));
	assert_false(policy_admits(policy, address("[::ffff:10.1.1.1]")));
	assert_false(policy_admits(policy, address("10.1.1.1")));
}

static void
loopback_and_the_listed_go_without_the_other_proxy(void **state)
{
	static const char *const yes[] = { "localhost", "LOCALHOST.", "a.localhost",
	    "127.0.0.1", "127.9.9.9", "::1", "[::1]", "::ffff:127.0.0.1",
	    "direct.example", "a.corp.example", "10.2.3.4" };
	static const char *const no[] = { "api.openai.com", "notlocalhost",
	    "localhost.example", "corp.example", "11.0.0.1", "::2", "", "128.0.0.1",
	    "x.10.2.3.4" };

	MAKE("upstream.no_via=direct.example *.corp.example 10.0.0.0/8");
	for (size_t i = 0; i < N(yes); i++)
		if (!policy_skips_via(policy, yes[i]))
			fail_msg("through it: %s", yes[i]);
	for (size_t i = 0; i < N(no); i++)
		if (policy_skips_via(policy, no[i]))
			fail_msg("past it: %s", no[i]);
}

struct fault {
	const char *key, *item, *remedy;
};

static void
a_bad_item_is_named_with_its_key_and_a_remedy(void **state)
{
	static const struct fault cases[] = {
		{ "forward.intercept", "*", "host or *.suffix" },
		{ "forward.intercept", "*.", "host or *.suffix" },
		{ "forward.intercept", ".openai.com", "host or *.suffix" },
		{ "forward.intercept", "a.*.b", "host or *.suffix" },
		{ "forward.intercept", "*.*.b", "host or *.suffix" },
		{ "forward.intercept", "a*.b", "host or *.suffix" },
		{ "forward.intercept", "a..b", "host or *.suffix" },
		{ "forward.intercept", "https://a.b", "host or *.suffix" },
		{ "forward.intercept", "a.b/v1", "host or *.suffix" },
		{ "forward.intercept", "10.0.0.0/8", "host or *.suffix" },
		{ "forward.intercept", "*.10.0.0.1", "host or *.suffix" },
		{ "forward.intercept", "127.1", "host or *.suffix" },
		{ "forward.intercept", "a.b:443", "no port" },
		{ "forward.intercept", "\xc3\xa4.example", "host or *.suffix" },
		{ "forward.tunnel_to", "10.0.0.1/8", "give 10.0.0.0/8, or 10.0.0.1" },
		{ "forward.tunnel_to", "10.0.0.1/8:22", "give 10.0.0.0/8" },
		{ "forward.tunnel_to", "10.0.0.0/33", "/0 to /32" },
		{ "forward.tunnel_to", "fd00::/129", "/0 to /128" },
		{ "forward.tunnel_to", "a.b:0", "1 to 65535" },
		{ "forward.tunnel_to", "a.b:65536", "1 to 65535" },
		{ "forward.tunnel_to", "a.b:", "1 to 65535" },
		{ "forward.tunnel_to", "a.b:https", "1 to 65535" },
		{ "forward.tunnel_to", "[a.b]:443", "[::1]:443" },
		{ "forward.tunnel_to", "[::1]443", "[::1]:443" },
		{ "forward.tunnel_to", "[::1", "[::1]:443" },
		{ "forward.tunnel_to", "::1]:443", "address" },
		{ "forward.tunnel_to", "*", "*.suffix" },
		{ "forward.tunnel_to", ":443", "*.suffix" },
		{ "upstream.no_via", "a.b:443", "no port" },
		{ "upstream.no_via", "*", "*.suffix" },
		{ "upstream.no_via", "10.0.0.0/", "/0 to /32" },
		{ "forward.allow", "10.0.0.0/8/8", "/0 to /32" },
		{ "forward.allow", "a.example", "in numbers" },
		{ "forward.allow", "10.0.0.1:80", "in numbers" },
		{ "forward.allow", "[::1]", "in numbers" },
		{ "forward.allow", "10.0.0.1/31", "10.0.0.0/31" },
		{ "upstream.resolve", "*.a=1.2.3.4", "host=address" },
	};
	char text[128];

	for (size_t i = 0; i < N(cases); i++) {
		config_fini(&c);
		assert_true(config_init(&c));
		snprintf(text, sizeof(text), "%s=%s", cases[i].key, cases[i].item);
		if (!config_set(&c, text, err))
			continue;	/* refused earlier: test_config */
		policy = policy_new(&c, err);
		if (policy)
			fail_msg("passed: %s", text);
		if (!strstr(err, cases[i].key) || !strstr(err, cases[i].item) ||
		    !strstr(err, cases[i].remedy))
			fail_msg("%s: %s", text, err);
	}
}

static void
an_error_is_whole_however_long_the_item(void **state)
{
	char text[6000] = "forward.tunnel_to=";

	memset(text + 18, '/', sizeof(text) - 19);
	assert_true(config_set(&c, text, err));
	assert_null(policy_new(&c, err));
	assert_non_null(strstr(err, "give"));
	assert_true(strlen(err) < CONFIG_ERROR_MAX - 1);
}

static void
a_full_list_is_taken(void **state)
{
	char text[128];

	for (int i = 0; i < CONFIG_LIST_MAX; i++) {
		snprintf(text, sizeof(text), "forward.tunnel_to=h%d.example:%d", i,
		    i + 1);
		assert_true(config_set(&c, text, err));
		snprintf(text, sizeof(text), "forward.allow=10.%d.0.0/16", i);
		assert_true(config_set(&c, text, err));
		snprintf(text, sizeof(text), "forward.ports=%d", i + 1000);
		assert_true(config_set(&c, text, err));
		snprintf(text, sizeof(text), "upstream.resolve=r%d=10.0.0.1", i);
		assert_true(config_set(&c, text, err));
	}
	assert_non_null(policy = policy_new(&c, err));
	assert_int_equal(tunnel("h63.example:64"), TUNNEL_YES);
	assert_int_equal(tunnel("h63.example:63"), TUNNEL_PORT);
	assert_int_equal(tunnel("x.example:1063"), TUNNEL_YES);
	assert_true(policy_admits(policy, address("10.63.1.1")));
	assert_false(policy_admits(policy, address("10.64.1.1")));
	assert_true(reaches("r63:443", "10.0.0.1"));
}

#define T(f) cmocka_unit_test_setup_teardown(f, begin, end)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(the_api_and_its_regions_are_intercepted_by_default_and_nothing_else),
		T(a_suffix_has_what_is_below_it_and_not_itself),
		T(a_host_of_any_length_is_answered),
		T(any_public_host_is_tunnelled_to_on_443_and_80_by_default),
		T(none_tunnels_nowhere),
		T(listed_tunnels_to_the_listed_on_ports_that_are_listed),
		T(ports_are_those_of_the_list),
		T(a_name_that_resolves_to_an_address_of_ours_is_not_reached),
		T(what_is_listed_is_reached_wherever_it_is),
		T(clients_are_those_of_the_list_and_everybody_without_one),
		T(loopback_and_the_listed_go_without_the_other_proxy),
		T(a_bad_item_is_named_with_its_key_and_a_remedy),
		T(an_error_is_whole_however_long_the_item),
		T(a_full_list_is_taken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
