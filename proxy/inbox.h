/* inbox.h - what a stream has read and its owner has not taken yet: a run of pieces.
 *
 * Thread: the stream's loop's.
 * Memory: the pieces that hold unread bytes, and one to fill.
 */
#ifndef TRACETAPE_PROXY_INBOX_H
#define TRACETAPE_PROXY_INBOX_H

#include <stddef.h>
#include <stdint.h>

struct piece;

/* Bytes [off, first->len), then those of the pieces behind it, are unread. */
struct inbox {			/* zeroed is empty */
	struct piece *first, *last;
	size_t off;
	size_t unread;
};

void inbox_fini(struct inbox *i);

/* The piece to fill next, with room at its end; NULL: no memory. */
struct piece *inbox_room(struct inbox *i);

/* n bytes were put at the end of that piece. */
void inbox_filled(struct inbox *i, size_t n);

/* The first run of unread bytes, 0: none.  *piece is borrowed. */
size_t inbox_peek(struct inbox *i, struct piece **piece, const uint8_t **p);
void inbox_consume(struct inbox *i, size_t n);

/* Lets go of the piece to fill, if nothing is unread. */
void inbox_rest(struct inbox *i);

#endif
