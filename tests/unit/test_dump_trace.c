#include "tests/unit/join_scene.h"

#include "tests/unit/run_dump.h"
#include "tools/jsonwalk.h"
#include "tools/utf8.h"

static const char scene[] =
    "t trace_aa1 first\n" "s trace_aa1 s1 - agent 100 200 - Ann\n"
    "s trace_aa1 s2 s1 response 110 190 resp_1\n"
    "x 1 120 180 create 200 0 A resp_1\n"
    "t trace_aa2 second\n" "s trace_aa2 s1 - agent 1000 9000 - Bob\n"
    "e trace_aa2 s2 s1 response 1100 1900 -\n"
    "s trace_aa2 s3 s1 response 2000 2900 resp_2\n"
    "s trace_aa2 s4 s1 response 3000 3900 resp_3\n"
    "s trace_aa2 s5 gone function 4000 4100 - tool\n"
    "s trace_aa2 s6 s1 handoff 4200 4200 -\n"
    "s trace_aa2 s7 s1 guardrail 4300 4400 - Guy\n"
    "s trace_aa2 s8 s1 odd_type 4500 4600 - thing\n"
    "x 2 1200 1300 create 500 0 B -\n" "x 3 1400 1500 create 500 1 B -\n"
    "x 4 2100 2800 create 202 0 C resp_2\n" "x 5 2850 2860 poll 200 0 - resp_2\n"
    "x 6 5000 5100 create 200 0 D resp_7\n"
    /* nobody sent a trace of these */
    "x 7 20000 20100 create 200 0 E resp_8\n"
    "x 8 21000 21100 create 200 0 F resp_9 resp_8\n"
    "x 9 22000 22100 create 200 0 G resp_10\n";

static int
make_store(void **state)
{
	struct writer *w;
	const char *text = scene;
	struct line l;

	make_top(state);
	setenv("TZ", "UTC", 1);
	setenv("TRACETAPE_STORE", dir, 1);
	w = open_writer();
	while (next_line(&text, &l)) {
		if (l.w[0][0] == 'x')
			put_exchange_line(w, &l);
		else
			put_span_line(w, &l, 100);
	}
	return writer_close(w);
}

static void
must_print(const char *line, const char *out)
{
	const struct ran *r = sample_run(line);

	if (strcmp(r->out, out) != 0)
		fail_msg("%s:\n%s-- not\n%s%s", line, r->out, out, r->err);
	assert_int_equal(r->code, 0);
}

static void
the_list_has_recorded_and_inferred_traces_by_their_beginnings(void **state)
{
	must_print("traces",
"trace       workflow    start                     time  spans"
"  calls    in  cached   out  errors  group\n"
"trace_aa1   first       2026-11-21 10:00:00.100  100ms      2"
"      1     1       -     1       0  -\n"
"trace_aa2   second      2026-11-21 10:00:01.000  8.00s      8"
"      3     5       -     1       1  -\n"
"resp_8      (inferred)  2026-11-21 10:00:20.000  1.10s      -"
"      2    15       -     2       0  -\n");
}

static void
the_last_of_the_list_and_its_order_are_asked_for(void **state)
{
	const struct ran *r = sample_run("traces -n 2 --reverse");
	const char *two = strstr(r->out, "trace_aa2");
	const char *inferred = strstr(r->out, "resp_8");

	assert_null(strstr(r->out, "trace_aa1"));
	assert_true(inferred && two && inferred < two);
	assert_int_equal(sample_run("traces -n 0")->code, 0);
	assert_null(strstr(sample_run("traces -n 1")->out, "trace_"));
}

#define TREE_2 \
"second\n" \
"trace_aa2\n" \
"2026-11-21 10:00:01.000  8.00s  8 spans, 3 calls (1 failed attempt)  5 in, 1 out  1 error\n" \
"\n" \
"    +0us    8.00s  agent Bob\n" \
"  +100ms    800ms    response #3  m  500  joined by time  error: no\n" \
"  +200ms    100ms      attempt #2  m  500\n" \
"  +1.00s    900ms    response #4  m  5 in, 1 out  1 poll  resp_2\n" \
"  +2.00s    900ms    response  no exchange is recorded  resp_3\n" \
"  +3.20s      0us    handoff\n" \
"  +3.30s    100ms    guardrail Guy\n" \
"  +3.50s    100ms    odd_type thing\n" \
"                   spans whose parents have not come:\n" \
"  +3.00s    100ms    tool tool\n" \
"                   calls of the same client in this time that no span names:\n" \
"  +4.00s    100ms    call #6  m  6 in, 1 out  resp_7\n"

