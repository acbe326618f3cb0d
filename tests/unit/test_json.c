#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "store/json.h"
#include "tests/unit/guard.h"

static struct slice
of(const char *s)
{
	return (struct slice){ s, strlen(s) };
}

static void
assert_slice(struct slice s, const char *want)
{
	if (!want) {
		assert_null(s.p);
		return;
	}
	assert_non_null(s.p);
	assert_int_equal(s.len, strlen(want));
	assert_memory_equal(s.p, want, s.len);
}

static const char *const valid[] = {
	"{}", "[]", "\"\"", "0", "-0", "12", "true", "false", "null", " [ ] ",
	"\t\n\r {\"a\" : [ 1 , 2.5e-3 , -0.0E+1 ] , \"b\":{\"c\":null}} \n",
	"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00Ef\"", "\"\x7f\xff\"", "1e5", "1.0E5",
	"[[[[[[]]]]]]", "{\"\":{\"\":0}}", "\xef\xbb\xbf[1]", "\xef\xbb\xbf 1",
	"[true,false,null,\"x\",{},[],0]", "\"long enough to be skipped by words\"",
	"\"0123456789abcdef\\n0123456789abcdef0123456789abcdef\"",
	"[1,-1,0.5,10,1.25e10]", "-1.5E-10 ",
};

static const char *const invalid[] = {
	"", " ", "{", "}", "[", "]", "[1,]", "[,]", "{,}", "{\"a\"}", "{\"a\":}",
	"{\"a\":1,}", "{\"a\" \"b\"}", "{\"a\":1 \"b\":2}", "{\"a\"::1}", "[1 2]",
	"[nul]", "nul", "trueish", "tru", "01", "-", "-a", "1.", "1.e1", ".5",
	"1.2.3", "1e", "1e+", "0x1", "+1", "1 2", "{}{}", "{]", "[}", "[1}",
	"{\"a\":1]", "\"", "\"\\", "\"\\x\"", "\"\\u12\"", "\"\\u123g\"", "\"a\nb\"",
	"\"\x01\"", "{1:2}", "{a:1}", "'a'", "{\"a\":1}x", "\xef\xbb", "\xef\xbb\xbe[]",
	" \xef\xbb\xbf[]", "\xbb", "\xef", "\xef\xbb\xbf", "//", "[1,2", "{\"a\":1",
	"{\"a\"", "{\"a\":", "NaN", "Infinity", "[\"a\",\"b\"", "{\"a\":1,\"b\"}",
	"{null:1}", "[1:2]", ",", ":", "\"abcdefghijklmnopqrstuvwxyz\x1f\"",
	"nullx", "[truefalse]", "00", "-01", "1e5.5", "\v1",
};

enum { N_VALID = sizeof(valid) / sizeof(valid[0]) };
enum { N_INVALID = sizeof(invalid) / sizeof(invalid[0]) };

static int
feed_in_three(struct json_scan *s, const char *p, size_t n, size_t a, size_t b)
{
	int rc = json_scan_feed(s, guard_put(p, a), a);

	rc |= json_scan_feed(s, guard_put(p + a, b - a), b - a);
	rc |= json_scan_feed(s, guard_put(p + b, n - b), n - b);
	return rc | json_scan_end(s);
}

static void
valid_text_is_taken_at_every_cut(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_VALID; i++) {
		struct json_scan *s = json_scan_new(NULL, 0);
		size_t n = strlen(valid[i]);

		assert_true(json_valid((struct slice){ guard_put(valid[i], n), n }));
		for (size_t a = 0; a <= n; a++) {
			for (size_t b = a; b <= n; b++) {
				json_scan_reset(s);
				assert_int_equal(feed_in_three(s, valid[i], n, a, b), 0);
			}
		}
		json_scan_free(s);
	}
}

