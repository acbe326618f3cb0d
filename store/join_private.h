/* join_private.h - what the files of the join share. */
#ifndef TRACETAPE_STORE_JOIN_PRIVATE_H
#define TRACETAPE_STORE_JOIN_PRIVATE_H

#include "store/join.h"

enum {
	JOIN_WHO_MAX = 64,
	JOIN_FULL = -100401,	/* a bound is reached: the rest is left out */
};

/* A client, as it shows itself; texts are kept. */
struct join_who {
	struct slice client;	/* without its port */
	struct slice label;
	struct slice key;
	bool any_key;		/* key does not count: it is only known by its
				 * trace batches, which may have another */
};

/* While a join is made. */
struct join_work {
	struct join *j;
	struct reader *reader;
	size_t span_cap, call_cap;
	struct join_who who[JOIN_WHO_MAX];
	uint32_t n_who;
};

/* Makes an empty join; 0, or ENOMEM. */
int join_begin(struct join_work *w, struct reader *r);

/* Keeps a text, or its id key, for the life of the join.  0, ENOMEM or JOIN_FULL. */
int join_keep(struct join *j, struct slice *s);
int join_keep_id(struct join *j, struct slice *id);

/* Room for one more. */
int join_add_span(struct join_work *w, struct join_span **s,
    struct tree_node **node);

/* Adds the exchange, which a reader may have lent.  *i: its number. */
int join_add_call(struct join_work *w, const struct exchange *x,
    enum response_role role, uint32_t *i);

/* The exchange's client is one that the work knows. */
bool join_knows(const struct join_work *w, const struct exchange *x);
int join_know_batch(struct join_work *w, uint64_t seq);

/* Adds the exchanges that are about the response of the span and are not there yet;
 * they are of the span. */
int join_gather(struct join_work *w, uint32_t span, struct slice id,
    enum join_how how);

/* Adds the model calls of known clients in the time of the join that belong to no
 * span of another trace. */
int join_look(struct join_work *w);

/* A span of another trace says that the response is its own. */
int join_is_claimed(const struct join_work *w, struct slice id, bool *claimed);

/* Times past the year 2116 tell nothing: so none overflows that is added to. */
#define JOIN_TIME_MAX (INT64_MAX / 2)

/* How long the client had seen the call by then: a stream may end after its span, for
 * the client stops reading at the last event. */
int64_t join_seen_until(const struct join_call *c);

/* Finds out skew_ns. */
void join_compare_clocks(struct join *j);

/* Gives spans the attempts before their calls; then, by time, calls to spans that
 * have none.  0, or ENOMEM. */
int join_match(struct join *j);
int join_attempts(struct join *j);

/* Decides which calls count, makes lists and totals. */
int join_end(struct join *j);

/* reader_next that steps over what does not decode. */
int join_next(struct reader *r, uint64_t after, struct exchange *x);
/* It makes a response, a chat or a compaction. */
bool join_is_call(const struct exchange *x);

#endif
