#include "tests/unit/check_scene.h"

#include "store/pack.h"

/* What no flip may do unnoticed: make a hashed body another one, or tell otherwise
 * which exchange names which response, or which span lies where.
 *
 * What nothing in a store tells a second time, so that a flip of it is not found:
 *   meta      created_ns; id, when it stays hex digits
 *   exchange  every field but kept_bytes, hashes, ids of responses, and whether it is
 *             in flight or has tokens
 *   body      heads, trailers, the times (not the lengths) of arrival; bodies of
 *             exchanges in flight or interrupted, which have no hash; bits of zstd's
 *             frames that undo to the same bytes
 *   gap       its text; how many are lost, where rows or other gaps say so too
 *   trace, span   first and last where these are other exchanges; the text of an item
 *             but for its ids, its start and its response; and that it names a
 *             response at all: by_response may outlive it */

enum { ROWS_MAX = 64, VALUE_MAX = 20000, WHOLE = 400, SIDES_MAX = 60000 };

static struct reader *r;

static struct row {
	enum table table;
	struct slice key;
	uint8_t bytes[SPAN_KEY_MAX];
} rows[ROWS_MAX];
static size_t n_rows;

/* The bodies of an exchange as they are read. */
struct bodies_read {
	uint8_t p[2][SIDES_MAX];
	size_t n[2];
	int rc[2];
};

static uint8_t was[VALUE_MAX], is[VALUE_MAX];
static size_t was_len;

static void
collect(enum table t)
{
	MDB_cursor *c;
	MDB_val k, v;

	assert_int_equal(reader_begin(r), 0);
	assert_int_equal(reader_cursor(r, t, &c), 0);
	while (mdb_cursor_get(c, &k, &v, MDB_NEXT) == 0) {
		struct row *row = &rows[n_rows++];

		assert_true(n_rows <= ROWS_MAX && k.mv_size <= sizeof(row->bytes));
		memcpy(row->bytes, k.mv_data, k.mv_size);
		row->key = (struct slice){ (char *)row->bytes, k.mv_size };
		row->table = t;
	}
	reader_end(r);
}

static void
read_bodies(uint64_t seq, struct bodies_read *b)
{
	for (int i = 0; i < 2; i++)
		b->rc[i] = reader_bytes(r, seq, i ? SIDE_RESPONSE_BODY :
		    SIDE_REQUEST_BODY, 0, b->p[i], SIDES_MAX, &b->n[i]);
}

static bool
same_bodies(const struct bodies_read *a, const struct bodies_read *b)
{
	for (int i = 0; i < 2; i++)
		if (a->rc[i] != b->rc[i] || a->n[i] != b->n[i] ||
		    memcmp(a->p[i], b->p[i], a->n[i]) != 0)
			return false;
	return true;
}

static bool
same_message(const struct message *a, const struct message *b, bool has_end)
{
	return a->kept_bytes == b->kept_bytes && a->has_sha256 == b->has_sha256 &&
	    memcmp(a->sha256, b->sha256, sizeof(a->sha256)) == 0 &&
	    (!has_end || a->body_bytes == b->body_bytes);
}

static bool
same_names(const struct exchange *a, const struct exchange *b)
{
	struct response_name x[RESPONSE_NAMES_MAX], y[RESPONSE_NAMES_MAX];
	const size_t n = response_names(a, x);

	if (n != response_names(b, y))
		return false;
	for (size_t i = 0; i < n; i++)
		if (!slice_eq(x[i].id, y[i].id) || x[i].role != y[i].role)
			return false;
	return n == 0 || response_bits(a) == response_bits(b);
}

/* An exchange in flight says kept_bytes as of its last save. */
static bool
is_harmless_record(uint64_t seq)
{
	struct exchange a, b;

	if (record_decode(&a, was, was_len) != 0 || record_decode(&b, is, was_len) != 0)
		return false;
	a.seq = b.seq = seq;
	if ((a.outcome == OUTCOME_IN_FLIGHT) != (b.outcome == OUTCOME_IN_FLIGHT))
		return false;
	if (a.outcome == OUTCOME_IN_FLIGHT)
		return true;
	return same_message(&a.request, &b.request, a.outcome != OUTCOME_INTERRUPTED) &&
	    same_message(&a.response, &b.response, a.outcome != OUTCOME_INTERRUPTED) &&
	    same_names(&a, &b);
}

