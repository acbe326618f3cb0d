#include "tools/dump.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "tests/unit/run_dump.h"
#include "tests/unit/sample_tape.h"
#include "tools/jsonwalk.h"
#include "tools/utf8.h"

static int
make_tape(void **state)
{
	struct writer *w = sample_open();

	sample_streamed(w);
	sample_plain(w);
	sample_odd(w);
	assert(writer_close(w) == 0);
	return 0;
}

static int
remove_tape(void **state)
{
	sample_remove();
	return 0;
}

/* ---- the list */

#define TITLE \
"seq  time                     method  path                  " \
"       status  model           in  cached   out   ttft  total  outcome\n"
#define ROW_1 \
"  1  2026-11-21 10:06:58.123  POST    /v1/responses         " \
"          200  gpt-5.4-mini    36      12    19  251ms  251ms  complete\n"
#define ROW_2 \
"  2  2026-11-21 10:06:59.123  GET     /v1/responses/resp_0bb0ddd7" \
"     200  -                -       -     -      -  1.23s  complete\n"
#define ROW_3 \
"  3  2026-11-21 10:07:00.123  POST    /v1/responses         " \
"          429  gpt-5.4-mini     -       -     -      -   45ms  complete\n"
#define GAP "-- 2 lost, 4 to 5: disk full\n"
#define ROW_6 \
"  6  2026-11-21 10:07:03.123  POST    /v1/\\x1b[31mevil\\u202e\\xff" \
"      502  m\xc3\xb6" "del\\x7f        -       -     -      -      -  upstream\n"
#define ROW_7 \
"  7  2026-11-21 10:07:04.123  POST    /v1/responses         " \
"            -  -                -       -     -      -      -  in_flight\n"
#define ROW_8 \
"  8  2026-11-21 10:07:05.123  POST    /v1/files             " \
"            -  -                -       -     -      -      -  cancelled\n"

static void
the_list_is_aligned_and_shows_gaps_in_their_place(void **state)
{
	const struct ran *r = sample_run("");

	assert_string_equal(r->out,
	    TITLE ROW_1 ROW_2 ROW_3 GAP ROW_6 ROW_7 ROW_8);
	assert_string_equal(r->err, "");
	assert_int_equal(r->code, 0);
}

/* The seqs at the beginnings of lines, "-" for a gap. */
static const char *
seqs(const char *line)
{
	static char out[64];
	const struct ran *r = sample_run(line);
	char *save, *s = strtok_r((char *)(uintptr_t)r->out, "\n", &save);
	size_t n = 0;

	while ((s = strtok_r(NULL, "\n", &save))) {
		while (*s == ' ')
			s++;
		out[n++] = *s;
	}
	out[n] = '\0';
	return out;
}

static void
n_and_reverse_choose_which_and_in_what_order(void **state)
{
	assert_string_equal(seqs("--reverse"), "876-321");
	assert_string_equal(seqs("-n 2"), "78");
	assert_string_equal(seqs("-n 4"), "3-678");
	assert_string_equal(seqs("--reverse -n 4"), "876-3");
	assert_string_equal(seqs("-n 100"), "123-678");
	assert_string_equal(seqs("-n 0"), "");
	assert_string_equal(seqs("3 1"), "31");
	assert_string_equal(seqs("list 3"), "3");
}

/* ---- ids */

static const struct {
	const char *id;
	const char *seq;	/* NULL: not found, with ... */
	int code;
	const char *err;
} ids[] = {
	{ "1", "1", 0, "" },
	{ "@last", "8", 0, "" },
	{ "@last~0", "8", 0, "" },
	{ "@last~2", "6", 0, "" },
	{ "@last~5", "1", 0, "" },
	/* 1 created what 2 polled. */
	{ "resp_0bb", "1", 0, "" },
	{ "resp_0bb0ddd7", "1", 0, "" },
	{ "req_1", "2", 0, "" },
	{ "req_40a90576", "1", 0, "" },
	{ "req_40a", NULL, 1, "req_40a: several ids begin so: req_40a90599, "
	    "req_40a90576" },
	{ "@last~6", NULL, 1, "@last~6: no such exchange" },
	{ "4", NULL, 1, "4: no such exchange" },
	{ "0", NULL, 1, "0: no such exchange" },
	{ "99999999999999999999", NULL, 1, "no such exchange" },
	{ "resp_none", NULL, 1, "resp_none: no such exchange" },
	{ "re", NULL, 2, "too short" },
	{ "@lst", NULL, 2, "@last~2" },
	{ "@last~x", NULL, 2, "@last~2" },
	{ "@last~", NULL, 2, "@last~2" },
	{ "\x1b[2Jxx", NULL, 1, "\\x1b[2Jxx: no such exchange" },
};

