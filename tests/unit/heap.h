/* heap.h - an allocator that counts, and that can fail; for one file of tests.
 *
 * Standing in for the allocator takes a libc that lets us, and no sanitizer that
 * does so already: elsewhere nothing is counted and nothing fails.
 */
#ifndef TRACETAPE_TESTS_HEAP_H
#define TRACETAPE_TESTS_HEAP_H

#include <malloc.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#if defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__) && \
    !defined(__SANITIZE_THREAD__)
#if defined(__has_feature)
#if !__has_feature(address_sanitizer) && !__has_feature(memory_sanitizer) && \
    !__has_feature(thread_sanitizer)
#define HEAP_COUNTS 1
#endif
#else
#define HEAP_COUNTS 1
#endif
#endif

#ifdef HEAP_COUNTS

void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t n);
void __libc_free(void *p);

static size_t heap_bytes, heap_most;
static long heap_until_failure = -1;	/* -1: none fails */

static bool
heap_may_have(void)
{
	if (heap_until_failure < 0)
		return true;
	return heap_until_failure-- > 0;
}

static void *
heap_note(void *p)
{
	heap_bytes += p ? malloc_usable_size(p) : 0;
	if (heap_bytes > heap_most)
		heap_most = heap_bytes;
	return p;
}

void *
malloc(size_t n)
{
	return heap_may_have() ? heap_note(__libc_malloc(n)) : NULL;
}

void *
calloc(size_t n, size_t size)
{
	return heap_may_have() ? heap_note(__libc_calloc(n, size)) : NULL;
}

void
free(void *p)
{
	heap_bytes -= p ? malloc_usable_size(p) : 0;
	__libc_free(p);
}

void *
realloc(void *p, size_t n)
{
	const size_t had = p ? malloc_usable_size(p) : 0;
	void *q = heap_may_have() ? __libc_realloc(p, n) : NULL;

	if (q)
		heap_bytes -= had;
	return heap_note(q);
}

#else

static const size_t heap_bytes;
static size_t heap_most;
static long heap_until_failure;

#endif

static inline bool
heap_is_counted(void)
{
#ifdef HEAP_COUNTS
	return true;
#else
	return false;
#endif
}

static inline size_t
heap_held(void)
{
	return heap_bytes;
}

/* The most since the last call. */
static inline size_t
heap_peak(void)
{
	const size_t most = heap_most;

	heap_most = heap_bytes;
	return most;
}

/* Allocation n from now on fails, and those after it do not; -1: none fails. */
static inline void
heap_fail_at(long n)
{
	heap_until_failure = n;
}

#endif
