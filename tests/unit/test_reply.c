#include "tools/reply.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/guard.h"

/* An event as the API sends it: its JSON has the type. */
#define EVENT(json) "event: x\ndata: " json "\n\n"

static const struct {
	const char *name;
	const char *stream;
	const char *out;
} cases[] = {
	{ "deltas alone, cut by the client",
	    EVENT("{\"type\":\"response.output_item.added\",\"output_index\":0,"
	    "\"item\":{\"type\":\"message\",\"content\":[]}}")
	    EVENT("{\"type\":\"response.output_text.delta\",\"output_index\":0,"
	    "\"content_index\":0,\"delta\":\"It \\u00e9\"}")
	    EVENT("{\"type\":\"response.output_text.delta\",\"output_index\":0,"
	    "\"content_index\":0,\"delta\":\" is\"}"),
	    "message text:It \xc3\xa9 is. open" },
	{ "resumed in the middle: .done events have it all",
	    EVENT("{\"type\":\"response.output_text.delta\",\"output_index\":1,"
	    "\"delta\":\"tail\"}")
	    EVENT("{\"type\":\"response.output_text.done\",\"output_index\":1,"
	    "\"text\":\"head and tail\"}")
	    EVENT("{\"type\":\"response.output_item.done\",\"output_index\":1,"
	    "\"item\":{\"type\":\"message\",\"content\":[{\"type\":"
	    "\"output_text\",\"text\":\"head and tail\"},{\"type\":\"refusal\","
	    "\"refusal\":\"no\"}]}}"),
	    "message text:head and tail refusal:no. open" },
	{ "a call, reasoning, and items out of order",
	    EVENT("{\"type\":\"response.output_item.added\",\"output_index\":1,"
	    "\"item\":{\"type\":\"function_call\",\"name\":\"get_weather\","
	    "\"call_id\":\"call_1\",\"arguments\":\"\"}}")
	    EVENT("{\"type\":\"response.function_call_arguments.delta\","
	    "\"output_index\":1,\"delta\":\"{\\\"city\\\":\"}")
	    EVENT("{\"type\":\"response.function_call_arguments.delta\","
	    "\"output_index\":1,\"delta\":\"1}\"}")
	    EVENT("{\"type\":\"response.reasoning_summary_text.delta\","
	    "\"output_index\":0,\"summary_index\":0,\"delta\":\"think\"}")
	    EVENT("{\"type\":\"response.completed\",\"response\":{\"status\":"
	    "\"completed\",\"usage\":{ \"total_tokens\": 5 }}}"),
	    " summary:think. function_call get_weather call_1 "
	    "arguments:{\"city\":1}. completed {\"total_tokens\":5}" },
	{ "nothing but the last event",
	    EVENT("{\"type\":\"response.incomplete\",\"response\":{\"status\":"
	    "\"incomplete\",\"incomplete_details\":{\"reason\":\"max\"},"
	    "\"output\":[{\"type\":\"message\",\"content\":[{\"type\":"
	    "\"output_text\",\"text\":\"x\"}]}]}}"),
	    "message text:x. incomplete !{\"reason\":\"max\"}" },
	{ "an item without text is kept as it is",
	    EVENT("{\"type\":\"response.output_item.done\",\"output_index\":0,"
	    "\"item\":{\"type\":\"web_search_call\",\"id\": \"ws_1\"}}"),
	    "web_search_call ={\"type\":\"web_search_call\",\"id\":\"ws_1\"}. "
	    "open" },
	{ "an error event",
	    EVENT("{\"type\":\"error\",\"code\":\"server_error\","
	    "\"message\":\"oops\",\"param\":null}"),
	    "!{\"code\":\"server_error\",\"message\":\"oops\"}" },
	{ "a chat with text, calls and usage",
	    "data: {\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\","
	    "\"content\":\"Hel\"}}]}\n\n"
	    "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"lo\"}}]}\n\n"
	    "data: {\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{"
	    "\"index\":0,\"id\":\"call_9\",\"function\":{\"name\":\"f\","
	    "\"arguments\":\"{\"}}]}}]}\n\n"
	    "data: {\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{"
	    "\"index\":0,\"function\":{\"arguments\":\"}\"}}]},"
	    "\"finish_reason\":\"tool_calls\"}],\"usage\":null}\n\n"
	    "data: {\"choices\":[],\"usage\":{\"total_tokens\":7}}\n\n"
	    "data: [DONE]\n\n",
	    "message text:Hello. function_call f call_9 arguments:{}. "
	    "tool_calls {\"total_tokens\":7}" },
	{ "events of another kind",
	    "data: not json\n\ndata: {\"type\":7}\n\n: comment\n\n", "open" },
	{ "hostile numbers",
	    EVENT("{\"type\":\"response.output_text.delta\",\"output_index\":"
	    "99999999999999999999,\"content_index\":-5,\"delta\":\"x\"}"),
	    " text:x. open" },
};

