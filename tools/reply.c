#include "tools/reply.h"

#include <stdlib.h>
#include <string.h>

#include "store/sse.h"
#include "tools/reply_items.h"
#include "tools/jsonwalk.h"

enum want {
	TYPE,
	OUTPUT_INDEX,
	CONTENT_INDEX,
	SUMMARY_INDEX,
	DELTA,
	FULL_TEXT,		/* "text" of a .done event */
	REFUSAL,
	ARGUMENTS,
	INPUT,
	CODE,
	ITEM,
	STATUS,
	USAGE,
	ERROR,
	INCOMPLETE,
	MESSAGE,
	OUTPUT,
	CHOICES,
	CHAT_USAGE,
	CHAT_ERROR,
	WANT_N
};

enum { SMALL = 256, TEXT = 1024 * 1024 };

/* "code" is the text of code_interpreter_call_code.done and the error's code. */
static const struct json_want wants[WANT_N] = {
	[TYPE] = { "type", SMALL },
	[OUTPUT_INDEX] = { "output_index", SMALL },
	[CONTENT_INDEX] = { "content_index", SMALL },
	[SUMMARY_INDEX] = { "summary_index", SMALL },
	[DELTA] = { "delta", TEXT },
	[FULL_TEXT] = { "text", TEXT },
	[REFUSAL] = { "refusal", TEXT },
	[ARGUMENTS] = { "arguments", TEXT },
	[INPUT] = { "input", TEXT },
	[CODE] = { "code", TEXT },
	[ITEM] = { "item", TEXT },
	[STATUS] = { "response.status", SMALL },
	[USAGE] = { "response.usage", 16 * 1024 },
	[ERROR] = { "response.error", 16 * 1024 },
	[INCOMPLETE] = { "response.incomplete_details", SMALL },
	[MESSAGE] = { "message", 16 * 1024 },
	[OUTPUT] = { "response.output", TEXT },
	[CHOICES] = { "choices", TEXT },
	[CHAT_USAGE] = { "usage", 16 * 1024 },
	[CHAT_ERROR] = { "error", 16 * 1024 },
};

struct reply {
	struct sse sse;
	struct json_scan *scan;
	struct items items;
	uint64_t events;
	bool is_over;
	char begin[8];		/* of the event's data, to know "[DONE]" */
	size_t begin_len;
	struct bytes status;
	struct bytes usage;
	struct bytes error;
};

/* ---- /responses */

struct rule {
	const char *type;	/* without .delta and .done */
	enum reply_kind kind;
	enum want index;	/* WANT_N: none */
	enum want full;		/* the whole text, in .done */
};

static const struct rule rules[] = {
	{ "response.output_text", REPLY_TEXT, CONTENT_INDEX, FULL_TEXT },
	{ "response.refusal", REPLY_REFUSAL, CONTENT_INDEX, REFUSAL },
	{ "response.reasoning_summary_text", REPLY_SUMMARY, SUMMARY_INDEX,
	    FULL_TEXT },
	{ "response.reasoning_text", REPLY_REASONING, CONTENT_INDEX, FULL_TEXT },
	{ "response.function_call_arguments", REPLY_ARGUMENTS, WANT_N,
	    ARGUMENTS },
	{ "response.mcp_call_arguments", REPLY_ARGUMENTS, WANT_N, ARGUMENTS },
	{ "response.custom_tool_call_input", REPLY_INPUT, WANT_N, INPUT },
	{ "response.code_interpreter_call_code", REPLY_INPUT, WANT_N, CODE },
};

static int64_t
number(const struct reply *a, enum want i)
{
	int64_t v;

	return i < WANT_N && json_int(json_scan_raw(a->scan, i), &v) ? v : 0;
}

static bool
is_type(struct slice type, const char *name, const char *tail)
{
	size_t len = strlen(name), tail_len = strlen(tail);

	return type.len == len + tail_len && memcmp(type.p, name, len) == 0 &&
	    memcmp(type.p + len, tail, tail_len) == 0;
}

