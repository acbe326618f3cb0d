#include "tests/unit/store_rows.h"

#include "store/table.h"

static void
must_be_what_was_put(void *arg)
{
	struct reader *r = must_open_reader();
	struct exchange x;
	struct slice v;

	MUST(reader_get(r, 1, &x) == 0);
	MUST(x.seq == 1 && x.outcome == OUTCOME_COMPLETE);
	MUST(slice_eq(x.path, SLICE("/v1/responses")) && x.usage.input == 1);
	must_have_body(r, 1, SIDE_REQUEST_BODY, 100000);
	must_have_body(r, 1, SIDE_RESPONSE_BODY, 1);
	must_have_body(r, 1, SIDE_REQUEST_HEAD, 0);
	MUST(reader_meta(r, "heartbeat", &v) == 0);
	MUST(slice_eq(v, SLICE("beat")));
	MUST(reader_meta(r, "pulse", &v) == READER_NONE);
	MUST(reader_get(r, 2, &x) == READER_NONE);
	reader_close(r);
}

static void
what_is_committed_is_read(void **state)
{
	struct writer *w = open_writer();

	assert_int_equal(writer_next_seq(w), 1);
	assert_int_equal(writer_pending(w), 0);
	assert_int_equal(put_body(w, 1, SIDE_REQUEST_BODY, 100000), 0);
	assert_int_equal(put_body(w, 1, SIDE_RESPONSE_BODY, 1), 0);
	assert_int_equal(put(w, 1, OUTCOME_COMPLETE), 0);
	assert_int_equal(writer_put_meta(w, "heartbeat", "beat", 4), 0);
	assert_true(writer_pending(w) >= 100005);
	assert_int_equal(writer_commit(w), 0);
	assert_int_equal(writer_pending(w), 0);
	elsewhere(must_be_what_was_put, NULL);
	assert_int_equal(writer_close(w), 0);
	elsewhere(must_be_what_was_put, NULL);
}

static void
must_be_empty(void *arg)
{
	struct reader *r = must_open_reader();
	struct exchange x;

	MUST(reader_next(r, 0, &x) == READER_NONE);
	MUST(reader_prev(r, UINT64_MAX, &x) == READER_NONE);
	reader_close(r);
}

static void
nothing_is_read_before_the_commit_and_close_commits(void **state)
{
	struct writer *w = open_writer();

	assert_int_equal(writer_commit(w), 0);	/* nothing is put */
	assert_int_equal(put(w, 1, OUTCOME_COMPLETE), 0);
	elsewhere(must_be_empty, NULL);
	assert_int_equal(put_body(w, 1, SIDE_REQUEST_BODY, 100000), 0);
	assert_int_equal(put_body(w, 1, SIDE_RESPONSE_BODY, 1), 0);
	assert_int_equal(writer_put_meta(w, "heartbeat", "beat", 4), 0);
	assert_int_equal(writer_close(w), 0);
	elsewhere(must_be_what_was_put, NULL);
}

static void
must_walk_3_5_900(void *arg)
{
	static const struct {
		uint64_t from;
		uint64_t next, prev;	/* 0: READER_NONE */
	} t[] = {
		{ 0, 3, 0 }, { 2, 3, 0 }, { 3, 5, 0 }, { 4, 5, 3 }, { 5, 900, 3 },
		{ 899, 900, 5 }, { 900, 0, 5 }, { 901, 0, 900 },
		{ UINT64_MAX, 0, 900 },
	};
	struct reader *r = must_open_reader();
	struct exchange x;

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		int rc = reader_next(r, t[i].from, &x);

		MUST(t[i].next ? rc == 0 && x.seq == t[i].next : rc == READER_NONE);
		rc = reader_prev(r, t[i].from, &x);
		MUST(t[i].prev ? rc == 0 && x.seq == t[i].prev : rc == READER_NONE);
	}
	reader_close(r);
}

