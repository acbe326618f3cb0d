#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "store/sse.h"
#include "tests/unit/guard.h"

/* Events as "[name|data]" one behind the other; "~" where data was empty. */
struct heard {
	struct bytes data;
	struct bytes all;
	uint64_t total;
	size_t widest;
};

static void
on_data(void *arg, const char *p, size_t n)
{
	struct heard *h = arg;

	assert_true(n > 0);
	h->total += n;
	h->widest = n > h->widest ? n : h->widest;
	if (h->data.len < 4096)
		bytes_put(&h->data, p, n);
}

static void
on_event(void *arg, struct slice name)
{
	struct heard *h = arg;

	bytes_putc(&h->all, '[');
	bytes_put_slice(&h->all, name);
	bytes_putc(&h->all, '|');
	bytes_put(&h->all, h->data.p, h->data.len);
	bytes_putc(&h->all, ']');
	bytes_clear(&h->data);
}

static const struct sse_sink sink = { on_data, on_event };

static const struct {
	const char *stream;
	const char *events;
} table[] = {
	{ "", "" },
	{ "\n\n\n", "" },
	{ "data: a\n\n", "[message|a]" },
	{ "data:a\n\n", "[message|a]" },
	{ "data:  a\n\n", "[message| a]" },
	{ "data\n\n", "[message|]" },
	{ "data:\n\n", "[message|]" },
	{ "data: \n\n", "[message|]" },
	{ "data\ndata\n\n", "[message|\n]" },
	{ "data: a\ndata: b\ndata:\n\n", "[message|a\nb\n]" },
	{ "event: e\ndata: a\n\ndata: b\n\n", "[e|a][message|b]" },
	{ "data: a\nevent: late\n\n", "[late|a]" },
	{ "event: e\nevent: f\ndata: a\n\n", "[f|a]" },
	{ "event: e\nevent\ndata: a\n\n", "[message|a]" },
	{ "event: e\n\ndata: a\n\n", "[message|a]" },
	{ ": comment\n:\n:data: no\ndata: a\n\n", "[message|a]" },
	{ "data: a\r\n\r\ndata: b\r\n\r\n", "[message|a][message|b]" },
	{ "data: a\r\rdata: b\r\r", "[message|a][message|b]" },
	{ "data: a\r\n\rdata: b\n\r\ndata: c\r\n\n",
	    "[message|a][message|b][message|c]" },
	{ "data: a\n\r\n\ndata: b\r\n\r", "[message|a][message|b]" },
	{ "\xef\xbb\xbf" "data: a\n\n", "[message|a]" },
	{ "\xef\xbb\xbf\xef\xbb\xbf" "data: a\n\n", "" },
	{ "\xef\xbb" "data: a\n\ndata: b\n\n", "[message|b]" },
	{ "\xef\xbb", "" },
	{ "\xef\n\ndata: b\n\n", "[message|b]" },
	{ "\ndata: a\n\xef\xbb\xbf\n\n", "[message|a]" },
	{ "id: 1\nretry: 5\ndata2: x\ndatum\ndat: y\nDATA: z\ndata : q\n\n", "" },
	{ "eventually-long-field: x\ndata: a\n\n", "[message|a]" },
	{ "data: [DONE]\n\n", "[message|[DONE]]" },
	{ "data: a:b: c\n\n", "[message|a:b: c]" },
	/* The end of the stream ends lines and events. */
	{ "data: a", "[message|a]" },
	{ "data: a\n", "[message|a]" },
	{ "data", "[message|]" },
	{ "event: e\ndata: a\n\nevent: f", "[e|a]" },
	{ "event: e\r\ndata: a\r", "[e|a]" },
	{ "data: a\nda", "[message|a]" },
};

enum { N_TABLE = sizeof(table) / sizeof(table[0]) };

