#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "store/redact.h"
#include "store/sha256.h"
#include "tests/unit/guard.h"

static const uint8_t key[REDACT_KEY_LEN] = "0123456789abcdef0123456789abcde";
static char hash[REDACT_HASH_LEN + 1];

static const char *
hash_of(const char *secret)
{
	uint8_t mac[32];

	hmac_sha256(key, sizeof(key), secret, strlen(secret), mac);
	for (unsigned i = 0; i < REDACT_HASH_LEN / 2; i++) {
		static const char hex[] = "0123456789abcdef";

		hash[2 * i] = hex[mac[i] >> 4];
		hash[2 * i + 1] = hex[mac[i] & 15];
	}
	return hash;
}

/* In `want`, '#' stands for the hash of `secret`. */
static void
check(const char *head, const char *secret, const char *want, const char *who_of)
{
	struct bytes out = { 0 }, expect = { 0 };
	char who[REDACT_HASH_LEN + 1] = "?";
	size_t n = strlen(head);

	for (; *want; want++) {
		if (*want == '#')
			bytes_puts(&expect, hash_of(secret));
		else
			bytes_putc(&expect, *want);
	}
	redact_head(&out, (struct slice){ guard_put(head, n), n }, key, who);
	bytes_putc(&out, 0);
	bytes_putc(&expect, 0);
	assert_string_equal((char *)out.p, (char *)expect.p);
	assert_string_equal(who, who_of ? hash_of(who_of) : "");
	bytes_fini(&out);
	bytes_fini(&expect);
}

static const struct {
	const char *head;
	const char *secret;
	const char *want;
	const char *who_of;
} table[] = {
	{ "GET / HTTP/1.1\r\nAuthorization: Bearer sk-1\r\n\r\n", "sk-1",
	    "GET / HTTP/1.1\r\nAuthorization: Bearer <redacted #>\r\n\r\n", "sk-1" },
	{ "aUTHORIZATION:bearer \t sk-1 \t\r\n", "sk-1",
	    "aUTHORIZATION:bearer \t <redacted #> \t\r\n", "sk-1" },
	{ "Authorization: Basic YTpi\r\n", "YTpi",
	    "Authorization: Basic <redacted #>\r\n", "YTpi" },
	{ "Authorization: Digest username=\"x\", uri=\"/\"\r\n",
	    "Digest username=\"x\", uri=\"/\"",
	    "Authorization: <redacted #>\r\n",
	    "Digest username=\"x\", uri=\"/\"" },
	/* A scheme alone is no scheme. */
	{ "Authorization: Bearer\r\n", "Bearer",
	    "Authorization: <redacted #>\r\n", "Bearer" },
	{ "Authorization: Bearersk\r\n", "Bearersk",
	    "Authorization: <redacted #>\r\n", "Bearersk" },
	{ "Authorization:  \r\n\r\n", "", "Authorization:  \r\n\r\n", NULL },
	{ "api-key: k\r\n", "k", "api-key: <redacted #>\r\n", "k" },
	{ "x-API-key: k\r\n", "k", "x-API-key: <redacted #>\r\n", "k" },
	{ "Proxy-Authorization: Basic cA==\r\n", "cA==",
	    "Proxy-Authorization: Basic <redacted #>\r\n", NULL },
	{ "Cookie: a=b; c=d\r\n", "a=b; c=d", "Cookie: <redacted #>\r\n", NULL },
	{ "Set-Cookie: a\r\nSet-Cookie: a\r\n", "a",
	    "Set-Cookie: <redacted #>\r\nSet-Cookie: <redacted #>\r\n", NULL },
	/* Several lines: the first is who called; all are redacted. */
	{ "Authorization: Bearer one\r\nx: y\r\nAuthorization: Bearer one\r\n",
	    "one", "Authorization: Bearer <redacted #>\r\nx: y\r\n"
	    "Authorization: Bearer <redacted #>\r\n", "one" },
	/* api-key and Bearer give the same hash for the same key. */
	{ "x-api-key: K\r\napi-key: K\r\nAuthorization: Bearer K\r\n", "K",
	    "x-api-key: <redacted #>\r\napi-key: <redacted #>\r\n"
	    "Authorization: Bearer <redacted #>\r\n", "K" },
	{ "Authorization: \r\napi-key: K\r\n", "K",
	    "Authorization: \r\napi-key: <redacted #>\r\n", "K" },
	/* Neighbours of the names are no secrets. */
	{ "xapi-key: k\r\nx-api-key2: k\r\nCookies: k\r\nAuthorizatio: k\r\n", "",
	    "xapi-key: k\r\nx-api-key2: k\r\nCookies: k\r\nAuthorizatio: k\r\n",
	    NULL },
	{ "POST http://h:1/authorization: HTTP/1.1\r\n", "",
	    "POST http://h:1/authorization: HTTP/1.1\r\n", NULL },
	/* What proxy/http1 refuses must not leak here either. */
	{ "Authorization : k\r\n", "k", "Authorization : <redacted #>\r\n", "k" },
	{ "Cookie:\r\n  fold\r\n more: x\r\nz: \r\n  y\r\n", "fold",
	    "Cookie:\r\n  <redacted #>\r\n <redacted @>\r\nz: \r\n  y\r\n", NULL },
	{ " Cookie: k\r\n x\r\n", "k", " Cookie: <redacted #>\r\n <redacted %>\r\n",
	    NULL },
	{ "Cookie: k", "k", "Cookie: <redacted #>", NULL },
	{ "Cookie: k\n", "k", "Cookie: <redacted #>\n", NULL },
	{ "", "", "", NULL },
	{ "\r\n", "", "\r\n", NULL },
};

