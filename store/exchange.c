#include "store/exchange.h"

#include <assert.h>
#include <string.h>

static const char *const outcome_names[OUTCOME_N] = {
	[OUTCOME_IN_FLIGHT] = "in_flight",
	[OUTCOME_COMPLETE] = "complete",
	[OUTCOME_CANCELLED] = "cancelled",
	[OUTCOME_UPSTREAM] = "upstream",
	[OUTCOME_TIMEOUT] = "timeout",
	[OUTCOME_REFUSED] = "refused",
	[OUTCOME_INTERRUPTED] = "interrupted",
};

static const char *const mode_names[MODE_N] = {
	[MODE_REVERSE] = "reverse",
	[MODE_FORWARD] = "forward",
	[MODE_REDIRECTED] = "redirected",
};

static const char *const endpoint_names[ENDPOINT_N] = {
	[ENDPOINT_OTHER] = "other",
	[ENDPOINT_RESPONSES_CREATE] = "responses.create",
	[ENDPOINT_RESPONSES_GET] = "responses.get",
	[ENDPOINT_RESPONSES_STREAM] = "responses.stream",
	[ENDPOINT_RESPONSES_CANCEL] = "responses.cancel",
	[ENDPOINT_RESPONSES_INPUT_ITEMS] = "responses.input_items",
	[ENDPOINT_RESPONSES_COMPACT] = "responses.compact",
	[ENDPOINT_RESPONSES_INPUT_TOKENS] = "responses.input_tokens",
	[ENDPOINT_RESPONSES_DELETE] = "responses.delete",
	[ENDPOINT_CHAT] = "chat.completions",
	[ENDPOINT_EMBEDDINGS] = "embeddings",
	[ENDPOINT_INGEST] = "traces.ingest",
};

static const char *const ratelimit_headers[RATELIMIT_N] = {
	[RATELIMIT_LIMIT_REQUESTS] = "x-ratelimit-limit-requests",
	[RATELIMIT_REMAINING_REQUESTS] = "x-ratelimit-remaining-requests",
	[RATELIMIT_RESET_REQUESTS] = "x-ratelimit-reset-requests",
	[RATELIMIT_LIMIT_TOKENS] = "x-ratelimit-limit-tokens",
	[RATELIMIT_REMAINING_TOKENS] = "x-ratelimit-remaining-tokens",
	[RATELIMIT_RESET_TOKENS] = "x-ratelimit-reset-tokens",
};

static void
message_init(struct message *m)
{
	m->head_bytes = -1;
	m->body_bytes = -1;
	m->sent_bytes = -1;
	m->kept_bytes = -1;
	m->decoded_bytes = -1;
	m->squeezed_bytes = -1;
	m->prefix = -1;
}

void
exchange_init(struct exchange *x)
{
	memset(x, 0, sizeof(*x));
	x->time_ns = -1;
	x->status = -1;
	x->retry_count = -1;
	x->items = (struct ingest_counts){ -1, -1, -1 };
	message_init(&x->request);
	message_init(&x->response);
	x->timing = (struct timing){
		.request_end = -1, .dns = -1, .connect = -1, .tls = -1,
		.sent_first = -1, .sent_last = -1, .first_byte = -1,
		.first_token = -1, .end = -1, .upstream_ms = -1,
	};
	x->usage = (struct usage){
		.input = -1, .cached = -1, .cache_write = -1,
		.output = -1, .reasoning = -1, .total = -1,
	};
}

const char *
outcome_name(enum outcome o)
{
	assert((unsigned)o < OUTCOME_N);
	return outcome_names[o];
}

const char *
mode_name(enum mode m)
{
	assert((unsigned)m < MODE_N);
	return mode_names[m];
}

const char *
endpoint_name(enum endpoint e)
{
	assert((unsigned)e < ENDPOINT_N);
	return endpoint_names[e];
}

const char *
ratelimit_header(enum ratelimit r)
{
	assert((unsigned)r < RATELIMIT_N);
	return ratelimit_headers[r];
}
