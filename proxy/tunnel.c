#include "proxy/conn.h"

#include <sys/socket.h>

#include "proxy/piece.h"

/* Behind an Upgrade or a CONNECT both sides speak something else.  Bytes go through as they
 * are, a FIN is passed on as a FIN, and it is over when both have said theirs. */

void
tunnel_begin(struct conn *c)
{
	conn_enter(c, CONN_TUNNEL);
	c->tap.end.flags |= EXCHANGE_UPGRADED;
	tunnel_pump(c, c->upstream, c->client, SIDE_RESPONSE_BODY);
	if (c->state == CONN_TUNNEL)
		tunnel_pump(c, c->client, c->upstream, SIDE_REQUEST_BODY);
	if (c->state == CONN_TUNNEL && stream_at_eof(c->client))
		tunnel_eof(c, c->client, c->upstream);
}

void
tunnel_pump(struct conn *c, struct stream *from, struct stream *to,
    enum side side)
{
	struct tape_counts *counts = side == SIDE_REQUEST_BODY ?
	    &c->tap.end.request : &c->tap.end.response;
	struct piece *piece;
	const uint8_t *p;
	size_t n;

	while ((n = stream_peek(from, &piece, &p)) > 0) {
		stream_write(to, p, n);
		tap_data(&c->tap, side, piece, p, n);
		counts->sent_bytes = counts->body_bytes;
		stream_consume(from, n);
	}
	if (stream_queued(to) > STREAM_HIGH)
		stream_pause(from, PAUSE_PEER);
	conn_mind_recorder(c);
}

void
tunnel_reset(struct stream *to)
{
	static const struct linger none = { .l_onoff = 1, .l_linger = 0 };

	setsockopt(stream_fd(to), SOL_SOCKET, SO_LINGER, &none, sizeof(none));
}

/* from is done sending; NULL: something has left a queue, look again. */
void
tunnel_eof(struct conn *c, struct stream *from, struct stream *to)
{
	if (from) {
		stream_finish(to, stream_eof_is_clean(from) ?
		    STREAM_END_CLEAN : STREAM_END_CUT);
		conn_time_start(c);
	}
	if (!stream_at_eof(c->client) || !stream_at_eof(c->upstream) ||
	    !stream_is_finished(c->client) || !stream_is_finished(c->upstream))
		return;
	c->tap.end.has_clean_response = true;
	conn_close(c, OUTCOME_COMPLETE, "both sides are done");
}
