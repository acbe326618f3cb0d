#include "tests/unit/store_rows.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>

#include <lmdb.h>

enum {
	ROUNDS = 20,
	IN_FLIGHT = 4,		/* exchanges that overlap */
	BODY_MOST = 60000,
	META_PAGES = 2,		/* LMDB's first two */
};

/* The seam for a failing disk: these stand before libc's, for liblmdb too. */
static enum { DISK_WELL, DISK_DATA_FAILS, DISK_META_FAILS } disk;

static bool
fails(off_t off)
{
	bool is_meta = off < META_PAGES * sysconf(_SC_PAGESIZE);

	if (disk != (is_meta ? DISK_META_FAILS : DISK_DATA_FAILS))
		return false;
	errno = EIO;
	return true;
}

ssize_t pwrite64(int fd, const void *p, size_t n, off64_t off);
ssize_t
pwrite64(int fd, const void *p, size_t n, off64_t off)
{
	return fails(off) ? -1 : syscall(SYS_pwrite64, fd, p, n, off);
}

ssize_t pwrite(int fd, const void *p, size_t n, off_t off);
ssize_t
pwrite(int fd, const void *p, size_t n, off_t off)
{
	return fails(off) ? -1 : syscall(SYS_pwrite64, fd, p, n, off);
}

ssize_t
writev(int fd, const struct iovec *v, int n)
{
	off_t off = lseek(fd, 0, SEEK_CUR);

	return off > 0 && fails(off) ? -1 : syscall(SYS_writev, fd, v, n);
}

static uint64_t seed;

