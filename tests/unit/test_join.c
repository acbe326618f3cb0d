#include "tests/unit/join_scene.h"

#include "store/join_thread.h"

/* ---- what came of it */

static void
say_call(struct bytes *b, const struct join_call *c)
{
	static const char *const how[] = { "?", "id", "time", "attempt" };

	bytes_printf(b, " %d:%s%s", (int)c->seq, how[c->how],
	    c->flags & CALL_COUNTS ? "+" : "");
}

static void
say_span(struct bytes *b, const struct join *j, uint32_t i)
{
	static const char *const place[] = { "", "", "orphan ", "cut " };
	const struct tree_node *node = &j->node[i];
	const struct join_span *s = &j->span[i];

	bytes_printf(b, "%*s%s%.*s", (int)node->depth, "", place[node->place],
	    (int)node->id.len, node->id.p);
	if (s->twin != TREE_NONE)
		bytes_printf(b, " =%.*s", (int)j->node[s->twin].id.len,
		    j->node[s->twin].id.p);
	for (uint32_t k = s->first_call; k != TREE_NONE; k = j->call[k].next)
		say_call(b, &j->call[k]);
	bytes_putc(b, '\n');
}

static void
say_join(struct bytes *b, const struct join *j)
{
	uint32_t heads[] = { j->tree.first_root, j->tree.first_orphan };

	for (unsigned h = 0; h < 2; h++)
		for (uint32_t i = heads[h]; i != TREE_NONE;
		    i = tree_next(j->node, i))
			say_span(b, j, i);
	if (j->first_loose != TREE_NONE)
		bytes_puts(b, "loose");
	for (uint32_t k = j->first_loose; k != TREE_NONE; k = j->call[k].next)
		say_call(b, &j->call[k]);
	bytes_printf(b, "%scalls %zu in %d errors %zu\n",
	    j->first_loose != TREE_NONE ? "\n" : "", j->totals.calls,
	    (int)j->totals.usage.input, j->totals.errors);
}

/* ---- one rule at a time */

static void
put_scene(const char *text)
{
	struct writer *w = open_writer();
	struct line l;

	while (next_line(&text, &l)) {
		if (l.w[0][0] == 'x')
			put_exchange_line(w, &l);
		else
			put_span_line(w, &l, 1000);
	}
	assert_int_equal(writer_close(w), 0);
}

static void
say(struct bytes *b, const char *trace)
{
	struct reader *r;
	struct join *j;
	uint64_t seq = strtoull(trace, NULL, 10);
	int rc;

	assert_int_equal(reader_open(&r, dir), 0);
	rc = seq > 0 ? join_thread(&j, r, seq) :
	    join_trace(&j, r, (struct slice){ trace, strlen(trace) });
	if (rc == 0)
		say_join(b, j);
	else
		bytes_printf(b, "%s\n", reader_strerror(rc));
	bytes_putc(b, 0);
	join_free(j);
	reader_close(r);
}

struct rule {
	const char *sentence;
	const char *scene;
	const char *of;		/* a trace, or the number of an exchange */
	const char *tree;
};

static void
must_hold(const struct rule *r)
{
	struct bytes b = { 0 };
	void *state = NULL;

	make_top(&state);
	put_scene(r->scene);
	say(&b, r->of);
	if (strcmp((char *)b.p, r->tree) != 0)
		fail_msg("%s:\n%s-- not\n%s", r->sentence, (char *)b.p, r->tree);
	bytes_fini(&b);
	remove_top(&state);
}

#define AGENT "t T w\n" "s T a - agent 0 1000 -\n"

