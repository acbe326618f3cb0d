/* spool.h - one side of an exchange as it grows in the store, part by part.
 *
 * Thread:  the writer's.
 * Memory:  the last, unfinished part; of a side that may be squeezed at its end, all
 *          of it, up to `hold`, until the next save.
 */
#ifndef TRACETAPE_PROXY_SPOOL_H
#define TRACETAPE_PROXY_SPOOL_H

#include "store/exchange.h"

struct writer;

struct spool {
	struct bytes tail;	/* bytes from part `part` on */
	uint32_t part;
	size_t hold;		/* how long the tail may grow while nothing is put;
				 * less than a part: a part */
	size_t put_len;		/* of the tail, as last put */
	int64_t put;		/* bytes put in all */
	int64_t kept;		/* ... and committed */
	bool is_cut;		/* takes no more */
};

void spool_fini(struct spool *s);

/* Appends; finished parts are put at once. */
int spool_add(struct spool *s, struct writer *w, uint64_t seq, enum side side,
    const void *p, size_t n);

/* Puts what it holds, the unfinished part too, if that has grown. */
int spool_save(struct spool *s, struct writer *w, uint64_t seq, enum side side);

/* Holds all that its side has, and none of it is put. */
bool spool_is_whole(const struct spool *s);

/* What it holds was put some other way, and nothing will come. */
void spool_is_put(struct spool *s);

/* The same, and it holds it no longer. */
void spool_is_squeezed(struct spool *s);

bool spool_is_unsaved(const struct spool *s);
void spool_committed(struct spool *s);

/* What was put since the last commit is gone: nothing after it is kept. */
void spool_lost(struct spool *s);

#endif
