/* When bodies are squeezed, and that what waits for it is bounded; with a recorder, what
 * comes of it. */
#include "proxy/press.h"
#include "store/elements.h"
#include "store/writer.h"
#include "tests/unit/recorder_fixture.h"

enum { MEGA = 1 << 20, LEN = 300000 };

static const int64_t SECOND = 1000000000;

static void
there_is_time_while_few_exchanges_come(void **state)
{
	static const struct {
		unsigned n;		/* in each second */
		bool has;		/* in the next one */
	} cases[] = { { 0, true }, { 1, true }, { 200, true }, { 201, false },
	    { 10000, false }, { 10, false }, { 10, true } };
	int64_t now = 50 * SECOND;
	struct press p;

	(void)state;
	press_init(&p, MEGA);
	assert_true(press_has_time(&p, now));
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		for (unsigned n = 0; n < cases[i].n; n++)
			press_count(&p, now);
		assert_int_equal(press_has_time(&p, now), cases[i].has);
		now += SECOND;
	}
	press_fini(&p);
}

static void
it_takes_no_more_than_its_share(void **state)
{
	int64_t now = 50 * SECOND, spent = 0;
	struct press p;

	(void)state;
	press_init(&p, MEGA);
	for (; now < 150 * SECOND; now += SECOND / 100)
		if (press_has_time(&p, now)) {
			press_spend(&p, SECOND / 50);
			spent += SECOND / 50;
		}
	/* A fifth, and what was saved up at first. */
	assert_in_range(spent, 19 * SECOND, 22 * SECOND);
	press_fini(&p);
}

static void
little_memory_holds_little(void **state)
{
	struct press p;

	(void)state;
	press_init(&p, 0);
	assert_int_equal(p.hold, 0);
	press_init(&p, MEGA);
	assert_int_equal(p.hold, MEGA / 4);
	press_init(&p, 64 * MEGA);
	assert_int_equal(p.hold, PRESS_HOLD_MAX);
	assert_false(press_is_waiting(&p));
	press_fini(&p);
}

static void
what_waits_is_bounded_and_its_elements_are_taken(void **state)
{
	struct press p;

	(void)state;
	press_init(&p, MEGA);
	for (uint64_t seq = 1; seq < 3 * PRESS_LATE_MAX; seq++) {
		struct elements e;

		elements_init(&e);
		elements_feed(&e, "{\"input\":[1,2]}", 15);
		press_later(&p, seq, &e);
		assert_null(e.each);
	}
	assert_int_equal(p.n, PRESS_LATE_MAX);
	assert_true(press_is_waiting(&p));
	press_fini(&p);
}

/* Bodies of text that repeats nothing, in a conversation. */
static char *
make_history(void)
{
	static const char begin[] = "{\"model\":\"m\",\"input\":[";
	char *p = malloc(LEN);
	uint64_t x = 1;

	assert_non_null(p);
	for (size_t i = 0; i < LEN; i++) {
		x = x * 6364136223846793005u + 1442695040888963407u;
		p[i] = i % 1000 == 999 ? ',' : i % 1000 == 0 ? '"' :
		    i % 1000 == 998 ? '"' : "etaoin shrdlucmf"[x >> 60];
	}
	memcpy(p, begin, sizeof(begin) - 1);
	p[sizeof(begin) - 1] = '"';
	return p;
}

static void
tap_text(struct tap *t, enum side side, const char *p, size_t n)
{
	while (n > 0) {
		struct piece *piece = piece_new();
		const size_t len = n < PIECE_BYTES ? n : PIECE_BYTES;

		memcpy(piece->data, p, len);
		piece->len = (uint32_t)len;
		tap_data(t, side, piece, piece->data, len);
		piece_drop(piece);
		p += len;
		n -= len;
	}
}

static void
start_recorder(int64_t parents_bytes)
{
	const struct recorder_options o = { .commit_ms = 20, .max_bytes = 16 * MEGA,
	    .parents_bytes = parents_bytes };
	const struct writer_options wo = { 0, DURABILITY_LAZY, (size_t)parents_bytes };
	struct writer *w;

	assert_int_equal(writer_open(&w, dir, &wo, NULL), 0);
	tap_queue_init(&queue);
	memset(&loop, 0, sizeof(loop));
	loop.taps = &queue;
	loop.recorder = recorder_start(w, &o);
	assert_non_null(loop.recorder);
}

/* Turn n: n tenths of the history, and an answer that is a tenth of it. */
static void
tap_turn(const char *history, unsigned n)
{
	struct tap t;

	tap_start(&t, "/v1/responses");
	tap_text(&t, SIDE_REQUEST_BODY, history, LEN / 10 * n);
	tap_request_end(&t);
	tap_head(&t, SLICE("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n"), true);
	tap_text(&t, SIDE_RESPONSE_BODY, history + LEN / 10 * (n - 1), LEN / 10);
	t.end.has_clean_response = true;
	tap_end(&t, OUTCOME_COMPLETE, NULL);
	recorder_push(loop.recorder, &queue);
}

static void
assert_is(struct reader *r, uint64_t seq, enum side side, const char *p, size_t n)
{
	char *buf = malloc(n + 1);
	size_t got;

	assert_non_null(buf);
	assert_int_equal(reader_bytes(r, seq, side, 0, buf, n + 1, &got), 0);
	assert_int_equal(got, n);
	assert_memory_equal(buf, p, n);
	free(buf);
}

static void
assert_turns(const char *history, bool are_deltas)
{
	struct reader *r;
	struct exchange x;

	assert_int_equal(reader_open(&r, dir), 0);
	for (unsigned n = 1; n <= 10; n++) {
		assert_int_equal(reader_get(r, n, &x), 0);
		assert_true(x.request.has_sha256);
		assert_int_equal(x.request.kept_bytes, LEN / 10 * n);
		assert_is(r, n, SIDE_REQUEST_BODY, history, LEN / 10 * n);
		assert_is(r, n, SIDE_RESPONSE_BODY, history + LEN / 10 * (n - 1),
		    LEN / 10);
		/* The second is half new: a key frame is not twice as long. */
		if (are_deltas)
			assert_int_equal(x.request.prefix, n > 2 ? (int)n - 1 : -1);
	}
	reader_close(r);
}

static void
a_conversation_is_squeezed_as_it_goes(void **state)
{
	char *history = make_history();

	(void)state;
	start_recorder(8 * MEGA);
	for (unsigned n = 1; n <= 10; n++)
		tap_turn(history, n);
	recorder_stop(loop.recorder);
	assert_turns(history, true);
	free(history);
}

static void
without_memory_for_parents_all_is_as_right(void **state)
{
	char *history = make_history();

	(void)state;
	start_recorder(0);
	for (unsigned n = 1; n <= 10; n++)
		tap_turn(history, n);
	recorder_stop(loop.recorder);
	assert_turns(history, false);
	free(history);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(there_is_time_while_few_exchanges_come),
		cmocka_unit_test(it_takes_no_more_than_its_share),
		cmocka_unit_test(little_memory_holds_little),
		cmocka_unit_test(what_waits_is_bounded_and_its_elements_are_taken),
		STORE_TEST(a_conversation_is_squeezed_as_it_goes),
		STORE_TEST(without_memory_for_parents_all_is_as_right),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