static bool
is_harmless_item(enum table t)
{
	struct item_reader *x = item_reader_new(), *y = item_reader_new();
	struct kept_item a, b;
	struct ingest_item i, j;
	bool harmless = false;

	if (item_decode(was, was_len, &a) == 0 && item_decode(is, was_len, &b) == 0) {
		item_read(x, a.raw, &i);
		item_read(y, b.raw, &j);
		harmless = (t == TABLE_TRACE && a.raw.len == 0) || (i.kind == j.kind &&
		    slice_eq(i.id, j.id) && slice_eq(i.trace_id, j.trace_id) &&
		    i.started_ns == j.started_ns &&
		    (!j.response_id.p || slice_eq(i.response_id, j.response_id)));
	}
	item_reader_free(x);
	item_reader_free(y);
	return harmless;
}

static bool
is_harmless(const struct row *row, const struct bodies_read *before)
{
	static struct bodies_read after;
	const uint64_t seq = row->key.len >= 8 ?
	    be64_get((const uint8_t *)row->key.p) : 0;

	switch (row->table) {
	case TABLE_META:
		return slice_eq(row->key, SLICE(META_CREATED)) ||
		    slice_eq(row->key, SLICE(META_ID));
	case TABLE_EXCHANGE:
		return is_harmless_record(seq);
	case TABLE_BODY:
		read_bodies(seq, &after);
		return seq == FLYING || seq == CUT_SHORT || same_bodies(before, &after);
	case TABLE_GAP:
		return true;
	case TABLE_TRACE:
	case TABLE_SPAN:
		return is_harmless_item(row->table);
	default:
		return false;
	}
}

/* Each bit of a value, of a long one every bit of its ends and one of each of some
 * bytes between; how many were not found. */
static size_t
flip_all(const struct row *row, size_t *missed)
{
	static struct bodies_read before;
	size_t n = 0;

	was_len = scene_get(r, row->table, row->key, was, sizeof(was));
	memcpy(is, was, was_len);
	if (row->table == TABLE_BODY)
		read_bodies(be64_get((const uint8_t *)row->key.p), &before);
	for (size_t bit = 0; bit < 8 * was_len; bit++) {
		const size_t at = bit / 8;

		if (was_len > WHOLE && at > 64 && at < was_len - 64 && bit % 3001 > 0)
			continue;
		n++;
		is[at] ^= (uint8_t)(1 << bit % 8);
		scene_put(r, row->table, row->key, is, was_len);
		scene_check(r);
		if (n_found == 0 && !is_harmless(row, &before)) {
			fprintf(stderr, "%s: row of %zu bytes, bit %zu: not found\n",
			    table_name(row->table), was_len, bit);
			++*missed;
		}
		is[at] = was[at];
	}
	scene_put(r, row->table, row->key, was, was_len);
	return n;
}

static bool
is_for_opening(const struct row *row)
{
	return row->table == TABLE_META && (slice_eq(row->key, SLICE(META_FORMAT)) ||
	    slice_eq(row->key, SLICE(META_PART_BYTES)));
}

static void
every_flipped_bit_is_found_or_harmless(void **state)
{
	size_t n = 0, missed = 0;

	scene_make();
	r = scene_reader();
	for (enum table t = 0; t < TABLE_N; t++)
		collect(t);
	assert_true(n_rows > 40);
	for (size_t i = 0; i < n_rows; i++)
		if (!is_for_opening(&rows[i]))
			n += flip_all(&rows[i], &missed);
	assert_true(n > 10000);
	assert_int_equal(missed, 0);
	scene_check(r);
	assert_int_equal(n_found, 0);
	reader_close(r);
}

/* Of these two the reader wants to know before it looks at anything: a flip is either
 * refused as it opens the store, or found. */
static void
every_flip_of_part_bytes_is_found_or_refused(void **state)
{
	uint8_t v[4];

	scene_make();
	for (int bit = 0; bit < 32; bit++) {
		r = scene_reader();
		assert_int_equal(scene_get(r, TABLE_META, SLICE(META_PART_BYTES), v, 4), 4);
		v[bit / 8] ^= (uint8_t)(1 << bit % 8);
		scene_put(r, TABLE_META, SLICE(META_PART_BYTES), v, 4);
		reader_close(r);
		if (reader_open(&r, dir) == 0) {
			scene_check(r);
			assert_true(n_found > 0);
			reader_close(r);
		}
		r = scene_reader();
		v[bit / 8] ^= (uint8_t)(1 << bit % 8);
		scene_put(r, TABLE_META, SLICE(META_PART_BYTES), v, 4);
		reader_close(r);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		STORE_TEST(every_flipped_bit_is_found_or_harmless),
		STORE_TEST(every_flip_of_part_bytes_is_found_or_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
