#include "proxy/relay.h"

#include "proxy/tap.h"

struct relayed
relay_take(struct tap *t, struct http1_body *b, enum side side,
    struct piece *piece, struct slice run)
{
	const enum side trailer = side == SIDE_REQUEST_BODY ?
	    SIDE_REQUEST_TRAILER : SIDE_RESPONSE_TRAILER;
	struct relayed r = { 0, 0 };

	while (r.done < run.len && r.rc == 0 && !b->done) {
		const char *at = run.p + r.done;
		struct http1_part part;

		r.rc = http1_body_next(b, at, run.len - r.done, &part);
		tap_data(t, side, piece, (const uint8_t *)at + part.data,
		    part.data_len);
		tap_trailer(t, trailer, (struct slice){ at + part.trailer,
		    part.trailer_len });
		r.done += part.used;
	}
	return r;
}
