#include "tests/unit/store_fixture.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>

#include <lmdb.h>

#include "store/table.h"

static void
must_be_what_was_put(void *arg)
{
	struct reader *r = must_open_reader();
	struct exchange x;
	struct slice v;

	MUST(reader_get(r, 1, &x) == 0);
	MUST(x.seq == 1 && x.outcome == OUTCOME_COMPLETE);
	MUST(slice_eq(x.path, SLICE("/v1/responses")) && x.usage.input == 1);
	must_have_body(r, 1, SIDE_REQUEST_BODY, 100000);
	must_have_body(r, 1, SIDE_RESPONSE_BODY, 1);
	must_have_body(r, 1, SIDE_REQUEST_HEAD, 0);
	MUST(reader_meta(r, "heartbeat", &v) == 0);
	MUST(slice_eq(v, SLICE("beat")));
	MUST(reader_meta(r, "pulse", &v) == READER_NONE);
	MUST(reader_get(r, 2, &x) == READER_NONE);
	reader_close(r);
}

static void
what_is_committed_is_read(void **state)
{
	struct writer *w = open_writer();

	assert_int_equal(writer_next_seq(w), 1);
	assert_int_equal(writer_pending(w), 0);
	assert_int_equal(put_body(w, 1, SIDE_REQUEST_BODY, 100000), 0);
	assert_int_equal(put_body(w, 1, SIDE_RESPONSE_BODY, 1), 0);
	assert_int_equal(put(w, 1, OUTCOME_COMPLETE), 0);
	assert_int_equal(writer_put_meta(w, "heartbeat", "beat", 4), 0);
	assert_true(writer_pending(w) >= 100005);
	assert_int_equal(writer_commit(w), 0);
	assert_int_equal(writer_pending(w), 0);
	elsewhere(must_be_what_was_put, NULL);
	assert_int_equal(writer_close(w), 0);
	elsewhere(must_be_what_was_put, NULL);
}

static void
must_be_empty(void *arg)
{
	struct reader *r = must_open_reader();
	struct exchange x;

	MUST(reader_next(r, 0, &x) == READER_NONE);
	MUST(reader_prev(r, UINT64_MAX, &x) == READER_NONE);
	reader_close(r);
}

static void
nothing_is_read_before_the_commit_and_close_commits(void **state)
{
	struct writer *w = open_writer();

	assert_int_equal(writer_commit(w), 0);	/* nothing is put */
	assert_int_equal(put(w, 1, OUTCOME_COMPLETE), 0);
	elsewhere(must_be_empty, NULL);
	assert_int_equal(put_body(w, 1, SIDE_REQUEST_BODY, 100000), 0);
	assert_int_equal(put_body(w, 1, SIDE_RESPONSE_BODY, 1), 0);
	assert_int_equal(writer_put_meta(w, "heartbeat", "beat", 4), 0);
	assert_int_equal(writer_close(w), 0);
	elsewhere(must_be_what_was_put, NULL);
}

static void
must_walk_3_5_900(void *arg)
{
	static const struct {
		uint64_t from;
		uint64_t next, prev;	/* 0: READER_NONE */
	} t[] = {
		{ 0, 3, 0 }, { 2, 3, 0 }, { 3, 5, 0 }, { 4, 5, 3 }, { 5, 900, 3 },
		{ 899, 900, 5 }, { 900, 0, 5 }, { 901, 0, 900 },
		{ UINT64_MAX, 0, 900 },
	};
	struct reader *r = must_open_reader();
	struct exchange x;

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		int rc = reader_next(r, t[i].from, &x);

		MUST(t[i].next ? rc == 0 && x.seq == t[i].next : rc == READER_NONE);
		rc = reader_prev(r, t[i].from, &x);
		MUST(t[i].prev ? rc == 0 && x.seq == t[i].prev : rc == READER_NONE);
	}
	reader_close(r);
}

static void
next_and_prev_walk_over_holes_in_order(void **state)
{
	struct writer *w = open_writer();

	assert_int_equal(put(w, 900, OUTCOME_COMPLETE), 0);
	assert_int_equal(put(w, 3, OUTCOME_COMPLETE), 0);
	assert_int_equal(writer_commit(w), 0);
	assert_int_equal(put(w, 5, OUTCOME_COMPLETE), 0);
	assert_int_equal(writer_close(w), 0);
	elsewhere(must_walk_3_5_900, NULL);
}

