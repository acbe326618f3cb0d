#include "store/ingest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "store/isotime.h"
#include "tests/unit/guard.h"

static void
put_text(struct bytes *b, const char *name, struct slice s)
{
	if (!s.p)
		return;
	bytes_printf(b, " %s=", name);
	bytes_put_slice(b, s);
}

static void
on_item(void *arg, const struct ingest_item *i)
{
	static const char *const kinds[] = { "trace", "span", "odd" };
	struct bytes *b = arg;

	bytes_puts(b, kinds[i->kind]);
	put_text(b, "id", i->id);
	if (i->kind == ITEM_TRACE)
		assert_true(slice_eq(i->trace_id, i->id));
	else
		put_text(b, "trace", i->trace_id);
	put_text(b, "parent", i->parent_id);
	put_text(b, "from", i->started_at);
	if (i->started_ns >= 0)
		bytes_printf(b, "(%" PRId64 ")", i->started_ns);
	put_text(b, "to", i->ended_at);
	if (i->ended_ns >= 0)
		bytes_printf(b, "(%" PRId64 ")", i->ended_ns);
	put_text(b, "type", i->type);
	put_text(b, "resp", i->response_id);
	bytes_putc(b, '\n');
}

/* Two pieces, cut at `cut`, then `step` bytes at a time. */
static struct ingest_counts
hear(struct bytes *b, struct slice body, size_t cut, size_t step)
{
	struct ingest *g = ingest_new(on_item, b);
	struct ingest_counts c;

	assert_non_null(g);
	bytes_clear(b);
	for (size_t i = 0; i < body.len; ) {
		size_t n = i < cut ? cut - i : step;

		if (n > body.len - i)
			n = body.len - i;
		ingest_feed(g, guard_put(body.p + i, n), n);
		i += n;
	}
	c = ingest_counts(g);
	ingest_free(g);
	bytes_putc(b, '\0');
	assert_false(b->failed);
	return c;
}

#define D(items) "{\"data\":[" items "]}"
#define TR(rest) "{\"object\":\"trace\"," rest "}"
#define SP(rest) "{\"object\":\"trace.span\"," rest "}"

