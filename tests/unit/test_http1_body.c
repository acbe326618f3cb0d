#include "proxy/http1.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/guard.h"

/* What came of a body. */
struct result {
	int rc;
	bool done;
	size_t used;		/* forwarded */
	struct bytes payload;
	struct bytes trailers;
};

/* Feeds p[0..n), lying against the guard page, until it is used or over. */
static void
feed(struct http1_body *b, struct result *r, const char *p, size_t n)
{
	const char *in = guard_put(p, n);
	struct http1_part part;

	while (n > 0 && !b->done && r->rc == 0) {
		r->rc = http1_body_next(b, in, n, &part);
		assert_true(part.used <= n);
		assert_true(r->rc || part.used > 0);
		assert_true(part.data + part.data_len <= part.used);
		assert_true(part.trailer + part.trailer_len <= part.used);
		bytes_put(&r->payload, in + part.data, part.data_len);
		bytes_put(&r->trailers, in + part.trailer, part.trailer_len);
		r->used += part.used;
		in += part.used;
		n -= part.used;
	}
	r->done = b->done;
}

static void
result_fini(struct result *r)
{
	bytes_fini(&r->payload);
	bytes_fini(&r->trailers);
	memset(r, 0, sizeof(*r));
}

/* The pieces are p[0..cut), then steps of `step` bytes. */
static struct result
read_chunked(struct slice s, size_t cut, size_t step)
{
	struct result r = { 0 };
	struct http1_body b;

	http1_body_init(&b, HTTP1_CHUNKED, 0);
	feed(&b, &r, s.p, cut);
	for (size_t at = cut; at < s.len; at += step)
		feed(&b, &r, s.p + at, s.len - at < step ? s.len - at : step);
	assert_true(b.payload == r.payload.len);
	return r;
}

static bool
has(const struct bytes *b, struct slice want)
{
	return slice_eq(bytes_slice(b), want);
}

struct body {
	int rc;			/* 0 or the rule */
	struct slice text;
	size_t used;		/* up to the byte that breaks the rule */
	struct slice payload, trailers;
};

#define S(literal) { literal, sizeof(literal) - 1 }
#define GOOD(text, payload, trailers) \
	{ 0, S(text), sizeof(text) - 1, S(payload), S(trailers) }
#define BAD(rule, good, bad) \
	{ rule, S(good bad), sizeof(good) - 1, { "", 0 }, { "", 0 } }
#define END "0\r\n\r\n"

