/* press.h - when bodies are squeezed: as they end while little goes on, and else once
 * there is time.  Recording comes first: what finds no time stays as it is.
 *
 * Thread:  the writer's.
 * Memory:  PRESS_LATE_MAX exchanges that wait, some 8 KB each at most; past it they
 *          are forgotten, and their bodies stay as they are.
 * Errors:  int rc of the writer.
 */
#ifndef TRACETAPE_PROXY_PRESS_H
#define TRACETAPE_PROXY_PRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct elements;
struct writer;
struct writer_late;

enum {
	PRESS_LATE_MAX = 1024,
	PRESS_HOLD_MAX = 2 * 1024 * 1024,	/* bytes of a body that waits for its
						 * end in memory, not in parts */
};

struct press {
	struct writer_late *late;	/* a ring; NULL: none ever waited */
	size_t first, n;
	size_t hold;
	int64_t window_ns;	/* when the second at hand began */
	unsigned begun, begun_before;	/* exchanges, in it and in the one before */
	int64_t time_ns;	/* that may be spent now */
	int64_t told_ns;	/* when some was added last */
};

/* parents_bytes: store.parents_bytes; little of it is little to hold. */
void press_init(struct press *p, size_t parents_bytes);
void press_fini(struct press *p);

/* An exchange begins. */
void press_count(struct press *p, int64_t now_ns);

/* Few exchanges come, and squeezing has not taken its share of the time. */
bool press_has_time(struct press *p, int64_t now_ns);

/* Squeezing took so long. */
void press_spend(struct press *p, int64_t ns);

/* The bodies of seq, which is over, lie in parts.  Takes *e, its request's elements
 * as far as they are known. */
void press_later(struct press *p, uint64_t seq, struct elements *e);

bool press_is_waiting(const struct press *p);

/* Squeezes what waits, for some milliseconds, in the writer's batch. */
int press_work(struct press *p, struct writer *w);

#endif
