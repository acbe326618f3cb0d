#include "store/pack.h"

#include "tests/unit/guard.h"
#include "tests/unit/store_rows.h"

static char text[20000];

/* Sides whose lengths are varints of one byte, the largest of these, and of two. */
static void
fill(struct slice side[SIDE_N])
{
	static const size_t sizes[SIDE_N] = { 300, 0, 5, 1, 0, 15500, 127, 0 };

	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = (char)body_byte(3, i);
	for (enum side s = 0; s < SIDE_N; s++)
		side[s] = (struct slice){ text + 100 * s, sizes[s] };
}

static size_t
make(struct slice side[SIDE_N], uint8_t p[sizeof(text)])
{
	size_t n;

	fill(side);
	n = pack_len(side);
	assert_true(n <= sizeof(text));
	pack_put(p, side);
	return n;
}

static void
sides_come_out_as_they_went_in(void **state)
{
	static uint8_t p[sizeof(text)];
	struct slice side[SIDE_N], out;
	const char *at;
	size_t n = make(side, p);

	at = guard_put(p, n);
	for (enum side s = 0; s < SIDE_N; s++) {
		assert_int_equal(pack_get(at, n, s, &out), 0);
		assert_int_equal(out.p == NULL, side[s].len == 0);
		assert_true(slice_eq(out, side[s]));
	}
}

static void
nothing_packs_and_comes_out(void **state)
{
	static const struct slice none[SIDE_N];
	struct slice out = SLICE("x");
	uint8_t p[1];

	assert_int_equal(pack_len(none), 1);
	pack_put(p, none);
	assert_int_equal(pack_get(p, 1, SIDE_REQUEST_BODY, &out), 0);
	assert_null(out.p);
}

static void
every_cut_and_every_byte_more_is_refused(void **state)
{
	static uint8_t p[sizeof(text)];
	struct slice side[SIDE_N], out;
	size_t n = make(side, p);

	for (size_t cut = 0; cut < n; cut += cut < 400 ? 1 : 97)
		assert_int_equal(pack_get(guard_put(p, cut), cut,
		    SIDE_RESPONSE_BODY, &out), -1);
	assert_int_equal(pack_get(guard_put(p, n - 1), n - 1, 0, &out), -1);
	p[n] = 0;
	assert_int_equal(pack_get(guard_put(p, n + 1), n + 1, 0, &out), -1);
}

static void
what_breaks_a_rule_is_refused(void **state)
{
	static const struct slice bad[] = {
		SLICE(""),
		SLICE("\2\1\1\1\1ab"),		/* the same side twice */
		SLICE("\2\2\1\1\1ab"),		/* sides fall */
		SLICE("\1\1\0"),		/* empty */
		SLICE("\1\1\x81\0a"),		/* overlong varint */
		SLICE("\1\1\xff\xff\xff\xff\xff\xff\xff\xff\xff\1" "a"),
		SLICE("\2\1\2\2\xff\xff\xff\xff\xff\xff\xff\xff\xff\1" "a"),
		SLICE("\1\1\2a"),
		SLICE("\1\1\1ab"),
	};
	struct slice out;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(pack_get(guard_put(bad[i].p, bad[i].len),
		    bad[i].len, 1, &out), -1);
}

static void
sides_that_are_not_known_are_passed_over(void **state)
{
	static const char p[] = "\3\1\2\5\1\xc8\3abcxyz";
	struct slice out;

	assert_int_equal(pack_get(p, sizeof(p) - 1, SIDE_RESPONSE_BODY, &out), 0);
	assert_true(slice_eq(out, SLICE("c")));
	assert_int_equal(pack_get(p, sizeof(p) - 1, SIDE_REQUEST_HEAD, &out), 0);
	assert_null(out.p);
}

/* What the store test below put. */
static void
must_read_packs(void *arg)
{
	struct reader *r = must_open_reader();
	struct slice side[SIDE_N];
	char buf[50];
	size_t n;

	fill(side);
	for (enum side s = 0; s < SIDE_N; s++) {
		for (size_t off = 0; off <= side[s].len; off += 33) {
			MUST(reader_bytes(r, 2, s, off, buf, sizeof(buf), &n) == 0);
			MUST(n == (side[s].len - off < sizeof(buf) ?
			    side[s].len - off : sizeof(buf)));
			MUST(memcmp(buf, side[s].p + off, n) == 0);
		}
		MUST(reader_bytes(r, 2, s, side[s].len + 1, buf, 9, &n) == 0);
		MUST(n == 0);
		MUST(reader_bytes(r, 1, s, 0, buf, 9, &n) == 0 && n == 0);
	}
	must_have_body(r, 3, SIDE_RESPONSE_BODY, 40000);
	MUST(reader_bytes(r, 3, SIDE_RESPONSE_HEAD, 1, buf, 9, &n) == 0);
	MUST(n == 3 && memcmp(buf, "ead", 3) == 0);
	reader_close(r);
}

static void
the_store_gives_packed_sides_and_parts_alike(void **state)
{
	struct slice side[SIDE_N];
	struct writer *w = open_writer();

	fill(side);
	assert_true(pack_len(side) <= writer_part_bytes(w));
	assert_int_equal(put_body(w, 3, SIDE_RESPONSE_BODY, 40000), 0);
	assert_int_equal(writer_put_pack(w, 3, (struct slice[SIDE_N]){
	    [SIDE_RESPONSE_HEAD] = SLICE("head") }), 0);
	assert_int_equal(writer_put_pack(w, 2, side), 0);
	assert_int_equal(writer_close(w), 0);
	elsewhere(must_read_packs, NULL);
	w = open_writer();
	assert_int_equal(writer_next_seq(w), 4);
	assert_int_equal(writer_close(w), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sides_come_out_as_they_went_in),
		cmocka_unit_test(nothing_packs_and_comes_out),
		cmocka_unit_test(every_cut_and_every_byte_more_is_refused),
		cmocka_unit_test(what_breaks_a_rule_is_refused),
		cmocka_unit_test(sides_that_are_not_known_are_passed_over),
		STORE_TEST(the_store_gives_packed_sides_and_parts_alike),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