static void
an_id_means_one_exchange_or_says_why_not(void **state)
{
	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		char line[128], want[32];
		const struct ran *r;

		snprintf(line, sizeof(line), "-o jsonl %s", ids[i].id);
		r = sample_run(line);
		assert_int_equal(r->code, ids[i].code);
		assert_non_null(strstr(r->err, ids[i].err));
		if (!ids[i].seq) {
			assert_int_equal(r->len, 0);
			continue;
		}
		snprintf(want, sizeof(want), "{\"seq\":%s,", ids[i].seq);
		assert_memory_equal(r->out, want, strlen(want));
	}
}

/* ---- json */

static const char keys[] =
    "seq time time_ns mode client label method scheme host path status outcome "
    "reason model response_id previous_response_id request_id trace_id span_id "
    "usage timing request response sdk error endpoint conversation api_status "
    "incomplete_reason service_tier model_asked tool_usage key_hash retry_count "
    "upstream_ms flags tls ratelimit items ";

static struct slice
get(const struct ran *r, const char *name, const char *inner)
{
	struct slice raw = { r->out, r->len };

	raw = jsonwalk_get(raw, name);
	return inner ? jsonwalk_get(raw, inner) : raw;
}

static void
has(const struct ran *r, const char *name, const char *inner, const char *value)
{
	struct slice s = get(r, name, inner);

	if (s.len != strlen(value) || memcmp(s.p, value, s.len) != 0)
		fprintf(stderr, "%s.%s: %.*s\n", name, inner ? inner : "",
		    (int)s.len, s.p ? s.p : "");
	assert_int_equal(s.len, strlen(value));
	assert_memory_equal(s.p, value, s.len);
}

static void
a_line_of_jsonl_has_every_key_once(void **state)
{
	const struct ran *r = sample_run("-o jsonl 7");
	struct slice key, value;
	struct jsonwalk w;
	struct bytes b = { 0 };

	assert_true(jsonwalk_begin(&w, (struct slice){ r->out, r->len }));
	while (jsonwalk_next(&w, &key, &value)) {
		bytes_put(&b, key.p + 1, key.len - 2);
		bytes_putc(&b, ' ');
	}
	assert_false(w.failed);
	bytes_putc(&b, 0);
	assert_string_equal((char *)b.p, keys);
	bytes_fini(&b);
}

static void
values_are_what_was_recorded(void **state)
{
	const struct ran *r = sample_run("-o jsonl resp_0bb");

	has(r, "time", NULL, "\"2026-11-21T10:06:58.123456789Z\"");
	has(r, "time_ns", NULL, "1795255618123456789");
	has(r, "status", NULL, "200");
	has(r, "label", NULL, "null");
	has(r, "usage", NULL, "{\"input_tokens\":36,\"output_tokens\":19}");
	has(r, "timing", NULL, "{\"dns\":null,\"connect\":null,\"tls\":null,"
	    "\"sent\":0.5,\"wait\":249.5,\"first_byte\":250,"
	    "\"first_token\":251.5,\"total\":251.6}");
	has(r, "request", "head", "\"POST /v1/responses HTTP/1.1\\r\\n"
	    "Host: api.openai.com\\r\\n\\r\\n\"");
	has(r, "request", "bytes", "58");
	has(r, "request", "sha256", "\"825dd01bac45bab28aa49efa6d1690d2"
	    "a9e5d692c6d3def48fe7f03dc081f43a\"");
	has(r, "response", "encoding", "\"gzip\"");
	has(r, "sdk", "version", "\"7.55.0\"");
	has(r, "flags", NULL, "[\"reused\",\"stream\"]");
	has(r, "ratelimit", "x-ratelimit-limit-requests", "10000");
	has(r, "ratelimit", "x-ratelimit-reset-requests", "\"6ms\"");
	r = sample_run("-o jsonl 3");
	has(r, "error", NULL, "{\"code\":\"rate_limit_exceeded\",\"type\":null,"
	    "\"message\":\"Slow down\"}");
	r = sample_run("-o jsonl 7");
	has(r, "status", NULL, "null");
	has(r, "outcome", NULL, "\"in_flight\"");
	has(r, "response", "head", "null");
}

