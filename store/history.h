/* history.h - which call goes on after which, told by the histories that they send:
 * an agent without previous_response_id sends all that was said with every turn.
 *
 * A call goes on after another one of the same client when its input begins with
 * all of that one's, and goes on; of several the one with the longest input, then the
 * latest that was over.  A call that is made again belongs to the one that failed.
 * Whoever sends the same beginning twice may be taken for
 * himself: what comes out is a guess, and said to be one.
 *
 * Bodies: only those without a Content-Encoding, up to the bounds below; input as
 *         one string has no elements, and leads nowhere.
 * Memory: 8 bytes an element, of HISTORY_CALLS_MAX calls.
 * Errors: int rc, 0 or a reader's code.
 */
#ifndef TRACETAPE_STORE_HISTORY_H
#define TRACETAPE_STORE_HISTORY_H

#include "store/reader.h"

enum {
	HISTORY_CALLS_MAX = 4096,
	HISTORY_BYTES_MAX = 256 * 1024 * 1024,	/* of bodies, all together */
};

struct history_call {
	uint64_t seq;
	uint64_t after;		/* the call it goes on after; 0: none */
	uint32_t first;		/* in the array: of those that belong together */
};

/* v: n calls, n <= HISTORY_CALLS_MAX, their seqs set and rising; fills in the rest.
 * *cut: not all bodies were read; the latest are. */
int history_read(struct reader *r, struct history_call *v, size_t n, bool *cut);

#endif
