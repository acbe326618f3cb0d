#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <zlib.h>
#include <zstd.h>

#include "store/digest.h"
#include "store/endpoint.h"
#include "store/texts.h"
#include "store/usage.h"
#include "tests/unit/guard.h"

static struct slice
of(const char *s)
{
	return (struct slice){ s, s ? strlen(s) : 0 };
}

static void
assert_text(struct slice s, const char *want)
{
	if (!want) {
		assert_null(s.p);
		return;
	}
	assert_non_null(s.p);
	assert_int_equal(s.len, strlen(want));
	assert_memory_equal(s.p, want, s.len);
}

#define POST(path) "POST " path " HTTP/1.1\r\nHost: a\r\n" \
	"Content-Type: application/json\r\n\r\n"
#define GET(path) "GET " path " HTTP/1.1\r\nHost: a\r\n\r\n"
#define JSON "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n"
#define SSE "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\n\r\n"
#define CREATE POST("/v1/responses")

/* One exchange, its bodies cut at two places each; fills x. */
struct talk {
	struct slice request_head;
	struct slice request;
	struct slice response_head;
	struct slice response;
	bool unclean;
};

static void
feed_request(struct digest *d, struct slice s, size_t cut)
{
	cut = cut < s.len ? cut : s.len;
	digest_request_data(d, guard_put(s.p, cut), cut);
	digest_request_data(d, guard_put(s.p + cut, s.len - cut), s.len - cut);
}

static void
feed_response(struct digest *d, struct slice s, size_t cut)
{
	cut = cut < s.len ? cut : s.len;
	digest_response_data(d, guard_put(s.p, cut), cut, 100);
	digest_response_data(d, guard_put(s.p + cut, s.len - cut), s.len - cut,
	    200);
}

static struct digest *
run(const struct talk *t, size_t cut, struct exchange *x)
{
	struct digest *d = digest_new();

	exchange_init(x);
	digest_request_head(d, (struct slice){ guard_put(t->request_head.p,
	    t->request_head.len), t->request_head.len });
	feed_request(d, t->request, cut);
	digest_request_end(d);
	if (t->response_head.p) {
		digest_response_head(d, (struct slice){ guard_put(
		    t->response_head.p, t->response_head.len),
		    t->response_head.len });
		feed_response(d, t->response, cut);
		digest_response_end(d, !t->unclean);
	}
	digest_fill(d, x);
	return d;
}

static struct digest *
run_text(const char *request_head, const char *request,
    const char *response_head, const char *response, struct exchange *x)
{
	struct talk t = { of(request_head), of(request), of(response_head),
	    of(response), false };

	return run(&t, SIZE_MAX, x);
}

static const struct {
	const char *method;
	const char *target;
	enum endpoint endpoint;
	const char *id;
} endpoints[] = {
	{ "POST", "/v1/responses", ENDPOINT_RESPONSES_CREATE, NULL },
	{ "POST", "/responses", ENDPOINT_RESPONSES_CREATE, NULL },
	{ "POST", "responses", ENDPOINT_RESPONSES_CREATE, NULL },
	{ "POST", "/openai/v1/responses/?key=a", ENDPOINT_RESPONSES_CREATE, NULL },
	{ "POST", "/v1/responses?beta=true", ENDPOINT_RESPONSES_CREATE, NULL },
	{ "POST", "http://h:1/v1/responses", ENDPOINT_RESPONSES_CREATE, NULL },
	{ "POST", "/v1/responses/compact", ENDPOINT_RESPONSES_COMPACT, NULL },
	{ "POST", "/v1/responses/input_tokens?x",
	    ENDPOINT_RESPONSES_INPUT_TOKENS, NULL },
	{ "POST", "/v1/responses/resp_1/cancel", ENDPOINT_RESPONSES_CANCEL,
	    "resp_1" },
	{ "GET", "/v1/responses/resp_1", ENDPOINT_RESPONSES_GET, "resp_1" },
	{ "GET", "/v1/responses/resp_1?include[]=a&stream=false",
	    ENDPOINT_RESPONSES_GET, "resp_1" },
	{ "GET", "/v1/responses/resp_1?xstream=true", ENDPOINT_RESPONSES_GET,
	    "resp_1" },
	{ "GET", "/v1/responses/resp_1?stream=true&starting_after=4",
	    ENDPOINT_RESPONSES_STREAM, "resp_1" },
	{ "GET", "/v1/responses/resp_1?a=b&stream=True#f",
	    ENDPOINT_RESPONSES_STREAM, "resp_1" },
	{ "GET", "/v1/responses/resp_1/input_items?limit=2",
	    ENDPOINT_RESPONSES_INPUT_ITEMS, "resp_1" },
	{ "DELETE", "/v1/responses/resp_1", ENDPOINT_RESPONSES_DELETE, "resp_1" },
	{ "POST", "/v1/chat/completions", ENDPOINT_CHAT, NULL },
	{ "POST", "/openai/deployments/d/chat/completions?api-version=1",
	    ENDPOINT_CHAT, NULL },
	{ "POST", "/v1/embeddings", ENDPOINT_EMBEDDINGS, NULL },
	{ "POST", "/v1/traces/ingest", ENDPOINT_INGEST, NULL },
	{ "GET", "/v1/responses", ENDPOINT_OTHER, NULL },
	{ "GET", "/v1/responses/", ENDPOINT_OTHER, NULL },
	{ "GET", "/v1/responses/compact", ENDPOINT_OTHER, NULL },
	{ "DELETE", "/v1/responses/input_tokens", ENDPOINT_OTHER, NULL },
	{ "POST", "/v1/responses/resp_1", ENDPOINT_OTHER, NULL },
	{ "POST", "/v1/myresponses", ENDPOINT_OTHER, NULL },
	{ "POST", "/v1/responses//cancel", ENDPOINT_OTHER, NULL },
	{ "POST", "/v1/completions", ENDPOINT_OTHER, NULL },
	{ "POST", "/v1/models?x=/v1/responses", ENDPOINT_OTHER, NULL },
	{ "post", "/v1/responses", ENDPOINT_OTHER, NULL },
	{ "GET", "/v1/traces/ingest", ENDPOINT_OTHER, NULL },
	{ "CONNECT", "api.openai.com:443", ENDPOINT_OTHER, NULL },
	{ "OPTIONS", "*", ENDPOINT_OTHER, NULL },
	{ "GET", "/", ENDPOINT_OTHER, NULL },
	{ "GET", "", ENDPOINT_OTHER, NULL },
	{ "PUT", "/v1/responses/resp_1", ENDPOINT_OTHER, NULL },
};

