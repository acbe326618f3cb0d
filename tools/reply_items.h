/* reply_items.h - the output items that reply.c puts together, bounded.
 *
 * Memory:  owns the items and their texts; see reply.h for the bounds.  Past one
 *          is_cut is set and what does not fit is left out.
 */
#ifndef TRACETAPE_TOOLS_REPLY_ITEMS_H
#define TRACETAPE_TOOLS_REPLY_ITEMS_H

#include "tools/reply.h"

struct items {
	struct reply_item *list;	/* by index */
	size_t n;
	size_t text_bytes;		/* in all parts */
	bool is_cut;
};

void items_fini(struct items *a);	/* safe on a zeroed one */

/* The item with this index, made if there is none; NULL: too many. */
struct reply_item *items_at(struct items *a, int64_t index);

/* The text of a part, made if there is none; NULL: too many. */
struct bytes *items_part(struct items *a, struct reply_item *it,
    enum reply_kind kind, int64_t index);

/* Appends a raw JSON string to a part's text (NULL: does nothing). */
void items_add_text(struct items *a, struct bytes *to, struct slice raw);

/* ... the string that is member `name` of raw, to the part of that kind. */
void items_add_member(struct items *a, struct reply_item *it,
    struct slice raw, const char *name, enum reply_kind kind);

/* Replaces an item by what its own JSON object says. */
void items_put(struct items *a, int64_t index, struct slice raw);

/* Replaces text by a raw JSON string unescaped, or by raw JSON made compact;
 * leaves it alone when raw is none (null, missing, malformed). */
void items_set_text(struct bytes *to, struct slice raw);
void items_set_raw(struct bytes *to, struct slice raw);

#endif
