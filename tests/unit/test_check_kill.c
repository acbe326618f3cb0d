#include "tests/unit/check_scene.h"

/* What a recorder leaves that was killed, or that the disk failed: no faults. */

static struct reader *r;

static void
put(struct writer *w, uint64_t seq)
{
	struct slice side[SIDE_N] = { { NULL, 0 } };
	struct exchange x;

	scene_begin(&x, seq, "/v1/models");
	x.endpoint = ENDPOINT_OTHER;
	scene_message(&x.request, side, SIDE_REQUEST_BODY, SLICE("hello"));
	scene_message(&x.response, side, SIDE_RESPONSE_BODY, SLICE(""));
	assert_int_equal(writer_put_pack(w, seq, side), 0);
	assert_int_equal(writer_put_exchange(w, &x), 0);
}

static void
whole_part(struct writer *w, uint64_t seq, uint32_t part)
{
	static uint8_t zeros[70000];
	const size_t n = writer_part_bytes(w);

	assert_true(n < sizeof(zeros));
	assert_int_equal(writer_put_part(w, seq, SIDE_REQUEST_BODY, part, zeros, n), 0);
}

static void
check_closed(struct writer *w)
{
	assert_int_equal(writer_close(w), 0);
	r = scene_reader();
	scene_check(r);
	reader_close(r);
}

static void
what_began_last_has_no_row_and_is_a_note(void **state)
{
	struct writer *w = open_writer();

	put(w, 1);
	put(w, 4);
	put(w, 6);
	check_closed(w);
	assert_int_equal(totals.faults, 0);
	assert_int_equal(n_found, 2);
	assert_int_equal(found[0].what, CHECK_LOST);
	assert_int_equal(found[0].seq, 2);	/* and 3 */
	assert_int_equal(found[1].what, CHECK_LOST);
	assert_int_equal(found[1].seq, 5);
}

static void
whole_parts_without_a_row_are_a_note(void **state)
{
	struct writer *w = open_writer();

	put(w, 1);
	whole_part(w, 2, 0);
	whole_part(w, 2, 1);
	put(w, 3);
	whole_part(w, 4, 0);
	check_closed(w);
	assert_int_equal(totals.faults, 0);
	assert_int_equal(n_found, 2);
	assert_int_equal(found[0].what, CHECK_LEFT);
	assert_int_equal(found[0].seq, 2);
	assert_int_equal(found[1].seq, 4);
}

static void
a_gap_speaks_for_what_is_left_of_its_exchanges(void **state)
{
	struct writer *w = open_writer();

	put(w, 1);
	whole_part(w, 3, 0);
	assert_int_equal(writer_put_part(w, 4, SIDE_REQUEST_HEAD, 0, "x", 1), 0);
	assert_int_equal(writer_put_gap(w, 2, 3, "the disk was full"), 0);
	put(w, 5);
	check_closed(w);
	assert_int_equal(n_found, 0);
	assert_int_equal(totals.lost, 3);
}

/* FORMAT.md 6: the row is right then. */
static void
a_gap_over_an_exchange_that_has_a_row_is_no_fault(void **state)
{
	struct writer *w = open_writer();

	put(w, 1);
	scene_open(w, 2, OUTCOME_IN_FLIGHT, SLICE("some"));
	put(w, 3);
	assert_int_equal(writer_put_gap(w, 1, 2, "the disk failed"), 0);
	assert_int_equal(writer_put_gap(w, 2, 3, "again"), 0);
	check_closed(w);
	assert_int_equal(n_found, 0);
	assert_int_equal(totals.exchanges, 3);
	assert_int_equal(totals.in_flight, 0);
}

static void
the_store_of_a_writer_that_died_is_clean_before_and_after_the_next(void **state)
{
	struct writer *w = open_writer();

	put(w, 1);
	scene_open(w, 2, OUTCOME_IN_FLIGHT, SLICE("some bytes"));
	whole_part(w, 2, 0);
	check_closed(w);
	assert_int_equal(n_found, 0);
	assert_int_equal(totals.in_flight, 1);
	check_closed(open_writer());
	scene_print("next");
	assert_int_equal(n_found, 0);
	assert_int_equal(totals.in_flight, 0);
}