enum { PARTS = 3, TAIL = 77 };

static void
must_read_every_range(void *arg)
{
	const size_t part = *(size_t *)arg, len = PARTS * part + TAIL;
	const size_t edges[] = {
		0, 1, part - 1, part, part + 1, 2 * part - 1, 2 * part, 3 * part - 1,
		3 * part, 3 * part + TAIL - 1, len, len + 1, 4 * part, 9 * part,
	};
	const size_t n_edges = sizeof(edges) / sizeof(edges[0]);
	uint8_t *buf = malloc(9 * part);
	struct reader *r = must_open_reader();

	MUST(buf);
	for (size_t i = 0; i < n_edges; i++) {
		for (size_t j = 0; j < n_edges; j++) {
			size_t off = edges[i], cap = edges[j], n = 999;
			size_t want = off < len ? len - off : 0;

			if (want > cap)
				want = cap;
			MUST(reader_bytes(r, 7, SIDE_RESPONSE_BODY, off, buf, cap,
			    &n) == 0);
			MUST(n == want);
			for (size_t k = 0; k < n; k++)
				MUST(buf[k] == body_byte(7, off + k));
		}
	}
	free(buf);
	reader_close(r);
}

static void
every_range_of_a_body_is_read(void **state)
{
	struct writer *w = open_writer();
	size_t part = writer_part_bytes(w);

	assert_int_equal(part % 4096, 4080);
	/* Neighbours on all sides, so that running over would show. */
	assert_int_equal(put_body(w, 6, SIDE_RESPONSE_BODY, 2 * part), 0);
	assert_int_equal(put_body(w, 7, SIDE_RESPONSE_TIMES, 10), 0);
	assert_int_equal(put_body(w, 7, SIDE_RESPONSE_BODY, PARTS * part + TAIL), 0);
	assert_int_equal(put_body(w, 7, SIDE_RESPONSE_HEAD, part), 0);
	assert_int_equal(put_body(w, 8, SIDE_REQUEST_HEAD, part), 0);
	assert_int_equal(writer_close(w), 0);
	elsewhere(must_read_every_range, &part);
}

static void
must_end_at_the_limits(void *arg)
{
	struct reader *r = must_open_reader();
	const uint64_t part = *(size_t *)arg;
	uint8_t buf[8];
	size_t n = 9;

	MUST(reader_bytes(r, 1, SIDE_REQUEST_BODY, UINT64_MAX, buf, 8, &n) == 0);
	MUST(n == 0);
	/* The same part number, if only 32 bits of it were looked at. */
	MUST(reader_bytes(r, 1, SIDE_REQUEST_BODY, part << 32, buf, 8, &n) == 0);
	MUST(n == 0);
	MUST(reader_bytes(r, 1, SIDE_REQUEST_BODY, 0, NULL, 0, &n) == 0 && n == 0);
	MUST(reader_bytes(r, 0, SIDE_REQUEST_BODY, 0, buf, 8, &n) == 0 && n == 0);
	MUST(reader_bytes(r, UINT64_MAX, SIDE_REQUEST_BODY, 0, buf, 8, &n) == 0 &&
	    n == 0);
	reader_close(r);
}

static void
offsets_past_the_end_have_no_bytes(void **state)
{
	struct writer *w = open_writer();
	size_t part = writer_part_bytes(w);

	assert_int_equal(put_body(w, 1, SIDE_REQUEST_BODY, 3 * part), 0);
	assert_int_equal(writer_close(w), 0);
	elsewhere(must_end_at_the_limits, &part);
}

static void
must_have_two_parts_and_a_byte(void *arg)
{
	struct reader *r = must_open_reader();

	must_have_body(r, 1, SIDE_REQUEST_BODY, 2 * *(size_t *)arg + 1);
	reader_close(r);
}

static void
a_part_put_again_replaces_the_first(void **state)
{
	struct writer *w = open_writer();
	size_t part = writer_part_bytes(w);

	for (size_t len = 1; len < 2 * part; len += 1021) {
		assert_int_equal(put_body(w, 1, SIDE_REQUEST_BODY, len), 0);
		if (len % 2)
			assert_int_equal(writer_commit(w), 0);
	}
	assert_int_equal(put_body(w, 1, SIDE_REQUEST_BODY, 2 * part + 1), 0);
	assert_int_equal(writer_close(w), 0);
	elsewhere(must_have_two_parts_and_a_byte, &part);
}

