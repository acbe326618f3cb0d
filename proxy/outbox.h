/* outbox.h - what a stream is to send: plaintext that waits for its TLS record, and
 * bytes that wait for the socket.
 *
 * Thread: the stream's loop's.
 * Memory: grows with what is put; the stream's owner keeps it near STREAM_HIGH.
 */
#ifndef TRACETAPE_PROXY_OUTBOX_H
#define TRACETAPE_PROXY_OUTBOX_H

#include "store/bytes.h"

struct tls;

enum { OUTBOX_RECORD = 16 * 1024 };	/* plaintext of one TLS record */

struct outbox {			/* zeroed is empty */
	struct tls *tls;	/* NULL: plain */
	struct bytes out;	/* [off, out.len) are to be sent */
	size_t off;
	uint64_t sent;		/* bytes, in all */
	struct bytes plain;	/* not encrypted yet, so that a head and the start
				 * of its body share a record */
};

enum outbox_result {
	OUTBOX_EMPTY,		/* all has been sent */
	OUTBOX_BLOCKED,		/* the socket takes no more for now */
	OUTBOX_BROKEN,		/* ... or ever */
	OUTBOX_FAILED,		/* no memory, or TLS failed */
};

void outbox_fini(struct outbox *o);	/* keeps tls, which it only borrows */
void outbox_put(struct outbox *o, const void *p, size_t n);
size_t outbox_len(const struct outbox *o);

/* Encrypts what waits, then close_notify. */
void outbox_close(struct outbox *o);

enum outbox_result outbox_send(struct outbox *o, int fd);

/* Gives back memory, if nothing waits. */
void outbox_rest(struct outbox *o);

#endif