static void
hostile_records_stay_valid_json_and_harmless(void **state)
{
	const struct ran *r = sample_run("show -o json 6");
	struct bytes b = { 0 };
	uint32_t cp;

	assert_int_equal(r->code, 0);
	assert_true(jsonwalk_compact((struct slice){ r->out, r->len }, &b));
	assert_int_equal(b.len, r->len - 1);
	bytes_fini(&b);
	for (size_t i = 0; i < r->len - 1; ) {
		int len = utf8_next(r->out + i, r->len - i, &cp);

		assert_true(len > 0 && !utf8_is_hostile(cp));
		i += (size_t)len;
	}
	has(r, "usage", NULL, "null");
	has(r, "request", "body", "\"\\u001b]0;owned\\u0007 \\u202eabc "
	    "\xef\xbf\xbd \\u009b31m\\r\\nnext\\ttab\"");
}

static void
bodies_are_decoded_text_or_base64(void **state)
{
	const struct ran *r = sample_run("show -o json 1");
	struct bytes b = { 0 };

	assert_true(json_text(get(r, "response", "body"), &b));
	assert_int_equal(b.len, sizeof(sample_stream) - 1);
	assert_memory_equal(b.p, sample_stream, b.len);
	bytes_fini(&b);
	r = sample_run("show -o json 8");
	has(r, "request", "body", "null");
	has(r, "request", "body_base64", "\"AAECUE5H/yB0ZXh0\"");
	has(r, "response", "body", "null");
}

static void
json_is_one_array_and_gaps_are_told_on_stderr(void **state)
{
	const struct ran *r = sample_run("-o json");
	struct slice key, value;
	struct jsonwalk w;
	int n = 0;

	assert_true(jsonwalk_begin(&w, (struct slice){ r->out, r->len }));
	while (jsonwalk_next(&w, &key, &value))
		n++;
	assert_false(w.failed || w.open == '{');
	assert_int_equal(n, 6);
	assert_string_equal(r->err, "tracetape dump: exchanges 4 to 5 were lost: "
	    "disk full\n");
}

/* ---- show */

static const char shown_1[] =
"exchange 1\n"
"  time          2026-11-21 10:06:58.123\n"
"  call          POST https://api.openai.com:443/v1/responses\n"
"  outcome       complete\n"
"  status        200\n"
"  model         gpt-5.4-mini\n"
"  response      resp_0bb0ddd7\n"
"  api status    completed\n"
"  request id    req_40a90576\n"
"  client        127.0.0.1:51234, reverse\n"
"  sdk           Agents/JavaScript 0.20.0 (js 7.55.0)\n"
"\n"
"timing\n"
"  connection    reused\n"
"  sent                   0.500 ms after the start\n"
"  wait                 249.500 ms\n"
"  first byte           250.000 ms after the start\n"
"  first token          251.500 ms after the start\n"
"  total                251.600 ms\n"
"  api's own            123.000 ms as openai-processing-ms claims\n"
"\n"
"usage\n"
"  input                 36 (cached 12)\n"
"  cache write            0\n"
"  output                19 (reasoning 4)\n"
"  total                 55\n"
"\n"
"request\n"
"  POST /v1/responses HTTP/1.1\n"
"  Host: api.openai.com\n"
"\n"
"  {\n"
"    \"model\": \"gpt-5.4-mini\",\n"
"    \"input\": [],\n"
"    \"stream\": true,\n"
"    \"n\": 1.50\n"
"  }\n"
"\n"
"response\n"
"  HTTP/1.1 200 OK\n"
"  Content-Encoding: gzip\n"
"\n"
"  [rebuilt from 5 events; they are in --events]\n"
"  message\n"
"    It is 25\xc2\xb0" "C\\x1b[2J\n"
"  status   completed\n"
"  usage    {\"input_tokens\":36,\"output_tokens\":19}\n";

static void
show_tells_all_and_rebuilds_the_stream(void **state)
{
	const struct ran *r = sample_run("show 1");

	assert_string_equal(r->out, shown_1);
	assert_int_equal(r->code, 0);
}

static void
show_makes_hostile_text_harmless(void **state)
{
	const struct ran *r = sample_run("show 6");

	assert_non_null(strstr(r->out, "outcome       upstream: reset\\x0aby peer"
	    "\n"));
	assert_non_null(strstr(r->out, "  X: \\x07\n\n  \\x1b]0;owned\\x07 "
	    "\\u202eabc \\xff \\x9b31m\n  next\ttab\n"));
	assert_null(strchr(r->out, 0x1b));
	assert_null(strchr(r->out, 0x7f));
}

