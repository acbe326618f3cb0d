#include "store/history.h"

#include "tests/unit/scene_line.h"
#include "tests/unit/store_fixture.h"

/* A line: SEQ BEGIN END STATUS RETRY INPUT [CLIENT [ENCODING]]; times in ms, each
 * letter of INPUT an element; a "!" makes the input one string.  What follows is
 * "SEQ>AFTER/FIRST " for each, as history_read tells it, AFTER 0 left out. */
struct scene {
	const char *sentence, *calls, *says;
};

static const struct scene scenes[] = {
	{ "a call goes on after the one whose input it begins with",
	  "1 0 9 200 0 a\n" "2 10 19 200 0 abc\n" "3 20 29 200 0 abcd\n",
	  "1/1 2>1/1 3>2/1 " },
	{ "of several it is the longest",
	  "1 0 9 200 0 ab\n" "2 10 19 200 0 a\n" "3 20 29 200 0 abcd\n",
	  "1/1 2/2 3>1/1 " },
	{ "an input that goes back is a fork",
	  "1 0 9 200 0 a\n" "2 10 19 200 0 abc\n" "3 20 29 200 0 axy\n",
	  "1/1 2>1/1 3>1/1 " },
	{ "another input is another trace",
	  "1 0 9 200 0 ab\n" "2 10 19 200 0 xb\n" "3 20 29 200 0 xby\n",
	  "1/1 2/2 3>2/2 " },
	{ "the same input again is a beginning of its own",
	  "1 0 9 200 0 a\n" "2 10 19 200 0 abc\n" "3 20 29 200 0 a\n"
	  "4 30 39 200 0 abd\n", "1/1 2>1/1 3/3 4>3/3 " },
	{ "of the same input the latest that was over",
	  "1 0 9 200 0 a\n" "2 1 99 200 0 a\n" "3 20 29 200 0 abc\n",
	  "1/1 2/2 3>1/1 " },
	{ "what had no answer leads nowhere",
	  "1 0 9 429 0 a\n" "2 10 19 200 0 abc\n", "1/1 2/2 " },
	{ "what is made again belongs to what failed",
	  "1 0 9 429 0 a\n" "2 10 19 200 1 a\n" "3 20 29 200 0 abc\n",
	  "1/1 2/1 3>2/1 " },
	{ "and is not made again when it is not said to be",
	  "1 0 9 429 0 a\n" "2 10 19 200 0 a\n", "1/1 2/2 " },
	{ "another client is another client, another connection is not",
	  "1 0 9 200 0 a\n" "2 10 19 200 0 ab 10.0.0.9:1\n"
	  "3 20 29 200 0 ac 127.0.0.1:9\n", "1/1 2/2 3>1/1 " },
	{ "an input that is one string has no history",
	  "1 0 9 200 0 !\n" "2 10 19 200 0 !\n", "1/1 2/2 " },
	{ "a coded body is not read",
	  "1 0 9 200 0 a\n" "2 10 19 200 0 ab - gzip\n", "1/1 2/2 " },
};

static void
put_body(struct writer *w, const struct line *l, struct exchange *x)
{
	struct bytes b = { 0 };
	const char *input = l->w[5];

	bytes_puts(&b, "{\"model\":\"m\",\"input\":");
	if (input[0] == '!') {
		bytes_puts(&b, "\"hello\"");
	} else {
		for (size_t i = 0; input[i]; i++)
			bytes_printf(&b, "%s{\"text\":\"%c\"}", i ? "," : "[",
			    input[i]);
		bytes_putc(&b, ']');
	}
	bytes_putc(&b, '}');
	assert_false(b.failed);
	x->request.kept_bytes = x->request.body_bytes = (int64_t)b.len;
	assert_int_equal(writer_put_part(w, x->seq, SIDE_REQUEST_BODY, 0, b.p,
	    b.len), 0);
	bytes_fini(&b);
}