static const struct rule rules[] = {
	{ "a span has the exchange of its response id",
	  AGENT "s T r a response 100 200 resp_1\n"
	  "x 1 110 190 create 200 0 A resp_1\n",
	  "T", "a\n r 1:id+\ncalls 1 in 1 errors 0\n" },
	{ "the id counts more than the time",
	  AGENT "s T r a response 100 200 resp_1\n"
	  "s T p a response 700 800 resp_3\n"
	  "x 1 500 600 create 200 0 A resp_1\n"
	  "x 2 110 190 create 200 0 B resp_2\n"
	  "x 3 710 790 create 200 0 C resp_3\n",
	  "T", "a\n r 1:id+\n p 3:id+\nloose 2:?+\ncalls 2 in 4 errors 0\n" },
	{ "polls and resumed streams belong to it and count once",
	  AGENT "s T r a response 100 900 resp_1\n"
	  "x 1 110 120 create 202 0 A resp_1\n"
	  "x 2 200 210 poll 202 0 - resp_1\n"
	  "x 3 300 310 poll 200 0 - resp_1\n"
	  "x 4 400 410 stream 200 0 - resp_1\n"
	  "x 5 5000 5010 poll 200 0 - resp_1\n",
	  "T", "a\n r 1:id 2:id 3:id 4:id+ 5:id\ncalls 1 in 4 errors 0\n" },
	{ "a call that goes on after a response is not about it",
	  AGENT "s T r a response 100 200 resp_1\n"
	  "s T q a response 300 400 resp_2\n"
	  "x 1 110 190 create 200 0 A resp_1\n"
	  "x 2 310 390 create 200 0 B resp_2 resp_1\n",
	  "T", "a\n r 1:id+\n q 2:id+\ncalls 2 in 3 errors 0\n" },
	{ "of two spans with one id the first has its exchanges",
	  AGENT "s T q a response 300 400 resp_1\n"
	  "s T r a response 100 200 resp_1\n"
	  "x 1 110 190 create 200 0 A resp_1\n",
	  "T", "a\n r 1:id+\n q =r\ncalls 1 in 1 errors 0\n" },
	{ "attempts that failed are before the call with their body",
	  AGENT "s T r a response 100 900 resp_1\n"
	  "x 1 110 120 create 429 0 A -\n"
	  "x 2 200 210 create 500 1 A -\n"
	  "x 3 300 390 create 200 2 A resp_1\n",
	  "T", "a\n r 1:attempt 2:attempt 3:id+\ncalls 3 in 3 errors 0\n" },
	{ "an attempt with another body is somebody else's",
	  AGENT "s T r a response 100 900 resp_1\n"
	  "x 1 110 120 create 429 0 B -\n"
	  "x 3 300 390 create 200 1 A resp_1\n",
	  "T", "a\n r 3:id+\nloose 1:?\ncalls 1 in 3 errors 0\n" },
	{ "an attempt before its span is somebody else's",
	  AGENT "s T r a response 200 900 resp_1\n"
	  "x 1 110 120 create 429 0 A -\n"
	  "x 3 300 390 create 200 1 A resp_1\n",
	  "T", "a\n r 3:id+\nloose 1:?\ncalls 1 in 3 errors 0\n" },
	{ "parallel calls with one body: whose attempt it was cannot be told",
	  AGENT "s T r a response 100 900 resp_1\n"
	  "s T q a response 101 900 resp_2\n"
	  "x 1 110 120 create 429 0 A -\n"
	  "x 2 111 121 create 429 0 A -\n"
	  "x 3 300 390 create 200 1 A resp_1\n"
	  "x 4 301 391 create 200 1 A resp_2\n",
	  "T", "a\n r 3:id+\n q 4:id+\nloose 1:? 2:?\ncalls 2 in 7 errors 0\n" },
	{ "parallel calls with bodies of their own keep their attempts",
	  AGENT "s T r a response 100 900 resp_1\n"
	  "s T q a response 101 900 resp_2\n"
	  "x 1 110 120 create 429 0 A -\n"
	  "x 2 111 121 create 429 0 B -\n"
	  "x 3 300 390 create 200 1 B resp_2\n"
	  "x 4 301 391 create 200 1 A resp_1\n",
	  "T", "a\n r 1:attempt 4:id+\n q 2:attempt 3:id+\n"
	  "calls 4 in 7 errors 0\n" },
	{ "a span without id has the only call in it, attempts and all",
	  AGENT "s T r a response 100 200 resp_1\n"
	  "e T q a response 300 900 -\n"
	  "x 1 110 190 create 200 0 A resp_1\n"
	  "x 2 310 320 create 500 0 B -\n"
	  "x 3 400 410 create 500 1 B -\n",
	  "T", "a\n r 1:id+\n q 2:attempt 3:time\ncalls 3 in 1 errors 1\n" },
	{ "a span without id whose data is not told has a call with an id, and its polls",
	  AGENT "s T r a response 100 400 -\n"
	  "x 1 110 120 create 202 0 A resp_1\n"
	  "x 2 200 300 poll 200 0 - resp_1\n"
	  "x 1000 2000 2001 other 204 - - -\n",
	  "T", "a\n r 1:time 2:time+\ncalls 1 in 2 errors 0\n" },
	{ "two candidates are none",
	  AGENT "s T r a response 100 200 resp_1\n"
	  "e T q a response 300 900 -\n"
	  "x 1 110 190 create 200 0 A resp_1\n"
	  "x 2 310 320 create 500 0 B -\n"
	  "x 3 400 410 create 500 0 C -\n",
	  "T", "a\n r 1:id+\n q\nloose 2:? 3:?\ncalls 1 in 1 errors 1\n" },
	{ "two spans of one candidate are none",
	  AGENT "s T r a response 100 200 resp_1\n"
	  "e T q a response 300 900 -\n"
	  "e T p a response 301 901 -\n"
	  "x 1 110 190 create 200 0 A resp_1\n"
	  "x 2 310 320 create 500 0 B -\n",
	  "T", "a\n r 1:id+\n q\n p\nloose 2:?\ncalls 1 in 1 errors 2\n" },
	{ "what is certain makes the rest certain",
	  AGENT "s T r a response 100 200 resp_1\n"
	  "e T q a response 300 900 -\n"
	  "e T p a response 500 800 -\n"
	  "x 1 110 190 create 200 0 A resp_1\n"
	  "x 2 310 320 create 500 0 B -\n"
	  "x 3 600 610 create 500 0 C -\n",
	  "T", "a\n r 1:id+\n q 2:time\n p 3:time\ncalls 3 in 1 errors 2\n" },
	{ "a clock that is ahead is told by what is joined by id",
	  "t T w\n" "s T r - response 60100 60200 resp_1\n"
	  "e T q - response 60300 60900 -\n"
	  "s T p - response 61000 61100 resp_2\n"
	  "x 1 110 190 create 200 0 A resp_1\n"
	  "x 2 310 320 create 429 0 B -\n" "x 3 400 410 create 500 1 B -\n"
	  "x 4 1010 1020 create 429 0 C -\n" "x 5 1030 1090 create 200 1 C resp_2\n",
	  "T", "r 1:id+\nq 2:attempt 3:time\np 4:attempt 5:id+\n"
	  "calls 5 in 6 errors 1\n" },
	{ "and one that is behind",
	  "t T w\n" "s T r - response 100 200 resp_1\n"
	  "e T q - response 300 900 -\n"
	  "x 1 60110 60190 create 200 0 A resp_1\n"
	  "x 2 60310 60320 create 429 0 B -\n",
	  "T", "r 1:id+\nq 2:time\ncalls 2 in 1 errors 1\n" },
	{ "two calls that no one clock explains move nothing",
	  "t T w\n" "s T r - response 100 200 resp_1\n"
	  "s T p - response 300 400 resp_2\n" "e T q - response 500 900 -\n"
	  "x 1 60110 60190 create 200 0 A resp_1\n"
	  "x 2 510 520 create 429 0 B -\n"
	  "x 3 310 390 create 200 0 C resp_2\n",
	  "T", "r 1:id+\np 3:id+\nq 2:time\ncalls 3 in 4 errors 1\n" },
	{ "another client is another client",
	  AGENT "s T r a response 100 200 resp_1\n"
	  "e T q a response 300 900 -\n"
	  "x 1 110 190 create 200 0 A resp_1\n"
	  "x 2 310 320 create 500 0 B - - 10.0.0.9:1000\n",
	  "T", "a\n r 1:id+\n q\ncalls 1 in 1 errors 1\n" },
	{ "another connection is not another client",
	  AGENT "s T r a response 100 200 resp_1\n"
	  "e T q a response 300 900 -\n"
	  "x 1 110 190 create 200 0 A resp_1\n"
	  "x 2 310 320 create 500 0 B - - 127.0.0.1:7\n",
	  "T", "a\n r 1:id+\n q 2:time\ncalls 2 in 1 errors 1\n" },
	{ "times of spans are cut to ms",
	  AGENT "s T r a response 100 200 resp_1\n"
	  "e T q a response 300 900 -\n"
	  "x 1 110 190 create 200 0 A resp_1\n"
	  "x 2 296 903 create 500 0 B -\n",
	  "T", "a\n r 1:id+\n q 2:time\ncalls 2 in 1 errors 1\n" },
	{ "what ends after the span is not in it",
	  AGENT "s T r a response 100 200 resp_1\n"
	  "e T q a response 300 800 -\n"
	  "x 1 110 190 create 200 0 A resp_1\n"
	  "x 2 310 820 create 500 0 B -\n",
	  "T", "a\n r 1:id+\n q\nloose 2:?\ncalls 1 in 1 errors 1\n" },
	{ "unless it is a stream, which the client may leave early",
	  AGENT "s T r a response 100 200 resp_1\n"
	  "e T q a response 300 800 -\n"
	  "x 1 110 190 create 200 0 A resp_1\n"
	  "x 2 310 820 sse 200 0 B -\n",
	  "T", "a\n r 1:id+\n q 2:time+\ncalls 2 in 3 errors 1\n" },
	{ "a chat is no response, but may be a generation",
	  AGENT "s T r a response 100 200 -\n"
	  "s T g a generation 300 900 -\n"
	  "x 1 110 190 chat 200 0 A chatcmpl-1\n"
	  "x 2 310 390 chat 200 0 B chatcmpl-2\n"
	  "x 1000 2000 2001 other 204 - - -\n",
	  "T", "a\n r\n g 2:time+\nloose 1:?+\ncalls 1 in 2 errors 0\n" },
	{ "a span with an id has no call of another id",
	  AGENT "s T r a response 100 200 resp_1\n"
	  "x 1 110 190 create 200 0 A resp_9\n"
	  "x 1000 2000 2001 other 204 - - -\n",
	  "T", "a\n r\nloose 1:?+\ncalls 0 in -1 errors 0\n" },
	{ "but may have one that was cut before it told its id",
	  AGENT "s T r a response 100 200 resp_1\n"
	  "x 1 110 190 cut 200 0 A -\n"
	  "x 1000 2000 2001 other 204 - - -\n",
	  "T", "a\n r 1:time+\ncalls 1 in 1 errors 1\n" },
	{ "a call that a span of another trace names is not loose here",
	  AGENT "s T r a response 100 200 resp_1\n"
	  "s U q - response 100 200 resp_2\n"
	  "x 1 110 190 create 200 0 A resp_1\n"
	  "x 2 111 191 create 200 0 B resp_2\n",
	  "T", "a\n r 1:id+\ncalls 1 in 1 errors 0\n" },
	{ "children before parents, orphans and cycles",
	  "s T c b function 3 4 -\n" "s T b a agent 2 5 -\n"
	  "s T o gone function 7 8 -\n" "s T p o function 7 8 -\n"
	  "s T y z function 1 2 -\n" "s T z y function 2 3 -\n"
	  "s T me me function 9 9 -\n" "s T a - agent - 6 -\n",
	  "T", "cut y\n z\ncut me\na\n b\n  c\norphan o\n p\n"
	  "calls 0 in -1 errors 0\n" },
	{ "no such trace", AGENT, "V", "no such thing in the store\n" },

	{ "a thread goes on by previous_response_id",
	  "x 1 100 200 create 200 0 A resp_1\n"
	  "x 2 300 400 create 200 0 B resp_2 resp_1\n"
	  "x 3 500 600 create 200 0 C resp_3 resp_2\n"
	  "x 4 500 600 create 200 0 C resp_4\n",
	  "2", "resp_1 1:id+\n resp_2 2:id+\n  resp_3 3:id+\n"
	  "calls 3 in 6 errors 0\n" },
	{ "forks are forks",
	  "x 1 100 200 create 200 0 A resp_1\n"
	  "x 2 300 400 create 200 0 B resp_2 resp_1\n"
	  "x 3 500 600 create 200 0 C resp_3 resp_1\n",
	  "3", "resp_1 1:id+\n resp_2 2:id+\n resp_3 3:id+\n"
	  "calls 3 in 6 errors 0\n" },
	{ "what an unrecorded response led to is one thread",
	  "x 2 300 400 create 200 0 B resp_2 resp_1\n"
	  "x 3 500 600 create 200 0 C resp_3 resp_1\n",
	  "3", "orphan resp_2 2:id+\norphan resp_3 3:id+\n"
	  "calls 2 in 5 errors 0\n" },
	{ "attempts, polls and failures of a thread",
	  "x 1 100 200 create 202 0 A resp_1\n"
	  "x 2 210 220 poll 200 0 - resp_1\n"
	  "x 3 300 310 create 429 0 B - resp_1\n"
	  "x 4 400 410 create 200 1 B resp_2 resp_1\n"
	  "x 5 500 510 create 400 0 C - resp_2\n",
	  "2", "resp_1 1:id 2:id+\n resp_2 3:attempt 4:id+\n   5:id\n"
	  "calls 4 in 6 errors 1\n" },
	{ "calls of one conversation follow each other",
	  "x 1 100 200 create 200 0 A resp_1 c~\n"
	  "x 2 300 400 create 200 0 B resp_2 c~\n"
	  "x 3 500 600 create 200 0 C resp_3 d~\n"
	  "x 4 700 800 create 200 0 D resp_4 c~\n",
	  "1", "resp_1 1:id+\n resp_2 2:id+\n  resp_4 4:id+\n"
	  "calls 3 in 7 errors 0\n" },
	{ "a call by itself", "x 1 100 200 create 400 0 A -\n",
	  "1", " 1:id\ncalls 1 in -1 errors 1\n" },
	{ "a response that goes on after itself",
	  "x 1 100 200 create 200 0 A resp_1 resp_1\n",
	  "1", "cut resp_1 1:id+\ncalls 1 in 1 errors 0\n" },
	{ "a circle of responses",
	  "x 1 100 200 create 200 0 A resp_1 resp_2\n"
	  "x 2 300 400 create 200 0 A resp_2 resp_1\n",
	  "1", "cut resp_1 1:id+\n resp_2 2:id+\ncalls 2 in 3 errors 0\n" },
	{ "what spans tell of is no thread",
	  AGENT "s T r a response 100 200 resp_1\n"
	  "x 1 110 190 create 200 0 A resp_1\n",
	  "1", "no such thing in the store\n" },
};