static void
endpoints_go_by_method_and_the_end_of_the_path(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(endpoints) / sizeof(endpoints[0]); i++) {
		size_t n = strlen(endpoints[i].target);
		struct slice id;

		assert_int_equal(endpoint_of(of(endpoints[i].method),
		    (struct slice){ guard_put(endpoints[i].target, n), n }, &id),
		    endpoints[i].endpoint);
		assert_text(id, endpoints[i].id);
	}
}

static const struct {
	const char *raw;
	struct usage u;
} usages[] = {
	{ "{\"input_tokens\":36,\"input_tokens_details\":{\"cached_tokens\":12,"
	    "\"cache_write_tokens\":3},\"output_tokens\":19,"
	    "\"output_tokens_details\":{\"reasoning_tokens\":4},"
	    "\"total_tokens\":55}", { 36, 12, 3, 19, 4, 55 } },
	{ "{\"prompt_tokens\":1,\"completion_tokens\":2,\"total_tokens\":3,"
	    "\"prompt_tokens_details\":{\"cached_tokens\":4,\"audio_tokens\":9},"
	    "\"completion_tokens_details\":{\"reasoning_tokens\":5}}",
	    { 1, 4, -1, 2, 5, 3 } },
	{ "{\"prompt_tokens\":8,\"total_tokens\":8}", { 8, -1, -1, -1, -1, 8 } },
	{ "{\"input_tokens\":0,\"output_tokens\":null,\"total_tokens\":\"3\"}",
	    { 0, -1, -1, -1, -1, -1 } },
	{ "{\"input_tokens\":-1,\"output_tokens\":1.5,\"total_tokens\":2.0}",
	    { -1, -1, -1, -1, -1, 2 } },
	{ "{\"input_tokens\":1", { -1, -1, -1, -1, -1, -1 } },
	{ "{}", { -1, -1, -1, -1, -1, -1 } },
	{ "null", { -1, -1, -1, -1, -1, -1 } },
	{ "7", { -1, -1, -1, -1, -1, -1 } },
	{ NULL, { -1, -1, -1, -1, -1, -1 } },
};

static void
missing_tokens_are_not_zero_tokens(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(usages) / sizeof(usages[0]); i++) {
		struct usage u;

		usage_read(of(usages[i].raw), &u);
		assert_memory_equal(&u, &usages[i].u, sizeof(u));
	}
}

static const char agent_request[] = "POST /v1/responses HTTP/1.1\r\n"
    "host: 127.0.0.1:18080\r\nx-stainless-retry-count: 2\r\n"
    "x-stainless-lang: js\r\nx-stainless-package-version: 7.55.0\r\n"
    "authorization: Bearer <redacted 0123456789abcdef>\r\n"
    "content-type: application/json\r\n"
    "User-Agent: Agents/JavaScript 0.20.0 \r\n\r\n";
static const char agent_body[] = "{\"model\":\"gpt-5.4-mini\","
    "\"input\":[{\"role\":\"user\",\"model\":\"no\",\"id\":\"no\"}],"
    "\"previous_response_id\":\"resp_0\",\"conversation\":{\"id\":\"conv_1\"},"
    "\"stream\":false,\"background\":true}";
