#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "store/group.h"
#include "tests/unit/guard.h"
#include "tests/unit/heap.h"

enum { ROWS = 140 };

/* Text that compresses some threefold, the same elsewhere in memory, for prefixes,
 * and noise that does not. */
static char text[200000], before[200000], noise[200000];

static struct bytes rows[ROWS];		/* by seq; those that are raw: */
static bool raw_rows[ROWS];
static unsigned fetched;

static int
make_texts(void **state)
{
	uint64_t x = 1;

	(void)state;
	for (size_t i = 0; i < sizeof(text); i++) {
		x = x * 6364136223846793005u + 1442695040888963407u;
		noise[i] = (char)(x >> 56);
		text[i] = i >= 64 && x >> 62 ? text[i - 64 + (x >> 50) % 2] :
		    "etaoin shrdlu\n\"{"[x >> 40 & 15];
	}
	memcpy(before, text, sizeof(text));
	return 0;
}

static struct slice
cut(const char *from, size_t off, size_t n)
{
	return (struct slice){ from + off, n };
}

static void
assert_back(const struct bytes *row, struct slice prefix, struct slice raw)
{
	struct squeeze *s = squeeze_new();
	struct squeeze_head h;
	uint8_t *to;

	assert_int_equal(squeeze_head_get(&h, guard_put(row->p, row->len),
	    row->len), 0);
	assert_int_equal(h.raw_len, raw.len);
	to = malloc(h.raw_len);
	assert_int_equal(squeeze_undo(s, &h, prefix, to), 0);
	assert_memory_equal(to, raw.p, raw.len);
	free(to);
	squeeze_free(s);
}

static void
what_goes_in_comes_out(void **state)
{
	static const struct {
		size_t off, n;		/* of the body, in text */
		size_t prefix;		/* bytes of text; 0: none */
		unsigned depth;		/* that comes of it */
	} cases[] = {
		{ 0, 1000, 0, 0 }, { 0, 200000, 0, 0 }, { 77, 155000, 150000, 6 },
		{ 0, 150001, 150000, 6 }, { 0, 150000, 150000, 6 },
		{ 0, 50000, 150000, 6 }, { 0, 1000, 1, 0 }, { 0, 60, 150000, 6 },
	};
	struct squeeze *s = squeeze_new();

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct slice raw = cut(text, cases[i].off, cases[i].n);
		const struct squeeze_prefix p = { cut(before, 0, cases[i].prefix), 3, 5 };
		struct bytes row = { 0 };
		unsigned depth = 99;

		bytes_puts(&row, "before");
		assert_int_equal(squeeze_put(s, raw, cases[i].prefix ? &p : NULL, &row,
		    &depth), 0);
		assert_int_equal(depth, cases[i].depth);
		assert_memory_equal(row.p, "before", 6);
		bytes_shift(&row, 6);
		assert_true(row.len < raw.len);
		assert_true(!depth || row.len < 4000);
		assert_back(&row, depth ? p.raw : (struct slice){ NULL, 0 }, raw);
		bytes_fini(&row);
	}
	squeeze_free(s);
	squeeze_free(NULL);
}

static void
what_does_not_pay_stays_raw(void **state)
{
	struct squeeze *s = squeeze_new();
	const struct squeeze_prefix p = { cut(before, 0, 1000), 1, 0 };
	struct bytes row = { 0 };
	unsigned depth;

	(void)state;
	bytes_puts(&row, "x");
	assert_int_equal(squeeze_put(s, cut(noise, 0, 100000), NULL, &row, &depth),
	    SQUEEZE_NO);
	assert_int_equal(squeeze_put(s, cut(noise, 0, 100000), &p, &row, &depth),
	    SQUEEZE_NO);
	assert_int_equal(squeeze_put(s, cut(text, 0, 1), NULL, &row, &depth),
	    SQUEEZE_NO);
	assert_int_equal(row.len, 1);
	bytes_fini(&row);
	squeeze_free(s);
}

