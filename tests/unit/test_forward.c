#include "proxy/forward.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/guard.h"

static struct http1_head h;

struct passed {
	const char *in, *out;
};

#define N(a) (sizeof(a) / sizeof(*(a)))
#define POST "POST /v1/responses HTTP/1.1\r\n"
#define OK "HTTP/1.1 200 OK\r\n"

static struct slice
text(const char *s)
{
	return (struct slice){ s, strlen(s) };
}

static void
assert_bytes(struct bytes *b, const char *want)
{
	assert_false(b->failed);
	bytes_putc(b, '\0');
	assert_string_equal((char *)b->p, want);
	bytes_fini(b);
}

/* What goes on of a request whose last byte lies against an unmapped page. */
static void
assert_request(const char *in, const char *authority, const char *want)
{
	const char *p = guard_put(in, strlen(in));
	struct bytes out = { 0 };
	size_t seen = 0;

	if (http1_request(&h, p, strlen(in), &seen) != (long)strlen(in))
		fail_msg("not a request: %s", in);
	forward_request(&out, &h, FORWARD_END_TO_END, authority);
	assert_bytes(&out, want);
}

static void
assert_response(const char *in, enum forward_end end, const char *want)
{
	const char *p = guard_put(in, strlen(in));
	struct bytes out = { 0 };
	size_t seen = 0;

	if (http1_response(&h, SLICE("GET"), p, strlen(in), &seen) !=
	    (long)strlen(in))
		fail_msg("not a response: %s", in);
	forward_response(&out, &h, FORWARD_END_TO_END, end);
	assert_bytes(&out, want);
}

static void
lines_go_on_in_their_order_case_number_and_spacing(void **state)
{
	static const char *const heads[] = {
		"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
		"GET /a?b=http://c/ HTTP/1.0\r\n\r\n",
		POST "hOsT:a\r\naCCept:*/*\r\nX-A:  1 \t\r\nx-a: 2\r\nX-A:\r\n"
		    "x-A: \t \r\nAuthorization: Bearer sk-1\r\nContent-Length: 007\r\n"
		    "\r\n",
		POST "Host: a\r\nX: \x80\xff\r\nCookie: b\r\nCookie: a\r\n"
		    "Transfer-Encoding:\tchunked\r\nTrailer: X-T\r\n\r\n",
		POST "Host: a\r\nTE: trailers\r\nExpect: 100-continue\r\n"
		    "Content-Length: 1\r\n\r\n",
		"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
	};

	for (size_t i = 0; i < N(heads); i++)
		assert_request(heads[i], NULL, heads[i]);
}

static void
lines_of_a_response_go_on_as_they_came(void **state)
{
	static const char *const heads[] = {
		OK "\r\n",
		"HTTP/1.1 200\r\nServer: x\r\n\r\n",
		"HTTP/1.0 404 Not  Found \r\ndate:x\r\nSet-Cookie: b\r\n"
		    "set-cookie: a\r\nX:\r\nContent-Length:  3\r\n\r\n",
		OK "Transfer-Encoding: chunked\r\nTrailer: X-T\r\nUPPER: \xe4\r\n\r\n",
		"HTTP/1.1 100 Continue\r\n\r\n",
		"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n",
	};

	for (size_t i = 0; i < N(heads); i++)
		assert_response(heads[i], FORWARD_KEEP, heads[i]);
}

static void
what_ends_with_this_hop_does_not_go_on(void **state)
{
	static const char *const ends[] = {
		"Connection: close\r\n", "connection:keep-alive\r\n",
		"CONNECTION: Keep-Alive, x\r\n", "Connection:\r\n",
		"Keep-Alive: timeout=5\r\n", "Proxy-Connection: keep-alive\r\n",
		"Proxy-Authorization: Basic eDp5\r\n",
		"Proxy-Authenticate: Basic\r\n",
		"Proxy-Authentication-Info: x\r\n",
		"TE: gzip\r\n", "te: trailers, gzip\r\n",
		"Upgrade: h2c\r\n", "upgrade: websocket\r\n",
	};
	char in[256];

	for (size_t i = 0; i < N(ends); i++) {
		snprintf(in, sizeof(in), "%s%sHost: a\r\n%sX-A: 1\r\n\r\n", POST,
		    ends[i], ends[i]);
		assert_request(in, NULL, POST "Host: a\r\nX-A: 1\r\n\r\n");
		snprintf(in, sizeof(in), "%s%sServer: a\r\n%sX-A: 1\r\n\r\n", OK,
		    ends[i], ends[i]);
		assert_response(in, FORWARD_KEEP,
		    OK "Server: a\r\nX-A: 1\r\n\r\n");
	}
}