static void
next_and_prev_walk_over_holes_in_order(void **state)
{
	struct writer *w = open_writer();

	assert_int_equal(put(w, 900, OUTCOME_COMPLETE), 0);
	assert_int_equal(put(w, 3, OUTCOME_COMPLETE), 0);
	assert_int_equal(writer_commit(w), 0);
	assert_int_equal(put(w, 5, OUTCOME_COMPLETE), 0);
	assert_int_equal(writer_close(w), 0);
	elsewhere(must_walk_3_5_900, NULL);
}

enum { PARTS = 3, TAIL = 77 };

static void
must_read_every_range(void *arg)
{
	const size_t part = *(size_t *)arg, len = PARTS * part + TAIL;
	const size_t edges[] = {
		0, 1, part - 1, part, part + 1, 2 * part - 1, 2 * part, 3 * part - 1,
		3 * part, 3 * part + TAIL - 1, len, len + 1, 4 * part, 9 * part,
	};
	const size_t n_edges = sizeof(edges) / sizeof(edges[0]);
	uint8_t *buf = malloc(9 * part);
	struct reader *r = must_open_reader();

	MUST(buf);
	for (size_t i = 0; i < n_edges; i++) {
		for (size_t j = 0; j < n_edges; j++) {
			size_t off = edges[i], cap = edges[j], n = 999;
			size_t want = off < len ? len - off : 0;

			if (want > cap)
				want = cap;
			MUST(reader_bytes(r, 7, SIDE_RESPONSE_BODY, off, buf, cap,
			    &n) == 0);
			MUST(n == want);
			for (size_t k = 0; k < n; k++)
				MUST(buf[k] == body_byte(7, off + k));
		}
	}
	free(buf);
	must_have_body(r, 6, SIDE_RESPONSE_BODY, 2 * part);
	reader_close(r);
}

static void
every_range_of_a_body_is_read(void **state)
{
	struct writer *w = open_writer();
	size_t part = writer_part_bytes(w);

	assert_int_equal(part % 4096, 4080);
	/* Neighbours on all sides, so that running over would show. */
	assert_int_equal(put_body(w, 6, SIDE_RESPONSE_BODY, 2 * part), 0);
	assert_int_equal(put_body(w, 7, SIDE_RESPONSE_TIMES, 10), 0);
	assert_int_equal(put_body(w, 7, SIDE_RESPONSE_BODY, PARTS * part + TAIL), 0);
	assert_int_equal(put_body(w, 7, SIDE_RESPONSE_HEAD, part), 0);
	assert_int_equal(put_body(w, 8, SIDE_REQUEST_HEAD, part), 0);
	assert_int_equal(writer_close(w), 0);
	elsewhere(must_read_every_range, &part);
}

static void
must_end_at_the_limits(void *arg)
{
	struct reader *r = must_open_reader();
	const uint64_t part = *(size_t *)arg;
	uint8_t buf[8];
	size_t n = 9;

	MUST(reader_bytes(r, 1, SIDE_REQUEST_BODY, UINT64_MAX, buf, 8, &n) == 0);
	MUST(n == 0);
	/* The same part number, if only 32 bits of it were looked at. */
	MUST(reader_bytes(r, 1, SIDE_REQUEST_BODY, part << 32, buf, 8, &n) == 0);
	MUST(n == 0);
	MUST(reader_bytes(r, 1, SIDE_REQUEST_BODY, 0, NULL, 0, &n) == 0 && n == 0);
	MUST(reader_bytes(r, 0, SIDE_REQUEST_BODY, 0, buf, 8, &n) == 0 && n == 0);
	MUST(reader_bytes(r, UINT64_MAX, SIDE_REQUEST_BODY, 0, buf, 8, &n) == 0 &&
	    n == 0);
	reader_close(r);
}

static void
offsets_past_the_end_have_no_bytes(void **state)
{
	struct writer *w = open_writer();
	size_t part = writer_part_bytes(w);

	assert_int_equal(put_body(w, 1, SIDE_REQUEST_BODY, 3 * part), 0);
	assert_int_equal(writer_close(w), 0);
	elsewhere(must_end_at_the_limits, &part);
}

static void
must_have_two_parts_and_a_byte(void *arg)
{
	struct reader *r = must_open_reader();

	must_have_body(r, 1, SIDE_REQUEST_BODY, 2 * *(size_t *)arg + 1);
	reader_close(r);
}

