/* guard.h - input that ends where the memory ends, so that an over-read crashes. */
#ifndef TRACETAPE_TESTS_GUARD_H
#define TRACETAPE_TESTS_GUARD_H

#include <assert.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { GUARD_MAX = 256 * 1024 };

/* A copy of p[0..n) whose last byte lies against an unmapped page.  It is good
 * until the next call. */
static inline char *
guard_put(const void *p, size_t n)
{
	static char *base;

	assert(n <= GUARD_MAX);
	if (!base) {
		base = mmap(NULL, GUARD_MAX + (size_t)sysconf(_SC_PAGESIZE),
		    PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		assert(base != MAP_FAILED);
		assert(mprotect(base + GUARD_MAX,
		    (size_t)sysconf(_SC_PAGESIZE), PROT_NONE) == 0);
	}
	if (n)
		memcpy(base + GUARD_MAX - n, p, n);
	return base + GUARD_MAX - n;
}

#endif
