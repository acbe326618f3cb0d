#include "store/digest.h"

#include <stdlib.h>
#include <string.h>

#include "store/digest_batch.h"
#include "store/digest_wants.h"
#include "store/endpoint.h"
#include "store/fields.h"
#include "store/headline.h"
#include "store/payload.h"
#include "store/texts.h"
#include "store/usage.h"

enum {
	TEXT_MAX = 4096,	/* bytes of a text; a path is kept whole */
	OUR_FLAGS = EXCHANGE_STREAM | EXCHANGE_BACKGROUND | EXCHANGE_ODD_JSON |
	    EXCHANGE_ODD_CODING,
};

enum text {
	METHOD,
	PATH,
	PATH_ID,
	REQUEST_TYPE,
	REQUEST_CODING,
	USER_AGENT,
	SDK_LANG,
	SDK_VERSION,
	RETRY_COUNT,
	MODEL_ASKED,
	PREVIOUS_ASKED,
	CONVERSATION_ASKED,
	RESPONSE_TYPE,
	RESPONSE_CODING,
	REQUEST_ID,
	UPSTREAM_MS,
	RATELIMITS,
	ID = RATELIMITS + RATELIMIT_N,
	MODEL,
	STATUS,
	TIER,
	PREVIOUS,
	CONVERSATION,
	REASON,
	USAGE,
	TOOL_USAGE,
	INPUT_TOKENS,
	ERROR_CODE,
	ERROR_TYPE,
	ERROR_MESSAGE,
	N_TEXTS,
};

_Static_assert((int)N_TEXTS <= TEXTS_MAX, "texts.h has room for fewer");

struct digest {
	enum endpoint endpoint;
	int64_t status;
	int64_t now_us;		/* of the piece at hand */
	int64_t first_token;
	bool background_asked;
	bool background;	/* says the response */
	bool stream;
	struct payload request;
	struct payload response;
	struct digest_batch batch;
	struct texts texts;
	struct bytes scratch;
};

struct digest *
digest_new(void)
{
	struct digest *d = calloc(1, sizeof(*d));

	if (!d)
		return NULL;
	d->status = d->first_token = -1;
	digest_batch_init(&d->batch);
	d->request.decoded_bytes = d->response.decoded_bytes = -1;
	d->request.ended = d->response.ended = true;	/* until their heads */
	return d;
}

void
digest_free(struct digest *d)
{
	if (!d)
		return;
	payload_fini(&d->request);
	payload_fini(&d->response);
	digest_batch_end(&d->batch);
	texts_fini(&d->texts);
	bytes_fini(&d->scratch);
	free(d);
}

static struct slice
get(const struct digest *d, unsigned i)
{
	return texts_get(&d->texts, i);
}

static void
set(struct digest *d, unsigned i, struct slice s)
{
	texts_set_cut(&d->texts, i, s, TEXT_MAX);
}

/* Keeps the text of a JSON string, or a number as it is written. */
static void
set_json(struct digest *d, unsigned i, struct slice raw)
{
	bytes_clear(&d->scratch);
	if (json_text(raw, &d->scratch) && !d->scratch.failed)
		set(d, i, bytes_slice(&d->scratch));
	else if (raw.len > 0 && (raw.p[0] == '-' ||
	    (raw.p[0] >= '0' && raw.p[0] <= '9')))
		set(d, i, raw);
}

static const struct field request_fields[] = {
	{ { "content-type", 12 }, REQUEST_TYPE, false },
	{ { "content-encoding", 16 }, REQUEST_CODING, true },
	{ { "user-agent", 10 }, USER_AGENT, false },
	{ { "x-stainless-lang", 16 }, SDK_LANG, false },
	{ { "x-stainless-package-version", 27 }, SDK_VERSION, false },
	{ { "x-stainless-retry-count", 23 }, RETRY_COUNT, false },
};

