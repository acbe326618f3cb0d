/* gaps.h - numbers of lost exchanges, as runs, until the store can be told.
 *
 * Memory: GAPS_MAX runs; past that the last one grows over what lies between, and
 *         may then claim that an exchange is lost whose row stands: readers believe
 *         rows.
 */
#ifndef TRACETAPE_PROXY_GAPS_H
#define TRACETAPE_PROXY_GAPS_H

#include <stddef.h>
#include <stdint.h>

struct writer;

enum { GAPS_MAX = 256 };

struct gaps {			/* zeroed is empty */
	struct {
		uint64_t seq, n;
	} run[GAPS_MAX];
	size_t n;
	uint64_t total;		/* exchanges */
};

void gaps_add(struct gaps *g, uint64_t seq, uint64_t n);
int gaps_put(const struct gaps *g, struct writer *w, const char *why);
void gaps_clear(struct gaps *g);

#endif
