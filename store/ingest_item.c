#include "store/ingest_item.h"

#include <stdlib.h>
#include <string.h>

#include "store/isotime.h"
#include "store/json.h"

enum { WORD_MAX = 256 };

enum want {
	OBJECT,
	ID,
	TRACE_ID,
	PARENT_ID,
	STARTED_AT,
	ENDED_AT,
	TYPE,
	RESPONSE_ID,
	WANT_N,
};

static const struct json_want wants[WANT_N] = {
	[OBJECT] = { "object", WORD_MAX },
	[ID] = { "id", ITEM_ID_MAX },
	[TRACE_ID] = { "trace_id", ITEM_ID_MAX },
	[PARENT_ID] = { "parent_id", ITEM_ID_MAX },
	[STARTED_AT] = { "started_at", WORD_MAX },
	[ENDED_AT] = { "ended_at", WORD_MAX },
	[TYPE] = { "span_data.type", WORD_MAX },
	[RESPONSE_ID] = { "span_data.response_id", ITEM_ID_MAX },
};

struct item_reader {
	struct json_scan *scan;
	struct bytes text[WANT_N];
};

struct item_reader *
item_reader_new(void)
{
	struct item_reader *r = calloc(1, sizeof(*r));

	if (r && !(r->scan = json_scan_new(wants, WANT_N))) {
		free(r);
		return NULL;
	}
	return r;
}

void
item_reader_free(struct item_reader *r)
{
	if (!r)
		return;
	json_scan_free(r->scan);
	for (int i = 0; i < WANT_N; i++)
		bytes_fini(&r->text[i]);
	free(r);
}

static struct slice
text(struct item_reader *r, enum want i)
{
	struct bytes *b = &r->text[i];

	bytes_clear(b);
	if (!json_text(json_scan_raw(r->scan, i), b) || b->failed)
		return (struct slice){ NULL, 0 };
	/* An empty string may never have had storage. */
	return b->len > 0 ? bytes_slice(b) : SLICE("");
}

/* Bytes that are no text become U+FFFD: two ids that differ there would be taken
 * for one. */
static struct slice
id_text(struct item_reader *r, enum want i)
{
	struct slice s = text(r, i);

	if (s.len == 0 || memmem(s.p, s.len, "\xef\xbf\xbd", 3))
		return (struct slice){ NULL, 0 };
	return s;
}

static enum item_kind
kind_of(struct slice object, const struct ingest_item *item)
{
	if (!item->id.p)
		return ITEM_ODD;
	if (slice_eq(object, SLICE("trace")))
		return ITEM_TRACE;
	if (slice_eq(object, SLICE("trace.span")) && item->trace_id.p)
		return ITEM_SPAN;
	return ITEM_ODD;
}

void
item_read(struct item_reader *r, struct slice raw, struct ingest_item *item)
{
	*item = (struct ingest_item){
		.kind = ITEM_ODD, .raw = raw, .started_ns = -1, .ended_ns = -1,
	};
	json_scan_reset(r->scan);
	if (json_scan_feed(r->scan, raw.p, raw.len) != 0 ||
	    json_scan_end(r->scan) != 0)
		return;
	item->id = id_text(r, ID);
	item->trace_id = id_text(r, TRACE_ID);
	item->parent_id = id_text(r, PARENT_ID);
	item->started_at = text(r, STARTED_AT);
	item->ended_at = text(r, ENDED_AT);
	item->started_ns = isotime_ns(item->started_at);
	item->ended_ns = isotime_ns(item->ended_at);
	item->type = text(r, TYPE);
	item->response_id = id_text(r, RESPONSE_ID);
	item->kind = kind_of(text(r, OBJECT), item);
	if (item->kind == ITEM_TRACE)
		item->trace_id = item->id;
}