static void
what_connection_names_does_not_go_on_but_the_framing_does(void **state)
{
	static const struct passed cases[] = {
		{ POST "X-Hop: 1\r\nHost: a\r\nConnection: x-hop\r\nX-Hop2: 2\r\n\r\n",
		  POST "Host: a\r\nX-Hop2: 2\r\n\r\n" },
		{ POST "Host: a\r\nConnection: a,b , ,C\r\nConnection: d\r\nA: 1\r\n"
		  "b: 1\r\nc: 1\r\nD: 1\r\ne: 1\r\n\r\n",
		  POST "Host: a\r\ne: 1\r\n\r\n" },
		{ POST "Host: a\r\nConnection: host, content-length, X\r\n"
		  "Content-Length: 3\r\nX: 1\r\n\r\n",
		  POST "Host: a\r\nContent-Length: 3\r\n\r\n" },
		{ POST "Connection: transfer-encoding, trailer\r\nHost: a\r\n"
		  "Transfer-Encoding: chunked\r\nTrailer: x\r\n\r\n",
		  POST "Host: a\r\nTransfer-Encoding: chunked\r\nTrailer: x\r\n\r\n" },
		{ POST "Host: a\r\nConnection: TE\r\nTE: trailers\r\n\r\n",
		  POST "Host: a\r\n\r\n" },
	};

	for (size_t i = 0; i < N(cases); i++)
		assert_request(cases[i].in, NULL, cases[i].out);
	assert_response(OK "X: 1\r\nConnection: x, content-length\r\n"
	    "Content-Length: 0\r\n\r\n", FORWARD_KEEP,
	    OK "Content-Length: 0\r\n\r\n");
}

static void
host_keeps_its_name_its_place_and_its_spacing(void **state)
{
	static const struct passed cases[] = {
		{ POST "Host: 127.0.0.1:8787\r\nX: 1\r\n\r\n",
		  POST "Host: api.openai.com\r\nX: 1\r\n\r\n" },
		{ POST "A: 1\r\nhOST:localhost:8787\r\n\r\n",
		  POST "A: 1\r\nhOST:api.openai.com\r\n\r\n" },
		{ POST "HOST: \t [::1]:8787 \t\r\n\r\n",
		  POST "HOST: \t api.openai.com\r\n\r\n" },
		{ POST "Host:\r\n\r\n", POST "Host:api.openai.com\r\n\r\n" },
		{ POST "Host: \r\n\r\n", POST "Host: api.openai.com\r\n\r\n" },
		{ POST "X-Host: a\r\nHost: a\r\nHosts: a\r\n\r\n",
		  POST "X-Host: a\r\nHost: api.openai.com\r\nHosts: a\r\n\r\n" },
	};
	size_t seen, passed = 0;

	for (size_t i = 0; i < N(cases); i++) {
		seen = 0;
		/* http1 may refuse an empty Host in origin-form. */
		if (http1_request(&h, cases[i].in, strlen(cases[i].in), &seen) < 0)
			continue;
		passed++;
		assert_request(cases[i].in, "api.openai.com", cases[i].out);
	}
	assert_true(passed >= 4);
}

static void
absolute_form_becomes_origin_form(void **state)
{
	static const struct passed cases[] = {
		{ "GET http://h/a?b HTTP/1.1\r\n", "GET /a?b HTTP/1.1\r\n" },
		{ "GET https://h:1/ HTTP/1.1\r\n", "GET / HTTP/1.1\r\n" },
		{ "GET http://h HTTP/1.1\r\n", "GET / HTTP/1.1\r\n" },
		{ "GET http://h:80 HTTP/1.0\r\n", "GET / HTTP/1.0\r\n" },
		{ "GET http://h?x HTTP/1.1\r\n", "GET /?x HTTP/1.1\r\n" },
		{ "GET http://h?x=/y HTTP/1.1\r\n", "GET /?x=/y HTTP/1.1\r\n" },
		{ "GET HTTP://H/A HTTP/1.1\r\n", "GET /A HTTP/1.1\r\n" },
		{ "GET hTTpS://[::1]:8/a//b HTTP/1.1\r\n", "GET /a//b HTTP/1.1\r\n" },
		{ "GET http://h//x/?y?z HTTP/1.1\r\n", "GET //x/?y?z HTTP/1.1\r\n" },
		/* not absolute-form: as it came */
		{ "GET /http://h/a HTTP/1.1\r\n", "GET /http://h/a HTTP/1.1\r\n" },
		{ "GET /?u=https://h HTTP/1.1\r\n", "GET /?u=https://h HTTP/1.1\r\n" },
	};
	char in[128], want[128];

	for (size_t i = 0; i < N(cases); i++) {
		snprintf(in, sizeof(in), "%sHost: h\r\n\r\n", cases[i].in);
		snprintf(want, sizeof(want), "%sHost: z\r\n\r\n", cases[i].out);
		assert_request(in, "z", want);
	}
}

