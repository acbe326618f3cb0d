#include "tests/unit/recorder_fixture.h"

#include <signal.h>
#include <sys/resource.h>

#include "store/sha256.h"

static struct reader *r;

/* No file may be written past its first pages: to LMDB the disk is full. */
static void
fill_disk(bool is_full)
{
	struct rlimit l;

	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &l), 0);
	l.rlim_cur = is_full ? 8192 : l.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &l), 0);
}

/* What is logged meanwhile goes here. */
static int log_kept = -1, log_pipe[2];

static void
keep_log(void)
{
	assert_int_equal(pipe2(log_pipe, O_CLOEXEC | O_NONBLOCK), 0);
	log_kept = dup(STDERR_FILENO);
	assert_true(log_kept >= 0);
	assert_true(dup2(log_pipe[1], STDERR_FILENO) >= 0);
}

static const char *
kept_log(void)
{
	static char text[8192];
	ssize_t n;

	dup2(log_kept, STDERR_FILENO);
	close(log_kept);
	n = read(log_pipe[0], text, sizeof(text) - 1);
	close(log_pipe[0]);
	close(log_pipe[1]);
	text[n > 0 ? n : 0] = '\0';
	return text;
}

static void
open_again(void)
{
	assert_int_equal(reader_open(&r, dir), 0);
}

/* The row of seq, which must be there. */
static struct exchange
row(uint64_t seq)
{
	struct exchange x;

	if (reader_get(r, seq, &x) != 0)
		fail_msg("there is no row %d", (int)seq);
	assert_int_equal(x.seq, seq);
	return x;
}

static bool
is_in_gap(uint64_t seq)
{
	uint64_t at = 0, first, n;
	struct slice why;

	while (reader_next_gap(r, at, &first, &n, &why) == 0) {
		assert_true(why.len > 0);
		if (seq >= first && seq - first < n)
			return true;
		at = first;
	}
	return false;
}

/* Every number up to last is a row or lies in a gap, and nothing is above. */
static void
assert_no_holes(uint64_t last)
{
	struct exchange x;

	for (uint64_t seq = 1; seq <= last; seq++)
		if (reader_get(r, seq, &x) != 0 && !is_in_gap(seq))
			fail_msg("%d is neither a row nor lost", (int)seq);
	assert_int_equal(reader_next(r, last, &x), READER_NONE);
	assert_false(is_in_gap(last + 1));
}

static void
assert_body(uint64_t seq, enum side side, uint64_t which, size_t len)
{
	static uint8_t buf[512 * 1024];
	size_t n;

	assert_int_equal(reader_bytes(r, seq, side, 0, buf, sizeof(buf), &n), 0);
	assert_int_equal(n, len);
	for (size_t i = 0; i < n; i++)
		if (buf[i] != body_byte(which, i))
			fail_msg("byte %zu of exchange %d", i, (int)seq);
}

/* The bytes that the times of a side speak of. */
static uint64_t
timed_bytes(uint64_t seq, enum side times)
{
	static uint8_t buf[64 * 1024];
	struct cursor c = { buf, 0, false };
	uint64_t sum = 0;

	assert_int_equal(reader_bytes(r, seq, times, 0, buf, sizeof(buf), &c.len),
	    0);
	while (c.len > 0) {
		sum += cursor_varint(&c);
		(void)cursor_varint(&c);
		assert_false(c.failed);
	}
	return sum;
}

static void
assert_text(uint64_t seq, enum side side, const char *want)
{
	char buf[4096];
	size_t n;

	assert_int_equal(reader_bytes(r, seq, side, 0, buf, sizeof(buf) - 1, &n),
	    0);
	buf[n] = '\0';
	if (!strstr(buf, want))
		fail_msg("'%s' is not in: %s", want, buf);
	assert_null(strstr(buf, "sk-secret"));
}