/* Twice: what was told once is not told again. */
static void
numbers_without_a_row_become_gaps_at_the_next_open(void **state)
{
	static const struct { uint64_t seq, n; } want[] = {
		{ 1, 1 }, { 3, 2 }, { 6, 3 }, { 9, 1 }, { 11, 1 }, { 13, 1 },
	};
	struct writer *w = open_writer();
	uint64_t after = 0, seq, n;
	struct slice why;

	put(w, 2);
	put(w, 5);
	assert_int_equal(writer_put_gap(w, 6, 3, "the disk was full"), 0);
	put(w, 10);
	assert_int_equal(writer_put_gap(w, 11, 1, "the disk was full"), 0);
	put(w, 12);
	whole_part(w, 13, 0);
	assert_int_equal(writer_close(w), 0);
	for (int i = 0; i < 2; i++)
		check_closed(open_writer());
	assert_int_equal(n_found, 0);
	assert_int_equal(totals.lost, 9);
	assert_int_equal(reader_open(&r, dir), 0);
	for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		assert_int_equal(reader_next_gap(r, after, &seq, &n, &why), 0);
		assert_int_equal(seq, want[i].seq);
		assert_int_equal(n, want[i].n);
		assert_true(slice_eq(why, seq == 6 || seq == 11 ?
		    SLICE("the disk was full") : SLICE("the recorder ended first")));
		after = seq;
	}
	assert_int_equal(reader_next_gap(r, after, &seq, &n, &why), READER_NONE);
	reader_close(r);
}

static void
only_what_came_since_is_looked_at(void **state)
{
	scene_make();
	r = scene_reader();
	for (uint64_t since = 0; since <= LAST + 1; since++) {
		uint64_t n = since < 1 ? 1 : since;

		scene_check_since(r, since);
		scene_print("since");
		assert_int_equal(n_found, 0);
		/* GAP and GAP_END are no exchanges. */
		assert_int_equal(totals.exchanges, LAST + 1 - n -
		    (n <= GAP ? 2 : n <= GAP_END));
	}
	scene_put(r, TABLE_EXCHANGE, SLICE("\0\0\0\0\0\0\0\2"), "junk", 4);
	scene_check_since(r, PARTS);
	assert_int_equal(n_found, 1);
	scene_check_since(r, PARTS + 1);
	assert_int_equal(n_found, 0);
	reader_close(r);
}

/* Three blocks, the second of which does not pay and stays in parts. */
static void
put_large(struct writer *w, size_t n)
{
	struct slice side[SIDE_N] = { { NULL, 0 } };
	const size_t block = writer_part_bytes(w) * BLOCK_PARTS;
	struct writer_late late = { .seq = 1, .side = SIDE_REQUEST_BODY };
	char *p = malloc(n);
	struct exchange x;
	uint32_t dice = 7;

	memset(p, 'x', n);
	for (size_t i = block; i < 2 * block; i++)
		p[i] = (char)((dice = dice * 1664525 + 1013904223) >> 24);
	scene_begin(&x, 1, "/v1/files");
	scene_message(&x.request, side, SIDE_REQUEST_BODY, (struct slice){ p, n });
	scene_message(&x.response, side, SIDE_RESPONSE_BODY, SLICE(""));
	scene_parts(w, 1, SIDE_REQUEST_BODY, side[SIDE_REQUEST_BODY]);
	side[SIDE_REQUEST_BODY].len = 0;
	assert_int_equal(writer_put_pack(w, 1, side), 0);
	assert_int_equal(writer_put_exchange(w, &x), 0);
	elements_init(&late.elements);
	while (!late.is_over)
		assert_int_equal(writer_squeeze(w, &late), 0);
	elements_fini(&late.elements);
	free(p);
}

static void
a_large_body_is_followed_through_its_blocks_and_parts(void **state)
{
	static const uint8_t block[] = "\0\0\0\0\0\0\0\1\101\0\2\0\0";
	static const uint8_t part[] = "\0\0\0\0\0\0\0\1\1\0\0\0\101";
	const size_t n = 9 * 1024 * 1024 + 5;
	struct writer *w = open_writer();

	put_large(w, n);
	check_closed(w);
	scene_print("large");
	assert_int_equal(n_found, 0);
	assert_int_equal(totals.bytes, n);
	r = scene_reader();
	scene_put(r, TABLE_BODY, (struct slice){ (const char *)block, 13 }, NULL, 0);
	scene_check(r);
	scene_print("a block less");
	assert_int_equal(n_found, 1);
	assert_int_equal(found[0].what, CHECK_PART_MISSING);
	scene_put(r, TABLE_BODY, (struct slice){ (const char *)part, 13 }, NULL, 0);
	scene_check(r);
	assert_int_equal(n_found, 1);
	assert_int_equal(found[0].what, CHECK_PART_MISSING);
	reader_close(r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		STORE_TEST(what_began_last_has_no_row_and_is_a_note),
		STORE_TEST(whole_parts_without_a_row_are_a_note),
		STORE_TEST(a_gap_speaks_for_what_is_left_of_its_exchanges),
		STORE_TEST(a_gap_over_an_exchange_that_has_a_row_is_no_fault),
		STORE_TEST(the_store_of_a_writer_that_died_is_clean_before_and_after_the_next),
		STORE_TEST(numbers_without_a_row_become_gaps_at_the_next_open),
		STORE_TEST(only_what_came_since_is_looked_at),
		STORE_TEST(a_large_body_is_followed_through_its_blocks_and_parts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
