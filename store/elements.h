/* elements.h - the fingerprint of a request body as it passes: what it has in
 * common with those before it.
 *
 * An agent sends its whole history with every turn: the elements of the outermost
 * object's array `input` or `messages`.  Bodies that begin with the same elements
 * are of one conversation; those with the same `model`, `instructions` and
 * `tools` are of one agent.
 *
 * Equal:   as bytes, white space around a value excepted.  Hashes are 64 bits and
 *          no secret: who makes two collide gets a poor parent for a body, and no
 *          wrong one, since a parent is only a prefix for a compressor.
 * Keys:    those with escapes in them are not recognized.
 * Memory:  8 bytes an element, ELEMENTS_MAX of them; what comes later, or finds no
 *          memory, has no hash.
 * Errors:  none; of what is no JSON comes some fingerprint, or none.
 */
#ifndef TRACETAPE_STORE_ELEMENTS_H
#define TRACETAPE_STORE_ELEMENTS_H

#include <stddef.h>
#include <stdint.h>

#include "store/json_skip.h"

enum { ELEMENTS_MAX = 1024, ELEMENTS_KEY_MAX = 16 };

/* A hash of bytes that come in any pieces. */
struct elements_hash {
	uint64_t h, word, len;
};

struct elements {			/* elements_init */
	uint64_t head;			/* of the agent, whatever the order of keys;
					 * 0: nothing of it came */
	uint64_t *each;			/* one for each complete element */
	size_t n;
	/* The rest is elements.c's: where in the text we are. */
	size_t cap;
	int state;
	int kind;
	struct json_skip skip;
	struct elements_hash hash;
	char key[ELEMENTS_KEY_MAX];
	size_t key_len;
};

void elements_init(struct elements *e);
void elements_fini(struct elements *e);	/* safe on a zeroed one */

/* The next piece of the body, decoded.  An element counts as soon as the byte that
 * ends it was there. */
void elements_feed(struct elements *e, const void *p, size_t n);

/* The rolling hash: of what came before (0 at first) and one more element. */
uint64_t elements_roll(uint64_t before, uint64_t element);

#endif
