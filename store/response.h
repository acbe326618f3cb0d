/* response.h - which ids of responses an exchange names, and how; the keys and
 * values of the tables response and by_response.
 *
 * The contract is store/FORMAT.md, section 4.5.
 */
#ifndef TRACETAPE_STORE_RESPONSE_H
#define TRACETAPE_STORE_RESPONSE_H

#include "store/exchange.h"
#include "store/traces.h"

/* What an exchange has to do with an id.  On disk: only append. */
enum response_role {
	ROLE_OTHER = 0,		/* cancelled it, deleted it, read its input */
	ROLE_CREATE,		/* the call that it is the answer of */
	ROLE_POLL,		/* asked how far it is */
	ROLE_STREAM,		/* went on with its stream */
	ROLE_COMPACT,		/* the call that it is the compaction of */
	ROLE_NEXT,		/* a call that goes on after it */
	ROLE_CONVERSATION,	/* a call in the conversation of this id */
	ROLE_N
};

/* What is in the exchange's row too, for those who need not read it. */
enum {
	RESPONSE_USAGE = 1 << 0,	/* it has tokens */
	RESPONSE_TERMINAL = 1 << 1,	/* the response has come to its end */
};

enum {
	RESPONSE_NAMES_MAX = 4,
	RESPONSE_KEY_MAX = ID_KEY_MAX + 9,
	CLAIM_KEY_MAX = 2 * ID_KEY_MAX + 1,
};

struct response_name {
	struct slice id;		/* borrowed from the exchange */
	enum response_role role;
};

/* The ids that x names, each once.  How many. */
size_t response_names(const struct exchange *x,
    struct response_name name[RESPONSE_NAMES_MAX]);

/* RESPONSE_ flags of x. */
unsigned response_bits(const struct exchange *x);

/* "completed", "failed", "incomplete" or "cancelled". */
bool response_is_terminal(struct slice api_status);

/* A key of response; id is an id key.  Its length.  What begins with an id key and
 * a 0 is a row of that id. */
size_t response_key_put(uint8_t key[RESPONSE_KEY_MAX], struct slice id,
    uint64_t seq);

/* ... of by_response; both are id keys. */
size_t claim_key_put(uint8_t key[CLAIM_KEY_MAX], struct slice id,
    struct slice span);

/* Appends the value of a row of response. */
void response_encode(struct bytes *b, enum response_role role, unsigned bits);

/* 0, or -1: it is no such value. */
int response_decode(const void *p, size_t n, enum response_role *role,
    unsigned *bits);

#endif
