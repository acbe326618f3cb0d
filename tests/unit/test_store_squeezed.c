/* Bodies that lie squeezed in the store: read as any, and found damaged when they are. */
#include <lmdb.h>

#include "store/elements.h"
#include "store/sha256.h"
#include "store/squeeze.h"
#include "tests/unit/store_rows.h"

enum { BODY_MAX = 12 * 1024 * 1024, TURNS = SQUEEZE_DEPTH_MAX + 10 };

static char *text;		/* that compresses, and repeats itself nowhere */

static int
make_text(void **state)
{
	uint64_t x = 1;

	(void)state;
	text = malloc(BODY_MAX);
	if (!text)
		return -1;
	for (size_t i = 0; i < BODY_MAX; i++) {
		x = x * 6364136223846793005u + 1442695040888963407u;
		text[i] = "etaoin shrdlu, cmfwyp\n\"[{0123456"[x >> 59];
	}
	return 0;
}

static int
free_text(void **state)
{
	(void)state;
	free(text);
	return 0;
}

/* An exchange whose request is text[0..len), over or not. */
static struct exchange
exchange_of(uint64_t seq, size_t len)
{
	struct exchange x;
	struct sha256 sha;

	exchange_init(&x);
	x.seq = seq;
	x.outcome = OUTCOME_COMPLETE;
	x.path = SLICE("/v1/responses");
	x.request.body_bytes = x.request.kept_bytes = (int64_t)len;
	x.request.has_sha256 = true;
	sha256_init(&sha);
	sha256_add(&sha, text, len);
	sha256_end(&sha, x.request.sha256);
	return x;
}

/* Elements as a conversation has them, n of them. */
static struct elements
turn_of(size_t n)
{
	struct elements e;

	elements_init(&e);
	elements_feed(&e, "{\"model\":\"m\",\"input\":[", 22);
	for (size_t i = 0; i < n; i++)
		elements_feed(&e, "0,", 2);
	return e;
}

static size_t
turn_len(size_t turn)
{
	return 20000 + 2000 * turn;
}

/* Puts turn `seq` squeezed; its row tells how. */
static struct exchange
put_turn(struct writer *w, uint64_t seq)
{
	struct exchange x = exchange_of(seq, turn_len(seq));
	struct elements e = turn_of(seq);
	const struct body y = { seq, SIDE_REQUEST_BODY, { text, turn_len(seq) }, &e };

	assert_int_equal(writer_put_body(w, &y, &x.request), 0);
	assert_int_equal(writer_put_exchange(w, &x), 0);
	elements_fini(&e);
	return x;
}

/* Puts text[0..len) in parts. */
static void
put_parts(struct writer *w, uint64_t seq, enum side side, size_t len)
{
	const size_t part = writer_part_bytes(w);

	for (size_t off = 0; off < len; off += part)
		assert_int_equal(writer_put_part(w, seq, side, (uint32_t)(off / part),
		    text + off, len - off < part ? len - off : part), 0);
}

static void
assert_reads(struct reader *r, uint64_t seq, size_t off, size_t cap, size_t want)
{
	char *buf = malloc(cap + 1);
	size_t n;

	assert_non_null(buf);
	assert_int_equal(reader_bytes(r, seq, SIDE_REQUEST_BODY, off, buf, cap, &n), 0);
	assert_int_equal(n, want);
	assert_memory_equal(buf, text + off, n);
	free(buf);
}

