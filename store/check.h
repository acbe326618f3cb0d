/* check.h - is a store what store/FORMAT.md says, and does it have every byte that
 * its hashes speak of?
 *
 * Reads only, also beside a recorder: what is told was so in one snapshot, or was
 * still so when looked at again.
 *
 * Thread:  the reader's.
 * Memory:  one exchange at a time, of a body CHECK_READ bytes, and what the reader
 *          needs to undo squeezed ones.
 * Locks:   a snapshot is held for 1000 rows or 100 ms at most, or for the keys of one
 *          exchange's rows (130 in a page: 500 pages for a body of 1 GB); callbacks
 *          are called between snapshots.
 * Limits:  LMDB's pages have no checksums; a damaged page may end the process.
 */
#ifndef TRACETAPE_STORE_CHECK_H
#define TRACETAPE_STORE_CHECK_H

#include "store/reader.h"

/* What may be wrong.  Those from CHECK_LOST on are no faults: a recorder that was
 * killed leaves them. */
enum check_what {
	CHECK_FILE_MODE,	/* others have a right to it */
	CHECK_META_MISSING,
	CHECK_KEY,		/* no key of its table */
	CHECK_ORDER,		/* keys do not rise: the walk ends there */
	CHECK_VALUE,		/* does not decode */
	CHECK_OPEN_MISSING,	/* in flight, and table open does not know */
	CHECK_OPEN_ENDED,	/* in table open, and not in flight */
	CHECK_COUNTS,		/* numbers of bytes that contradict each other */
	CHECK_NO_HASH,		/* of a body that came whole */
	CHECK_KEPT,		/* another number of bytes is stored */
	CHECK_HEAD_MISSING,
	CHECK_ORPHAN,		/* bytes of an exchange whose row is gone */
	CHECK_PART_MISSING,
	CHECK_PART_LENGTH,
	CHECK_TWICE,		/* a side is stored in two ways */
	CHECK_PACK,		/* is no pack */
	CHECK_PACK_EARLY,	/* ... of an exchange in flight */
	CHECK_BLOCK,		/* a squeezed block that is none */
	CHECK_PREFIX,		/* squeezed with a body that is not so */
	CHECK_UNREADABLE,	/* does not come out of being squeezed, or other bytes */
	CHECK_HASH,		/* not the bytes that were received */
	CHECK_TIMES,		/* no arrival times */
	CHECK_TIMES_SUM,	/* of other bytes than the body's */
	CHECK_ITEM,		/* not the JSON of such an item */
	CHECK_ITEM_ID,		/* another id than its key's */
	CHECK_ITEM_START,	/* another start than its key's */
	CHECK_ITEM_SEQ,		/* came in an exchange that is not there */
	CHECK_NO_SPANID,	/* a span that table spanid does not lead to */
	CHECK_NO_SPAN,		/* a row of spanid that leads nowhere */
	CHECK_NO_TRACE,		/* a span whose trace has no row */
	CHECK_TRACE_SEQS,	/* a trace without the exchanges of its span */
	CHECK_NO_CLAIM,		/* a span's response that by_response does not know */
	CHECK_CLAIM_OTHER,	/* ... or gives to a trace without this span */
	CHECK_NO_NAME,		/* an exchange's id that table response does not know */
	CHECK_NAME_EXTRA,	/* an id that the exchange does not name */
	CHECK_NAME_OTHER,	/* ... or names another way */
	CHECK_LOST,		/* numbers of which there is nothing */
	CHECK_LEFT,		/* bytes of an exchange that never got a row */
	CHECK_WHAT_N
};

const char *check_name(enum check_what w);	/* for programs: "part_missing" */
const char *check_says(enum check_what w);
const char *check_remedy(enum check_what w);
bool check_is_note(enum check_what w);		/* no fault */

/* All of it is lent for the call. */
struct check_fault {
	enum check_what what;
	const char *table;	/* or "file" */
	uint64_t seq;		/* 0: key tells */
	const char *side;	/* NULL, or "request body" */
	struct slice key;	/* any bytes; missing: seq tells */
	const char *detail;	/* numbers; "": none */
};

struct check_totals {
	uint64_t exchanges, in_flight;
	uint64_t bytes;		/* of bodies, read and found right */
	uint64_t gaps;		/* rows */
	uint64_t lost;		/* exchanges that gaps tell of */
	uint64_t traces, spans;
	uint64_t faults, notes;
	uint64_t seq, last_seq;	/* how far it is */
	uint64_t read;		/* bytes, also those that are looked at again */
};

struct check_options {
	uint64_t since;		/* exchanges from this number on, and what they
				 * brought; 0: all */
	void (*on_fault)(void *arg, const struct check_fault *f);
	void (*on_progress)(void *arg, const struct check_totals *t);
	void *arg;
};

/* Looks at all of the store in dir, which r has open.  0: done, t->faults tells how it
 * is; else a code for reader_strerror, and it has not looked at all. */
int check_store(struct reader *r, const char *dir, const struct check_options *o,
    struct check_totals *t);

#endif