static void
a_part_put_again_replaces_the_first(void **state)
{
	struct writer *w = open_writer();
	size_t part = writer_part_bytes(w);

	for (size_t len = 1; len < 2 * part; len += 1021) {
		assert_int_equal(put_body(w, 1, SIDE_REQUEST_BODY, len), 0);
		if (len % 2)
			assert_int_equal(writer_commit(w), 0);
	}
	assert_int_equal(put_body(w, 1, SIDE_REQUEST_BODY, 2 * part + 1), 0);
	assert_int_equal(writer_close(w), 0);
	elsewhere(must_have_two_parts_and_a_byte, &part);
}

static void
must_end_before_what_is_missing(void *arg)
{
	struct reader *r = must_open_reader();
	uint8_t buf[64];
	size_t n;

	MUST(reader_bytes(r, 1, SIDE_REQUEST_BODY, 0, buf, sizeof(buf), &n) == 0);
	MUST(n == 3);
	must_have_body(r, 2, SIDE_REQUEST_BODY, *(size_t *)arg);
	reader_close(r);
}

static void
bytes_end_at_a_part_that_is_missing_or_short(void **state)
{
	struct writer *w = open_writer();
	size_t part = writer_part_bytes(w);

	assert_int_equal(writer_put_part(w, 1, SIDE_REQUEST_BODY, 0, "abc", 3), 0);
	assert_int_equal(writer_put_part(w, 1, SIDE_REQUEST_BODY, 1, "def", 3), 0);
	assert_int_equal(writer_put_part(w, 1, SIDE_REQUEST_BODY, 3, "ghi", 3), 0);
	assert_int_equal(put_body(w, 2, SIDE_REQUEST_BODY, part), 0);
	assert_int_equal(writer_put_part(w, 2, SIDE_REQUEST_BODY, 2, "x", 1), 0);
	assert_int_equal(writer_close(w), 0);
	elsewhere(must_end_before_what_is_missing, &part);
}

static void
must_be_interrupted(void *arg)
{
	const int64_t part = (int64_t)*(size_t *)arg;
	struct reader *r = must_open_reader();
	struct exchange x;

	MUST(reader_get(r, 1, &x) == 0 && x.outcome == OUTCOME_COMPLETE);
	MUST(!x.reason.p);
	MUST(reader_get(r, 2, &x) == 0 && x.outcome == OUTCOME_INTERRUPTED);
	MUST(slice_eq(x.reason, SLICE("the recorder ended first")));
	MUST(x.usage.input == 2);
	MUST(x.request.kept_bytes == 2 * part + 5);
	MUST(x.request.body_bytes == 2 * part + 5);
	MUST(x.response.kept_bytes == -1 && x.response.body_bytes == -1);
	MUST(reader_get(r, 3, &x) == 0 && x.outcome == OUTCOME_CANCELLED);
	MUST(reader_get(r, 4, &x) == 0 && x.outcome == OUTCOME_INTERRUPTED);
	reader_close(r);
}

static void
what_was_in_flight_is_interrupted_at_the_next_open_once(void **state)
{
	struct writer *w = open_writer();
	size_t part = writer_part_bytes(w);
	uint64_t n = 99;

	assert_int_equal(put(w, 1, OUTCOME_IN_FLIGHT), 0);
	assert_int_equal(put(w, 2, OUTCOME_IN_FLIGHT), 0);
	assert_int_equal(put(w, 2, OUTCOME_IN_FLIGHT), 0);
	assert_int_equal(put_body(w, 2, SIDE_REQUEST_BODY, 2 * part + 5), 0);
	assert_int_equal(writer_commit(w), 0);
	assert_int_equal(put(w, 4, OUTCOME_IN_FLIGHT), 0);
	assert_int_equal(put(w, 1, OUTCOME_COMPLETE), 0);
	assert_int_equal(put(w, 3, OUTCOME_CANCELLED), 0);
	assert_int_equal(writer_close(w), 0);
	assert_int_equal(writer_open(&w, dir, &plain, &n), 0);
	assert_int_equal(n, 2);
	assert_int_equal(writer_next_seq(w), 5);
	elsewhere(must_be_interrupted, &part);
	assert_int_equal(writer_close(w), 0);
	assert_int_equal(writer_open(&w, dir, &plain, &n), 0);
	assert_int_equal(n, 0);
	assert_int_equal(writer_close(w), 0);
}

