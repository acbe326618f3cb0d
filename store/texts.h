/* texts.h - a numbered handful of short texts in one allocation.
 *
 * Memory:  room is doubled when a text outgrows it, so however often texts are
 *          replaced, all stay within four times the longest of each.
 */
#ifndef TRACETAPE_STORE_TEXTS_H
#define TRACETAPE_STORE_TEXTS_H

#include "store/bytes.h"

enum { TEXTS_MAX = 40 };

struct texts {
	struct bytes store;
	struct {
		uint32_t off;
		uint32_t len;
		uint32_t cap;
		bool is_set;
	} at[TEXTS_MAX];
};

/* Sets text i; without memory it is as if it had not been seen. */
void texts_set(struct texts *t, unsigned i, struct slice s);

/* The same, cut after at most max bytes, but not inside a UTF-8 character. */
void texts_set_cut(struct texts *t, unsigned i, struct slice s, size_t max);

/* Makes texts from i up to end, without it, missing again. */
void texts_drop(struct texts *t, unsigned i, unsigned end);

/* p == NULL: not set.  Borrowed until the next texts_set. */
struct slice texts_get(const struct texts *t, unsigned i);

void texts_fini(struct texts *t);	/* safe on a zeroed one */

#endif