static void
every_rule_of_the_join_holds(void **state)
{
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
		must_hold(&rules[i]);
}

/* ---- any order */

static const char all[] =
    "t T w\n" "t U u\n"
    "s T task - custom 0 3000 -\n" "s T a task agent 0 1000 -\n"
    "s T b task agent 1000 3000 -\n"
    "s T r1 a response 100 200 resp_1\n" "s T h a handoff 200 200 -\n"
    "s T r2 b response 1000 1900 resp_2\n" "s T f b function 1900 2000 -\n"
    "s T g b function 1900 2000 -\n" "e T r3 b response 2000 2400 -\n"
    "s T r4 b response 2400 2500 resp_4\n" "s T r5 f response 1950 1990 resp_1\n"
    "s T lost gone function 2500 2600 -\n" "s T under lost function 2500 2600 -\n"
    "s T y z guardrail 1 2 -\n" "s T z y guardrail 1 2 -\n"
    "s T never b function - - -\n"
    "s U x - response 100 200 resp_7\n"
    "x 1 110 190 create 200 0 A resp_1\n"
    "x 2 1010 1020 create 429 0 B -\n" "x 3 1100 1110 create 429 1 B -\n"
    "x 4 1200 1300 create 202 2 B resp_2\n" "x 5 1400 1401 poll 202 - - resp_2\n"
    "x 6 1500 1501 poll 200 - - resp_2\n" "x 7 1600 1601 stream 200 - - resp_2\n"
    "x 8 2010 2020 create 500 0 C -\n" "x 9 2100 2110 create 500 1 C -\n"
    "x 10 2410 2490 sse 200 0 D resp_4 resp_2\n"
    "x 11 2700 2800 create 200 0 E resp_9\n"
    "x 12 120 180 create 200 0 F resp_7\n"
    "x 13 3700 3800 create 200 0 E resp_10\n";

