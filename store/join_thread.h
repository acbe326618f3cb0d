/* join_thread.h - inferred traces: calls of which nobody sent a trace, and that go on
 * one after the other all the same.
 *
 * They are joined by ids (previous_response_id, a conversation); where there are
 * none, by the histories that they send (history.h).  Each call is a span of the
 * join, below the one it goes on after; forks are forks.
 *
 * Errors:  int rc, 0 or a reader's code.
 */
#ifndef TRACETAPE_STORE_JOIN_THREAD_H
#define TRACETAPE_STORE_JOIN_THREAD_H

#include "store/history.h"
#include "store/join.h"

/* What exchange seq belongs to by previous_response_id and conversation; a call by
 * itself is a trace of one.  Its id is that of the conversation, else of the first
 * response in it.  READER_NONE: there is no such call. */
int join_thread(struct join **j, struct reader *r, uint64_t seq);

/* An inferred trace of these calls, which history_read found to belong together: n of
 * them, their seqs rising. */
int join_history(struct join **j, struct reader *r, const struct history_call *v,
    size_t n);

/* What an exchange is to inferred traces. */
enum join_standing {
	JOIN_NO_CALL = 0,	/* it makes no response, chat or compaction */
	JOIN_CLAIMED,		/* a span names its response */
	JOIN_LINKED,		/* another one is before or after it, by its id, or
				 * it is in a conversation */
	JOIN_LONE,		/* none of these: only its history may tell */
};

/* x may be lent. */
int join_standing(struct reader *r, const struct exchange *x,
    enum join_standing *s);

#endif
