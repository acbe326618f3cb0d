/* fuzz_via.c - any bytes as the answer of another proxy, and as its URL. */
#include "proxy/via.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "store/bytes.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Not assert: the fuzzer is to see it however the target was built. */
#define MUST(what) ((what) ? (void)0 : abort())

/* In memory of exactly its length. */
static long
answer(const uint8_t *data, size_t n, int *status)
{
	uint8_t *copy = malloc(n + !n);
	long len;

	MUST(copy);
	if (n)
		memcpy(copy, data, n);
	len = via_answer(copy, n, status);
	free(copy);
	return len;
}

static void
check_answer(const uint8_t *data, size_t size)
{
	int status = 0, again = 0;
	long len = answer(data, size, &status);

	MUST(len >= -1 && len <= (long)size && len <= VIA_HEAD_MAX);
	if (len > 0) {
		MUST(status == 101 || (status >= 200 && status <= 999));
		MUST(len >= 4 && memcmp(data + len - 4, "\r\n\r\n", 4) == 0);
		MUST(memcmp(data, "HTTP/1.", 7) == 0);
		MUST(answer(data, (size_t)len, &again) == len && again == status);
		MUST(answer(data, (size_t)len - 1, &again) == 0);
	} else {
		MUST(status == 0);
	}
	if (len == 0)
		MUST(size < VIA_HEAD_MAX);
	/* A prefix says the same, or nothing yet. */
	for (size_t k = size / 2; k > 0; k /= 2) {
		long part = answer(data, k, &again);

		MUST(part == 0 || part == len);
	}
}

/* What is taken can be asked, in lines that hold nothing else. */
static void
check_url(const uint8_t *data, size_t size)
{
	struct bytes out = { 0 };
	char *url = malloc(size + 1);
	const char *why = NULL;
	struct via v;
	unsigned lines = 0;

	MUST(url);
	memcpy(url, data, size);
	url[size] = '\0';
	if (via_parse(&v, url, &why)) {
		MUST(v.proxy.host[0] && v.proxy.port && !v.proxy.is_tls);
		MUST(strlen(v.auth) < VIA_AUTH_MAX && strlen(v.auth) % 4 == 0);
		via_request(&out, &v, &v.proxy);
		for (size_t i = 0; i < out.len; i++) {
			MUST(out.p[i] >= ' ' || out.p[i] == '\r' || out.p[i] == '\n');
			lines += out.p[i] == '\n';
		}
		MUST(lines == (v.auth[0] ? 5 : 4));
	} else {
		MUST(why && why[0]);
	}
	bytes_fini(&out);
	free(url);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	check_answer(data, size);
	check_url(data, size);
	return 0;
}