static const char all_tree[] =
    "task\n a\n  r1 1:id+\n  h\n b\n"
    "  r2 2:attempt 3:attempt 4:id 5:id 6:id 7:id+\n"
    "  f\n   r5 =r1\n  g\n  r3 8:attempt 9:time\n  r4 10:id+\n  never\n"
    "cut y\n z\norphan lost\n under\nloose 11:?+\ncalls 7 in 18 errors 1\n";

enum { LINES_MAX = 64, ORDERS = 200, SEED = 20261121 };

static unsigned
draw(uint64_t *state, unsigned below)
{
	*state = *state * UINT64_C(6364136223846793005) + 1442695040888963407u;
	return (unsigned)(*state >> 33) % below;
}

/* Every line at least once, half of them twice, in any order and in batches of any
 * size; commits wherever. */
static void
put_shuffled(uint64_t *rand, const struct line *v, unsigned n)
{
	struct writer *w = open_writer();
	unsigned order[2 * LINES_MAX], total = n + n / 2, batch = 1000;

	for (unsigned i = 0; i < total; i++)
		order[i] = i < n ? i : draw(rand, n);
	for (unsigned i = total - 1; i > 0; i--) {
		unsigned k = draw(rand, i + 1), swap = order[i];

		order[i] = order[k];
		order[k] = swap;
	}
	for (unsigned i = 0; i < total; i++) {
		batch += draw(rand, 3) == 0;
		if (v[order[i]].w[0][0] == 'x')
			put_exchange_line(w, &v[order[i]]);
		else
			put_span_line(w, &v[order[i]], batch);
		if (draw(rand, 6) == 0)
			assert_int_equal(writer_commit(w), 0);
	}
	assert_int_equal(writer_close(w), 0);
}

