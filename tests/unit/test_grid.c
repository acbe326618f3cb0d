#include "tools/grid.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "tools/units.h"

static const struct grid_column columns[] = {
	{ "seq", NULL, GRID_RIGHT, GRID_KEEP, 0, 0 },
	{ "path", NULL, GRID_LEFT, GRID_CLIP_MIDDLE, 6, 0 },
	{ "cached", "cach", GRID_RIGHT, GRID_KEEP, 4, 1 },
	{ "model", NULL, GRID_LEFT, GRID_CLIP, 5, 2 },
};

static const char *const rows[][4] = {
	{ "9", "/v1/responses", "12", "gpt-5.4-mini" },
	{ "10", "/v1/m\xc3\xa1laga", "-", "-" },
	{ "11", "\xe6\xbc\xa2\xe5\xad\x97\x1b", "1234567", "o3" },
};

static char *
render(unsigned width, size_t n_rows)
{
	struct term term = { width, false };
	char *out;
	size_t len;
	FILE *f = open_memstream(&out, &len);
	struct grid *g = grid_new(columns, 4, &term, f);

	for (size_t r = 0; r < n_rows; r++) {
		for (int c = 0; c < 4; c++)
			grid_cell(g, (struct slice){ rows[r % 3][c],
			    strlen(rows[r % 3][c]) }, TERM_RED);
		grid_row(g);
		if (r == 0)
			grid_line(g, SLICE("-- 2 lost\n"), TERM_RED);
	}
	grid_flush(g);
	grid_free(g);
	fclose(f);
	return out;
}

static const struct {
	unsigned width;
	const char *out;
} cases[] = {
	{ 0,
	    "seq  path            cached  model\n"
	    "  9  /v1/responses       12  gpt-5.4-mini\n"
	    "-- 2 lost\\x0a\n"
	    " 10  /v1/m\xc3\xa1laga           -  -\n"
	    " 11  \xe6\xbc\xa2\xe5\xad\x97\\x1b       1234567  o3\n" },
	{ 39,	/* fits with narrow gaps */
	    "seq path           cached model\n"
	    "  9 /v1/responses      12 gpt-5.4-mini\n"
	    "-- 2 lost\\x0a\n"
	    " 10 /v1/m\xc3\xa1laga          - -\n"
	    " 11 \xe6\xbc\xa2\xe5\xad\x97\\x1b      1234567 o3\n" },
	{ 28,	/* cells are cut */
	    "seq path      cach model\n"
	    "  9 /v1\u2026es      12 gpt-5.4-\u2026\n"
	    "-- 2 lost\\x0a\n"
	    " 10 /v1\u2026ga       - -\n"
	    " 11 \xe6\xbc\xa2\u2026" "1b  1234567 o3\n" },
};

static void
rows_are_aligned_within_every_width(void **state)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *out = render(cases[i].width, 3);

		assert_string_equal(out, cases[i].out);
		free(out);
	}
}

static void
no_line_is_wider_than_the_terminal(void **state)
{
	for (unsigned width = 12; width < 60; width++) {
		char *out = render(width, 3), *save, *line;

		for (line = strtok_r(out, "\n", &save); line;
		    line = strtok_r(NULL, "\n", &save))
			assert_true(term_cells((struct slice){ line,
			    strlen(line) }) <= width);
		free(out);
	}
}

static void
columns_that_may_go_are_left_out_in_their_order(void **state)
{
	char *out = render(18, 3);

	assert_null(strstr(out, "cach"));
	assert_non_null(strstr(out, "model"));
	free(out);
	out = render(14, 3);
	assert_null(strstr(out, "model"));
	assert_non_null(strstr(out, "path"));
	free(out);
}

static void
more_rows_than_a_block_print_one_title_and_all_rows(void **state)
{
	char *out = render(0, 3 * GRID_BLOCK);
	size_t lines = 0, titles = 0;

	for (char *p = out; (p = strchr(p, '\n')); p++)
		lines++;
	for (char *p = out; (p = strstr(p, "model\n")); p++)
		titles++;
	assert_int_equal(titles, 1);
	assert_int_equal(lines, 3 * GRID_BLOCK + 2);
	free(out);
}

static void
one_endless_cell_does_not_push_the_others_apart(void **state)
{
	struct term term = { 0, false };
	char *out, *second, big[2000];
	size_t len;
	FILE *f = open_memstream(&out, &len);
	struct grid *g = grid_new(columns, 2, &term, f);

	memset(big, 'x', sizeof(big));
	grid_cell(g, SLICE("1"), TERM_PLAIN);
	grid_cell(g, (struct slice){ big, sizeof(big) }, TERM_PLAIN);
	grid_row(g);
	grid_cell(g, SLICE("2"), TERM_PLAIN);
	grid_cell(g, SLICE("/"), TERM_PLAIN);
	grid_row(g);
	grid_flush(g);
	grid_free(g);
	fclose(f);
	assert_true(len > sizeof(big));
	second = strstr(out, "  2  ");
	assert_non_null(second);
	assert_true(strlen(second) < 100);
	free(out);
}

static const struct {
	int64_t us;
	const char *out;
} durations[] = {
	{ -1, "-" }, { 0, "0us" }, { 999, "999us" }, { 1000, "1ms" },
	{ 999999, "999ms" }, { 1000000, "1.00s" }, { 9999999, "9.99s" },
	{ 59999999, "59.9s" }, { 60000000, "1m00s" }, { 3599999999, "59m59s" },
	{ 3600000000, "1h00m" }, { 86400000000, "24h00m" },
};

static void
durations_are_short(void **state)
{
	for (size_t i = 0; i < sizeof(durations) / sizeof(durations[0]); i++) {
		struct bytes b = { 0 };

		units_duration(&b, durations[i].us);
		bytes_putc(&b, 0);
		assert_string_equal((char *)b.p, durations[i].out);
		bytes_fini(&b);
	}
}

static void
milliseconds_and_sizes_are_exact(void **state)
{
	struct bytes b = { 0 };

	units_ms(&b, 12500);
	bytes_putc(&b, ' ');
	units_ms(&b, 42);
	bytes_putc(&b, ' ');
	units_ms(&b, 7000);
	bytes_puts(&b, "; ");
	units_size(&b, 1);
	bytes_puts(&b, "; ");
	units_size(&b, 104857600);
	bytes_puts(&b, "; ");
	units_iso(&b, -1);
	bytes_putc(&b, 0);
	assert_string_equal((char *)b.p, "12.5 0.042 7; 1 byte; "
	    "104 857 600 bytes (100.0 MiB); 1969-12-31T23:59:59.999999999Z");
	bytes_fini(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_are_aligned_within_every_width),
		cmocka_unit_test(no_line_is_wider_than_the_terminal),
		cmocka_unit_test(
		    columns_that_may_go_are_left_out_in_their_order),
		cmocka_unit_test(
		    more_rows_than_a_block_print_one_title_and_all_rows),
		cmocka_unit_test(
		    one_endless_cell_does_not_push_the_others_apart),
		cmocka_unit_test(durations_are_short),
		cmocka_unit_test(milliseconds_and_sizes_are_exact),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
