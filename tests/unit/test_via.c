#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/via.h"
#include "store/bytes.h"
#include "tests/unit/guard.h"

#define N(a) (sizeof(a) / sizeof(*(a)))

static void
urls_say_who_the_proxy_is(void **state)
{
	static const struct {
		const char *url, *host, *auth;
		unsigned port;
	} cases[] = {
		{ "http://proxy.example:3128", "proxy.example", "", 3128 },
		{ "http://proxy.example", "proxy.example", "", 80 },
		{ "http://proxy.example/", "proxy.example", "", 80 },
		{ "http://Proxy.Example.:8080/", "proxy.example", "", 8080 },
		{ "http://10.0.0.1:8080", "10.0.0.1", "", 8080 },
		{ "http://[fd00::1]:8080", "fd00::1", "", 8080 },
		{ "http://@proxy", "proxy", "", 80 },
		{ "http://a:b@proxy:1", "proxy", "YTpi", 1 },
		{ "http://a@proxy", "proxy", "YTo=", 80 },
		{ "http://a:@proxy", "proxy", "YTo=", 80 },
		{ "http://:b@proxy", "proxy", "OmI=", 80 },
		/* RFC 7617 2 */
		{ "http://Aladdin:open%20sesame@proxy", "proxy",
		    "QWxhZGRpbjpvcGVuIHNlc2FtZQ==", 80 },
		{ "http://test:123%C2%a3@proxy", "proxy", "dGVzdDoxMjPCow==", 80 },
		{ "http://test:123\xc2\xa3@proxy", "proxy", "dGVzdDoxMjPCow==", 80 },
		{ "http://u:p:q%40%3A%2f%25@proxy", "proxy", "dTpwOnFAOi8l", 80 },
		{ "http://dom%5Cuser:p@proxy", "proxy", "ZG9tXHVzZXI6cA==", 80 },
		{ "http://a:+@proxy", "proxy", "YTor", 80 },
		{ "http://\xff\xbf:\xff@proxy", "proxy", "/786/w==", 80 },
	};

	for (size_t i = 0; i < N(cases); i++) {
		const char *why = "";
		struct via v;

		if (!via_parse(&v, cases[i].url, &why))
			fail_msg("%s: %s", cases[i].url, why);
		assert_string_equal(v.proxy.host, cases[i].host);
		assert_int_equal(v.proxy.port, cases[i].port);
		assert_false(v.proxy.is_tls);
		assert_string_equal(v.auth, cases[i].auth);
	}
}

static void
what_is_no_proxys_url_is_refused_without_telling_it(void **state)
{
	static const char *const urls[] = {
		"", "proxy:3128", "https://u:hunter2@proxy:3128", "socks5://proxy",
		"http://", "http:///", "http://u:hunter2@", "http://proxy:0",
		"http://proxy:65536", "http://proxy:x", "http://proxy/path",
		"http://proxy?x", "http://proxy#x", "http://a b", "http://a\r\nb",
		"http://fd00::1", "http://[fd00::1", "http://u:hunter2@@proxy",
		"http://u:hunt@er2@proxy", "http://u:hunter2/@proxy",
		"http://u:hunter2?@proxy", "http://u:hunter2#@proxy",
		"http://u:hunter2%@proxy", "http://u:hunter2%4@proxy",
		"http://u:hunter2%zz@proxy", "http://u:hunter2%0a@proxy",
		"http://u:hunter2%00@proxy", "http://u:hunter2%7f@proxy",
		"http://u:hunter2\n@proxy", "http://u:hunter 2@proxy",
		"http://u%3Ax:hunter2@proxy", "http://u:hunter2@pro xy",
	};

	for (size_t i = 0; i < N(urls); i++) {
		const char *why = NULL;
		struct via v;

		if (via_parse(&v, urls[i], &why))
			fail_msg("taken: %s", urls[i]);
		assert_non_null(why);
		assert_null(strstr(why, "hunt"));
	}
}

static void
credentials_of_any_length_fit_or_are_refused(void **state)
{
	char url[2048];

	for (size_t n = 0; n < 1200; n++) {
		const char *why;
		struct via v;
		bool ok;

		strcpy(url, "http://u:");
		memset(url + 9, 'x', n);
		strcpy(url + 9 + n, "@proxy");
		ok = via_parse(&v, url, &why);
		assert_int_equal(ok, n + 2 <= 765);
		if (ok)
			assert_int_equal(strlen(v.auth), (n + 2 + 2) / 3 * 4);
	}
}

static void
the_request_names_the_host_with_its_port(void **state)
{
	static const struct {
		const char *via;
		struct origin o;
		const char *text;
	} cases[] = {
		{ "http://p", { .host = "api.openai.com", .port = 443, .is_tls = true },
		    "CONNECT api.openai.com:443 HTTP/1.1\r\n"
		    "Host: api.openai.com:443\r\n"
		    "Proxy-Connection: keep-alive\r\n\r\n" },
		{ "http://a:b@p", { .host = "a.example", .port = 80 },
		    "CONNECT a.example:80 HTTP/1.1\r\nHost: a.example:80\r\n"
		    "Proxy-Authorization: Basic YTpi\r\n"
		    "Proxy-Connection: keep-alive\r\n\r\n" },
		{ "http://p", { .host = "2001:db8::1", .port = 8443, .is_tls = true },
		    "CONNECT [2001:db8::1]:8443 HTTP/1.1\r\n"
		    "Host: [2001:db8::1]:8443\r\n"
		    "Proxy-Connection: keep-alive\r\n\r\n" },
	};

	for (size_t i = 0; i < N(cases); i++) {
		struct bytes out = { 0 };
		const char *why;
		struct via v;

		assert_true(via_parse(&v, cases[i].via, &why));
		via_request(&out, &v, &cases[i].o);
		assert_false(out.failed);
		assert_int_equal(out.len, strlen(cases[i].text));
		assert_memory_equal(out.p, cases[i].text, out.len);
		bytes_fini(&out);
	}
}

