/* sample_tape.h - one exchange of every kind that dump must show. */
#ifndef TRACETAPE_TESTS_SAMPLE_TAPE_H
#define TRACETAPE_TESTS_SAMPLE_TAPE_H

#include <zlib.h>

#include "tests/unit/sample_store.h"

static const char sample_request[] =
    "{\"model\":\"gpt-5.4-mini\",\"input\":[],\"stream\":true,\"n\":1.50}";

static const char sample_stream[] =
    "event: response.created\n"
    "data: {\"type\":\"response.created\",\"response\":{\"id\":\"resp_0bb0\","
    "\"status\":\"in_progress\",\"usage\":null}}\n\n"
    "event: response.output_item.added\n"
    "data: {\"type\":\"response.output_item.added\",\"output_index\":0,"
    "\"item\":{\"type\":\"message\",\"id\":\"msg_1\",\"content\":[]}}\n\n"
    "event: response.output_text.delta\n"
    "data: {\"type\":\"response.output_text.delta\",\"output_index\":0,"
    "\"content_index\":0,\"delta\":\"It is\"}\n\n"
    "event: response.output_text.delta\n"
    "data: {\"type\":\"response.output_text.delta\",\"output_index\":0,"
    "\"content_index\":0,\"delta\":\" 25\\u00b0C\\u001b[2J\"}\n\n"
    "event: response.completed\n"
    "data: {\"type\":\"response.completed\",\"response\":{\"id\":\"resp_0bb0\","
    "\"status\":\"completed\",\"usage\":{\"input_tokens\":36,"
    "\"output_tokens\":19}}}\n\n";

/* 1: a streamed call, gzip-coded, with everything that there can be. */
static inline void
sample_streamed(struct writer *w)
{
	struct exchange x;
	uint8_t z[2048];
	z_stream s = { 0 };
	struct bytes t = { 0 };

	assert(deflateInit2(&s, 9, Z_DEFLATED, 15 + 16, 8, 0) == Z_OK);
	s.next_in = (Bytef *)(uintptr_t)sample_stream;
	s.avail_in = sizeof(sample_stream) - 1;
	s.next_out = z, s.avail_out = sizeof(z);
	assert(deflate(&s, Z_FINISH) == Z_STREAM_END);
	deflateEnd(&s);
	bytes_put_varint(&t, 20), bytes_put_varint(&t, 250000);
	bytes_put_varint(&t, s.total_out - 20), bytes_put_varint(&t, 1500);
	sample_begin(&x, 1, "POST", "/v1/responses");
	x.outcome = OUTCOME_COMPLETE;
	x.endpoint = ENDPOINT_RESPONSES_CREATE;
	x.flags = EXCHANGE_REUSED | EXCHANGE_STREAM;
	x.status = 200;
	x.model = x.model_asked = SLICE("gpt-5.4-mini");
	x.response_id = SLICE("resp_0bb0ddd7");
	x.request_id = SLICE("req_40a90576");
	x.api_status = SLICE("completed");
	x.usage = (struct usage){ 36, 12, 0, 19, 4, 55 };
	x.usage_json = SLICE("{\n  \"input_tokens\": 36,\n  \"output_tokens\": 19"
	    "\n}");
	x.timing = (struct timing){ 300, -1, -1, -1, 400, 500, 250000, 251500,
		251600, 123 };
	x.sdk_lang = SLICE("js"), x.sdk_version = SLICE("7.55.0");
	x.user_agent = SLICE("Agents/JavaScript 0.20.0");
	x.retry_count = 0;
	x.ratelimit[RATELIMIT_LIMIT_REQUESTS] = SLICE("10000");
	x.ratelimit[RATELIMIT_RESET_REQUESTS] = SLICE("6ms");
	x.request.type = SLICE("application/json");
	x.response.type = SLICE("text/event-stream; charset=utf-8");
	x.response.encoding = SLICE("gzip");
	x.response.decoded_bytes = sizeof(sample_stream) - 1;
	sample_message(w, &x, true,
	    "POST /v1/responses HTTP/1.1\r\nHost: api.openai.com\r\n\r\n",
	    SLICE(sample_request));
	sample_message(w, &x, false,
	    "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n",
	    (struct slice){ (char *)z, s.total_out });
	sample_put(w, 1, SIDE_RESPONSE_TIMES, t.p, t.len);
	assert(writer_put_exchange(w, &x) == 0);
	bytes_fini(&t);
}

