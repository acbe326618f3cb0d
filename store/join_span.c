#include "store/join_span.h"

#include <stdlib.h>
#include <string.h>

#include "store/json.h"

enum { RAW_MAX = 4096 };	/* of a text with its quotes and escapes */

enum want {
	NAME,
	FROM,
	TO,
	SERVER,
	SDK_TYPE,
	DATA_NAME,
	AGENT_NAME,
	TURN,
	TRIGGERED,
	MODEL,
	ERROR,
	ERROR_MESSAGE,
	WORKFLOW,
	GROUP,
	WANT_N,
};

static const struct json_want wants[WANT_N] = {
	[NAME] = { "span_data.name", RAW_MAX },
	[FROM] = { "span_data.from_agent", RAW_MAX },
	[TO] = { "span_data.to_agent", RAW_MAX },
	[SERVER] = { "span_data.server", RAW_MAX },
	[SDK_TYPE] = { "span_data.data.sdk_span_type", 64 },
	[DATA_NAME] = { "span_data.data.name", RAW_MAX },
	[AGENT_NAME] = { "span_data.data.agent_name", RAW_MAX },
	[TURN] = { "span_data.data.turn", 64 },
	[TRIGGERED] = { "span_data.triggered", 16 },
	[MODEL] = { "span_data.model", RAW_MAX },
	[ERROR] = { "error", 64 },
	[ERROR_MESSAGE] = { "error.message", RAW_MAX },
	[WORKFLOW] = { "workflow_name", RAW_MAX },
	[GROUP] = { "group_id", RAW_MAX },
};

struct span_reader {
	struct json_scan *scan;
	struct item_reader *items;
	struct bytes text[WANT_N];
};

static const char *const kind_names[SPAN_N] = {
	[SPAN_OTHER] = "span",
	[SPAN_AGENT] = "agent",
	[SPAN_RESPONSE] = "response",
	[SPAN_GENERATION] = "generation",
	[SPAN_FUNCTION] = "function",
	[SPAN_HANDOFF] = "handoff",
	[SPAN_GUARDRAIL] = "guardrail",
	[SPAN_CUSTOM] = "custom",
	[SPAN_TASK] = "task",
	[SPAN_TURN] = "turn",
	[SPAN_MCP_TOOLS] = "mcp_tools",
	[SPAN_TRANSCRIPTION] = "transcription",
	[SPAN_SPEECH] = "speech",
	[SPAN_SPEECH_GROUP] = "speech_group",
	[SPAN_CALL] = "call",
};

const char *
span_kind_name(enum span_kind k)
{
	return kind_names[k];
}

struct span_reader *
span_reader_new(void)
{
	struct span_reader *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->scan = json_scan_new(wants, WANT_N);
	r->items = item_reader_new();
	if (r->scan && r->items)
		return r;
	span_reader_free(r);
	return NULL;
}

void
span_reader_free(struct span_reader *r)
{
	if (!r)
		return;
	json_scan_free(r->scan);
	item_reader_free(r->items);
	for (int i = 0; i < WANT_N; i++)
		bytes_fini(&r->text[i]);
	free(r);
}

/* A character is not cut in two. */
static size_t
cut(const uint8_t *p, size_t len)
{
	size_t n = SPAN_TEXT_MAX;

	if (len <= n)
		return len;
	while (n > 0 && (p[n] & 0xc0) == 0x80)
		n--;
	return n;
}

static struct slice
text(struct span_reader *r, enum want i)
{
	struct bytes *b = &r->text[i];

	bytes_clear(b);
	if (!json_text(json_scan_raw(r->scan, i), b) || b->failed)
		return (struct slice){ NULL, 0 };
	if (b->len == 0)	/* may never have had storage */
		return SLICE("");
	return (struct slice){ (char *)b->p, cut(b->p, b->len) };
}

/* The first of these that is told; the list ends with WANT_N. */
static struct slice
first_text(struct span_reader *r, const enum want *i)
{
	struct slice s = { NULL, 0 };

	for (; *i != WANT_N && s.len == 0; i++)
		s = text(r, *i);
	return s;
}

static enum span_kind
kind_of(struct slice type, struct slice sdk_type)
{
	if (slice_eq(type, SLICE("custom")) && sdk_type.len > 0) {
		if (slice_eq(sdk_type, SLICE("task")))
			return SPAN_TASK;
		if (slice_eq(sdk_type, SLICE("turn")))
			return SPAN_TURN;
	}
	for (enum span_kind k = SPAN_AGENT; k < SPAN_CALL; k++)
		if (k != SPAN_TASK && k != SPAN_TURN && slice_eq(type,
		    (struct slice){ kind_names[k], strlen(kind_names[k]) }))
			return k;
	return SPAN_OTHER;
}

static struct slice
name_of(struct span_reader *r, enum span_kind k)
{
	switch (k) {
	case SPAN_TASK:
		return first_text(r, (enum want[]){ DATA_NAME, NAME, WANT_N });
	case SPAN_TURN:
		return text(r, AGENT_NAME);
	case SPAN_HANDOFF:
		return text(r, FROM);
	case SPAN_MCP_TOOLS:
		return text(r, SERVER);
	default:
		return text(r, NAME);
	}
}

static struct slice
error_of(struct span_reader *r)
{
	struct slice message = text(r, ERROR_MESSAGE);

	if (message.p)
		return message;
	if (json_scan_over(r->scan, ERROR) ||
	    !json_is_null(json_scan_raw(r->scan, ERROR)))
		return SLICE("");
	return (struct slice){ NULL, 0 };
}

static bool
scan(struct span_reader *r, struct slice raw)
{
	json_scan_reset(r->scan);
	return json_scan_feed(r->scan, raw.p, raw.len) == 0 &&
	    json_scan_end(r->scan) == 0;
}

bool
span_read(struct span_reader *r, struct slice raw, struct span_facts *f)
{
	struct slice triggered;

	item_read(r->items, raw, &f->item);
	if (f->item.kind != ITEM_SPAN || !scan(r, raw))
		return false;
	f->kind = kind_of(f->item.type, text(r, SDK_TYPE));
	f->name = name_of(r, f->kind);
	f->to = text(r, TO);
	f->model = text(r, MODEL);
	f->error = error_of(r);
	triggered = json_scan_raw(r->scan, TRIGGERED);
	f->triggered = slice_eq(triggered, SLICE("true")) ? 1 :
	    slice_eq(triggered, SLICE("false")) ? 0 : -1;
	if (!json_int(json_scan_raw(r->scan, TURN), &f->turn) || f->turn < 0)
		f->turn = -1;
	return true;
}

void
span_read_trace(struct span_reader *r, struct slice raw, struct slice *workflow,
    struct slice *group)
{
	*workflow = *group = (struct slice){ NULL, 0 };
	if (!scan(r, raw))
		return;
	*workflow = text(r, WORKFLOW);
	*group = text(r, GROUP);
}