static void
must_skip_the_part_after_a_short_one(void *arg)
{
	struct reader *r = must_open_reader();
	uint8_t buf[64];
	size_t n;

	MUST(reader_bytes(r, 1, SIDE_REQUEST_BODY, 0, buf, sizeof(buf), &n) == 0);
	MUST(n == 3);
	reader_close(r);
}

static void
bytes_end_at_a_part_that_is_missing_or_short(void **state)
{
	struct writer *w = open_writer();

	assert_int_equal(writer_put_part(w, 1, SIDE_REQUEST_BODY, 0, "abc", 3), 0);
	assert_int_equal(writer_put_part(w, 1, SIDE_REQUEST_BODY, 1, "def", 3), 0);
	assert_int_equal(writer_put_part(w, 1, SIDE_REQUEST_BODY, 3, "ghi", 3), 0);
	assert_int_equal(writer_close(w), 0);
	elsewhere(must_skip_the_part_after_a_short_one, NULL);
}

static void
must_be_interrupted(void *arg)
{
	const int64_t part = (int64_t)*(size_t *)arg;
	struct reader *r = must_open_reader();
	struct exchange x;

	MUST(reader_get(r, 1, &x) == 0 && x.outcome == OUTCOME_COMPLETE);
	MUST(!x.reason.p);
	MUST(reader_get(r, 2, &x) == 0 && x.outcome == OUTCOME_INTERRUPTED);
	MUST(slice_eq(x.reason, SLICE("the recorder ended first")));
	MUST(x.usage.input == 2);
	MUST(x.request.kept_bytes == 2 * part + 5);
	MUST(x.request.body_bytes == 2 * part + 5);
	MUST(x.response.kept_bytes == -1 && x.response.body_bytes == -1);
	MUST(reader_get(r, 3, &x) == 0 && x.outcome == OUTCOME_CANCELLED);
	MUST(reader_get(r, 4, &x) == 0 && x.outcome == OUTCOME_INTERRUPTED);
	reader_close(r);
}

static void
what_was_in_flight_is_interrupted_at_the_next_open_once(void **state)
{
	struct writer *w = open_writer();
	size_t part = writer_part_bytes(w);
	uint64_t n = 99;

	assert_int_equal(put(w, 1, OUTCOME_IN_FLIGHT), 0);
	assert_int_equal(put(w, 2, OUTCOME_IN_FLIGHT), 0);
	assert_int_equal(put(w, 2, OUTCOME_IN_FLIGHT), 0);
	assert_int_equal(put_body(w, 2, SIDE_REQUEST_BODY, 2 * part + 5), 0);
	assert_int_equal(writer_commit(w), 0);
	assert_int_equal(put(w, 4, OUTCOME_IN_FLIGHT), 0);
	assert_int_equal(put(w, 1, OUTCOME_COMPLETE), 0);
	assert_int_equal(put(w, 3, OUTCOME_CANCELLED), 0);
	assert_int_equal(writer_close(w), 0);
	assert_int_equal(writer_open(&w, dir, &plain, &n), 0);
	assert_int_equal(n, 2);
	assert_int_equal(writer_next_seq(w), 5);
	elsewhere(must_be_interrupted, &part);
	assert_int_equal(writer_close(w), 0);
	assert_int_equal(writer_open(&w, dir, &plain, &n), 0);
	assert_int_equal(n, 0);
	assert_int_equal(writer_close(w), 0);
}

static void
numbers_go_on_after_rows_bodies_and_gaps(void **state)
{
	struct writer *w = open_writer();

	assert_int_equal(writer_next_seq(w), 1);
	assert_int_equal(writer_next_seq(w), 2);
	assert_int_equal(put(w, 2, OUTCOME_COMPLETE), 0);
	writer_close(w);
	w = open_writer();
	assert_int_equal(writer_next_seq(w), 3);
	assert_int_equal(put_body(w, 10, SIDE_REQUEST_HEAD, 3), 0);
	writer_close(w);
	w = open_writer();
	assert_int_equal(writer_next_seq(w), 11);
	assert_int_equal(writer_put_gap(w, 15, 6, "full"), 0);
	writer_close(w);
	w = open_writer();
	assert_int_equal(writer_next_seq(w), 21);
	writer_close(w);
}

