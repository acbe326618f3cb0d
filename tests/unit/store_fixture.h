/* store_fixture.h - a directory per test, and processes, because one process may
 * not open a store twice.
 *
 * Memory:  the directory's name is static; one test runs at a time.
 */
#ifndef TRACETAPE_TESTS_STORE_FIXTURE_H
#define TRACETAPE_TESTS_STORE_FIXTURE_H

#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store/reader.h"
#include "store/writer.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define UNDER_ASAN 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) && !defined(UNDER_ASAN)
#define UNDER_ASAN 1
#endif

static char top[64];		/* of the test, 0755 */
static char dir[80];		/* the store in it; made by the writer */

static const struct writer_options plain = { 0, DURABILITY_LAZY, 1 << 20 };

/* For children, where cmocka's asserts would run on into the parent's tests. */
#define MUST(what) \
	((what) ? (void)0 : \
	 (fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #what), _exit(1)))

static inline int
remove_one(const char *path, const struct stat *st, int type, struct FTW *f)
{
	return remove(path);
}

static inline int
make_top(void **state)
{
	snprintf(top, sizeof(top), "/tmp/tracetape-test-XXXXXX");
	if (!mkdtemp(top) || chmod(top, 0755) != 0)
		return -1;
	snprintf(dir, sizeof(dir), "%s/store", top);
	return 0;
}

static inline int
remove_top(void **state)
{
	return nftw(top, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

#define STORE_TEST(f) cmocka_unit_test_setup_teardown(f, make_top, remove_top)

static inline const char *
in_top(const char *name)
{
	static char path[160];

	snprintf(path, sizeof(path), "%s/%s", top, name);
	return path;
}

static inline struct writer *
open_writer(void)
{
	struct writer *w;
	int rc = writer_open(&w, dir, &plain, NULL);

	if (rc)
		fprintf(stderr, "writer_open: %s\n", writer_strerror(rc));
	assert_int_equal(rc, 0);
	return w;
}

static inline pid_t
start(void (*child)(void *), void *arg)
{
	pid_t pid;

	fflush(NULL);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		child(arg);
		_exit(0);
	}
	return pid;
}

static inline void
finish(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* Runs child in a process of its own; it ends by returning, or by MUST. */
static inline void
elsewhere(void (*child)(void *), void *arg)
{
	finish(start(child, arg));
}

static inline struct reader *
must_open_reader(void)
{
	struct reader *r;
	int rc = reader_open(&r, dir);

	if (rc)
		fprintf(stderr, "reader_open: %s\n", reader_strerror(rc));
	MUST(rc == 0);
	return r;
}

#endif
