#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "store/record.h"
#include "store/table.h"

enum { INTS = 36, TEXTS = 37, HEAD = 5 };

/* Every field of its kind, in tag order; kept apart from the table in record.c on
 * purpose, so that a slip there shows here. */
static size_t
ints(struct exchange *x, int64_t *out[INTS])
{
	int64_t *all[] = {
		&x->time_ns, &x->status,
		&x->request.head_bytes, &x->request.body_bytes,
		&x->request.sent_bytes, &x->request.kept_bytes,
		&x->request.decoded_bytes,
		&x->response.head_bytes, &x->response.body_bytes,
		&x->response.sent_bytes, &x->response.kept_bytes,
		&x->response.decoded_bytes,
		&x->timing.request_end, &x->timing.dns, &x->timing.connect,
		&x->timing.tls, &x->timing.sent_first, &x->timing.sent_last,
		&x->timing.first_byte, &x->timing.first_token, &x->timing.end,
		&x->timing.upstream_ms,
		&x->usage.input, &x->usage.cached, &x->usage.cache_write,
		&x->usage.output, &x->usage.reasoning, &x->usage.total,
		&x->retry_count,
		&x->items.traces, &x->items.spans, &x->items.odd,
		&x->request.squeezed_bytes, &x->request.prefix,
		&x->response.squeezed_bytes, &x->response.prefix,
	};

	_Static_assert(sizeof(all) / sizeof(all[0]) == INTS, "all of them");
	memcpy(out, all, sizeof(all));
	return INTS;
}

static size_t
texts(struct exchange *x, struct slice *out[TEXTS])
{
	struct slice *all[] = {
		&x->reason, &x->client, &x->label, &x->method, &x->scheme,
		&x->host, &x->path, &x->tls_client, &x->tls_upstream,
		&x->key_hash, &x->request.type, &x->request.encoding,
		&x->response.type, &x->response.encoding, &x->usage_json,
		&x->tool_usage_json, &x->model, &x->model_asked,
		&x->response_id, &x->previous_response_id, &x->conversation,
		&x->api_status, &x->incomplete_reason, &x->service_tier,
		&x->error_code, &x->error_type, &x->error_message,
		&x->request_id, &x->sdk_lang, &x->sdk_version, &x->user_agent,
		&x->ratelimit[0], &x->ratelimit[1], &x->ratelimit[2],
		&x->ratelimit[3], &x->ratelimit[4], &x->ratelimit[5],
	};

	_Static_assert(sizeof(all) / sizeof(all[0]) == TEXTS, "all of them");
	memcpy(out, all, sizeof(all));
	return TEXTS;
}

static bool
same_text(const struct slice *a, const struct slice *b)
{
	return (a->p != NULL) == (b->p != NULL) && slice_eq(*a, *b);
}

static bool
same_hash(const struct message *a, const struct message *b)
{
	return a->has_sha256 == b->has_sha256 &&
	    (!a->has_sha256 || memcmp(a->sha256, b->sha256, 32) == 0);
}

static void
assert_same(struct exchange *a, struct exchange *b)
{
	int64_t *ia[INTS], *ib[INTS];
	struct slice *ta[TEXTS], *tb[TEXTS];
	size_t n = ints(a, ia);

	ints(b, ib);
	for (size_t i = 0; i < n; i++)
		assert_true(*ia[i] == *ib[i]);
	n = texts(a, ta);
	texts(b, tb);
	for (size_t i = 0; i < n; i++)
		assert_true(same_text(ta[i], tb[i]));
	assert_int_equal(a->mode, b->mode);
	assert_int_equal(a->outcome, b->outcome);
	assert_int_equal(a->endpoint, b->endpoint);
	assert_int_equal(a->flags, b->flags);
	assert_true(same_hash(&a->request, &b->request));
	assert_true(same_hash(&a->response, &b->response));
}

