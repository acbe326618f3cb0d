/* reply.h - rebuilds the final message out of the events of a stream: texts,
 * function calls, reasoning summaries, usage, and how it ended.
 *
 * Reads /responses events and /chat/completions chunks; other events are counted
 * and left alone.  An item's own "done" event replaces what its deltas gave, so
 * that a stream that was resumed in the middle is whole too.
 *
 * Memory:  REPLY_TEXT_MAX of text and REPLY_ITEMS_MAX items, plus one event's
 *          wanted values; past that the answer is marked as cut.
 * Lending: everything read from an answer lives until the next call on it.
 */
#ifndef TRACETAPE_TOOLS_REPLY_H
#define TRACETAPE_TOOLS_REPLY_H

#include "store/bytes.h"

enum {
	REPLY_TEXT_MAX = 2 * 1024 * 1024,
	REPLY_ITEMS_MAX = 1024,
	REPLY_PARTS_MAX = 256,		/* of one item */
};

enum reply_kind {
	REPLY_TEXT,
	REPLY_REFUSAL,
	REPLY_SUMMARY,		/* of reasoning */
	REPLY_REASONING,	/* reasoning in full, where it is given */
	REPLY_ARGUMENTS,	/* JSON, of a call */
	REPLY_INPUT,		/* free text, of a custom tool call, or code */
};

struct reply_part {
	enum reply_kind kind;
	int64_t index;		/* content or summary index */
	struct bytes text;
};

struct reply_item {
	int64_t index;		/* output index, or choice and call of a chat */
	struct bytes type;	/* "message", "function_call", "reasoning" .. */
	struct bytes name;	/* of a call */
	struct bytes call_id;
	struct bytes raw;	/* JSON of an item of a type that we do not know */
	struct reply_part *parts;
	size_t n;
};

struct reply;

struct reply *reply_new(void);	/* NULL: no memory */
void reply_free(struct reply *a);	/* safe on NULL */

/* The decoded bytes of the stream, in any pieces. */
void reply_feed(struct reply *a, const void *p, size_t n);
void reply_end(struct reply *a);

/* Item i in output order; NULL: no more. */
const struct reply_item *reply_item(const struct reply *a, size_t i);

uint64_t reply_events(const struct reply *a);	/* all that came */
bool reply_is_cut(const struct reply *a);	/* a bound was reached */
bool reply_is_over(const struct reply *a);	/* its last event came */

/* Raw JSON, p == NULL when missing. */
struct slice reply_usage(const struct reply *a);
struct slice reply_error(const struct reply *a);
/* Text: the response's status, or a chat's finish_reason. */
struct slice reply_status(const struct reply *a);

const char *reply_kind_name(enum reply_kind k);

#endif
