/* tap.h - watches one exchange from its loop and tells the recorder.
 *
 * Forward first: every call comes after the bytes were queued to the other side,
 * and none can fail for the caller.  What goes wrong here cuts the record.
 *
 * Thread:    the loop's.
 * Ownership: by value in its connection; the record itself is the writer
 *            thread's once begun.  Pieces are shared, not copied.
 */
#ifndef TRACETAPE_PROXY_TAP_H
#define TRACETAPE_PROXY_TAP_H

#include "proxy/tape.h"

struct loop;
struct piece;
struct recorder;
struct tap_item;

/* Records collected in one turn of the loop, handed over by loop_flush. */
struct tap_queue {
	struct tap_item *first;
	struct tap_item **last;
	size_t bytes;
};

void tap_queue_init(struct tap_queue *q);

struct tap {			/* zeroed: watches nothing */
	struct tap_item *last;	/* NULL: not recorded; made at the start, so that
				 * ending needs no memory */
	struct loop *loop;
	int64_t began_ns;	/* monotonic */
	struct tape_end end;	/* filled as things happen */
};

/* Times and counts what is not recorded. */
void tap_watch(struct tap *t, struct loop *l);

/* The request head is complete. */
void tap_begin(struct tap *t, struct loop *l, const struct tape_start *start,
    struct slice head);

/* Microseconds since tap_begin. */
int64_t tap_now_us(const struct tap *t);

/* Sets *us to now unless it is set already. */
void tap_mark(const struct tap *t, int64_t *us);

/* A response head.  is_final: not 1xx. */
void tap_head(struct tap *t, struct slice head, bool is_final);

/* The next bytes of a trailer section, in any pieces. */
void tap_trailer(struct tap *t, enum side side, struct slice lines);

/* Payload p[0..n), which lies in piece; it was queued to the other side. */
void tap_data(struct tap *t, enum side side, struct piece *piece,
    const uint8_t *p, size_t n);

/* The request is complete. */
void tap_request_end(struct tap *t);

/* It is over.  t is zeroed. */
void tap_end(struct tap *t, enum outcome outcome, const char *reason);

/* No more bodies of this exchange are kept. */
void tap_cut(struct tap *t);
bool tap_is_recording(const struct tap *t);	/* and not cut */

#endif
