#include "tests/unit/store_rows.h"

#include <lmdb.h>

/* Puts one row behind the writer's back. */
static void
put_raw(const char *table, const void *key, size_t key_len, const void *p,
    size_t n)
{
	MDB_val k = { key_len, (void *)key }, v = { n, (void *)p };
	MDB_env *env;
	MDB_txn *txn;
	MDB_dbi dbi;

	assert_int_equal(mdb_env_create(&env), 0);
	mdb_env_set_maxdbs(env, 8);
	mdb_env_set_mapsize(env, (size_t)64 << 20);
	assert_int_equal(mdb_env_open(env, dir, 0, 0600), 0);
	assert_int_equal(mdb_txn_begin(env, NULL, 0, &txn), 0);
	assert_int_equal(mdb_dbi_open(txn, table, MDB_CREATE, &dbi), 0);
	assert_int_equal(mdb_put(txn, dbi, &k, &v, 0), 0);
	assert_int_equal(mdb_txn_commit(txn), 0);
	mdb_env_close(env);
}

static void
a_newer_store_is_refused_by_both(void **state)
{
	struct writer *w;
	struct reader *r;
	struct slice format;

	writer_close(open_writer());
	put_raw("meta", "format", 6, "\3\0\0\0", 4);
	put_raw("later", "a", 1, "b", 1);
	assert_int_equal(reader_open(&r, dir), READER_VERSION);
	assert_int_equal(writer_open(&w, dir, &plain, NULL), WRITER_VERSION);
	assert_null(w);
	put_raw("meta", "format", 6, "\1\0\0\0", 4);
	assert_int_equal(reader_open(&r, dir), 0);	/* an older one */
	reader_close(r);
	writer_close(open_writer());		/* a table more is no harm */
	assert_int_equal(reader_open(&r, dir), 0);
	assert_int_equal(reader_meta(r, "format", &format), 0);
	assert_true(slice_eq(format, SLICE("\2\0\0\0")));	/* now it is raised */
	reader_close(r);
}

static void
damaged_meta_is_refused(void **state)
{
	static const struct {
		const char *name;
		struct slice value;
	} t[] = {
		{ "format", SLICE("\1\0\0") }, { "format", SLICE("\0\0\0\0") },
		{ "format", SLICE("\1\0\0\0\0") }, { "part_bytes", SLICE("") },
		{ "part_bytes", SLICE("\0\0\0\0") },
	};
	struct writer *w;
	struct reader *r;

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		snprintf(dir, sizeof(dir), "%s/store%zu", top, i);
		writer_close(open_writer());
		put_raw("meta", t[i].name, strlen(t[i].name), t[i].value.p,
		    t[i].value.len);
		assert_int_equal(reader_open(&r, dir), READER_CORRUPT);
		assert_int_equal(writer_open(&w, dir, &plain, NULL),
		    MDB_CORRUPTED);
	}
}

/* Rows where squeezed bodies lie, that no writer put. */
static void
squeezed_rows_that_lie_are_told(void **state)
{
	static const struct slice rows[] = {
		SLICE("junk"), SLICE(""), SLICE("\1\5\0\0junk"),
		SLICE("\1\5\1\1\x28\xb5\x2f\xfd"),	/* there is no seq 0 */
		SLICE("\1\5\3\1\x28\xb5\x2f\xfd"),
		SLICE("\1\x80\x80\x80\4\0\0\x28\xb5\x2f\xfd"),	/* 8 MiB */
		SLICE("\1\xff\xff\xff\xff\x0f\0\0\x28\xb5\x2f\xfd"),
	};
	static const struct {
		const char *key;
		enum side side;
	} at[] = {
		{ "\0\0\0\0\0\0\0\1\x41\0\0\0\0", SIDE_REQUEST_BODY },
		{ "\0\0\0\0\0\0\0\2\x45\0\0\0\0", SIDE_RESPONSE_BODY },
		{ "\0\0\0\0\0\0\0\3\xfe\0\0\0\0", SIDE_REQUEST_HEAD },
	};
	struct reader *r;
	char buf[8];
	size_t n;

	writer_close(open_writer());
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (size_t k = 0; k < 3; k++)
			put_raw("body", at[k].key, 13, rows[i].p, rows[i].len);
		assert_int_equal(reader_open(&r, dir), 0);
		for (size_t k = 0; k < 3; k++) {
			assert_int_equal(reader_bytes(r, k + 1, at[k].side, 0, buf,
			    sizeof(buf), &n), READER_CORRUPT);
			assert_int_equal(n, 0);
		}
		reader_close(r);
	}
}