/* 2: a poll of the same response; 3: an error answer. */
static inline void
sample_plain(struct writer *w)
{
	static const char error[] = "{\"error\":{\"message\":\"Slow down\"}}";
	struct exchange x;

	sample_begin(&x, 2, "GET", "/v1/responses/resp_0bb0ddd7");
	x.outcome = OUTCOME_COMPLETE;
	x.endpoint = ENDPOINT_RESPONSES_GET;
	x.status = 200;
	x.response_id = SLICE("resp_0bb0ddd7");
	x.request_id = SLICE("req_11111111");
	x.timing.end = 1234567;
	sample_message(w, &x, true,
	    "GET /v1/responses/resp_0bb0ddd7 HTTP/1.1\r\n\r\n", SLICE(""));
	assert(writer_put_exchange(w, &x) == 0);

	sample_begin(&x, 3, "POST", "/v1/responses");
	x.outcome = OUTCOME_COMPLETE;
	x.endpoint = ENDPOINT_RESPONSES_CREATE;
	x.status = 429;
	x.model = x.model_asked = SLICE("gpt-5.4-mini");
	x.request_id = SLICE("req_40a90599");
	x.error_message = SLICE("Slow down");
	x.error_code = SLICE("rate_limit_exceeded");
	x.timing.end = 45000;
	x.response.type = SLICE("application/json");
	sample_message(w, &x, false,
	    "HTTP/1.1 429 Too Many Requests\r\n\r\n", SLICE(error));
	assert(writer_put_exchange(w, &x) == 0);
}

/* 4 and 5 are lost; 6: hostile text in every place; 7: in flight; 8: no text. */
static inline void
sample_odd(struct writer *w)
{
	static const char evil[] = "\x1b]0;owned\x07 \xe2\x80\xae" "abc \xff \xc2\x9b"
	    "31m\r\nnext\ttab";
	static const char bin[] = "\0\x01\x02PNG\xff text";
	struct exchange x;

	assert(writer_put_gap(w, 4, 2, "disk full") == 0);
	sample_begin(&x, 6, "POST", "/v1/\x1b[31mevil\xe2\x80\xae\xff");
	x.outcome = OUTCOME_UPSTREAM;
	x.reason = SLICE("reset\nby peer");
	x.status = 502;
	x.model = SLICE("m\xc3\xb6" "del\x7f");
	x.user_agent = SLICE("\x1b[2J");
	x.usage_json = SLICE("{\"a\":tru}");
	x.request.type = SLICE("text/plain");
	sample_message(w, &x, true,
	    "POST /v1/\x1b[31mevil HTTP/1.1\r\nX: \x07\r\n\r\n",
	    SLICE(evil));
	assert(writer_put_exchange(w, &x) == 0);

	sample_begin(&x, 7, "POST", "/v1/responses");
	x.request_id = SLICE("req_77777777");
	assert(writer_put_exchange(w, &x) == 0);

	sample_begin(&x, 8, "POST", "/v1/files");
	x.outcome = OUTCOME_CANCELLED;
	x.label = SLICE("agent-7");
	x.request.type = SLICE("application/octet-stream");
	sample_message(w, &x, true, "POST /v1/files HTTP/1.1\r\n\r\n",
	    SLICE(bin));
	assert(writer_put_exchange(w, &x) == 0);
}

#endif
