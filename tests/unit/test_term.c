#include "tools/term.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/guard.h"
#include "tools/utf8.h"

#define S(literal) { (literal), sizeof(literal) - 1 }

static const struct {
	struct slice in;
	const char *out;
	size_t cells;
} cases[] = {
	{ S("plain text"), "plain text", 10 },
	{ S("\x1b[2J"), "\\x1b[2J", 7 },
	{ S("a\0b"), "a\\x00b", 6 },
	{ S("\r\n\t\x07\x7f"), "\\x0d\\x0a\\x09\\x07\\x7f", 20 },
	{ S("\xc2\x9b" "31m"), "\\x9b31m", 7 },		/* C1 CSI */
	{ S("\xe2\x80\xae"), "\\u202e", 6 },
	{ S("\xe2\x81\xa6\xe2\x81\xa9"), "\\u2066\\u2069", 12 },
	{ S("\xe2\x80\x8e\xe2\x80\x8f"), "\\u200e\\u200f", 12 },
	{ S("\xe2\x80\xa8"), "\\u2028", 6 },
	{ S("\xf3\xa0\x81\x81"), "\\U000e0041", 10 },	/* invisible tag */
	{ S("\xff\xfe"), "\\xff\\xfe", 8 },
	{ S("\xc0\xaf"), "\\xc0\\xaf", 8 },		/* overlong */
	{ S("\xed\xa0\x80"), "\\xed\\xa0\\x80", 12 },	/* surrogate */
	{ S("\xf4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80", 16 },
	{ S("\xe2\x82"), "\\xe2\\x82", 8 },		/* cut */
	{ S("M\xc3\xa1laga"), "M\xc3\xa1laga", 6 },
	{ S("\xe6\xbc\xa2\xe5\xad\x97"), "\xe6\xbc\xa2\xe5\xad\x97", 4 },
	{ S("e\xcc\x81"), "e\xcc\x81", 1 },
	{ S("\xf0\x9f\x98\x80"), "\xf0\x9f\x98\x80", 2 },
	{ S(""), "", 0 },
};

enum { CASES = sizeof(cases) / sizeof(cases[0]) };

static void
harmful_text_is_made_visible_and_the_rest_is_kept(void **state)
{
	for (size_t i = 0; i < CASES; i++) {
		struct slice in = cases[i].in;
		struct bytes b = { 0 };

		in.p = guard_put(in.p, in.len);
		term_put(&b, in);
		assert_int_equal(b.len, strlen(cases[i].out));
		assert_memory_equal(b.p ? (char *)b.p : "", cases[i].out, b.len);
		assert_int_equal(term_cells(bytes_slice(&b)), cases[i].cells);
		bytes_fini(&b);
	}
}

static bool
is_harmless(const uint8_t *p, size_t n)
{
	uint32_t cp;

	for (size_t i = 0; i < n; ) {
		int len = utf8_next(p + i, n - i, &cp);

		if (len <= 0 || (utf8_is_hostile(cp) && cp != '\n' && cp != '\t'))
			return false;
		i += (size_t)len;
	}
	return true;
}

/* Bytes with many high ones, so that sequences of all lengths and faults occur. */
static void
fill(uint8_t *p, size_t n)
{
	static const uint8_t rare[] = { 0x1b, 0xe2, 0x80, 0xae, 0xf0, 0x9f, 0xc2,
		0x9b, '\r', '\n', 0xed, 0xa0, 0xff, 0 };

	for (size_t i = 0; i < n; i++)
		p[i] = rand() % 3 ? rare[(size_t)rand() % sizeof(rare)] :
		    (uint8_t)rand();
}

static void
whatever_comes_in_what_goes_out_is_harmless(void **state)
{
	uint8_t in[64];

	srand(1);
	for (int round = 0; round < 5000; round++) {
		size_t n = (size_t)rand() % sizeof(in);
		struct bytes b = { 0 };

		fill(in, n);
		term_put(&b, (struct slice){ (char *)in, n });
		assert_true(is_harmless(b.p, b.len));
		bytes_fini(&b);
	}
}

static void
clipped_text_never_takes_more_than_its_cells(void **state)
{
	static const struct slice in = S("/v1/\xe6\xbc\xa2\xe5\xad\x97/e\xcc\x81"
	    "/\xf0\x9f\x98\x80tail");

	for (size_t cells = 0; cells < 24; cells++) {
		for (int tail = 0; tail < 2; tail++) {
			struct bytes b = { 0 };

			term_clip(&b, in, cells, tail);
			assert_true(term_cells(bytes_slice(&b)) <= cells);
			assert_true(is_harmless(b.p, b.len));
			if (term_cells(in) <= cells)
				assert_true(slice_eq(bytes_slice(&b), in));
			bytes_fini(&b);
		}
	}
}

static void
both_ends_stay_when_the_middle_is_cut(void **state)
{
	struct bytes b = { 0 };

	term_clip(&b, SLICE("/v1/responses"), 10, true);
	assert_memory_equal(b.p, "/v1/r\u2026nses", b.len);
	bytes_clear(&b);
	term_clip(&b, SLICE("gpt-5.4-mini"), 8, false);
	assert_memory_equal(b.p, "gpt-5.4\u2026", b.len);
	bytes_fini(&b);
}

/* What term_text makes of p[0..n) in pieces of `piece` bytes. */
static void
run_text(const uint8_t *p, size_t n, size_t piece, char **out, size_t *len)
{
	FILE *f = open_memstream(out, len);
	struct term_text t;

	term_text_init(&t, f, 2);
	for (size_t i = 0; i < n; i += piece)
		term_text_feed(&t, guard_put(p + i, n - i < piece ? n - i :
		    piece), n - i < piece ? n - i : piece);
	term_text_end(&t);
	fclose(f);
}

static void
text_in_any_pieces_prints_the_same(void **state)
{
	char *whole, *cut;
	size_t whole_len, cut_len;
	uint8_t in[40];

	srand(2);
	for (int round = 0; round < 500; round++) {
		fill(in, sizeof(in));
		run_text(in, sizeof(in), sizeof(in), &whole, &whole_len);
		assert_true(is_harmless((uint8_t *)whole, whole_len));
		for (size_t piece = 1; piece < 8; piece++) {
			run_text(in, sizeof(in), piece, &cut, &cut_len);
			assert_int_equal(cut_len, whole_len);
			assert_memory_equal(cut, whole, cut_len);
			free(cut);
		}
		free(whole);
	}
}

static void
lines_are_indented_and_the_last_one_ended(void **state)
{
	static const char in[] = "a: b\r\n\r\n\tc\rd";
	char *out;
	size_t len;

	run_text((const uint8_t *)in, sizeof(in) - 1, 3, &out, &len);
	assert_string_equal(out, "  a: b\n\n  \tc\\x0dd\n");
	free(out);
}

static void
colour_is_off_where_nobody_sees_it(void **state)
{
	struct term t;
	FILE *f = tmpfile();

	term_look(&t, fileno(f));
	assert_int_equal(t.width, 0);
	assert_false(t.has_colour);
	assert_string_equal(term_on(&t, TERM_RED), "");
	assert_string_equal(term_off(&t), "");
	fclose(f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    harmful_text_is_made_visible_and_the_rest_is_kept),
		cmocka_unit_test(whatever_comes_in_what_goes_out_is_harmless),
		cmocka_unit_test(clipped_text_never_takes_more_than_its_cells),
		cmocka_unit_test(both_ends_stay_when_the_middle_is_cut),
		cmocka_unit_test(text_in_any_pieces_prints_the_same),
		cmocka_unit_test(lines_are_indented_and_the_last_one_ended),
		cmocka_unit_test(colour_is_off_where_nobody_sees_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
