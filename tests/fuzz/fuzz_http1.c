/* fuzz_http1.c - any bytes as a request's head and as a response's. */
#include "proxy/http1.h"

#include <stdlib.h>
#include <string.h>

#include "proxy/http1_chars.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Not assert: the fuzzer is to see it however the target was built. */
#define MUST(what) ((what) ? (void)0 : abort())

static struct http1_head whole, parts;

/* method.p == NULL: a request. */
static long
parse(struct http1_head *h, struct slice method, const char *p, size_t n,
    size_t *seen)
{
	return method.p ? http1_response(h, method, p, n, seen) :
	    http1_request(h, p, n, seen);
}

static long
parse_once(struct http1_head *h, struct slice method, const char *p, size_t n)
{
	size_t seen = 0;

	memset(h, 0xa5, sizeof(*h));
	return parse(h, method, p, n, &seen);
}

/* Cuts that follow from the input alone, so that a finding repeats. */
static uint32_t
hash(const uint8_t *p, size_t n)
{
	uint32_t x = 2166136261u;

	for (size_t i = 0; i < n; i++)
		x = (x ^ p[i]) * 16777619u;
	return x;
}

/* A line of an accepted head has one reading. */
static void
check_line(const struct http1_line *l, const char *at)
{
	size_t n = l->raw.len;

	MUST(l->raw.p == at && l->name.p == at && l->name.len > 0);
	MUST(l->name.len < n && at[l->name.len] == ':');
	MUST(http1_run(at, n, HTTP1_TOKEN) == l->name.len);
	MUST(at[n - 2] == '\r' && at[n - 1] == '\n');
	MUST(http1_run(at + l->name.len, n, HTTP1_TEXT) == n - 2 - l->name.len);
	MUST(l->value.p > at + l->name.len);
	MUST(l->value.p + l->value.len <= at + n - 2);
	if (l->value.len) {
		MUST(!http1_is_blank(l->value.p[0]));
		MUST(!http1_is_blank(l->value.p[l->value.len - 1]));
	}
}

static unsigned
count(const struct http1_head *h, const char *name)
{
	unsigned n = 0;

	for (unsigned i = 0; i < h->n; i++)
		n += slice_eq_nocase(h->line[i].name,
		    (struct slice){ name, strlen(name) });
	return n;
}

/* What framing must have stood on. */
static void
check_framing(const struct http1_head *h, struct slice method)
{
	unsigned codings = count(h, "Transfer-Encoding");
	unsigned lengths = count(h, "Content-Length");

	if (h->framing == HTTP1_LENGTH)
		MUST(lengths == 1 && codings == 0 && h->length <= INT64_MAX);
	if (h->framing == HTTP1_CHUNKED)
		MUST(lengths == 0 && codings == 1 && h->minor == 1);
	if (h->framing == HTTP1_UNTIL_CLOSE)
		MUST(method.p && lengths == 0);
	if (h->framing == HTTP1_NONE && !method.p)
		MUST(lengths == 0 && codings == 0);
	if (h->framing == HTTP1_TUNNEL)
		MUST(h->status == 101 || slice_eq(method, SLICE("CONNECT")));
	if (!method.p && h->minor == 1)
		MUST(count(h, "Host") == 1 && h->host.p);
}

static void
check_head(const struct http1_head *h, struct slice method, const char *p)
{
	const char *at = p + h->start.len;

	MUST(h->start.p == p && h->minor <= 1 && h->n <= HTTP1_LINES_MAX);
	for (unsigned i = 0; i < h->n; i++) {
		check_line(&h->line[i], at);
		at += h->line[i].raw.len;
		(void)http1_is_hop_by_hop(h, &h->line[i]);
	}
	MUST(at[0] == '\r' && at[1] == '\n' && at + 2 == p + h->len);
	MUST(h->len <= HTTP1_HEAD_MAX && h->start.len <= HTTP1_START_MAX);
	if (method.p)
		MUST(h->status >= 100 && h->status <= 999 && h->reason.p);
	else
		MUST(h->method.len && h->target.p == p + h->method.len + 1);
	MUST((http1_find(h, "host").p != NULL) == (count(h, "host") > 0));
	check_framing(h, method);
}

/* In pieces of `step` bytes, each in memory of exactly its length.  The same
 * verdict, which no prefix changes. */
static void
check_pieces(struct slice method, const char *p, size_t n, size_t step, long want)
{
	size_t seen = 0, have = 0;
	long got = 0;

	while (got == 0 && have < n) {
		have = n - have < step ? n : have + step;
		char *copy = malloc(have);

		MUST(copy);
		memcpy(copy, p, have);
		got = parse(&parts, method, copy, have, &seen);
		MUST(got == 0 || got == want);
		MUST(got == parse_once(&whole, method, copy, have));
		if (got > 0) {
			check_head(&parts, method, copy);
			MUST(parts.n == whole.n && parts.length == whole.length);
			MUST(parts.framing == whole.framing);
		}
		free(copy);
	}
	MUST(got == want);
}

static void
check(struct slice method, const char *p, size_t n, uint32_t random)
{
	long got = parse_once(&whole, method, p, n);

	MUST(got <= (long)n && got > -(long)HTTP1_RULE_N);
	if (got < 0)
		MUST(http1_rule_name((enum http1_rule)-got) &&
		    http1_rule_status((enum http1_rule)-got) >= 400);
	if (got > 0) {
		MUST(whole.len == (size_t)got);
		check_head(&whole, method, p);
		MUST(parse_once(&parts, method, p, (size_t)got) == got);
		MUST(parse_once(&parts, method, p, (size_t)got - 1) == 0);
	}
	check_pieces(method, p, n, random % (n + 1) + 1, got);
	check_pieces(method, p, n, random / 65536 % 16 + 1 + n / 256, got);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *p = (const char *)data;
	uint32_t random = hash(data, size);
	size_t skipped = http1_skip_crlf(p, size);

	MUST(skipped <= size && skipped % 2 == 0);
	check((struct slice){ NULL, 0 }, p, size, random);
	check(SLICE("GET"), p, size, random);
	check(SLICE("HEAD"), p, size, random);
	check(SLICE("CONNECT"), p, size, random);
	return 0;
}
