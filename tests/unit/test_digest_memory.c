/* Every allocation of a digest may fail: it then knows less, and that is all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <zlib.h>
#include <zstd.h>

#include "store/decode.h"
#include "store/digest.h"
#include "store/json.h"

/* Standing in for the allocator takes a libc that lets us, and no sanitizer
 * that does so already. */
#if defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__)
#if defined(__has_feature)
#if !__has_feature(address_sanitizer) && !__has_feature(memory_sanitizer)
#define CAN_FAIL 1
#endif
#else
#define CAN_FAIL 1
#endif
#endif

#ifdef CAN_FAIL

void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t n);
void __libc_free(void *p);

static long until_failure = -1;	/* -1: none fails */
static bool goes_on;		/* all later ones fail as well */
static bool failed;
static long balance;

static bool
may_have(void)
{
	if (until_failure > 0)
		until_failure--;
	else if (until_failure == 0) {
		failed = true;
		if (!goes_on)
			until_failure = -1;
		return false;
	}
	return true;
}

void *
malloc(size_t n)
{
	if (!may_have())
		return NULL;
	balance++;
	return __libc_malloc(n);
}

void *
calloc(size_t n, size_t size)
{
	if (!may_have())
		return NULL;
	balance++;
	return __libc_calloc(n, size);
}

void *
realloc(void *p, size_t n)
{
	if (!may_have())
		return NULL;
	balance += p == NULL;
	return __libc_realloc(p, n);
}

void
free(void *p)
{
	balance -= p != NULL;
	__libc_free(p);
}

/* Fails at allocation n, alone or with all that follow. */
static void
fail_at(long n, bool all)
{
	balance = 0;
	failed = false;
	goes_on = all;
	until_failure = n;
}

static bool
has_failed(void)
{
	until_failure = -1;
	return failed;
}

static const char request[] = "{\"model\":\"m\",\"conversation\":{\"id\":\"c\"},"
    "\"previous_response_id\":\"resp_0\"}";
static const char stream[] = "data: {\"type\":\"response.completed\",\"response\":"
    "{\"id\":\"resp_1\",\"model\":\"m\",\"status\":\"completed\",\"usage\":"
    "{\"input_tokens\":1,\"output_tokens\":2,\"total_tokens\":3},\"error\":"
    "{\"message\":\"a message that is long enough to need some room\"}}}\n\n";
static uint8_t coded_request[512], coded_stream[512];
static size_t n_request, n_stream;

static int
make_bodies(void **state)
{
	z_stream z = { .next_in = (Bytef *)(uintptr_t)stream,
	    .avail_in = sizeof(stream) - 1, .next_out = coded_stream,
	    .avail_out = sizeof(coded_stream) };

	(void)state;
	n_request = ZSTD_compress(coded_request, sizeof(coded_request), request,
	    sizeof(request) - 1, 3);
	deflateInit2(&z, 9, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY);
	deflate(&z, Z_FINISH);
	n_stream = z.total_out;
	deflateEnd(&z);
	return ZSTD_isError(n_request) || n_stream == 0;
}

static struct digest *
run(struct exchange *x)
{
	struct digest *d = digest_new();

	exchange_init(x);
	if (!d)
		return NULL;
	digest_request_head(d, SLICE("POST /v1/responses HTTP/1.1\r\n"
	    "Content-Type: application/json\r\nContent-Encoding: zstd\r\n\r\n"));
	digest_request_data(d, coded_request, n_request);
	digest_request_end(d);
	digest_response_head(d, SLICE("HTTP/1.1 200 OK\r\nx-request-id: r\r\n"
	    "Content-Type: text/event-stream\r\nContent-Encoding: gzip\r\n\r\n"));
	digest_response_data(d, coded_stream, n_stream, 1);
	digest_response_end(d, true);
	digest_fill(d, x);
	return d;
}

/* Whole or missing, never anything else. */
static bool
is_or_is_missing(struct slice s, const char *want)
{
	return !s.p || (s.len == strlen(want) && memcmp(s.p, want, s.len) == 0);
}

static bool
knows_nothing_wrong(const struct exchange *x)
{
	return is_or_is_missing(x->path, "/v1/responses") &&
	    is_or_is_missing(x->model, "m") && is_or_is_missing(x->model_asked, "m") &&
	    is_or_is_missing(x->conversation, "c") &&
	    is_or_is_missing(x->previous_response_id, "resp_0") &&
	    is_or_is_missing(x->response_id, "resp_1") &&
	    is_or_is_missing(x->api_status, "completed") &&
	    is_or_is_missing(x->request_id, "r") &&
	    is_or_is_missing(x->error_message,
	    "a message that is long enough to need some room") &&
	    (x->usage.input == -1 || x->usage.input == 1) &&
	    (x->usage.total == -1 || x->usage.total == 3) &&
	    (x->status == -1 || x->status == 200);
}

static void
a_digest_survives_the_failure_of_any_allocation(void **state)
{
	(void)state;
	for (unsigned all = 0; all < 2; all++) {
		bool any = true;

		for (long n = 0; any; n++) {
			struct exchange x;
			struct digest *d;
			bool ok;

			fail_at(n, all);
			d = run(&x);
			ok = knows_nothing_wrong(&x);
			digest_free(d);
			any = has_failed();
			assert_int_equal(balance, 0);
			assert_true(ok);
			if (!any) {
				assert_int_equal(x.usage.total, 3);
				assert_true(n > 10);
			}
		}
	}
}

