#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "store/bytes.h"
#include "store/elements.h"
#include "tests/unit/guard.h"

static const char full[] = "\xef\xbb\xbf{ \"model\" : \"gpt-5\",\r\n"
    "\"instructions\":\"be \\\"good\\\" ]}\", \"tools\":[{\"a\":[1,2]},{}],"
    "\"input\":[{\"role\":\"user\",\"content\":\"a,b]\"} , \"two\",3,[4,[5]],null\n],"
    "\"nested\":{\"input\":[6],\"model\":\"x\"},\"stream\":true}";

static struct elements
read_cut(const char *p, size_t n, size_t cut)
{
	struct elements e;

	elements_init(&e);
	elements_feed(&e, guard_put(p, cut), cut);
	elements_feed(&e, guard_put(p + cut, n - cut), n - cut);
	return e;
}

static struct elements
read_text(const char *text)
{
	return read_cut(text, strlen(text), 0);
}

static void
assert_same(const struct elements *a, const struct elements *b)
{
	assert_int_equal(a->head, b->head);
	assert_int_equal(a->n, b->n);
	assert_memory_equal(a->each, b->each, a->n * sizeof(a->each[0]));
}

static void
every_cut_gives_the_same(void **state)
{
	struct elements whole = read_text(full), one;

	(void)state;
	assert_int_equal(whole.n, 5);
	assert_true(whole.head != 0);
	for (size_t cut = 0; cut < sizeof(full); cut++) {
		struct elements e = read_cut(full, sizeof(full) - 1, cut);

		assert_same(&e, &whole);
		elements_fini(&e);
	}
	elements_init(&one);
	for (size_t i = 0; i + 1 < sizeof(full); i++)
		elements_feed(&one, guard_put(full + i, 1), 1);
	assert_same(&one, &whole);
	elements_fini(&one);
	elements_fini(&whole);
}

static void
a_longer_history_begins_with_the_same_elements(void **state)
{
	static const char *const turns[] = {
		"{\"input\":[{\"a\":1}]}",
		"{\"input\":[{\"a\":1},\n  {\"b\":\"]\"}\n ]}",
		"{\"stream\":true,\"input\":[ {\"a\":1} ,{\"b\":\"]\"},3]}",
		"{\"messages\":[{\"a\":1},{\"b\":\"]\"},3, 4.5e1 ]}",
	};
	struct elements last = { 0 };

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		struct elements e = read_text(turns[i]);

		assert_int_equal(e.n, i + 1);
		assert_int_equal(e.head, 0);
		for (size_t k = 0; k < last.n; k++)
			assert_int_equal(e.each[k], last.each[k]);
		for (size_t k = 0; k + 1 < e.n; k++)
			assert_true(e.each[k] != e.each[k + 1]);
		elements_fini(&last);
		last = e;
	}
	elements_fini(&last);
}

static void
the_agent_is_the_same_in_any_order_of_keys(void **state)
{
	static const struct {
		const char *text;
		bool same;
	} cases[] = {
		{ "{\"tools\":[1,{\"x\":2}],\"instructions\":\"i\",\"model\":\"m\"}", true },
		{ "{\"a\":1,\"instructions\":\"i\",\"input\":[7],\"model\":\"m\","
		    "\"tools\": [1,{\"x\":2}] }", true },
		{ "{\"model\":\"n\",\"instructions\":\"i\",\"tools\":[1,{\"x\":2}]}", false },
		{ "{\"model\":\"i\",\"instructions\":\"m\",\"tools\":[1,{\"x\":2}]}", false },
		{ "{\"model\":\"m\",\"instructions\":\"i\",\"tools\":[1,{\"x\":3}]}", false },
		{ "{\"model\":\"m\",\"instructions\":\"i\"}", false },
		{ "{\"models\":\"m\",\"instructions\":\"i\",\"tools\":[1,{\"x\":2}]}", false },
	};
	struct elements want = read_text(
	    "{\"model\":\"m\",\"instructions\":\"i\",\"tools\":[1,{\"x\":2}]}");

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct elements e = read_text(cases[i].text);

		assert_int_equal(e.head == want.head, cases[i].same);
		elements_fini(&e);
	}
	elements_fini(&want);
}

static void
what_is_no_object_has_none(void **state)
{
	static const char *const texts[] = {
		"", " ", "[1,2]", "null", "\"input\"", "{", "{}", "{]", "{\"input\"",
		"{\"input\":", "{\"input\":[", "{\"input\":[]}", "{\"input\"x[1,2]}",
		"{\"input\":[1", "{\"input\":[}", "x{\"input\":[1,2]}",
		"{\"a\":{\"input\":[1]}}", "{\"a\":1}{\"input\":[1]}",
		"{\"a_key_that_is_longer_than_all_input\":[1,2]}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct elements e = read_text(texts[i]);

		assert_int_equal(e.n, 0);
		assert_int_equal(e.head, 0);
		elements_fini(&e);
	}
}

static void
a_string_is_one_element(void **state)
{
	struct elements a = read_text("{\"input\":\"hello\",\"model\":1}");
	struct elements b = read_text("{\"model\":1,\"input\" : \"hello\" }");

	(void)state;
	assert_int_equal(a.n, 1);
	assert_same(&a, &b);
	elements_fini(&a);
	elements_fini(&b);
}

static void
memory_is_bounded(void **state)
{
	struct elements e;
	const char *step = "{\"n\":0},";

	(void)state;
	elements_init(&e);
	elements_feed(&e, "{\"input\":[", 10);
	for (size_t i = 0; i < 3 * ELEMENTS_MAX; i++)
		elements_feed(&e, step, strlen(step));
	assert_int_equal(e.n, ELEMENTS_MAX);
	assert_int_equal(e.cap, ELEMENTS_MAX);
	elements_feed(&e, "],\"model\":1}", 12);
	assert_true(e.head != 0);
	elements_fini(&e);
	elements_feed(&e, full, sizeof(full) - 1);
	assert_int_equal(e.n, 0);
}

static void
the_rolling_hash_tells_order_and_number(void **state)
{
	uint64_t none = 0, a = elements_roll(none, 1), b = elements_roll(none, 2);

	(void)state;
	assert_true(a != b && a != none);
	assert_true(elements_roll(a, 2) != elements_roll(b, 1));
	assert_true(elements_roll(none, 0) != none);
	assert_true(elements_roll(elements_roll(none, 0), 0) !=
	    elements_roll(none, 0));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_cut_gives_the_same),
		cmocka_unit_test(a_longer_history_begins_with_the_same_elements),
		cmocka_unit_test(the_agent_is_the_same_in_any_order_of_keys),
		cmocka_unit_test(what_is_no_object_has_none),
		cmocka_unit_test(a_string_is_one_element),
		cmocka_unit_test(memory_is_bounded),
		cmocka_unit_test(the_rolling_hash_tells_order_and_number),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
