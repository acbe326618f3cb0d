/* recorder.h - the bounded queue between the loops and the writer thread, and that
 * thread.
 *
 * Bound:   bytes not yet on disk, recorder.max_bytes.  At it loops pause reading
 *          for up to pause_ms, then cut records; at twice that new exchanges are
 *          not recorded at all but counted, and stand in the store as a gap.
 * Failure: when the disk fails a batch is lost: counted, logged once, and stored
 *          as a gap when the disk is back.  Traffic never notices.
 */
#ifndef TRACETAPE_PROXY_RECORDER_H
#define TRACETAPE_PROXY_RECORDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct recorder;
struct tap_queue;
struct writer;

struct recorder_options {
	int64_t commit_ms;
	int64_t max_bytes;
	int64_t parents_bytes;	/* as in writer_options; little: bodies are not held */
};

/* Any thread: */

/* Hands over what q holds, and empties it; frees items that the writer is done with,
 * so that memory goes back on the thread that it came from. */
void recorder_push(struct recorder *r, struct tap_queue *q);
void recorder_count(struct recorder *r, size_t bytes);
void recorder_count_lost(struct recorder *r);
bool recorder_is_full(const struct recorder *r);
bool recorder_is_failing(const struct recorder *r);	/* the disk takes nothing */
bool recorder_may_begin(const struct recorder *r);

/* The main thread: */

/* Takes w.  NULL: no thread; w is closed. */
struct recorder *recorder_start(struct writer *w,
    const struct recorder_options *o);

/* A byte is written to fd whenever the queue has become short again.  Before any
 * loop runs. */
void recorder_watch(struct recorder *r, int fd);
void recorder_unwatch(struct recorder *r, int fd);	/* before fd is closed */

/* Writes what is queued, commits, closes the store.  After the loops ended. */
void recorder_stop(struct recorder *r);

#endif