static void
numbers_go_on_after_rows_bodies_and_gaps(void **state)
{
	struct writer *w = open_writer();

	assert_int_equal(writer_next_seq(w), 1);
	assert_int_equal(writer_next_seq(w), 2);
	assert_int_equal(put(w, 2, OUTCOME_COMPLETE), 0);
	writer_close(w);
	w = open_writer();
	assert_int_equal(writer_next_seq(w), 3);
	assert_int_equal(put_body(w, 10, SIDE_REQUEST_HEAD, 3), 0);
	writer_close(w);
	w = open_writer();
	assert_int_equal(writer_next_seq(w), 11);
	assert_int_equal(writer_put_gap(w, 15, 6, "full"), 0);
	writer_close(w);
	w = open_writer();
	assert_int_equal(writer_next_seq(w), 21);
	writer_close(w);
}

static void
must_have_gaps(void *arg)
{
	struct reader *r = must_open_reader();
	struct slice why;
	uint64_t seq, n;

	MUST(reader_next_gap(r, 0, &seq, &n, &why) == 0);
	MUST(seq == 5 && n == 1 && slice_eq(why, SLICE("disk")));
	MUST(reader_next_gap(r, 5, &seq, &n, &why) == 0);
	MUST(seq == 9 && n == 1000000000000 && slice_eq(why, SLICE("")));
	MUST(reader_next_gap(r, 9, &seq, &n, &why) == READER_NONE);
	MUST(reader_next_gap(r, UINT64_MAX, &seq, &n, &why) == READER_NONE);
	reader_close(r);
}

static void
gaps_are_rows(void **state)
{
	struct writer *w = open_writer();

	assert_int_equal(writer_put_gap(w, 9, 1000000000000, ""), 0);
	assert_int_equal(writer_put_gap(w, 5, 1, "disk"), 0);
	assert_int_equal(writer_close(w), 0);
	elsewhere(must_have_gaps, NULL);
}

static void
must_know_the_store(void *arg)
{
	struct reader *r = must_open_reader();
	struct slice v;

	MUST(reader_meta(r, META_ID, &v) == 0 && v.len == STORE_ID_LEN);
	for (size_t i = 0; i < v.len; i++)
		MUST(memchr("0123456789abcdef", v.p[i], 16));
	MUST(memcmp(v.p, arg, STORE_ID_LEN) == 0);
	MUST(reader_meta(r, META_FORMAT, &v) == 0);
	MUST(slice_eq(v, SLICE("\2\0\0\0")));
	MUST(reader_meta(r, META_CREATED, &v) == 0 && v.len == 8);
	reader_close(r);
}

static void
store_id(char id[STORE_ID_LEN + 1])
{
	struct reader *r;
	struct slice v;

	assert_int_equal(reader_open(&r, dir), 0);
	assert_int_equal(reader_meta(r, META_ID, &v), 0);
	memcpy(id, v.p, STORE_ID_LEN);
	id[STORE_ID_LEN] = '\0';
	reader_close(r);
}

enum { LOST_ROWS = 2000 };	/* more than a page of the open table holds */

static void
must_be_over(void *arg)
{
	struct reader *r = must_open_reader();
	struct exchange x;

	for (uint64_t seq = 1; seq <= LOST_ROWS; seq++) {
		MUST(reader_get(r, seq, &x) == 0);
		MUST(x.outcome == (seq % 3 == 0 ? OUTCOME_COMPLETE :
		    OUTCOME_INTERRUPTED));
		MUST(seq % 3 == 0 || slice_eq(x.reason, SLICE("disk")));
	}
	MUST(reader_get(r, LOST_ROWS + 1, &x) == 0);
	MUST(x.outcome == OUTCOME_IN_FLIGHT);
	reader_close(r);
}