static void
secrets_go_and_every_other_byte_stays(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct bytes want = { 0 };

		for (const char *p = table[i].want; *p; p++) {
			if (*p == '@')
				bytes_puts(&want, hash_of("more: x"));
			else if (*p == '%')
				bytes_puts(&want, hash_of("x"));
			else
				bytes_putc(&want, *p);
		}
		bytes_putc(&want, 0);
		check(table[i].head, table[i].secret, (char *)want.p,
		    table[i].who_of);
		bytes_fini(&want);
	}
}

static void
authorization_comes_before_api_key_before_x_api_key(void **state)
{
	struct bytes out = { 0 };
	char who[REDACT_HASH_LEN + 1];

	(void)state;
	redact_head(&out, SLICE("x-api-key: c\r\napi-key: b\r\n"), key, who);
	assert_string_equal(who, hash_of("b"));
	redact_head(&out, SLICE("x-api-key: c\r\nAuthorization: a\r\n"
	    "Authorization: z\r\n"), key, who);
	assert_string_equal(who, hash_of("a"));
	redact_head(&out, SLICE("x-api-key: c\r\n"), key, NULL);
	bytes_fini(&out);
}

static void
another_key_gives_another_hash(void **state)
{
	static const uint8_t other[REDACT_KEY_LEN] = "1";
	char a[REDACT_HASH_LEN + 1], b[REDACT_HASH_LEN + 1];
	struct bytes out = { 0 };

	(void)state;
	redact_head(&out, SLICE("api-key: k\r\n"), key, a);
	redact_head(&out, SLICE("api-key: k\r\n"), other, b);
	assert_string_not_equal(a, b);
	bytes_fini(&out);
}

static void
a_head_of_64_kilobytes_is_redacted_whole(void **state)
{
	struct bytes head = { 0 }, out = { 0 };

	(void)state;
	while (head.len < 64 * 1024 - 100)
		bytes_puts(&head, "Cookie: secret-value\r\nx-plain: stays\r\n");
	bytes_puts(&head, "\r\n");
	redact_head(&out, bytes_slice(&head), key, NULL);
	assert_null(memmem(out.p, out.len, "secret-value", 12));
	assert_non_null(memmem(out.p, out.len, "x-plain: stays\r\n\r\n", 18));
	bytes_fini(&head);
	bytes_fini(&out);
}

static void
no_cut_of_a_head_lets_a_secret_through(void **state)
{
	static const char head[] = "GET / HTTP/1.1\r\nHost: a\r\n"
	    "Authorization: Bearer sk-SECRET\r\nCookie: SECRET\r\n\r\n";

	(void)state;
	for (size_t n = 0; n < sizeof(head); n++) {
		struct bytes out = { 0 };

		redact_head(&out, (struct slice){ guard_put(head, n), n }, key, NULL);
		if (n > 0)
			assert_null(memmem(out.p, out.len, "SECRE", 5));
		bytes_fini(&out);
	}
}

static void
the_secret_names_are_known(void **state)
{
	(void)state;
	assert_true(redact_is_secret(SLICE("SET-cookie")));
	assert_true(redact_is_secret(SLICE("proxy-Authorization")));
	assert_false(redact_is_secret(SLICE("openai-organization")));
	assert_false(redact_is_secret((struct slice){ NULL, 0 }));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(secrets_go_and_every_other_byte_stays),
		cmocka_unit_test(authorization_comes_before_api_key_before_x_api_key),
		cmocka_unit_test(another_key_gives_another_hash),
		cmocka_unit_test(a_head_of_64_kilobytes_is_redacted_whole),
		cmocka_unit_test(no_cut_of_a_head_lets_a_secret_through),
		cmocka_unit_test(the_secret_names_are_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
