/* flow.h - the two directions of an exchange, and of what comes behind an Upgrade or a
 * CONNECT.
 *
 * Thread: the loop's.
 */
#ifndef TRACETAPE_PROXY_FLOW_H
#define TRACETAPE_PROXY_FLOW_H

#include "proxy/http1.h"
#include "proxy/stream.h"
#include "store/exchange.h"

struct conn;

/* How far a message has come. */
struct flow {
	enum { FLOW_HEAD, FLOW_BODY, FLOW_DONE } at;
	struct http1_body body;
	struct bytes partial;		/* a head that did not come in one piece */
	size_t seen;			/* of it, by the parser */
};

/* request.c: what the client sends */
void request_read(struct conn *c);	/* a head, when one is due */
void request_pump(struct conn *c);	/* body to the upstream */
void request_discard(struct conn *c);	/* body to nowhere: CONN_DRAIN */
void request_absorb(struct conn *c);	/* body to the record alone */
void request_eof(struct conn *c);	/* the client is done sending */
void request_resend(struct conn *c);	/* over a fresh connection */
void request_dial(struct conn *c);
void request_done(struct conn *c);

/* response.c: what the upstream sends */
void on_upstream(void *arg, enum stream_event ev);

/* tunnel.c */
void tunnel_begin(struct conn *c);
void tunnel_pump(struct conn *c, struct stream *from, struct stream *to,
    enum side side);
void tunnel_eof(struct conn *c, struct stream *from, struct stream *to);
void tunnel_reset(struct stream *to);	/* it will end with a RST */

#endif
