#include "tests/unit/recorder_fixture.h"

static int
begin(void **state)
{
	if (make_top(state))
		return -1;
	open_recorder(TIGHT);
	return 0;
}

static int
end(void **state)
{
	return remove_top(state);
}

static struct exchange
stored(struct reader *r)
{
	struct exchange x;

	assert_int_equal(reader_get(r, 1, &x), 0);
	return x;
}

static void
a_zeroed_tap_watches_nothing_and_harms_nobody(void **state)
{
	struct piece *p = piece_new();
	struct tap t = { 0 };
	int64_t us = -1;

	tap_mark(&t, &us);
	assert_int_equal(us, -1);
	assert_false(tap_is_recording(&t));
	tap_head(&t, SLICE("x"), true);
	tap_data(&t, SIDE_REQUEST_BODY, p, p->data, 100);
	tap_request_end(&t);
	tap_cut(&t);
	tap_end(&t, OUTCOME_COMPLETE, "why");
	assert_null(queue.first);
	assert_true(piece_is_mine(p));
	piece_drop(p);
	close_recorder();
}

static void
times_start_with_the_tap_and_are_marked_once(void **state)
{
	struct tap t;
	int64_t us = -1, first;

	tap_start(&t, "/");
	assert_int_equal(t.end.timing.connect, -1);
	assert_int_equal(t.end.timing.end, -1);
	tap_mark(&t, &us);
	first = us;
	assert_true(first >= 0 && first <= tap_now_us(&t));
	t.began_ns -= 5000000;		/* 5 ms later */
	tap_mark(&t, &us);
	assert_int_equal(us, first);
	assert_true(tap_now_us(&t) >= first + 5000);
	tap_finish(&t);
	assert_int_equal(t.began_ns, 0);
	assert_null(t.last);
	close_recorder();
}

static void
small_payloads_are_copied_and_large_ones_held_until_stored(void **state)
{
	struct piece *small = piece_new(), *large = piece_new();
	uint8_t buf[PIECE_BYTES];
	struct reader *r;
	struct tap t;
	size_t n;

	memset(small->data, 's', PIECE_BYTES);
	memset(large->data, 'l', PIECE_BYTES);
	tap_start(&t, "/");
	tap_data(&t, SIDE_RESPONSE_BODY, small, small->data, PIECE_BYTES / 2);
	assert_true(piece_is_mine(small));
	memset(small->data, '?', PIECE_BYTES);	/* its stream reads on */
	tap_data(&t, SIDE_RESPONSE_BODY, large, large->data, PIECE_BYTES / 2 + 1);
	assert_false(piece_is_mine(large));
	drain();
	assert_true(piece_is_mine(large));
	tap_finish(&t);
	close_recorder();
	piece_drop(small);
	piece_drop(large);
	assert_int_equal(reader_open(&r, dir), 0);
	assert_int_equal(reader_bytes(r, 1, SIDE_RESPONSE_BODY, 0, buf,
	    PIECE_BYTES / 2 + 1, &n), 0);
	for (size_t i = 0; i < PIECE_BYTES / 2; i++)
		assert_int_equal(buf[i], 's');
	assert_int_equal(buf[PIECE_BYTES / 2], 'l');
	reader_close(r);
}

static void
all_that_waits_is_counted_and_given_back(void **state)
{
	struct tap t;
	size_t bytes = 0;

	tap_start(&t, "/");
	assert_true(queue.bytes > TIGHT);
	bytes = queue.bytes;
	tap_body(&t, SIDE_REQUEST_BODY, 1, 0, 100);
	assert_true(queue.bytes >= bytes + 100);
	bytes = queue.bytes;
	/* A held piece costs all of its memory, not only what is used of it. */
	tap_body(&t, SIDE_REQUEST_BODY, 1, 100, PIECE_BYTES / 2 + 1);
	assert_true(queue.bytes >= bytes + PIECE_BYTES);
	assert_true(recorder_is_full(loop.recorder));
	recorder_push(loop.recorder, &queue);
	assert_null(queue.first);
	assert_int_equal(queue.bytes, 0);
	drain();
	assert_false(recorder_is_full(loop.recorder));
	tap_finish(&t);
	close_recorder();
}