static uint64_t
rnd(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

static uint64_t
body_len(uint64_t seq)
{
	return seq * 7919 % BODY_MOST + 1;
}

/* What the child says after a commit. */
struct report {
	uint64_t done;		/* exchanges up to this are complete, and whole */
	uint64_t began;		/* and up to this have a row */
};

/* The life of a recorder. */
struct life {
	const struct writer_options *options;
	int to_parent;
};

static void
begin_some(struct writer *w, struct report *said, uint64_t until)
{
	while (said->began < until) {
		said->began = writer_next_seq(w);
		MUST(put(w, said->began, OUTCOME_IN_FLIGHT) == 0);
	}
}

static void
record_until_killed(void *arg)
{
	const struct life *life = arg;
	struct report said;
	struct writer *w;
	uint64_t seq;

	MUST(writer_open(&w, dir, life->options, NULL) == 0);
	said.began = seq = writer_next_seq(w);
	MUST(put(w, seq, OUTCOME_IN_FLIGHT) == 0);
	for (;; seq++) {
		begin_some(w, &said, seq + IN_FLIGHT);
		MUST(put_body(w, seq, SIDE_REQUEST_BODY, body_len(seq)) == 0);
		if (rnd() % 3 == 0)
			MUST(writer_commit(w) == 0);
		MUST(put_body(w, seq, SIDE_RESPONSE_BODY, body_len(seq) / 3) == 0);
		MUST(put(w, seq, OUTCOME_COMPLETE) == 0);
		if (rnd() % 3 != 0)
			continue;
		MUST(writer_commit(w) == 0);
		said.done = seq;
		MUST(write(life->to_parent, &said, sizeof(said)) == sizeof(said));
	}
}

static struct report
kill_at_random(pid_t pid, int fd)
{
	const struct timespec rest = { 0, (long)(rnd() % 40000000) };
	struct report last = { 0, 0 }, r;
	uint64_t reports = rnd() % 8;

	/* Some commits, and then any moment of what follows. */
	while (reports-- > 0 && read(fd, &r, sizeof(r)) == sizeof(r))
		last = r;
	nanosleep(&rest, NULL);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	while (read(fd, &r, sizeof(r)) == sizeof(r))
		last = r;
	return last;
}

/* What the next life must find. */
struct expected {
	struct report report;
	uint64_t interrupted;
};

static uint64_t
must_be_whole(struct reader *r, const struct exchange *x)
{
	if (x->outcome == OUTCOME_INTERRUPTED)
		return 1;
	MUST(x->outcome == OUTCOME_COMPLETE);
	must_have_body(r, x->seq, SIDE_REQUEST_BODY, body_len(x->seq));
	must_have_body(r, x->seq, SIDE_RESPONSE_BODY, body_len(x->seq) / 3);
	return 0;
}

static void
must_hold_what_was_reported(void *arg)
{
	const struct expected *e = arg;
	struct reader *r = must_open_reader();
	struct exchange x;
	uint64_t seq = 0, interrupted = 0;
	int rc;

	while ((rc = reader_next(r, seq, &x)) == 0) {
		MUST(x.seq == seq + 1);		/* numbers have no holes */
		seq = x.seq;
		interrupted += must_be_whole(r, &x);
	}
	MUST(rc == READER_NONE);
	MUST(seq >= e->report.began && seq >= e->report.done);
	MUST(interrupted == e->interrupted);
	reader_close(r);
}

struct range {
	uint64_t from, to;
};

/* What the last life reported is complete: interrupted ones are older or newer. */
static void
must_be_complete(void *arg)
{
	const struct range *range = arg;
	struct reader *r = must_open_reader();
	struct exchange x;

	for (uint64_t seq = range->from; seq <= range->to; seq++)
		MUST(reader_get(r, seq, &x) == 0 &&
		    x.outcome == OUTCOME_COMPLETE);
	reader_close(r);
}

static struct report
live_and_be_killed(const struct writer_options *options)
{
	struct report last;
	struct life life;
	int fds[2];
	pid_t pid;

	assert_int_equal(pipe(fds), 0);
	life = (struct life){ options, fds[1] };
	pid = start(record_until_killed, &life);
	close(fds[1]);
	last = kill_at_random(pid, fds[0]);
	close(fds[0]);
	return last;
}

static void
choose_seed(void)
{
	const char *again = getenv("TRACETAPE_SEED");

	seed = again ? strtoull(again, NULL, 0) :
	    (uint64_t)time(NULL) * 2654435761u ^ (uint64_t)getpid();
	print_message("TRACETAPE_SEED=%#llx\n", (unsigned long long)seed);
}

static void
what_was_committed_survives_sigkill(void **state)
{
	static const struct writer_options sync = { 0, DURABILITY_SYNC, 0 };
	struct expected e = { { 0, 0 }, 0 };
	struct range range = { 1, 0 };
	struct writer *w;
	uint64_t n;

	choose_seed();
	for (int round = 0; round < ROUNDS; round++) {
		e.report = live_and_be_killed(round % 2 ? &plain : &sync);
		assert_int_equal(writer_open(&w, dir, &plain, &n), 0);
		assert_true(n <= IN_FLIGHT + 1);
		e.interrupted += n;
		range.to = e.report.done;
		elsewhere(must_hold_what_was_reported, &e);
		elsewhere(must_be_complete, &range);
		range.from = writer_next_seq(w);
		assert_int_equal(writer_close(w), 0);
	}
	assert_true(range.from > 1);		/* they did record something */
}

static void
must_have_1_and_3(void *arg)
{
	struct reader *r = must_open_reader();
	struct exchange x;
	struct slice why;
	uint64_t seq, n;

	MUST(reader_get(r, 1, &x) == 0);
	must_have_body(r, 1, SIDE_REQUEST_BODY, 300000);
	MUST(reader_get(r, 2, &x) == READER_NONE);
	must_have_body(r, 2, SIDE_REQUEST_BODY, 0);
	MUST(reader_next_gap(r, 0, &seq, &n, &why) == 0 && seq == 2 && n == 1);
	MUST(reader_get(r, 3, &x) == 0);
	must_have_body(r, 3, SIDE_REQUEST_BODY, 5000000);
	MUST(reader_next(r, 3, &x) == READER_NONE);
	reader_close(r);
}

static int
put_whole(struct writer *w, uint64_t seq, uint64_t len)
{
	int rc = put_body(w, seq, SIDE_REQUEST_BODY, len);

	return rc ? rc : put(w, seq, OUTCOME_COMPLETE);
}

/* The disk is well again: what was lost becomes a gap, and recording goes on. */
static void
assert_goes_on(struct writer *w)
{
	assert_int_equal(writer_pending(w), 0);
	assert_int_equal(writer_put_gap(w, 2, 1, "the disk failed"), 0);
	assert_int_equal(put_whole(w, 3, 5000000), 0);
	assert_int_equal(writer_commit(w), 0);
	elsewhere(must_have_1_and_3, NULL);
	assert_int_equal(writer_close(w), 0);
	elsewhere(must_have_1_and_3, NULL);
	w = open_writer();
	assert_int_equal(writer_next_seq(w), 4);
	assert_int_equal(writer_close(w), 0);
}

static void
set_file_limit(rlim_t most)
{
	struct rlimit r;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &r), 0);
	r.rlim_cur = most == RLIM_INFINITY ? r.rlim_max : most;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &r), 0);
}