static void
a_body_is_read_from_anywhere(void **state)
{
	static const struct {
		size_t off, cap, n;
	} cases[] = {
		{ 0, 30000, 22000 }, { 0, 22000, 22000 }, { 0, 1, 1 }, { 0, 0, 0 },
		{ 21999, 9, 1 }, { 22000, 9, 0 }, { 99999, 9, 0 }, { 16368, 50, 50 },
		{ 16300, 100, 100 }, { 5, 20000, 20000 },
	};
	struct writer *w = open_writer();
	struct exchange x = put_turn(w, 1);
	struct reader *r;

	assert_true(x.request.squeezed_bytes > 0 && x.request.squeezed_bytes < 20000);
	assert_int_equal(x.request.prefix, -1);
	assert_int_equal(writer_close(w), 0);
	assert_int_equal(reader_open(&r, dir), 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_reads(r, 1, cases[i].off, cases[i].cap, cases[i].n);
	assert_int_equal(reader_get(r, 1, &x), 0);
	assert_true(x.request.squeezed_bytes > 0);
	reader_close(r);
}

static void
a_conversation_takes_what_is_new_and_is_read_back(void **state)
{
	struct writer *w = open_writer();
	unsigned keys = 0;
	struct reader *r;

	for (uint64_t seq = 1; seq <= TURNS; seq++) {
		const struct exchange x = put_turn(w, seq);

		keys += x.request.prefix < 0;
		assert_true(x.request.prefix < 0 ||
		    x.request.prefix == (int64_t)seq - 1);
		assert_true(x.request.prefix < 0 || x.request.squeezed_bytes < 2000);
		if (seq % 10 == 0)
			assert_int_equal(writer_commit(w), 0);
	}
	assert_int_equal(keys, 2);	/* the first, and behind 127 deltas */
	assert_int_equal(writer_close(w), 0);
	assert_int_equal(reader_open(&r, dir), 0);
	for (uint64_t seq = 1; seq <= TURNS; seq++)
		assert_reads(r, seq, 0, turn_len(TURNS + 1), turn_len(seq));
	for (uint64_t seq = TURNS; seq > 0; seq -= seq < 9 ? 1 : 9)
		assert_reads(r, seq, 1000, 100, 100);
	reader_close(r);
}

static void
what_does_not_pay_is_left_to_the_caller(void **state)
{
	struct writer *w = open_writer();
	struct exchange x = exchange_of(1, 2000);
	struct body y = { 1, SIDE_REQUEST_BODY, { text, 2000 }, NULL };
	char *noise = malloc(30000);
	uint64_t v = 1;

	assert_int_equal(writer_put_body(w, &y, &x.request), 0);	/* too short */
	assert_int_equal(x.request.squeezed_bytes, -1);
	for (size_t i = 0; i < 30000; i++) {
		v = v * 6364136223846793005u + 1442695040888963407u;
		noise[i] = (char)(v >> 56);
	}
	y.raw = (struct slice){ noise, 30000 };
	assert_int_equal(writer_put_body(w, &y, &x.request), 0);
	assert_int_equal(x.request.squeezed_bytes, -1);
	y.raw = (struct slice){ text, SQUEEZE_RAW_MAX + 1 };
	assert_int_equal(writer_put_body(w, &y, &x.request), 0);
	assert_int_equal(x.request.squeezed_bytes, -1);
	free(noise);
	assert_int_equal(writer_close(w), 0);
}

/* Squeezes what lies in parts, n steps of it at most; how many it took. */
static unsigned
squeeze_late(struct writer *w, uint64_t seq, unsigned n)
{
	struct writer_late l = { .seq = seq, .side = SIDE_REQUEST_BODY };
	unsigned i = 0;

	for (; i < n && !l.is_over; i++)
		assert_int_equal(writer_squeeze(w, &l), 0);
	elements_fini(&l.elements);
	return i;
}

static void
bodies_in_parts_are_squeezed_later(void **state)
{
	struct writer *w = open_writer();
	struct exchange x = exchange_of(1, 100000);
	struct reader *r;
	char buf[100];
	size_t n;

	x.response = x.request;
	x.response.encoding = SLICE("gzip");
	put_parts(w, 1, SIDE_REQUEST_BODY, 100000);
	put_parts(w, 1, SIDE_RESPONSE_BODY, 100000);
	assert_int_equal(writer_put_exchange(w, &x), 0);
	assert_int_equal(writer_commit(w), 0);
	assert_int_equal(squeeze_late(w, 1, 100), 2);
	assert_int_equal(squeeze_late(w, 1, 100), 2);	/* once more is no harm */
	assert_int_equal(squeeze_late(w, 7, 100), 1);	/* nor what is not there */
	assert_int_equal(writer_close(w), 0);
	assert_int_equal(reader_open(&r, dir), 0);
	assert_reads(r, 1, 0, 200000, 100000);
	assert_int_equal(reader_get(r, 1, &x), 0);
	assert_true(x.request.squeezed_bytes > 0 && x.request.squeezed_bytes < 90000);
	assert_int_equal(x.response.squeezed_bytes, -1);	/* it is coded */
	assert_int_equal(x.request.kept_bytes, 100000);
	assert_int_equal(reader_bytes(r, 1, SIDE_RESPONSE_BODY, 99950, buf, 100, &n), 0);
	assert_int_equal(n, 50);
	reader_close(r);
}

static void
what_is_in_flight_is_not_squeezed_later(void **state)
{
	struct writer *w = open_writer();
	struct exchange x = exchange_of(1, 100000);
	struct reader *r;

	x.outcome = OUTCOME_IN_FLIGHT;
	put_parts(w, 1, SIDE_REQUEST_BODY, 100000);
	assert_int_equal(writer_put_exchange(w, &x), 0);
	assert_int_equal(squeeze_late(w, 1, 100), 1);
	assert_int_equal(writer_close(w), 0);
	assert_int_equal(reader_open(&r, dir), 0);
	assert_reads(r, 1, 0, 200000, 100000);
	reader_close(r);
}

/* Each block in a transaction of its own; whoever looks in between sees all. */
static void
a_large_body_is_squeezed_block_by_block(void **state)
{
	struct writer *w = open_writer();
	const struct exchange x = exchange_of(1, BODY_MAX);
	const size_t block = 64 * writer_part_bytes(w);
	const unsigned n_blocks = (unsigned)((BODY_MAX + block - 1) / block);
	unsigned most = 0;

	put_parts(w, 1, SIDE_REQUEST_BODY, BODY_MAX);
	assert_int_equal(writer_put_exchange(w, &x), 0);
	for (unsigned n = 0; n <= n_blocks + 1; n += n < 3 ? 1 : 4) {
		struct exchange now;
		struct reader *r;

		most = squeeze_late(w, 1, n);
		assert_int_equal(writer_close(w), 0);
		assert_int_equal(reader_open(&r, dir), 0);
		assert_reads(r, 1, 0, BODY_MAX + 1, BODY_MAX);
		for (size_t off = 12345; off < BODY_MAX; off += block / 2 + 7777)
			assert_reads(r, 1, off, 70000,
			    BODY_MAX - off < 70000 ? BODY_MAX - off : 70000);
		assert_int_equal(reader_get(r, 1, &now), 0);
		assert_int_equal(now.request.squeezed_bytes > 0, n >= n_blocks);
		reader_close(r);
		w = open_writer();
	}
	assert_true(most <= n_blocks + 1);
	assert_int_equal(writer_close(w), 0);
}

static void
a_lost_batch_leaves_no_parents(void **state)
{
	const struct writer_options small = { 512 * 1024, DURABILITY_LAZY, 1 << 20 };
	struct exchange x;
	struct writer *w;
	struct reader *r;
	uint32_t part = 0;
	int rc = 0;

	assert_int_equal(writer_open(&w, dir, &small, NULL), 0);
	put_turn(w, 1);
	assert_int_equal(writer_commit(w), 0);
	x = put_turn(w, 2);
	assert_int_equal(x.request.prefix, 1);
	while (rc == 0)
		rc = writer_put_part(w, 3, SIDE_RESPONSE_BODY, part++, text,
		    writer_part_bytes(w));
	assert_int_equal(rc, MDB_MAP_FULL);
	x = put_turn(w, 4);
	assert_int_equal(x.request.prefix, -1);
	x = put_turn(w, 5);
	assert_int_equal(x.request.prefix, 4);
	assert_int_equal(writer_close(w), 0);
	assert_int_equal(reader_open(&r, dir), 0);
	assert_reads(r, 1, 0, 100000, turn_len(1));
	assert_reads(r, 2, 0, 100000, 0);
	assert_reads(r, 4, 0, 100000, turn_len(4));
	assert_reads(r, 5, 0, 100000, turn_len(5));
	reader_close(r);
}

static void
what_is_not_what_the_record_says_is_damaged(void **state)
{
	struct writer *w = open_writer();
	struct exchange x = put_turn(w, 1);
	struct reader *r;
	char buf[10];
	size_t n;

	put_turn(w, 2);
	x.request.sha256[5] ^= 1;
	assert_int_equal(writer_put_exchange(w, &x), 0);
	assert_int_equal(writer_close(w), 0);
	assert_int_equal(reader_open(&r, dir), 0);
	assert_reads(r, 2, 0, 100000, turn_len(2));	/* held now: 1, unproved */
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(reader_bytes(r, 1, SIDE_REQUEST_BODY, 0, buf,
		    sizeof(buf), &n), READER_CORRUPT);
		assert_int_equal(n, 0);
	}
	assert_reads(r, 2, 0, 100000, turn_len(2));
	reader_close(r);
}