static const struct {
	const char *body;
	const char *heard;
	int64_t traces, spans, odd;
} cases[] = {
	{ "", "", 0, 0, 0 },
	{ "{}", "", 0, 0, 0 },
	{ D(""), "", 0, 0, 0 },
	{ "[" TR("\"id\":\"t\"") "]", "", 0, 0, 0 },
	{ "null", "", 0, 0, 0 },
	{ "{\"data\":{\"data\":[" TR("\"id\":\"t\"") "]}}", "", 0, 0, 0 },
	{ "{\"data\":null,\"x\":[1,2],\"data\":[" TR("\"id\":\"t\"") "]}",
	    "trace id=t\n", 1, 0, 0 },
	{ "\xef\xbb\xbf { \"d\\u0061ta\" : [ " TR("\"id\":\"t\"") " , "
	    TR("\"id\":\"u\"") "\n] , \"more\" : \"]}\" } ",
	    "trace id=t\ntrace id=u\n", 2, 0, 0 },
	{ "{\"a\":\"\\\"data\\\":[\",\"b\":{\"c\":[\"]\"]},\"data\":["
	    TR("\"id\":\"t\"") "]}", "trace id=t\n", 1, 0, 0 },
	/* Two arrays: what came, came. */
	{ "{\"data\":[" TR("\"id\":\"t\"") "],\"data\":[" TR("\"id\":\"u\"") "]}",
	    "trace id=t\ntrace id=u\n", 2, 0, 0 },
	/* The real shapes: JavaScript's times, Python's. */
	{ D(TR("\"id\":\"trace_1\",\"workflow_name\":\"w\",\"group_id\":null,"
	    "\"metadata\":null")),
	    "trace id=trace_1\n", 1, 0, 0 },
	{ D(SP("\"id\":\"span_1\",\"trace_id\":\"trace_1\",\"parent_id\":null,"
	    "\"started_at\":\"2026-11-21T10:04:07.013Z\","
	    "\"ended_at\":\"2026-11-21T10:04:07.014Z\",\"span_data\":"
	    "{\"type\":\"response\",\"response_id\":\"resp_1\"},\"error\":null")),
	    "span id=span_1 trace=trace_1 "
	    "from=2026-11-21T10:04:07.013Z(1795255447013000000) "
	    "to=2026-11-21T10:04:07.014Z(1795255447014000000) "
	    "type=response resp=resp_1\n", 0, 1, 0 },
	{ D(SP("\"id\":\"s\",\"trace_id\":\"t\",\"parent_id\":\"p\","
	    "\"started_at\":\"2026-11-21T10:04:07.013456+00:00\","
	    "\"ended_at\":\"2026-11-21T10:04:08+00:00\",\"span_data\":"
	    "{\"type\":\"never seen before\",\"response_id\":null}")),
	    "span id=s trace=t parent=p "
	    "from=2026-11-21T10:04:07.013456+00:00(1795255447013456000) "
	    "to=2026-11-21T10:04:08+00:00(1795255448000000000) "
	    "type=never seen before\n", 0, 1, 0 },
	{ D(SP("\"id\":\"s\",\"trace_id\":\"t\",\"started_at\":\"soon\","
	    "\"ended_at\":17")), "span id=s trace=t from=soon\n", 0, 1, 0 },
	/* Odd ids are ids. */
	{ D(TR("\"id\":\"no-op\"") "," SP("\"id\":\"no-op\",\"trace_id\":\"no-op\"")),
	    "trace id=no-op\nspan id=no-op trace=no-op\n", 1, 1, 0 },
	{ D(TR("\"id\":\"M\\u00e1\\n\\u0001\\ud83d\\ude00\"")),
	    "trace id=M\xc3\xa1\n\x01\xf0\x9f\x98\x80\n", 1, 0, 0 },
	/* The last of several keys counts. */
	{ D(TR("\"id\":\"a\",\"id\":\"b\",\"object\":\"trace\"")),
	    "trace id=b\n", 1, 0, 0 },
	{ D(TR("\"id\":\"a\",\"id\":null")), "odd\n", 0, 0, 1 },
	{ D("{\"\\u0069d\":\"t\",\"\\u006fbject\":\"tr\\u0061ce\"}"),
	    "trace id=t\n", 1, 0, 0 },
	/* No usable id. */
	{ D(TR("\"id\":\"\"") "," TR("\"x\":0") "," TR("\"id\":7") ","
	    TR("\"id\":{\"id\":\"x\"}") "," TR("\"id\":[\"x\"]")),
	    "odd\nodd\nodd\nodd\nodd\n", 0, 0, 5 },
	{ D(SP("\"id\":\"s\"") "," SP("\"id\":\"s\",\"trace_id\":\"\"") ","
	    SP("\"trace_id\":\"t\"")),
	    "odd id=s\nodd id=s\nodd trace=t\n", 0, 0, 3 },
	{ D(TR("\"id\":\"\\ud800\"") "," TR("\"id\":\"\xff\"") ","
	    TR("\"id\":\"a\xef\xbf\xbd\"")), "odd\nodd\nodd\n", 0, 0, 3 },
	/* What is neither. */
	{ D("{\"object\":\"trace.event\",\"id\":\"e\"},{\"id\":\"x\"},1,\"a,b\","
	    "null,[[],{}],{},true"),
	    "odd id=e\nodd id=x\nodd\nodd\nodd\nodd\nodd\nodd\n", 0, 0, 8 },
	/* What is no JSON: the good ones around it stay. */
	{ D("{\"object\":\"trace\",\"id\":\"t\"]," TR("\"id\":\"u\"") ",tru,{\"a\"},"
	    TR("\"id\":\"v\"") "x," TR("\"id\":\"w\"")),
	    "odd\ntrace id=u\nodd\nodd\nodd\ntrace id=w\n", 2, 0, 4 },
	{ "{\"data\":[" TR("\"id\":\"t\"") "}," TR("\"id\":\"u\""),
	    "trace id=t\n", 1, 0, 0 },
	{ "{\"data\":[,," TR("\"id\":\"t\"") ",,]]", "trace id=t\n", 1, 0, 0 },
	{ "{data:[" TR("\"id\":\"t\"") "]}", "", 0, 0, 0 },
	{ "{\"data\"[" TR("\"id\":\"t\"") "]}", "", 0, 0, 0 },
	/* Cut: what came whole counts. */
	{ "{\"data\":[" TR("\"id\":\"t\"") "," TR("\"id\":\"u\""),
	    "trace id=t\n", 1, 0, 0 },
	{ "{\"data\":[" TR("\"id\":\"t\"") "," TR("\"id\":\"u\"") ",{\"obj",
	    "trace id=t\ntrace id=u\n", 2, 0, 0 },
	/* Behind the end of the object nothing counts. */
	{ D(TR("\"id\":\"t\"")) D(TR("\"id\":\"u\"")), "trace id=t\n", 1, 0, 0 },
};

