/* piece.h - 16 KiB of received bytes, shared by the forward path and the recorder.
 *
 * One stream fills a piece from the front and never touches a byte again, so
 * that others may read [0, len as they saw it) on any thread without a lock.
 *
 * Ownership: by reference count; piece_new gives the first reference.
 * Thread:    take and drop anywhere; len and next belong to the filling stream.
 */
#ifndef TRACETAPE_PROXY_PIECE_H
#define TRACETAPE_PROXY_PIECE_H

#include <stdatomic.h>
#include <stdint.h>

enum { PIECE_BYTES = 16 * 1024 };

struct piece {
	atomic_uint refs;
	uint32_t len;
	struct piece *next;
	uint8_t data[PIECE_BYTES];
};

struct piece *piece_new(void);		/* NULL: no memory */
struct piece *piece_take(struct piece *p);
void piece_drop(struct piece *p);	/* safe on NULL */

/* True when nobody else holds it, so that it may be filled anew. */
int piece_is_mine(struct piece *p);

#endif
