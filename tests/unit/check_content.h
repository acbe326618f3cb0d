/* check_content.h - a small store with every kind of content. */
#ifndef TRACETAPE_TESTS_CHECK_CONTENT_H
#define TRACETAPE_TESTS_CHECK_CONTENT_H

#include "tests/unit/check_rows.h"

/* A call whose request is in[0..n), and whose answer is "{}". */
static inline void
scene_call(struct writer *w, uint64_t seq, struct slice request)
{
	struct slice side[SIDE_N] = { { NULL, 0 } };
	char id[16], before[16];
	struct exchange x;

	snprintf(id, sizeof(id), "resp_%d", (int)seq);
	snprintf(before, sizeof(before), "resp_%d", (int)seq - 1);
	scene_begin(&x, seq, "/v1/responses");
	x.response_id = (struct slice){ id, strlen(id) };
	x.api_status = SLICE("completed");
	x.usage.input = 5;
	if (seq > SMALL)
		x.previous_response_id = (struct slice){ before, strlen(before) };
	else
		x.conversation = SLICE("conv_1");
	scene_message(&x.request, side, SIDE_REQUEST_BODY, request);
	scene_message(&x.response, side, SIDE_RESPONSE_BODY, SLICE("{}"));
	if (seq == PARTS) {
		scene_parts(w, seq, SIDE_REQUEST_BODY, request);
		side[SIDE_REQUEST_BODY].len = 0;
	} else if (seq == KEY_FRAME || seq == DELTA) {
		scene_squeezed(w, &x, side);
	}
	if (seq == PACKED)
		assert_int_equal(writer_squeeze_pack(w, seq, side), 0);
	else
		assert_int_equal(writer_put_pack(w, seq, side), 0);
	assert_int_equal(writer_put_exchange(w, &x), 0);
}

/* In flight, or as a recorder that died leaves it. */
static inline void
scene_open(struct writer *w, uint64_t seq, enum outcome outcome, struct slice body)
{
	struct exchange x;

	scene_begin(&x, seq, "/v1/responses");
	x.outcome = outcome;
	x.request.kept_bytes = (int64_t)body.len;
	x.request.body_bytes = outcome == OUTCOME_IN_FLIGHT ? -1 : (int64_t)body.len;
	scene_parts(w, seq, SIDE_REQUEST_HEAD, SLICE("POST / HTTP/1.1\r\n\r\n"));
	scene_parts(w, seq, SIDE_REQUEST_BODY, body);
	assert_int_equal(writer_put_exchange(w, &x), 0);
}

static inline void
scene_batch(struct writer *w)
{
	struct slice side[SIDE_N] = { { NULL, 0 } };
	struct exchange x;

	scene_begin(&x, BATCH, "/v1/traces/ingest");
	x.endpoint = ENDPOINT_INGEST;
	scene_message(&x.request, side, SIDE_REQUEST_BODY, SLICE("{\"data\":[]}"));
	scene_message(&x.response, side, SIDE_RESPONSE_BODY, SLICE(""));
	assert_int_equal(writer_put_pack(w, BATCH, side), 0);
	assert_int_equal(writer_put_exchange(w, &x), 0);
	scene_item(w, "{\"object\":\"trace\",\"id\":\"trace_1\"}");
	scene_item(w, "{\"object\":\"trace.span\",\"id\":\"span_1\",\"trace_id\":\"trace_1\","
	    "\"started_at\":\"2026-11-21T10:00:00Z\",\"span_data\":{\"type\":\"response\","
	    "\"response_id\":\"resp_1\"}}");
	scene_item(w, "{\"object\":\"trace.span\",\"id\":\"span_1\",\"trace_id\":\"trace_2\","
	    "\"span_data\":{\"type\":\"response\",\"response_id\":\"resp_1\"}}");
	scene_item(w, "{\"object\":\"trace.span\",\"id\":\"span_2\",\"trace_id\":\"trace_4\","
	    "\"span_data\":{\"type\":\"response\",\"response_id\":\"resp_2\"}}");
}

static inline void
scene_make(void)
{
	static char one[50000], two[24000], three[26000];
	struct slice side[SIDE_N] = { { NULL, 0 } };
	struct writer *w = open_writer();
	struct exchange x;
	int n;

	scene_text(one, sizeof(one), 1);
	scene_text(two, sizeof(two), 2);
	memcpy(two, "{\"model\":\"m\",\"input\":[\"", 23);
	memcpy(three, two, sizeof(two));
	n = snprintf(two + 20000, 10, "\"]}");
	snprintf(three + 20000, 40, "\",\"and one turn more\"]}");
	scene_call(w, SMALL, SLICE("{\"input\":\"hello\"}"));
	scene_call(w, PARTS, (struct slice){ one, sizeof(one) });
	scene_call(w, KEY_FRAME, (struct slice){ two, 20000 + (size_t)n });
	scene_call(w, DELTA, (struct slice){ three, strlen(three) });
	assert_int_equal(writer_put_gap(w, GAP, 2, "the disk was full"), 0);
	scene_open(w, FLYING, OUTCOME_IN_FLIGHT, (struct slice){ one, 20000 });
	scene_open(w, CUT_SHORT, OUTCOME_INTERRUPTED, (struct slice){ one, 20000 });
	scene_batch(w);
	scene_call(w, PACKED, (struct slice){ "{\"input\":\"hello hello hello hello "
	    "hello hello hello hello hello hello hello hello hello hello hello\"}", 98 });
	scene_begin(&x, BODILESS, "/v1/models");
	x.endpoint = ENDPOINT_OTHER;
	scene_message(&x.request, side, SIDE_REQUEST_BODY, SLICE(""));
	scene_message(&x.response, side, SIDE_RESPONSE_BODY, SLICE(""));
	assert_int_equal(writer_put_pack(w, BODILESS, side), 0);
	assert_int_equal(writer_put_exchange(w, &x), 0);
	assert_int_equal(writer_close(w), 0);
}

#endif