static const struct body bodies[] = {
	GOOD(END, "", ""),
	GOOD("000\r\n\r\n", "", ""),
	GOOD("5\r\nhello\r\n" END, "hello", ""),
	GOOD("5\r\nhello\r\nA\r\n, dear you\r\n" END, "hello, dear you", ""),
	GOOD("00000000000000000000000001\r\na\r\n1\r\nb\r\n" END, "ab", ""),
	GOOD("b\r\n01234\r\n\n\r67\r\n" END, "01234\r\n\n\r67", ""),
	GOOD("B\r\n01234\r\n\n\r67\r\n" END, "01234\r\n\n\r67", ""),
	GOOD("2;a\r\nxy\r\n0;b;c\r\n\r\n", "xy", ""),
	GOOD("2;a=b\r\nxy\r\n" END, "xy", ""),
	GOOD("2;a=b;c=d\r\nxy\r\n" END, "xy", ""),
	GOOD("2; a = b ; c\t= d\r\nxy\r\n" END, "xy", ""),
	GOOD("2;a=\"b;\\\"\t\\\\ c\xff\"\r\nxy\r\n" END, "xy", ""),
	GOOD("2;a=\"\" ;b\r\nxy\r\n" END, "xy", ""),
	GOOD("2;a ;b\r\nxy\r\n" END, "xy", ""),
	GOOD("1\r\nx\r\n0\r\nA: b\r\n\r\n", "x", "A: b\r\n"),
	GOOD("0\r\nA:\r\nB-c: d e\t\x80\r\n\r\n", "", "A:\r\nB-c: d e\t\x80\r\n"),
	GOOD("0\r\nContent-Lengt: 1\r\nXHost: 2\r\n\r\n", "",
	    "Content-Lengt: 1\r\nXHost: 2\r\n"),
	GOOD("0\r\ntransfer-encoding-and-something-more: 1\r\n\r\n", "",
	    "transfer-encoding-and-something-more: 1\r\n"),

	BAD(HTTP1_BAD_CHUNK_SIZE, "", "\r\n"),
	BAD(HTTP1_BAD_CHUNK_SIZE, "", " 5\r\n"),
	BAD(HTTP1_BAD_CHUNK_SIZE, "", "+5\r\n"),
	BAD(HTTP1_BAD_CHUNK_SIZE, "", "-5\r\n"),
	BAD(HTTP1_BAD_CHUNK_SIZE, "", ";a\r\n"),
	BAD(HTTP1_BAD_CHUNK_SIZE, "0", "x5\r\n"),
	BAD(HTTP1_BAD_CHUNK_SIZE, "5", " \r\nhello\r\n" END),
	BAD(HTTP1_BAD_CHUNK_SIZE, "5", " ;a\r\nhello\r\n" END),
	BAD(HTTP1_BAD_CHUNK_SIZE, "5", "\t;a\r\nhello\r\n" END),
	BAD(HTTP1_BAD_CHUNK_SIZE, "5", "g\r\n"),
	BAD(HTTP1_BAD_CHUNK_SIZE, "5", "_0\r\n"),
	BAD(HTTP1_BAD_CHUNK_SIZE, "5", "\0\r\n"),
	BAD(HTTP1_BAD_CHUNK_SIZE, "800000000000000", "0\r\n"),
	BAD(HTTP1_BAD_CHUNK_SIZE, "7fffffffffffffff", "0\r\n"),
	BAD(HTTP1_BAD_CHUNK_SIZE, "1000000000000000", "5\r\n"),
	BAD(HTTP1_BAD_CHUNK_EXT, "5;", "\r\n"),
	BAD(HTTP1_BAD_CHUNK_EXT, "5;a", "/\r\n"),
	BAD(HTTP1_BAD_CHUNK_EXT, "5;", ";a\r\n"),
	BAD(HTTP1_BAD_CHUNK_EXT, "5;a=", "\r\n"),
	BAD(HTTP1_BAD_CHUNK_EXT, "5;a ", "\r\n"),
	BAD(HTTP1_BAD_CHUNK_EXT, "5;a ", "b\r\n"),
	BAD(HTTP1_BAD_CHUNK_EXT, "5;a=b", "=c\r\n"),
	BAD(HTTP1_BAD_CHUNK_EXT, "5;a=b ", "=c\r\n"),
	BAD(HTTP1_BAD_CHUNK_EXT, "5;a=b ", "\r\n"),
	BAD(HTTP1_BAD_CHUNK_EXT, "5;a=\"b", "\r\n"),
	BAD(HTTP1_BAD_CHUNK_EXT, "5;a=\"b\\", "\r\n"),
	BAD(HTTP1_BAD_CHUNK_EXT, "5;a=\"b\\", "\x01\"\r\n"),
	BAD(HTTP1_BAD_CHUNK_EXT, "5;a=\"b\"", "c\r\n"),
	BAD(HTTP1_BAD_CHUNK_EXT, "5;a=b", "\0\r\n"),
	BAD(HTTP1_BAD_CHUNK_EXT, "5;", "\xff\r\n"),
	BAD(HTTP1_BARE_LF, "5", "\nhello\r\n" END),
	BAD(HTTP1_BARE_LF, "", "\nhello\r\n" END),
	BAD(HTTP1_BARE_LF, "5;a", "\nhello\r\n" END),
	BAD(HTTP1_BARE_LF, "5;a=\"", "\n\"\r\nhello\r\n" END),
	BAD(HTTP1_BARE_CR, "5\r", "hello\r\n" END),
	BAD(HTTP1_BARE_CR, "5;a\r", "\r\nhello\r\n" END),
	BAD(HTTP1_BAD_TRAILER, "0\r\nContent-Length", ": 5\r\n\r\n"),
	BAD(HTTP1_BAD_TRAILER, "0\r\nA: b\r\nHost", ": c\r\n\r\n"),
	BAD(HTTP1_BARE_LF, "0\r\n", "\n"),
	BAD(HTTP1_BARE_LF, "0\r\nA", "\n\r\n"),
	BAD(HTTP1_BARE_LF, "0\r\nA: b", "\n\r\n"),
	BAD(HTTP1_BARE_CR, "0\r\nA: b\r", "c\r\n\r\n"),
	BAD(HTTP1_SPACE_BEFORE_FIELDS, "0\r\n", " A: b\r\n\r\n"),
	BAD(HTTP1_OBS_FOLD, "0\r\nA: b\r\n", "\tc\r\n\r\n"),
	BAD(HTTP1_BAD_NAME, "0\r\n", ": b\r\n\r\n"),
	BAD(HTTP1_BAD_NAME, "0\r\nA", "\0: b\r\n\r\n"),
	BAD(HTTP1_SPACE_BEFORE_COLON, "0\r\nA", " : b\r\n\r\n"),
	BAD(HTTP1_NO_COLON, "0\r\nA", "\r\n\r\n"),
	BAD(HTTP1_BAD_VALUE, "0\r\nA: b", "\0\r\n\r\n"),
	BAD(HTTP1_BAD_VALUE, "0\r\nA: b", "\x7f\r\n\r\n"),
};

