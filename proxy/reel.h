/* reel.h - the tapes in flight: their rows while they run, and what they hold back.
 *
 * Thread:  the writer's.
 * Memory:  none of its own; tapes are linked.
 */
#ifndef TRACETAPE_PROXY_REEL_H
#define TRACETAPE_PROXY_REEL_H

#include "proxy/tape.h"

struct reel {
	struct tape *first;
};

void reel_free(struct reel *r);		/* and its tapes; they stay in flight */

/* Puts rows of what is in flight, each at most once a second, so that a crash loses
 * no more.  What is small and younger than young_ns gets none yet: most of that is
 * over before the next commit, and then takes one put instead of many.  *has_young
 * says whether there is such.  young_ns 0: nothing is held any longer. */
int reel_save(struct reel *r, struct writer *w, int64_t young_ns,
    bool *has_young);

/* Bytes of the recorder's bound that no commit has put yet. */
size_t reel_held(const struct reel *r);

/* The batch is on disk, or lost. */
void reel_committed(struct reel *r);
void reel_lost(struct reel *r);

#endif
