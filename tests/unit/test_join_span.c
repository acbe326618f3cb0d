#include "store/join_span.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SPAN(data, rest) "{\"object\":\"trace.span\",\"id\":\"s\",\"trace_id\":" \
	"\"t\",\"parent_id\":null,\"started_at\":\"2026-11-21T10:00:00Z\"," \
	"\"span_data\":{" data "}" rest "}"

/* Every type of captures/ingest-all-span-types.json, and what is none. */
static const struct fact {
	const char *raw;
	enum span_kind kind;
	const char *says;	/* name > to, model, turn, triggered, !error */
} facts[] = {
	{ SPAN("\"type\":\"agent\",\"name\":\"A\",\"tools\":[]", ""),
	    SPAN_AGENT, "A" },
	{ SPAN("\"type\":\"response\",\"response_id\":\"resp_1\"", ""),
	    SPAN_RESPONSE, "" },
	{ SPAN("\"type\":\"generation\",\"model\":\"m\",\"input\":[]", ""),
	    SPAN_GENERATION, ", m" },
	{ SPAN("\"type\":\"function\",\"name\":\"f\",\"input\":\"{}\"", ""),
	    SPAN_FUNCTION, "f" },
	{ SPAN("\"type\":\"handoff\",\"from_agent\":\"A\",\"to_agent\":\"B\"", ""),
	    SPAN_HANDOFF, "A > B" },
	{ SPAN("\"type\":\"guardrail\",\"name\":\"g\",\"triggered\":true", ""),
	    SPAN_GUARDRAIL, "g, triggered 1" },
	{ SPAN("\"type\":\"guardrail\",\"name\":\"g\",\"triggered\":false", ""),
	    SPAN_GUARDRAIL, "g, triggered 0" },
	{ SPAN("\"type\":\"custom\",\"name\":\"c\",\"data\":{\"turn\":3}", ""),
	    SPAN_CUSTOM, "c, turn 3" },
	{ SPAN("\"type\":\"custom\",\"name\":\"task\",\"data\":{\"sdk_span_type\":"
	    "\"task\",\"name\":\"W\"}", ""), SPAN_TASK, "W" },
	{ SPAN("\"type\":\"custom\",\"name\":\"turn\",\"data\":{\"sdk_span_type\":"
	    "\"turn\",\"turn\":2,\"agent_name\":\"A\"}", ""), SPAN_TURN, "A, turn 2" },
	{ SPAN("\"type\":\"custom\",\"name\":\"x\",\"data\":{\"sdk_span_type\":"
	    "\"new\"}", ""), SPAN_CUSTOM, "x" },
	{ SPAN("\"type\":\"mcp_tools\",\"server\":\"S\",\"result\":[]", ""),
	    SPAN_MCP_TOOLS, "S" },
	{ SPAN("\"type\":\"transcription\",\"model\":\"m\"", ""),
	    SPAN_TRANSCRIPTION, ", m" },
	{ SPAN("\"type\":\"speech\",\"model\":\"m\"", ""), SPAN_SPEECH, ", m" },
	{ SPAN("\"type\":\"speech_group\",\"input\":\"x\"", ""),
	    SPAN_SPEECH_GROUP, "" },
	{ SPAN("\"type\":\"call\",\"name\":\"no kind of theirs\"", ""), SPAN_OTHER,
	    "no kind of theirs" },
	{ SPAN("\"type\":\"task\",\"name\":\"x\"", ""), SPAN_OTHER, "x" },
	{ SPAN("\"type\":7", ""), SPAN_OTHER, "" },
	{ SPAN("", ""), SPAN_OTHER, "" },
	{ SPAN("\"type\":\"function\",\"name\":\"f\"", ",\"error\":null"),
	    SPAN_FUNCTION, "f" },
	{ SPAN("\"type\":\"function\",\"name\":\"f\"",
	    ",\"error\":{\"message\":\"no\",\"data\":{}}"), SPAN_FUNCTION, "f !no" },
	{ SPAN("\"type\":\"function\",\"name\":\"f\"", ",\"error\":\"odd\""),
	    SPAN_FUNCTION, "f !" },
	{ SPAN("\"type\":\"function\",\"name\":\"f\"", ",\"error\":{}"),
	    SPAN_FUNCTION, "f !" },
};

