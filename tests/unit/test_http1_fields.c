#include "proxy/http1.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "proxy/http1_chars.h"

static struct http1_head h;

static long
request(const char *text)
{
	size_t seen = 0;

	return http1_request(&h, text, strlen(text), &seen);
}

static long
response(const char *method, const char *text)
{
	size_t seen = 0;

	return http1_response(&h, (struct slice){ method, strlen(method) }, text,
	    strlen(text), &seen);
}

static bool
is(struct slice s, const char *text)
{
	return s.p && slice_eq(s, (struct slice){ text, strlen(text) });
}

static void
the_parts_of_a_request_are_told(void **state)
{
	const char *text = "POST http://a/b?c HTTP/1.1\r\nhost:  a.example:80\t\r\n"
	    "X-A:\r\nx-a: 2\r\nContent-Length: 007\r\n\r\n";

	assert_int_equal(request(text), strlen(text));
	assert_true(is(h.start, "POST http://a/b?c HTTP/1.1\r\n"));
	assert_true(is(h.method, "POST"));
	assert_true(is(h.target, "http://a/b?c"));
	assert_int_equal(h.minor, 1);
	assert_int_equal(h.n, 4);
	assert_true(is(h.host, "a.example:80"));
	assert_true(is(h.line[1].name, "X-A"));
	assert_true(is(h.line[1].value, ""));
	assert_true(is(h.line[0].raw, "host:  a.example:80\t\r\n"));
	assert_int_equal(h.framing, HTTP1_LENGTH);
	assert_int_equal(h.length, 7);
}

static void
the_parts_of_a_response_are_told(void **state)
{
	assert_true(response("GET", "HTTP/1.0 404 Not  Found \r\nHost: x\r\n"
	    "Expect: 100-continue\r\n\r\n") > 0);
	assert_int_equal(h.status, 404);
	assert_true(is(h.reason, "Not  Found "));
	assert_int_equal(h.minor, 0);
	assert_null(h.host.p);
	assert_null(h.method.p);
	assert_false(h.expects_continue);
	assert_true(response("GET", "HTTP/1.1 200 \r\n\r\n") > 0);
	assert_true(is(h.reason, ""));
	assert_true(response("GET", "HTTP/1.1 200\r\n\r\n") > 0);
	assert_true(is(h.reason, ""));
}

static void
every_form_of_target_passes(void **state)
{
	static const char *const start[] = {
		"GET /a?b=c", "GET http://a.example/b", "OPTIONS *",
		"CONNECT a.example:443", "CONNECT [::1]:443", "X-ANY urn:x:y",
	};
	char text[128];

	for (size_t i = 0; i < sizeof(start) / sizeof(*start); i++) {
		sprintf(text, "%s HTTP/1.1\r\nHost: a\r\n\r\n", start[i]);
		assert_int_equal(request(text), strlen(text));
	}
}

static void
host_is_absent_or_empty_as_it_was_sent(void **state)
{
	assert_true(request("GET / HTTP/1.0\r\n\r\n") > 0);
	assert_null(h.host.p);
	assert_true(request("CONNECT a:1 HTTP/1.1\r\nHost:\r\n\r\n") > 0);
	assert_non_null(h.host.p);
	assert_int_equal(h.host.len, 0);
}

struct framed {
	const char *method, *start, *lines;
	enum http1_framing framing;
	uint64_t length;
};