static void
a_prefix_that_does_not_pay_is_left_out(void **state)
{
	struct squeeze *s = squeeze_new();
	const struct squeeze_prefix p = { cut(noise, 0, 100000), 1, 0 };
	struct bytes row = { 0 }, plain = { 0 };
	unsigned depth;

	(void)state;
	assert_int_equal(squeeze_put(s, cut(text, 0, 100000), NULL, &plain, &depth), 0);
	assert_int_equal(squeeze_put(s, cut(text, 0, 100000), &p, &row, &depth), 0);
	assert_int_equal(depth, 0);
	assert_true(slice_eq(bytes_slice(&row), bytes_slice(&plain)));
	bytes_fini(&row);
	bytes_fini(&plain);
	squeeze_free(s);
}

/* What comes back, if anything does, is what went in. */
static void
try_undo(struct squeeze *s, const void *p, size_t n, struct slice prefix,
    struct slice raw)
{
	struct squeeze_head h;
	uint8_t *to;
	int rc;

	if (squeeze_head_get(&h, p, n) != 0)
		return;
	to = malloc(h.raw_len);
	rc = squeeze_undo(s, &h, prefix, to);
	assert_true(rc == SQUEEZE_CORRUPT ||
	    (rc == 0 && h.raw_len == raw.len && memcmp(to, raw.p, raw.len) == 0));
	free(to);
}

