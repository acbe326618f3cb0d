/* fuzz_join_span.c - of any bytes come facts of a span within their bounds, or none;
 * reading them again gives the same. */
#include <stdlib.h>
#include <string.h>

#include "store/join_span.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void
must(bool holds)
{
	if (!holds)
		abort();
}

/* What the facts say, in one text. */
static void
say(struct bytes *b, const struct span_facts *f)
{
	const struct slice texts[] = { f->name, f->to, f->model, f->error };

	must((unsigned)f->kind < SPAN_CALL && span_kind_name(f->kind));
	must(f->turn >= -1 && f->triggered >= -1 && f->triggered <= 1);
	must(f->item.id.len > 0 && f->item.trace_id.len > 0);
	bytes_printf(b, "%d %lld %lld", f->kind, (long long)f->turn,
	    (long long)f->triggered);
	for (int i = 0; i < 4; i++) {
		must(texts[i].len <= SPAN_TEXT_MAX);
		must(texts[i].p || texts[i].len == 0);
		bytes_printf(b, " %d:", texts[i].p != NULL);
		bytes_put_slice(b, texts[i]);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	const struct slice raw = { (const char *)p, n };
	struct span_reader *r = span_reader_new();
	struct bytes once = { 0 }, again = { 0 };
	struct slice workflow, group;
	struct span_facts f;
	bool is_span;

	must(r != NULL);
	is_span = span_read(r, raw, &f);
	if (is_span)
		say(&once, &f);
	span_read_trace(r, raw, &workflow, &group);
	must(workflow.len <= SPAN_TEXT_MAX && group.len <= SPAN_TEXT_MAX);
	must(span_read(r, raw, &f) == is_span);
	if (is_span)
		say(&again, &f);
	must(slice_eq(bytes_slice(&once), bytes_slice(&again)));
	bytes_fini(&once);
	bytes_fini(&again);
	span_reader_free(r);
	return 0;
}