static void
a_full_disk_loses_the_batch_and_no_other(void **state)
{
	struct writer *w = open_writer();
	struct stat st;
	int rc;

	assert_int_equal(put_whole(w, 1, 300000), 0);
	assert_int_equal(writer_commit(w), 0);
	assert_int_equal(stat(in_top("store/data.mdb"), &st), 0);
	signal(SIGXFSZ, SIG_IGN);
	set_file_limit((rlim_t)st.st_size + 100000);
	for (int i = 0; i < 5; i++) {
		rc = put_whole(w, 2, 3000000);
		assert_int_equal(rc, 0);
		assert_int_not_equal(writer_commit(w), 0);
		assert_int_equal(writer_pending(w), 0);
	}
	set_file_limit(RLIM_INFINITY);
	signal(SIGXFSZ, SIG_DFL);
	assert_goes_on(w);
}

static void
a_failing_disk_loses_the_batch_and_no_other(void **state)
{
	struct writer *w = open_writer();

	assert_int_equal(put_whole(w, 1, 300000), 0);
	assert_int_equal(writer_commit(w), 0);
	disk = DISK_DATA_FAILS;
	for (int i = 0; i < 5; i++) {
		assert_int_equal(put_whole(w, 2, 3000000), 0);
		assert_int_not_equal(writer_commit(w), 0);
	}
	disk = DISK_WELL;
	assert_goes_on(w);
}

/* LMDB refuses everything from then on; only a new environment helps. */
static void
a_meta_page_that_cannot_be_written_is_outlived(void **state)
{
	struct writer *w = open_writer();

	assert_int_equal(put_whole(w, 1, 300000), 0);
	assert_int_equal(writer_commit(w), 0);
	disk = DISK_META_FAILS;
	for (int i = 0; i < 5; i++) {
		assert_int_equal(put_whole(w, 2, 3000000), 0);
		assert_int_equal(writer_commit(w), EIO);
	}
	disk = DISK_WELL;
	assert_goes_on(w);
}

/* Not even the environment can be opened again, until it can. */
static void
a_store_that_cannot_be_reopened_is_tried_again(void **state)
{
	struct writer *w = open_writer();
	struct rlimit old, none;

	assert_int_equal(put_whole(w, 1, 300000), 0);
	assert_int_equal(writer_commit(w), 0);
	disk = DISK_META_FAILS;
	assert_int_equal(put_whole(w, 2, 300000), 0);
	assert_int_equal(writer_commit(w), EIO);
	disk = DISK_WELL;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	none = old;
	none.rlim_cur = 3;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	assert_int_equal(put_whole(w, 2, 300000), EMFILE);
	assert_int_equal(put_whole(w, 2, 300000), EMFILE);
	writer_housekeep(w);
	assert_int_equal(writer_commit(w), 0);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
	assert_goes_on(w);
}

static void
closing_what_cannot_be_written_says_so(void **state)
{
	struct writer *w = open_writer();

	assert_int_equal(put_whole(w, 1, 300000), 0);
	disk = DISK_META_FAILS;
	assert_int_equal(writer_close(w), EIO);
	disk = DISK_WELL;
	assert_int_equal(writer_close(NULL), 0);
	w = open_writer();
	assert_int_equal(writer_next_seq(w), 1);
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
	const struct writer_options small = { 1 << 20, DURABILITY_SYNC, 0 };
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
	mdb_env_set_mapsize(env, (size_t)64 << 20);
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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		STORE_TEST(what_was_committed_survives_sigkill),
		STORE_TEST(a_full_disk_loses_the_batch_and_no_other),
		STORE_TEST(a_failing_disk_loses_the_batch_and_no_other),
		STORE_TEST(a_meta_page_that_cannot_be_written_is_outlived),
		STORE_TEST(a_store_that_cannot_be_reopened_is_tried_again),
		STORE_TEST(a_full_map_loses_the_batch_and_no_other),
		STORE_TEST(a_killed_reader_pins_nothing_after_housekeeping),
		STORE_TEST(closing_what_cannot_be_written_says_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