static const char agent_response[] = "HTTP/1.1 200 OK\r\n"
    "content-type: application/json\r\nx-request-id: req_1\r\n"
    "openai-processing-ms: 123\r\nx-ratelimit-limit-requests: 10000\r\n"
    "x-ratelimit-remaining-requests: 9999\r\nx-ratelimit-reset-requests: 6ms\r\n"
    "x-ratelimit-limit-tokens: 1\r\nx-ratelimit-remaining-tokens: 2\r\n"
    "x-ratelimit-reset-tokens: 6m0s\r\nX-Request-Id: second\r\n\r\n";
#define USAGE "{ \"input_tokens\": 36, \"input_tokens_details\": " \
    "{\"cached_tokens\": 12, \"cache_write_tokens\": 0}, " \
    "\"output_tokens\": 19, \"output_tokens_details\": " \
    "{\"reasoning_tokens\": 4}, \"total_tokens\": 55 }"
#define RESPONSE(id, status, usage) "{\"id\":\"" id "\",\"object\":\"response\"," \
    "\"status\":\"" status "\",\"error\":null,\"incomplete_details\":null," \
    "\"model\":\"gpt-5.4-mini-2026\",\"output\":[{\"id\":\"msg_1\"," \
    "\"status\":\"x\",\"usage\":1}],\"service_tier\":\"default\"," \
    "\"previous_response_id\":null,\"usage\":" usage "," \
    "\"tool_usage\":{\"web_search\":{\"num_requests\":1}}}"

static void
check_agent(const struct exchange *x)
{
	assert_int_equal(x->endpoint, ENDPOINT_RESPONSES_CREATE);
	assert_int_equal(x->status, 200);
	assert_int_equal(x->flags, EXCHANGE_BACKGROUND);
	assert_text(x->method, "POST");
	assert_text(x->path, "/v1/responses");
	assert_text(x->request.type, "application/json");
	assert_text(x->response.type, "application/json");
	assert_text(x->request.encoding, NULL);
	assert_int_equal(x->request.decoded_bytes, -1);
	assert_int_equal(x->response.decoded_bytes, -1);
	assert_text(x->user_agent, "Agents/JavaScript 0.20.0");
	assert_text(x->sdk_lang, "js");
	assert_text(x->sdk_version, "7.55.0");
	assert_int_equal(x->retry_count, 2);
	assert_text(x->model_asked, "gpt-5.4-mini");
	assert_text(x->model, "gpt-5.4-mini-2026");
	assert_text(x->response_id, "resp_1");
	assert_text(x->previous_response_id, "resp_0");
	assert_text(x->conversation, "conv_1");
	assert_text(x->api_status, "completed");
	assert_text(x->service_tier, "default");
	assert_text(x->incomplete_reason, NULL);
	assert_text(x->error_message, NULL);
	assert_text(x->request_id, "req_1");
	assert_int_equal(x->timing.upstream_ms, 123);
	assert_int_equal(x->timing.first_token, -1);
	assert_text(x->ratelimit[RATELIMIT_LIMIT_REQUESTS], "10000");
	assert_text(x->ratelimit[RATELIMIT_REMAINING_REQUESTS], "9999");
	assert_text(x->ratelimit[RATELIMIT_RESET_REQUESTS], "6ms");
	assert_text(x->ratelimit[RATELIMIT_LIMIT_TOKENS], "1");
	assert_text(x->ratelimit[RATELIMIT_REMAINING_TOKENS], "2");
	assert_text(x->ratelimit[RATELIMIT_RESET_TOKENS], "6m0s");
	assert_text(x->usage_json, USAGE);
	assert_text(x->tool_usage_json, "{\"web_search\":{\"num_requests\":1}}");
	assert_int_equal(x->usage.input, 36);
	assert_int_equal(x->usage.cached, 12);
	assert_int_equal(x->usage.cache_write, 0);
	assert_int_equal(x->usage.output, 19);
	assert_int_equal(x->usage.reasoning, 4);
	assert_int_equal(x->usage.total, 55);
}

static void
an_agents_call_is_read_at_every_cut(void **state)
{
	struct talk t = { of(agent_request), of(agent_body), of(agent_response),
	    of(RESPONSE("resp_1", "completed", USAGE)), false };

	(void)state;
	for (size_t cut = 0; cut <= t.response.len; cut++) {
		struct exchange x;
		struct digest *d = run(&t, cut, &x);

		check_agent(&x);
		digest_free(d);
	}
}

