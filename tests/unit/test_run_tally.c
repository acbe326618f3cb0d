#include "tests/unit/store_fixture.h"

#include "store/ingest_item.h"
#include "tools/run_tally.h"

#include "tools/running.h"

enum { MARK = 2 };

/* What is on the tape, in turn. */
struct row {
	const char *label;
	enum mode mode;
	enum endpoint endpoint;
	enum outcome outcome;
	int64_t status;
	const char *response_id;
	int64_t total, cached;
};

#define CREATE ENDPOINT_RESPONSES_CREATE
#define FETCH ENDPOINT_RESPONSES_GET
#define INGEST ENDPOINT_INGEST
#define DONE OUTCOME_COMPLETE

static const struct row rows[] = {
	{ "run-1", MODE_FORWARD, CREATE, DONE, 200, "resp_0", 1000000, 1 },
	{ NULL, MODE_REVERSE, CREATE, DONE, 500, NULL, -1, -1 },
	/* The run begins: MARK. */
	{ "run-1", MODE_FORWARD, CREATE, DONE, 200, "resp_1", 700, 500 },
	{ "run-2", MODE_FORWARD, CREATE, DONE, 200, "resp_2", 90, 80 },
	{ "run-1", MODE_FORWARD, FETCH, DONE, 200, "resp_1", 700, 500 },
	{ "run-1", MODE_FORWARD, CREATE, DONE, 200, "resp_3", -1, -1 },
	{ "run-1", MODE_FORWARD, FETCH, DONE, 200, "resp_3", 500, -1 },
	{ "run-1", MODE_FORWARD, CREATE, DONE, 429, NULL, -1, -1 },
	{ "run-1", MODE_FORWARD, CREATE, OUTCOME_CANCELLED, 200, NULL, -1, -1 },
	{ "run-1", MODE_FORWARD, CREATE, OUTCOME_UPSTREAM, -1, NULL, -1, -1 },
	{ "run-1", MODE_FORWARD, INGEST, DONE, 204, NULL, -1, -1 },
	{ "run-2", MODE_FORWARD, INGEST, DONE, 204, NULL, -1, -1 },
	{ "run-1", MODE_FORWARD, INGEST, DONE, 204, NULL, -1, -1 },
	{ NULL, MODE_REVERSE, CREATE, OUTCOME_IN_FLIGHT, -1, NULL, -1, -1 },
	{ NULL, MODE_FORWARD, CREATE, DONE, 200, NULL, 7, -1 },
};

enum { N_ROWS = sizeof(rows) / sizeof(rows[0]) };

static struct slice
text(const char *s)
{
	return (struct slice){ s, s ? strlen(s) : 0 };
}

/* A trace of its own for each batch; that of run-1 comes once more. */
static void
put_trace(struct writer *w, const struct exchange *x)
{
	struct ingest_item item = { .kind = ITEM_TRACE };
	char id[32], raw[64];

	snprintf(id, sizeof(id), "trace_%s", x->label.p);
	snprintf(raw, sizeof(raw), "{\"object\":\"trace\",\"id\":\"%s\"}", id);
	item.id = item.trace_id = text(id);
	item.raw = text(raw);
	item.started_ns = item.ended_ns = -1;
	MUST(writer_put_item(w, x->seq, &item) == 0);
}

static void
record(void *arg)
{
	struct exchange x;
	struct writer *w;

	(void)arg;
	MUST(writer_open(&w, dir, &plain, NULL) == 0);
	for (size_t i = 0; i < N_ROWS; i++) {
		const struct row *r = &rows[i];

		exchange_init(&x);
		x.seq = writer_next_seq(w);
		x.label = text(r->label);
		x.mode = r->mode;
		x.endpoint = r->endpoint;
		x.outcome = r->outcome;
		x.status = r->status;
		x.response_id = text(r->response_id);
		x.usage.total = r->total;
		x.usage.cached = r->cached;
		MUST(writer_put_exchange(w, &x) == 0);
		if (x.endpoint == INGEST)
			put_trace(w, &x);
	}
	MUST(writer_put_gap(w, writer_next_seq(w), 2, "test") == 0);
	writer_close(w);
}

static struct run_tally
tally(enum run_unlabelled unlabelled, const char *label)
{
	struct run_whose w = { MARK, label, unlabelled };
	struct run_tally t;

	assert_int_equal(run_tally_read(&t, dir, &w), 0);
	return t;
}

static void
what_has_our_label_is_ours(void **state)
{
	struct run_tally t;

	(void)state;
	elsewhere(record, NULL);
	t = tally(UNLABELLED_NONE, "run-1");
	assert_int_equal(t.seen, 9);
	assert_int_equal(t.calls, 7);
	assert_int_equal(t.failed, 2);
	assert_int_equal(t.failed_status, -1);
	assert_int_equal(t.batches, 2);
	assert_int_equal(t.traces, 1);
	assert_int_equal(t.tokens, 700 + 500);
	assert_int_equal(t.cached, 500);
	assert_int_equal(t.in_flight, 0);
	assert_int_equal(t.lost, 2);
}

static void
what_has_none_is_ours_as_far_as_it_is_told(void **state)
{
	(void)state;
	elsewhere(record, NULL);
	assert_int_equal(tally(UNLABELLED_NONE, "new").seen, 0);
	assert_int_equal(tally(UNLABELLED_NONE, "new").tokens, -1);
	assert_int_equal(tally(UNLABELLED_REVERSE, "new").seen, 1);
	assert_int_equal(tally(UNLABELLED_ALL, "new").seen, 2);
	assert_int_equal(tally(UNLABELLED_ALL, "new").tokens, 7);
}

static void
a_mark_is_the_last_number_there_is(void **state)
{
	struct run_tally t;

	(void)state;
	assert_int_equal(running_newest(dir), 0);
	t = tally(UNLABELLED_ALL, "x");
	assert_int_equal(t.seen, 0);
	elsewhere(record, NULL);
	assert_int_equal(running_newest(dir), N_ROWS);
}

static void
the_line_says_what_there_is_and_no_more(void **state)
{
	static const struct { struct run_tally t; const char *line; } cases[] = {
		{ { .calls = 1, .tokens = -1 }, "1 call" },
		{ { .calls = 6, .batches = 2, .traces = 1, .tokens = 12841,
		    .cached = 9216 },
		    "6 calls, 1 trace, 12 841 tokens (9 216 cached)" },
		{ { .calls = 1234567, .failed = 1000, .failed_status = 429,
		    .tokens = 1, .cached = 0 },
		    "1 234 567 calls (1 000 failed, HTTP 429), 1 token" },
		{ { .calls = 2, .failed = 1, .failed_status = -1, .tokens = -1,
		    .in_flight = 1 }, "2 calls (1 failed), 1 not ended yet" },
		{ { .batches = 1, .batches_failed = 1, .traces = 2, .tokens = -1 },
		    "0 calls, 2 traces (refused by the API)" },
		{ { .calls = 2, .tokens = -1, .lost = 1 },
		    "2 calls, 1 exchange is lost" },
	};
	struct bytes b = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		bytes_clear(&b);
		run_tally_put(&b, &cases[i].t);
		bytes_putc(&b, '\0');
		assert_string_equal((char *)b.p, cases[i].line);
	}
	bytes_fini(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		STORE_TEST(what_has_our_label_is_ours),
		STORE_TEST(what_has_none_is_ours_as_far_as_it_is_told),
		STORE_TEST(a_mark_is_the_last_number_there_is),
		cmocka_unit_test(the_line_says_what_there_is_and_no_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