static void
on_rule(struct reply *a, const struct rule *r, bool is_done)
{
	struct reply_item *it = items_at(&a->items, number(a, OUTPUT_INDEX));
	enum want from = is_done ? r->full : DELTA;
	struct bytes *text;

	if (json_scan_over(a->scan, from))
		a->items.is_cut = true;
	if (!it || !json_scan_raw(a->scan, from).p)
		return;
	text = items_part(&a->items, it, r->kind, number(a, r->index));
	if (text && is_done) {
		a->items.text_bytes -= text->len;
		bytes_clear(text);
	}
	items_add_text(&a->items, text, json_scan_raw(a->scan, from));
}

static void
on_item(struct reply *a)
{
	struct slice raw = json_scan_raw(a->scan, ITEM);

	if (raw.p)
		items_put(&a->items, number(a, OUTPUT_INDEX), raw);
	else if (json_scan_over(a->scan, ITEM))
		a->items.is_cut = true;	/* what its deltas gave stays */
}

/* The response as a whole; its items only when no event told of them. */
static void
on_response(struct reply *a)
{
	struct slice key, item;
	struct jsonwalk w;

	items_set_text(&a->status, json_scan_raw(a->scan, STATUS));
	items_set_raw(&a->usage, json_scan_raw(a->scan, USAGE));
	items_set_raw(&a->error, json_scan_raw(a->scan, INCOMPLETE));
	items_set_raw(&a->error, json_scan_raw(a->scan, ERROR));
	if (a->items.n > 0 ||
	    !jsonwalk_begin(&w, json_scan_raw(a->scan, OUTPUT)))
		return;
	for (int64_t i = 0; jsonwalk_next(&w, &key, &item); i++)
		items_put(&a->items, i, item);
}

static void
on_error(struct reply *a)
{
	struct slice code = json_scan_raw(a->scan, CODE);
	struct slice message = json_scan_raw(a->scan, MESSAGE);
	struct bytes b = { 0 };

	bytes_puts(&b, "{\"code\":");
	bytes_put_slice(&b, code.p ? code : SLICE("null"));
	bytes_puts(&b, ",\"message\":");
	bytes_put_slice(&b, message.p ? message : SLICE("null"));
	bytes_puts(&b, "}");
	items_set_raw(&a->error, bytes_slice(&b));
	items_set_raw(&a->error, json_scan_raw(a->scan, CHAT_ERROR));
	bytes_fini(&b);
	a->is_over = true;
}

static void
on_responses_event(struct reply *a, struct slice type)
{
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		if (is_type(type, rules[i].type, ".delta"))
			on_rule(a, &rules[i], false);
		else if (is_type(type, rules[i].type, ".done"))
			on_rule(a, &rules[i], true);
		else
			continue;
		return;
	}
	if (is_type(type, "response.output_item", ".added") ||
	    is_type(type, "response.output_item", ".done"))
		on_item(a);
	else if (is_type(type, "error", ""))
		on_error(a);
	else if (json_scan_raw(a->scan, STATUS).p)
		on_response(a);
	if (is_type(type, "response.", "completed") ||
	    is_type(type, "response.", "failed") ||
	    is_type(type, "response.", "incomplete") ||
	    is_type(type, "response.", "cancelled"))
		a->is_over = true;
}

/* ---- /chat/completions */

enum { CHOICE_SPAN = 4096 };	/* item indices of one choice: message, calls */

static int64_t
bounded_index(struct slice raw, int64_t max)
{
	int64_t v;

	return json_int(raw, &v) && v >= 0 && v < max ? v : 0;
}

static void
on_chat_calls(struct reply *a, int64_t base, struct slice calls)
{
	struct slice key, call;
	struct jsonwalk w;

	if (!jsonwalk_begin(&w, calls))
		return;
	while (jsonwalk_next(&w, &key, &call)) {
		struct slice f = jsonwalk_get(call, "function");
		struct reply_item *it = items_at(&a->items, base + 1 + bounded_index(
		    jsonwalk_get(call, "index"), CHOICE_SPAN - 1));

		if (!it)
			return;
		if (it->type.len == 0)
			bytes_puts(&it->type, "function_call");
		items_set_text(&it->call_id, jsonwalk_get(call, "id"));
		items_set_text(&it->name, jsonwalk_get(f, "name"));
		items_add_member(&a->items, it, f, "arguments", REPLY_ARGUMENTS);
	}
}