static void
events_have_the_times_at_which_they_came(void **state)
{
	const struct ran *r = sample_run("show --events --response 1");
	int n = 0;

	for (const char *p = r->out; (p = strstr(p, "   251.500ms  response."));
	    p++)
		n++;
	assert_int_equal(n, 5);
	assert_non_null(strstr(r->out, "   251.500ms  response.output_text.delta  "
	    "            {\"type\":\"response.output_text.delta\","));
	assert_null(strstr(r->out, "request\n"));
}

static void
what_is_no_text_is_shown_in_hex(void **state)
{
	assert_string_equal(sample_run("show --request 8")->out,
	    "request\n  POST /v1/files HTTP/1.1\n\n"
	    "  00000000  00 01 02 50 4e 47 ff 20  74 65 78 74"
	    "              ...PNG. text\n");
}

/* ---- raw */

static void
raw_is_byte_exact(void **state)
{
	static const char bin[] = "\0\x01\x02PNG\xff text";
	const struct ran *r = sample_run("raw 8 --request");

	assert_int_equal(r->len, sizeof(bin) - 1);
	assert_memory_equal(r->out, bin, r->len);
	r = sample_run("raw --head --response resp_0bb");
	assert_string_equal(r->out, "HTTP/1.1 200 OK\r\n"
	    "Content-Encoding: gzip\r\n\r\n");
	r = sample_run("raw --request 1");
	assert_string_equal(r->out, sample_request);
	assert_string_equal(r->err, "");
	r = sample_run("raw --response 7");
	assert_int_equal(r->len, 0);
	assert_int_equal(r->code, 0);
	assert_non_null(strstr(r->err, "still in flight"));
}

/* ---- usage */

static const char *const wrong[] = {
	"-x", "--nonsense", "-o xml", "-o", "-n x", "-n -1", "show", "show 1 2",
	"raw 1", "raw 1 --request --response", "-f --reverse", "-f -o json",
	"-f 1", "-n 1 1", "--full", "show 1 --head", "raw 1 --request --full",
};

static void
wrong_usage_is_two_and_one_line(void **state)
{
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		const struct ran *r = sample_run(wrong[i]);

		assert_int_equal(r->code, 2);
		assert_int_equal(r->len, 0);
		assert_ptr_equal(strchr(r->err, '\n'),
		    r->err + strlen(r->err) - 1);
	}
}

static void
help_is_data(void **state)
{
	static const char *const lines[] = { "--help", "show -h", "raw --help" };

	for (size_t i = 0; i < 3; i++) {
		const struct ran *r = sample_run(lines[i]);

		assert_int_equal(r->code, 0);
		assert_memory_equal(r->out, "usage: tracetape dump", 21);
		assert_string_equal(r->err, "");
	}
}

static void
a_missing_store_is_three_and_names_the_remedy(void **state)
{
	const struct ran *r = sample_run("-s /nonexistent show 1");

	assert_int_equal(r->code, 3);
	assert_non_null(strstr(r->err, "no store in /nonexistent"));
	assert_non_null(strstr(r->err, "-s DIR"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    the_list_is_aligned_and_shows_gaps_in_their_place),
		cmocka_unit_test(n_and_reverse_choose_which_and_in_what_order),
		cmocka_unit_test(an_id_means_one_exchange_or_says_why_not),
		cmocka_unit_test(a_line_of_jsonl_has_every_key_once),
		cmocka_unit_test(values_are_what_was_recorded),
		cmocka_unit_test(hostile_records_stay_valid_json_and_harmless),
		cmocka_unit_test(bodies_are_decoded_text_or_base64),
		cmocka_unit_test(json_is_one_array_and_gaps_are_told_on_stderr),
		cmocka_unit_test(show_tells_all_and_rebuilds_the_stream),
		cmocka_unit_test(show_makes_hostile_text_harmless),
		cmocka_unit_test(events_have_the_times_at_which_they_came),
		cmocka_unit_test(what_is_no_text_is_shown_in_hex),
		cmocka_unit_test(raw_is_byte_exact),
		cmocka_unit_test(wrong_usage_is_two_and_one_line),
		cmocka_unit_test(help_is_data),
		cmocka_unit_test(a_missing_store_is_three_and_names_the_remedy),
	};

	return cmocka_run_group_tests(tests, make_tape, remove_tape);
}