static void
put_call(struct writer *w, const struct line *l)
{
	struct exchange x;
	char id[80];

	exchange_init(&x);
	x.seq = (uint64_t)number(l, 0);
	x.time_ns = number(l, 1) * 1000000;
	x.timing.end = (number(l, 2) - number(l, 1)) * 1000;
	x.status = number(l, 3);
	x.retry_count = number(l, 4);
	x.outcome = OUTCOME_COMPLETE;
	x.endpoint = ENDPOINT_RESPONSES_CREATE;
	x.client = word(l, 6).p ? word(l, 6) : SLICE("127.0.0.1:1000");
	x.request.encoding = word(l, 7);
	snprintf(id, sizeof(id), "resp_%s", l->w[0]);
	if (x.status == 200)
		x.response_id = (struct slice){ id, strlen(id) };
	put_body(w, l, &x);
	assert_int_equal(writer_put_exchange(w, &x), 0);
}

static void
must_say(const struct scene *s)
{
	struct history_call v[16];
	const char *text = s->calls;
	struct writer *w = open_writer();
	struct bytes says = { 0 };
	struct reader *r;
	struct line l;
	size_t n = 0;
	bool cut;

	for (; next_line(&text, &l); n++) {
		put_call(w, &l);
		v[n].seq = (uint64_t)number(&l, 0);
	}
	assert_int_equal(writer_close(w), 0);
	assert_int_equal(reader_open(&r, dir), 0);
	assert_int_equal(history_read(r, v, n, &cut), 0);
	assert_false(cut);
	for (size_t i = 0; i < n; i++) {
		bytes_printf(&says, "%d", (int)v[i].seq);
		if (v[i].after > 0)
			bytes_printf(&says, ">%d", (int)v[i].after);
		bytes_printf(&says, "/%d ", (int)v[v[i].first].seq);
	}
	bytes_putc(&says, 0);
	if (strcmp((char *)says.p, s->says) != 0)
		fail_msg("%s: %s, not %s", s->sentence, (char *)says.p, s->says);
	bytes_fini(&says);
	reader_close(r);
}

static void
every_rule_of_histories_holds(void **state)
{
	for (size_t i = 0; i < sizeof(scenes) / sizeof(scenes[0]); i++) {
		make_top(state);
		must_say(&scenes[i]);
		remove_top(state);
	}
}

/* Bodies longer than a piece, and calls that are gone. */
static void
long_histories_are_read_to_their_ends(void **state)
{
	enum { ELEMENTS = 900, TURNS = 4 };
	struct history_call v[TURNS + 1] = { { .seq = 1 } };
	struct writer *w = open_writer();
	struct bytes b = { 0 };
	struct reader *r;
	bool cut;

	for (int t = 0; t < TURNS; t++) {
		struct exchange x;
		size_t part = writer_part_bytes(w);

		bytes_clear(&b);
		bytes_puts(&b, "{\"input\":");
		for (int i = 0; i < ELEMENTS + 10 * t; i++)
			bytes_printf(&b, "%c{\"i\":%d,\"fill\":\"%0300d\"}",
			    i ? ',' : '[', i, i);
		bytes_puts(&b, "]}");
		exchange_init(&x);
		x.seq = (uint64_t)t + 2;
		x.time_ns = t;
		x.status = 200;
		x.response_id = SLICE("resp");
		x.outcome = OUTCOME_COMPLETE;
		x.endpoint = ENDPOINT_RESPONSES_CREATE;
		x.request.kept_bytes = (int64_t)b.len;
		for (size_t off = 0; off < b.len; off += part)
			assert_int_equal(writer_put_part(w, x.seq,
			    SIDE_REQUEST_BODY, (uint32_t)(off / part), b.p + off,
			    b.len - off < part ? b.len - off : part), 0);
		assert_int_equal(writer_put_exchange(w, &x), 0);
		v[t + 1].seq = x.seq;
	}
	assert_int_equal(writer_close(w), 0);
	assert_int_equal(reader_open(&r, dir), 0);
	assert_int_equal(history_read(r, v, TURNS + 1, &cut), 0);
	assert_int_equal(v[0].after, 0);
	assert_int_equal(v[1].after, 0);
	for (int t = 1; t < TURNS; t++)
		assert_int_equal(v[t + 1].after, t + 1);
	assert_int_equal(history_read(r, v, 0, &cut), 0);
	reader_close(r);
	bytes_fini(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_rule_of_histories_holds),
		STORE_TEST(long_histories_are_read_to_their_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