static void
invalid_text_is_refused_at_every_cut(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_INVALID; i++) {
		struct json_scan *s = json_scan_new(NULL, 0);
		size_t n = strlen(invalid[i]);

		assert_false(json_valid((struct slice){
		    guard_put(invalid[i], n), n }));
		for (size_t a = 0; a <= n; a++) {
			for (size_t b = a; b <= n; b++) {
				json_scan_reset(s);
				assert_int_equal(feed_in_three(s, invalid[i], n, a, b), -1);
			}
		}
		json_scan_free(s);
	}
}

static void
bad_stays_bad_until_reset(void **state)
{
	struct json_scan *s = json_scan_new(NULL, 0);

	(void)state;
	assert_int_equal(json_scan_feed(s, "]", 1), -1);
	assert_int_equal(json_scan_feed(s, "{}", 2), -1);
	assert_int_equal(json_scan_feed(s, "", 0), -1);
	assert_int_equal(json_scan_end(s), -1);
	json_scan_reset(s);
	assert_int_equal(json_scan_feed(s, "{}", 2), 0);
	assert_int_equal(json_scan_end(s), 0);
	json_scan_free(s);
	json_scan_free(NULL);
}

/* open and close repeated depth times. */
static bool
nests(const char *open, const char *close, unsigned depth)
{
	struct bytes b = { 0 };
	bool ok;

	for (unsigned i = 0; i < depth; i++)
		bytes_puts(&b, open);
	bytes_puts(&b, "0");
	for (unsigned i = 0; i < depth; i++)
		bytes_puts(&b, close);
	ok = json_valid(bytes_slice(&b));
	bytes_fini(&b);
	return ok;
}

static void
nesting_is_bounded(void **state)
{
	(void)state;
	assert_true(nests("[", "]", JSON_DEPTH_MAX));
	assert_false(nests("[", "]", JSON_DEPTH_MAX + 1));
	assert_true(nests("{\"a\":", "}", JSON_DEPTH_MAX));
	assert_false(nests("{\"a\":", "}", JSON_DEPTH_MAX + 1));
	assert_true(nests("[{\"a\":", "}]", JSON_DEPTH_MAX / 2));
	assert_false(nests("[{\"a\":", "]}", 3));
}

static const struct json_want want[] = {
	{ "model", 12 }, { "response", 64 }, { "response.usage", 24 },
	{ "response.id", 12 }, { "a.b.c.d", 12 }, { "model", 4 }, { "a", 64 },
};

enum { N_WANT = 7 };
#define MISSING NULL
static const char over[] = "over";