static void
fill_leaves_the_rest_alone(void **state)
{
	struct digest *d = digest_new();
	struct exchange x, before;

	(void)state;
	memset(&x, 0x55, sizeof(x));
	x.flags = UINT32_MAX;
	before = x;
	digest_fill(d, &x);
	assert_int_equal(x.flags, UINT32_MAX & ~(EXCHANGE_STREAM |
	    EXCHANGE_BACKGROUND | EXCHANGE_ODD_JSON | EXCHANGE_ODD_CODING));
	assert_int_equal(x.seq, before.seq);
	assert_int_equal(x.timing.end, before.timing.end);
	assert_int_equal(x.request.body_bytes, before.request.body_bytes);
	assert_ptr_equal(x.host.p, before.host.p);
	assert_ptr_equal(x.key_hash.p, before.key_hash.p);
	assert_int_equal(x.status, -1);
	assert_int_equal(x.usage.total, -1);
	assert_null(x.model.p);
	assert_null(x.method.p);
	digest_free(d);
	digest_free(NULL);
}

static void
fill_in_flight_tells_what_came_so_far_and_changes_nothing(void **state)
{
	static const char body[] = RESPONSE("resp_1", "completed", USAGE);
	struct exchange x, y;
	struct digest *d, *e;

	(void)state;
	for (size_t cut = 0; cut < sizeof(body) - 1; cut++) {
		d = digest_new();
		exchange_init(&x);
		digest_request_head(d, of(agent_request));
		digest_request_data(d, agent_body, sizeof(agent_body) - 1);
		digest_fill(d, &x);
		assert_text(x.model, "gpt-5.4-mini");
		assert_int_equal(x.status, -1);
		digest_response_head(d, of(agent_response));
		digest_response_data(d, body, cut, 1);
		digest_fill(d, &x);
		assert_int_equal(x.status, 200);
		assert_text(x.response_id, cut >= 14 ? "resp_1" : NULL);
		digest_response_data(d, body + cut, sizeof(body) - 1 - cut, 2);
		digest_response_end(d, true);
		digest_request_end(d);
		digest_fill(d, &x);
		e = run_text(agent_request, agent_body, agent_response, body, &y);
		check_agent(&x);
		check_agent(&y);
		digest_free(d);
		digest_free(e);
	}
}

static void
a_second_key_after_a_fill_still_wins(void **state)
{
	struct digest *d = digest_new();
	struct exchange x;

	(void)state;
	exchange_init(&x);
	digest_request_head(d, of(CREATE));
	digest_request_end(d);
	digest_response_head(d, of(JSON));
	digest_response_data(d, "{\"model\":\"a\",\"background\":true,", 31, 1);
	digest_fill(d, &x);
	assert_text(x.model, "a");
	assert_int_equal(x.flags, EXCHANGE_BACKGROUND);
	digest_response_data(d, "\"model\":null,\"background\":false}", 32, 1);
	digest_response_end(d, true);
	digest_fill(d, &x);
	assert_text(x.model, NULL);
	assert_int_equal(x.flags, 0);
	digest_free(d);
}

#define EVENT(type, rest) "event: " type "\ndata: {\"type\":\"" type "\"," rest "}\n\n"
#define STREAM_HEAD \
	EVENT("response.created", "\"sequence_number\":0,\"response\":" \
	    RESPONSE("resp_2", "in_progress", "null")) \
	EVENT("response.output_item.added", "\"item\":{\"id\":\"i\"}")
#define DELTA EVENT("response.output_text.delta", "\"delta\":\"x\",\"usage\":null")

static const struct {
	const char *stream;
	const char *status;
	const char *reason;
	const char *code;
	const char *message;
	int64_t total;
	int64_t first_token;	/* when cut before DELTA */
} streams[] = {
	{ STREAM_HEAD, "in_progress", NULL, NULL, NULL, -1, -1 },
	{ STREAM_HEAD DELTA, "in_progress", NULL, NULL, NULL, -1, 200 },
	{ STREAM_HEAD DELTA EVENT("response.completed", "\"response\":"
	    RESPONSE("resp_2", "completed", USAGE)), "completed",
	    NULL, NULL, NULL, 55, 200 },
	{ STREAM_HEAD EVENT("response.in_progress", "\"response\":"
	    RESPONSE("resp_2", "in_progress", USAGE)), "in_progress",
	    NULL, NULL, NULL, -1, -1 },
	{ STREAM_HEAD EVENT("response.incomplete", "\"response\":{\"usage\":" USAGE
	    ",\"status\":\"incomplete\",\"incomplete_details\":"
	    "{\"reason\":\"max_output_tokens\"}}"), "incomplete",
	    "max_output_tokens", NULL, NULL, 55, -1 },
	{ STREAM_HEAD EVENT("response.failed", "\"response\":{\"usage\":null,"
	    "\"status\":\"failed\",\"error\":{\"code\":\"server_error\","
	    "\"message\":\"Sorry\"}}"), "failed", NULL, "server_error", "Sorry",
	    -1, -1 },
	{ STREAM_HEAD EVENT("error", "\"code\":\"rate_limit_exceeded\","
	    "\"message\":\"slow \\u0064own\",\"param\":null"), "in_progress", NULL,
	    "rate_limit_exceeded", "slow down", -1, -1 },
	{ STREAM_HEAD EVENT("error", "\"status\":429,\"error\":{\"code\":\"c\","
	    "\"message\":\"m\"}"), "in_progress", NULL, "c", "m", -1, -1 },
	/* No final blank line, and no "type" in the data. */
	{ STREAM_HEAD "event: response.completed\ndata: {\"response\":"
	    RESPONSE("resp_2", "completed", USAGE) "}", "completed",
	    NULL, NULL, NULL, 55, -1 },
	{ STREAM_HEAD "data: [DONE]\n\ndata: {broken\n\n" EVENT("response.completed",
	    "\"response\":" RESPONSE("resp_2", "completed", USAGE)), "completed",
	    NULL, NULL, NULL, 55, -1 },
};

