#include "tests/unit/store_fixture.h"

#include "store/response.h"

static struct slice
text(const char *s)
{
	return (struct slice){ s, s ? strlen(s) : 0 };
}

struct named {
	const char *what;
	enum endpoint endpoint;
	const char *method, *path;
	const char *id, *previous, *conversation;
	const char *says;		/* "role id, role id" */
};

static const struct named table[] = {
	{ "a call", ENDPOINT_RESPONSES_CREATE, "POST", "/v1/responses", "resp_1",
	    NULL, NULL, "1 resp_1 " },
	{ "a chat", ENDPOINT_CHAT, "POST", "/v1/chat/completions", "chatcmpl-1",
	    NULL, NULL, "1 chatcmpl-1 " },
	{ "a call after another", ENDPOINT_RESPONSES_CREATE, "POST",
	    "/v1/responses", "resp_2", "resp_1", NULL, "1 resp_2 5 resp_1 " },
	{ "a call in a conversation that failed", ENDPOINT_RESPONSES_CREATE,
	    "POST", "/v1/responses", NULL, NULL, "conv_1", "6 conv_1 " },
	{ "a call after itself", ENDPOINT_RESPONSES_CREATE, "POST",
	    "/v1/responses", "resp_1", "resp_1", "resp_1", "1 resp_1 " },
	{ "a poll, which repeats what the call said", ENDPOINT_RESPONSES_GET,
	    "GET", "/v1/responses/resp_2", "resp_2", "resp_1", "conv_1",
	    "2 resp_2 " },
	{ "a poll that failed has the id of its path", ENDPOINT_RESPONSES_GET,
	    "GET", "/v1/responses/resp_2?include[]=x", "resp_2", NULL, NULL,
	    "2 resp_2 " },
	{ "a poll that got another one", ENDPOINT_RESPONSES_GET, "GET",
	    "/v1/responses/resp_2", "resp_3", NULL, NULL,
	    "2 resp_3 2 resp_2 " },
	{ "a resumed stream", ENDPOINT_RESPONSES_STREAM, "GET",
	    "/v1/responses/resp_2?stream=true", "resp_2", NULL, NULL,
	    "3 resp_2 " },
	{ "a compaction", ENDPOINT_RESPONSES_COMPACT, "POST",
	    "/v1/responses/compact", "resp_9", "resp_2", NULL,
	    "4 resp_9 5 resp_2 " },
	{ "cancelled", ENDPOINT_RESPONSES_CANCEL, "POST",
	    "/v1/responses/resp_2/cancel", "resp_2", NULL, NULL, "0 resp_2 " },
	{ "empty ids are none", ENDPOINT_RESPONSES_CREATE, "POST",
	    "/v1/responses", "", "", "", "" },
	{ "a batch", ENDPOINT_INGEST, "POST", "/v1/traces/ingest", NULL, NULL,
	    NULL, "" },
};

enum { TABLE_LEN = sizeof(table) / sizeof(table[0]) };

static void
fill(struct exchange *x, const struct named *c)
{
	exchange_init(x);
	x->endpoint = c->endpoint;
	x->method = text(c->method);
	x->path = text(c->path);
	x->response_id = text(c->id);
	x->previous_response_id = text(c->previous);
	x->conversation = text(c->conversation);
	x->outcome = OUTCOME_COMPLETE;
}

static void
an_exchange_names_each_id_once_by_its_closest_role(void **state)
{
	for (size_t i = 0; i < TABLE_LEN; i++) {
		struct response_name name[RESPONSE_NAMES_MAX];
		struct bytes says = { 0 };
		struct exchange x;
		size_t n;

		fill(&x, &table[i]);
		n = response_names(&x, name);
		for (size_t j = 0; j < n; j++)
			bytes_printf(&says, "%d %.*s ", (int)name[j].role,
			    (int)name[j].id.len, name[j].id.p);
		if (!slice_eq(bytes_slice(&says), text(table[i].says)))
			fail_msg("%s: %.*s", table[i].what, (int)says.len,
			    (char *)says.p);
		bytes_fini(&says);
	}
}

static void
every_cut_of_a_value_is_refused(void **state)
{
	static const uint8_t literal[] = { 1, 2, 3 };
	enum response_role role;
	struct bytes b = { 0 };
	unsigned bits;

	response_encode(&b, ROLE_POLL, RESPONSE_USAGE | RESPONSE_TERMINAL);
	assert_int_equal(b.len, sizeof(literal));
	assert_memory_equal(b.p, literal, b.len);
	for (size_t n = 0; n < b.len; n++)
		assert_int_equal(response_decode(b.p, n, &role, &bits), -1);
	assert_int_equal(response_decode(b.p, b.len, &role, &bits), 0);
	assert_int_equal(role, ROLE_POLL);
	assert_int_equal(bits, 3);
	b.p[1] = 99;
	assert_int_equal(response_decode(b.p, b.len, &role, &bits), 0);
	assert_int_equal(role, ROLE_OTHER);
	bytes_putc(&b, 0);
	assert_int_equal(response_decode(b.p, b.len, &role, &bits), -1);
	bytes_fini(&b);
}

/* Says "seq:role:bits " of each row of the id. */
static void
rows_of(struct reader *r, struct slice id, char *out, size_t cap)
{
	struct response_ref ref = { 0 };
	size_t n = 0;

	out[0] = '\0';
	while (reader_next_response(r, id, ref.seq, &ref) == 0)
		n += (size_t)snprintf(out + n, cap - n, "%d:%d:%u ", (int)ref.seq,
		    ref.role, ref.bits);
}