static void
must_have_gaps(void *arg)
{
	struct reader *r = must_open_reader();
	struct slice why;
	uint64_t seq, n;

	MUST(reader_next_gap(r, 0, &seq, &n, &why) == 0);
	MUST(seq == 5 && n == 1 && slice_eq(why, SLICE("disk")));
	MUST(reader_next_gap(r, 5, &seq, &n, &why) == 0);
	MUST(seq == 9 && n == 1000000000000 && slice_eq(why, SLICE("")));
	MUST(reader_next_gap(r, 9, &seq, &n, &why) == READER_NONE);
	MUST(reader_next_gap(r, UINT64_MAX, &seq, &n, &why) == READER_NONE);
	reader_close(r);
}

static void
gaps_are_rows(void **state)
{
	struct writer *w = open_writer();

	assert_int_equal(writer_put_gap(w, 9, 1000000000000, ""), 0);
	assert_int_equal(writer_put_gap(w, 5, 1, "disk"), 0);
	assert_int_equal(writer_close(w), 0);
	elsewhere(must_have_gaps, NULL);
}

static void
must_know_the_store(void *arg)
{
	struct reader *r = must_open_reader();
	struct slice v;

	MUST(reader_meta(r, META_ID, &v) == 0 && v.len == STORE_ID_LEN);
	MUST(strspn(v.p, "0123456789abcdef") >= STORE_ID_LEN);
	MUST(memcmp(v.p, arg, STORE_ID_LEN) == 0 || *(char *)arg == '\0');
	MUST(reader_meta(r, META_FORMAT, &v) == 0);
	MUST(slice_eq(v, SLICE("\1\0\0\0")));
	MUST(reader_meta(r, META_CREATED, &v) == 0 && v.len == 8);
	reader_close(r);
}

static void
store_id(char id[STORE_ID_LEN + 1])
{
	struct reader *r;
	struct slice v;

	assert_int_equal(reader_open(&r, dir), 0);
	assert_int_equal(reader_meta(r, META_ID, &v), 0);
	memcpy(id, v.p, STORE_ID_LEN);
	id[STORE_ID_LEN] = '\0';
	reader_close(r);
}

static void
a_store_has_a_name_and_a_key_that_stay(void **state)
{
	uint8_t key[32];
	char id[STORE_ID_LEN + 1], other[STORE_ID_LEN + 1];
	struct writer *w = open_writer();

	memcpy(key, writer_key(w), 32);
	writer_close(w);
	store_id(id);
	w = open_writer();
	assert_memory_equal(writer_key(w), key, 32);
	elsewhere(must_know_the_store, id);
	writer_close(w);
	snprintf(dir, sizeof(dir), "%s/other", top);
	w = open_writer();
	assert_memory_not_equal(writer_key(w), key, 32);
	writer_close(w);
	store_id(other);
	assert_string_not_equal(id, other);
}

static mode_t
mode_of(const char *name)
{
	char path[160];
	struct stat st;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	assert_int_equal(lstat(path, &st), 0);
	return st.st_mode & 07777;
}

static void
assert_private(void)
{
	assert_int_equal(mode_of("."), 0700);
	assert_int_equal(mode_of("data.mdb"), 0600);
	assert_int_equal(mode_of("lock.mdb"), 0600);
	assert_int_equal(mode_of("key"), 0600);
	assert_int_equal(mode_of("writer.lock"), 0600);
	assert_int_equal(mode_of("open.lock"), 0600);
}

static void
nobody_else_may_look_in_whatever_the_umask(void **state)
{
	static const mode_t masks[] = { 0, 022, 077, 0777 };

	for (size_t i = 0; i < sizeof(masks) / sizeof(masks[0]); i++) {
		mode_t old = umask(masks[i]);
		struct writer *w;

		snprintf(dir, sizeof(dir), "%s/a%zu/b/store", top, i);
		w = open_writer();
		umask(old);
		assert_private();
		writer_close(w);
	}
}