static void
a_damaged_row_is_told_and_does_not_end_a_listing(void **state)
{
	static const char large[70000];
	struct writer *w = open_writer();
	struct exchange x;
	struct reader *r;
	struct slice why;
	uint64_t seq, n;
	uint8_t buf[8];
	size_t got;

	assert_int_equal(put(w, 1, OUTCOME_COMPLETE), 0);
	assert_int_equal(put(w, 3, OUTCOME_COMPLETE), 0);
	writer_close(w);
	put_raw("exchange", "\0\0\0\0\0\0\0\2", 8, "junk", 4);
	put_raw("exchange", "\0\0\0\0\0\0\0\2x", 9, "not our key", 11);
	put_raw("gap", "\0\0\0\0\0\0\0\1", 8, "junk", 4);
	put_raw("open", "\0\0\0\0\0\0\0\2", 8, "", 0);
	put_raw("open", "\0\0\0\0\0\0\0\7", 8, "", 0);
	put_raw("open", "odd", 3, "", 0);
	put_raw("body", "\0\0\0\0\0\0\0\1\1\0\0\0\0", 13, large,
	    sizeof(large));
	put_raw("body", "\0\0\0\0\0\0\0\3\xff\0\0\0\0", 13, "\1junk", 5);
	assert_int_equal(reader_open(&r, dir), 0);
	assert_int_equal(reader_next(r, 1, &x), READER_CORRUPT);
	assert_int_equal(x.seq, 2);
	assert_int_equal(reader_get(r, 2, &x), READER_CORRUPT);
	assert_int_equal(reader_next(r, 2, &x), 0);
	assert_int_equal(x.seq, 3);
	assert_int_equal(reader_prev(r, 3, &x), READER_CORRUPT);
	assert_int_equal(reader_prev(r, 2, &x), 0);
	assert_int_equal(x.seq, 1);
	assert_int_equal(reader_next_gap(r, 0, &seq, &n, &why), READER_CORRUPT);
	assert_int_equal(seq, 1);
	assert_int_equal(reader_bytes(r, 1, SIDE_REQUEST_BODY, 0, buf, 8, &got),
	    READER_CORRUPT);
	assert_int_equal(reader_bytes(r, 3, SIDE_REQUEST_BODY, 0, buf, 8, &got),
	    READER_CORRUPT);
	reader_close(r);
}

static void
a_damaged_row_in_flight_does_not_stop_the_writer(void **state)
{
	struct writer *w = open_writer();
	uint64_t n;

	assert_int_equal(put(w, 1, OUTCOME_IN_FLIGHT), 0);
	assert_int_equal(put(w, 2, OUTCOME_COMPLETE), 0);
	writer_close(w);
	put_raw("exchange", "\0\0\0\0\0\0\0\3", 8, "junk", 4);
	put_raw("open", "\0\0\0\0\0\0\0\2", 8, "", 0);	/* ended */
	put_raw("open", "\0\0\0\0\0\0\0\3", 8, "", 0);	/* junk */
	put_raw("open", "\0\0\0\0\0\0\0\7", 8, "", 0);	/* not there */
	put_raw("open", "odd", 3, "", 0);
	assert_int_equal(writer_open(&w, dir, &plain, &n), 0);
	assert_int_equal(n, 1);
	assert_int_equal(writer_next_seq(w), 4);
	writer_close(w);
}

static size_t
rows_in(const char *table)
{
	MDB_env *env;
	MDB_txn *txn;
	MDB_stat st;
	MDB_dbi dbi;

	assert_int_equal(mdb_env_create(&env), 0);
	mdb_env_set_maxdbs(env, 8);
	mdb_env_set_mapsize(env, (size_t)64 << 20);
	assert_int_equal(mdb_env_open(env, dir, MDB_RDONLY, 0600), 0);
	assert_int_equal(mdb_txn_begin(env, NULL, MDB_RDONLY, &txn), 0);
	assert_int_equal(mdb_dbi_open(txn, table, 0, &dbi), 0);
	assert_int_equal(mdb_stat(txn, dbi, &st), 0);
	mdb_txn_abort(txn);
	mdb_env_close(env);
	return st.ms_entries;
}

/* Or opening would one day cost what is stored, not what was in flight. */
static void
the_open_table_holds_what_is_in_flight_and_no_more(void **state)
{
	struct writer *w = open_writer();

	for (uint64_t seq = 1; seq <= 100; seq++)
		assert_int_equal(put(w, seq, OUTCOME_IN_FLIGHT), 0);
	for (uint64_t seq = 1; seq <= 97; seq++)
		assert_int_equal(put(w, seq, OUTCOME_COMPLETE), 0);
	writer_close(w);
	assert_int_equal(rows_in("exchange"), 100);
	assert_int_equal(rows_in("open"), 3);
	writer_close(open_writer());
	assert_int_equal(rows_in("open"), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		STORE_TEST(a_newer_store_is_refused_by_both),
		STORE_TEST(damaged_meta_is_refused),
		STORE_TEST(squeezed_rows_that_lie_are_told),
		STORE_TEST(a_damaged_row_is_told_and_does_not_end_a_listing),
		STORE_TEST(a_damaged_row_in_flight_does_not_stop_the_writer),
		STORE_TEST(the_open_table_holds_what_is_in_flight_and_no_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