static void
what_was_tapped_is_what_is_read(void **state)
{
	static const size_t lens[] = { 0, 1, 8192, 8193, 16384, 100000, 400000 };
	enum { N = sizeof(lens) / sizeof(*lens) };
	struct exchange x;
	struct tap t;

	open_recorder(TIGHT);
	for (size_t i = 0; i < N; i++) {
		tap_start(&t, "/v1/x");
		assert_true(tap_is_recording(&t));
		tap_body(&t, SIDE_REQUEST_BODY, i, 0, lens[N - 1 - i]);
		tap_request_end(&t);
		tap_head(&t,
		    SLICE("HTTP/1.1 100 Continue\r\n\r\n"), false);
		tap_body(&t, SIDE_RESPONSE_BODY, i + 50, 0, lens[i]);
		tap_trailer(&t, SIDE_RESPONSE_TRAILER, SLICE("X-T: 1\r\n"));
		tap_finish(&t);
		assert_false(tap_is_recording(&t));
		drain();
	}
	close_recorder();
	open_again();
	for (size_t i = 0; i < N; i++) {
		x = row(i + 1);
		assert_int_equal(x.outcome, OUTCOME_COMPLETE);
		assert_int_equal(x.status, 200);
		assert_int_equal(x.request.body_bytes, lens[N - 1 - i]);
		assert_int_equal(x.response.body_bytes, lens[i]);
		assert_int_equal(x.response.kept_bytes, lens[i]);
		assert_true(x.request.has_sha256 && x.response.has_sha256);
		assert_true(x.timing.end >= x.timing.request_end);
		assert_body(i + 1, SIDE_REQUEST_BODY, i, lens[N - 1 - i]);
		assert_body(i + 1, SIDE_RESPONSE_BODY, i + 50, lens[i]);
		assert_int_equal(timed_bytes(i + 1, SIDE_RESPONSE_TIMES), lens[i]);
		assert_text(i + 1, SIDE_REQUEST_HEAD, "POST /v1/x HTTP/1.1\r\n");
		assert_text(i + 1, SIDE_RESPONSE_HEAD, "HTTP/1.1 100 Continue\r\n\r\n"
		    "HTTP/1.1 200 OK\r\n");
		assert_text(i + 1, SIDE_RESPONSE_TRAILER, "X-T: 1\r\n");
	}
	assert_no_holes(N);
	reader_close(r);
}

static void
the_proof_is_the_sum_of_what_passed(void **state)
{
	uint8_t want[32];
	struct sha256 sha;
	struct exchange x;
	struct tap t;

	open_recorder(TIGHT);
	tap_start(&t, "/");
	tap_body(&t, SIDE_RESPONSE_BODY, 9, 0, 50000);
	tap_finish(&t);
	close_recorder();
	sha256_init(&sha);
	for (size_t i = 0; i < 50000; i++) {
		uint8_t b = body_byte(9, i);

		sha256_add(&sha, &b, 1);
	}
	sha256_end(&sha, want);
	open_again();
	x = row(1);
	assert_memory_equal(x.response.sha256, want, 32);
	reader_close(r);
}

/* A process that looks into the store when told to; forked before the store opens,
 * because one process may not open it twice. */
struct onlooker {
	pid_t pid;
	int go;
};

static struct onlooker
onlooker_new(void (*look)(void))
{
	int go[2];
	pid_t pid;

	assert_int_equal(pipe(go), 0);
	fflush(NULL);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		char c;

		close(go[1]);
		if (read(go[0], &c, 1) == 1)
			look();
		_exit(0);
	}
	close(go[0]);
	return (struct onlooker){ pid, go[1] };
}

static void
onlooker_look(struct onlooker o)
{
	assert_int_equal(write(o.go, "", 1), 1);
	close(o.go);
	finish(o.pid);
}

static void
see_half_of_it(void)
{
	struct reader *live = must_open_reader();
	struct exchange x;

	MUST(reader_get(live, 1, &x) == 0);
	MUST(x.outcome == OUTCOME_IN_FLIGHT);
	MUST(!x.response.has_sha256);
	MUST(x.response.kept_bytes == 40000);
	MUST(slice_eq(x.path, SLICE("/live")));
	must_have_body(live, 1, SIDE_RESPONSE_BODY, 40000);
	reader_close(live);
}