static void
wide_rights_are_tightened_on_what_is_ours_only(void **state)
{
	struct writer *w;
	char path[160];
	FILE *f;

	assert_int_equal(mkdir(dir, 0755), 0);
	w = open_writer();		/* it was empty */
	writer_close(w);
	assert_private();
	assert_int_equal(chmod(dir, 0777), 0);
	snprintf(path, sizeof(path), "%s/data.mdb", dir);
	assert_int_equal(chmod(path, 0644), 0);
	w = open_writer();		/* it is a store */
	writer_close(w);
	assert_private();
	snprintf(dir, sizeof(dir), "%s/home", top);
	assert_int_equal(mkdir(dir, 0755), 0);
	snprintf(path, sizeof(path), "%s/letter", dir);
	assert_non_null(f = fopen(path, "w"));
	fclose(f);
	assert_int_equal(writer_open(&w, dir, &plain, NULL), WRITER_WIDE);
	assert_null(w);
	assert_int_equal(mode_of("."), 0755);
	assert_int_equal(chmod(dir, 0700), 0);
	w = open_writer();
	writer_close(w);
}

static void
spoil_key(const char *path, int how)
{
	char aside[170];

	snprintf(aside, sizeof(aside), "%s.aside", path);
	switch (how) {
	case 0:
		assert_int_equal(chmod(path, 0640), 0);
		break;
	case 1:
		assert_int_equal(chmod(path, 0604), 0);
		break;
	case 2:
		assert_int_equal(truncate(path, 31), 0);
		break;
	case 3:
		assert_int_equal(truncate(path, 33), 0);
		break;
	case 4:
		assert_int_equal(rename(path, aside), 0);
		assert_int_equal(symlink(aside, path), 0);
		break;
	case 5:
		assert_int_equal(unlink(path), 0);
		assert_int_equal(mkfifo(path, 0600), 0);
		break;
	}
}

static void
an_unsafe_key_is_refused(void **state)
{
	char path[160];
	struct writer *w;

	for (int how = 0; how < 6; how++) {
		snprintf(dir, sizeof(dir), "%s/store%d", top, how);
		writer_close(open_writer());
		snprintf(path, sizeof(path), "%s/key", dir);
		spoil_key(path, how);
		assert_int_equal(writer_open(&w, dir, &plain, NULL), WRITER_KEY);
		assert_null(w);
		assert_int_equal(writer_holder(dir), 0);
	}
}

static void
a_key_cut_by_a_crash_is_made_again(void **state)
{
	char path[160];
	FILE *f;

	assert_int_equal(mkdir(dir, 0700), 0);
	snprintf(path, sizeof(path), "%s/key.tmp", dir);
	assert_non_null(f = fopen(path, "w"));
	fclose(f);
	writer_close(open_writer());
	assert_int_equal(mode_of("key"), 0600);
	assert_int_equal(access(path, F_OK), -1);
}

static void
must_find_it_locked(void *arg)
{
	struct writer *w;

	MUST(writer_open(&w, dir, &plain, NULL) == WRITER_LOCKED);
	MUST(!w);
	MUST(writer_holder(dir) == (long)*(pid_t *)arg);
}

static void
a_second_writer_is_told_who_records(void **state)
{
	struct writer *w = open_writer(), *second;
	pid_t us = getpid();

	elsewhere(must_find_it_locked, &us);
	assert_int_equal(writer_open(&second, dir, &plain, NULL), WRITER_LOCKED);
	assert_int_equal(put(w, 1, OUTCOME_COMPLETE), 0);
	writer_close(w);
	assert_int_equal(writer_holder(dir), 0);
	w = open_writer();
	writer_close(w);
}

static void
nothing_is_open_twice_in_a_process(void **state)
{
	struct writer *w = open_writer(), *other;
	struct reader *r, *second;

	assert_int_equal(reader_open(&r, dir), READER_TWICE);
	assert_null(r);
	writer_close(w);
	assert_int_equal(reader_open(&r, dir), 0);
	assert_int_equal(reader_open(&second, dir), READER_TWICE);
	assert_int_equal(symlink(dir, in_top("alias")), 0);
	assert_int_equal(reader_open(&second, in_top("alias")), READER_TWICE);
	assert_int_equal(writer_open(&other, dir, &plain, NULL), WRITER_TWICE);
	assert_int_equal(writer_holder(dir), 0);	/* refused: no lock left */
	snprintf(dir, sizeof(dir), "%s/other", top);
	w = open_writer();			/* another store may be */
	writer_close(w);
	reader_close(r);
}

