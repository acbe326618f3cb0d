/* join_scene.h - spans and exchanges as lines of text, to put into a store.
 *
 * A line, with "-" for what is missing, is one of
 *   t TRACE WORKFLOW
 *   s TRACE SPAN PARENT TYPE BEGIN END RESPONSE [NAME]	a span; times in ms
 *   e ...						the same, with an error
 *   x SEQ BEGIN END KIND STATUS RETRY BODY ID [PREVIOUS [CLIENT]]
 * KIND is create, chat, compact, poll, stream (a resumed one), sse (create, as a
 * stream) or cut (create, left by the client); BODY a letter: equal ones are equal.  A number with
 * a ~ behind it in place of PREVIOUS's id names a conversation.  Each exchange
 * with status 200 has seq tokens of input and 1 of output; a poll whose status is
 * 202 has none, and is of a response that is not done.
 */
#ifndef TRACETAPE_TESTS_JOIN_SCENE_H
#define TRACETAPE_TESTS_JOIN_SCENE_H

#include "tests/unit/scene_line.h"
#include "tests/unit/store_fixture.h"

/* 2026-11-21T10:00:00Z */
#define SCENE_NS INT64_C(1795255200000000000)

static inline void
put_time(char *to, size_t cap, int64_t ms)
{
	if (ms < 0)
		snprintf(to, cap, "null");
	else
		snprintf(to, cap, "\"2026-11-21T10:%02d:%02d.%03dZ\"",
		    (int)(ms / 60000 % 60), (int)(ms / 1000 % 60), (int)(ms % 1000));
}

static inline const char *
quoted(char to[WORD + 3], struct slice s)
{
	snprintf(to, WORD + 3, s.p ? "\"%.*s\"" : "null", (int)s.len, s.p);
	return to;
}

static inline void
item_text(const struct line *l, char *raw, size_t cap)
{
	char began[40], ended[40], parent[WORD + 3], id[WORD + 3], name[WORD + 3];

	if (l->w[0][0] == 't') {
		snprintf(raw, cap, "{\"object\":\"trace\",\"id\":\"%s\","
		    "\"workflow_name\":%s}", l->w[1], quoted(id, word(l, 2)));
		return;
	}
	put_time(began, sizeof(began), number(l, 5));
	put_time(ended, sizeof(ended), number(l, 6));
	snprintf(raw, cap, "{\"object\":\"trace.span\",\"id\":\"%s\","
	    "\"trace_id\":\"%s\",\"parent_id\":%s,\"started_at\":%s,"
	    "\"ended_at\":%s,\"span_data\":{\"type\":\"%s\","
	    "\"response_id\":%s,\"name\":%s},\"error\":%s}", l->w[2], l->w[1],
	    quoted(parent, word(l, 3)), began, ended, l->w[4],
	    quoted(id, word(l, 7)), quoted(name, word(l, 8)),
	    l->w[0][0] == 'e' ? "{\"message\":\"no\"}" : "null");
}

static inline void
put_span_line(struct writer *w, const struct line *l, uint64_t batch)
{
	struct item_reader *reader = item_reader_new();
	struct ingest_item item;
	char raw[1024];

	item_text(l, raw, sizeof(raw));
	item_read(reader, (struct slice){ raw, strlen(raw) }, &item);
	assert_int_not_equal(item.kind, ITEM_ODD);
	assert_int_equal(writer_put_item(w, batch, &item), 0);
	item_reader_free(reader);
}

static inline enum endpoint
endpoint_named(const char *s)
{
	if (strcmp(s, "poll") == 0)
		return ENDPOINT_RESPONSES_GET;
	if (strcmp(s, "stream") == 0)
		return ENDPOINT_RESPONSES_STREAM;
	if (strcmp(s, "chat") == 0)
		return ENDPOINT_CHAT;
	if (strcmp(s, "compact") == 0)
		return ENDPOINT_RESPONSES_COMPACT;
	return ENDPOINT_RESPONSES_CREATE;
}

static inline void
put_exchange_line(struct writer *w, const struct line *l)
{
	static const char *const client = "127.0.0.1:1000";
	struct exchange x;
	char path[WORD + 20];

	exchange_init(&x);
	x.seq = (uint64_t)number(l, 1);
	x.time_ns = SCENE_NS + number(l, 2) * 1000000;
	x.timing.end = (number(l, 3) - number(l, 2)) * 1000;
	x.timing.first_byte = x.timing.end > 0 ? 1000 : -1;
	x.endpoint = endpoint_named(l->w[4]);
	x.status = number(l, 5);
	x.retry_count = number(l, 6);
	x.outcome = strcmp(l->w[4], "cut") == 0 ? OUTCOME_CANCELLED :
	    OUTCOME_COMPLETE;
	x.flags = strcmp(l->w[4], "sse") == 0 ? EXCHANGE_STREAM : 0;
	x.request.has_sha256 = word(l, 7).p != NULL;
	memset(x.request.sha256, l->w[7][0], sizeof(x.request.sha256));
	x.response_id = word(l, 8);
	x.method = word(l, 4).p[0] == 'p' || x.endpoint ==
	    ENDPOINT_RESPONSES_STREAM ? SLICE("GET") : SLICE("POST");
	snprintf(path, sizeof(path), "/v1/responses/%s", l->w[8]);
	x.path = (struct slice){ path, strlen(path) };
	x.previous_response_id = word(l, 9);
	if (slice_ends(x.previous_response_id, SLICE("~"))) {
		x.conversation = x.previous_response_id;
		x.previous_response_id = (struct slice){ NULL, 0 };
	}
	x.client = word(l, 10).p ? word(l, 10) :
	    (struct slice){ client, strlen(client) };
	if (x.status == 200) {
		x.usage.input = (int64_t)x.seq;
		x.usage.output = 1;
		x.api_status = SLICE("completed");
	} else if (x.status == 202) {
		x.api_status = SLICE("in_progress");
	}
	x.model = SLICE("m");
	assert_int_equal(writer_put_exchange(w, &x), 0);
}

#endif