static void
a_gap_ends_what_stood_as_in_flight_in_it(void **state)
{
	struct writer *w = open_writer();

	for (uint64_t seq = 1; seq <= LOST_ROWS; seq++)
		assert_int_equal(put(w, seq, seq % 3 == 0 ? OUTCOME_COMPLETE :
		    OUTCOME_IN_FLIGHT), 0);
	assert_int_equal(put(w, LOST_ROWS + 1, OUTCOME_IN_FLIGHT), 0);
	assert_int_equal(writer_commit(w), 0);
	assert_int_equal(writer_put_gap(w, 1, LOST_ROWS, "disk"), 0);
	assert_int_equal(writer_commit(w), 0);
	elsewhere(must_be_over, NULL);
	assert_int_equal(writer_close(w), 0);
}

static void
a_store_has_a_name_and_a_key_that_stay(void **state)
{
	uint8_t key[32];
	char id[STORE_ID_LEN + 1], other[STORE_ID_LEN + 1];
	struct writer *w = open_writer();

	memcpy(key, writer_key(w), 32);
	writer_close(w);
	store_id(id);
	w = open_writer();
	assert_memory_equal(writer_key(w), key, 32);
	elsewhere(must_know_the_store, id);
	writer_close(w);
	snprintf(dir, sizeof(dir), "%s/other", top);
	w = open_writer();
	assert_memory_not_equal(writer_key(w), key, 32);
	writer_close(w);
	store_id(other);
	assert_string_not_equal(id, other);
}

/* Sees no row twice and none half: the other process commits all the while. */
static void
must_follow(void *arg)
{
	struct reader *r = must_open_reader();
	struct exchange x;
	uint64_t seen = 0;
	int rc;

	while (seen < 300) {
		rc = reader_next(r, seen, &x);
		if (rc == READER_NONE)
			continue;
		MUST(rc == 0 && x.seq == seen + 1);
		MUST(x.outcome == OUTCOME_COMPLETE);
		seen = x.seq;
		must_have_body(r, seen, SIDE_REQUEST_BODY, 20000 + seen);
	}
	reader_close(r);
}

static void
a_reader_follows_while_the_writer_writes(void **state)
{
	struct writer *w = open_writer();
	pid_t pid = start(must_follow, NULL);

	for (uint64_t seq = 1; seq <= 300; seq++) {
		assert_int_equal(put(w, seq, OUTCOME_COMPLETE), 0);
		assert_int_equal(put_body(w, seq, SIDE_REQUEST_BODY,
		    20000 + seq), 0);
		assert_int_equal(writer_commit(w), 0);
	}
	finish(pid);
	assert_int_equal(writer_close(w), 0);
}

static void
every_code_has_a_sentence(void **state)
{
	for (int rc = WRITER_LOCKED; rc >= WRITER_OWNER; rc--)
		assert_null(strstr(writer_strerror(rc), "nknown error"));
	for (int rc = READER_NONE; rc >= READER_BUSY; rc--)
		assert_null(strstr(reader_strerror(rc), "nknown error"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		STORE_TEST(what_is_committed_is_read),
		STORE_TEST(nothing_is_read_before_the_commit_and_close_commits),
		STORE_TEST(next_and_prev_walk_over_holes_in_order),
		STORE_TEST(every_range_of_a_body_is_read),
		STORE_TEST(offsets_past_the_end_have_no_bytes),
		STORE_TEST(a_part_put_again_replaces_the_first),
		STORE_TEST(bytes_end_at_a_part_that_is_missing_or_short),
		STORE_TEST(what_was_in_flight_is_interrupted_at_the_next_open_once),
		STORE_TEST(numbers_go_on_after_rows_bodies_and_gaps),
		STORE_TEST(gaps_are_rows),
		STORE_TEST(a_gap_ends_what_stood_as_in_flight_in_it),
		STORE_TEST(a_store_has_a_name_and_a_key_that_stay),
		STORE_TEST(a_reader_follows_while_the_writer_writes),
		STORE_TEST(every_code_has_a_sentence),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