static void
what_passed_is_counted_even_when_the_record_is_cut(void **state)
{
	struct tap t;
	struct reader *r;
	struct exchange x;

	tap_start(&t, "/");
	tap_body(&t, SIDE_REQUEST_BODY, 1, 0, 10);
	tap_cut(&t);
	tap_body(&t, SIDE_REQUEST_BODY, 1, 10, 10);
	tap_request_end(&t);
	tap_head(&t, SLICE("HTTP/1.1 100 Go\r\n\r\n"), false);
	tap_head(&t, SLICE("HTTP/1.1 200 OK\r\n\r\n"), true);
	tap_body(&t, SIDE_RESPONSE_BODY, 1, 0, 7);
	assert_int_equal(t.end.request.body_bytes, 20);
	assert_int_equal(t.end.response.body_bytes, 7);
	assert_int_equal(t.end.response.head_bytes, 38);
	tap_end(&t, OUTCOME_TIMEOUT, "waited too long");
	close_recorder();
	assert_int_equal(reader_open(&r, dir), 0);
	x = stored(r);
	assert_int_equal(x.outcome, OUTCOME_TIMEOUT);
	assert_true(slice_eq(x.reason, SLICE("waited too long")));
	assert_int_equal(x.request.body_bytes, 20);
	assert_int_equal(x.request.kept_bytes, 10);
	assert_int_equal(x.response.body_bytes, 7);
	assert_int_equal(x.response.kept_bytes, 0);
	assert_int_equal(x.status, 200);
	reader_close(r);
}

static void
no_response_head_is_not_an_empty_one(void **state)
{
	struct tap t;
	struct reader *r;
	struct exchange x;

	tap_start(&t, "/");
	tap_end(&t, OUTCOME_CANCELLED, NULL);
	close_recorder();
	assert_int_equal(reader_open(&r, dir), 0);
	x = stored(r);
	assert_int_equal(x.response.head_bytes, -1);
	assert_int_equal(x.status, -1);
	assert_null(x.reason.p);
	assert_true(x.timing.end >= 0);
	assert_int_equal(x.timing.request_end, -1);
	reader_close(r);
}

static void
a_reason_of_any_length_fits(void **state)
{
	char why[2 * TAPE_REASON_MAX];
	struct tap t;
	struct reader *r;

	memset(why, 'w', sizeof(why) - 1);
	why[sizeof(why) - 1] = '\0';
	tap_start(&t, "/");
	tap_end(&t, OUTCOME_UPSTREAM, why);
	close_recorder();
	assert_int_equal(reader_open(&r, dir), 0);
	assert_int_equal(stored(r).reason.len, TAPE_REASON_MAX - 1);
	reader_close(r);
}

static void
a_second_end_does_nothing(void **state)
{
	struct tap t;
	struct reader *r;

	tap_start(&t, "/");
	tap_end(&t, OUTCOME_CANCELLED, "first");
	tap_end(&t, OUTCOME_COMPLETE, "second");
	close_recorder();
	assert_int_equal(reader_open(&r, dir), 0);
	assert_int_equal(stored(r).outcome, OUTCOME_CANCELLED);
	reader_close(r);
}

#define T(f) cmocka_unit_test_setup_teardown(f, begin, end)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_zeroed_tap_watches_nothing_and_harms_nobody),
		T(times_start_with_the_tap_and_are_marked_once),
		T(small_payloads_are_copied_and_large_ones_held_until_stored),
		T(all_that_waits_is_counted_and_given_back),
		T(what_passed_is_counted_even_when_the_record_is_cut),
		T(no_response_head_is_not_an_empty_one),
		T(a_reason_of_any_length_fits),
		T(a_second_end_does_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
