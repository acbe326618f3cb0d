/* tape.h - one exchange on its way into the store: what the writer thread knows.
 *
 * Thread:    the writer's.
 * Memory:    per side at most one unfinished part (16 KiB), and the digest's; of
 *            bodies that wait to be squeezed PRESS_HOLD_MAX, until the next save.
 * Errors:    int rc of the writer; the recorder decides what is lost.
 */
#ifndef TRACETAPE_PROXY_TAPE_H
#define TRACETAPE_PROXY_TAPE_H

#include "store/exchange.h"

struct press;
struct writer;
struct tape;

enum { TAPE_REASON_MAX = 256, TAPE_HOST_MAX = 272 };

/* What is known when a request head is complete. */
struct tape_start {
	int64_t time_ns;
	enum mode mode;
	char client[64];
	char label[64];			/* "": none */
	char scheme[8];
	char host[TAPE_HOST_MAX];
	char tls_client[12];		/* "": plain */
};

/* What the loop counted in one direction. */
struct tape_counts {
	int64_t head_bytes;		/* -1: no head came */
	int64_t body_bytes;
	int64_t sent_bytes;
	bool is_cut;			/* the recorder could not keep up */
};

/* What is known when it is over. */
struct tape_end {
	enum outcome outcome;
	uint32_t flags;
	bool has_clean_response;	/* it ended as its framing says */
	struct timing timing;
	struct tape_counts request, response;
	char tls_upstream[12];		/* "": plain or none */
	char reason[TAPE_REASON_MAX];
};

struct tape *tape_new(const struct tape_start *start);	/* NULL: no memory */
void tape_free(struct tape *t);

/* Gives it its number; from here on the writer knows it. */
void tape_open(struct tape *t, struct writer *w);
uint64_t tape_seq(const struct tape *t);

/* The next bytes of a trailer section, in any pieces; put when all is over. */
void tape_trailer(struct tape *t, enum side side, struct slice lines);

/* A complete head, raw; secrets are replaced here.  Of several response heads the
 * 1xx ones come first. */
int tape_head(struct tape *t, struct writer *w, enum side side,
    struct slice head, bool is_final);
int tape_data(struct tape *t, struct writer *w, enum side side, const void *p,
    size_t n, int64_t at_us);
void tape_request_end(struct tape *t);

/* What its bodies are squeezed with, if at all: p outlives it. */
void tape_press_with(struct tape *t, struct press *p);

/* Squeezes the request's body, which has ended, if there is time. */
int tape_press(struct tape *t, struct writer *w);

/* Puts the row, and what is not yet put of the sides, but for what tape_holds.
 * end == NULL: in flight. */
int tape_save(struct tape *t, struct writer *w, const struct tape_end *end);

/* Has something that tape_save has not put yet. */
bool tape_is_unsaved(const struct tape *t);
int64_t tape_saved_ns(const struct tape *t);	/* monotonic; 0: never */
int64_t tape_began_ns(const struct tape *t);	/* when it came to the writer */

/* The store has nothing of it; true only while it is small. */
bool tape_is_unput(const struct tape *t);

/* Has bytes of a request that is still coming, and that tape_save puts only after a
 * second, or when they may be held no longer. */
bool tape_holds(const struct tape *t);
void tape_let_go(struct tape *t);

/* Bytes of the recorder's bound that it stands for, since the store has some of it
 * or since they were lost. */
void tape_charge(struct tape *t, size_t bytes);
size_t tape_cost(const struct tape *t);

/* The tapes in flight, in a list that needs no memory of its own. */
void tape_link(struct tape **head, struct tape *t);
void tape_unlink(struct tape **head, struct tape *t);
struct tape *tape_next(const struct tape *t);

/* The batch with all that was put since the last call is on disk, or lost. */
void tape_committed(struct tape *t);
void tape_lost(struct tape *t);

#endif