static void
what_is_in_flight_can_be_watched_and_ends_in_its_place(void **state)
{
	struct onlooker o = onlooker_new(see_half_of_it);
	struct tap t;

	open_recorder(TIGHT);
	tap_start(&t, "/live");
	tap_head(&t, SLICE("HTTP/1.1 200 OK\r\n\r\n"), true);
	tap_body(&t, SIDE_RESPONSE_BODY, 1, 0, 40000);
	drain();
	onlooker_look(o);
	tap_body(&t, SIDE_RESPONSE_BODY, 1, 40000, 5000);
	tap_end(&t, OUTCOME_CANCELLED, "the client left");
	drain();
	close_recorder();
	open_again();
	assert_int_equal(row(1).outcome, OUTCOME_CANCELLED);
	assert_body(1, SIDE_RESPONSE_BODY, 1, 45000);
	assert_int_equal(timed_bytes(1, SIDE_RESPONSE_TIMES), 45000);
	assert_no_holes(1);
	reader_close(r);
}

static void
must_come_to_see_it(void *arg)
{
	struct reader *live = must_open_reader();
	const int64_t until = loop_now_ns() + DRAIN_MS * INT64_C(1000000);
	struct exchange x;
	int rc;

	while ((rc = reader_get(live, 1, &x)) != 0 && loop_now_ns() < until)
		poll(NULL, 0, 1);
	MUST(rc == 0 && x.outcome == OUTCOME_IN_FLIGHT);
	must_have_body(live, 1, SIDE_REQUEST_BODY, 500);
	reader_close(live);
}

/* With room for it in memory, it does not get its row with the first commit. */
static void
what_has_just_begun_gets_its_row_when_it_is_older(void **state)
{
	struct tap t;

	open_recorder(1 << 30);
	tap_start(&t, "/young");
	tap_body(&t, SIDE_REQUEST_BODY, 1, 0, 500);
	recorder_push(loop.recorder, &queue);
	elsewhere(must_come_to_see_it, NULL);
	tap_body(&t, SIDE_REQUEST_BODY, 1, 500, 500);
	tap_end(&t, OUTCOME_COMPLETE, NULL);
	close_recorder();
	open_again();
	assert_int_equal(row(1).outcome, OUTCOME_COMPLETE);
	assert_body(1, SIDE_REQUEST_BODY, 1, 1000);
	assert_int_equal(timed_bytes(1, SIDE_REQUEST_TIMES), 1000);
	assert_no_holes(1);
	reader_close(r);
}

static void
what_still_runs_at_the_stop_is_in_flight_for_the_next_writer(void **state)
{
	struct writer *w;
	uint64_t interrupted;
	struct tap t;

	open_recorder(TIGHT);
	tap_start(&t, "/");
	tap_body(&t, SIDE_REQUEST_BODY, 1, 0, 100);
	close_recorder();
	/* Its loop would have ended it; nothing else frees this. */
	free(t.last);
	assert_int_equal(writer_open(&w, dir, &plain, &interrupted), 0);
	assert_int_equal(interrupted, 1);
	assert_int_equal(writer_close(w), 0);
	open_again();
	assert_int_equal(row(1).outcome, OUTCOME_INTERRUPTED);
	assert_body(1, SIDE_REQUEST_BODY, 1, 100);
	reader_close(r);
}

static void
numbers_are_given_in_the_order_of_the_requests(void **state)
{
	enum { N = 5000 };	/* more than a batch may end */
	static struct tap t[N];

	open_recorder(INT64_C(1) << 30);
	for (int i = 0; i < N; i++) {
		char path[32];

		snprintf(path, sizeof(path), "/%d", i + 1);
		tap_start(&t[i], path);
	}
	for (int i = N; i-- > 0;)
		tap_finish(&t[i]);
	close_recorder();
	open_again();
	for (int i = 0; i < N; i++) {
		struct exchange x = row((uint64_t)i + 1);

		assert_int_equal(strtol(x.path.p + 1, NULL, 10), i + 1);
		assert_int_equal(x.outcome, OUTCOME_COMPLETE);
	}
	assert_no_holes(N);
	reader_close(r);
}