static const struct {
	const char *text;
	long len;		/* of the answer; -1: none */
	int status;
} answers[] = {
	{ "HTTP/1.1 200 Connection established\r\n\r\n", 39, 200 },
	{ "HTTP/1.1 200 Connection established\r\n\r\n\x16\x03\x01", 39, 200 },
	{ "HTTP/1.0 200 OK\r\n\r\nSSH-2.0", 19, 200 },
	{ "HTTP/1.1 200\r\n\r\n", 16, 200 },
	{ "HTTP/1.1 299 x\r\nVia: 1.1 p\r\n\r\n", 30, 299 },
	/* Framing says nothing behind a 2xx to CONNECT (RFC 9110 9.3.6). */
	{ "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", 38, 200 },
	{ "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", 47, 200 },
	{ "HTTP/1.1 407 No\r\nProxy-Authenticate: Basic\r\n\r\nbody", 46, 407 },
	{ "HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno", 45, 403 },
	{ "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", 44, 200 },
	{ "HTTP/1.1 103 H\r\nLink: x\r\n\r\nHTTP/1.1 100 C\r\n\r\n"
	    "HTTP/1.1 502 Bad\r\n\r\n", 65, 502 },
	{ "HTTP/1.1 101 Switching Protocols\r\n\r\n", 36, 101 },
	{ "SSH-2.0-OpenSSH_9.2\r\n", -1, 0 },
	{ "220 smtp.example ESMTP\r\n", -1, 0 },
	{ "\x15\x03\x01\x00\x02\x02\x46", -1, 0 },
	{ "\r\nHTTP/1.1 200 OK\r\n\r\n", -1, 0 },
	{ "HTTP/2 200\r\n\r\n", -1, 0 },
	{ "HTTP/1.1 2000 OK\r\n\r\n", -1, 0 },
	{ "HTTP/1.1 200 OK\nVia: a\n\n", -1, 0 },
	{ "HTTP/1.1 200 OK\r\n Via: a\r\n\r\n", -1, 0 },
	{ "HTTP/1.1 100 Continue\r\n\r\nSSH-2.0\r\n", -1, 0 },
	{ "<html>", -1, 0 },
};

/* More bytes change no verdict, and none is read beyond those that came. */
static void
every_prefix_of_an_answer_says_the_same_or_wants_more(void **state)
{
	for (size_t i = 0; i < N(answers); i++) {
		size_t n = strlen(answers[i].text);
		bool is_judged = false;

		for (size_t k = 0; k <= n; k++) {
			int status = -7;
			long len = via_answer(guard_put(answers[i].text, k), k,
			    &status);

			if (len == 0) {
				assert_false(is_judged);
				assert_true(answers[i].len < 0 ||
				    (long)k < answers[i].len);
				continue;
			}
			is_judged = true;
			assert_int_equal(len, answers[i].len);
			assert_int_equal(status, len < 0 ? -7 : answers[i].status);
		}
		if (!is_judged)
			fail_msg("no verdict: %s", answers[i].text);
	}
}

static void
an_answer_without_end_is_none(void **state)
{
	static char text[VIA_HEAD_MAX + 100];
	static const char start[] = "HTTP/1.1 200 OK\r\nX: ";
	int status = 0;

	memset(text, 'x', sizeof(text));
	memcpy(text, start, sizeof(start) - 1);
	assert_int_equal(via_answer(text, VIA_HEAD_MAX - 1, &status), 0);
	assert_int_equal(via_answer(text, VIA_HEAD_MAX, &status), -1);
	/* The longest that ends in time; then one byte more. */
	memcpy(text + VIA_HEAD_MAX - 4, "\r\n\r\n", 4);
	assert_int_equal(via_answer(text, sizeof(text), &status), VIA_HEAD_MAX);
	assert_int_equal(status, 200);
	memcpy(text + VIA_HEAD_MAX - 4, "x\r\n\r\n", 5);
	assert_int_equal(via_answer(text, sizeof(text), &status), -1);
	/* Interim answers do not go on for ever either. */
	for (size_t i = 0; i + 25 <= sizeof(text); i += 25)
		memcpy(text + i, "HTTP/1.1 100 Continue\r\n\r\n", 25);
	assert_int_equal(via_answer(text, VIA_HEAD_MAX, &status), -1);
}

static void
every_refusal_has_a_remedy(void **state)
{
	const char *why;
	struct via v;

	assert_true(via_parse(&v, "http://proxy", &why));
	assert_non_null(strstr(via_remedy(&v, 407), "user:password@"));
	assert_true(via_parse(&v, "http://u:hunter2@proxy", &why));
	assert_non_null(strstr(via_remedy(&v, 407), "does not take"));
	for (int status = 100; status < 1000; status++) {
		assert_true(strlen(via_remedy(&v, status)) > 10);
		assert_null(strstr(via_remedy(&v, status), "hunter2"));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(urls_say_who_the_proxy_is),
		cmocka_unit_test(what_is_no_proxys_url_is_refused_without_telling_it),
		cmocka_unit_test(credentials_of_any_length_fit_or_are_refused),
		cmocka_unit_test(the_request_names_the_host_with_its_port),
		cmocka_unit_test(every_prefix_of_an_answer_says_the_same_or_wants_more),
		cmocka_unit_test(an_answer_without_end_is_none),
		cmocka_unit_test(every_refusal_has_a_remedy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