static void
on_chat_choice(struct reply *a, struct slice choice)
{
	struct slice delta = jsonwalk_get(choice, "delta");
	int64_t base = CHOICE_SPAN *
	    bounded_index(jsonwalk_get(choice, "index"), 1024);
	struct reply_item *it = items_at(&a->items, base);

	items_set_text(&a->status, jsonwalk_get(choice, "finish_reason"));
	if (it) {
		if (it->type.len == 0)
			bytes_puts(&it->type, "message");
		items_add_member(&a->items, it, delta, "reasoning_content", REPLY_REASONING);
		items_add_member(&a->items, it, delta, "content", REPLY_TEXT);
		items_add_member(&a->items, it, delta, "refusal", REPLY_REFUSAL);
	}
	on_chat_calls(a, base, jsonwalk_get(delta, "tool_calls"));
}

static void
on_chat_event(struct reply *a)
{
	struct slice key, choice;
	struct jsonwalk w;

	items_set_raw(&a->usage, json_scan_raw(a->scan, CHAT_USAGE));
	items_set_raw(&a->error, json_scan_raw(a->scan, CHAT_ERROR));
	if (json_scan_over(a->scan, CHOICES))
		a->items.is_cut = true;
	if (!jsonwalk_begin(&w, json_scan_raw(a->scan, CHOICES)))
		return;
	while (jsonwalk_next(&w, &key, &choice))
		on_chat_choice(a, choice);
}

/* ---- events */

static void
on_data(void *arg, const char *p, size_t n)
{
	struct reply *a = arg;
	size_t room = sizeof(a->begin) - a->begin_len;

	memcpy(a->begin + a->begin_len, p, n < room ? n : room);
	a->begin_len += n < room ? n : room;
	json_scan_feed(a->scan, p, n);
}

static void
on_event(void *arg, struct slice name)
{
	struct reply *a = arg;
	struct bytes type = { 0 };

	a->events++;
	if (slice_eq((struct slice){ a->begin, a->begin_len }, SLICE("[DONE]")))
		a->is_over = true;
	else if (json_text(json_scan_raw(a->scan, TYPE), &type))
		on_responses_event(a, bytes_slice(&type));
	else
		on_chat_event(a);
	bytes_fini(&type);
	a->begin_len = 0;
	json_scan_reset(a->scan);
}

static const struct sse_sink sink = { on_data, on_event };

struct reply *
reply_new(void)
{
	struct reply *a = calloc(1, sizeof(*a));

	if (!a)
		return NULL;
	a->scan = json_scan_new(wants, WANT_N);
	if (!a->scan) {
		free(a);
		return NULL;
	}
	sse_init(&a->sse, &sink, a);
	return a;
}

void
reply_free(struct reply *a)
{
	if (!a)
		return;
	items_fini(&a->items);
	json_scan_free(a->scan);
	bytes_fini(&a->status);
	bytes_fini(&a->usage);
	bytes_fini(&a->error);
	free(a);
}

void
reply_feed(struct reply *a, const void *p, size_t n)
{
	sse_feed(&a->sse, p, n);
}

void
reply_end(struct reply *a)
{
	sse_end(&a->sse);
}

const struct reply_item *
reply_item(const struct reply *a, size_t i)
{
	return i < a->items.n ? &a->items.list[i] : NULL;
}

uint64_t
reply_events(const struct reply *a)
{
	return a->events;
}

bool
reply_is_cut(const struct reply *a)
{
	return a->items.is_cut;
}

bool
reply_is_over(const struct reply *a)
{
	return a->is_over;
}

struct slice
reply_usage(const struct reply *a)
{
	return bytes_slice(&a->usage);
}

struct slice
reply_error(const struct reply *a)
{
	return bytes_slice(&a->error);
}

struct slice
reply_status(const struct reply *a)
{
	return bytes_slice(&a->status);
}

const char *
reply_kind_name(enum reply_kind k)
{
	static const char *const names[] = {
		"text", "refusal", "summary", "reasoning", "arguments", "input",
	};

	return names[k];
}
