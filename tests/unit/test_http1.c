#include "proxy/http1.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/guard.h"

/* A text that breaks a rule, and the nearest one that breaks none. */
struct pair {
	enum http1_rule rule;
	struct slice bad;
	struct slice good;
};

#define COUNT(a) (sizeof(a) / sizeof(*(a)))
#define S(literal) { literal, sizeof(literal) - 1 }
#define REQ(lines) "POST /v1/responses HTTP/1.1\r\nHost: a.example\r\n" lines "\r\n"
#define REQ10(lines) "POST / HTTP/1.0\r\n" lines "\r\n"
#define RES(lines) "HTTP/1.1 200 OK\r\n" lines "\r\n"
#define HOST(value) "GET / HTTP/1.1\r\nHost:" value "\r\n\r\n"
#define STATUS(line) line "\r\nA: b\r\n\r\n"

static const struct pair requests[] = {
	/* the start line */
	{ HTTP1_BAD_START_LINE, S("GET /\r\n\r\n"), S(REQ("")) },
	{ HTTP1_BAD_START_LINE, S("GET\r\n\r\n"), S(REQ("")) },
	{ HTTP1_BAD_START_LINE, S("\r\nGET / HTTP/1.1\r\n\r\n"), S(REQ("")) },
	{ HTTP1_BAD_START_LINE, S("GET / HTTP/1.1 \r\nHost: a\r\n\r\n"),
	    S("GET / HTTP/1.1\r\nHost: a \r\n\r\n") },
	{ HTTP1_BAD_START_LINE, S("GET /a b HTTP/1.1\r\nHost: a\r\n\r\n"),
	    S("GET /a%20b HTTP/1.1\r\nHost: a\r\n\r\n") },
	{ HTTP1_BAD_START_LINE, S("GET /  HTTP/1.1\r\nHost: a\r\n\r\n"), S(REQ("")) },
	{ HTTP1_BAD_START_LINE, S("GET / http/1.1\r\nHost: a\r\n\r\n"), S(REQ("")) },
	{ HTTP1_BAD_START_LINE, S("GET / HTTP/1.10\r\nHost: a\r\n\r\n"), S(REQ("")) },
	{ HTTP1_BAD_START_LINE, S("GET / HTTP/1,1\r\nHost: a\r\n\r\n"), S(REQ("")) },
	{ HTTP1_BAD_START_LINE, S("GET / HTTP/x.1\r\nHost: a\r\n\r\n"), S(REQ("")) },
	{ HTTP1_BAD_START_LINE, S("GET / HTTP/1.x\r\nHost: a\r\n\r\n"), S(REQ("")) },
	{ HTTP1_BAD_METHOD, S(" GET / HTTP/1.1\r\n\r\n"), S(REQ("")) },
	{ HTTP1_BAD_METHOD, S("G@T / HTTP/1.1\r\nHost: a\r\n\r\n"),
	    S("G!T / HTTP/1.1\r\nHost: a\r\n\r\n") },
	{ HTTP1_BAD_METHOD, S("GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n"), S(REQ("")) },
	{ HTTP1_BAD_METHOD, S("\x16\x03\x01\x02\x00\x01\x00"), S(REQ("")) },
	{ HTTP1_BAD_TARGET, S("GET  / HTTP/1.1\r\nHost: a\r\n\r\n"), S(REQ("")) },
	{ HTTP1_BAD_TARGET, S("GET /\xc3\xa9 HTTP/1.1\r\nHost: a\r\n\r\n"),
	    S("GET /%C3%A9 HTTP/1.1\r\nHost: a\r\n\r\n") },
	{ HTTP1_BAD_TARGET, S("GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n"),
	    S("GET /a?{b}|\\^`\"<> HTTP/1.1\r\nHost: a\r\n\r\n") },
	{ HTTP1_BAD_TARGET, S("GET /\0 HTTP/1.1\r\nHost: a\r\n\r\n"), S(REQ("")) },
	{ HTTP1_BAD_TARGET, S("GET /\x7f HTTP/1.1\r\nHost: a\r\n\r\n"), S(REQ("")) },
	{ HTTP1_BAD_VERSION, S("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), S(REQ("")) },
	{ HTTP1_BAD_VERSION, S("GET / HTTP/1.2\r\nHost: a\r\n\r\n"), S(REQ("")) },
	{ HTTP1_BAD_VERSION, S("GET / HTTP/0.9\r\nHost: a\r\n\r\n"),
	    S("GET / HTTP/1.0\r\n\r\n") },
	{ HTTP1_BARE_CR, S("GET\r / HTTP/1.1\r\n\r\n"), S(REQ("")) },
	{ HTTP1_BARE_CR, S("GET /\r HTTP/1.1\r\n\r\n"), S(REQ("")) },
	{ HTTP1_BARE_CR, S("GET / HTTP/1.1\r\r\n\r\n"), S(REQ("")) },
	{ HTTP1_BARE_CR, S("\rGET / HTTP/1.1\r\n\r\n"), S(REQ("")) },
	{ HTTP1_BARE_LF, S("GET / HTTP/1.1\nHost: a\r\n\r\n"), S(REQ("")) },
	{ HTTP1_BARE_LF, S("\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"), S(REQ("")) },
	/* field lines */
	{ HTTP1_BARE_CR, S(REQ("A: b\rc\r\n")), S(REQ("A: b c\r\n")) },
	{ HTTP1_BARE_CR, S(REQ("A\r: b\r\n")), S(REQ("A: b\r\n")) },
	{ HTTP1_BARE_CR, S(REQ("A: b\r\r\n")), S(REQ("A: b\r\n")) },
	{ HTTP1_BARE_CR, S(REQ("\rA: b\r\n")), S(REQ("A: b\r\n")) },
	{ HTTP1_BARE_LF, S(REQ("A: b\n")), S(REQ("A: b\r\n")) },
	{ HTTP1_BARE_LF, S("GET / HTTP/1.1\r\nHost: a\r\n\n"),
	    S("GET / HTTP/1.1\r\nHost: a\r\n\r\n") },
	{ HTTP1_BAD_NAME, S(REQ(": b\r\n")), S(REQ("A: b\r\n")) },
	{ HTTP1_BAD_NAME, S(REQ("A(: b\r\n")), S(REQ("A!: b\r\n")) },
	{ HTTP1_BAD_NAME, S(REQ("A b: c\r\n")), S(REQ("A-b: c\r\n")) },
	{ HTTP1_BAD_NAME, S(REQ("A\0: b\r\n")), S(REQ("A0: b\r\n")) },
	{ HTTP1_BAD_NAME, S(REQ("\xc3\xa9: b\r\n")), S(REQ("A: \xc3\xa9\r\n")) },
	{ HTTP1_SPACE_BEFORE_COLON, S(REQ("A : b\r\n")), S(REQ("A: b\r\n")) },
	{ HTTP1_SPACE_BEFORE_COLON, S(REQ("A\t : b\r\n")), S(REQ("A:\t b\r\n")) },
	{ HTTP1_SPACE_BEFORE_COLON, S(REQ("Content-Length : 0\r\n")),
	    S(REQ("Content-Length: 0\r\n")) },
	{ HTTP1_NO_COLON, S(REQ("A\r\n")), S(REQ("A:\r\n")) },
	{ HTTP1_NO_COLON, S(REQ("A b\r\n")), S(REQ("A:b\r\n")) },
	{ HTTP1_NO_COLON, S(REQ("A \r\n")), S(REQ("A: \r\n")) },
	{ HTTP1_OBS_FOLD, S(REQ("A: b\r\n c\r\n")), S(REQ("A: b\r\nc: \r\n")) },
	{ HTTP1_OBS_FOLD, S(REQ("A: b\r\n\t\r\n")), S(REQ("A: b\t\r\n")) },
	{ HTTP1_OBS_FOLD, S(REQ(" Content-Length: 5\r\n")),
	    S(REQ("Content-Length: 5\r\n")) },
	{ HTTP1_BAD_VALUE, S(REQ("A: b\0\r\n")), S(REQ("A: b\t\r\n")) },
	{ HTTP1_BAD_VALUE, S(REQ("A: \x01\r\n")), S(REQ("A: \x20\r\n")) },
	{ HTTP1_BAD_VALUE, S(REQ("A: 0123456789\x7f" "0123456789\r\n")),
	    S(REQ("A: 0123456789\x80" "0123456789\r\n")) },
	{ HTTP1_BAD_VALUE, S(REQ("A: 0123456789\x1f" "0123456789\r\n")),
	    S(REQ("A: 0123456789\xff\t0123456789\r\n")) },
	{ HTTP1_SPACE_BEFORE_FIELDS, S("GET / HTTP/1.1\r\n Host: a\r\n\r\n"),
	    S("GET / HTTP/1.1\r\nHost: a\r\n\r\n") },
	{ HTTP1_SPACE_BEFORE_FIELDS, S("GET / HTTP/1.1\r\n\tA: b\r\nHost: a\r\n\r\n"),
	    S("GET / HTTP/1.1\r\nA: \tb\r\nHost: a\r\n\r\n") },
	/* Host */
	{ HTTP1_NO_HOST, S("GET / HTTP/1.1\r\n\r\n"), S("GET / HTTP/1.0\r\n\r\n") },
	{ HTTP1_TWO_HOSTS, S(REQ("hOST: a.example\r\n")), S(REQ("")) },
	{ HTTP1_TWO_HOSTS, S(REQ10("Host: a\r\nHost: a\r\n")), S(REQ10("Host: a\r\n")) },
	{ HTTP1_BAD_HOST, S(HOST("")), S(HOST("a")) },
	{ HTTP1_BAD_HOST, S("OPTIONS * HTTP/1.1\r\nHost:\r\n\r\n"),
	    S("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n") },
	{ HTTP1_BAD_HOST, S("GET /http://a HTTP/1.1\r\nHost:\r\n\r\n"),
	    S("GET http://a/ HTTP/1.1\r\nHost:\r\n\r\n") },
	{ HTTP1_BAD_HOST, S(HOST("a b")), S(HOST("a.b ")) },
	{ HTTP1_BAD_HOST, S(HOST("u@a")), S(HOST("u-a")) },
	{ HTTP1_BAD_HOST, S(HOST("a/b")), S(HOST("a_b")) },
	{ HTTP1_BAD_HOST, S(HOST("a:http")), S(HOST("a:80")) },
	{ HTTP1_BAD_HOST, S(HOST("a:65536")), S(HOST("a:65535")) },
	{ HTTP1_BAD_HOST, S(HOST("a:18446744073709551696")), S(HOST("a:080")) },
	{ HTTP1_BAD_HOST, S(HOST("a:80:80")), S(HOST("a:")) },
	{ HTTP1_BAD_HOST, S(HOST(":80")), S(HOST("0:80")) },
	{ HTTP1_BAD_HOST, S(HOST("[::1")), S(HOST("[::1]")) },
	{ HTTP1_BAD_HOST, S(HOST("[]")), S(HOST("[::]")) },
	{ HTTP1_BAD_HOST, S(HOST("[")), S(HOST("[::]:")) },
	{ HTTP1_BAD_HOST, S(HOST("[::1]x")), S(HOST("[::1]:443")) },
	{ HTTP1_BAD_HOST, S(HOST("[fe80::1%25eth0]")), S(HOST("[fe80::1]")) },
	{ HTTP1_BAD_HOST, S(HOST("[v1.a]")), S(HOST("v1.a")) },
	{ HTTP1_BAD_HOST, S(HOST("[127.0.0.1]")), S(HOST("[::ffff:127.0.0.1]")) },
	{ HTTP1_BAD_HOST,
	    S(HOST("[00000:0000:0000:0000:0000:ffff:255.255.255.255]")),
	    S(HOST("[0000:0000:0000:0000:0000:ffff:255.255.255.255]")) },
	{ HTTP1_BAD_HOST, S(HOST("a%2")), S(HOST("a%2e")) },
	{ HTTP1_BAD_HOST, S(HOST("a%zz")), S(HOST("a%Aa")) },
	{ HTTP1_BAD_HOST, S(HOST("\xc3\xa9")), S(HOST("xn--9ca")) },
	{ HTTP1_BAD_HOST, S(HOST("a, b")), S(HOST("a,b")) },
	/* framing */
	{ HTTP1_LENGTH_AND_CODING,
	    S(REQ("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n")),
	    S(REQ("Content-Length: 5\r\nTransfer-Encodin: chunked\r\n")) },
	{ HTTP1_LENGTH_AND_CODING,
	    S(REQ("TRANSFER-ENCODING: x\r\ncontent-length: x\r\n")),
	    S(REQ("TE: x\r\ncontent-length: 0\r\n")) },
	{ HTTP1_TWO_LENGTHS, S(REQ("Content-Length: 5\r\nContent-Length: 6\r\n")),
	    S(REQ("Content-Length: 5\r\nContent-Length2: 6\r\n")) },
	{ HTTP1_TWO_LENGTHS, S(REQ("Content-Length: 5\r\ncontent-length: 5\r\n")),
	    S(REQ("content-length: 5\r\n")) },
	{ HTTP1_TWO_LENGTHS, S(REQ("Content-Length: 5, 5\r\n")),
	    S(REQ("Content-Length: 55\r\n")) },
	{ HTTP1_TWO_LENGTHS, S(REQ("Content-Length: 5,\r\n")),
	    S(REQ("Content-Length: 5 \r\n")) },
	{ HTTP1_BAD_LENGTH, S(REQ("Content-Length:\r\n")),
	    S(REQ("Content-Length:0\r\n")) },
	{ HTTP1_BAD_LENGTH, S(REQ("Content-Length: +5\r\n")),
	    S(REQ("Content-Length: 05\r\n")) },
	{ HTTP1_BAD_LENGTH, S(REQ("Content-Length: -1\r\n")),
	    S(REQ("Content-Length: 1\r\n")) },
	{ HTTP1_BAD_LENGTH, S(REQ("Content-Length: 0x5\r\n")),
	    S(REQ("Content-Length: 005\r\n")) },
	{ HTTP1_BAD_LENGTH, S(REQ("Content-Length: 5 5\r\n")),
	    S(REQ("Content-Length: 5\t\r\n")) },
	{ HTTP1_BAD_LENGTH, S(REQ("Content-Length: 9223372036854775808\r\n")),
	    S(REQ("Content-Length: 9223372036854775807\r\n")) },
	{ HTTP1_BAD_LENGTH, S(REQ("Content-Length: 18446744073709551621\r\n")),
	    S(REQ("Content-Length: 000000000000000000000005\r\n")) },
	{ HTTP1_CODING_IN_1_0, S(REQ10("Transfer-Encoding: chunked\r\n")),
	    S(REQ10("Content-Length: 5\r\n")) },
	{ HTTP1_BAD_CODING, S(REQ("Transfer-Encoding: gzip, chunked\r\n")),
	    S(REQ("Transfer-Encoding: chunked\r\n")) },
	{ HTTP1_BAD_CODING, S(REQ("Transfer-Encoding: chunked, chunked\r\n")),
	    S(REQ("Transfer-Encoding: Chunked\r\n")) },
	{ HTTP1_BAD_CODING,
	    S(REQ("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n")),
	    S(REQ("TE: chunked\r\nTransfer-Encoding: chunked\r\n")) },
	{ HTTP1_BAD_CODING, S(REQ("Transfer-Encoding: chunked;a=b\r\n")),
	    S(REQ("Transfer-Encoding:chunked\t\r\n")) },
	{ HTTP1_BAD_CODING, S(REQ("Transfer-Encoding: xchunked\r\n")), S(REQ("")) },
	{ HTTP1_BAD_CODING, S(REQ("Transfer-Encoding: \"chunked\"\r\n")), S(REQ("")) },
	{ HTTP1_BAD_CODING, S(REQ("Transfer-Encoding: identity\r\n")), S(REQ("")) },
	{ HTTP1_BAD_CODING, S(REQ("Transfer-Encoding: gzip\r\n")), S(REQ("")) },
	{ HTTP1_BAD_CODING, S(REQ("Transfer-Encoding:\r\n")), S(REQ("")) },
	{ HTTP1_BAD_CODING, S(REQ("Transfer-Encoding: chunked,\r\n")), S(REQ("")) },
};

static const struct pair responses[] = {
	{ HTTP1_BAD_START_LINE, S("ICY 200 OK\r\n\r\n"), S(RES("")) },
	{ HTTP1_BAD_START_LINE, S("HTTP/1.1\r\n\r\n"), S(RES("")) },
	{ HTTP1_BAD_START_LINE, S("HTTP/1.1\t200 OK\r\n\r\n"), S(RES("")) },
	{ HTTP1_BAD_START_LINE, S("HTTP/2 200\r\n\r\n"), S(RES("")) },
	{ HTTP1_BAD_START_LINE, S("\r\nHTTP/1.1 200 OK\r\n\r\n"), S(RES("")) },
	{ HTTP1_BAD_START_LINE, S("http/1.1 200 OK\r\n\r\n"), S(RES("")) },
	{ HTTP1_BAD_START_LINE, S(STATUS("HTTP/1.1 200 O\x01K")),
	    S(STATUS("HTTP/1.1 200 O\t\xc3\xa9K")) },
	{ HTTP1_BAD_VERSION, S("HTTP/2.0 200 OK\r\n\r\n"), S(RES("")) },
	{ HTTP1_BAD_STATUS, S(STATUS("HTTP/1.1 20 OK")), S(STATUS("HTTP/1.1 200 ")) },
	{ HTTP1_BAD_STATUS, S(STATUS("HTTP/1.1 2000 OK")), S(STATUS("HTTP/1.1 200")) },
	{ HTTP1_BAD_STATUS, S(STATUS("HTTP/1.1  200 OK")),
	    S(STATUS("HTTP/1.1 200  OK")) },
	{ HTTP1_BAD_STATUS, S(STATUS("HTTP/1.1 099 A")), S(STATUS("HTTP/1.1 999 A")) },
	{ HTTP1_BAD_STATUS, S(STATUS("HTTP/1.1 2x0 A")), S(STATUS("HTTP/1.1 290 A")) },
	{ HTTP1_BAD_STATUS, S(STATUS("HTTP/1.1 20")), S(RES("")) },
	{ HTTP1_BAD_STATUS, S(STATUS("HTTP/1.1 +20 A")), S(RES("")) },
	{ HTTP1_BARE_CR, S(STATUS("HTTP/1.1 200 O\rK")), S(RES("")) },
	{ HTTP1_BARE_CR, S(STATUS("HTTP/1.1 200\rOK")), S(RES("")) },
	{ HTTP1_BARE_CR, S(STATUS("HTTP/1.1\r 200 OK")), S(RES("")) },
	{ HTTP1_BARE_LF, S("HTTP/1.1 200 OK\nA: b\r\n\r\n"), S(RES("")) },
	{ HTTP1_OBS_FOLD, S(RES("A: b\r\n c\r\n")), S(RES("A: b c\r\n")) },
	{ HTTP1_SPACE_BEFORE_FIELDS, S(RES(" A: b\r\n")), S(RES("A: b\r\n")) },
	{ HTTP1_LENGTH_AND_CODING,
	    S(RES("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n")),
	    S(RES("Transfer-Encoding: chunked\r\nX-Content-Length: 5\r\n")) },
	{ HTTP1_LENGTH_AND_CODING,
	    S(RES("Transfer-Encoding: gzip\r\nContent-Length: 5\r\n")),
	    S(RES("Transfer-Encoding: gzip\r\n")) },
	{ HTTP1_TWO_LENGTHS, S(RES("Content-Length: 5\r\nContent-Length: 5\r\n")),
	    S(RES("Content-Length: 5\r\n")) },
	{ HTTP1_BAD_LENGTH, S(RES("Content-Length: 1e3\r\n")),
	    S(RES("Content-Length: 1000\r\n")) },
	{ HTTP1_CODING_IN_1_0,
	    S("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
	    S("HTTP/1.0 200 OK\r\n\r\n") },
	{ HTTP1_BAD_CODING, S(RES("Transfer-Encoding: gzip, chunked\r\n")),
	    S(RES("Transfer-Encoding: gzip, deflate\r\n")) },
	{ HTTP1_BAD_CODING, S(RES("Transfer-Encoding: chunked, gzip\r\n")),
	    S(RES("Transfer-Encoding: gzip\r\nTransfer-Encoding: x\r\n")) },
	{ HTTP1_BAD_CODING, S(RES("Transfer-Encoding: x;y=\"chunked\"\r\n")),
	    S(RES("Transfer-Encoding: x;y=\"chunke\"\r\n")) },
	{ HTTP1_BAD_CODING,
	    S(RES("Transfer-Encoding: gzip\r\nTransfer-Encoding: CHUNKED\r\n")),
	    S(RES("Transfer-Encoding: CHUNKED\r\n")) },
	{ HTTP1_BAD_CODING, S(RES("Transfer-Encoding:\r\n")), S(RES("")) },
};

static struct http1_head once, slow;

static long
parse(struct http1_head *h, bool is_request, const char *p, size_t n, size_t *seen)
{
	return is_request ? http1_request(h, p, n, seen) :
	    http1_response(h, SLICE("GET"), p, n, seen);
}

static long
parse_once(bool is_request, const char *p, size_t n)
{
	size_t seen = 0;

	memset(&once, 0xa5, sizeof(once));
	return parse(&once, is_request, guard_put(p, n), n, &seen);
}

static void
verdict_is(bool is_request, struct slice s, long want)
{
	long got = parse_once(is_request, s.p, s.len);

	if (got != want)
		fail_msg("%ld (%s), not %ld (%s), for:\n%.*s", got,
		    got < 0 ? http1_rule_name((enum http1_rule)-got) : "ok", want,
		    want < 0 ? http1_rule_name((enum http1_rule)-want) : "ok",
		    (int)s.len, s.p);
}

static bool
is_in(struct slice s, const char *p, size_t n)
{
	return s.p >= p && s.len <= n && (size_t)(s.p - p) <= n - s.len;
}

/* The lines are the input again, and every slice lies in its line. */
static void
head_is_the_input(const struct http1_head *h, const char *p, size_t n)
{
	const char *at = p + h->start.len;

	assert_ptr_equal(h->start.p, p);
	assert_true(h->len <= n);
	for (unsigned i = 0; i < h->n; i++) {
		const struct http1_line *l = &h->line[i];

		assert_ptr_equal(l->raw.p, at);
		assert_ptr_equal(l->name.p, at);
		assert_true(is_in(l->value, l->raw.p, l->raw.len - 2));
		assert_int_equal(l->name.p[l->name.len], ':');
		assert_memory_equal(at + l->raw.len - 2, "\r\n", 2);
		at += l->raw.len;
	}
	assert_memory_equal(at, "\r\n", 2);
	assert_int_equal(at + 2 - p, h->len);
}

static bool
same_slice(struct slice a, struct slice b)
{
	return (a.p == NULL) == (b.p == NULL) && slice_eq(a, b);
}

static void
heads_are_the_same(const struct http1_head *a, const struct http1_head *b)
{
	assert_int_equal(a->n, b->n);
	assert_int_equal(a->len, b->len);
	assert_int_equal(a->minor, b->minor);
	assert_int_equal(a->status, b->status);
	assert_int_equal(a->framing, b->framing);
	assert_true(a->length == b->length);
	assert_int_equal(a->has_close, b->has_close);
	assert_int_equal(a->has_keep_alive, b->has_keep_alive);
	assert_int_equal(a->has_upgrade, b->has_upgrade);
	assert_int_equal(a->expects_continue, b->expects_continue);
	assert_true(same_slice(a->method, b->method));
	assert_true(same_slice(a->target, b->target));
	assert_true(same_slice(a->reason, b->reason));
	assert_true(same_slice(a->host, b->host));
	for (unsigned i = 0; i < a->n; i++)
		assert_true(same_slice(a->line[i].value, b->line[i].value));
}

/* Every prefix gives "need more" or the verdict of the whole, the same whether
 * it came at once, byte by byte, or in steps; and always in another place. */
static void
prefixes_agree(bool is_request, struct slice s, size_t step)
{
	long whole = parse_once(is_request, s.p, s.len), got = 0;
	size_t seen = 0;

	memset(&slow, 0x5a, sizeof(slow));
	for (size_t n = 0; n < s.len && got == 0; ) {
		n = s.len - n < step ? s.len : n + step;
		long prefix = parse_once(is_request, s.p, n);
		const char *p = guard_put(s.p, n);

		got = parse(&slow, is_request, p, n, &seen);
		assert_int_equal(got, prefix);
		assert_true(got == 0 || got == whole);
		if (got > 0) {
			head_is_the_input(&slow, p, n);
			heads_are_the_same(&slow, &once);
		}
	}
	assert_int_equal(got, whole);
}

static void
pairs_hold(bool is_request, const struct pair *pairs, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		verdict_is(is_request, pairs[i].bad, -(long)pairs[i].rule);
		verdict_is(is_request, pairs[i].good, (long)pairs[i].good.len);
	}
}

static void
each_rule_refuses_requests_and_their_neighbours_pass(void **state)
{
	pairs_hold(true, requests, COUNT(requests));
}

static void
each_rule_refuses_responses_and_their_neighbours_pass(void **state)
{
	pairs_hold(false, responses, COUNT(responses));
}

static void
all_prefixes_agree(bool is_request, const struct pair *pairs, size_t n)
{
	for (size_t i = 0; i < n; i++)
		for (size_t step = 1; step <= 7; step += 3) {
			prefixes_agree(is_request, pairs[i].bad, step);
			prefixes_agree(is_request, pairs[i].good, step);
		}
}

static void
every_prefix_needs_more_or_has_the_final_verdict(void **state)
{
	all_prefixes_agree(true, requests, COUNT(requests));
	all_prefixes_agree(false, responses, COUNT(responses));
}

static void
every_cut_in_two_gives_the_same_head(void **state)
{
	static const struct slice s = S(REQ("A: b\r\nConnection: close\r\n"
	    "Content-Length: 7\r\n") "1234567");

	for (size_t cut = 0; cut <= s.len; cut++) {
		size_t seen = 0;
		long first = http1_request(&slow, guard_put(s.p, cut), cut, &seen);
		const char *p = guard_put(s.p, s.len);

		if (first == 0)
			first = http1_request(&slow, p, s.len, &seen);
		assert_int_equal(first, s.len - 7);
		parse_once(true, s.p, s.len);
		if (seen)
			heads_are_the_same(&slow, &once);
	}
}

/* It may be half of a CRLF that the caller skips when the other half is there. */
static void
a_lone_cr_before_a_request_is_not_counted_as_seen(void **state)
{
	size_t seen = 0;

	assert_int_equal(http1_request(&once, guard_put("\r", 1), 1, &seen), 0);
	assert_int_equal(seen, 0);
}

static void
what_follows_a_head_is_not_looked_at(void **state)
{
	verdict_is(true, (struct slice)S(REQ("") "\n\0\r \x16"), sizeof(REQ("")) - 1);
}

static void
a_refusal_comes_with_its_line_and_not_with_the_end(void **state)
{
	verdict_is(true, (struct slice)S("G"), 0);
	verdict_is(true, (struct slice)S("\x16"), -HTTP1_BAD_METHOD);
	verdict_is(true, (struct slice)S("\r"), 0);
	verdict_is(true, (struct slice)S("GET / HTTP/2.0\r\n"), -HTTP1_BAD_VERSION);
	verdict_is(true, (struct slice)S("GET / HTTP/1.1\r\nA : b\r\nB"),
	    -HTTP1_SPACE_BEFORE_COLON);
	verdict_is(false, (struct slice)S("HTT"), 0);
	verdict_is(false, (struct slice)S("HTX"), -HTTP1_BAD_START_LINE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_rule_refuses_requests_and_their_neighbours_pass),
		cmocka_unit_test(each_rule_refuses_responses_and_their_neighbours_pass),
		cmocka_unit_test(every_prefix_needs_more_or_has_the_final_verdict),
		cmocka_unit_test(every_cut_in_two_gives_the_same_head),
		cmocka_unit_test(a_lone_cr_before_a_request_is_not_counted_as_seen),
		cmocka_unit_test(what_follows_a_head_is_not_looked_at),
		cmocka_unit_test(a_refusal_comes_with_its_line_and_not_with_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