static void
the_bound_is_told_and_the_queue_takes_no_more_at_twice_of_it(void **state)
{
	struct tap t;

	open_recorder(100000);
	assert_false(recorder_is_full(loop.recorder));
	recorder_count(loop.recorder, 99999);
	assert_false(recorder_is_full(loop.recorder));
	recorder_count(loop.recorder, 1);
	assert_true(recorder_is_full(loop.recorder));
	assert_true(recorder_may_begin(loop.recorder));
	recorder_count(loop.recorder, 100000);
	assert_false(recorder_may_begin(loop.recorder));
	/* Taps of what is not recorded do nothing, and cannot fail. */
	for (int i = 0; i < 3; i++) {
		tap_start(&t, "/lost");
		assert_false(tap_is_recording(&t));
		tap_body(&t, SIDE_REQUEST_BODY, 1, 0, 20000);
		tap_request_end(&t);
		tap_cut(&t);
		tap_finish(&t);
	}
	assert_null(queue.first);
	keep_log();
	close_recorder();
	assert_non_null(strstr(kept_log(), "3 exchanges were not recorded"));
	open_again();
	for (uint64_t seq = 1; seq <= 3; seq++)
		assert_true(is_in_gap(seq));
	assert_no_holes(3);
	reader_close(r);
}

static void
the_watcher_hears_once_when_the_queue_is_short_again(void **state)
{
	char buf[8];

	open_recorder(TIGHT);
	assert_int_equal(read(watched[0], buf, sizeof(buf)), -1);
	for (int i = 0; i < 3; i++) {
		tap_whole("/");
		assert_true(recorder_is_full(loop.recorder));
		drain();
		assert_false(recorder_is_full(loop.recorder));
	}
	assert_int_equal(read(watched[0], buf, sizeof(buf)), -1);
	close_recorder();
}

static void
a_queue_that_was_never_full_tells_nobody(void **state)
{
	char buf[8];

	open_recorder(1 << 30);
	for (int i = 0; i < 100; i++)
		tap_whole("/");
	recorder_push(loop.recorder, &queue);
	recorder_stop(loop.recorder);
	assert_int_equal(read(watched[0], buf, sizeof(buf)), -1);
	close(watched[0]);
	close(watched[1]);
}

static void
a_cut_record_says_what_passed_and_keeps_what_came_before(void **state)
{
	struct exchange x;
	struct tap t;

	open_recorder(TIGHT);
	tap_start(&t, "/");
	tap_body(&t, SIDE_RESPONSE_BODY, 3, 0, 20000);
	tap_cut(&t);
	assert_false(tap_is_recording(&t));
	tap_body(&t, SIDE_RESPONSE_BODY, 3, 20000, 30000);
	tap_finish(&t);
	close_recorder();
	open_again();
	x = row(1);
	assert_int_equal(x.outcome, OUTCOME_COMPLETE);
	assert_int_equal(x.response.body_bytes, 50000);
	assert_int_equal(x.response.kept_bytes, 20000);
	assert_false(x.response.has_sha256);
	assert_body(1, SIDE_RESPONSE_BODY, 3, 20000);
	assert_int_equal(timed_bytes(1, SIDE_RESPONSE_TIMES), 20000);
	reader_close(r);
}

static int
count(const char *text, const char *word)
{
	int n = 0;

	for (; (text = strstr(text, word)); text++)
		n++;
	return n;
}

static void
what_a_full_disk_loses_is_a_gap_and_then_recording_goes_on(void **state)
{
	const char *log;

	open_recorder(TIGHT);
	tap_whole("/1");
	drain();
	keep_log();
	fill_disk(true);
	for (int i = 0; i < 3; i++) {
		tap_whole("/lost");
		drain();
	}
	fill_disk(false);
	tap_whole("/5");
	drain();
	tap_whole("/6");
	drain();
	log = kept_log();
	close_recorder();
	assert_int_equal(count(log, "recording fails, traffic goes on: "), 1);
	assert_int_equal(count(log, "recording goes on; 3 exchanges are lost"), 1);
	open_again();
	assert_true(slice_eq(row(1).path, SLICE("/1")));
	for (uint64_t seq = 2; seq <= 4; seq++)
		assert_true(is_in_gap(seq));
	assert_true(slice_eq(row(5).path, SLICE("/5")));
	assert_true(slice_eq(row(6).path, SLICE("/6")));
	assert_false(is_in_gap(5));
	assert_no_holes(6);
	reader_close(r);
}