static void
assert_round_trip(struct exchange *x)
{
	struct bytes b = { 0 };
	struct exchange y;

	record_encode(&b, x);
	assert_false(b.failed);
	assert_int_equal(record_decode(&y, b.p, b.len), 0);
	assert_same(x, &y);
	bytes_fini(&b);
}

/* Every field set, each to another value. */
static void
fill(struct exchange *x)
{
	static char names[TEXTS][8];
	int64_t *i64[INTS];
	struct slice *text[TEXTS];
	size_t n;

	exchange_init(x);
	n = ints(x, i64);
	for (size_t i = 0; i < n; i++)
		*i64[i] = (int64_t)(i * 37);
	x->time_ns = INT64_C(1700000000123456789);
	n = texts(x, text);
	for (size_t i = 0; i < n; i++) {
		snprintf(names[i], sizeof(names[i]), "t%u", (unsigned)i % 1000);
		*text[i] = (struct slice){ names[i], strlen(names[i]) };
	}
	x->mode = MODE_REDIRECTED;
	x->outcome = OUTCOME_INTERRUPTED;
	x->endpoint = ENDPOINT_INGEST;
	x->flags = UINT32_MAX;
	memset(x->request.sha256, 0xab, 32);
	memset(x->response.sha256, 0xcd, 32);
	x->request.has_sha256 = x->response.has_sha256 = true;
}

static void
an_exchange_with_all_fields_comes_back(void **state)
{
	struct exchange x;

	fill(&x);
	assert_round_trip(&x);
}

static void
an_exchange_without_fields_comes_back_empty(void **state)
{
	struct bytes b = { 0 };
	struct exchange x;

	exchange_init(&x);
	assert_round_trip(&x);
	record_encode(&b, &x);
	assert_int_equal(b.len, HEAD);
	bytes_fini(&b);
}

static void
each_field_alone_comes_back_and_no_other(void **state)
{
	struct exchange x;
	int64_t *i64[INTS];
	struct slice *text[TEXTS];
	size_t n = ints(&x, i64);

	for (size_t i = 0; i < n; i++) {
		exchange_init(&x);
		*i64[i] = 0;
		assert_round_trip(&x);
	}
	n = texts(&x, text);
	for (size_t i = 0; i < n; i++) {
		exchange_init(&x);
		*text[i] = SLICE("");	/* empty is not missing */
		assert_round_trip(&x);
	}
}

static void
extreme_numbers_come_back(void **state)
{
	static const int64_t v[] = {
		0, 1, 127, 128, INT64_MAX, INT64_MIN, -2, INT64_C(1) << 62,
	};
	struct exchange x;
	int64_t *i64[INTS];
	size_t n = ints(&x, i64);

	for (size_t j = 0; j < sizeof(v) / sizeof(v[0]); j++) {
		exchange_init(&x);
		for (size_t i = 0; i < n; i++)
			*i64[i] = v[j];
		assert_round_trip(&x);
	}
}

static void
long_text_comes_back(void **state)
{
	static char big[200000];
	struct exchange x;

	memset(big, 'p', sizeof(big));
	exchange_init(&x);
	x.path = (struct slice){ big, sizeof(big) };
	x.model = SLICE("with\0zero");
	assert_round_trip(&x);
}

static uint64_t seed;

