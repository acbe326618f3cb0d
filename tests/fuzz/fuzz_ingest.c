/* The first byte is the size of the pieces; the rest is the body of a trace batch.
 * Held true: pieces change nothing; every element is counted once; an item keeps to
 * its contract and its ids make keys; of a body that is JSON, the items are the
 * elements that a reading of the whole finds. */
#include <stdlib.h>
#include <string.h>

#include "store/ingest.h"
#include "store/json.h"
#include "store/traces.h"
#include "tools/jsonwalk.h"

#define must(condition) ((condition) ? (void)0 : abort())

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct heard {
	struct bytes all;		/* of each item its kind and texts */
	struct bytes raws;
	struct ingest_counts counts;
};

static void
put(struct bytes *b, struct slice s)
{
	bytes_putc(b, s.p != NULL);
	bytes_put_varint(b, s.len);
	bytes_put_slice(b, s);
}

static void
check_id(struct slice id)
{
	uint8_t key[ID_KEY_MAX];
	size_t n;

	must(id.len > 0 && id.len < ITEM_ID_MAX);
	n = id_key_put(key, id);
	must(n > 0 && n <= ID_KEY_MAX && !memchr(key, 0, n));
	must(memchr(id.p, 0, id.len) || id.len > n || memcmp(key, id.p, n) == 0);
}

static void
check_time(struct slice text, int64_t ns)
{
	must(ns >= -1 && (ns == -1 || text.len >= strlen("1970-01-01T00:00:00Z")));
}

static void
on_item(void *arg, const struct ingest_item *i)
{
	struct heard *h = arg;

	must(i->raw.len > 0 && i->raw.p[0] != ' ' && i->raw.p[i->raw.len - 1] != ' ');
	must(i->kind == ITEM_ODD || (json_valid(i->raw) && i->raw.p[0] == '{'));
	must(i->kind == ITEM_ODD || (i->id.p && i->trace_id.p));
	if (i->id.p)
		check_id(i->id);
	if (i->trace_id.p)
		check_id(i->trace_id);
	check_time(i->started_at, i->started_ns);
	check_time(i->ended_at, i->ended_ns);
	h->counts.traces += i->kind == ITEM_TRACE;
	h->counts.spans += i->kind == ITEM_SPAN;
	h->counts.odd += i->kind == ITEM_ODD;
	bytes_putc(&h->all, (int)i->kind);
	put(&h->all, i->id);
	put(&h->all, i->trace_id);
	put(&h->all, i->parent_id);
	put(&h->all, i->started_at);
	put(&h->all, i->ended_at);
	put(&h->all, i->type);
	put(&h->all, i->response_id);
	bytes_put_u64(&h->all, (uint64_t)i->started_ns);
	put(&h->raws, i->raw);
}

static void
run(struct heard *h, const uint8_t *p, size_t n, size_t step)
{
	struct ingest *g = ingest_new(on_item, h);
	struct ingest_counts c;

	must(g != NULL);
	for (size_t i = 0; i < n; i += step)
		ingest_feed(g, p + i, n - i < step ? n - i : step);
	c = ingest_counts(g);
	must(memcmp(&c, &h->counts, sizeof(c)) == 0);
	ingest_free(g);
}

static void
heard_fini(struct heard *h)
{
	bytes_fini(&h->all);
	bytes_fini(&h->raws);
}

static void
model_elements(struct bytes *raws, struct slice array)
{
	struct slice key, value;
	struct jsonwalk w;

	must(jsonwalk_begin(&w, array));
	while (jsonwalk_next(&w, &key, &value))
		put(raws, value);
	must(!w.failed);
}

/* false: the whole is not what jsonwalk reads. */
static bool
model(struct bytes *raws, struct slice body)
{
	struct slice key, value;
	struct bytes name = { 0 };
	struct jsonwalk w;

	if (body.len == 0 || !jsonwalk_begin(&w, body))
		return false;
	while (jsonwalk_next(&w, &key, &value)) {
		bytes_clear(&name);
		if (key.p && key.len <= 64 && json_text(key, &name) &&
		    slice_eq(bytes_slice(&name), SLICE("data")) &&
		    value.p[0] == '[')
			model_elements(raws, value);
	}
	bytes_fini(&name);
	return !w.failed;
}

static void
check_model(const struct heard *h, struct slice body)
{
	struct bytes raws = { 0 };

	if (json_valid(body) && model(&raws, body))
		must(slice_eq(bytes_slice(&raws), bytes_slice(&h->raws)));
	bytes_fini(&raws);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t step[3];
	struct heard whole = { 0 };

	if (size < 2)
		return 0;
	step[0] = 1u + data[0];
	step[1] = 1 + data[0] % 7;
	step[2] = 1;
	run(&whole, data + 1, size - 1, size);
	for (unsigned i = 0; i < 3; i++) {
		struct heard h = { 0 };

		run(&h, data + 1, size - 1, step[i]);
		must(slice_eq(bytes_slice(&h.all), bytes_slice(&whole.all)));
		must(slice_eq(bytes_slice(&h.raws), bytes_slice(&whole.raws)));
		heard_fini(&h);
	}
	check_model(&whole, (struct slice){ (const char *)data + 1, size - 1 });
	heard_fini(&whole);
	return 0;
}
