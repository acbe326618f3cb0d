#include "proxy/spool.h"

#include "tests/unit/store_rows.h"

enum { SEQ = 1 };

static const enum side SIDE = SIDE_RESPONSE_BODY;

static struct writer *w;
static struct spool s;
static size_t part;	/* bytes */

static int
begin(void **state)
{
	if (make_top(state))
		return -1;
	w = open_writer();
	part = writer_part_bytes(w);
	memset(&s, 0, sizeof(s));
	return 0;
}

static int
end(void **state)
{
	spool_fini(&s);
	if (writer_close(w) != 0)
		return -1;
	w = NULL;
	return remove_top(state);
}

/* n bytes of the body from off on. */
static int
add(uint64_t off, size_t n)
{
	uint8_t *p = malloc(n + 1);
	int rc;

	for (size_t i = 0; i < n; i++)
		p[i] = body_byte(SEQ, off + i);
	rc = spool_add(&s, w, SEQ, SIDE, p, n);
	free(p);
	return rc;
}

static void
commit(void)
{
	assert_int_equal(writer_commit(w), 0);
	spool_committed(&s);
}

/* Closes the store and reads: the side has len bytes, those of the body. */
static void
assert_stored(uint64_t len)
{
	static uint8_t buf[1 << 20];
	struct reader *r;
	size_t n;

	assert_int_equal(writer_close(w), 0);
	assert_int_equal(reader_open(&r, dir), 0);
	assert_int_equal(reader_bytes(r, SEQ, SIDE, 0, buf, sizeof(buf), &n), 0);
	assert_int_equal(n, len);
	for (size_t i = 0; i < n; i++)
		if (buf[i] != body_byte(SEQ, i))
			fail_msg("byte %zu", i);
	reader_close(r);
	w = open_writer();
}

static void
put_row(void)
{
	assert_int_equal(put(w, SEQ, OUTCOME_COMPLETE), 0);
}

static void
adds_of_any_size_come_out_as_one_run(void **state)
{
	static const size_t sizes[] = { 1, 100, 4095, 16384, 50000 };
	uint64_t off = 0;

	for (int i = 0; i < 60; i++) {
		size_t n = sizes[i % 5] / (size_t)(i % 3 + 1);

		assert_int_equal(add(off, n), 0);
		off += n;
		assert_true(s.tail.len < part);
		assert_int_equal(s.put - (int64_t)s.put_len + (int64_t)s.tail.len,
		    (int64_t)off);
		if (i % 4 == 0) {
			assert_int_equal(spool_save(&s, w, SEQ, SIDE), 0);
			assert_false(spool_is_unsaved(&s));
			assert_int_equal(s.put, off);
		}
		if (i % 6 == 0)
			commit();
	}
	assert_int_equal(spool_save(&s, w, SEQ, SIDE), 0);
	put_row();
	commit();
	assert_int_equal(s.kept, off);
	assert_stored(off);
}

static void
part_borders_are_exact(void **state)
{
	for (size_t n = part - 1; n <= part + 1; n++) {
		assert_int_equal(add(0, n), 0);
		assert_int_equal(s.put, n < part ? 0 : part);
		assert_int_equal(spool_is_unsaved(&s), n != part);
		assert_int_equal(spool_save(&s, w, SEQ, SIDE), 0);
		put_row();
		commit();
		assert_stored(n);
		spool_fini(&s);
		memset(&s, 0, sizeof(s));
	}
}

static void
nothing_new_saves_nothing(void **state)
{
	assert_false(spool_is_unsaved(&s));
	assert_int_equal(spool_save(&s, w, SEQ, SIDE), 0);
	assert_int_equal(writer_pending(w), 0);
	assert_int_equal(add(0, 0), 0);
	assert_false(spool_is_unsaved(&s));
	assert_int_equal(add(0, 10), 0);
	assert_true(spool_is_unsaved(&s));
	assert_int_equal(writer_pending(w), 0);
	assert_int_equal(spool_save(&s, w, SEQ, SIDE), 0);
	assert_true(writer_pending(w) > 0);
	commit();
	assert_int_equal(spool_save(&s, w, SEQ, SIDE), 0);
	assert_int_equal(writer_pending(w), 0);
}

static void
a_loss_keeps_what_was_committed_and_takes_no_more(void **state)
{
	assert_int_equal(add(0, 40000), 0);
	assert_int_equal(spool_save(&s, w, SEQ, SIDE), 0);
	put_row();
	commit();
	assert_int_equal(add(40000, 40000), 0);
	assert_int_equal(s.put, 80000 - (int64_t)s.tail.len);
	spool_lost(&s);		/* and the batch is not committed */
	assert_true(s.is_cut);
	assert_int_equal(s.put, 40000);
	assert_int_equal(s.kept, 40000);
	assert_int_equal(s.tail.cap, 0);
	assert_int_equal(add(80000, 40000), 0);
	assert_false(spool_is_unsaved(&s));
	assert_int_equal(s.put, 40000);
}

static void
a_loss_of_others_does_no_harm(void **state)
{
	spool_lost(&s);
	assert_false(s.is_cut);
	assert_int_equal(add(0, 20000), 0);
	assert_int_equal(spool_save(&s, w, SEQ, SIDE), 0);
	put_row();
	commit();
	spool_lost(&s);
	assert_false(s.is_cut);
	assert_int_equal(add(20000, 20000), 0);
	assert_int_equal(spool_save(&s, w, SEQ, SIDE), 0);
	commit();
	assert_stored(40000);
}

static void
a_save_that_is_lost_is_cut_at_the_last_commit(void **state)
{
	assert_int_equal(add(0, 100), 0);
	assert_int_equal(spool_save(&s, w, SEQ, SIDE), 0);
	spool_lost(&s);
	assert_true(s.is_cut);
	assert_int_equal(s.put, 0);
	spool_lost(&s);		/* twice is as once */
	assert_int_equal(s.put, 0);
}

#define T(f) cmocka_unit_test_setup_teardown(f, begin, end)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(adds_of_any_size_come_out_as_one_run),
		T(part_borders_are_exact),
		T(nothing_new_saves_nothing),
		T(a_loss_keeps_what_was_committed_and_takes_no_more),
		T(a_loss_of_others_does_no_harm),
		T(a_save_that_is_lost_is_cut_at_the_last_commit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