static uint64_t
rnd(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

static void
random_exchange(struct exchange *x, char *pool)
{
	int64_t *i64[INTS];
	struct slice *text[TEXTS];
	size_t n;

	exchange_init(x);
	n = ints(x, i64);
	for (size_t i = 0; i < n; i++)
		if (rnd() % 2)
			*i64[i] = (int64_t)(rnd() >> rnd() % 64);
	n = texts(x, text);
	for (size_t i = 0; i < n; i++)
		if (rnd() % 2)
			*text[i] = (struct slice){ pool + rnd() % 256, rnd() % 300 };
	x->mode = rnd() % MODE_N;
	x->outcome = rnd() % OUTCOME_N;
	x->endpoint = rnd() % ENDPOINT_N;
	x->flags = (uint32_t)rnd();
	x->request.has_sha256 = rnd() % 2;
	x->response.has_sha256 = rnd() % 2;
	memcpy(x->request.sha256, pool + rnd() % 256, 32);
	memcpy(x->response.sha256, pool + rnd() % 256, 32);
}

static void
random_exchanges_come_back(void **state)
{
	char pool[600];
	struct exchange x;

	seed = UINT64_C(0x9e3779b97f4a7c15);
	for (size_t i = 0; i < sizeof(pool); i++)
		pool[i] = (char)rnd();
	for (int i = 0; i < 2000; i++) {
		random_exchange(&x, pool);
		assert_round_trip(&x);
	}
}

/* Decodes from memory that ends at an unmapped page. */
static int
decode_at_edge(struct exchange *x, const void *p, size_t n)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t room = (n / page + 1) * page;
	uint8_t *map = mmap(NULL, room + page, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int rc;

	assert_true(map != MAP_FAILED);
	assert_int_equal(mprotect(map + room, page, PROT_NONE), 0);
	if (n > 0)
		memcpy(map + room - n, p, n);
	rc = record_decode(x, map + room - n, n);
	munmap(map, room + page);
	return rc;
}

static void
every_cut_of_a_record_is_refused(void **state)
{
	struct bytes b = { 0 };
	struct exchange x;

	fill(&x);
	record_encode(&b, &x);
	for (size_t n = 0; n < b.len; n++) {
		assert_int_equal(decode_at_edge(&x, b.p, n), -1);
		assert_null(x.path.p);
	}
	assert_int_equal(decode_at_edge(&x, b.p, b.len), 0);
	bytes_putc(&b, 0);
	assert_int_equal(decode_at_edge(&x, b.p, b.len), -1);
	bytes_fini(&b);
}

static void
every_changed_byte_gives_a_record_or_none(void **state)
{
	struct bytes b = { 0 }, again = { 0 };
	struct exchange x, y;

	fill(&x);
	record_encode(&b, &x);
	for (size_t i = 0; i < b.len; i++) {
		for (unsigned bit = 0; bit < 8; bit++) {
			b.p[i] ^= (uint8_t)(1u << bit);
			if (record_decode(&x, b.p, b.len) == 0) {
				bytes_clear(&again);
				record_encode(&again, &x);
				assert_int_equal(record_decode(&y, again.p,
				    again.len), 0);
				assert_same(&x, &y);
			}
			b.p[i] ^= (uint8_t)(1u << bit);
		}
	}
	bytes_fini(&b);
	bytes_fini(&again);
}

/* These bytes are on disks: this test may gain literals and never change one. */
static const uint8_t version_1[] = {
	1, 99, 0, 0, 0,
	1, 9, 0x95, 0x9a, 0x97, 0xec, 0xe3, 0x9f, 0xe7, 0xcb, 0x17,
	2, 1, 1,		/* forward */
	3, 1, 2,		/* cancelled */
	4, 1, 9,		/* chat */
	5, 2, 0x85, 0x01,	/* reused, stream, odd json */
	6, 2, 0xc8, 0x01,	/* 200 */
	7, 11, 'c', 'l', 'i', 'e', 'n', 't', ' ', 'l', 'e', 'f', 't',
	9, 0,			/* an empty label */
	21, 2, 0x80, 0x20,	/* 4096 bytes */
	25, 32, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15,
	16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31,
	36, 1, 'j',
	48, 1, 0,		/* ended at 0 us */
	50, 1, 42,
	75, 1, 2,
	85, 4, '6', 'm', '0', 's',
};

static void
a_record_of_version_1_is_these_bytes(void **state)
{
	struct exchange x, y;
	struct bytes b = { 0 };

	assert_int_equal(record_decode(&x, version_1, sizeof(version_1)), 0);
	exchange_init(&y);
	y.time_ns = INT64_C(1700000000123456789);
	y.mode = MODE_FORWARD;
	y.outcome = OUTCOME_CANCELLED;
	y.endpoint = ENDPOINT_CHAT;
	y.flags = EXCHANGE_REUSED | EXCHANGE_STREAM | EXCHANGE_ODD_JSON;
	y.status = 200;
	y.reason = SLICE("client left");
	y.label = SLICE("");
	y.request.body_bytes = 4096;
	y.request.has_sha256 = true;
	for (unsigned i = 0; i < 32; i++)
		y.request.sha256[i] = (uint8_t)i;
	y.response.type = SLICE("j");
	y.timing.end = 0;
	y.usage.input = 42;
	y.retry_count = 2;
	y.ratelimit[RATELIMIT_RESET_TOKENS] = SLICE("6m0s");
	assert_same(&x, &y);
	record_encode(&b, &y);
	assert_int_equal(b.len, sizeof(version_1));
	assert_memory_equal(b.p, version_1, b.len);
	bytes_fini(&b);
}

static void
every_tag_stands_where_the_format_says(void **state)
{
	static const uint8_t want[] = {
		1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16,
		20, 21, 22, 23, 24, 25, 26, 27, 30, 31, 32, 33, 34, 35, 36, 37,
		40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, 52, 53, 54, 55,
		56, 57, 60, 61, 62, 63, 64, 65, 66, 67, 68, 69, 70, 71, 72, 73,
		74, 75, 76, 77, 78, 80, 81, 82, 83, 84, 85, 90, 91, 92, 93,
	};
	struct bytes b = { 0 };
	struct exchange x;
	struct cursor c;
	size_t n = 0;

	fill(&x);
	record_encode(&b, &x);
	for (c = (struct cursor){ b.p + HEAD, b.len - HEAD, false }; c.len; n++) {
		assert_true(n < sizeof(want));
		assert_int_equal(cursor_varint(&c), want[n]);
		cursor_take(&c, (size_t)cursor_varint(&c));
		assert_false(c.failed);
	}
	assert_int_equal(n, sizeof(want));
	bytes_fini(&b);
}

static void
odd_records_are_refused_and_new_tags_skipped(void **state)
{
	static const struct {
		const char *what;
		int rc;
		struct slice bytes;
	} t[] = {
		{ "no fields", 0, SLICE("\1\0\0\0\0") },
		{ "a tag from the future", 0, SLICE("\1\3\0\0\0\x63\1x") },
		{ "one between ours", 0, SLICE("\1\6\0\0\0\x11\1x\x32\1\5") },
		{ "a large tag", 0, SLICE("\1\4\0\0\0\x80\x80\1\0") },
		{ "no version", -1, SLICE("") },
		{ "version 0", -1, SLICE("\0\0\0\0\0") },
		{ "version 2", -1, SLICE("\2\0\0\0\0") },
		{ "overlong version", -1, SLICE("\x81\0\0\0\0\0") },
		{ "length too small", -1, SLICE("\1\2\0\0\0\6\1\1") },
		{ "length too large", -1, SLICE("\1\4\0\0\0\6\1\1") },
		{ "tag 0", -1, SLICE("\1\3\0\0\0\0\1\1") },
		{ "a tag twice", -1, SLICE("\1\6\0\0\0\6\1\1\6\1\1") },
		{ "falling tags", -1, SLICE("\1\6\0\0\0\7\1x\6\1\1") },
		{ "falling new tags", -1, SLICE("\1\6\0\0\0\x64\1x\x63\1x") },
		{ "a field past the end", -1, SLICE("\1\3\0\0\0\7\2x") },
		{ "a huge length", -1,
		    SLICE("\1\13\0\0\0\7\xff\xff\xff\xff\xff\xff\xff\xff\xff\1") },
		{ "an empty number", -1, SLICE("\1\2\0\0\0\6\0") },
		{ "a number and more", -1, SLICE("\1\4\0\0\0\6\2\1\1") },
		{ "an overlong number", -1, SLICE("\1\4\0\0\0\6\2\x81\0") },
		{ "a mode too many", -1, SLICE("\1\3\0\0\0\2\1\3") },
		{ "an outcome too many", -1, SLICE("\1\3\0\0\0\3\1\7") },
		{ "an endpoint too many", -1, SLICE("\1\3\0\0\0\4\1\x0c") },
		{ "an outcome of 2^32", -1,
		    SLICE("\1\7\0\0\0\3\5\x80\x80\x80\x80\x10") },
		{ "flags of 2^32", -1,
		    SLICE("\1\7\0\0\0\5\5\x80\x80\x80\x80\x10") },
		{ "a short hash", -1, SLICE("\1\5\0\0\0\x19\3abc") },
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct exchange x;

		if (decode_at_edge(&x, t[i].bytes.p, t[i].bytes.len) != t[i].rc)
			fail_msg("%s", t[i].what);
	}
}

static void
nothing_at_all_is_no_record(void **state)
{
	struct exchange x;

	assert_int_equal(record_decode(&x, NULL, 0), -1);
}

static void
a_record_that_does_not_fit_fails(void **state)
{
	struct bytes b = { 0 };
	struct exchange x;

	exchange_init(&x);
	b.failed = true;
	record_encode(&b, &x);
	assert_true(b.failed);
	bytes_fini(&b);
}

static void
names_are_stable(void **state)
{
	assert_string_equal(outcome_name(OUTCOME_IN_FLIGHT), "in_flight");
	assert_string_equal(outcome_name(OUTCOME_INTERRUPTED), "interrupted");
	for (int i = 0; i < OUTCOME_N; i++)
		assert_non_null(outcome_name(i));
	for (int i = 0; i < MODE_N; i++)
		assert_non_null(mode_name(i));
	for (int i = 0; i < ENDPOINT_N; i++)
		assert_non_null(endpoint_name(i));
	for (int i = 0; i < RATELIMIT_N; i++)
		assert_non_null(ratelimit_header(i));
	for (int i = 0; i < TABLE_N; i++)
		assert_non_null(table_name(i));
}

static void
every_cut_of_a_gap_is_refused(void **state)
{
	struct bytes b = { 0 };
	struct slice why;
	uint64_t n;

	gap_encode(&b, 300, SLICE("disk full"));
	for (size_t i = 0; i < b.len; i++)
		assert_int_equal(gap_decode(b.p, i, 1, &n, &why), -1);
	assert_int_equal(gap_decode(b.p, b.len, 1, &n, &why), 0);
	assert_int_equal(n, 300);
	assert_true(slice_eq(why, SLICE("disk full")));
	assert_int_equal(gap_decode(b.p, b.len, UINT64_MAX - 299, &n, &why), 0);
	assert_int_equal(gap_decode(b.p, b.len, UINT64_MAX - 298, &n, &why), -1);
	bytes_putc(&b, 'x');
	assert_int_equal(gap_decode(b.p, b.len, 1, &n, &why), -1);
	assert_int_equal(gap_decode("\1\0\0", 3, 1, &n, &why), -1);
	assert_int_equal(gap_decode("\2\1\0", 3, 1, &n, &why), -1);
	bytes_fini(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_exchange_with_all_fields_comes_back),
		cmocka_unit_test(an_exchange_without_fields_comes_back_empty),
		cmocka_unit_test(each_field_alone_comes_back_and_no_other),
		cmocka_unit_test(extreme_numbers_come_back),
		cmocka_unit_test(long_text_comes_back),
		cmocka_unit_test(random_exchanges_come_back),
		cmocka_unit_test(every_cut_of_a_record_is_refused),
		cmocka_unit_test(every_changed_byte_gives_a_record_or_none),
		cmocka_unit_test(a_record_of_version_1_is_these_bytes),
		cmocka_unit_test(every_tag_stands_where_the_format_says),
		cmocka_unit_test(odd_records_are_refused_and_new_tags_skipped),
		cmocka_unit_test(nothing_at_all_is_no_record),
		cmocka_unit_test(a_record_that_does_not_fit_fails),
		cmocka_unit_test(names_are_stable),
		cmocka_unit_test(every_cut_of_a_gap_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