static void
a_stream_is_read_event_by_event_and_usage_from_the_terminal_one(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(streams) / sizeof(streams[0]); i++) {
		struct talk t = { of(agent_request), of(agent_body), of(SSE),
		    of(streams[i].stream), false };

		for (size_t cut = 0; cut <= sizeof(STREAM_HEAD) - 1; cut++) {
			struct exchange x;
			struct digest *d = run(&t, cut, &x);

			assert_int_equal(x.flags, EXCHANGE_STREAM |
			    EXCHANGE_BACKGROUND);
			assert_text(x.response_id, "resp_2");
			assert_text(x.model, "gpt-5.4-mini-2026");
			assert_text(x.api_status, streams[i].status);
			assert_text(x.incomplete_reason, streams[i].reason);
			assert_text(x.error_code, streams[i].code);
			assert_text(x.error_message, streams[i].message);
			assert_int_equal(x.usage.total, streams[i].total);
			assert_int_equal(x.timing.first_token, streams[i].first_token);
			digest_free(d);
		}
	}
}

static void
the_first_token_counts_when_its_event_is_complete(void **state)
{
	static const char stream[] = DELTA DELTA;
	struct talk t = { of(agent_request), of("{}"), of(SSE), of(stream), false };
	size_t delta = sizeof(DELTA) - 1;

	(void)state;
	for (size_t cut = 0; cut < sizeof(stream); cut++) {
		struct exchange x;
		struct digest *d = run(&t, cut, &x);

		assert_int_equal(x.timing.first_token, cut >= delta ? 100 : 200);
		digest_free(d);
	}
}

static const char chat_stream[] =
    "data: {\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\","
    "\"model\":\"gpt-4o\",\"service_tier\":\"flex\",\"choices\":[],\"usage\":null}\n\n"
    "data: {\"id\":\"chatcmpl-1\",\"choices\":[{\"delta\":{\"content\":\"a long "
    "piece of text that does not fit into the cap of choices\"}}]}\n\n"
    "data: {\"id\":\"chatcmpl-1\",\"choices\":[],\"usage\":{\"prompt_tokens\":1,"
    "\"completion_tokens\":2,\"total_tokens\":3}}\n\n"
    "data: [DONE]\n\n";

static void
a_chat_stream_is_read_too(void **state)
{
	struct talk t = { of(POST("/v1/chat/completions")), of("{\"model\":\"g\"}"),
	    of(SSE), of(chat_stream), false };

	(void)state;
	for (size_t cut = 0; cut < sizeof(chat_stream); cut++) {
		size_t first = (size_t)(strstr(chat_stream, "}\n\n") + 3 - chat_stream);
		size_t second = (size_t)(strstr(chat_stream + first, "}\n\n") + 3 -
		    chat_stream);
		struct exchange x;
		struct digest *d = run(&t, cut, &x);

		assert_text(x.response_id, "chatcmpl-1");
		assert_text(x.model, "gpt-4o");
		assert_text(x.service_tier, "flex");
		assert_text(x.api_status, NULL);
		assert_int_equal(x.usage.input, 1);
		assert_int_equal(x.usage.output, 2);
		assert_int_equal(x.usage.total, 3);
		assert_int_equal(x.timing.first_token, cut >= second ? 100 : 200);
		digest_free(d);
	}
}

