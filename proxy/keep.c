#include "proxy/connect.h"

#include <string.h>

#include "proxy/answer.h"
#include "proxy/config.h"
#include "proxy/conn.h"
#include "proxy/piece.h"
#include "proxy/recorder.h"
#include "proxy/relay.h"
#include "store/endpoint.h"

/* proxy.traces = local: trace batches are recorded and answered here, for those who
 * may not send traces out.  204 is what the exporters of the SDKs wait for. */

static const char kept[] = "kept here: proxy.traces = local";

bool
keep_wants(const struct conn *c, const struct http1_head *h)
{
	struct slice id;

	return c->loop->config->traces == TRACES_LOCAL &&
	    !(c->flags & CONN_UNRECORDED) && !h->has_upgrade &&
	    endpoint_of(h->method, h->target, &id) == ENDPOINT_INGEST;
}

/* What is not recorded is not ours to take: the exporter tries again. */
void
keep_done(struct conn *c)
{
	static const char keep[] = "HTTP/1.1 204 No Content\r\n\r\n";
	static const char close[] = "HTTP/1.1 204 No Content\r\n"
	    "Connection: close\r\n\r\n";
	struct slice head = c->flags & CONN_CLOSE_AFTER || c->loop->draining ?
	    SLICE(close) : SLICE(keep);

	if (!tap_is_recording(&c->tap) ||
	    recorder_is_failing(c->loop->recorder)) {
		answer(c, 503, "not_recorded", "the disk does not take this batch, "
		    "and proxy.traces = local sends it nowhere else");
		return;
	}
	stream_write(c->client, head.p, head.len);
	tap_mark(&c->tap, &c->tap.end.timing.first_byte);
	tap_head(&c->tap, head, true);
	c->tap.end.flags |= EXCHANGE_OURS | EXCHANGE_KEPT_HERE;
	c->tap.end.has_clean_response = true;
	tap_end(&c->tap, OUTCOME_COMPLETE, kept);
	conn_next(c);
}

void
keep_open(struct conn *c)
{
	static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";

	conn_enter(c, CONN_KEEP);
	if (c->flags & CONN_EXPECTS && c->up.at == FLOW_BODY &&
	    stream_unread(c->client) == 0) {
		stream_write(c->client, go_on, sizeof(go_on) - 1);
		tap_head(&c->tap, SLICE(go_on), false);
	}
	keep_pump(c);
	if (c->state == CONN_KEEP && c->up.at != FLOW_DONE &&
	    stream_at_eof(c->client))
		conn_close(c, OUTCOME_CANCELLED,
		    "client left in the middle of its request");
}

void
keep_pump(struct conn *c)
{
	struct piece *piece;
	const uint8_t *p;
	size_t n;

	while (c->up.at == FLOW_BODY &&
	    (n = stream_peek(c->client, &piece, &p)) > 0) {
		struct slice run = { (const char *)p, n };
		struct relayed r = relay_take(&c->tap, &c->up.body,
		    SIDE_REQUEST_BODY, piece, run);

		stream_consume(c->client, r.done);
		if (r.rc) {
			c->up.at = FLOW_DONE;
			answer(c, http1_rule_status((enum http1_rule)-r.rc),
			    "bad_request", "%s",
			    http1_rule_name((enum http1_rule)-r.rc));
			return;
		}
		if (c->up.body.done)
			request_done(c);
	}
	/* A whole batch is not cut: its record is complete. */
	if (c->up.at != FLOW_DONE || c->loop->config->recorder_pause_ms != 0)
		conn_mind_recorder(c);
	if (c->up.at == FLOW_DONE && !(c->flags & CONN_WAITS_RECORDER))
		keep_done(c);
}
