/* connect.h - connections whose client believes to speak with somebody else: CONNECT,
 * and TLS whose SNI is intercepted.  And trace batches that stay here (keep.c).
 *
 * Thread: the loop's.
 */
#ifndef TRACETAPE_PROXY_CONNECT_H
#define TRACETAPE_PROXY_CONNECT_H

#include <stdbool.h>

struct conn;
struct http1_head;

void connect_begin(struct conn *c, const struct http1_head *h);
void connect_open(struct conn *c);	/* its head is consumed */
void connect_dialed(struct conn *c);	/* c->upstream is there */
void connect_first_bytes(struct conn *c);	/* CONN_OPENED */
void connect_by_sni(struct conn *c);	/* the client's TLS is up */
void connect_say_end(const struct conn *c);

/* keep.c: with proxy.traces = local. */
bool keep_wants(const struct conn *c, const struct http1_head *h);
void keep_open(struct conn *c);		/* its head is consumed */
void keep_pump(struct conn *c);		/* CONN_KEEP */
void keep_done(struct conn *c);		/* ... and all has come: answers */

#endif
