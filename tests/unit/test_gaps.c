#include "proxy/gaps.h"

#include "tests/unit/store_fixture.h"

static struct gaps g;

static uint32_t dice;

static uint32_t
roll(uint32_t n)
{
	dice = dice * 1664525 + 1013904223;
	return (dice >> 8) % n;
}

static bool
has(uint64_t seq)
{
	for (size_t i = 0; i < g.n; i++)
		if (seq >= g.run[i].seq && seq - g.run[i].seq < g.run[i].n)
			return true;
	return false;
}

static int
clear(void **state)
{
	gaps_clear(&g);
	return 0;
}

static void
numbers_in_a_row_are_one_run(void **state)
{
	for (uint64_t seq = 5; seq < 5000; seq++)
		gaps_add(&g, seq, 1);
	assert_int_equal(g.n, 1);
	assert_int_equal(g.run[0].seq, 5);
	assert_int_equal(g.run[0].n, 4995);
	assert_int_equal(g.total, 4995);
	gaps_clear(&g);
	assert_int_equal(g.n, 0);
	assert_int_equal(g.total, 0);
	assert_false(has(5));
}

static void
a_few_runs_are_exact_in_any_order(void **state)
{
	static const uint64_t seqs[] = { 9, 3, 10, 1, 4, 8, 20, 2, 11 };

	for (size_t i = 0; i < sizeof(seqs) / sizeof(*seqs); i++)
		gaps_add(&g, seqs[i], 1);
	for (uint64_t seq = 0; seq < 25; seq++)
		assert_int_equal(has(seq), (seq >= 1 && seq <= 4) ||
		    (seq >= 8 && seq <= 11) || seq == 20);
	assert_int_equal(g.total, 9);
}

static void
every_lost_number_is_told_however_many_there_are(void **state)
{
	enum { N = 4000 };

	for (uint32_t seed = 1; seed <= 40; seed++) {
		static uint64_t seqs[N];

		dice = seed;
		gaps_clear(&g);
		for (int i = 0; i < N; i++) {
			/* About in order, as exchanges end, with holes. */
			seqs[i] = (uint64_t)i * 3 + roll(200) + 1;
			gaps_add(&g, seqs[i], 1);
			assert_true(g.n <= GAPS_MAX);
		}
		for (int i = 0; i < N; i++)
			assert_true(has(seqs[i]));
		assert_int_equal(g.total, N);
		for (size_t i = 0; i < g.n; i++) {
			assert_true(g.run[i].seq > 0 && g.run[i].n > 0);
			assert_true(g.run[i].seq + g.run[i].n <= N * 3 + 201);
		}
	}
}

static void
backwards_is_no_harder_than_forwards(void **state)
{
	for (uint64_t seq = 3000; seq > 0; seq--)
		gaps_add(&g, seq, 1);
	for (uint64_t seq = 1; seq <= 3000; seq++)
		assert_true(has(seq));
	assert_int_equal(g.total, 3000);
}

static void
what_is_put_is_what_a_reader_finds(void **state)
{
	struct writer *w = open_writer();
	struct reader *r;
	struct slice why;
	uint64_t seq, n;

	gaps_clear(&g);
	gaps_add(&g, 2, 1);
	gaps_add(&g, 3, 1);
	gaps_add(&g, 7, 1);
	assert_int_equal(gaps_put(&g, w, "No space left on device"), 0);
	assert_int_equal(writer_close(w), 0);
	assert_int_equal(reader_open(&r, dir), 0);
	assert_int_equal(reader_next_gap(r, 0, &seq, &n, &why), 0);
	assert_int_equal(seq, 2);
	assert_int_equal(n, 2);
	assert_true(slice_eq(why, SLICE("No space left on device")));
	assert_int_equal(reader_next_gap(r, 2, &seq, &n, &why), 0);
	assert_int_equal(seq, 7);
	assert_int_equal(n, 1);
	assert_int_equal(reader_next_gap(r, 7, &seq, &n, &why), READER_NONE);
	reader_close(r);
}

static void
nothing_lost_puts_nothing(void **state)
{
	struct writer *w = open_writer();

	gaps_clear(&g);
	assert_int_equal(gaps_put(&g, w, "x"), 0);
	assert_int_equal(writer_pending(w), 0);
	assert_int_equal(writer_close(w), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(numbers_in_a_row_are_one_run, clear),
		cmocka_unit_test_setup(a_few_runs_are_exact_in_any_order, clear),
		cmocka_unit_test_setup(every_lost_number_is_told_however_many_there_are,
		    clear),
		cmocka_unit_test_setup(backwards_is_no_harder_than_forwards, clear),
		STORE_TEST(nothing_lost_puts_nothing),
		STORE_TEST(what_is_put_is_what_a_reader_finds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