static const struct body ends[] = {
	{ HTTP1_BAD_CHUNK_END, S("5\r\nhello!\r\n" END), 8, S("hello"), S("") },
	{ HTTP1_BAD_CHUNK_END, S("5\r\nhello\n" END), 8, S("hello"), S("") },
	{ HTTP1_BAD_CHUNK_END, S("5\r\nhello\r0\r\n"), 9, S("hello"), S("") },
	{ HTTP1_BAD_CHUNK_END, S("1\r\nxx\r\n" END), 4, S("x"), S("") },
	/* The CR of the empty line is none of the trailers. */
	{ HTTP1_BARE_CR, S("00\r\n\r\r\n"), 5, S(""), S("") },
};

/* The refused ones have only trailers behind "0 CRLF" if that begins them. */
static struct slice
trailers_before(const struct body *c)
{
	if (c->rc == 0)
		return c->trailers;
	if (c->used < 3 || memcmp(c->text.p, "0\r\n", 3) != 0)
		return (struct slice){ "", 0 };
	return (struct slice){ c->text.p + 3, c->used - 3 };
}

static void
body_holds(const struct body *c, struct result r)
{
	struct slice trailers = trailers_before(c);

	if (r.rc != -c->rc || r.used != c->used)
		fail_msg("%d (%s) after %zu bytes, not %d after %zu:\n%s", r.rc,
		    http1_rule_name((enum http1_rule)-r.rc), r.used, c->rc,
		    c->used, c->text.p);
	assert_int_equal(r.done, c->rc == 0);
	assert_true(has(&r.payload, c->payload));
	assert_true(has(&r.trailers, trailers));
	result_fini(&r);
}

/* In one piece, in two at every place, and in steps of every small size: the same
 * payload, the same forwarded bytes, the same rule at the same byte. */
static void
cuts_hold(const struct body *cases, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct body *c = &cases[i];

		for (size_t cut = 0; cut <= c->text.len; cut++)
			body_holds(c, read_chunked(c->text, cut, c->text.len));
		for (size_t step = 1; step < 8; step++)
			body_holds(c, read_chunked(c->text, 0, step));
	}
}

static void
every_cut_of_a_chunked_body_reads_the_same(void **state)
{
	cuts_hold(bodies, sizeof(bodies) / sizeof(*bodies));
	cuts_hold(ends, sizeof(ends) / sizeof(*ends));
}

static void
what_follows_a_body_is_not_used(void **state)
{
	struct slice s = S("1\r\nx\r\n" END "GET / HTTP/1.1\r\n");
	struct result r = read_chunked(s, s.len, 1);

	assert_true(r.done);
	assert_int_equal(r.used, 11);
	result_fini(&r);
}

static void
unfinished_bodies_are_not_complete(void **state)
{
	struct slice s = S("5;a\r\nhello\r\n0\r\nA: b\r\n\r\n");

	for (size_t n = 0; n < s.len; n++) {
		struct result r = { 0 };
		struct http1_body b;

		http1_body_init(&b, HTTP1_CHUNKED, 0);
		feed(&b, &r, s.p, n);
		assert_int_equal(r.rc, 0);
		assert_false(http1_body_eof(&b));
		result_fini(&r);
	}
}

