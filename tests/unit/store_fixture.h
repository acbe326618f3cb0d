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

static const struct writer_options plain = { 0, DURABILITY_LAZY };

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

static inline int
put(struct writer *w, uint64_t seq, enum outcome o)
{
	struct exchange x;

	exchange_init(&x);
	x.seq = seq;
	x.outcome = o;
	x.path = SLICE("/v1/responses");
	x.usage.input = (int64_t)seq;
	return writer_put_exchange(w, &x);
}

/* The byte at off of the body of seq: different for neighbours and for bodies. */
static inline uint8_t
body_byte(uint64_t seq, uint64_t off)
{
	return (uint8_t)((seq * 31 + off * 7 + off / 251) % 253);
}

static inline int
put_body(struct writer *w, uint64_t seq, enum side side, uint64_t len)
{
	size_t part = writer_part_bytes(w);
	uint8_t *p = malloc(part);
	int rc = p ? 0 : -1;

	for (uint64_t off = 0; off < len && rc == 0; off += part) {
		size_t n = len - off < part ? (size_t)(len - off) : part;

		for (size_t i = 0; i < n; i++)
			p[i] = body_byte(seq, off + i);
		rc = writer_put_part(w, seq, side, (uint32_t)(off / part), p, n);
	}
	free(p);
	return rc;
}

/* The side of seq has len bytes, and those of put_body. */
static inline void
must_have_body(struct reader *r, uint64_t seq, enum side side, uint64_t len)
{
	static uint8_t buf[50000];
	uint64_t off = 0;
	size_t n;

	do {
		MUST(reader_bytes(r, seq, side, off, buf, sizeof(buf), &n) == 0);
		for (size_t i = 0; i < n; i++)
			MUST(buf[i] == body_byte(seq, off + i));
		off += n;
	} while (n == sizeof(buf));
	MUST(off == len);
}

#endif