static const struct {
	const char *text;
	const char *value[N_WANT];
} found[] = {
	{ "{}", { MISSING, MISSING, MISSING, MISSING, MISSING, MISSING, MISSING } },
	{ "{\"model\":\"m\"}",
	    { "\"m\"", MISSING, MISSING, MISSING, MISSING, "\"m\"", MISSING } },
	{ "{ \"model\" : 12 , \"x\":1}",
	    { "12", MISSING, MISSING, MISSING, MISSING, "12", MISSING } },
	{ "{\"mod\\u0065l\":null}",
	    { "null", MISSING, MISSING, MISSING, MISSING, "null", MISSING } },
	{ "{\"\\u006dodel\":true}",
	    { "true", MISSING, MISSING, MISSING, MISSING, "true", MISSING } },
	{ "{\"mode\\u006C\":[1,{\"model\":2}]}",
	    { over, MISSING, MISSING, MISSING, MISSING, over, MISSING } },
	{ "{\"mod\\u00e9l\":1,\"mod\\nel\":2,\"model \":3,\"mode\":4,\"\":5}",
	    { MISSING, MISSING, MISSING, MISSING, MISSING, MISSING, MISSING } },
	{ "{\"model\":\"long\"}",
	    { "\"long\"", MISSING, MISSING, MISSING, MISSING, over, MISSING } },
	/* The last duplicate wins, also over what was below the first. */
	{ "{\"model\":1,\"model\":2}",
	    { "2", MISSING, MISSING, MISSING, MISSING, "2", MISSING } },
	{ "{\"model\":\"much too long for it\",\"model\":2}",
	    { "2", MISSING, MISSING, MISSING, MISSING, "2", MISSING } },
	{ "{\"model\":2,\"model\":\"much too long for it\"}",
	    { over, MISSING, MISSING, MISSING, MISSING, over, MISSING } },
	{ "{\"response\":{\"usage\":1,\"id\":2},\"response\":{\"id\":3}}",
	    { MISSING, "{\"id\":3}", MISSING, "3", MISSING, MISSING, MISSING } },
	{ "{\"response\":{\"usage\":1},\"response\":7}",
	    { MISSING, "7", MISSING, MISSING, MISSING, MISSING, MISSING } },
	/* A value and one inside it. */
	{ "{\"response\":{\"usage\":{\"in\":[1, 2]},\"id\":\"r\"}}",
	    { MISSING, "{\"usage\":{\"in\":[1, 2]},\"id\":\"r\"}",
	    "{\"in\":[1, 2]}", "\"r\"", MISSING, MISSING, MISSING } },
	{ "{\"a\":{\"b\":{\"c\":{\"d\":{\"d\":[]},\"e\":1}}}}",
	    { MISSING, MISSING, MISSING, MISSING, "{\"d\":[]}", MISSING,
	    "{\"b\":{\"c\":{\"d\":{\"d\":[]},\"e\":1}}}" } },
	/* Not in arrays, not at other depths, not in strings. */
	{ "[{\"model\":1}]",
	    { MISSING, MISSING, MISSING, MISSING, MISSING, MISSING, MISSING } },
	{ "{\"response\":[{\"usage\":1}],\"x\":{\"model\":1}}",
	    { MISSING, "[{\"usage\":1}]", MISSING, MISSING, MISSING, MISSING,
	    MISSING } },
	{ "{\"a\":{\"b\":[{\"c\":{\"d\":1}}]}}",
	    { MISSING, MISSING, MISSING, MISSING, MISSING, MISSING,
	    "{\"b\":[{\"c\":{\"d\":1}}]}" } },
	{ "{\"a\":{\"a\":1,\"model\":2,\"response\":{\"id\":1}},\"b\":{\"c\":1}}",
	    { MISSING, MISSING, MISSING, MISSING, MISSING, MISSING,
	    "{\"a\":1,\"model\":2,\"response\":{\"id\":1}}" } },
	{ "{\"a.b.c.d\":1,\"response.usage\":1,\"x\":\"\\\"model\\\":1\"}",
	    { MISSING, MISSING, MISSING, MISSING, MISSING, MISSING, MISSING } },
	{ "{\"a\":[{\"b\":1}],\"a\":{\"b\":{\"c\":{\"d\":-1.5e1}}}}",
	    { MISSING, MISSING, MISSING, MISSING, "-1.5e1", MISSING,
	    "{\"b\":{\"c\":{\"d\":-1.5e1}}}" } },
	/* Keys longer than any that can match. */
	{ "{\"0123456789012345678901234567890123456789012345678901234567890123"
	    "456789\":1,\"model\":2}",
	    { "2", MISSING, MISSING, MISSING, MISSING, "2", MISSING } },
};

static void
check_found(const struct json_scan *s, size_t i)
{
	for (size_t k = 0; k < N_WANT; k++) {
		const char *v = found[i].value[k];

		assert_int_equal(json_scan_over(s, k), v == over);
		assert_slice(json_scan_raw(s, k), v == over ? NULL : v);
	}
	assert_null(json_scan_raw(s, N_WANT).p);
	assert_false(json_scan_over(s, N_WANT));
}

static void
wanted_values_are_found_at_every_cut(void **state)
{
	struct json_scan *s = json_scan_new(want, N_WANT);

	(void)state;
	for (size_t i = 0; i < sizeof(found) / sizeof(found[0]); i++) {
		size_t n = strlen(found[i].text);

		for (size_t a = 0; a <= n; a++) {
			for (size_t b = a; b <= n; b++) {
				json_scan_reset(s);
				assert_int_equal(feed_in_three(s, found[i].text, n, a,
				    b), 0);
				check_found(s, i);
			}
		}
	}
	json_scan_free(s);
}