static void
whatever_the_order_and_the_batches_the_join_is_the_same(void **state)
{
	struct line v[LINES_MAX];
	struct bytes b = { 0 };
	const char *text = all;
	uint64_t rand = SEED;
	unsigned n = 0;

	while (next_line(&text, &v[n]))
		n++;
	print_message("seed %d, %u spans and exchanges, %d orders\n", SEED, n,
	    ORDERS);
	for (int i = 0; i < ORDERS; i++) {
		make_top(state);
		put_shuffled(&rand, v, n);
		bytes_clear(&b);
		say(&b, "T");
		if (strcmp((char *)b.p, all_tree) != 0)
			fail_msg("order %d:\n%s-- not\n%s", i, (char *)b.p,
			    all_tree);
		remove_top(state);
	}
	bytes_fini(&b);
}

/* Times that step back and forth, as when a clock is set. */
static void
small_steps_of_the_clock_do_no_harm(void **state)
{
	struct writer *w = open_writer();
	struct bytes b = { 0 };
	const char *text = AGENT "s T r a response 100 200 resp_1\n"
	    "e T q a response 300 900 -\n"
	    "x 5001 110 190 create 200 0 A resp_1\n"
	    "x 5003 310 320 create 500 0 B -\n";
	struct exchange x;
	struct line l;

	exchange_init(&x);
	for (uint64_t seq = 1; seq < 10000; seq++) {
		x.seq = seq;
		x.outcome = OUTCOME_COMPLETE;
		x.time_ns = SCENE_NS + ((int64_t)seq - 5002) * 50000000 +
		    (seq % 7 == 0 ? -300000000 : 0);
		if (seq != 5001 && seq != 5003)
			assert_int_equal(writer_put_exchange(w, &x), 0);
	}
	while (next_line(&text, &l)) {
		if (l.w[0][0] == 'x')
			put_exchange_line(w, &l);
		else
			put_span_line(w, &l, 9999);
	}
	assert_int_equal(writer_close(w), 0);
	say(&b, "T");
	assert_string_equal((char *)b.p,
	    "a\n r 5001:id+\n q 5003:time\ncalls 2 in 5001 errors 1\n");
	bytes_fini(&b);
}