static void
the_tree_shows_what_is_joined_and_what_is_not(void **state)
{
	must_print("tree trace_aa2", TREE_2);
	must_print("tree @last~1", TREE_2);
	must_print("tree resp_2", TREE_2);
	must_print("tree 5", TREE_2);
	must_print("tree @last",
"inferred: nobody sent a trace of these calls\n"
"resp_8\n"
"2026-11-21 10:00:20.000  1.10s  2 calls  15 in, 2 out\n"
"\n"
"    +0us    100ms  call #7  m  7 in, 1 out  resp_8\n"
"  +1.00s    100ms  call #8  m  8 in, 1 out  resp_9\n");
}

static void
what_an_id_does_not_mean_is_said(void **state)
{
	static const struct { const char *line, *says; int code; } cases[] = {
		{ "tree trace_aa", "several traces begin so: trace_aa1, trace_aa2", 1 },
		{ "tree trace_aa3", "no such exchange", 1 },
		{ "tree @last~9", "so many traces are not in", 1 },
		{ "tree @last~x", "not an id", 2 },
		{ "tree @lst", "not an id", 2 },
		{ "tree", "tree takes one ID", 2 },
		{ "traces trace_aa1", "traces takes no ID", 2 },
		{ "traces -f", "does not go with", 2 },
		{ "tree trace_aa1 -o json", "does not go with", 2 },
		{ "tree 99", "no such exchange", 1 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct ran *r = sample_run(cases[i].line);

		if (r->code != cases[i].code || !strstr(r->err, cases[i].says))
			fail_msg("%s: %d %s", cases[i].line, r->code, r->err);
	}
}

static struct slice
member(struct slice line, const char *key)
{
	return jsonwalk_get(line, key);
}

static void
each_line_of_jsonl_is_an_object_with_every_key(void **state)
{
	static const char *const keys[] = { "id", "object", "created_at",
		"duration_ms", "first_5_agents", "group_id", "handoff_count",
		"tool_count", "workflow_name", "metadata", "inferred",
		"started_at", "started_ns", "ended_at", "spans", "exchanges",
		"calls", "attempts", "errors", "usage", "unmatched_spans",
		"unmatched_calls", "cut" };
	const struct ran *r = sample_run("traces -o jsonl");
	const char *p = r->out, *end;
	int n = 0;

	for (; (end = strchr(p, '\n')); p = end + 1, n++) {
		struct slice line = { p, (size_t)(end - p) };

		assert_true(json_valid(line));
		for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
			assert_non_null(member(line, keys[i]).p);
		if (n != 1)
			continue;
		assert_true(slice_eq(member(line, "first_5_agents"),
		    SLICE("[\"Bob\"]")));
		assert_true(slice_eq(member(line, "duration_ms"), SLICE("8000")));
		assert_true(slice_eq(member(line, "exchanges"), SLICE("4")));
		assert_true(slice_eq(member(line, "unmatched_spans"), SLICE("1")));
		assert_true(slice_eq(member(line, "unmatched_calls"), SLICE("1")));
		assert_true(slice_eq(member(line, "handoff_count"), SLICE("1")));
	}
	assert_int_equal(n, 3);
	r = sample_run("traces -o json");
	assert_true(json_valid((struct slice){ r->out, r->len }));
}

static void
an_exchange_tells_its_span(void **state)
{
	const struct ran *r = sample_run("-o jsonl 1");
	struct slice line = { r->out, r->len };

	assert_true(slice_eq(member(line, "trace_id"), SLICE("\"trace_aa1\"")));
	assert_true(slice_eq(member(line, "span_id"), SLICE("\"s2\"")));
	r = sample_run("-o jsonl 6");
	line.len = r->len;
	assert_true(slice_eq(member(line, "trace_id"), SLICE("null")));
	assert_true(slice_eq(member(line, "span_id"), SLICE("null")));
}

/* What a stranger may put where names stand: each line ends where ours ends. */
static int
make_hostile(void **state)
{
	static const char *const raw[] = {
		"{\"object\":\"trace\",\"id\":\"trace_\\u001b]0;x\\u0007\","
		"\"workflow_name\":\"a\\nb\\u202e\\u001b[31m\",\"group_id\":\"\\r\","
		"\"metadata\":{\n\"a\" :\n1}}",
		"{\"object\":\"trace.span\",\"id\":\"s\",\"trace_id\":"
		"\"trace_\\u001b]0;x\\u0007\",\"span_data\":{\"type\":\"\\u001b[2J\","
		"\"name\":\"line\\nfeed\\u0085\"},\"error\":{\"message\":\"\\u0000\\n\"}}",
		"{\"object\":\"trace.span\",\"id\":\"t\",\"trace_id\":"
		"\"trace_\\u001b]0;x\\u0007\",\"parent_id\":\"s\",\"span_data\":{"
		"\"type\":\"agent\",\"name\":\"\xff\xfe\"},\"error\":[1]}",
	};
	struct item_reader *reader = item_reader_new();
	struct ingest_item item;
	struct writer *w;

	make_top(state);
	setenv("TRACETAPE_STORE", dir, 1);
	w = open_writer();
	for (int i = 0; i < 3; i++) {
		item_read(reader, (struct slice){ raw[i], strlen(raw[i]) }, &item);
		assert_int_not_equal(item.kind, ITEM_ODD);
		assert_int_equal(writer_put_item(w, 1, &item), 0);
	}
	item_reader_free(reader);
	return writer_close(w);
}

static void
must_be_harmless(const struct ran *r, int lines)
{
	uint32_t cp;
	int n = 0;

	assert_int_equal(r->code, 0);
	for (size_t i = 0, used; i < r->len; i += used) {
		int len = utf8_next(r->out + i, r->len - i, &cp);

		assert_true(len > 0);
		used = (size_t)len;
		n += cp == '\n';
		if (cp != '\n' && utf8_is_hostile(cp))
			fail_msg("U+%04x in:\n%s", cp, r->out);
	}
	assert_int_equal(n, lines);
}

static void
recorded_names_do_no_harm(void **state)
{
	const struct ran *r;

	must_be_harmless(sample_run("tree @last"), 6);
	must_be_harmless(sample_run("traces"), 2);
	/* In JSON, text is data; but a line stays a line. */
	r = sample_run("traces -o jsonl");
	assert_ptr_equal(strchr(r->out, '\n'), r->out + r->len - 1);
	assert_true(json_valid((struct slice){ r->out, r->len }));
	assert_non_null(strstr(r->out, "\"metadata\":{\"a\":1}"));
}

static int
make_deep(void **state)
{
	struct writer *w;
	char line[200];
	const char *text;
	struct line l;

	make_top(state);
	setenv("TRACETAPE_STORE", dir, 1);
	w = open_writer();
	for (int i = 0; i < 500; i++) {
		snprintf(line, sizeof(line), "s trace_deep s%d s%d agent %d 900 - "
		    "agent_with_a_name_that_is_rather_long_%d\n", i, i - 1, i, i);
		text = line;
		next_line(&text, &l);
		if (i == 0)
			strcpy(l.w[3], "-");
		put_span_line(w, &l, 1);
	}
	return writer_close(w);
}

static void
a_deep_tree_fits_the_terminal(void **state)
{
	const struct ran *r = sample_run("tree @last");
	int lines = 0;

	for (const char *p = r->out, *end; (end = strchr(p, '\n')); p = end + 1) {
		/* INDENT_MAX and the longest name */
		assert_true((size_t)(end - p) < 19 + 40 + 60);
		lines++;
	}
	assert_int_equal(lines, 504);
}

#define WITH(setup, f) cmocka_unit_test_setup_teardown(f, setup, remove_top)

static void
a_store_without_traces_says_so(void **state)
{
	assert_int_equal(writer_close(open_writer()), 0);
	setenv("TRACETAPE_STORE", dir, 1);
	assert_int_equal(sample_run("traces")->code, 1);
	assert_non_null(strstr(sample_run("traces")->err, "no trace is recorded"));
	assert_int_equal(sample_run("tree @last")->code, 1);
	assert_string_equal(sample_run("traces -o json")->out, "[]\n");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		WITH(make_store,
		    the_list_has_recorded_and_inferred_traces_by_their_beginnings),
		WITH(make_store, the_last_of_the_list_and_its_order_are_asked_for),
		WITH(make_store, the_tree_shows_what_is_joined_and_what_is_not),
		WITH(make_store, what_an_id_does_not_mean_is_said),
		WITH(make_store, each_line_of_jsonl_is_an_object_with_every_key),
		WITH(make_store, an_exchange_tells_its_span),
		WITH(make_hostile, recorded_names_do_no_harm),
		WITH(make_deep, a_deep_tree_fits_the_terminal),
		STORE_TEST(a_store_without_traces_says_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