static void
a_value_is_there_only_once_it_is_complete(void **state)
{
	struct json_scan *s = json_scan_new(want, N_WANT);
	static const char text[] = "{\"response\":{\"id\":12},";

	(void)state;
	for (size_t n = 0; n < sizeof(text); n++) {
		json_scan_reset(s);
		json_scan_feed(s, text, n);
		assert_slice(json_scan_raw(s, 3), n >= 21 ? "12" : NULL);
		assert_slice(json_scan_raw(s, 1), n >= 21 ? "{\"id\":12}" : NULL);
	}
	json_scan_free(s);
}

static void
all_wants_may_be_taken(void **state)
{
	struct json_want many[JSON_WANT_MAX];
	struct json_scan *s;

	(void)state;
	for (size_t i = 0; i < JSON_WANT_MAX; i++)
		many[i] = (struct json_want){ i % 2 ? "x" : "y", 8 };
	s = json_scan_new(many, JSON_WANT_MAX);
	assert_int_equal(json_scan_feed(s, "{\"x\":1,\"y\":[]}", 14), 0);
	for (size_t i = 0; i < JSON_WANT_MAX; i++)
		assert_slice(json_scan_raw(s, i), i % 2 ? "1" : "[]");
	json_scan_free(s);
}

static const struct {
	const char *raw;
	const char *path;
	const char *value;
} get_table[] = {
	{ "{\"a\":1}", "a", "1" },
	{ " {\"a\": \"x\" } ", "a", "\"x\"" },
	{ "{\"a\":{\"b\":[1,{\"c\":2}]}}", "a.b", "[1,{\"c\":2}]" },
	{ "{\"a\":{\"b\":{\"c\":null}}}", "a.b.c", "null" },
	{ "{\"\\u0061\":1}", "a", "1" },
	{ "{\"\\u00e1\":1}", "\xc3\xa1", "1" },
	{ "{\"a\":1,\"a\":2}", "a", "2" },
	{ "{\"a\":{\"b\":1},\"a\":{}}", "a.b", NULL },
	{ "{\"x\":[{\"a\":1}],\"a\":\"a\"}", "a", "\"a\"" },
	{ "{\"a\":[{\"b\":1}]}", "a.b", NULL },
	{ "{\"a\":\"b\"}", "b", NULL },
	{ "{\"a\":1}", "a.b", NULL },
	{ "{\"a\":1}", "", NULL },
	{ "{\"\":1}", "", "1" },
	{ "{}", "a", NULL },
	{ "[]", "a", NULL },
	{ "\"a\"", "a", NULL },
	{ "", "a", NULL },
	{ "{\"a\":1", "a", NULL },
	{ "{\"a\"}", "a", NULL },
	{ "{\"a\":1 \"b\":2}", "b", NULL },
	{ "{\"a\":1}{\"b\":2}", "a", NULL },
	{ "{\"a\":::1}", "a", NULL },
	{ "{\"a\":nul}", "a", NULL },
	{ "{\"b\":{\"x\":1},\"a\":{\"x\":2}}", "a.x", "2" },
};

static void
get_finds_what_is_there_and_takes_no_junk(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(get_table) / sizeof(get_table[0]); i++) {
		size_t n = strlen(get_table[i].raw);
		struct slice raw = { guard_put(get_table[i].raw, n), n };

		assert_slice(json_get(raw, get_table[i].path), get_table[i].value);
	}
	assert_null(json_get((struct slice){ NULL, 0 }, "a").p);
}

/* {"a":[0,0,...],"b":7} */
static struct slice
get_b_behind(unsigned n_zeros, struct bytes *b)
{
	bytes_clear(b);
	bytes_puts(b, "{\"a\":[0");
	for (unsigned i = 1; i < n_zeros; i++)
		bytes_puts(b, ",0");
	bytes_puts(b, "],\"b\":7}");
	return json_get(bytes_slice(b), "b");
}