static void
what_ran_while_the_disk_was_full_is_cut_and_marked(void **state)
{
	struct exchange x;
	struct tap whole, begun;

	open_recorder(TIGHT);
	tap_start(&whole, "/1");
	tap_body(&whole, SIDE_RESPONSE_BODY, 1, 0, 50000);
	drain();
	keep_log();
	fill_disk(true);
	tap_start(&begun, "/2");
	drain();
	tap_body(&whole, SIDE_RESPONSE_BODY, 1, 50000, 50000);
	tap_body(&begun, SIDE_RESPONSE_BODY, 2, 0, 50000);
	drain();
	fill_disk(false);
	tap_body(&whole, SIDE_RESPONSE_BODY, 1, 100000, 50000);
	tap_finish(&whole);
	tap_body(&begun, SIDE_RESPONSE_BODY, 2, 50000, 50000);
	tap_finish(&begun);
	drain();
	close_recorder();
	(void)kept_log();
	open_again();
	x = row(1);
	assert_int_equal(x.outcome, OUTCOME_COMPLETE);
	assert_int_equal(x.response.body_bytes, 150000);
	assert_int_equal(x.response.kept_bytes, 50000);
	assert_false(x.response.has_sha256);
	assert_body(1, SIDE_RESPONSE_BODY, 1, 50000);
	x = row(2);
	assert_int_equal(x.response.body_bytes, 100000);
	assert_int_equal(x.response.kept_bytes, 0);
	assert_false(x.response.has_sha256);
	assert_body(2, SIDE_RESPONSE_BODY, 2, 0);
	assert_no_holes(2);
	reader_close(r);
}

/* Times of bytes that are not there would send a replay astray. */
static void
a_cut_body_has_times_for_what_is_kept_and_no_more(void **state)
{
	struct tap t;

	/* What does not fill a part is not put before the disk is back: kept. */
	for (size_t lost = 100; lost <= 100000; lost *= 10) {
		struct exchange x;

		open_recorder(TIGHT);
		tap_start(&t, "/");
		tap_body(&t, SIDE_RESPONSE_BODY, 1, 0, 50000);
		drain();
		keep_log();
		fill_disk(true);
		tap_body(&t, SIDE_RESPONSE_BODY, 1, 50000, lost);
		drain();
		fill_disk(false);
		tap_body(&t, SIDE_RESPONSE_BODY, 1, 50000 + lost, 3000);
		tap_finish(&t);
		close_recorder();
		(void)kept_log();
		open_again();
		x = row(1);
		assert_int_equal(x.response.body_bytes, 53000 + lost);
		assert_int_equal(x.response.kept_bytes,
		    lost < 20000 ? 53000 + lost : 50000);
		assert_body(1, SIDE_RESPONSE_BODY, 1,
		    (size_t)x.response.kept_bytes);
		assert_int_equal(timed_bytes(1, SIDE_RESPONSE_TIMES),
		    x.response.kept_bytes);
		reader_close(r);
		assert_int_equal(remove_top(state), 0);
		assert_int_equal(make_top(state), 0);
	}
}

/* The map of the store is full in the middle of a batch: a put fails, not a
 * commit. */
static void
a_body_too_large_for_the_store_is_cut_and_others_go_on(void **state)
{
	const struct writer_options small = { 512 * 1024, DURABILITY_LAZY, 0 };
	struct writer *w;
	struct exchange x;
	struct tap t;

	assert_int_equal(writer_open(&w, dir, &small, NULL), 0);
	open_recorder_on(w, TIGHT);
	tap_start(&t, "/1");
	tap_body(&t, SIDE_RESPONSE_BODY, 1, 0, 50000);
	drain();
	keep_log();
	tap_body(&t, SIDE_RESPONSE_BODY, 1, 50000, 1 << 20);
	drain();
	tap_body(&t, SIDE_RESPONSE_BODY, 1, 50000 + (1 << 20), 1000);
	tap_finish(&t);
	drain();
	tap_whole("/2");
	drain();
	close_recorder();
	assert_int_equal(count(kept_log(), "recording fails"), 1);
	open_again();
	x = row(1);
	assert_int_equal(x.response.body_bytes, 51000 + (1 << 20));
	assert_int_equal(x.response.kept_bytes, 50000);
	assert_false(x.response.has_sha256);
	assert_body(1, SIDE_RESPONSE_BODY, 1, 50000);
	assert_int_equal(timed_bytes(1, SIDE_RESPONSE_TIMES), 50000);
	assert_int_equal(row(2).outcome, OUTCOME_COMPLETE);
	assert_no_holes(2);
	reader_close(r);
}

