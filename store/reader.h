/* reader.h - looks into a store, also while it is being written.
 *
 * Thread:  the caller's; one reader per process and store directory.
 * Memory:  what a call lends lives until the next call on the same reader.
 * Locks:   snapshots are held only inside a call, so that a reader that waits
 *          on a terminal or socket pins nothing.
 * Errors:  int rc: 0, READER_NONE, or a code for reader_strerror.
 */
#ifndef TRACETAPE_STORE_READER_H
#define TRACETAPE_STORE_READER_H

#include "store/exchange.h"
#include "store/response.h"
#include "store/traces.h"

enum {
	READER_NONE = -100101,		/* no such thing; the end */
	READER_NO_STORE = -100102,	/* the directory holds no store */
	READER_VERSION = -100103,	/* made by a newer tracetape */
	READER_CORRUPT = -100104,	/* does not decode; x->seq tells which,
					 * so that one may go on after it */
	READER_DENIED = -100105,	/* another user's */
	READER_TWICE = -100106,		/* this process has the store open */
	READER_BUSY = -100107,		/* others keep opening and closing it */
};

struct reader;

int reader_open(struct reader **r, const char *dir);
void reader_close(struct reader *r);	/* safe on NULL */

/* The exchange with this number. */
int reader_get(struct reader *r, uint64_t seq, struct exchange *x);

/* The first exchange with a number above `after` (0: the first of all) ... */
int reader_next(struct reader *r, uint64_t after, struct exchange *x);

/* ... and the last with a number below `before` (UINT64_MAX: the newest). */
int reader_prev(struct reader *r, uint64_t before, struct exchange *x);

/* Copies up to cap bytes of one side from offset off; *n < cap only at the end
 * of what is stored.  A side that is not there has 0 bytes.  A body that lies squeezed
 * is undone, up to 8 MiB of it, and checked; what it took, 16 MiB with those that it
 * repeats, stays for the next call. */
int reader_bytes(struct reader *r, uint64_t seq, enum side side, uint64_t off,
    void *buf, size_t cap, size_t *n);

/* Gaps: the first with a number above `after`; *n exchanges from *seq on. */
int reader_next_gap(struct reader *r, uint64_t after, uint64_t *seq,
    uint64_t *n, struct slice *why);

/* A named value in meta, lent. */
int reader_meta(struct reader *r, const char *name, struct slice *value);

/* The trace with this id, also when only spans of it came (*t has no text then). */
int reader_trace(struct reader *r, struct slice id, struct kept_item *t);

/* The first trace, in the order of keys, above the one whose key is `after`
 * (missing: the first of all).  READER_CORRUPT: t->key tells which.  What was
 * lent before may be given as id and after, here and below. */
int reader_next_trace(struct reader *r, struct slice after, struct kept_item *t);

/* The same for the spans of a trace, in the order of their starts; after: the last
 * one (NULL: the first of the trace), of which key and started_ns count. */
int reader_next_span(struct reader *r, struct slice trace_id,
    const struct kept_item *after, struct kept_item *s);

/* The span with this id in this trace. */
int reader_span(struct reader *r, struct slice trace_id, struct slice id,
    struct kept_item *s);

/* An exchange that names a response's id, as it was when it ended.  The exchange
 * itself may be gone since. */
struct response_ref {
	uint64_t seq;
	enum response_role role;
	unsigned bits;		/* RESPONSE_ flags */
};

/* The first one with a number above `after` that names the id; also that of a
 * conversation.  READER_CORRUPT: ref->seq tells which, if it is above after. */
int reader_next_response(struct reader *r, struct slice id, uint64_t after,
    struct response_ref *ref);

/* A span that names a response's id, and its trace: both as ids stand in keys,
 * which may be given wherever an id may.  The span decides whether it still does. */
struct claim {
	struct slice trace, span;
};

/* The next span in the order of keys; after: NULL, or the one before. */
int reader_next_claim(struct reader *r, struct slice id,
    const struct claim *after, struct claim *claim);

const char *reader_strerror(int rc);

#endif