static const struct field response_fields[] = {
	{ { "content-type", 12 }, RESPONSE_TYPE, false },
	{ { "content-encoding", 16 }, RESPONSE_CODING, true },
	{ { "x-request-id", 12 }, REQUEST_ID, false },
	{ { "openai-processing-ms", 20 }, UPSTREAM_MS, false },
	{ { "x-ratelimit-limit-requests", 26 },
	    RATELIMITS + RATELIMIT_LIMIT_REQUESTS, false },
	{ { "x-ratelimit-remaining-requests", 30 },
	    RATELIMITS + RATELIMIT_REMAINING_REQUESTS, false },
	{ { "x-ratelimit-reset-requests", 26 },
	    RATELIMITS + RATELIMIT_RESET_REQUESTS, false },
	{ { "x-ratelimit-limit-tokens", 24 },
	    RATELIMITS + RATELIMIT_LIMIT_TOKENS, false },
	{ { "x-ratelimit-remaining-tokens", 28 },
	    RATELIMITS + RATELIMIT_REMAINING_TOKENS, false },
	{ { "x-ratelimit-reset-tokens", 24 },
	    RATELIMITS + RATELIMIT_RESET_TOKENS, false },
};

enum {
	N_REQUEST_FIELDS = sizeof(request_fields) / sizeof(request_fields[0]),
	N_RESPONSE_FIELDS = sizeof(response_fields) / sizeof(response_fields[0]),
};

/* The word up to the next space of a start line; takes both off. */
static struct slice
take_word(struct slice *line)
{
	struct slice word = *line;
	const char *space = memchr(line->p, ' ', line->len);

	if (space)
		word.len = (size_t)(space - line->p);
	while (word.len > 0 && (word.p[word.len - 1] == '\r' ||
	    word.p[word.len - 1] == '\n'))
		word.len--;
	line->p += word.len + (space != NULL);
	line->len -= word.len + (space != NULL);
	return word;
}

void
digest_on_item(struct digest *d, ingest_sink *on_item, void *arg)
{
	d->batch.on_item = on_item;
	d->batch.arg = arg;
}

bool
digest_has_items(const struct digest *d)
{
	return d->endpoint == ENDPOINT_INGEST;
}

void
digest_request_head(struct digest *d, struct slice head)
{
	struct slice line, target, id;
	struct headline h;

	if (!headline_first(&head, &h))
		return;
	line = h.before;
	set(d, METHOD, take_word(&line));
	target = take_word(&line);
	texts_set(&d->texts, PATH, endpoint_path(target));
	d->endpoint = endpoint_of(get(d, METHOD), target, &id);
	if (id.p)
		set(d, PATH_ID, id);
	fields_read(&d->texts, head, request_fields, N_REQUEST_FIELDS);
	payload_fini(&d->request);
	payload_init(&d->request, payload_kind_of(get(d, REQUEST_TYPE)),
	    digest_asked, ASKED_N, get(d, REQUEST_CODING));
	if (d->request.kind == PAYLOAD_EVENTS)
		d->request.kind = PAYLOAD_OPAQUE;
	if (digest_has_items(d))
		digest_batch_begin(&d->batch, &d->request);
}

void
digest_request_data(struct digest *d, const void *p, size_t n)
{
	payload_feed(&d->request, p, n);
}

static struct slice
raw(const struct payload *p, unsigned i)
{
	return json_scan_raw(p->scan, i);
}

static bool
is_true(struct slice raw)
{
	return slice_eq(raw, SLICE("true"));
}

/* This and read_json_answer may be called again and again while a body passes:
 * what they read last is what counts. */
static void
read_asked(struct digest *d)
{
	const struct payload *p = &d->request;

	if (!p->scan)
		return;
	texts_drop(&d->texts, MODEL_ASKED, CONVERSATION_ASKED + 1);
	set_json(d, MODEL_ASKED, raw(p, ASKED_MODEL));
	set_json(d, PREVIOUS_ASKED, raw(p, ASKED_PREVIOUS));
	set_json(d, CONVERSATION_ASKED, raw(p, ASKED_CONVERSATION));
	set_json(d, CONVERSATION_ASKED, raw(p, ASKED_CONVERSATION_ID));
	d->background_asked = is_true(raw(p, ASKED_BACKGROUND));
}

void
digest_request_end(struct digest *d)
{
	payload_end(&d->request, true);
	read_asked(d);
	payload_fini(&d->request);
	digest_batch_end(&d->batch);
}

/* The first n values of a response object, a chunk or an error answer; they begin
 * at want `first`.  Other APIs' objects have ids and states too, but those are
 * not `ours`. */
