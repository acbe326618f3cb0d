/* The first byte places the cut; the rest is a body that may be JSON.  Held true:
 * indenting in pieces is indenting at once and loses nothing; what compacts once
 * compacts to itself, also after it was indented; walking ends. */
#include <stdlib.h>
#include <string.h>

#include "tools/jsonwalk.h"
#include "tools/pretty.h"

#define must(condition) ((condition) ? (void)0 : abort())

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
indent(const uint8_t *p, size_t n, size_t cut, struct bytes *out)
{
	struct pretty y;

	pretty_init(&y);
	pretty_feed(&y, p, cut, out);
	pretty_feed(&y, p + cut, n - cut, out);
}

static size_t
next_ink(const uint8_t *p, size_t n, size_t i)
{
	while (i < n && (p[i] == ' ' || p[i] == '\t' || p[i] == '\n' ||
	    p[i] == '\r'))
		i++;
	return i;
}

/* The same bytes but for white space. */
static bool
is_same_ink(const uint8_t *a, size_t an, const uint8_t *b, size_t bn)
{
	size_t i = next_ink(a, an, 0), k = next_ink(b, bn, 0);

	while (i < an && k < bn && a[i] == b[k]) {
		i = next_ink(a, an, i + 1);
		k = next_ink(b, bn, k + 1);
	}
	return i == an && k == bn;
}

static void
walk(struct slice raw, int depth)
{
	struct slice key, value;
	struct jsonwalk w;

	if (depth == 0 || !jsonwalk_begin(&w, raw))
		return;
	while (jsonwalk_next(&w, &key, &value)) {
		must(value.p >= raw.p && value.len <= raw.len);
		must((key.p != NULL) == (w.open == '{'));
		walk(value, depth - 1);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes a = { 0 }, b = { 0 }, c = { 0 }, e = { 0 };
	const uint8_t *p = data + 1;
	size_t n = size - 1;

	if (size < 1)
		return 0;
	indent(p, n, n, &a);
	indent(p, n, data[0] < n ? data[0] : n, &b);
	must(slice_eq(bytes_slice(&a), bytes_slice(&b)));
	must(is_same_ink(p, n, a.p, a.len));
	if (jsonwalk_compact((struct slice){ (const char *)p, n }, &c)) {
		must(jsonwalk_compact(bytes_slice(&a), &e));
		must(slice_eq(bytes_slice(&c), bytes_slice(&e)));
		must(is_same_ink(p, n, c.p, c.len));
	} else {
		must(c.len == 0);
	}
	walk((struct slice){ (const char *)p, n }, 8);
	bytes_fini(&a);
	bytes_fini(&b);
	bytes_fini(&c);
	bytes_fini(&e);
	return 0;
}
