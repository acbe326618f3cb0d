#include "tests/unit/store_rows.h"

#include <fcntl.h>
#include <sys/resource.h>

#include <lmdb.h>

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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		STORE_TEST(nobody_else_may_look_in_whatever_the_umask),
		STORE_TEST(wide_rights_are_tightened_on_what_is_ours_only),
		STORE_TEST(an_unsafe_key_is_refused),
		STORE_TEST(a_key_cut_by_a_crash_is_made_again),
		STORE_TEST(a_second_writer_is_told_who_records),
		STORE_TEST(nothing_is_open_twice_in_a_process),
		STORE_TEST(where_no_store_is_the_reader_says_so),
		STORE_TEST(another_users_store_is_refused),
		STORE_TEST(a_map_that_does_not_fit_is_halved_and_grows_with_the_store),
		STORE_TEST(no_file_stays_open_over_exec),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