static void
must_hear(unsigned i, struct bytes *b, size_t cut, size_t step)
{
	struct slice body = { cases[i].body, strlen(cases[i].body) };
	struct ingest_counts c = hear(b, body, cut, step);

	if (strcmp((char *)b->p, cases[i].heard) != 0)
		print_error("%s\ncut %zu: %s", cases[i].body, cut, (char *)b->p);
	assert_string_equal((char *)b->p, cases[i].heard);
	assert_int_equal(c.traces, cases[i].traces);
	assert_int_equal(c.spans, cases[i].spans);
	assert_int_equal(c.odd, cases[i].odd);
}

static void
items_are_the_same_however_the_body_is_cut(void **state)
{
	struct bytes b = { 0 };

	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t len = strlen(cases[i].body);

		for (size_t cut = 0; cut <= len; cut++)
			must_hear(i, &b, cut, len + 1);
		for (size_t step = 1; step < 8; step++)
			must_hear(i, &b, 0, step);
	}
	bytes_fini(&b);
}

/* Every prefix gives a beginning of what the whole gives. */
static void
a_body_that_is_cut_gives_what_came_whole(void **state)
{
	struct bytes b = { 0 };

	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		for (size_t n = 0; n < strlen(cases[i].body); n++) {
			hear(&b, (struct slice){ cases[i].body, n }, n, 1);
			assert_memory_equal(b.p, cases[i].heard, b.len - 1);
		}
	}
	bytes_fini(&b);
}

/* ---- sizes */

static struct bytes
body_with(const char *before, int fill, size_t n, const char *after)
{
	struct bytes b = { 0 };
	uint8_t *p;

	bytes_puts(&b, before);
	p = bytes_reserve(&b, n);
	assert_non_null(p);
	memset(p, fill, n);
	b.len += n;
	bytes_puts(&b, after);
	assert_false(b.failed);
	return b;
}

static void
count(void *arg, const struct ingest_item *i)
{
	size_t *largest = arg;

	if (i->raw.len > *largest)
		*largest = i->raw.len;
}

static struct ingest_counts
count_in(const struct bytes *body, size_t *largest)
{
	struct ingest *g = ingest_new(count, largest);
	struct ingest_counts c;

	*largest = 0;
	for (size_t i = 0; i < body->len; i += 16384)
		ingest_feed(g, body->p + i,
		    body->len - i < 16384 ? body->len - i : 16384);
	c = ingest_counts(g);
	ingest_free(g);
	return c;
}

static void
an_item_of_4_mib_counts_and_one_byte_more_is_skipped(void **state)
{
	static const char head[] = "{\"object\":\"trace\",\"id\":\"t\",\"x\":\"";
	size_t room = INGEST_ITEM_MAX - strlen(head) - 2, largest;

	for (size_t more = 0; more < 2; more++) {
		struct bytes b = body_with("{\"data\":[" TR("\"id\":\"a\"")
		    ",{\"object\":\"trace\",\"id\":\"t\",\"x\":\"", 'x', room + more,
		    "\"}," TR("\"id\":\"b\"") "]}");
		struct ingest_counts c = count_in(&b, &largest);

		assert_int_equal(c.traces, 3 - more);
		assert_int_equal(c.odd, more);
		if (more == 0)
			assert_int_equal(largest, INGEST_ITEM_MAX);
		bytes_fini(&b);
	}
}

