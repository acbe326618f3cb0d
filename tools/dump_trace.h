/* dump_trace.h - the traces of a store, recorded and inferred, for the verbs that
 * show them.
 */
#ifndef TRACETAPE_TOOLS_DUMP_TRACE_H
#define TRACETAPE_TOOLS_DUMP_TRACE_H

#include "store/join_thread.h"
#include "tools/dump.h"

/* Which trace: one that was recorded, by its id as it stands in keys, or an inferred
 * one by an exchange in it. */
struct trace_history;

struct trace_ref {
	int64_t began_ns;	/* -1: nobody knows */
	uint64_t seq;		/* 0: a recorded one */
	const struct trace_history *history;	/* that told of it, of the list */
	size_t id_len;
	char id[ID_KEY_MAX];
};

/* Calls that stand alone but for the histories that they send. */
struct trace_history {
	struct history_call *v;	/* trace_history_read makes their seqs rise */
	size_t n;		/* up to HISTORY_CALLS_MAX */
	bool cut;		/* not all were read */
};

/* int rc: 0, or a reader's code. */
int trace_history_add(struct trace_history *h, uint64_t seq);
int trace_history_read(struct dump *d, struct trace_history *h);
int trace_history_around(struct dump *d, uint64_t seq, struct trace_history *h);
void trace_history_fini(struct trace_history *h);	/* safe on a zeroed one */

/* The trace in h that exchange seq belongs to. */
int trace_history_join(struct dump *d, const struct trace_history *h,
    uint64_t seq, struct join **j);

struct trace_list {
	struct trace_ref *v;	/* in the order in which they began */
	size_t n, cap;
	struct trace_history history;
};

/* The newest `max` traces; max < 0: all.  DUMP_OK, or the code to exit with. */
int trace_list(struct dump *d, int64_t max, struct trace_list *l);
void trace_list_fini(struct trace_list *l);	/* safe on a zeroed one */

/* Joins what t means.  0, or a reader's code. */
int trace_join(struct dump *d, const struct trace_ref *t, struct join **j);

/* Finds what an ID means: @last, @last~2, a trace's id or its unique beginning, or
 * an exchange as dump_pick takes it, whose trace is meant.  Says on stderr what is
 * wrong with it.  DUMP_OK, or the code to exit with. */
int trace_pick(struct dump *d, const char *id, struct trace_ref *t);

#endif
