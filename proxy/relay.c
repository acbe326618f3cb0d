#include "proxy/relay.h"

#include "proxy/tap.h"

int
relay_take(struct tap *t, struct http1_body *b, enum side side,
    struct piece *piece, struct slice run, size_t *done)
{
	const enum side trailer = side == SIDE_REQUEST_BODY ?
	    SIDE_REQUEST_TRAILER : SIDE_RESPONSE_TRAILER;
	int rc = 0;

	*done = 0;
	while (*done < run.len && rc == 0 && !b->done) {
		const char *at = run.p + *done;
		struct http1_part part;

		rc = http1_body_next(b, at, run.len - *done, &part);
		tap_data(t, side, piece, (const uint8_t *)at + part.data,
		    part.data_len);
		tap_trailer(t, trailer, (struct slice){ at + part.trailer,
		    part.trailer_len });
		*done += part.used;
	}
	return rc;
}