/* Answers that are not streams, and what the digest must make of them. */
static const struct {
	const char *request_head;
	const char *request;
	const char *response_head;
	const char *response;
	const char *id;
	const char *model;
	const char *message;
	const char *type;
	const char *code;
	int64_t input;
	int64_t total;
	uint32_t flags;
} answers[] = {
	{ CREATE, "{\"model\":\"m\"}", "HTTP/1.1 429 \r\nContent-Type: "
	    "application/problem+json\r\n\r\n", "{\"error\":{\"message\":\"Slow\","
	    "\"type\":\"requests\",\"param\":null,\"code\":\"rate_limit\"}}",
	    NULL, "m", "Slow", "requests", "rate_limit", -1, -1, 0 },
	{ CREATE, "{}", JSON, "{\"error\":\"not today\"}", NULL, NULL, "not today",
	    NULL, NULL, -1, -1, 0 },
	{ CREATE, "{}", JSON, "{\"error\":{\"code\":401,\"message\":null}}", NULL,
	    NULL, NULL, NULL, "401", -1, -1, 0 },
	{ GET("/v1/responses/resp_9"), "", JSON, "{\"error\":{\"message\":\"gone\"}}",
	    "resp_9", NULL, "gone", NULL, NULL, -1, -1, 0 },
	{ GET("/v1/responses/resp_9"), "", JSON, RESPONSE("resp_8", "queued", "null"),
	    "resp_8", "gpt-5.4-mini-2026", NULL, NULL, NULL, -1, -1, 0 },
	{ GET("/v1/responses/resp_9/input_items"), "", JSON,
	    "{\"object\":\"list\",\"data\":[{\"id\":\"msg_1\"}]}", "resp_9", NULL,
	    NULL, NULL, NULL, -1, -1, 0 },
	{ POST("/v1/responses/resp_9/cancel"), "", JSON, "", "resp_9", NULL, NULL,
	    NULL, NULL, -1, -1, 0 },
	{ POST("/v1/responses/compact"), "{}", JSON, "{\"id\":\"resp_c\","
	    "\"object\":\"response.compaction\",\"usage\":{\"input_tokens\":5,"
	    "\"total_tokens\":6}}", "resp_c", NULL, NULL, NULL, NULL, 5, 6, 0 },
	{ POST("/v1/responses/input_tokens"), "{}", JSON,
	    "{\"object\":\"response.input_tokens\",\"input_tokens\":41}", NULL, NULL,
	    NULL, NULL, NULL, 41, -1, 0 },
	{ CREATE, "{}", JSON, "{\"input_tokens\":41}", NULL, NULL, NULL, NULL, NULL,
	    -1, -1, 0 },
	{ POST("/v1/embeddings"), "{\"model\":\"e\"}", JSON, "{\"object\":\"list\","
	    "\"id\":\"no\",\"model\":\"e-3\",\"usage\":{\"prompt_tokens\":8,"
	    "\"total_tokens\":8}}", NULL, "e-3", NULL, NULL, NULL, 8, 8, 0 },
	/* Other APIs' objects have ids of their own. */
	{ GET("/v1/models/gpt-5"), "", JSON, "{\"id\":\"gpt-5\",\"status\":\"x\"}",
	    NULL, NULL, NULL, NULL, NULL, -1, -1, 0 },
	{ POST("/v1/traces/ingest"), "{\"data\":[]}", "HTTP/1.1 204 No Content"
	    "\r\n\r\n", "", NULL, NULL, NULL, NULL, NULL, -1, -1, 0 },
	/* What should be JSON and is not, and what need not be. */
	{ CREATE, "{}", JSON, "<html>", NULL, NULL, NULL, NULL, NULL, -1, -1,
	    EXCHANGE_ODD_JSON },
	{ CREATE, "{}", JSON, "{\"id\":\"resp_1\"", "resp_1", NULL, NULL, NULL, NULL,
	    -1, -1, EXCHANGE_ODD_JSON },
	{ CREATE, "{\"model\":\"m\"", JSON, "{}", NULL, "m", NULL, NULL, NULL,
	    -1, -1, EXCHANGE_ODD_JSON },
	{ CREATE, "", JSON, "", NULL, NULL, NULL, NULL, NULL, -1, -1, 0 },
	{ CREATE, "{}", "HTTP/1.1 502 Bad\r\ncontent-type: text/html\r\n\r\n",
	    "{\"id\":\"x\"}", NULL, NULL, NULL, NULL, NULL, -1, -1, 0 },
	{ CREATE, "{}", "HTTP/1.1 200 OK\r\n\r\n", "{\"id\":\"x\"}", "x", NULL, NULL,
	    NULL, NULL, -1, -1, 0 },
	{ CREATE, "{}", "HTTP/1.1 200 OK\r\n\r\n", "no", NULL, NULL, NULL, NULL,
	    NULL, -1, -1, 0 },
	/* Nothing after 101 is HTTP. */
	{ GET("/v1/responses"), "{\"model\":\"m\"}",
	    "HTTP/1.1 101 Switching Protocols\r\n\r\n", "{\"id\":\"x\"}", NULL, "m",
	    NULL, NULL, NULL, -1, -1, 0 },
	/* Codings that do not decode. */
	{ CREATE, "{}", "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
	    "content-encoding: gzip\r\n\r\n", "{\"id\":\"x\"}", NULL, NULL, NULL, NULL,
	    NULL, -1, -1, EXCHANGE_ODD_CODING },
	{ CREATE, "{}", "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
	    "content-encoding: dcb\r\n\r\n", "{\"id\":\"x\"}", NULL, NULL, NULL, NULL,
	    NULL, -1, -1, EXCHANGE_ODD_CODING },
	{ CREATE, "{}", "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
	    "content-encoding: dcb\r\n\r\n", "", NULL, NULL, NULL, NULL, NULL, -1, -1,
	    0 },
};