/* The whole answer as one line. */
static void
describe(const struct reply *a, struct bytes *b)
{
	const struct reply_item *it;

	for (size_t i = 0; (it = reply_item(a, i)); i++) {
		bytes_put(b, it->type.p, it->type.len);
		for (int k = 0; k < 2; k++) {
			const struct bytes *s = k ? &it->call_id : &it->name;

			bytes_puts(b, s->len ? " " : "");
			bytes_put(b, s->p, s->len);
		}
		for (size_t k = 0; k < it->n; k++) {
			bytes_printf(b, " %s:", reply_kind_name(
			    it->parts[k].kind));
			bytes_put(b, it->parts[k].text.p, it->parts[k].text.len);
		}
		if (it->n == 0 && slice_eq(bytes_slice(&it->type),
		    SLICE("web_search_call"))) {
			bytes_puts(b, " =");
			bytes_put(b, it->raw.p, it->raw.len);
		}
		bytes_puts(b, ". ");
	}
	bytes_put_slice(b, reply_status(a));
	bytes_puts(b, reply_usage(a).len ? " " : "");
	bytes_put_slice(b, reply_usage(a));
	if (reply_error(a).len > 0) {
		bytes_puts(b, reply_status(a).len ? " !" : "!");
		bytes_put_slice(b, reply_error(a));
	}
	bytes_puts(b, reply_is_over(a) ? "" : "open");
	bytes_putc(b, 0);
}

static void
check(size_t i, size_t piece)
{
	struct reply *a = reply_new();
	const char *s = cases[i].stream;
	size_t len = strlen(s);
	struct bytes b = { 0 };

	for (size_t off = 0; off < len; off += piece) {
		size_t n = len - off < piece ? len - off : piece;

		reply_feed(a, guard_put(s + off, n), n);
	}
	reply_end(a);
	describe(a, &b);
	if (strcmp((char *)b.p, cases[i].out) != 0)
		fprintf(stderr, "case: %s\n", cases[i].name);
	assert_string_equal((char *)b.p, cases[i].out);
	assert_false(reply_is_cut(a));
	bytes_fini(&b);
	reply_free(a);
}

static void
streams_are_rebuilt_however_they_are_cut(void **state)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		for (size_t piece = 1; piece < 1000; piece = piece * 3 + 1)
			check(i, piece);
}

static void
text_stops_at_its_bound_and_says_so(void **state)
{
	static const char head[] = "data: {\"type\":"
	    "\"response.output_text.delta\",\"output_index\":0,\"delta\":\"";
	struct reply *a = reply_new();
	char *big = malloc(256 * 1024);

	memset(big, 'x', 256 * 1024);
	for (int i = 0; i < 32; i++) {
		reply_feed(a, head, sizeof(head) - 1);
		reply_feed(a, big, 256 * 1024);
		reply_feed(a, "\"}\n\n", 4);
	}
	reply_end(a);
	assert_true(reply_is_cut(a));
	assert_int_equal(reply_events(a), 32);
	assert_true(reply_item(a, 0)->parts[0].text.len <=
	    REPLY_TEXT_MAX + 256 * 1024);
	free(big);
	reply_free(a);
}

static void
items_stop_at_their_bound(void **state)
{
	struct reply *a = reply_new();
	char s[256];

	for (int i = 0; i < 3 * REPLY_ITEMS_MAX; i++) {
		int n = snprintf(s, sizeof(s), EVENT("{\"type\":"
		    "\"response.output_text.delta\",\"output_index\":%d,"
		    "\"delta\":\"x\"}"), i);

		reply_feed(a, s, (size_t)n);
	}
	reply_end(a);
	assert_true(reply_is_cut(a));
	assert_non_null(reply_item(a, REPLY_ITEMS_MAX - 1));
	assert_null(reply_item(a, REPLY_ITEMS_MAX));
	reply_free(a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(streams_are_rebuilt_however_they_are_cut),
		cmocka_unit_test(text_stops_at_its_bound_and_says_so),
		cmocka_unit_test(items_stop_at_their_bound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
