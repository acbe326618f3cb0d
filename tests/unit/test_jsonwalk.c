#include "tools/jsonwalk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/guard.h"
#include "tools/pretty.h"

static const char *const good[] = {
	"{}", "[]", "null", "true", "false", "0", "-1.5e+10", "\"\"",
	"\"\\u00e9\\n\\\\\"", "{\"a\":[1,{\"b\":\"}\"},[]],\"c\":{}}",
	"[[],{},[[1],2]]", "\"M\xc3\xa1laga\"", "{\"\":-0}",
};

static const char *const bad[] = {
	"", " ", "{", "[1,]", "{\"a\":}", "{\"a\" 1}", "{a:1}", "[1 2]", "01",
	"-", "1.", "1e", ".5", "tru", "truefalse", "\"\n\"", "\"\\x\"",
	"\"\\u12g4\"", "\"abc", "\"\xff\"", "\"\xc0\xaf\"", "[}", "{]", "[1]]",
	"{\"a\":1,}", "nullx", "+1", "{,}", "[,]", "\x01",
};

enum {
	GOOD = sizeof(good) / sizeof(good[0]),
	BAD = sizeof(bad) / sizeof(bad[0]),
};

static struct slice
text(const char *s)
{
	return (struct slice){ guard_put(s, strlen(s)), strlen(s) };
}

static void
valid_json_is_made_compact(void **state)
{
	for (size_t i = 0; i < GOOD; i++) {
		struct bytes b = { 0 };

		assert_true(jsonwalk_compact(text(good[i]), &b));
		assert_int_equal(b.len, strlen(good[i]));
		assert_memory_equal(b.p, good[i], b.len);
		bytes_fini(&b);
	}
}

static void
what_is_no_json_is_refused_and_leaves_nothing(void **state)
{
	struct bytes b = { 0 };

	for (size_t i = 0; i < BAD; i++) {
		assert_false(jsonwalk_compact(text(bad[i]), &b));
		assert_int_equal(b.len, 0);
	}
	assert_false(jsonwalk_compact((struct slice){ NULL, 0 }, &b));
}

static void
every_prefix_of_a_container_is_refused(void **state)
{
	const char *s = "{\"a\":[1,{\"b\":\"\\u00e9\"},true],\"c\":-1.5}";
	struct bytes b = { 0 };

	for (size_t n = 0; n < strlen(s); n++)
		assert_false(jsonwalk_compact((struct slice){ guard_put(s, n),
		    n }, &b));
	bytes_fini(&b);
}

static void
nesting_is_bounded(void **state)
{
	char deep[4 * JSON_DEPTH_MAX];
	struct bytes b = { 0 };

	memset(deep, '[', JSON_DEPTH_MAX);
	memset(deep + JSON_DEPTH_MAX, ']', JSON_DEPTH_MAX);
	assert_true(jsonwalk_compact((struct slice){ deep, 2 * JSON_DEPTH_MAX },
	    &b));
	bytes_clear(&b);
	memset(deep, '[', JSON_DEPTH_MAX + 1);
	memset(deep + JSON_DEPTH_MAX + 1, ']', JSON_DEPTH_MAX + 1);
	assert_false(jsonwalk_compact((struct slice){ deep,
	    2 * JSON_DEPTH_MAX + 2 }, &b));
	bytes_fini(&b);
}

static void
members_and_elements_come_one_by_one(void **state)
{
	struct slice raw = SLICE(" { \"a\" : 1 , \"b\":[2, 3],\"a\":\"x\" } ");
	struct slice key, value;
	struct jsonwalk w;
	int n = 0;

	assert_true(slice_eq(jsonwalk_get(raw, "a"), SLICE("\"x\"")));
	assert_true(slice_eq(jsonwalk_get(raw, "b"), SLICE("[2, 3]")));
	assert_null(jsonwalk_get(raw, "c").p);
	assert_null(jsonwalk_get(SLICE("[1]"), "a").p);
	assert_null(jsonwalk_get((struct slice){ NULL, 0 }, "a").p);
	assert_true(jsonwalk_begin(&w, jsonwalk_get(raw, "b")));
	while (jsonwalk_next(&w, &key, &value)) {
		assert_null(key.p);
		assert_int_equal(value.p[0], '2' + n++);
	}
	assert_int_equal(n, 2);
	assert_false(w.failed);
}

/* ---- pretty */

static void
indent(const char *s, size_t piece, struct bytes *b)
{
	struct pretty p;
	size_t len = strlen(s);

	bytes_clear(b);
	pretty_init(&p);
	for (size_t i = 0; i < len; i += piece) {
		size_t n = len - i < piece ? len - i : piece;

		pretty_feed(&p, guard_put(s + i, n), n, b);
	}
}

static void
json_is_indented(void **state)
{
	struct bytes b = { 0 };

	indent("{\"a\":[1,{\"b\":\"x:y,{\"},[],{}],\n \"c\":-1.50}", 100, &b);
	bytes_putc(&b, 0);
	assert_string_equal((char *)b.p,
	    "{\n  \"a\": [\n    1,\n    {\n      \"b\": \"x:y,{\"\n    },\n"
	    "    [],\n    {}\n  ],\n  \"c\": -1.50\n}");
	bytes_fini(&b);
}

static void
indented_json_is_the_same_json_in_any_pieces(void **state)
{
	struct bytes a = { 0 }, b = { 0 }, c = { 0 };

	for (size_t i = 0; i < GOOD; i++) {
		indent(good[i], 1000, &a);
		for (size_t piece = 1; piece < 6; piece++) {
			indent(good[i], piece, &b);
			assert_true(slice_eq(bytes_slice(&a), bytes_slice(&b)));
		}
		bytes_clear(&c);
		assert_true(jsonwalk_compact(bytes_slice(&a), &c));
		assert_true(slice_eq(bytes_slice(&c), (struct slice){ good[i],
		    strlen(good[i]) }));
	}
	bytes_fini(&a);
	bytes_fini(&b);
	bytes_fini(&c);
}

/* Every byte but white space outside of strings comes out, in order. */
static void
what_is_no_json_is_never_lost(void **state)
{
	static const char *const odd[] = {
		"plain words, with  spaces", "{\"a\":1} trailing text",
		"}", "[1]]", "{\"a\" \"b\"", "[tru e]", "<html>\n<p>", "\"open",
		"{\"cut\": \"in the mid",
	};
	struct bytes b = { 0 };

	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
		const char *s = odd[i];

		indent(s, 3, &b);
		for (size_t k = 0; k < b.len; k++) {
			while (*s == ' ' && b.p[k] != ' ')
				s++;
			if (*s && b.p[k] == (uint8_t)*s)
				s++;
			else
				assert_true(b.p[k] == ' ' || b.p[k] == '\n');
		}
		assert_int_equal(*s, 0);
	}
	bytes_fini(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(valid_json_is_made_compact),
		cmocka_unit_test(what_is_no_json_is_refused_and_leaves_nothing),
		cmocka_unit_test(every_prefix_of_a_container_is_refused),
		cmocka_unit_test(nesting_is_bounded),
		cmocka_unit_test(members_and_elements_come_one_by_one),
		cmocka_unit_test(json_is_indented),
		cmocka_unit_test(indented_json_is_the_same_json_in_any_pieces),
		cmocka_unit_test(what_is_no_json_is_never_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
