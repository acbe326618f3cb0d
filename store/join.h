/* join.h - a trace with the exchanges that are behind its spans.
 *
 * Spans have structure without content, exchanges content without structure.  They
 * are joined by the id of the response; where there is none (a call that failed, or
 * whose data is sensitive), by time: an exchange of the trace's own client that
 * lies in the span, when no other exchange and no other span could be meant; the
 * clocks of both are compared first.
 * Attempts that failed belong to the span of the one that did not: the same body
 * sent again, counted by x-stainless-retry-count.
 *
 * Where no trace was recorded one may be inferred: join_thread.h.
 *
 * What comes out depends on which spans and exchanges there are, not on the order,
 * the batches or the number of times in which they came.
 *
 * Memory:  the bounds below; texts longer than SPAN_TEXT_MAX are not kept whole.
 * Time:    n log n in what is joined, and a look at each exchange of the trace's
 *          time.  Exchanges are found by their time, which rises with seq but for
 *          steps of the clock; small ones do no harm.
 * Errors:  int rc, 0 or a reader's code.  What does not decode is stepped over.
 */
#ifndef TRACETAPE_STORE_JOIN_H
#define TRACETAPE_STORE_JOIN_H

#include "store/join_span.h"
#include "store/reader.h"
#include "store/tree.h"

enum {
	JOIN_SPANS_MAX = 64 * 1024,
	JOIN_CALLS_MAX = 64 * 1024,
	JOIN_LOOK_MAX = 256 * 1024,	/* exchanges looked at */
	JOIN_TEXT_MAX = 32 * 1024 * 1024,
	JOIN_SLACK_NS = 5 * 1000 * 1000,	/* spans are cut to ms */
};

/* What a bound left out. */
enum {
	JOIN_CUT_SPANS = 1 << 0,
	JOIN_CUT_CALLS = 1 << 1,
	JOIN_CUT_LOOK = 1 << 2,		/* calls without a span may be missing */
};

enum join_how {
	JOIN_NOT = 0,
	JOIN_BY_ID,
	JOIN_BY_TIME,
	JOIN_ATTEMPT,		/* before the call that is joined */
};

enum {
	CALL_STREAM = 1 << 0,
	CALL_COUNTS = 1 << 1,	/* the tokens of its response, which may have come
				 * several times, are taken from here */
	CALL_FAILED = 1 << 2,
	CALL_BACKGROUND = 1 << 3,
};

/* An exchange. */
struct join_call {
	uint64_t seq;
	int64_t time_ns;
	int64_t end_ns;			/* -1: not over, or nobody knows */
	int64_t first_us;		/* to the first token, else byte; -1 */
	int64_t status;
	int64_t retry;			/* -1: the client does not count */
	enum outcome outcome;
	enum endpoint endpoint;
	enum response_role role;
	enum join_how how;
	unsigned flags;			/* CALL_ */
	uint32_t span;			/* TREE_NONE */
	uint32_t next;			/* of the same span, in order of time */
	uint32_t who;			/* its client: equal or not */
	uint64_t body;			/* of its request: equal or not; 0: unknown */
	struct usage usage;
	struct slice id;		/* of its response, as it stands in keys */
	struct slice previous_id;
	struct slice conversation;
	struct slice model;
	struct slice api_status;
	struct slice error;		/* code, else type */
};

/* A span.  Its place in the tree is the node of the same number. */
struct join_span {
	enum span_kind kind;
	int64_t turn;			/* as in join_span.h */
	int64_t triggered;
	struct slice type;		/* as it came */
	struct slice name;
	struct slice to;
	struct slice model;
	struct slice error;		/* p NULL: there is none */
	struct slice response_id;	/* as it stands in keys */
	uint32_t first_call;
	uint32_t twin;			/* a span before it that names the same
					 * response, and has its calls */
};

struct join_totals {
	size_t spans;
	size_t calls;			/* attempts too, polls and streams not */
	size_t exchanges;		/* all that belong to a span */
	size_t attempts;
	size_t errors;			/* spans that tell of one, or whose call
					 * failed */
	size_t unmatched_spans;		/* of model calls, without an exchange */
	size_t unmatched_calls;		/* of the same client and time */
	size_t handoffs;
	size_t tools;
	struct usage usage;		/* -1: nothing told */
};

struct join {
	struct slice id;		/* as it stands in keys */
	struct slice workflow, group;	/* missing: it does not tell */
	bool is_inferred;
	unsigned cut;			/* JOIN_CUT_ */
	uint64_t first_seq, last_seq;	/* the batches that brought it */
	int64_t began_ns, ended_ns;	/* of its spans; -1: none tells */
	int64_t skew_ns;		/* the clock of the client is so much ahead of
					 * ours; told by calls joined by id */
	struct join_span *span;
	struct tree_node *node;
	size_t n_spans;
	struct tree tree;
	struct join_call *call;
	size_t n_calls;
	uint32_t first_loose;		/* call without a span, in order of time */
	struct join_totals totals;
	struct join_texts *texts;	/* what all slices point into */
};

/* The trace with this id.  READER_NONE: there is none. */
int join_trace(struct join **j, struct reader *r, struct slice trace_id);

void join_free(struct join *j);		/* safe on NULL */

#endif