static void
a_refused_body_stays_refused(void **state)
{
	struct http1_part part;
	struct http1_body b;

	http1_body_init(&b, HTTP1_CHUNKED, 0);
	assert_int_equal(http1_body_next(&b, "5 ", 2, &part), -HTTP1_BAD_CHUNK_SIZE);
	assert_int_equal(part.used, 1);
	assert_int_equal(http1_body_next(&b, "\r\n", 2, &part),
	    -HTTP1_BAD_CHUNK_SIZE);
	assert_int_equal(part.used, 0);
	assert_false(http1_body_eof(&b));
}

static void
a_call_gives_one_run_of_payload(void **state)
{
	static const struct slice s = S("1\r\na\r\n1\r\nb\r\n0\r\nA: b\r\n\r\n");
	struct http1_part part;
	struct http1_body b;

	http1_body_init(&b, HTTP1_CHUNKED, 0);
	assert_int_equal(http1_body_next(&b, s.p, s.len, &part), 0);
	assert_int_equal(part.used, 9);
	assert_int_equal(part.data, 3);
	assert_int_equal(part.data_len, 1);
	assert_int_equal(http1_body_next(&b, s.p + 9, s.len - 9, &part), 0);
	assert_int_equal(part.used, s.len - 9);
	assert_int_equal(part.data_len, 1);
	assert_int_equal(part.trailer, 6);
	assert_int_equal(part.trailer_len, 6);
	assert_true(b.done);
}

static void
trailers_that_frame_route_or_authenticate_are_refused(void **state)
{
	static const char *const names[] = {
		"transfer-encoding", "Content-Length", "HOST", "connection", "TE",
		"Trailer", "Upgrade", "keep-alive", "proxy-connection", "Expect",
		"max-forwards", "Authorization", "proxy-authorization",
		"proxy-authenticate", "www-authenticate", "Cookie", "set-cookie",
		"content-type", "content-encoding", "content-range", "range",
		"cache-control",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		char text[64];
		size_t name = strlen(names[i]);
		struct result r;

		sprintf(text, "0\r\n%s: x\r\n\r\n", names[i]);
		r = read_chunked((struct slice){ text, strlen(text) }, 4, 1);
		assert_int_equal(r.rc, -HTTP1_BAD_TRAILER);
		assert_int_equal(r.used, 3 + name);
		result_fini(&r);
		sprintf(text, "0\r\n%s-: x\r\n\r\n", names[i]);
		r = read_chunked((struct slice){ text, strlen(text) }, 4, 1);
		assert_int_equal(r.rc, 0);
		result_fini(&r);
	}
}

/* `before`, then x until all but `after` is n bytes from `from` on. */
static struct slice
fill(char *buf, const char *before, size_t from, size_t n, const char *after)
{
	size_t len = strlen(before), fill_to = from + n - strlen(after);

	memcpy(buf, before, len);
	memset(buf + len, 'x', fill_to - len);
	memcpy(buf + fill_to, after, strlen(after));
	return (struct slice){ buf, from + n };
}

static void
limit_holds(struct slice s, int rc, size_t used)
{
	for (size_t step = 1; step <= s.len; step += s.len - 1) {
		struct result r = read_chunked(s, 0, step);

		assert_int_equal(r.rc, rc);
		assert_int_equal(r.used, used);
		result_fini(&r);
	}
}

static void
chunk_lines_and_trailers_are_bounded_to_the_byte(void **state)
{
	static char buf[HTTP1_HEAD_MAX + 16];
	size_t line = HTTP1_CHUNK_LINE_MAX, head = HTTP1_HEAD_MAX;

	limit_holds(fill(buf, "1;", 0, line, "\r\n"), 0, line);
	limit_holds(fill(buf, "1;", 0, line + 1, "\r\n"),
	    -HTTP1_CHUNK_LINE_TOO_LONG, line);
	limit_holds(fill(buf, "0\r\nA:", 3, head, "\r\n\r\n"), 0, head + 3);
	limit_holds(fill(buf, "0\r\nA:", 3, head + 1, "\r\n\r\n"),
	    -HTTP1_TOO_LONG, head + 3);
}

