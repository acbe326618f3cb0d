/* fuzz_http1_body.c - any bytes as a body, cut in any way. */
#include "proxy/http1.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MUST(what) ((what) ? (void)0 : abort())

struct result {
	int rc;
	bool done;
	size_t used;
	struct bytes payload, trailers, forwarded;
};

static uint32_t
hash(const uint8_t *p, size_t n)
{
	uint32_t x = 2166136261u;

	for (size_t i = 0; i < n; i++)
		x = (x ^ p[i]) * 16777619u;
	return x;
}

/* One piece, in memory of exactly its length. */
static void
feed(struct http1_body *b, struct result *r, const uint8_t *p, size_t n)
{
	char *copy = malloc(n), *in = copy;
	struct http1_part part;

	MUST(copy);
	memcpy(copy, p, n);
	while (n > 0 && !b->done && r->rc == 0) {
		r->rc = http1_body_next(b, in, n, &part);
		MUST(r->rc <= 0 && r->rc > -HTTP1_RULE_N);
		MUST(part.used <= n && (r->rc || part.used > 0));
		MUST(part.data + part.data_len <= part.used);
		MUST(part.trailer + part.trailer_len <= part.used);
		bytes_put(&r->payload, in + part.data, part.data_len);
		bytes_put(&r->trailers, in + part.trailer, part.trailer_len);
		bytes_put(&r->forwarded, in, part.used);
		in += part.used;
		n -= part.used;
		r->used += part.used;
	}
	r->done = b->done;
	free(copy);
}

static struct result
read_body(enum http1_framing framing, uint64_t length, const uint8_t *p, size_t n,
    size_t step)
{
	struct result r = { 0 };
	struct http1_body b;

	http1_body_init(&b, framing, length);
	r.done = b.done;
	for (size_t at = 0; at < n; at += step)
		feed(&b, &r, p + at, n - at < step ? n - at : step);
	MUST(b.payload == r.payload.len);
	MUST(r.rc == 0 || !r.done);
	/* What is forwarded is the input, up to where it ends or offends. */
	MUST(r.used == r.forwarded.len && r.used <= n);
	MUST(r.used == 0 || memcmp(r.forwarded.p, p, r.used) == 0);
	MUST(r.rc || r.done || r.used == n);
	if (r.rc)
		MUST(r.used < n);
	MUST(http1_body_eof(&b) == (r.done || framing == HTTP1_UNTIL_CLOSE));
	return r;
}

static void
result_fini(struct result *r)
{
	bytes_fini(&r->payload);
	bytes_fini(&r->trailers);
	bytes_fini(&r->forwarded);
}

static void
check_same(struct result *a, struct result b)
{
	MUST(a->rc == b.rc && a->done == b.done && a->used == b.used);
	MUST(slice_eq(bytes_slice(&a->payload), bytes_slice(&b.payload)));
	MUST(slice_eq(bytes_slice(&a->trailers), bytes_slice(&b.trailers)));
	result_fini(&b);
}

/* End of the line at p + at. */
static size_t
line_end(const uint8_t *p, size_t n, size_t at)
{
	const uint8_t *crlf = memmem(p + at, n - at, "\r\n", 2);

	MUST(crlf);
	return (size_t)(crlf - p) + 2;
}

/* A complete body, read another way: line by line with the C library. */
static void
check_decoded(const struct result *r, const uint8_t *p)
{
	struct bytes payload = { 0 };
	size_t at = 0, trailers;

	for (;;) {
		char *digits_end;
		uint64_t size = strtoull((const char *)p + at, &digits_end, 16);

		MUST(digits_end > (const char *)p + at);
		at = line_end(p, r->used, at);
		if (size == 0)
			break;
		MUST(size < r->used - at);
		bytes_put(&payload, p + at, (size_t)size);
		MUST(p[at + size] == '\r' && p[at + size + 1] == '\n');
		at += (size_t)size + 2;
	}
	for (trailers = at; p[at] != '\r'; at = line_end(p, r->used, at))
		;
	MUST(at + 2 == r->used && p[at + 1] == '\n');
	MUST(slice_eq(bytes_slice(&payload), bytes_slice(&r->payload)));
	MUST(slice_eq(bytes_slice(&r->trailers),
	    (struct slice){ (const char *)p + trailers, at - trailers }));
	bytes_fini(&payload);
}

static void
check_chunked(const uint8_t *p, size_t n, uint32_t random)
{
	struct result r = read_body(HTTP1_CHUNKED, 0, p, n, n + 1);

	check_same(&r, read_body(HTTP1_CHUNKED, 0, p, n, 1));
	check_same(&r, read_body(HTTP1_CHUNKED, 0, p, n, random % (n + 1) + 1));
	check_same(&r, read_body(HTTP1_CHUNKED, 0, p, n, random / 65536 % 16 + 1));
	if (r.done)
		check_decoded(&r, r.forwarded.p);
	result_fini(&r);
}

static void
check_plain(const uint8_t *p, size_t n, uint32_t random)
{
	uint64_t length = random / 256 % (2 * n + 1);
	size_t step = random % (n + 1) + 1;
	struct result r = read_body(HTTP1_LENGTH, length, p, n, step);

	MUST(r.rc == 0 && r.done == (length <= n));
	MUST(r.payload.len == r.used && r.used == (r.done ? length : n));
	result_fini(&r);
	r = read_body(HTTP1_UNTIL_CLOSE, 0, p, n, step);
	MUST(r.rc == 0 && !r.done && r.payload.len == n);
	result_fini(&r);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint32_t random = hash(data, size);

	check_chunked(data, size, random);
	check_plain(data, size, random);
	return 0;
}