static void
a_request_that_was_awaited_for_counts_after_a_crash(void **state)
{
	struct exchange x = exchange_of(1, turn_len(1));
	const struct body y = { 1, SIDE_REQUEST_BODY, { text, turn_len(1) }, NULL };
	struct writer *w = open_writer();
	struct reader *r;

	x.outcome = OUTCOME_IN_FLIGHT;
	x.request.kept_bytes = x.request.body_bytes = -1;
	assert_int_equal(writer_put_exchange(w, &x), 0);
	assert_int_equal(writer_put_body(w, &y, &x.request), 0);
	assert_int_equal(writer_close(w), 0);
	assert_int_equal(writer_close(open_writer()), 0);
	assert_int_equal(reader_open(&r, dir), 0);
	assert_int_equal(reader_get(r, 1, &x), 0);
	assert_int_equal(x.outcome, OUTCOME_INTERRUPTED);
	assert_int_equal(x.request.kept_bytes, turn_len(1));
	assert_reads(r, 1, 0, 100000, turn_len(1));
	reader_close(r);
}

static void
a_pack_lies_squeezed_and_is_read_as_any(void **state)
{
	static const struct slice none[SIDE_N];
	struct slice side[SIDE_N] = { [SIDE_REQUEST_HEAD] = { text, 700 },
	    [SIDE_REQUEST_BODY] = { text, 1500 }, [SIDE_RESPONSE_HEAD] = { text, 3 } };
	struct writer *w = open_writer();
	struct reader *r;
	char buf[2000];
	size_t n;

	assert_int_equal(writer_squeeze_pack(w, 1, side), 0);
	assert_int_equal(writer_squeeze_pack(w, 2, none), 0);
	assert_int_equal(writer_close(w), 0);
	assert_int_equal(reader_open(&r, dir), 0);
	for (uint64_t seq = 1; seq <= 2; seq++)
		for (enum side s = 0; s < SIDE_N; s++) {
			assert_int_equal(reader_bytes(r, seq, s, 0, buf, sizeof(buf),
			    &n), 0);
			assert_int_equal(n, seq == 1 ? side[s].len : 0);
			assert_memory_equal(buf, text, n);
		}
	assert_reads(r, 1, 1499, 9, 1);
	reader_close(r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		STORE_TEST(a_body_is_read_from_anywhere),
		STORE_TEST(a_conversation_takes_what_is_new_and_is_read_back),
		STORE_TEST(what_does_not_pay_is_left_to_the_caller),
		STORE_TEST(bodies_in_parts_are_squeezed_later),
		STORE_TEST(what_is_in_flight_is_not_squeezed_later),
		STORE_TEST(a_large_body_is_squeezed_block_by_block),
		STORE_TEST(a_lost_batch_leaves_no_parents),
		STORE_TEST(what_is_not_what_the_record_says_is_damaged),
		STORE_TEST(a_request_that_was_awaited_for_counts_after_a_crash),
		STORE_TEST(a_pack_lies_squeezed_and_is_read_as_any),
	};

	return cmocka_run_group_tests(tests, make_text, free_text);
}