static void
where_no_store_is_the_reader_says_so(void **state)
{
	struct reader *r;
	struct stat st;
	int fd;

	assert_int_equal(reader_open(&r, in_top("nowhere")), READER_NO_STORE);
	assert_int_equal(mkdir(dir, 0700), 0);
	assert_int_equal(reader_open(&r, dir), READER_NO_STORE);
	assert_null(r);
	fd = open(in_top("store/data.mdb"), O_CREAT | O_WRONLY, 0600);
	assert_true(fd >= 0);
	assert_int_equal(reader_open(&r, dir), READER_NO_STORE);
	assert_int_equal(write(fd, in_top("junk"), 20), 20);
	assert_int_equal(ftruncate(fd, 40960), 0);
	assert_int_equal(reader_open(&r, dir), MDB_INVALID);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_size, 40960);
	close(fd);
	assert_int_equal(reader_open(&r, in_top("store/data.mdb")),
	    READER_NO_STORE);
	assert_int_equal(access(in_top("store/open.lock"), F_OK), -1);
}

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

	writer_close(open_writer());
	put_raw("meta", "format", 6, "\2\0\0\0", 4);
	put_raw("later", "a", 1, "b", 1);
	assert_int_equal(reader_open(&r, dir), READER_VERSION);
	assert_int_equal(writer_open(&w, dir, &plain, NULL), WRITER_VERSION);
	assert_null(w);
	put_raw("meta", "format", 6, "\1\0\0\0", 4);
	writer_close(open_writer());		/* a table more is no harm */
	assert_int_equal(reader_open(&r, dir), 0);
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

static void
must_have_only_1_and_3(void *arg)
{
	struct reader *r = must_open_reader();
	struct exchange x;

	MUST(reader_next(r, 0, &x) == 0 && x.seq == 1);
	MUST(reader_next(r, 1, &x) == 0 && x.seq == 3);
	MUST(reader_next(r, 3, &x) == READER_NONE);
	must_have_body(r, 2, SIDE_REQUEST_BODY, 0);
	must_have_body(r, 3, SIDE_REQUEST_BODY, 70000);
	reader_close(r);
}

static void
a_full_map_loses_the_batch_and_no_other(void **state)
{
	const struct writer_options small = { 1 << 20, DURABILITY_SYNC };
	struct writer *w;
	int rc = 0;

	assert_int_equal(writer_open(&w, dir, &small, NULL), 0);
	assert_int_equal(put(w, 1, OUTCOME_COMPLETE), 0);
	assert_int_equal(writer_commit(w), 0);
	assert_int_equal(put(w, 2, OUTCOME_COMPLETE), 0);
	rc = put_body(w, 2, SIDE_REQUEST_BODY, 4 << 20);
	assert_int_equal(rc, MDB_MAP_FULL);
	assert_string_not_equal(writer_strerror(rc), "");
	assert_int_equal(writer_pending(w), 0);
	assert_int_equal(put(w, 3, OUTCOME_COMPLETE), 0);
	assert_int_equal(put_body(w, 3, SIDE_REQUEST_BODY, 70000), 0);
	assert_int_equal(writer_commit(w), 0);
	elsewhere(must_have_only_1_and_3, NULL);
	assert_int_equal(writer_close(w), 0);
}

/* Another process's snapshot, held as no reader of ours would. */
static void
hold_a_snapshot(void *arg)
{
	const int *fds = arg;
	MDB_env *env;
	MDB_txn *txn;

	MUST(mdb_env_create(&env) == 0);
	MUST(mdb_env_open(env, dir, MDB_RDONLY | MDB_NOTLS, 0600) == 0);
	MUST(mdb_txn_begin(env, NULL, MDB_RDONLY, &txn) == 0);
	MUST(write(fds[1], "x", 1) == 1);
	pause();
}