static void
what_surrounds_the_items_may_have_any_size(void **state)
{
	size_t largest;
	struct bytes b = body_with("{\"x\":\"", 'x', INGEST_ITEM_MAX + 5, "\","
	    "\"data\":[" TR("\"id\":\"a\"") "]}");
	struct ingest_counts c = count_in(&b, &largest);

	assert_int_equal(c.traces, 1);
	bytes_fini(&b);
	b = body_with("{\"", 'k', 100000, "\":0,\"data\":[" TR("\"id\":\"a\"") "]}");
	assert_int_equal(count_in(&b, &largest).traces, 1);
	bytes_fini(&b);
}

static void
an_id_may_have_16_kib_and_an_open_item_any_depth(void **state)
{
	static const struct {
		const char *before, *after;
		size_t n;
		int fill;
		bool fits;
	} c[] = {
		{ "{\"data\":[{\"object\":\"trace\",\"id\":\"", "\"}]}",
		    ITEM_ID_MAX - 2, 'i', true },
		{ "{\"data\":[{\"object\":\"trace\",\"id\":\"", "\"}]}",
		    ITEM_ID_MAX - 1, 'i', false },
		{ "{\"data\":[{\"object\":\"trace\",\"id\":\"t\",\"x\":", "}]}",
		    100000, '[', false },
	};

	for (unsigned i = 0; i < sizeof(c) / sizeof(c[0]); i++) {
		struct bytes b = body_with(c[i].before, c[i].fill, c[i].n, c[i].after);
		size_t largest;
		struct ingest_counts got = count_in(&b, &largest);

		assert_int_equal(got.traces, c[i].fits);
		/* Brackets that never close are an element that never ends. */
		assert_int_equal(got.odd, !c[i].fits && c[i].fill != '[');
		bytes_fini(&b);
	}
}

/* 511 levels are below the item's own. */
static void
an_item_nested_deeper_than_json_scan_goes_is_odd(void **state)
{
	for (size_t depth = 511; depth <= 512; depth++) {
		struct bytes b = body_with("{\"data\":[{\"object\":\"trace\","
		    "\"id\":\"t\",\"x\":", '[', depth, ""), tail;
		size_t largest;

		tail = body_with("", ']', depth, "}," TR("\"id\":\"u\"") "]}");
		bytes_put_slice(&b, bytes_slice(&tail));
		assert_int_equal(count_in(&b, &largest).traces, 513 - depth);
		assert_int_equal(count_in(&b, &largest).odd, depth - 511);
		bytes_fini(&b);
		bytes_fini(&tail);
	}
}

static void
all_batches_together_hold_no_more_than_their_bound(void **state)
{
	enum { N = INGEST_HELD_MAX / INGEST_ITEM_MAX };
	struct ingest *g[N + 1];
	size_t largest = 0;
	struct bytes b = body_with("{\"data\":[{\"object\":\"trace\",\"id\":\"t\",\"x\":\"",
	    'x', INGEST_ITEM_MAX - 4096, "");

	for (unsigned i = 0; i <= N; i++) {
		g[i] = ingest_new(count, &largest);
		ingest_feed(g[i], b.p, b.len);
	}
	for (unsigned i = 0; i <= N; i++) {
		ingest_feed(g[i], "\"}]}", 4);
		assert_int_equal(ingest_counts(g[i]).traces, i < N);
		assert_int_equal(ingest_counts(g[i]).odd, i == N);
	}
	/* The room is there again. */
	for (unsigned i = 0; i <= N; i++)
		ingest_free(g[i]);
	g[0] = ingest_new(count, &largest);
	ingest_feed(g[0], b.p, b.len);
	ingest_feed(g[0], "\"}]}", 4);
	assert_int_equal(ingest_counts(g[0]).traces, 1);
	ingest_free(g[0]);
	bytes_fini(&b);
}

/* ---- times */