#define MUST_SAY(id, what) \
	do { \
		rows_of(r, id, out, sizeof(out)); \
		if (strcmp(out, what) != 0) \
			fprintf(stderr, "%s\n", out); \
		MUST(strcmp(out, what) == 0); \
	} while (0)

static char long_id[2][300];

static void
look_for_rows(void *arg)
{
	struct reader *r = must_open_reader();
	char out[200];

	MUST_SAY(SLICE("resp_1"), "1:1:0 3:2:3 4:5:0 ");
	MUST_SAY(SLICE("resp_"), "");
	MUST_SAY(SLICE("resp_11"), "5:1:0 ");
	MUST_SAY(SLICE("conv"), "4:6:0 ");
	MUST_SAY(text(long_id[0]), "7:1:0 ");
	MUST_SAY(text(long_id[1]), "8:1:0 ");
	MUST_SAY(SLICE(""), "");
	reader_close(r);
}

static void
put(struct writer *w, uint64_t seq, enum endpoint e, const char *id)
{
	struct exchange x;

	exchange_init(&x);
	x.seq = seq;
	x.endpoint = e;
	x.outcome = OUTCOME_COMPLETE;
	x.response_id = text(id);
	if (e == ENDPOINT_RESPONSES_GET) {
		x.usage.input = 3;
		x.api_status = SLICE("completed");
	}
	if (seq == 4) {
		x.previous_response_id = SLICE("resp_1");
		x.conversation = SLICE("conv");
	}
	if (seq == 6)
		x.outcome = OUTCOME_IN_FLIGHT;
	assert_int_equal(writer_put_exchange(w, &x), 0);
}

static void
rows_of_an_id_are_found_in_the_order_of_exchanges(void **state)
{
	struct writer *w = open_writer();

	for (int i = 0; i < 2; i++) {
		memset(long_id[i], 'i', 299);
		long_id[i][298] = (char)('0' + i);
	}
	put(w, 4, ENDPOINT_RESPONSES_CREATE, "resp_4");
	put(w, 3, ENDPOINT_RESPONSES_GET, "resp_1");
	put(w, 1, ENDPOINT_RESPONSES_CREATE, "resp_1");
	put(w, 5, ENDPOINT_RESPONSES_CREATE, "resp_11");
	put(w, 6, ENDPOINT_RESPONSES_CREATE, "resp_1");	/* in flight */
	put(w, 7, ENDPOINT_RESPONSES_CREATE, long_id[0]);
	put(w, 8, ENDPOINT_RESPONSES_CREATE, long_id[1]);
	assert_int_equal(writer_close(w), 0);
	elsewhere(look_for_rows, NULL);
}

static void
look_for_the_interrupted(void *arg)
{
	struct reader *r = must_open_reader();
	char out[200];

	MUST_SAY(SLICE("resp_1"), "6:1:0 ");
	reader_close(r);
}

static void
what_was_interrupted_has_its_rows_too(void **state)
{
	struct writer *w = open_writer();

	put(w, 6, ENDPOINT_RESPONSES_CREATE, "resp_1");
	assert_int_equal(writer_close(w), 0);
	w = open_writer();
	assert_int_equal(writer_close(w), 0);
	elsewhere(look_for_the_interrupted, NULL);
}

static void
put_span(struct writer *w, const char *trace, const char *span, const char *id)
{
	struct ingest_item item = { .kind = ITEM_SPAN, .id = text(span),
		.trace_id = text(trace), .raw = SLICE("{}"), .started_ns = 1,
		.response_id = text(id) };

	assert_int_equal(writer_put_item(w, 1, &item), 0);
}

static void
look_for_claims(void *arg)
{
	struct reader *r = must_open_reader();
	struct claim c;

	MUST(reader_next_claim(r, SLICE("resp_1"), NULL, &c) == 0);
	MUST(slice_eq(c.span, SLICE("s1")) && slice_eq(c.trace, SLICE("t1")));
	MUST(reader_next_claim(r, SLICE("resp_1"), &c, &c) == 0);
	MUST(slice_eq(c.span, SLICE("s11")) && slice_eq(c.trace, SLICE("t3")));
	MUST(reader_next_claim(r, SLICE("resp_1"), &c, &c) == READER_NONE);
	MUST(reader_next_claim(r, SLICE("resp_"), NULL, &c) == READER_NONE);
	MUST(reader_next_claim(r, text(long_id[0]), NULL, &c) == 0);
	MUST(reader_next_claim(r, text(long_id[0]), &c, &c) == READER_NONE);
	reader_close(r);
}

static void
spans_that_name_an_id_are_found_whatever_their_order(void **state)
{
	struct writer *w = open_writer();

	memset(long_id[0], 'i', 299);
	put_span(w, "t2", "s1", "resp_1");
	put_span(w, "t1", "s1", "resp_1");
	put_span(w, "t11", "s1", "resp_1");
	put_span(w, "t3", "s11", "resp_1");
	put_span(w, "t3", "s2", NULL);
	put_span(w, "t3", long_id[0], long_id[0]);
	assert_int_equal(writer_close(w), 0);
	elsewhere(look_for_claims, NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_exchange_names_each_id_once_by_its_closest_role),
		cmocka_unit_test(every_cut_of_a_value_is_refused),
		STORE_TEST(rows_of_an_id_are_found_in_the_order_of_exchanges),
		STORE_TEST(what_was_interrupted_has_its_rows_too),
		STORE_TEST(spans_that_name_an_id_are_found_whatever_their_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