static void
say(struct bytes *b, const struct span_facts *f)
{
	bytes_put_slice(b, f->name);
	if (f->to.p)
		bytes_printf(b, " > %.*s", (int)f->to.len, f->to.p);
	if (f->model.p)
		bytes_printf(b, ", %.*s", (int)f->model.len, f->model.p);
	if (f->turn >= 0)
		bytes_printf(b, ", turn %d", (int)f->turn);
	if (f->triggered >= 0)
		bytes_printf(b, ", triggered %d", (int)f->triggered);
	if (f->error.p)
		bytes_printf(b, " !%.*s", (int)f->error.len, f->error.p);
	bytes_putc(b, 0);
}

static struct slice
text(const char *s)
{
	return (struct slice){ s, strlen(s) };
}

static void
every_type_of_span_is_read(void **state)
{
	struct span_reader *r = span_reader_new();
	struct bytes b = { 0 };
	struct span_facts f;

	for (size_t i = 0; i < sizeof(facts) / sizeof(facts[0]); i++) {
		assert_true(span_read(r, text(facts[i].raw), &f));
		bytes_clear(&b);
		say(&b, &f);
		if (f.kind != facts[i].kind ||
		    strcmp((char *)b.p, facts[i].says) != 0)
			fail_msg("%s: %s %s", facts[i].raw,
			    span_kind_name(f.kind), (char *)b.p);
	}
	bytes_fini(&b);
	span_reader_free(r);
}

/* One span leaves nothing behind for the next. */
static void
every_cut_of_a_span_is_none(void **state)
{
	struct span_reader *r = span_reader_new();
	struct span_facts f;

	for (size_t i = 0; i < sizeof(facts) / sizeof(facts[0]); i++) {
		const size_t len = strlen(facts[i].raw);
		char *exact = malloc(len);

		for (size_t n = 0; n < len; n++) {
			memcpy(exact, facts[i].raw, n);
			assert_false(span_read(r, (struct slice){ exact, n }, &f));
		}
		free(exact);
		assert_true(span_read(r, text(facts[0].raw), &f));
		assert_int_equal(f.turn, -1);
		assert_null(f.error.p);
		assert_null(f.to.p);
	}
	assert_false(span_read(r, SLICE("{\"object\":\"trace\",\"id\":\"t\"}"), &f));
	span_reader_free(r);
}

static void
long_names_are_cut_between_characters(void **state)
{
	struct span_reader *r = span_reader_new();
	struct span_facts f;
	char raw[1024], name[400];

	for (size_t shift = 0; shift < 3; shift++) {
		memset(name, 'x', shift);
		for (size_t i = shift; i + 3 <= 390; i += 3)
			memcpy(name + i, "\xe2\x82\xac", 4);
		snprintf(raw, sizeof(raw),
		    SPAN("\"type\":\"agent\",\"name\":\"%s\"", ""), name);
		assert_true(span_read(r, text(raw), &f));
		assert_true(f.name.len <= SPAN_TEXT_MAX);
		assert_true(f.name.len > SPAN_TEXT_MAX - 3);
		assert_int_equal((f.name.len - shift) % 3, 0);
		assert_memory_equal(f.name.p, name, f.name.len);
	}
	span_reader_free(r);
}

static void
a_trace_tells_its_workflow_and_group(void **state)
{
	struct span_reader *r = span_reader_new();
	struct slice workflow, group;

	span_read_trace(r, SLICE("{\"object\":\"trace\",\"id\":\"t\","
	    "\"workflow_name\":\"W\",\"group_id\":null}"), &workflow, &group);
	assert_true(slice_eq(workflow, SLICE("W")));
	assert_null(group.p);
	span_read_trace(r, SLICE(""), &workflow, &group);
	assert_null(workflow.p);
	span_reader_free(r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_type_of_span_is_read),
		cmocka_unit_test(every_cut_of_a_span_is_none),
		cmocka_unit_test(long_names_are_cut_between_characters),
		cmocka_unit_test(a_trace_tells_its_workflow_and_group),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