static void
trailer_lines_are_bounded(void **state)
{
	char text[8 * HTTP1_LINES_MAX] = "0\r\n";

	for (int i = 0; i < HTTP1_LINES_MAX; i++)
		strcat(text, "A:\r\n");
	limit_holds((struct slice){ text, strlen(text) }, 0, strlen(text));
	strcat(text, "A:\r\n");
	limit_holds((struct slice){ text, strlen(text) }, -HTTP1_TOO_MANY_LINES,
	    strlen(text) - 4);
}

static void
each_chunk_line_has_the_whole_bound(void **state)
{
	static char buf[3 * HTTP1_CHUNK_LINE_MAX];
	size_t n = fill(buf, "1;", 0, HTTP1_CHUNK_LINE_MAX, "\r\nx\r\n").len;

	fill(buf + n, "0;", 0, HTTP1_CHUNK_LINE_MAX, "\r\n");
	n += HTTP1_CHUNK_LINE_MAX;
	memcpy(buf + n, "\r\n", 2);
	limit_holds((struct slice){ buf, n + 2 }, 0, n + 2);
}

/* Sizes up to 2^63-1 are taken without waiting for their bytes. */
static void
the_largest_chunk_is_taken(void **state)
{
	struct http1_part part;
	struct http1_body b;

	http1_body_init(&b, HTTP1_CHUNKED, 0);
	assert_int_equal(http1_body_next(&b, "7fffFFFFffffFFFF\r\nabc", 21, &part),
	    0);
	assert_int_equal(part.used, 21);
	assert_int_equal(part.data_len, 3);
	assert_true(b.left == (uint64_t)INT64_MAX - 3);
}

static void
a_length_is_taken_to_the_byte(void **state)
{
	struct http1_part part;
	struct http1_body b;

	http1_body_init(&b, HTTP1_LENGTH, 5);
	assert_int_equal(http1_body_next(&b, "abc", 3, &part), 0);
	assert_int_equal(part.used, 3);
	assert_int_equal(part.data_len, 3);
	assert_false(b.done);
	assert_false(http1_body_eof(&b));
	assert_int_equal(http1_body_next(&b, "deGET", 5, &part), 0);
	assert_int_equal(part.used, 2);
	assert_int_equal(part.data_len, 2);
	assert_true(b.done);
	assert_true(http1_body_eof(&b));
	assert_int_equal(b.payload, 5);
}

static void
a_body_without_bytes_is_done_at_once(void **state)
{
	struct http1_body b;

	http1_body_init(&b, HTTP1_NONE, 7);
	assert_true(b.done);
	http1_body_init(&b, HTTP1_LENGTH, 0);
	assert_true(b.done);
	http1_body_init(&b, HTTP1_UNTIL_CLOSE, 0);
	assert_false(b.done);
	http1_body_init(&b, HTTP1_CHUNKED, 0);
	assert_false(b.done);
}

static void
until_close_and_tunnels_end_with_the_connection(void **state)
{
	static const enum http1_framing framings[] = {
		HTTP1_UNTIL_CLOSE, HTTP1_TUNNEL
	};

	for (int i = 0; i < 2; i++) {
		struct http1_part part;
		struct http1_body b;

		http1_body_init(&b, framings[i], 0);
		assert_int_equal(http1_body_next(&b, "abc", 3, &part), 0);
		assert_int_equal(part.used, 3);
		assert_int_equal(part.data_len, 3);
		assert_int_equal(b.payload, 3);
		assert_false(b.done);
		assert_true(http1_body_eof(&b));
		assert_true(b.done);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_cut_of_a_chunked_body_reads_the_same),
		cmocka_unit_test(what_follows_a_body_is_not_used),
		cmocka_unit_test(unfinished_bodies_are_not_complete),
		cmocka_unit_test(a_refused_body_stays_refused),
		cmocka_unit_test(a_call_gives_one_run_of_payload),
		cmocka_unit_test(
		    trailers_that_frame_route_or_authenticate_are_refused),
		cmocka_unit_test(chunk_lines_and_trailers_are_bounded_to_the_byte),
		cmocka_unit_test(trailer_lines_are_bounded),
		cmocka_unit_test(each_chunk_line_has_the_whole_bound),
		cmocka_unit_test(the_largest_chunk_is_taken),
		cmocka_unit_test(a_length_is_taken_to_the_byte),
		cmocka_unit_test(a_body_without_bytes_is_done_at_once),
		cmocka_unit_test(until_close_and_tunnels_end_with_the_connection),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