static void
options_of_a_whole_server_asks_for_the_asterisk(void **state)
{
	/* RFC 9112 3.2.4: the last proxy sends "*" for an empty path and query. */
	assert_request("OPTIONS http://h:8001 HTTP/1.1\r\nHost: h\r\n\r\n", NULL,
	    "OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n");
	assert_request("OPTIONS http://h/ HTTP/1.1\r\nHost: h\r\n\r\n", NULL,
	    "OPTIONS / HTTP/1.1\r\nHost: h\r\n\r\n");
	assert_request("OPTIONS http://h?x HTTP/1.1\r\nHost: h\r\n\r\n", NULL,
	    "OPTIONS /?x HTTP/1.1\r\nHost: h\r\n\r\n");
}

struct target {
	const char *text, *authority, *path;
};

static void
an_absolute_target_splits_into_authority_and_path(void **state)
{
	static const struct target yes[] = {
		{ "http://h", "h", "/" }, { "https://h", "h", "/" },
		{ "http://h/", "h", "/" }, { "http://h:8/a/b?c", "h:8", "/a/b?c" },
		{ "http://h?x", "h", "?x" }, { "http://h?x/y", "h", "?x/y" },
		{ "HTTPS://[::1]:4/", "[::1]:4", "/" }, { "http://", "", "/" },
		{ "http:///x", "", "/x" }, { "http://u@h/x", "u@h", "/x" },
	};
	static const char *const no[] = { "", "/", "*", "h:443", "http:/h",
	    "http:h", "http:/", "https:/", "htt", "ftp://h/", "httpx://h",
	    " http://h" };
	struct slice authority, path, t;

	for (size_t i = 0; i < N(yes); i++) {
		t = text(yes[i].text);
		t.p = guard_put(t.p, t.len);
		assert_true(forward_split_absolute(t, &authority, &path));
		assert_true(slice_eq(authority, text(yes[i].authority)));
		assert_true(slice_eq(path, text(yes[i].path)));
		assert_ptr_equal(authority.p, t.p + strcspn(yes[i].text, "/") + 2);
	}
	for (size_t i = 0; i < N(no); i++) {
		t = text(no[i]);
		t.p = guard_put(t.p, t.len);
		assert_false(forward_split_absolute(t, &authority, &path));
	}
}

static void
an_upgrade_keeps_its_connection_and_upgrade_lines(void **state)
{
#define UP "Upgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n"
	assert_request("GET /ws HTTP/1.1\r\nHost: a\r\n" UP
	    "Keep-Alive: 5\r\nProxy-Connection: x\r\nSec-WebSocket-Key: k\r\n\r\n",
	    "b", "GET /ws HTTP/1.1\r\nHost: b\r\n" UP
	    "Sec-WebSocket-Key: k\r\n\r\n");
	/* An Upgrade that Connection does not name is none. */
	assert_request("GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n\r\n",
	    NULL, "GET /ws HTTP/1.1\r\nHost: a\r\n\r\n");
	assert_response("HTTP/1.1 101 Switching Protocols\r\n" UP "X: 1\r\n\r\n",
	    FORWARD_KEEP, "HTTP/1.1 101 Switching Protocols\r\n" UP "X: 1\r\n\r\n");
	/* Only 101 switches; others do not even offer to. */
	assert_response("HTTP/1.1 426 Upgrade Required\r\n" UP "X: 1\r\n\r\n",
	    FORWARD_KEEP, "HTTP/1.1 426 Upgrade Required\r\nX: 1\r\n\r\n");
}

