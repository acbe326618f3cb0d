/* pick.h - finds the exchange that an ID on the command line means.
 *
 * An ID is a seq ("17"), "@last", "@last~2" (two before it), or the unique
 * beginning of a response id or request id.  Several exchanges may carry one
 * response id (polls, resumed streams): then the call that created the response
 * is meant, else the first of them.
 */
#ifndef TRACETAPE_TOOLS_PICK_H
#define TRACETAPE_TOOLS_PICK_H

#include "store/reader.h"

enum {
	PICK_SHORT = -100201,		/* shorter than PICK_PREFIX_MIN */
	PICK_AMBIGUOUS = -100202,	/* several ids begin so */
	PICK_MALFORMED = -100203,	/* "@lst", "@last~x" */
	PICK_PREFIX_MIN = 4,
	PICK_CANDIDATES = 5,
};

/* 0 and *seq; READER_NONE; one of the above; or another reader's code.
 * candidates (not NULL): gets, after PICK_AMBIGUOUS, up to PICK_CANDIDATES of the
 * ids that were possible, joined by ", ". */
int pick(struct reader *r, const char *id, uint64_t *seq,
    struct bytes *candidates);

/* reader_next and reader_prev that step over rows which do not decode, counting
 * them in *bad: one damaged row must not hide the others. */
int pick_next(struct reader *r, uint64_t after, struct exchange *x,
    uint64_t *bad);
int pick_prev(struct reader *r, uint64_t before, struct exchange *x,
    uint64_t *bad);

#endif
