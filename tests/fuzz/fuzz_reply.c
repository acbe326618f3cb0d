/* The first byte places the cut; the rest is an event stream.  Held true: a cut
 * changes nothing that can be read from the reply, items stand in rising order,
 * and the bounds hold. */
#include <stdlib.h>

#include "tools/jsonwalk.h"
#include "tools/reply.h"

#define must(condition) ((condition) ? (void)0 : abort())

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct reply *
read_stream(const uint8_t *p, size_t n, size_t cut)
{
	struct reply *a = reply_new();

	must(a != NULL);
	reply_feed(a, p, cut);
	reply_feed(a, p + cut, n - cut);
	reply_end(a);
	return a;
}

static bool
is_same(const struct bytes *a, const struct bytes *b)
{
	return slice_eq(bytes_slice(a), bytes_slice(b));
}

static void
compare_items(const struct reply_item *a, const struct reply_item *b)
{
	must(a->index == b->index && a->n == b->n);
	must(a->n <= REPLY_PARTS_MAX);
	must(is_same(&a->type, &b->type) && is_same(&a->name, &b->name));
	must(is_same(&a->call_id, &b->call_id) && is_same(&a->raw, &b->raw));
	for (size_t i = 0; i < a->n; i++) {
		must(a->parts[i].kind == b->parts[i].kind);
		must(is_same(&a->parts[i].text, &b->parts[i].text));
	}
}

static void
compare(const struct reply *a, const struct reply *b)
{
	const struct reply_item *x, *last = NULL;
	struct bytes usage = { 0 };
	size_t i;

	for (i = 0; (x = reply_item(a, i)); i++) {
		must(reply_item(b, i) != NULL);
		compare_items(x, reply_item(b, i));
		must(!last || last->index < x->index);
		last = x;
	}
	must(!reply_item(b, i) && i <= REPLY_ITEMS_MAX);
	must(reply_events(a) == reply_events(b));
	must(reply_is_over(a) == reply_is_over(b));
	must(slice_eq(reply_status(a), reply_status(b)));
	must(slice_eq(reply_error(a), reply_error(b)));
	must(slice_eq(reply_usage(a), reply_usage(b)));
	if (reply_usage(a).len > 0)
		must(jsonwalk_compact(reply_usage(a), &usage));
	bytes_fini(&usage);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct reply *a, *b;
	size_t n = size - 1;

	if (size < 1)
		return 0;
	a = read_stream(data + 1, n, n);
	b = read_stream(data + 1, n, data[0] < n ? data[0] : n);
	compare(a, b);
	reply_free(a);
	reply_free(b);
	return 0;
}
