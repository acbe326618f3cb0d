#include "tools/reply_items.h"

#include <stdlib.h>
#include <string.h>

#include "tools/jsonwalk.h"

/* Names, ids and states are short; only a hostile one is cut by this. */
enum { NAME_MAX_BYTES = 4096 };

static void
drop_parts(struct items *a, struct reply_item *it)
{
	for (size_t i = 0; i < it->n; i++) {
		a->text_bytes -= it->parts[i].text.len;
		bytes_fini(&it->parts[i].text);
	}
	free(it->parts);
	it->parts = NULL;
	it->n = 0;
}

static void
item_fini(struct items *a, struct reply_item *it)
{
	drop_parts(a, it);
	bytes_fini(&it->type);
	bytes_fini(&it->name);
	bytes_fini(&it->call_id);
	bytes_fini(&it->raw);
}

/* Room for one more of size bytes at place i of the n at *list; NULL: no memory. */
static void *
insert(void **list, size_t n, size_t i, size_t size)
{
	char *p = realloc(*list, (n + 1) * size);

	if (!p)
		return NULL;
	*list = p;
	memmove(p + (i + 1) * size, p + i * size, (n - i) * size);
	return memset(p + i * size, 0, size);
}

struct reply_item *
items_at(struct items *a, int64_t index)
{
	struct reply_item *it;
	void *list = a->list;
	size_t i = a->n;

	while (i > 0 && a->list[i - 1].index > index)
		i--;
	if (i > 0 && a->list[i - 1].index == index)
		return &a->list[i - 1];
	if (a->n == REPLY_ITEMS_MAX ||
	    !(it = insert(&list, a->n, i, sizeof(*it)))) {
		a->is_cut = true;
		return NULL;
	}
	a->list = list;
	a->n++;
	it->index = index;
	return it;
}

struct bytes *
items_part(struct items *a, struct reply_item *it, enum reply_kind kind,
    int64_t index)
{
	struct reply_part *part;
	void *list = it->parts;

	for (size_t i = it->n; i > 0; i--)
		if (it->parts[i - 1].kind == kind &&
		    it->parts[i - 1].index == index)
			return &it->parts[i - 1].text;
	if (it->n == REPLY_PARTS_MAX ||
	    !(part = insert(&list, it->n, it->n, sizeof(*part)))) {
		a->is_cut = true;
		return NULL;
	}
	it->parts = list;
	it->n++;
	part->kind = kind;
	part->index = index;
	return &part->text;
}

void
items_add_text(struct items *a, struct bytes *to, struct slice raw)
{
	size_t before;

	if (!to || !json_is_string(raw))
		return;
	if (a->text_bytes >= REPLY_TEXT_MAX) {
		a->is_cut = true;
		return;
	}
	before = to->len;
	json_text(raw, to);
	a->text_bytes += to->len - before;
}

void
items_set_text(struct bytes *to, struct slice raw)
{
	if (!json_is_string(raw))
		return;
	bytes_clear(to);
	json_text(raw, to);
	if (to->len > NAME_MAX_BYTES)
		to->len = NAME_MAX_BYTES;
}

void
items_set_raw(struct bytes *to, struct slice raw)
{
	if (json_is_null(raw))
		return;
	bytes_clear(to);
	jsonwalk_compact(raw, to);
}

/* ---- a whole item, as .added and .done events and response.output have it */

static enum reply_kind
kind_of(struct slice type)
{
	if (slice_eq(type, SLICE("\"refusal\"")))
		return REPLY_REFUSAL;
	if (slice_eq(type, SLICE("\"reasoning_text\"")))
		return REPLY_REASONING;
	if (slice_eq(type, SLICE("\"summary_text\"")))
		return REPLY_SUMMARY;
	return REPLY_TEXT;
}

/* content or summary: an array of parts, each with its text. */
static void
add_parts(struct items *a, struct reply_item *it, struct slice raw)
{
	struct slice key, part;
	struct jsonwalk w;
	int64_t index = 0;

	if (!jsonwalk_begin(&w, raw) || w.open == '{')
		return;
	for (; jsonwalk_next(&w, &key, &part); index++) {
		enum reply_kind kind = kind_of(jsonwalk_get(part, "type"));
		struct slice text = jsonwalk_get(part,
		    kind == REPLY_REFUSAL ? "refusal" : "text");

		if (text.p)
			items_add_text(a, items_part(a, it, kind, index), text);
	}
}

void
items_add_member(struct items *a, struct reply_item *it, struct slice raw,
    const char *name, enum reply_kind kind)
{
	struct slice text = jsonwalk_get(raw, name);

	if (json_is_string(text))
		items_add_text(a, items_part(a, it, kind, 0), text);
}

void
items_put(struct items *a, int64_t index, struct slice raw)
{
	struct reply_item *it = items_at(a, index);
	struct slice id = jsonwalk_get(raw, "call_id");

	if (!it || json_is_null(raw))
		return;
	a->text_bytes -= it->raw.len;
	bytes_clear(&it->raw);
	drop_parts(a, it);
	items_set_text(&it->type, jsonwalk_get(raw, "type"));
	items_set_text(&it->name, jsonwalk_get(raw, "name"));
	items_set_text(&it->call_id, id);
	add_parts(a, it, jsonwalk_get(raw, "summary"));
	add_parts(a, it, jsonwalk_get(raw, "content"));
	items_add_member(a, it, raw, "arguments", REPLY_ARGUMENTS);
	items_add_member(a, it, raw, "input", REPLY_INPUT);
	items_add_member(a, it, raw, "code", REPLY_INPUT);
	if (it->n == 0 && a->text_bytes < REPLY_TEXT_MAX)
		items_set_raw(&it->raw, raw);
	a->text_bytes += it->raw.len;
}

void
items_fini(struct items *a)
{
	for (size_t i = 0; i < a->n; i++)
		item_fini(a, &a->list[i]);
	free(a->list);
	memset(a, 0, sizeof(*a));
}