static void
read_answer(struct digest *d, unsigned first, unsigned n, bool ours)
{
	static const struct {
		uint8_t from;
		uint8_t to;
		bool ours;
	} plan[] = {
		{ ANSWER_ID, ID, true },
		{ ANSWER_MODEL, MODEL, false },
		{ ANSWER_TIER, TIER, false },
		{ ANSWER_ERROR, ERROR_MESSAGE, false },
		{ ANSWER_ERROR_CODE, ERROR_CODE, false },
		{ ANSWER_ERROR_TYPE, ERROR_TYPE, false },
		{ ANSWER_ERROR_MESSAGE, ERROR_MESSAGE, false },
		{ ANSWER_STATUS, STATUS, true },
		{ ANSWER_PREVIOUS, PREVIOUS, true },
		{ ANSWER_CONVERSATION, CONVERSATION, true },
		{ ANSWER_CONVERSATION_ID, CONVERSATION, true },
		{ ANSWER_REASON, REASON, true },
	};
	const struct payload *p = &d->response;

	for (unsigned i = 0; i < sizeof(plan) / sizeof(plan[0]); i++)
		if (plan[i].from < n && (ours || !plan[i].ours))
			set_json(d, plan[i].to, raw(p, first + plan[i].from));
	if (n > ANSWER_BACKGROUND && ours)
		d->background |= is_true(raw(p, first + ANSWER_BACKGROUND));
}

static void
set_object(struct digest *d, unsigned i, struct slice raw)
{
	if (raw.len > 0 && raw.p[0] == '{')
		texts_set(&d->texts, i, raw);
}

static void
read_json_answer(struct digest *d)
{
	bool responses = d->endpoint >= ENDPOINT_RESPONSES_CREATE &&
	    d->endpoint <= ENDPOINT_RESPONSES_DELETE;
	const struct payload *p = &d->response;

	if (!p->scan || p->kind == PAYLOAD_EVENTS)
		return;
	texts_drop(&d->texts, ID, N_TEXTS);
	d->background = false;
	read_answer(d, 0, ANSWER_N, responses || d->endpoint == ENDPOINT_CHAT);
	set_object(d, USAGE, raw(p, ANSWER_USAGE));
	set_object(d, TOOL_USAGE, raw(p, ANSWER_TOOL_USAGE));
	if (d->endpoint == ENDPOINT_RESPONSES_INPUT_TOKENS)
		set_json(d, INPUT_TOKENS, raw(p, ANSWER_INPUT_TOKENS));
}

/* Only these carry the usage that counts. */
static bool
is_terminal(struct slice type)
{
	return slice_eq(type, SLICE("response.completed")) ||
	    slice_eq(type, SLICE("response.incomplete")) ||
	    slice_eq(type, SLICE("response.failed"));
}

/* A chunk that chooses nothing has "choices": [], or none. */
static bool
has_choice(const struct payload *p)
{
	struct slice choices = raw(p, EVENT_CHOICES);

	if (json_scan_over(p->scan, EVENT_CHOICES))
		return true;	/* more than fits */
	return choices.p && choices.p[0] == '[' &&
	    memchr(choices.p, '{', choices.len) != NULL;
}

/* An event is complete.  Its type is in it; the name beside it says the same. */
static void
on_event(void *arg, struct slice name)
{
	struct digest *d = arg;
	const struct payload *p = &d->response;
	struct slice type = raw(p, EVENT_TYPE);

	if (json_is_string(type))
		type = (struct slice){ type.p + 1, type.len - 2 };
	else
		type = name;
	if (d->first_token == -1 &&
	    (slice_ends(type, SLICE(".delta")) || has_choice(p)))
		d->first_token = d->now_us;
	read_answer(d, EVENT_RESPONSE, ANSWER_N, true);
	read_answer(d, EVENT_CHUNK, ANSWER_CHUNK_N, d->endpoint == ENDPOINT_CHAT);
	set_object(d, USAGE, raw(p, EVENT_CHUNK + ANSWER_USAGE));
	if (is_terminal(type)) {
		set_object(d, USAGE, raw(p, EVENT_RESPONSE + ANSWER_USAGE));
		set_object(d, TOOL_USAGE, raw(p, EVENT_RESPONSE + ANSWER_TOOL_USAGE));
	} else if (slice_eq(type, SLICE("error"))) {
		set_json(d, ERROR_CODE, raw(p, EVENT_CODE));
		set_json(d, ERROR_MESSAGE, raw(p, EVENT_MESSAGE));
	}
}

/* The digits behind the first space of a status line. */
static int64_t
read_status(struct slice line)
{
	struct slice word;
	int64_t status;

	take_word(&line);
	word = take_word(&line);
	return json_int(word, &status) ? status : -1;
}