static void
get_takes_4096_tokens_and_no_more(void **state)
{
	struct bytes b = { 0 };

	(void)state;
	assert_slice(get_b_behind(10, &b), "7");
	assert_slice(get_b_behind(1000, &b), "7");
	assert_slice(get_b_behind(4096 - 5, &b), "7");	/* {, "a", [, "b", 7 */
	assert_slice(get_b_behind(4096 - 4, &b), NULL);
	bytes_fini(&b);
}

static const struct {
	const char *raw;
	bool ok;
	int64_t v;
} ints[] = {
	{ "0", true, 0 }, { "-0", true, 0 }, { "12", true, 12 }, { "-12", true, -12 },
	{ "12.0", true, 12 }, { "1.2e1", true, 12 }, { "1.20E+1", true, 12 },
	{ "120e-1", true, 12 }, { "0.0012e4", true, 12 }, { " 7 ", true, 7 },
	{ "1000e-3", true, 1 }, { "0e999999999999999999999", true, 0 },
	{ "0.000e-99999999999999999999", true, 0 },
	{ "9223372036854775807", true, INT64_MAX },
	{ "-9223372036854775808", true, INT64_MIN },
	{ "9223372036854775808", false, 0 }, { "-9223372036854775809", false, 0 },
	{ "18446744073709551616", false, 0 }, { "99999999999999999999", false, 0 },
	{ "1e18", true, 1000000000000000000 }, { "1e19", false, 0 },
	{ "1e99999999999999999999", false, 0 }, { "1e-99999999999999999", false, 0 },
	{ "1.5", false, 0 }, { "12.01", false, 0 }, { "1.2e0", false, 0 },
	{ "0.1", false, 0 }, { "10e-2", false, 0 },
	{ "100000000000000000000000000000e-29", true, 1 },
	{ "1.00000000000000000000000000001", false, 0 },
	{ "", false, 0 }, { "-", false, 0 }, { "01", false, 0 }, { "1.", false, 0 },
	{ "\"1\"", false, 0 }, { "true", false, 0 }, { "null", false, 0 },
	{ "[1]", false, 0 }, { "1 2", false, 0 }, { "+1", false, 0 },
	{ "1x", false, 0 }, { "1e", false, 0 }, { "--1", false, 0 },
};

static void
integers_are_exact_or_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(ints) / sizeof(ints[0]); i++) {
		size_t n = strlen(ints[i].raw);
		int64_t v = 77;

		assert_int_equal(json_int((struct slice){
		    guard_put(ints[i].raw, n), n }, &v), ints[i].ok);
		assert_int_equal(v, ints[i].ok ? ints[i].v : 77);
	}
}

#define FFFD "\xef\xbf\xbd"

static const struct {
	const char *raw;
	const char *text;	/* NULL: refused */
} texts[] = {
	{ "\"\"", "" }, { "\"abc\"", "abc" },
	{ "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\b\f\n\r\t" },
	{ "\"\\u0041\\u00e9\\u20ac\"", "A\xc3\xa9\xe2\x82\xac" },
	{ "\"\\ud83d\\ude00\"", "\xf0\x9f\x98\x80" },
	{ "\"\\uDBFF\\uDFFF\"", "\xf4\x8f\xbf\xbf" },
	{ "\"\\ud83d\"", FFFD }, { "\"\\ude00\"", FFFD },
	{ "\"\\ud83dx\"", FFFD "x" }, { "\"\\ud83d\\n\"", FFFD "\n" },
	{ "\"\\ud83d\\u0041\"", FFFD "A" }, { "\"\\ud83d\\ud83d\\ude00\"",
	    FFFD "\xf0\x9f\x98\x80" },
	{ "\"\xc3\xa9\xf0\x9f\x98\x80\"", "\xc3\xa9\xf0\x9f\x98\x80" },
	{ "\"\x80\"", FFFD }, { "\"\xc3\"", FFFD }, { "\"\xc0\xaf\"", FFFD FFFD },
	{ "\"\xed\xa0\x80\"", FFFD FFFD FFFD }, { "\"\xe2\x82\"", FFFD },
	{ "\"\xe2\x82x\"", FFFD "x" }, { "\"\xf0\x9f\x98\"", FFFD },
	{ "\"\xf5\x80\x80\x80\"", FFFD FFFD FFFD FFFD },
	{ "\"\xf4\x90\x80\x80\"", FFFD FFFD FFFD FFFD },
	{ "\"\xe0\x80\x80\"", FFFD FFFD FFFD }, { "\"\xf0\x80\"", FFFD FFFD },
	{ "\"\xff\"", FFFD }, { "\"\x7f\"", "\x7f" },
	{ "", NULL }, { "\"", NULL }, { "abc", NULL }, { "\"a", NULL },
	{ "12", NULL }, { "\"a\"b\"", NULL }, { "\"\\\"", NULL }, { "\"\\q\"", NULL },
	{ "\"\\u12\"", NULL }, { "\"\\u12g4\"", NULL }, { "\"ab\\", NULL },
	{ "\"a\nb\"", NULL }, { "\"\\u\"", NULL },
};