static void
responses_are_framed_as_rfc_9112_6_3_says(void **state)
{
#define TE "Transfer-Encoding: chunked\r\n"
#define CL "Content-Length: 5\r\n"
	static const struct framed cases[] = {
		{ "GET", "1.1 200 OK", "", HTTP1_UNTIL_CLOSE, 0 },
		{ "GET", "1.0 200 OK", "", HTTP1_UNTIL_CLOSE, 0 },
		{ "GET", "1.1 200 OK", CL, HTTP1_LENGTH, 5 },
		{ "GET", "1.0 200 OK", CL, HTTP1_LENGTH, 5 },
		{ "GET", "1.1 200 OK", "Content-Length: 0\r\n", HTTP1_LENGTH, 0 },
		{ "GET", "1.1 200 OK", TE, HTTP1_CHUNKED, 0 },
		{ "GET", "1.1 200 OK", "transfer-ENCODING:CHUNKED\r\n",
		    HTTP1_CHUNKED, 0 },
		{ "GET", "1.1 200 OK", "Transfer-Encoding: gzip\r\n",
		    HTTP1_UNTIL_CLOSE, 0 },
		{ "GET", "1.1 500 No", CL, HTTP1_LENGTH, 5 },
		{ "GET", "1.1 205 R", CL, HTTP1_LENGTH, 5 },
		/* no body, whatever the lines say */
		{ "HEAD", "1.1 200 OK", CL, HTTP1_NONE, 0 },
		{ "HEAD", "1.1 200 OK", TE, HTTP1_NONE, 0 },
		{ "HEAD", "1.1 200 OK", TE CL CL, HTTP1_NONE, 0 },
		{ "head", "1.1 200 OK", CL, HTTP1_LENGTH, 5 },
		{ "GET", "1.1 100 Go", CL, HTTP1_NONE, 0 },
		{ "GET", "1.1 103 Early", TE, HTTP1_NONE, 0 },
		{ "GET", "1.1 199 ?", "", HTTP1_NONE, 0 },
		{ "GET", "1.1 204 No", CL, HTTP1_NONE, 0 },
		{ "GET", "1.1 304 Same", CL, HTTP1_NONE, 0 },
		{ "GET", "1.0 304 Same", TE, HTTP1_NONE, 0 },
		/* tunnels */
		{ "GET", "1.1 101 Up", CL, HTTP1_TUNNEL, 0 },
		{ "CONNECT", "1.1 200 OK", CL TE, HTTP1_TUNNEL, 0 },
		{ "CONNECT", "1.1 204 OK", "", HTTP1_TUNNEL, 0 },
		{ "CONNECT", "1.0 299 OK", TE, HTTP1_TUNNEL, 0 },
		{ "CONNECT", "1.1 407 No", CL, HTTP1_LENGTH, 5 },
		{ "CONNECT", "1.1 300 ?", "", HTTP1_UNTIL_CLOSE, 0 },
		{ "CONNECT", "1.1 100 Go", "", HTTP1_NONE, 0 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const struct framed *c = &cases[i];
		char text[256];

		sprintf(text, "HTTP/%s\r\n%s\r\n", c->start, c->lines);
		assert_int_equal(response(c->method, text), strlen(text));
		if (h.framing != c->framing || h.length != c->length)
			fail_msg("framing %d for %s %s", (int)h.framing,
			    c->method, text);
	}
}

static void
requests_without_lengths_have_no_body(void **state)
{
	assert_true(request("POST / HTTP/1.0\r\n\r\n") > 0);
	assert_int_equal(h.framing, HTTP1_NONE);
	assert_true(request("GET / HTTP/1.1\r\nHost: a\r\n" TE "\r\n") > 0);
	assert_int_equal(h.framing, HTTP1_CHUNKED);
	assert_true(request("HEAD / HTTP/1.1\r\nHost: a\r\n" CL "\r\n") > 0);
	assert_int_equal(h.framing, HTTP1_LENGTH);
}

struct options {
	const char *lines;
	bool close, keep_alive, upgrade, expects;
};

static void
options_are_tokens_of_every_line(void **state)
{
	static const struct options cases[] = {
		{ "", 0, 0, 0, 0 },
		{ "Connection: close\r\n", 1, 0, 0, 0 },
		{ "Connection: Keep-Alive\r\n", 0, 1, 0, 0 },
		{ "connection: x\r\nA: b\r\nCONNECTION:,\t, CLOSE ,y\r\n", 1, 0, 0, 0 },
		{ "Connection: closed, xclose, clos\r\n", 0, 0, 0, 0 },
		{ "Connection: close x\r\n", 0, 0, 0, 0 },
		{ "Connection:\r\n", 0, 0, 0, 0 },
		{ "Xonnection: close\r\n", 0, 0, 0, 0 },
		{ "Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n",
		    0, 1, 1, 0 },
		{ "Connection: upgrade\r\n", 0, 0, 0, 0 },
		{ "Upgrade: websocket\r\n", 0, 0, 0, 0 },
		{ "Expect: 100-Continue\r\n", 0, 0, 0, 1 },
		{ "Expect: x\r\nExpect: y, 100-continue\r\n", 0, 0, 0, 1 },
		{ "Expect: 100-continued\r\n", 0, 0, 0, 0 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const struct options *c = &cases[i];
		char text[256];

		sprintf(text, "GET / HTTP/1.1\r\nHost: a\r\n%s\r\n", c->lines);
		assert_true(request(text) > 0);
		assert_int_equal(h.has_close, c->close);
		assert_int_equal(h.has_keep_alive, c->keep_alive);
		assert_int_equal(h.has_upgrade, c->upgrade);
		assert_int_equal(h.expects_continue, c->expects);
	}
}

static void
http_1_0_expects_nothing(void **state)
{
	assert_true(request("GET / HTTP/1.0\r\nExpect: 100-continue\r\n\r\n") > 0);
	assert_false(h.expects_continue);
}

static void
connection_options_are_bounded(void **state)
{
	char text[1024] = "GET / HTTP/1.1\r\nHost: a\r\nConnection: a\r\n"
	    "Connection: ";

	/* n commas part n + 1 options, and the line above has one. */
	for (int i = 0; i < HTTP1_OPTIONS_MAX - 2; i++)
		strcat(text, ",");
	strcat(text, "\r\n\r\n");
	assert_true(request(text) > 0);
	strcpy(text + strlen(text) - 4, ",\r\n\r\n");
	assert_int_equal(request(text), -HTTP1_TOO_MANY_OPTIONS);
}

struct hop {
	const char *line;
	bool ends_here;
};

static void
lines_that_end_with_the_hop_are_told(void **state)
{
	static const struct hop cases[] = {
		{ "Connection: X-Named, te ,HOST,content-length, Trailer", true },
		{ "connection: x-other, transfer-encoding", true },
		{ "x-named: 1", true },
		{ "X-Other: 1", true },
		{ "X-Named2: 1", false },
		{ "Keep-Alive: timeout=5", true },
		{ "PROXY-CONNECTION: close", true },
		{ "Proxy-Authenticate: Basic", true },
		{ "Proxy-Authorization: Basic x", true },
		{ "Proxy-Authentication-Info: x", true },
		{ "Upgrade: websocket", true },
		/* framing and routing stay, also when Connection names them */
		{ "Host: a", false },
		{ "Content-Length: 5", false },
		{ "Trailer: x", false },
		{ "Authorization: Bearer x", false },
		{ "Close: 1", false },
	};
	char text[1024] = "GET / HTTP/1.1\r\n";
	size_t n = sizeof(cases) / sizeof(*cases);

	for (size_t i = 0; i < n; i++)
		strcat(strcat(text, cases[i].line), "\r\n");
	assert_true(request(strcat(text, "\r\n")) > 0);
	for (size_t i = 0; i < n; i++)
		if (http1_is_hop_by_hop(&h, &h.line[i]) != cases[i].ends_here)
			fail_msg("wrong about %s", cases[i].line);
}

static void
te_goes_on_only_for_trailers(void **state)
{
	assert_true(request("GET / HTTP/1.0\r\nTE: Trailers\r\nTE: gzip\r\n"
	    "TE: trailers, gzip\r\nTransfer-Encodin: x\r\n\r\n") > 0);
	assert_false(http1_is_hop_by_hop(&h, &h.line[0]));
	assert_true(http1_is_hop_by_hop(&h, &h.line[1]));
	assert_true(http1_is_hop_by_hop(&h, &h.line[2]));
	assert_false(http1_is_hop_by_hop(&h, &h.line[3]));
	assert_true(request("GET / HTTP/1.0\r\nTE: trailers\r\n"
	    "Connection: TE\r\n\r\n") > 0);
	assert_true(http1_is_hop_by_hop(&h, &h.line[0]));
	assert_true(request("GET / HTTP/1.1\r\nHost: a\r\n" TE
	    "Connection: transfer-encoding\r\n\r\n") > 0);
	assert_false(http1_is_hop_by_hop(&h, &h.line[1]));
}

static void
the_first_line_of_a_name_is_found(void **state)
{
	assert_true(request("GET / HTTP/1.0\r\nAa: 1\r\naA: 2\r\nB:\r\n\r\n") > 0);
	assert_true(is(http1_find(&h, "aa"), "1"));
	assert_true(is(http1_find(&h, "B"), ""));
	assert_null(http1_find(&h, "a").p);
	assert_null(http1_find(&h, "aaa").p);
}

static void
only_whole_empty_lines_are_skipped(void **state)
{
	assert_int_equal(http1_skip_crlf("", 0), 0);
	assert_int_equal(http1_skip_crlf("\r", 1), 0);
	assert_int_equal(http1_skip_crlf("\n\r\n", 3), 0);
	assert_int_equal(http1_skip_crlf("\r\n", 2), 2);
	assert_int_equal(http1_skip_crlf("\r\n\r\n\rG", 6), 4);
	assert_int_equal(http1_skip_crlf("GET", 3), 0);
}

static void
every_rule_has_a_name_a_section_and_a_status(void **state)
{
	for (int r = HTTP1_OK + 1; r < HTTP1_RULE_N; r++) {
		const char *name = http1_rule_name((enum http1_rule)r);
		int status = http1_rule_status((enum http1_rule)r);

		assert_non_null(name);
		assert_non_null(strstr(name, "(RFC 91"));
		assert_true(status == 400 || status == 414 || status == 431 ||
		    status == 501 || status == 505);
		for (int other = HTTP1_OK; other < r; other++)
			assert_string_not_equal(name,
			    http1_rule_name((enum http1_rule)other));
	}
	assert_int_equal(http1_rule_status(HTTP1_TOO_LONG), 431);
	assert_int_equal(http1_rule_status(HTTP1_TOO_MANY_LINES), 431);
	assert_int_equal(http1_rule_status(HTTP1_START_TOO_LONG), 414);
	assert_int_equal(http1_rule_status(HTTP1_BAD_CODING), 501);
	assert_int_equal(http1_rule_status(HTTP1_BAD_VERSION), 505);
	assert_int_equal(http1_rule_status(HTTP1_RULE_N), 400);
	assert_non_null(http1_rule_name(HTTP1_RULE_N));
}

/* The fast run against the plain one, for every byte at every place. */
static void
text_runs_agree_with_the_table(void **state)
{
	char text[24];

	for (int byte = 0; byte < 256; byte++)
		for (size_t at = 0; at < sizeof(text); at++) {
			memset(text, at % 2 ? '\t' : 'x', sizeof(text));
			text[at] = (char)byte;
			for (size_t n = 0; n <= sizeof(text); n++)
				assert_int_equal(http1_text_run(text, n),
				    http1_run(text, n, HTTP1_TEXT));
		}
}

/* The table is numbers: hold it to what the RFCs write. */
static void
classes_are_those_of_the_rfcs(void **state)
{
	for (int c = 0; c < 256; c++) {
		bool alnum = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
		    (c >= 'a' && c <= 'z');
		bool hex = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'F') ||
		    (c >= 'a' && c <= 'f');

		assert_int_equal(http1_is((char)c, HTTP1_TOKEN),
		    alnum || (c && strchr("!#$%&'*+-.^_`|~", c)));
		assert_int_equal(http1_is((char)c, HTTP1_HOST),
		    alnum || (c && strchr("-._~!$&'()*+,;=", c)));
		assert_int_equal(http1_is((char)c, HTTP1_TEXT),
		    c == '\t' || (c >= ' ' && c != 0x7f));
		assert_int_equal(http1_is((char)c, HTTP1_TARGET),
		    c > ' ' && c < 0x7f && c != '#');
		assert_int_equal(http1_is((char)c, HTTP1_HEX), hex);
		assert_int_equal(http1_is((char)c, HTTP1_DIGIT),
		    c >= '0' && c <= '9');
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_parts_of_a_request_are_told),
		cmocka_unit_test(the_parts_of_a_response_are_told),
		cmocka_unit_test(every_form_of_target_passes),
		cmocka_unit_test(host_is_absent_or_empty_as_it_was_sent),
		cmocka_unit_test(responses_are_framed_as_rfc_9112_6_3_says),
		cmocka_unit_test(requests_without_lengths_have_no_body),
		cmocka_unit_test(options_are_tokens_of_every_line),
		cmocka_unit_test(http_1_0_expects_nothing),
		cmocka_unit_test(connection_options_are_bounded),
		cmocka_unit_test(lines_that_end_with_the_hop_are_told),
		cmocka_unit_test(te_goes_on_only_for_trailers),
		cmocka_unit_test(the_first_line_of_a_name_is_found),
		cmocka_unit_test(only_whole_empty_lines_are_skipped),
		cmocka_unit_test(every_rule_has_a_name_a_section_and_a_status),
		cmocka_unit_test(text_runs_agree_with_the_table),
		cmocka_unit_test(classes_are_those_of_the_rfcs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
