/* run_tally.h - what a run has put on the tape: its calls, traces and tokens.
 *
 * Ours is what has our label, and of a private proxy what has none.  A base URL
 * carries no label: in a shared store all that came by one meanwhile counts.
 */
#ifndef TRACETAPE_TOOLS_RUN_TALLY_H
#define TRACETAPE_TOOLS_RUN_TALLY_H

#include "store/exchange.h"

enum run_unlabelled {
	UNLABELLED_NONE,
	UNLABELLED_REVERSE,
	UNLABELLED_ALL,
};

struct run_whose {
	uint64_t after;			/* the last seq before the run */
	const char *label;
	enum run_unlabelled unlabelled;	/* what is ours of that without a label */
};

struct run_tally {
	uint64_t seen;			/* rows of ours, of any kind */
	uint64_t calls;			/* those that are no trace batch */
	uint64_t failed;		/* of calls: cut, refused, or status >= 400 */
	uint64_t in_flight;		/* of seen */
	uint64_t batches;		/* of traces */
	uint64_t batches_failed;
	uint64_t traces;		/* that these batches told of */
	uint64_t lost;			/* exchanges of anybody that are not on tape */
	int64_t tokens;			/* of each response once; -1: none told */
	int64_t cached;			/* among them; -1: none told */
	int64_t failed_status;		/* of the last failed call; -1: none */
};

/* Counts.  0, or a code for reader_strerror: what is in *t then counts only up to
 * the fault.  Nothing stays open. */
int run_tally_read(struct run_tally *t, const char *dir,
    const struct run_whose *w);

/* Appends "6 calls, 1 trace, 12 841 tokens (9 216 cached)". */
void run_tally_put(struct bytes *out, const struct run_tally *t);

#endif