void
digest_response_head(struct digest *d, struct slice head)
{
	enum payload_kind kind;
	struct headline h;

	if (!headline_first(&head, &h))
		return;
	d->status = read_status(h.before);
	fields_read(&d->texts, head, response_fields, N_RESPONSE_FIELDS);
	kind = payload_kind_of(get(d, RESPONSE_TYPE));
	d->stream = kind == PAYLOAD_EVENTS;
	payload_fini(&d->response);
	if (d->status == 101) {		/* both bodies are another protocol now */
		payload_fini(&d->request);
		return;
	}
	payload_init(&d->response, kind,
	    d->stream ? digest_event : digest_answer,
	    d->stream ? EVENT_N : ANSWER_WANTS_N, get(d, RESPONSE_CODING));
	d->response.on_event = on_event;
	d->response.arg = d;
}

void
digest_response_data(struct digest *d, const void *p, size_t n, int64_t at_us)
{
	d->now_us = at_us;
	payload_feed(&d->response, p, n);
}

void
digest_response_end(struct digest *d, bool clean)
{
	payload_end(&d->response, clean);
	read_json_answer(d);
	payload_fini(&d->response);
}

static struct slice
first_of(struct slice a, struct slice b)
{
	return a.p ? a : b;
}

static int64_t
number(const struct digest *d, unsigned i)
{
	int64_t v;

	return json_int(get(d, i), &v) ? v : -1;
}

static void
fill_texts(const struct digest *d, struct exchange *x)
{
	x->method = get(d, METHOD);
	x->path = get(d, PATH);
	x->request.type = get(d, REQUEST_TYPE);
	x->request.encoding = get(d, REQUEST_CODING);
	x->response.type = get(d, RESPONSE_TYPE);
	x->response.encoding = get(d, RESPONSE_CODING);
	x->user_agent = get(d, USER_AGENT);
	x->sdk_lang = get(d, SDK_LANG);
	x->sdk_version = get(d, SDK_VERSION);
	x->request_id = get(d, REQUEST_ID);
	for (unsigned i = 0; i < RATELIMIT_N; i++)
		x->ratelimit[i] = get(d, RATELIMITS + i);
	x->model_asked = get(d, MODEL_ASKED);
	x->model = first_of(get(d, MODEL), x->model_asked);
	x->response_id = first_of(get(d, ID), get(d, PATH_ID));
	x->previous_response_id = first_of(get(d, PREVIOUS),
	    get(d, PREVIOUS_ASKED));
	x->conversation = first_of(get(d, CONVERSATION),
	    get(d, CONVERSATION_ASKED));
	x->api_status = get(d, STATUS);
	x->incomplete_reason = get(d, REASON);
	x->service_tier = get(d, TIER);
	x->error_code = get(d, ERROR_CODE);
	x->error_type = get(d, ERROR_TYPE);
	x->error_message = get(d, ERROR_MESSAGE);
	x->usage_json = get(d, USAGE);
	x->tool_usage_json = get(d, TOOL_USAGE);
}

static uint32_t
flags(const struct digest *d)
{
	uint32_t f = 0;

	if (d->stream)
		f |= EXCHANGE_STREAM;
	if (d->background || d->background_asked)
		f |= EXCHANGE_BACKGROUND;
	if (d->request.odd_json || d->response.odd_json)
		f |= EXCHANGE_ODD_JSON;
	if (d->request.odd_coding || d->response.odd_coding)
		f |= EXCHANGE_ODD_CODING;
	return f;
}

void
digest_fill(struct digest *d, struct exchange *x)
{
	read_asked(d);
	read_json_answer(d);
	fill_texts(d, x);
	x->endpoint = d->endpoint;
	x->status = d->status;
	x->flags = (x->flags & ~(uint32_t)OUR_FLAGS) | flags(d);
	x->request.decoded_bytes = d->request.decoded_bytes;
	x->response.decoded_bytes = d->response.decoded_bytes;
	x->retry_count = number(d, RETRY_COUNT);
	x->items = d->batch.counts;
	x->timing.first_token = d->first_token;
	x->timing.upstream_ms = number(d, UPSTREAM_MS);
	/* What "usage" means elsewhere is not known: it is in the body. */
	if (d->endpoint == ENDPOINT_OTHER)
		x->usage_json = x->tool_usage_json = (struct slice){ NULL, 0 };
	usage_read(x->usage_json, &x->usage);
	if (d->endpoint == ENDPOINT_RESPONSES_INPUT_TOKENS)
		x->usage.input = number(d, INPUT_TOKENS);
}