static void
an_exchange_whose_end_is_lost_is_not_in_flight_for_ever(void **state)
{
	struct tap t;

	open_recorder(TIGHT);
	tap_start(&t, "/1");
	tap_body(&t, SIDE_RESPONSE_BODY, 1, 0, 30000);
	drain();
	keep_log();
	fill_disk(true);
	tap_finish(&t);
	drain();
	fill_disk(false);
	tap_whole("/2");
	drain();
	close_recorder();
	(void)kept_log();
	open_again();
	assert_int_equal(row(1).outcome, OUTCOME_INTERRUPTED);
	assert_body(1, SIDE_RESPONSE_BODY, 1, 30000);
	assert_int_equal(row(2).outcome, OUTCOME_COMPLETE);
	assert_no_holes(2);
	reader_close(r);
}

static void
a_loss_is_told_even_if_nothing_comes_after_it(void **state)
{
	open_recorder(TIGHT);
	tap_whole("/1");
	drain();
	keep_log();
	fill_disk(true);
	tap_whole("/lost");
	drain();
	tap_whole("/lost");
	drain();
	fill_disk(false);
	close_recorder();
	(void)kept_log();
	open_again();
	assert_true(is_in_gap(2));
	assert_true(is_in_gap(3));
	assert_no_holes(3);
	reader_close(r);
}

static void
what_was_not_even_begun_while_the_disk_was_full_is_told(void **state)
{
	open_recorder(TIGHT);
	tap_whole("/1");
	drain();
	keep_log();
	fill_disk(true);
	for (int i = 0; i < 4; i++) {
		recorder_count_lost(loop.recorder);
		tap_whole("/lost");
		drain();
	}
	fill_disk(false);
	tap_whole("/last");
	drain();
	close_recorder();
	(void)kept_log();
	open_again();
	/* One row, four lost before they began, four after, and one row. */
	assert_no_holes(10);
	reader_close(r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		STORE_TEST(what_was_tapped_is_what_is_read),
		STORE_TEST(the_proof_is_the_sum_of_what_passed),
		STORE_TEST(what_is_in_flight_can_be_watched_and_ends_in_its_place),
		STORE_TEST(what_has_just_begun_gets_its_row_when_it_is_older),
		STORE_TEST(what_still_runs_at_the_stop_is_in_flight_for_the_next_writer),
		STORE_TEST(numbers_are_given_in_the_order_of_the_requests),
		STORE_TEST(the_bound_is_told_and_the_queue_takes_no_more_at_twice_of_it),
		STORE_TEST(the_watcher_hears_once_when_the_queue_is_short_again),
		STORE_TEST(a_queue_that_was_never_full_tells_nobody),
		STORE_TEST(a_cut_record_says_what_passed_and_keeps_what_came_before),
		STORE_TEST(what_a_full_disk_loses_is_a_gap_and_then_recording_goes_on),
		STORE_TEST(what_ran_while_the_disk_was_full_is_cut_and_marked),
		STORE_TEST(a_cut_body_has_times_for_what_is_kept_and_no_more),
		STORE_TEST(a_body_too_large_for_the_store_is_cut_and_others_go_on),
		STORE_TEST(an_exchange_whose_end_is_lost_is_not_in_flight_for_ever),
		STORE_TEST(a_loss_is_told_even_if_nothing_comes_after_it),
		STORE_TEST(what_was_not_even_begun_while_the_disk_was_full_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