/* A trace of more spans than are looked at says so, and the rest of it is there. */
static void
what_is_past_a_bound_is_said_to_be_cut(void **state)
{
	struct writer *w = open_writer();
	struct line l = { .n = 9 };
	struct reader *r;
	struct join *j;

	for (int i = 0; i < JOIN_SPANS_MAX + 10; i++) {
		const char *text = "s T id - agent 0 1000 - A";

		if (i == 0)
			assert_true(next_line(&text, &l));
		snprintf(l.w[2], WORD, "s%d", i);
		put_span_line(w, &l, 1);
	}
	assert_int_equal(writer_close(w), 0);
	assert_int_equal(reader_open(&r, dir), 0);
	assert_int_equal(join_trace(&j, r, SLICE("T")), 0);
	assert_int_equal(j->n_spans, JOIN_SPANS_MAX);
	assert_int_equal(j->cut, JOIN_CUT_SPANS);
	assert_int_equal(j->totals.spans, JOIN_SPANS_MAX);
	join_free(j);
	reader_close(r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_rule_of_the_join_holds),
		cmocka_unit_test(
		    whatever_the_order_and_the_batches_the_join_is_the_same),
		STORE_TEST(small_steps_of_the_clock_do_no_harm),
		STORE_TEST(what_is_past_a_bound_is_said_to_be_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
