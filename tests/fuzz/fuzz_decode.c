/* The first byte chooses the coding, the second the size of the pieces; the rest
 * is the coded body.  Held true: pieces change neither the result nor what came
 * out (a corrupt body may give more or less before it is found out), bounds
 * hold, and a failure stays. */
#include <stdlib.h>
#include <string.h>

#include "store/decode.h"

#define must(condition) ((condition) ? (void)0 : abort())

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const coding[] = {
	"gzip", "deflate", "br", "zstd", "gzip, br", "br, gzip", "zstd,deflate",
	"deflate , zstd", "identity", "gzip,gzip", "nonsense", "gzip,,br,zstd",
};

enum { N_CODING = sizeof(coding) / sizeof(coding[0]), KEPT = 2 << 20 };

struct result {
	struct bytes out;
	uint64_t total;
	enum decode_result r;
};

static void
on_out(void *arg, const void *p, size_t n)
{
	struct result *res = arg;

	must(n > 0);
	res->total += n;
	if (res->out.len < KEPT)
		bytes_put(&res->out, p, n);
}

static bool
run(struct result *res, const char *name, const uint8_t *p, size_t n, size_t step)
{
	struct decode *d;

	memset(res, 0, sizeof(*res));
	res->r = decode_new(&d, (struct slice){ name, strlen(name) });
	if (res->r != DECODE_OK) {
		must(!d && res->r == DECODE_UNKNOWN);
		return false;
	}
	for (size_t i = 0; i < n && res->r == DECODE_OK; i += step)
		res->r = decode_feed(d, p + i, n - i < step ? n - i : step, on_out,
		    res);
	if (res->r != DECODE_OK)
		must(decode_feed(d, p, n, on_out, res) == res->r);
	res->r = decode_end(d, on_out, res);
	must(decode_end(d, on_out, res) == res->r);
	must(decode_bytes(d) == res->total);
	must(res->total <= DECODE_BYTES_MAX);
	must(res->total <= (1 << 20) + (uint64_t)(n + 1) * DECODE_RATIO_MAX);
	must(decode_strerror(res->r)[0]);
	decode_free(d);
	return true;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct result a, b;
	const char *name;
	size_t shorter;

	if (size < 2 || size > 1 << 14)
		return 0;
	name = coding[data[0] % N_CODING];
	if (!run(&a, name, data + 2, size - 2, size))
		return 0;
	run(&b, name, data + 2, size - 2, 1u + data[1]);
	if (a.r != DECODE_BOMB && b.r != DECODE_BOMB) {
		must(a.r == b.r);
		must(a.r == DECODE_CORRUPT || a.total == b.total);
	}
	shorter = a.out.len < b.out.len ? a.out.len : b.out.len;
	must(shorter == 0 || memcmp(a.out.p, b.out.p, shorter) == 0);
	bytes_fini(&a.out);
	bytes_fini(&b.out);
	return 0;
}