static void
damage_is_found(void **state)
{
	struct squeeze *s = squeeze_new();
	const struct slice raw = cut(text, 300, 5000);
	const struct squeeze_prefix p = { cut(before, 0, 4000), 300, 2 };
	struct bytes row = { 0 };
	unsigned depth;

	(void)state;
	assert_int_equal(squeeze_put(s, raw, &p, &row, &depth), 0);
	assert_int_equal(depth, 3);
	for (size_t n = 0; n < row.len; n++) {
		struct squeeze_head h;
		uint8_t to[5000];

		assert_true(squeeze_head_get(&h, guard_put(row.p, n), n) != 0 ||
		    squeeze_undo(s, &h, p.raw, to) == SQUEEZE_CORRUPT);
	}
	for (size_t bit = 0; bit < 8 * row.len; bit++) {
		row.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
		try_undo(s, guard_put(row.p, row.len), row.len, p.raw, raw);
		row.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	try_undo(s, row.p, row.len, cut(text, 1, 4000), raw);
	try_undo(s, row.p, row.len, cut(noise, 0, 4000), raw);
	try_undo(s, row.p, row.len, (struct slice){ NULL, 0 }, raw);
	bytes_putc(&row, 0);
	try_undo(s, row.p, row.len, p.raw, (struct slice){ "", 0 });
	bytes_fini(&row);
	squeeze_free(s);
}

static void
memory_of_contexts_is_bounded_and_given_back(void **state)
{
	const size_t had = heap_held();
	struct squeeze *s = squeeze_new();
	const size_t idle = heap_held() - had;
	const struct squeeze_prefix p = { cut(before, 0, 150000), 1, 0 };
	struct bytes row = { 0 };
	unsigned depth;

	(void)state;
	assert_true(idle <= 64);
	assert_int_equal(squeeze_put(s, cut(text, 0, 200000), &p, &row, &depth), 0);
	assert_back(&row, p.raw, cut(text, 0, 200000));
	bytes_fini(&row);
	assert_true(heap_held() - had < 2 * 1024 * 1024);
	squeeze_rest(s);
	assert_int_equal(heap_held() - had, idle);
	squeeze_rest(s);
	squeeze_free(s);
	assert_int_equal(heap_held(), had);
}

static int
fetch(void *arg, const struct group_at *at, struct bytes *row, bool *is_raw)
{
	(void)arg;
	fetched++;
	if (at->seq >= ROWS || at->side != 1 || !rows[at->seq].p)
		return -7;
	bytes_put(row, rows[at->seq].p, rows[at->seq].len);
	*is_raw = raw_rows[at->seq];
	return 0;
}

static const struct group_source source = { fetch, NULL };

static void
drop_rows(void)
{
	for (unsigned i = 0; i < ROWS; i++)
		bytes_fini(&rows[i]);
	memset(raw_rows, 0, sizeof(raw_rows));
}

/* Turn i of a conversation. */
static struct slice
turn(unsigned i)
{
	return cut(text, 0, 3000 + 1000 * i);
}

static struct slice
turn_before(unsigned i)
{
	return cut(before, 0, turn(i).len);
}

/* Turns 1 to n, each with the one before as its prefix; the first is raw or not. */
static void
make_chain(unsigned n, bool first_is_raw)
{
	struct squeeze *s = squeeze_new();
	unsigned depth = 0;

	drop_rows();
	for (unsigned i = 1; i <= n; i++) {
		const struct squeeze_prefix p = { turn_before(i - 1), 1, depth };

		if (i == 1 && (raw_rows[1] = first_is_raw)) {
			bytes_put_slice(&rows[1], turn(1));
			continue;
		}
		assert_int_equal(squeeze_put(s, turn(i), i > 1 ? &p : NULL, &rows[i],
		    &depth), 0);
		assert_int_equal(depth, i - 1);
	}
	squeeze_free(s);
}

static void
assert_got(struct group *g, unsigned i, bool want_new)
{
	const struct group_at at = { i, 1, 0 };
	struct slice raw;
	bool is_new;

	assert_int_equal(group_get(g, &source, &at, &raw, &is_new), 0);
	assert_true(slice_eq(raw, turn(i)));
	assert_int_equal(is_new, want_new);
}

static void
a_chain_is_undone_from_anywhere(void **state)
{
	(void)state;
	for (unsigned is_raw = 0; is_raw < 2; is_raw++) {
		struct group *g = group_new();

		make_chain(SQUEEZE_DEPTH_MAX + 1, is_raw);
		assert_got(g, SQUEEZE_DEPTH_MAX + 1, true);
		assert_got(g, SQUEEZE_DEPTH_MAX + 1, false);
		assert_got(g, 1, true);
		assert_got(g, 70, true);
		group_clear(g);
		fetched = 0;
		for (unsigned i = 1; i <= SQUEEZE_DEPTH_MAX + 1; i++)
			assert_got(g, i, true);
		/* In order: each row twice, at its head and for itself. */
		assert_true(fetched <= 2 * SQUEEZE_DEPTH_MAX + 1);
		group_free(g);
	}
	drop_rows();
}

static int
get_rc(unsigned seq)
{
	struct group *g = group_new();
	const struct group_at at = { seq, 1, 0 };
	struct slice raw;
	bool is_new;
	int rc = group_get(g, &source, &at, &raw, &is_new);

	group_free(g);
	return rc;
}

static void
a_missing_parent_is_a_fault(void **state)
{
	(void)state;
	make_chain(10, false);
	bytes_fini(&rows[4]);
	for (unsigned i = 1; i < 10; i++)
		assert_int_equal(get_rc(i), i < 4 ? 0 : -7);
	drop_rows();
}

static void
another_body_in_the_parents_place_is_a_fault(void **state)
{
	(void)state;
	make_chain(10, false);
	bytes_clear(&rows[4]);
	bytes_put_slice(&rows[4], cut(noise, 0, 7000));
	raw_rows[4] = true;
	assert_int_equal(get_rc(4), 0);
	for (unsigned i = 5; i < 10; i++)
		assert_int_equal(get_rc(i), GROUP_CORRUPT);
	bytes_clear(&rows[4]);
	assert_int_equal(get_rc(5), GROUP_CORRUPT);
	drop_rows();
}

/* A head of our own in front of the frame of rows[2]. */
static void
set_head(uint64_t raw_len, uint64_t back, uint64_t depth)
{
	struct squeeze_head h;
	struct bytes row = { 0 };

	assert_int_equal(squeeze_head_get(&h, rows[2].p, rows[2].len), 0);
	bytes_putc(&row, 1);
	bytes_put_varint(&row, raw_len);
	bytes_put_varint(&row, back);
	bytes_put_varint(&row, depth);
	bytes_put_slice(&row, h.frame);
	bytes_fini(&rows[2]);
	rows[2] = row;
}

static void
heads_that_lie_are_faults(void **state)
{
	static const struct {
		uint64_t raw_len, back, depth;
		int rc;
	} cases[] = {
		{ 5000, 1, 1, 0 },
		{ 5000, 1, 7, 0 },		/* what counts is the way itself */
		{ 5000, 2, 1, GROUP_CORRUPT },	/* there is no seq 0 */
		{ 5000, 3, 1, GROUP_CORRUPT },
		{ 5000, UINT64_MAX, 1, GROUP_CORRUPT },
		{ 5000, 0, 0, GROUP_CORRUPT },
		{ 5000, 0, 1, GROUP_CORRUPT },
		{ 5000, 1, 0, GROUP_CORRUPT },
		{ 5000, 1, SQUEEZE_DEPTH_MAX + 1, GROUP_CORRUPT },
		{ 4999, 1, 1, GROUP_CORRUPT },
		{ 5001, 1, 1, GROUP_CORRUPT },
		{ 0, 1, 1, GROUP_CORRUPT },
		{ SQUEEZE_RAW_MAX, 1, 1, GROUP_CORRUPT },
		{ SQUEEZE_RAW_MAX + 1, 1, 1, GROUP_CORRUPT },
		{ UINT64_MAX, 1, 1, GROUP_CORRUPT },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		make_chain(2, false);
		set_head(cases[i].raw_len, cases[i].back, cases[i].depth);
		assert_int_equal(get_rc(2), cases[i].rc);
	}
	drop_rows();
}

static void
a_way_that_is_too_long_is_a_fault(void **state)
{
	struct squeeze *s = squeeze_new();
	const struct squeeze_prefix p = { turn_before(SQUEEZE_DEPTH_MAX + 1), 1, 0 };
	unsigned depth;

	(void)state;
	make_chain(SQUEEZE_DEPTH_MAX + 1, false);
	assert_int_equal(squeeze_put(s, turn(0), &p, &rows[SQUEEZE_DEPTH_MAX + 2],
	    &depth), 0);
	assert_int_equal(get_rc(SQUEEZE_DEPTH_MAX + 1), 0);
	assert_int_equal(get_rc(SQUEEZE_DEPTH_MAX + 2), GROUP_CORRUPT);
	squeeze_free(s);
	drop_rows();
}

static void
what_is_forgotten_is_undone_again(void **state)
{
	struct group *g = group_new();
	const struct group_at at = { 3, 1, 0 };

	(void)state;
	make_chain(3, false);
	assert_got(g, 3, true);
	group_forget(g, &at);
	group_forget(g, &at);
	assert_got(g, 3, true);
	assert_got(g, 2, true);		/* it was a prefix, and nobody saw it */
	assert_got(g, 2, false);
	group_free(g);
	group_free(NULL);
	drop_rows();
}

/* Bodies of 8 MiB, of which no more than two fit. */
static void
what_is_held_is_bounded(void **state)
{
	const size_t had = heap_held();
	struct group *g = group_new();
	struct squeeze *s = squeeze_new();
	struct bytes big = { 0 }, last = { 0 };
	size_t with_rows;
	unsigned depth = 0;

	(void)state;
	while (big.len < SQUEEZE_RAW_MAX)
		bytes_put(&big, text, big.len + sizeof(text) <= SQUEEZE_RAW_MAX ?
		    sizeof(text) : SQUEEZE_RAW_MAX - big.len);
	for (unsigned i = 1; i <= 5; i++) {
		const struct squeeze_prefix p = { bytes_slice(&last), 1, depth };

		big.p[i] ^= i > 1;
		assert_int_equal(squeeze_put(s, bytes_slice(&big), i > 1 ? &p : NULL,
		    &rows[i], &depth), 0);
		bytes_clear(&last);
		bytes_put_slice(&last, bytes_slice(&big));
	}
	bytes_fini(&big);
	bytes_fini(&last);
	squeeze_rest(s);
	with_rows = heap_held();
	(void)heap_peak();
	for (unsigned i = 1; i <= 5; i++) {
		const struct group_at at = { i, 1, 0 };
		struct slice raw;
		bool is_new;

		assert_int_equal(group_get(g, &source, &at, &raw, &is_new), 0);
		assert_int_equal(raw.len, SQUEEZE_RAW_MAX);
	}
	/* The row takes half of a frame at most here, and twice that while it grows. */
	assert_true(heap_peak() - with_rows < GROUP_HELD_MAX + SQUEEZE_RAW_MAX);
	squeeze_free(s);
	group_free(g);
	drop_rows();
	assert_int_equal(heap_held(), had);
}

static void
each_allocation_may_fail(void **state)
{
	const struct group_at at = { 5, 1, 0 };
	bool goes_well = !heap_is_counted();

	(void)state;
	make_chain(5, false);
	for (long n = 0; !goes_well && n < 100; n++) {
		struct group *g;
		struct slice raw;
		bool is_new;
		int rc = GROUP_MEMORY;

		heap_fail_at(n);
		g = group_new();
		if (g)
			rc = group_get(g, &source, &at, &raw, &is_new);
		heap_fail_at(-1);
		assert_true(rc == GROUP_MEMORY ||
		    (rc == 0 && slice_eq(raw, turn(5))));
		goes_well = rc == 0;
		if (g && rc)
			assert_got(g, 5, true);
		group_free(g);
	}
	assert_true(goes_well);
	drop_rows();
}

static void
squeezing_without_memory_says_so(void **state)
{
	bool goes_well = !heap_is_counted();

	(void)state;
	for (long n = 0; !goes_well && n < 100; n++) {
		struct squeeze *s = squeeze_new();
		const struct squeeze_prefix p = { turn_before(1), 1, 0 };
		struct bytes row = { 0 };
		unsigned depth;
		int rc;

		heap_fail_at(n);
		rc = squeeze_put(s, turn(2), &p, &row, &depth);
		heap_fail_at(-1);
		/* The library says no more than that it made no frame. */
		assert_true(rc == 0 || rc == SQUEEZE_MEMORY || rc == SQUEEZE_NO);
		if (rc == 0)
			assert_back(&row, p.raw, turn(2));
		else
			assert_int_equal(row.len, 0);
		goes_well = rc == 0 && depth == 1;
		bytes_fini(&row);
		squeeze_free(s);
	}
	assert_true(goes_well);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_goes_in_comes_out),
		cmocka_unit_test(what_does_not_pay_stays_raw),
		cmocka_unit_test(a_prefix_that_does_not_pay_is_left_out),
		cmocka_unit_test(damage_is_found),
		cmocka_unit_test(memory_of_contexts_is_bounded_and_given_back),
		cmocka_unit_test(a_chain_is_undone_from_anywhere),
		cmocka_unit_test(a_missing_parent_is_a_fault),
		cmocka_unit_test(another_body_in_the_parents_place_is_a_fault),
		cmocka_unit_test(heads_that_lie_are_faults),
		cmocka_unit_test(a_way_that_is_too_long_is_a_fault),
		cmocka_unit_test(what_is_forgotten_is_undone_again),
		cmocka_unit_test(what_is_held_is_bounded),
		cmocka_unit_test(each_allocation_may_fail),
		cmocka_unit_test(squeezing_without_memory_says_so),
	};

	return cmocka_run_group_tests(tests, make_texts, NULL);
}
