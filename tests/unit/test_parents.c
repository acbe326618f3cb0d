#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "store/elements.h"
#include "store/parents.h"
#include "tests/unit/heap.h"

/* Elements as letters: "abc" is three. */
static struct elements
letters(const char *text, uint64_t head)
{
	struct elements e;

	elements_init(&e);
	e.n = strlen(text);
	e.head = head;
	e.each = malloc((e.n + 1) * sizeof(e.each[0]));
	assert_non_null(e.each);
	for (size_t i = 0; i < e.n; i++)
		e.each[i] = (uint64_t)text[i] * 0x9e3779b97f4a7c15;
	return e;
}

static void
put_n(struct parents *ps, uint64_t seq, const char *text, uint64_t after, size_t n)
{
	struct elements e = letters(text, 7);
	char *raw = malloc(n);
	const struct parent p = { seq, (unsigned)seq % 5, { raw, n } };

	assert_non_null(raw);
	memset(raw, (int)seq, n);
	parents_put(ps, &e, &p, after);
	free(raw);
	elements_fini(&e);
}

static void
put(struct parents *ps, uint64_t seq, const char *text)
{
	put_n(ps, seq, text, 0, 100);
}

/* The seq of the parent; 0: none. */
static uint64_t
found(const struct parents *ps, const char *text, uint64_t head)
{
	struct elements e = letters(text, head);
	const struct parent *p = parents_find(ps, &e);

	elements_fini(&e);
	if (!p)
		return 0;
	assert_int_equal(p->depth, p->seq % 5);
	for (size_t i = 0; i < p->raw.len; i++)
		assert_int_equal((uint8_t)p->raw.p[i], (uint8_t)p->seq);
	return p->seq;
}

static void
the_best_parent_is_found(void **state)
{
	static const struct {
		const char *text;
		uint64_t head, seq;
	} cases[] = {
		{ "abcd", 7, 2 },	/* one more turn */
		{ "abc", 7, 2 },	/* the same again */
		{ "abcd", 1, 2 },	/* another system line */
		{ "abxyz", 7, 4 },	/* a fork of a fork */
		{ "abx", 7, 4 },	/* a rewind */
		{ "abq", 7, 4 },	/* a rewind to where two went on: the latest */
		{ "pqrst", 7, 3 },	/* the other conversation */
		{ "9bcd", 7, 2 },	/* the first changes each turn */
		{ "9qrs", 7, 3 },
		{ "12", 7, 4 },		/* a history that was compacted: the latest */
		{ "", 7, 4 },
		{ "12", 1, 0 },		/* nobody's */
		{ "", 0, 0 },
		{ "ab", 0, 1 },
		{ "bc", 0, 0 },		/* begins like none */
	};
	struct parents *ps = parents_new(1 << 20);

	(void)state;
	assert_int_equal(found(ps, "abc", 7), 0);
	put(ps, 1, "a");
	put(ps, 2, "abc");
	put(ps, 3, "pqr");
	put(ps, 4, "abxy");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(found(ps, cases[i].text, cases[i].head),
		    cases[i].seq);
	parents_free(ps);
}

static void
of_two_alike_the_latest_is_found(void **state)
{
	struct parents *ps = parents_new(1 << 20);

	(void)state;
	put(ps, 1, "ab");
	put(ps, 2, "ab");
	assert_int_equal(found(ps, "abc", 7), 2);
	put(ps, 1, "ab");	/* put again: it is the one, and there once */
	assert_int_equal(found(ps, "abc", 7), 1);
	parents_free(ps);
}

static void
the_bound_holds_and_the_oldest_goes(void **state)
{
	enum { BOUND = 100 * 1000 };
	struct parents *ps = parents_new(BOUND);
	char text[3] = "";

	(void)state;
	for (uint64_t seq = 1; seq <= 200; seq++) {
		text[0] = (char)('A' + seq % 20);
		text[1] = (char)('A' + seq / 20);
		put_n(ps, seq, text, 0, 1000 * (1 + seq % 9));
		assert_int_equal(found(ps, text, 0), seq);
		assert_true(parents_held(ps) <= BOUND);
	}
	assert_true(parents_held(ps) > BOUND / 2);
	text[0] = 'A' + 1;
	text[1] = 'A';
	assert_int_equal(found(ps, text, 0), 0);
	put_n(ps, 201, "zz", 0, BOUND);		/* too large for itself */
	assert_int_equal(found(ps, "zz", 0), 0);
	assert_true(parents_held(ps) > BOUND / 2);
	parents_free(ps);
}

