#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "store/status.h"
#include "tests/unit/guard.h"

#define TEXT(s) { (s), sizeof(s) - 1 }

static const struct status sample = {
	.pid = 4711,
	.started_ns = 1795000000123456789,
	.http = TEXT("127.0.0.1:8787"),
	.tls = TEXT("[::1]:443"),
	.upstream = TEXT("https://api.openai.com"),
	.ca_dir = TEXT("/home/a b/=\\x41\n\x1b[31m/\xc3\xa9"),
	.intercept = TEXT("api.openai.com *.api.openai.com"),
	.traces = TEXT("forward"),
	.auth = TEXT("none"),
	.via = TEXT("set"),
};

static void
assert_same(struct slice a, struct slice b)
{
	assert_int_equal(!a.p, !b.p);
	assert_true(slice_eq(a, b));
}

static void
assert_same_status(const struct status *a, const struct status *b)
{
	assert_int_equal(a->pid, b->pid);
	assert_int_equal(a->started_ns, b->started_ns);
	assert_same(a->http, b->http);
	assert_same(a->tls, b->tls);
	assert_same(a->upstream, b->upstream);
	assert_same(a->ca_dir, b->ca_dir);
	assert_same(a->intercept, b->intercept);
	assert_same(a->traces, b->traces);
	assert_same(a->auth, b->auth);
	assert_same(a->via, b->via);
}

static bool
decode(struct status *s, struct bytes *hold, const char *text)
{
	return status_decode(s, hold, (struct slice){ text, strlen(text) });
}

static void
what_is_written_is_read_back(void **state)
{
	struct bytes row = { 0 }, hold = { 0 };
	struct status s;

	(void)state;
	status_encode(&row, &sample);
	assert_true(status_decode(&s, &hold, bytes_slice(&row)));
	assert_same_status(&s, &sample);
	assert_string_equal(s.ca_dir.p, sample.ca_dir.p);
	assert_string_equal(s.via.p, "set");
	bytes_fini(&row);
	bytes_fini(&hold);
}

static void
what_is_missing_stays_missing(void **state)
{
	struct bytes row = { 0 }, hold = { 0 };
	struct status s, few;

	(void)state;
	status_init(&few);
	few.pid = 1;
	few.http = SLICE("");
	status_encode(&row, &few);
	bytes_putc(&row, '\0');
	assert_string_equal(row.p, "pid=1\nhttp=\n");
	assert_true(decode(&s, &hold, (const char *)row.p));
	assert_same_status(&s, &few);
	assert_string_equal(s.http.p, "");
	bytes_fini(&row);
	bytes_fini(&hold);
}

static void
no_value_brings_a_line_of_its_own(void **state)
{
	struct bytes row = { 0 };
	struct status s;

	(void)state;
	status_init(&s);
	s.ca_dir = SLICE("a\npid=1\n\\\x7f");
	status_encode(&row, &s);
	bytes_putc(&row, '\0');
	assert_string_equal((const char *)row.p, "ca_dir=a\\x0apid=1\\x0a\\x5c\\x7f\n");
	bytes_fini(&row);
}

static void
unknown_keys_are_skipped_and_the_last_of_two_counts(void **state)
{
	struct bytes hold = { 0 };
	struct status s;

	(void)state;
	assert_true(decode(&s, &hold, "later=\\q\npid=1\n=\nhttp=a\nhttp=b=c\npid=2\n"));
	assert_int_equal(s.pid, 2);
	assert_string_equal(s.http.p, "b=c");
	assert_null(s.tls.p);
	bytes_fini(&hold);
}

static void
what_is_no_status_is_refused_whole(void **state)
{
	static const char *const bad[] = {
		"", "\n", "pid", "pid=1", "pid=1\n\n", "pid=\n", "pid=-1\n",
		"pid=+1\n", "pid= 1\n", "pid=1x\n", "pid=9223372036854775808\n",
		"http=a\\\n", "http=a\\x4\n", "http=a\\x0A\n", "http=a\\x41\n",
		"http=a\\x00\n", "http=a\tb\n", "http=a\\n\n", "pid=1\nhttp",
	};
	struct bytes hold = { 0 };
	struct status s, none;

	(void)state;
	status_init(&none);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_false(decode(&s, &hold, bad[i]));
		assert_same_status(&s, &none);
	}
	assert_false(status_decode(&s, &hold, (struct slice){ "pid=1\n\0", 7 }));
	assert_false(status_decode(&s, &hold, (struct slice){ NULL, 0 }));
	assert_true(decode(&s, &hold, "pid=9223372036854775807\n"));
	assert_true(s.pid == INT64_MAX);
	bytes_fini(&hold);
}

static void
every_cut_is_whole_lines_or_refused(void **state)
{
	struct bytes row = { 0 }, hold = { 0 };
	struct status s;

	(void)state;
	status_encode(&row, &sample);
	for (size_t n = 0; n <= row.len; n++) {
		const char *p = guard_put(row.p, n);
		bool is_whole = n > 0 && row.p[n - 1] == '\n';

		assert_int_equal(status_decode(&s, &hold,
		    (struct slice){ p, n }), is_whole);
	}
	bytes_fini(&row);
	bytes_fini(&hold);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_is_read_back),
		cmocka_unit_test(what_is_missing_stays_missing),
		cmocka_unit_test(no_value_brings_a_line_of_its_own),
		cmocka_unit_test(unknown_keys_are_skipped_and_the_last_of_two_counts),
		cmocka_unit_test(what_is_no_status_is_refused_whole),
		cmocka_unit_test(every_cut_is_whole_lines_or_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