static void
answers_are_read_by_what_they_are(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		struct exchange x;
		struct digest *d = run_text(answers[i].request_head,
		    answers[i].request, answers[i].response_head,
		    answers[i].response, &x);

		assert_text(x.response_id, answers[i].id);
		assert_text(x.model, answers[i].model);
		assert_text(x.error_message, answers[i].message);
		assert_text(x.error_type, answers[i].type);
		assert_text(x.error_code, answers[i].code);
		assert_int_equal(x.usage.input, answers[i].input);
		assert_int_equal(x.usage.total, answers[i].total);
		assert_int_equal(x.flags, answers[i].flags);
		digest_free(d);
	}
}

static void
a_body_that_was_cut_off_is_not_odd(void **state)
{
	struct talk t = { of(CREATE), of("{}"), of(JSON),
	    of("{\"id\":\"resp_1\",\"usage\":{"), true };
	struct exchange x;
	struct digest *d = run(&t, 3, &x);

	(void)state;
	assert_text(x.response_id, "resp_1");
	assert_int_equal(x.flags, 0);
	digest_free(d);
}

static void
put_gzip(struct bytes *out, struct slice s)
{
	z_stream z = { 0 };
	size_t cap = s.len + 200;

	assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 31, 8, 0), Z_OK);
	z.next_in = (Bytef *)(uintptr_t)s.p;
	z.avail_in = (uInt)s.len;
	z.next_out = bytes_reserve(out, cap);
	z.avail_out = (uInt)cap;
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	out->len += z.total_out;
	deflateEnd(&z);
}

static void
coded_bodies_are_read_decoded(void **state)
{
	static const char stream[] = STREAM_HEAD DELTA EVENT("response.completed",
	    "\"response\":" RESPONSE("resp_2", "completed", USAGE));
	struct bytes request = { 0 }, once = { 0 }, twice = { 0 };
	uint8_t *to = bytes_reserve(&request, 1000);
	struct exchange x;
	struct digest *d;
	struct talk t;

	(void)state;
	request.len = ZSTD_compress(to, 1000, agent_body, strlen(agent_body), 3);
	put_gzip(&once, of(stream));
	put_gzip(&twice, bytes_slice(&once));
	t = (struct talk){ of("POST /v1/responses HTTP/1.1\r\nContent-Encoding: zstd"
	    "\r\nContent-Type: application/json\r\n\r\n"), bytes_slice(&request),
	    of("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
	    "Content-Encoding: gzip\r\nContent-Encoding: x-gzip\r\n\r\n"),
	    bytes_slice(&twice), false };
	for (size_t cut = 0; cut <= twice.len; cut++) {
		d = run(&t, cut, &x);
		assert_text(x.model_asked, "gpt-5.4-mini");
		assert_text(x.model, "gpt-5.4-mini-2026");
		assert_text(x.request.encoding, "zstd");
		assert_text(x.response.encoding, "gzip, x-gzip");
		assert_int_equal(x.request.decoded_bytes, strlen(agent_body));
		assert_int_equal(x.response.decoded_bytes, strlen(stream));
		assert_int_equal(x.usage.total, 55);
		assert_true(x.timing.first_token >= 100);
		assert_int_equal(x.flags, EXCHANGE_STREAM | EXCHANGE_BACKGROUND);
		digest_free(d);
	}
	t.response.len--;
	d = run(&t, 5, &x);
	assert_true(x.flags & EXCHANGE_ODD_CODING);
	digest_free(d);
	t.unclean = true;
	d = run(&t, 5, &x);
	assert_false(x.flags & EXCHANGE_ODD_CODING);
	digest_free(d);
	bytes_fini(&request);
	bytes_fini(&once);
	bytes_fini(&twice);
}

static void
long_values_are_dropped_or_cut_but_never_kept_whole(void **state)
{
	struct bytes body = { 0 }, head = { 0 };
	struct exchange x;
	struct digest *d;
	struct talk t;

	(void)state;
	bytes_puts(&body, "{\"id\":\"");
	for (unsigned i = 0; i < 600; i++)
		bytes_putc(&body, 'i');
	bytes_puts(&body, "\",\"error\":{\"message\":\"a");
	for (unsigned i = 0; i < 4000; i++)
		bytes_puts(&body, "\xc3\xa9");
	bytes_puts(&body, "\",\"code\":\"c\"}}");
	bytes_puts(&head, "HTTP/1.1 400 No\r\nx-request-id: ");
	for (unsigned i = 0; i < 9000; i++)
		bytes_putc(&head, 'r');
	bytes_puts(&head, "\r\ncontent-type: application/json\r\n\r\n");
	t = (struct talk){ of(CREATE), of("{}"), bytes_slice(&head),
	    bytes_slice(&body), false };
	d = run(&t, 1000, &x);
	assert_text(x.response_id, NULL);
	assert_text(x.error_code, "c");
	assert_int_equal(x.error_message.len, 4095);	/* not half a letter */
	assert_int_equal(x.request_id.len, 4096);
	digest_free(d);
	bytes_fini(&body);
	bytes_fini(&head);
}