static void
who_has_a_child_goes_first(void **state)
{
	struct parents *ps = parents_new(16000);

	(void)state;
	put_n(ps, 1, "other", 0, 5000);
	put_n(ps, 2, "a", 0, 5000);
	put_n(ps, 3, "ab", 2, 5000);		/* the room that 2 had */
	assert_int_equal(found(ps, "a", 0), 0);
	assert_int_equal(found(ps, "other", 0), 1);
	assert_int_equal(found(ps, "abc", 0), 3);
	parents_free(ps);
}

static void
without_a_bound_nothing_is_kept(void **state)
{
	struct parents *ps = parents_new(0);

	(void)state;
	put(ps, 1, "ab");
	assert_int_equal(found(ps, "abc", 7), 0);
	assert_int_equal(parents_held(ps), 0);
	parents_free(ps);
	parents_free(NULL);
}

static void
many_small_ones_are_bounded_too(void **state)
{
	struct parents *ps = parents_new(64 << 20);
	char text[4] = "";
	size_t held;

	(void)state;
	for (uint64_t seq = 1; seq <= 3000; seq++) {
		text[0] = (char)('0' + seq % 10);
		text[1] = (char)('0' + seq / 10 % 10);
		text[2] = (char)('0' + seq / 100);
		put_n(ps, seq, text, 0, 10);
		if (seq == 2000)
			held = parents_held(ps);
	}
	assert_int_equal(parents_held(ps), held);
	assert_int_equal(found(ps, text, 0), 3000);
	parents_free(ps);
}

/* What is counted is what is allocated, and idle is nothing. */
static void
memory_is_what_is_said(void **state)
{
	const size_t before = heap_held();
	struct parents *ps = parents_new(1 << 20);
	const size_t idle = heap_held() - before;

	(void)state;
	assert_true(idle <= 128);
	for (uint64_t seq = 1; seq <= 300; seq++) {
		put_n(ps, seq, "abc", 0, 10000);
		assert_true(heap_held() - before - idle <=
		    parents_held(ps) + parents_held(ps) / 100);
	}
	if (heap_is_counted())
		assert_true(heap_held() - before - idle >= parents_held(ps));
	parents_clear(ps);
	assert_int_equal(heap_held() - before, idle);
	assert_int_equal(parents_held(ps), 0);
	put(ps, 1, "ab");
	assert_int_equal(found(ps, "ab", 7), 1);
	parents_free(ps);
	assert_int_equal(heap_held(), before);
}

static void
each_allocation_may_fail(void **state)
{
	(void)state;
	for (long n = 0; heap_is_counted() && n < 12; n++) {
		const size_t before = heap_held();
		struct elements e = letters("ab", 7);
		const struct parent p = { 1, 0, SLICE("raw") };
		struct parents *ps;

		heap_fail_at(n);
		ps = parents_new(1 << 20);
		if (ps) {
			parents_put(ps, &e, &p, 0);
			parents_put(ps, &e, &p, 0);
			(void)parents_find(ps, &e);
		}
		heap_fail_at(-1);
		parents_free(ps);
		elements_fini(&e);
		assert_int_equal(heap_held(), before);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_best_parent_is_found),
		cmocka_unit_test(of_two_alike_the_latest_is_found),
		cmocka_unit_test(the_bound_holds_and_the_oldest_goes),
		cmocka_unit_test(who_has_a_child_goes_first),
		cmocka_unit_test(without_a_bound_nothing_is_kept),
		cmocka_unit_test(many_small_ones_are_bounded_too),
		cmocka_unit_test(memory_is_what_is_said),
		cmocka_unit_test(each_allocation_may_fail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
