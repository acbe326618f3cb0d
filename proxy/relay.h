/* relay.h - one run of body bytes on its way through: its framing is followed, its
 * payload and trailers go to the tap.  Forwarding the run is the caller's.
 *
 * Thread: the loop's.
 */
#ifndef TRACETAPE_PROXY_RELAY_H
#define TRACETAPE_PROXY_RELAY_H

#include "proxy/http1.h"
#include "store/exchange.h"

struct piece;
struct tap;

struct relayed {
	size_t done;		/* bytes that belong to the body and may go on */
	int rc;			/* 0, or -rule: what comes next breaks it */
};

/* Takes run, which lies in piece.  side: SIDE_REQUEST_BODY or SIDE_RESPONSE_BODY. */
struct relayed relay_take(struct tap *t, struct http1_body *b, enum side side,
    struct piece *piece, struct slice run);

#endif