static void
strings_give_their_text_or_nothing(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		size_t n = strlen(texts[i].raw);
		struct bytes out = { 0 };

		bytes_puts(&out, "<");
		assert_int_equal(json_text((struct slice){
		    guard_put(texts[i].raw, n), n }, &out), texts[i].text != NULL);
		bytes_putc(&out, 0);
		assert_string_equal((char *)out.p + 1,
		    texts[i].text ? texts[i].text : "");
		bytes_fini(&out);
	}
}

static const struct {
	struct slice text;
	const char *raw;
} put_table[] = {
	{ { "", 0 }, "\"\"" },
	{ { NULL, 0 }, "\"\"" },
	{ { "a\"b\\c/d", 7 }, "\"a\\\"b\\\\c/d\"" },
	{ { "\b\f\n\r\t\0\x1f", 7 }, "\"\\b\\f\\n\\r\\t\\u0000\\u001f\"" },
	{ { "\x7f\xc2\x80\xc2\x9f\xc2\xa0", 7 },
	    "\"\\u007f\\u0080\\u009f\xc2\xa0\"" },
	{ { "\xe2\x80\xa8\xe2\x80\xa9\xe2\x80\xaa", 9 },
	    "\"\\u2028\\u2029\xe2\x80\xaa\"" },
	{ { "\xf0\x9f\x98\x80", 4 }, "\"\xf0\x9f\x98\x80\"" },
	{ { "a\xff\xc3", 3 }, "\"a" FFFD FFFD "\"" },
};

static void
strings_are_written_escaped(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(put_table) / sizeof(put_table[0]); i++) {
		struct slice s = put_table[i].text;
		struct bytes out = { 0 };

		if (s.p)
			s.p = guard_put(s.p, s.len);
		json_put_string(&out, s);
		assert_slice(bytes_slice(&out), put_table[i].raw);
		assert_true(json_valid(bytes_slice(&out)));
		bytes_fini(&out);
	}
}

static void
every_character_comes_back_as_it_went(void **state)
{
	(void)state;
	for (uint32_t c = 0; c < 0x110000; c += c < 0x3000 ? 1 : 0x101) {
		struct bytes raw = { 0 }, text = { 0 }, again = { 0 };
		char pair[32];

		if (c >= 0xd800 && c < 0xe000)
			continue;
		if (c < 0x10000)
			snprintf(pair, sizeof(pair), "\"\\u%04x\"", (unsigned)c);
		else
			snprintf(pair, sizeof(pair), "\"\\u%04x\\u%04x\"",
			    (unsigned)(0xd800 + ((c - 0x10000) >> 10)),
			    (unsigned)(0xdc00 + (c & 0x3ff)));
		assert_true(json_text(of(pair), &text));
		json_put_string(&raw, bytes_slice(&text));
		assert_true(json_text(bytes_slice(&raw), &again));
		assert_true(slice_eq(bytes_slice(&text), bytes_slice(&again)));
		bytes_fini(&raw);
		bytes_fini(&text);
		bytes_fini(&again);
	}
}