#define A_SPAN "{\"object\":\"trace.span\",\"id\":\"s\",\"trace_id\":\"t\"," \
	"\"started_at\":\"2026-11-21T10:04:07.013Z\",\"span_data\":{\"type\":" \
	"\"custom\",\"a name that is long enough to need some room\":0}}"

static const char items[] = "{\"data\":[{\"object\":\"trace\",\"id\":\"t\"},"
    A_SPAN "]}";

/* What arrives is whole. */
static void
on_item(void *arg, const struct ingest_item *i)
{
	bool *ok = arg;

	*ok &= i->kind == ITEM_ODD || slice_eq(i->trace_id, SLICE("t"));
	*ok &= i->kind != ITEM_SPAN || (slice_eq(i->id, SLICE("s")) &&
	    (i->started_ns > 0 || failed) && slice_eq(i->raw, SLICE(A_SPAN)));
}

static struct digest *
run_batch(struct exchange *x, bool *ok)
{
	struct digest *d = digest_new();

	*ok = true;
	exchange_init(x);
	if (!d)
		return NULL;
	digest_on_item(d, on_item, ok);
	digest_request_head(d, SLICE("POST /v1/traces/ingest HTTP/1.1\r\n"
	    "Content-Type: application/json\r\n\r\n"));
	digest_request_data(d, items, sizeof(items) - 1);
	digest_request_end(d);
	digest_fill(d, x);
	return d;
}

static void
a_trace_batch_survives_the_failure_of_any_allocation(void **state)
{
	for (unsigned all = 0; all < 2; all++) {
		bool any = true, ok;

		for (long n = 0; any; n++) {
			struct exchange x;

			fail_at(n, all);
			digest_free(run_batch(&x, &ok));
			any = has_failed();
			assert_int_equal(balance, 0);
			assert_true(ok);
			/* Every element is counted, unless nobody looked. */
			assert_true(x.items.traces == -1 || x.items.traces +
			    x.items.spans + x.items.odd == 2);
			assert_true(any || (x.items.traces == 1 &&
			    x.items.spans == 1 && n > 10));
		}
	}
}

static void
drop(void *arg, const void *p, size_t n)
{
	(void)arg;
	(void)p;
	(void)n;
}

static enum decode_result
decode_all(struct slice coding, const uint8_t *p, size_t n)
{
	struct decode *d;
	enum decode_result r = decode_new(&d, coding);

	if (r == DECODE_OK)
		r = decode_feed(d, p, n, drop, NULL);
	if (r == DECODE_OK)
		r = decode_end(d, drop, NULL);
	decode_free(d);
	return r;
}

static void
decoders_say_that_memory_is_missing(void **state)
{
	static const uint8_t br[] = { 0x9f, 0xff, 0xff, 0x3f, 0xf8, 0x27, 0x00 };
	const struct {
		struct slice coding;
		const uint8_t *p;
		size_t n;
		enum decode_result r;
	} table[] = {
		{ SLICE("gzip"), coded_stream, n_stream, DECODE_OK },
		{ SLICE("zstd"), coded_request, n_request, DECODE_OK },
		{ SLICE("br"), br, sizeof(br), DECODE_CUT },
	};

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		bool any = true;

		for (long n = 0; any; n++) {
			enum decode_result r;

			fail_at(n, true);
			r = decode_all(table[i].coding, table[i].p, table[i].n);
			any = has_failed();
			assert_int_equal(balance, 0);
			assert_int_equal(r, any ? DECODE_MEMORY : table[i].r);
		}
	}
}

static void
a_value_without_memory_is_over_its_cap(void **state)
{
	static const struct json_want want[] = { { "a", 100 } };

	(void)state;
	for (long n = 0; n < 2; n++) {
		struct json_scan *s;

		fail_at(n, true);
		s = json_scan_new(want, 1);
		if (s) {
			json_scan_feed(s, "{\"a\":1}", 7);
			assert_true(json_scan_over(s, 0));
			assert_null(json_scan_raw(s, 0).p);
		}
		json_scan_free(s);
		assert_true(has_failed());
		assert_int_equal(balance, 0);
	}
}

static void
json_get_without_memory_finds_nothing(void **state)
{
	struct bytes b = { 0 };

	(void)state;
	bytes_puts(&b, "{\"a\":[0");
	for (unsigned i = 0; i < 300; i++)
		bytes_puts(&b, ",0");
	bytes_puts(&b, "],\"\\u0062\":7}");
	for (long n = 0; n < 2; n++) {
		struct slice got;

		fail_at(n, false);
		got = json_get(bytes_slice(&b), "b");
		assert_true(has_failed());
		assert_null(got.p);
	}
	assert_int_equal(json_get(bytes_slice(&b), "b").len, 1);
	bytes_fini(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_digest_survives_the_failure_of_any_allocation),
		cmocka_unit_test(a_trace_batch_survives_the_failure_of_any_allocation),
		cmocka_unit_test(decoders_say_that_memory_is_missing),
		cmocka_unit_test(a_value_without_memory_is_over_its_cap),
		cmocka_unit_test(json_get_without_memory_finds_nothing),
	};

	return cmocka_run_group_tests(tests, make_bodies, NULL);
}

#else

static void
this_build_cannot_make_allocations_fail(void **state)
{
	(void)state;
	skip();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(this_build_cannot_make_allocations_fail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

#endif