static const struct {
	const char *text;
	int64_t ns;
} times[] = {
	{ "1970-01-01T00:00:00Z", 0 },
	{ "1970-01-01T00:00:00.000000001Z", 1 },
	{ "1970-01-01T00:00:00.0000000019Z", 1 },
	{ "1970-01-01t01:00:00.5+01:00", 500000000 },
	{ "1969-12-31T23:30:00-00:30", 0 },
	{ "1969-12-31T23:59:59Z", -1 },
	{ "1969-12-30T23:59:59-23:59", -1 },
	{ "1970-01-01T00:00:00+00:01", -1 },
	{ "2000-02-29T00:00:00Z", INT64_C(951782400000000000) },
	{ "2000-03-01T00:00:00z", INT64_C(951868800000000000) },
	{ "1900-02-29T00:00:00Z", -1 },
	{ "2023-02-29T00:00:00Z", -1 },
	{ "2024-02-29T12:34:56Z", INT64_C(1709210096000000000) },
	{ "2100-02-29T00:00:00Z", -1 },
	{ "2100-03-01T00:00:00Z", INT64_C(4107542400000000000) },
	{ "2016-12-31T23:59:60Z", INT64_C(1483228800000000000) },
	{ "2262-04-11T23:47:16.854775807Z", INT64_MAX },
	{ "2262-04-11T23:47:16.854775808Z", -1 },
	{ "2263-01-01T00:00:00Z", -1 },
	{ "2026-11-21T10:04:07", -1 },
	{ "2026-11-21 10:04:07Z", -1 },
	{ "2026-11-21T10:04:07.Z", -1 },
	{ "2026-11-21T10:04Z", -1 },
	{ "2026-11-21T10:04:07+0000", -1 },
	{ "2026-11-21T10:04:07Z ", -1 },
	{ "2026-11-21T24:00:00Z", -1 },
	{ "2026-11-21T10:60:00Z", -1 },
	{ "2026-11-21T10:04:61Z", -1 },
	{ "2026-00-21T10:04:07Z", -1 },
	{ "2026-13-21T10:04:07Z", -1 },
	{ "2026-11-00T10:04:07Z", -1 },
	{ "2026-11-31T10:04:07Z", -1 },
	{ "2026-11-21T10:04:07+24:00", -1 },
	{ "+026-11-21T10:04:07Z", -1 },
	{ "1795255447", -1 },
	{ "", -1 },
};

static void
times_are_those_of_rfc_3339(void **state)
{
	for (unsigned i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		size_t n = strlen(times[i].text);
		struct slice s = { guard_put(times[i].text, n), n };

		if (isotime_ns(s) != times[i].ns)
			print_error("%s: %" PRId64 "\n", times[i].text, isotime_ns(s));
		assert_true(isotime_ns(s) == times[i].ns);
	}
	assert_true(isotime_ns((struct slice){ NULL, 0 }) == -1);
}

/* As the C library counts days. */
static void
every_day_is_where_gmtime_has_it(void **state)
{
	char text[40];

	for (int64_t day = 0; day < 106751; day++) {
		time_t t = (time_t)(day * 86400 + 3661);
		struct tm tm;

		assert_non_null(gmtime_r(&t, &tm));
		strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
		assert_true(isotime_ns((struct slice){ text, strlen(text) }) ==
		    (int64_t)t * 1000000000);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(items_are_the_same_however_the_body_is_cut),
		cmocka_unit_test(a_body_that_is_cut_gives_what_came_whole),
		cmocka_unit_test(an_item_of_4_mib_counts_and_one_byte_more_is_skipped),
		cmocka_unit_test(what_surrounds_the_items_may_have_any_size),
		cmocka_unit_test(an_id_may_have_16_kib_and_an_open_item_any_depth),
		cmocka_unit_test(an_item_nested_deeper_than_json_scan_goes_is_odd),
		cmocka_unit_test(all_batches_together_hold_no_more_than_their_bound),
		cmocka_unit_test(times_are_those_of_rfc_3339),
		cmocka_unit_test(every_day_is_where_gmtime_has_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