static void
expect(struct heard *h, const char *events)
{
	bytes_putc(&h->all, 0);
	assert_string_equal((char *)h->all.p, events);
	bytes_fini(&h->all);
	bytes_fini(&h->data);
}

static void
every_stream_of_the_table_gives_its_events(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_TABLE; i++) {
		struct heard h = { 0 };
		size_t n = strlen(table[i].stream);
		struct sse s;

		sse_init(&s, &sink, &h);
		sse_feed(&s, guard_put(table[i].stream, n), n);
		sse_end(&s);
		expect(&h, table[i].events);
	}
}

static void
every_cut_gives_the_same_events(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_TABLE; i++) {
		size_t n = strlen(table[i].stream);

		for (size_t a = 0; a <= n; a++) {
			for (size_t b = a; b <= n; b++) {
				const char *p = table[i].stream;
				struct heard h = { 0 };
				struct sse s;

				sse_init(&s, &sink, &h);
				sse_feed(&s, guard_put(p, a), a);
				sse_feed(&s, guard_put(p + a, b - a), b - a);
				sse_feed(&s, guard_put(p + b, n - b), n - b);
				sse_end(&s);
				expect(&h, table[i].events);
			}
		}
	}
}

static void
the_end_is_the_same_as_two_line_ends(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_TABLE; i++) {
		struct heard h = { 0 };
		struct sse s;

		sse_init(&s, &sink, &h);
		sse_feed(&s, table[i].stream, strlen(table[i].stream));
		if (s.after_cr)
			sse_feed(&s, "\n", 1);
		sse_feed(&s, "\n\n", 2);
		expect(&h, table[i].events);
	}
}

static void
after_the_end_a_new_stream_may_come(void **state)
{
	struct heard h = { 0 };
	struct sse s;

	(void)state;
	sse_init(&s, &sink, &h);
	sse_feed(&s, "event: e\ndata: a\r", 17);
	sse_end(&s);
	sse_feed(&s, "\xef\xbb\xbf" "data: b\n\n", 12);
	sse_end(&s);
	sse_end(&s);
	expect(&h, "[e|a][message|b]");
}

static void
long_event_names_are_cut(void **state)
{
	char line[400] = "event:";
	struct heard h = { 0 };
	struct sse s;

	(void)state;
	memset(line + 6, 'x', 300);
	strcpy(line + 306, "\ndata: a\n\n");
	for (size_t cut = 0; cut < 306; cut += 61) {
		sse_init(&s, &sink, &h);
		sse_feed(&s, line, cut);
		sse_feed(&s, line + cut, strlen(line) - cut);
		assert_int_equal(h.all.len, SSE_NAME_MAX + 4);
		bytes_clear(&h.all);
	}
	bytes_fini(&h.all);
	bytes_fini(&h.data);
}

static void
a_line_of_100_megabytes_passes_in_the_pieces_it_came_in(void **state)
{
	static char piece[16 * 1024];
	struct heard h = { 0 };
	struct sse s;

	(void)state;
	memset(piece, 'x', sizeof(piece));
	sse_init(&s, &sink, &h);
	sse_feed(&s, "data: ", 6);
	for (unsigned i = 0; i < 6400; i++)
		sse_feed(&s, piece, sizeof(piece));
	assert_int_equal(h.all.len, 0);
	sse_feed(&s, "\n\n", 2);
	assert_int_equal(h.total, 6400 * sizeof(piece));
	assert_true(h.widest <= sizeof(piece));
	assert_true(h.all.len > 0);
	bytes_fini(&h.all);
	bytes_fini(&h.data);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_stream_of_the_table_gives_its_events),
		cmocka_unit_test(every_cut_gives_the_same_events),
		cmocka_unit_test(the_end_is_the_same_as_two_line_ends),
		cmocka_unit_test(after_the_end_a_new_stream_may_come),
		cmocka_unit_test(long_event_names_are_cut),
		cmocka_unit_test(a_line_of_100_megabytes_passes_in_the_pieces_it_came_in),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