static void
kinds_are_told_apart(void **state)
{
	(void)state;
	assert_true(json_is_string(of("\"\"")));
	assert_false(json_is_string(of("\"")));
	assert_false(json_is_string(of("1")));
	assert_false(json_is_string((struct slice){ NULL, 0 }));
	assert_true(json_is_null(of("null")));
	assert_true(json_is_null((struct slice){ NULL, 0 }));
	assert_false(json_is_null(of("\"null\"")));
	assert_false(json_is_null(of("")));
}

static const struct {
	const char *raw;
	const char *pretty;
	bool ok;
} pretty_table[] = {
	{ "{\"a\":1,\"b\":[1,2,{}],\"c\":{\"d\":\"x,]\\\"y\"}}",
	    "{\n  \"a\": 1,\n  \"b\": [\n    1,\n    2,\n    {}\n  ],\n  \"c\": {\n"
	    "    \"d\": \"x,]\\\"y\"\n  }\n}", true },
	{ " [ ] ", "[]", true }, { "[\n\n]", "[]", true }, { "{ }", "{}", true },
	{ "\"a\\\\\"", "\"a\\\\\"", true }, { " -1.5e3 ", "-1.5e3", true },
	{ "[true\t,null]", "[\n  true,\n  null\n]", true },
	{ "\xef\xbb\xbf{\"a\":1}", "\xef\xbb\xbf{\n  \"a\": 1\n}", true },
	{ "{\"a\":}", "{\"a\":}", false }, { "", "", false }, { "x", "x", false },
	{ "[1,2", "[1,2", false },
};

static void
pretty_indents_json_and_leaves_the_rest(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(pretty_table) / sizeof(pretty_table[0]); i++) {
		size_t n = strlen(pretty_table[i].raw);
		struct bytes out = { 0 };

		assert_int_equal(json_pretty((struct slice){
		    guard_put(pretty_table[i].raw, n), n }, 2, &out),
		    pretty_table[i].ok);
		assert_slice(bytes_slice(&out), pretty_table[i].pretty);
		bytes_fini(&out);
	}
}

static void
pretty_of_deep_text_stays_in_bounds(void **state)
{
	struct bytes deep = { 0 }, out = { 0 };
	unsigned n = 20000;

	(void)state;
	for (unsigned i = 0; i < JSON_DEPTH_MAX; i++)
		bytes_putc(&deep, '[');
	for (unsigned i = 0; i < n; i++)
		bytes_puts(&deep, i ? ",0" : "0");
	for (unsigned i = 0; i < JSON_DEPTH_MAX; i++)
		bytes_putc(&deep, ']');
	assert_true(json_pretty(bytes_slice(&deep), 2, &out));
	assert_true(out.len < (n + 2 * JSON_DEPTH_MAX) *
	    (2 * JSON_INDENT_MAX + 4ul));
	assert_true(json_valid(bytes_slice(&out)));
	bytes_fini(&deep);
	bytes_fini(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(valid_text_is_taken_at_every_cut),
		cmocka_unit_test(invalid_text_is_refused_at_every_cut),
		cmocka_unit_test(bad_stays_bad_until_reset),
		cmocka_unit_test(nesting_is_bounded),
		cmocka_unit_test(wanted_values_are_found_at_every_cut),
		cmocka_unit_test(a_value_is_there_only_once_it_is_complete),
		cmocka_unit_test(all_wants_may_be_taken),
		cmocka_unit_test(get_finds_what_is_there_and_takes_no_junk),
		cmocka_unit_test(get_takes_4096_tokens_and_no_more),
		cmocka_unit_test(integers_are_exact_or_refused),
		cmocka_unit_test(strings_give_their_text_or_nothing),
		cmocka_unit_test(strings_are_written_escaped),
		cmocka_unit_test(every_character_comes_back_as_it_went),
		cmocka_unit_test(kinds_are_told_apart),
		cmocka_unit_test(pretty_indents_json_and_leaves_the_rest),
		cmocka_unit_test(pretty_of_deep_text_stays_in_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
