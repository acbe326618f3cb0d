/* fuzz_record.c - any bytes give -1, or an exchange that encodes to bytes which
 * decode to an equal one; and those bytes are refused at every length but their
 * own. */
#include <stdlib.h>
#include <string.h>

#include "store/record.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void
must(bool holds)
{
	if (!holds)
		abort();
}

/* Slices must lie in the input, or be the empty literal. */
static void
must_lie_in(struct slice s, const uint8_t *p, size_t n)
{
	const char *from = (const char *)p;

	if (s.p && s.len > 0)
		must(s.p >= from && s.len <= n && s.p - from <= (long)(n - s.len));
}

/* Encodings are compared, for they hold every field and are canonical. */
static void
must_encode_to(const struct exchange *x, const struct bytes *want)
{
	struct bytes b = { 0 };

	record_encode(&b, x);
	must(!b.failed && b.len == want->len && memcmp(b.p, want->p, b.len) == 0);
	bytes_fini(&b);
}

static void
must_have_names(const struct exchange *x)
{
	must(outcome_name(x->outcome) && mode_name(x->mode) &&
	    endpoint_name(x->endpoint));
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct exchange x, again;
	struct bytes b = { 0 };

	if (record_decode(&x, p, n) != 0) {
		must(!x.path.p && !x.request.has_sha256);
		return 0;
	}
	must_lie_in(x.path, p, n);
	must_lie_in(x.usage_json, p, n);
	must_lie_in(x.ratelimit[RATELIMIT_N - 1], p, n);
	must_have_names(&x);
	record_encode(&b, &x);
	must(!b.failed);
	must(record_decode(&again, b.p, b.len) == 0);
	must_encode_to(&again, &b);
	must(record_decode(&again, b.p, b.len - 1) != 0);
	must(record_decode(&again, b.p, b.len / 2) != 0);
	bytes_fini(&b);
	return 0;
}