static off_t
grown_by_churn(struct writer *w)
{
	struct stat before, after;

	assert_int_equal(stat(in_top("store/data.mdb"), &before), 0);
	for (int i = 0; i < 50; i++) {
		assert_int_equal(put_body(w, 1, SIDE_REQUEST_BODY, 100000), 0);
		assert_int_equal(writer_commit(w), 0);
	}
	assert_int_equal(stat(in_top("store/data.mdb"), &after), 0);
	return after.st_size - before.st_size;
}

static void
a_killed_reader_pins_nothing_after_housekeeping(void **state)
{
	struct writer *w = open_writer();
	int fds[2];
	char c;
	pid_t pid;

	grown_by_churn(w);
	assert_int_equal(pipe(fds), 0);
	pid = start(hold_a_snapshot, fds);
	assert_int_equal(read(fds[0], &c, 1), 1);
	assert_true(grown_by_churn(w) > 2000000);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	writer_housekeep(w);
	grown_by_churn(w);
	assert_int_equal(grown_by_churn(w), 0);
	close(fds[0]);
	close(fds[1]);
	assert_int_equal(writer_close(w), 0);
}

/* Prints no row twice and none half: the other process commits all the while. */
static void
must_follow(void *arg)
{
	struct reader *r = must_open_reader();
	struct exchange x;
	uint64_t seen = 0;
	int rc;

	while (seen < 300) {
		rc = reader_next(r, seen, &x);
		if (rc == READER_NONE)
			continue;
		MUST(rc == 0 && x.seq == seen + 1);
		MUST(x.outcome == OUTCOME_COMPLETE);
		seen = x.seq;
		must_have_body(r, seen, SIDE_REQUEST_BODY, 20000 + seen);
	}
	reader_close(r);
}

static void
a_reader_follows_while_the_writer_writes(void **state)
{
	struct writer *w = open_writer();
	pid_t pid = start(must_follow, NULL);

	for (uint64_t seq = 1; seq <= 300; seq++) {
		assert_int_equal(put(w, seq, OUTCOME_COMPLETE), 0);
		assert_int_equal(put_body(w, seq, SIDE_REQUEST_BODY,
		    20000 + seq), 0);
		assert_int_equal(writer_commit(w), 0);
	}
	finish(pid);
	assert_int_equal(writer_close(w), 0);
}

static void
must_be_another_users(void *arg)
{
	struct reader *r;
	struct writer *w;

	MUST(setgid(65534) == 0 && setuid(65534) == 0);
	MUST(reader_open(&r, dir) == READER_DENIED);
	MUST(writer_open(&w, dir, &plain, NULL) != 0);
	MUST(writer_holder(dir) == 0);
}

static void
another_users_store_is_refused(void **state)
{
	struct writer *w = open_writer();
	struct reader *r;
	char path[160];
	struct stat st;

	writer_close(w);
	if (geteuid() != 0)
		skip();
	elsewhere(must_be_another_users, NULL);
	assert_int_equal(chown(dir, 65534, 65534), 0);
	assert_int_equal(writer_open(&w, dir, &plain, NULL), WRITER_OWNER);
	/* Root may look, and leaves nothing of its own behind. */
	snprintf(path, sizeof(path), "%s/lock.mdb", dir);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(reader_open(&r, dir), 0);
	reader_close(r);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_uid, 65534);
}

static void
limit_memory(rlim_t more)
{
	struct rlimit r;
	long pages;
	FILE *f = fopen("/proc/self/statm", "r");

	MUST(f && fscanf(f, "%ld", &pages) == 1);
	fclose(f);
	MUST(getrlimit(RLIMIT_AS, &r) == 0);
	r.rlim_cur = more == RLIM_INFINITY ? r.rlim_max :
	    (rlim_t)pages * (rlim_t)sysconf(_SC_PAGESIZE) + more;
	MUST(setrlimit(RLIMIT_AS, &r) == 0);
}

static void
must_read_in_little_room(void *arg)
{
	const int *fds = arg;
	struct reader *r;
	struct exchange x;
	char c;

	limit_memory((rlim_t)40 << 20);
	r = must_open_reader();
	MUST(reader_next(r, 0, &x) == 0 && x.seq == 1);
	MUST(write(fds[1], "x", 1) == 1);	/* now let it outgrow our map */
	MUST(read(fds[2], &c, 1) == 1);
	limit_memory(RLIM_INFINITY);
	MUST(reader_get(r, 2, &x) == 0);
	must_have_body(r, 2, SIDE_REQUEST_BODY, 60000000);
	MUST(reader_get(r, 1, &x) == 0);
	reader_close(r);
}

