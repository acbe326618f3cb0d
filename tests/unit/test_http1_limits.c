#include "proxy/http1.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/guard.h"

static struct http1_head h;
static char buf[2 * HTTP1_HEAD_MAX];

/* "first CRLF", then lines of "A: xxx CRLF" so that all is n bytes with the empty
 * line, or without lines as long as it is. */
static struct slice
head_of(const char *first, size_t n, unsigned lines)
{
	size_t len = (size_t)sprintf(buf, "%s\r\n", first);

	for (unsigned i = 0; i < lines; i++) {
		size_t left = n - 2 - len, each = left / (lines - i);

		memcpy(buf + len, "A: ", 3);
		memset(buf + len + 3, 'x', each - 5);
		memcpy(buf + len + each - 2, "\r\n", 2);
		len += each;
	}
	memcpy(buf + len, "\r\n", 2);
	return (struct slice){ buf, len + 2 };
}

/* The verdict on a response, or on a request, that comes in steps; *at is how
 * much of it there was then. */
static long
verdict(bool is_request, struct slice s, size_t step, size_t *at)
{
	size_t seen = 0, n = 0;
	long rc = 0;

	while (rc == 0 && n < s.len) {
		n = s.len - n < step ? s.len : n + step;
		/* To move each byte of each step would take minutes. */
		const char *p = step > 1 ? guard_put(s.p, n) : s.p;

		rc = is_request ? http1_request(&h, p, n, &seen) :
		    http1_response(&h, SLICE("GET"), p, n, &seen);
	}
	*at = n;
	return rc;
}

static void
verdict_is(bool is_request, struct slice s, long want, size_t want_at)
{
	size_t at;

	assert_int_equal(verdict(is_request, s, s.len, &at), want);
	assert_int_equal(verdict(is_request, s, 997, &at), want);
	assert_int_equal(verdict(is_request, s, 1, &at), want);
	assert_int_equal(at, want_at);
}

static const char ok[] = "HTTP/1.1 200 OK";

static void
heads_are_bounded_to_the_byte(void **state)
{
	for (unsigned lines = 1; lines <= HTTP1_LINES_MAX; lines += 127) {
		verdict_is(false, head_of(ok, HTTP1_HEAD_MAX, lines),
		    HTTP1_HEAD_MAX, HTTP1_HEAD_MAX);
		assert_int_equal(h.n, lines);
		verdict_is(false, head_of(ok, HTTP1_HEAD_MAX + 1, lines),
		    -HTTP1_TOO_LONG, HTTP1_HEAD_MAX);
	}
}

static void
lines_are_counted(void **state)
{
	struct slice s = head_of(ok, 2000, HTTP1_LINES_MAX);

	verdict_is(false, s, 2000, 2000);
	s = head_of(ok, 2000, HTTP1_LINES_MAX + 1);
	verdict_is(false, s, -HTTP1_TOO_MANY_LINES, 2000 - 2);
	/* The count stands before what the line says. */
	memset(buf + 2000 - 6, ' ', 2);
	verdict_is(false, s, -HTTP1_TOO_MANY_LINES, 2000 - 2);
}

static void
start_lines_are_bounded_to_the_byte(void **state)
{
	static char line[HTTP1_START_MAX + 8];
	size_t most = HTTP1_START_MAX - 2;	/* without the CRLF */

	memset(line, 'x', sizeof(line));
	memcpy(line, "HTTP/1.1 200 ", 13);
	line[most] = '\0';
	verdict_is(false, head_of(line, 0, 0), HTTP1_START_MAX + 2,
	    HTTP1_START_MAX + 2);
	line[most] = 'x';
	line[most + 1] = '\0';
	verdict_is(false, head_of(line, 0, 0), -HTTP1_START_TOO_LONG,
	    HTTP1_START_MAX);
	memcpy(line, "GET /xxxxxxxx", 13);
	verdict_is(true, head_of(line, 0, 0), -HTTP1_START_TOO_LONG,
	    HTTP1_START_MAX);
	verdict_is(true, (struct slice){ line, most }, 0, most);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(heads_are_bounded_to_the_byte),
		cmocka_unit_test(lines_are_counted),
		cmocka_unit_test(start_lines_are_bounded_to_the_byte),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