static void
texts_that_change_with_every_event_end_as_the_last(void **state)
{
	struct digest *d = digest_new();
	struct exchange x;
	char event[700], id[512];

	(void)state;
	exchange_init(&x);
	digest_request_head(d, of(CREATE));
	digest_request_end(d);
	digest_response_head(d, of(SSE));
	for (int i = 0; i < 20000; i++) {
		int n = i % 500 + 1;

		memset(id, 'a' + i % 26, sizeof(id));
		n = snprintf(event, sizeof(event), "data: {\"type\":\"x\","
		    "\"response\":{\"id\":\"%.*s\",\"model\":\"%.*s\"}}\n\n",
		    n, id, 500 - n, id);
		if (n < (int)sizeof(event))
			digest_response_data(d, event, (size_t)n, i);
	}
	digest_fill(d, &x);
	assert_int_equal(x.response_id.len, 19999 % 500 + 1 < 160 ? 160 : 500);
	digest_free(d);
}

static void
texts_replaced_over_and_over_stay_within_four_times_the_longest(void **state)
{
	struct texts t = { 0 };
	char text[500];

	(void)state;
	memset(text, 'x', sizeof(text));
	for (size_t round = 0; round < 3; round++) {
		for (size_t n = 0; n <= sizeof(text); n++) {
			for (unsigned i = 0; i < TEXTS_MAX; i++) {
				texts_set(&t, i, (struct slice){ text, n });
				assert_int_equal(texts_get(&t, i).len, n);
			}
		}
	}
	assert_true(t.store.len <= 4 * TEXTS_MAX * sizeof(text));
	texts_drop(&t, 1, 3);
	assert_non_null(texts_get(&t, 0).p);
	assert_null(texts_get(&t, 1).p);
	assert_null(texts_get(&t, 2).p);
	assert_non_null(texts_get(&t, 3).p);
	texts_fini(&t);
}

/* Any order of calls that the contract allows, and no head at all. */
static void
nothing_is_needed_for_a_digest(void **state)
{
	struct digest *d = digest_new();
	struct exchange x;

	(void)state;
	exchange_init(&x);
	digest_request_data(d, "{}", 2);
	digest_response_data(d, "{}", 2, 1);
	digest_request_end(d);
	digest_response_end(d, true);
	digest_request_head(d, (struct slice){ "", 0 });
	digest_response_head(d, (struct slice){ "", 0 });
	digest_fill(d, &x);
	assert_int_equal(x.flags, 0);
	assert_text(x.method, NULL);
	digest_free(d);
}

static void
start_lines_are_read_as_far_as_they_go(void **state)
{
	struct exchange x;
	struct digest *d = run_text("GET\r\n\r\n", "", "HTTP/1.1\r\n\r\n", "", &x);

	(void)state;
	assert_text(x.method, "GET");
	assert_text(x.path, "");
	assert_int_equal(x.status, -1);
	digest_free(d);
	d = run_text("A b", "", "HTTP/1.1 200", "", &x);
	assert_text(x.path, "b");
	assert_int_equal(x.status, 200);
	digest_free(d);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(endpoints_go_by_method_and_the_end_of_the_path),
		cmocka_unit_test(missing_tokens_are_not_zero_tokens),
		cmocka_unit_test(an_agents_call_is_read_at_every_cut),
		cmocka_unit_test(fill_leaves_the_rest_alone),
		cmocka_unit_test(fill_in_flight_tells_what_came_so_far_and_changes_nothing),
		cmocka_unit_test(a_second_key_after_a_fill_still_wins),
		cmocka_unit_test(
		    a_stream_is_read_event_by_event_and_usage_from_the_terminal_one),
		cmocka_unit_test(the_first_token_counts_when_its_event_is_complete),
		cmocka_unit_test(a_chat_stream_is_read_too),
		cmocka_unit_test(answers_are_read_by_what_they_are),
		cmocka_unit_test(a_body_that_was_cut_off_is_not_odd),
		cmocka_unit_test(coded_bodies_are_read_decoded),
		cmocka_unit_test(long_values_are_dropped_or_cut_but_never_kept_whole),
		cmocka_unit_test(texts_that_change_with_every_event_end_as_the_last),
		cmocka_unit_test(
		    texts_replaced_over_and_over_stay_within_four_times_the_longest),
		cmocka_unit_test(nothing_is_needed_for_a_digest),
		cmocka_unit_test(start_lines_are_read_as_far_as_they_go),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