static void
a_map_that_does_not_fit_is_halved_and_grows_with_the_store(void **state)
{
	struct writer *w = open_writer();
	int fds[4];
	char c;
	pid_t pid;

#ifdef UNDER_ASAN
	writer_close(w);
	skip();			/* which needs more room than any limit */
#endif
	assert_int_equal(put(w, 1, OUTCOME_COMPLETE), 0);
	assert_int_equal(writer_commit(w), 0);
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(pipe(fds + 2), 0);
	pid = start(must_read_in_little_room, fds);
	close(fds[1]);
	assert_int_equal(read(fds[0], &c, 1), 1);
	assert_int_equal(put(w, 2, OUTCOME_COMPLETE), 0);
	assert_int_equal(put_body(w, 2, SIDE_REQUEST_BODY, 60000000), 0);
	assert_int_equal(writer_commit(w), 0);
	assert_int_equal(write(fds[3], "x", 1), 1);
	finish(pid);
	close(fds[0]);
	close(fds[2]);
	close(fds[3]);
	assert_int_equal(writer_close(w), 0);
}

/* What would be left in programs that `tracetape run` starts. */
static void
no_file_stays_open_over_exec(void **state)
{
	struct writer *w = open_writer();
	char path[64], name[160];
	ssize_t n;

	for (int fd = 3; fd < 64; fd++) {
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		n = readlink(path, name, sizeof(name) - 1);
		if (n < 0 || strncmp(name, top, strlen(top)) != 0)
			continue;
		assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	}
	assert_int_equal(writer_close(w), 0);
}

static void
every_code_has_a_sentence(void **state)
{
	for (int rc = WRITER_LOCKED; rc >= WRITER_OWNER; rc--)
		assert_null(strstr(writer_strerror(rc), "nknown error"));
	for (int rc = READER_NONE; rc >= READER_BUSY; rc--)
		assert_null(strstr(reader_strerror(rc), "nknown error"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		STORE_TEST(what_is_committed_is_read),
		STORE_TEST(nothing_is_read_before_the_commit_and_close_commits),
		STORE_TEST(next_and_prev_walk_over_holes_in_order),
		STORE_TEST(every_range_of_a_body_is_read),
		STORE_TEST(offsets_past_the_end_have_no_bytes),
		STORE_TEST(a_part_put_again_replaces_the_first),
		STORE_TEST(bytes_end_at_a_part_that_is_missing_or_short),
		STORE_TEST(what_was_in_flight_is_interrupted_at_the_next_open_once),
		STORE_TEST(numbers_go_on_after_rows_bodies_and_gaps),
		STORE_TEST(gaps_are_rows),
		STORE_TEST(a_store_has_a_name_and_a_key_that_stay),
		STORE_TEST(nobody_else_may_look_in_whatever_the_umask),
		STORE_TEST(wide_rights_are_tightened_on_what_is_ours_only),
		STORE_TEST(an_unsafe_key_is_refused),
		STORE_TEST(a_key_cut_by_a_crash_is_made_again),
		STORE_TEST(a_second_writer_is_told_who_records),
		STORE_TEST(nothing_is_open_twice_in_a_process),
		STORE_TEST(where_no_store_is_the_reader_says_so),
		STORE_TEST(a_newer_store_is_refused_by_both),
		STORE_TEST(damaged_meta_is_refused),
		STORE_TEST(a_damaged_row_is_told_and_does_not_end_a_listing),
		STORE_TEST(a_damaged_row_in_flight_does_not_stop_the_writer),
		STORE_TEST(a_full_map_loses_the_batch_and_no_other),
		STORE_TEST(a_killed_reader_pins_nothing_after_housekeeping),
		STORE_TEST(a_reader_follows_while_the_writer_writes),
		STORE_TEST(another_users_store_is_refused),
		STORE_TEST(a_map_that_does_not_fit_is_halved_and_grows_with_the_store),
		STORE_TEST(no_file_stays_open_over_exec),
		STORE_TEST(every_code_has_a_sentence),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