static void
close_is_said_once_after_all_that_came(void **state)
{
	assert_response(OK "\r\n", FORWARD_CLOSE, OK "Connection: close\r\n\r\n");
	assert_response(OK "Connection: keep-alive\r\nA: 1\r\nconnection: close\r\n"
	    "Keep-Alive: 1\r\n\r\n", FORWARD_CLOSE,
	    OK "A: 1\r\nConnection: close\r\n\r\n");
	/* The upstream's own goodbye is not passed on by itself. */
	assert_response(OK "Connection: close\r\nA: 1\r\n\r\n", FORWARD_KEEP,
	    OK "A: 1\r\n\r\n");
}

static void
what_went_on_goes_on_unchanged_at_the_next_hop(void **state)
{
	static const char in[] = "POST http://h/x HTTP/1.1\r\nhost: h\r\n"
	    "Connection: close, a\r\nA: 1\r\nTE: trailers\r\nB:  2\r\n"
	    "Content-Length: 1\r\n\r\n";
	struct bytes once = { 0 }, twice = { 0 };
	size_t seen = 0;

	assert_true(http1_request(&h, in, sizeof(in) - 1, &seen) > 0);
	forward_request(&once, &h, FORWARD_END_TO_END, "b");
	seen = 0;
	assert_int_equal(http1_request(&h, once.p, once.len, &seen), once.len);
	forward_request(&twice, &h, FORWARD_END_TO_END, "b");
	assert_true(slice_eq(bytes_slice(&once), bytes_slice(&twice)));
	bytes_fini(&once);
	bytes_fini(&twice);
}

/* Clients that believe to speak with the origin. */
static void
all_lines_go_on_where_nobody_is_to_know_of_us(void **state)
{
	static const char in[] = "POST /x HTTP/1.1\r\nhost: h\r\n"
	    "Connection: keep-alive, a\r\nA: 1\r\nTE: gzip\r\n"
	    "Keep-Alive: timeout=5\r\nContent-Length: 1\r\n\r\n";
	static const char ok[] = OK "Connection: close\r\nA: 1\r\n"
	    "Keep-Alive: timeout=5\r\n\r\n";
	static const char odd[] = "POST /x HTTP/1.1\r\nHost: h\r\n"
	    "Connection: Content-Length\r\nContent-Length: 1\r\n\r\n";
	static const char lasting[] = OK "Connection: keep-alive\r\nA: 1\r\n\r\n";
	struct bytes out = { 0 };
	size_t seen = 0;

	assert_true(http1_request(&h, in, sizeof(in) - 1, &seen) > 0);
	forward_request(&out, &h, FORWARD_ALL, NULL);
	assert_bytes(&out, in);
	for (int end = FORWARD_KEEP; end <= FORWARD_CLOSE; end++) {
		memset(&out, 0, sizeof(out));
		seen = 0;
		assert_true(http1_response(&h, SLICE("GET"), ok,
		    sizeof(ok) - 1, &seen) > 0);
		forward_response(&out, &h, FORWARD_ALL, end);
		assert_bytes(&out, ok);
	}
	/* The next hop would drop what frames the rest. */
	memset(&out, 0, sizeof(out));
	seen = 0;
	assert_true(http1_request(&h, odd, sizeof(odd) - 1, &seen) > 0);
	forward_request(&out, &h, FORWARD_ALL, NULL);
	assert_bytes(&out, "POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\n");
	/* What we have to say of the connection takes the place of theirs. */
	memset(&out, 0, sizeof(out));
	seen = 0;
	assert_true(http1_response(&h, SLICE("GET"), lasting,
	    sizeof(lasting) - 1, &seen) > 0);
	forward_response(&out, &h, FORWARD_ALL, FORWARD_CLOSE);
	assert_bytes(&out, OK "A: 1\r\nConnection: close\r\n\r\n");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_go_on_in_their_order_case_number_and_spacing),
		cmocka_unit_test(lines_of_a_response_go_on_as_they_came),
		cmocka_unit_test(all_lines_go_on_where_nobody_is_to_know_of_us),
		cmocka_unit_test(what_ends_with_this_hop_does_not_go_on),
		cmocka_unit_test(what_connection_names_does_not_go_on_but_the_framing_does),
		cmocka_unit_test(host_keeps_its_name_its_place_and_its_spacing),
		cmocka_unit_test(absolute_form_becomes_origin_form),
		cmocka_unit_test(options_of_a_whole_server_asks_for_the_asterisk),
		cmocka_unit_test(an_absolute_target_splits_into_authority_and_path),
		cmocka_unit_test(an_upgrade_keeps_its_connection_and_upgrade_lines),
		cmocka_unit_test(close_is_said_once_after_all_that_came),
		cmocka_unit_test(what_went_on_goes_on_unchanged_at_the_next_hop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
