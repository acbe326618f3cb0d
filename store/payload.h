/* payload.h - one body that passes: decoded, and scanned as JSON or as a stream
 * of JSON events.
 *
 * Memory:  nothing before the first byte but a small decoder; constant after it.
 */
#ifndef TRACETAPE_STORE_PAYLOAD_H
#define TRACETAPE_STORE_PAYLOAD_H

#include "store/decode.h"
#include "store/json.h"
#include "store/sse.h"

enum payload_kind {
	PAYLOAD_OPAQUE,		/* counted, not read */
	PAYLOAD_JSON,
	PAYLOAD_MAYBE_JSON,	/* nobody said what it is */
	PAYLOAD_EVENTS,
};

/* What Content-Type says; missing: PAYLOAD_MAYBE_JSON. */
enum payload_kind payload_kind_of(struct slice type);

struct payload {
	enum payload_kind kind;
	const struct json_want *want;
	size_t n_want;
	/* An event is complete and is JSON: its values are in p->scan. */
	void (*on_event)(void *arg, struct slice name);
	/* Each piece of decoded text, of any kind, before it is read here. */
	decode_sink *on_text;
	void *arg;
	struct decode *decode;	/* NULL: not coded, or over */
	struct json_scan *scan;	/* NULL: no byte yet, or over */
	struct sse *sse;
	uint64_t n_text;	/* bytes of text seen */
	int64_t decoded_bytes;	/* -1: not coded */
	bool odd_json;
	bool odd_coding;
	bool undecodable;	/* odd as soon as there is a byte */
	bool ended;		/* takes nothing more */
};

/* want is borrowed for p's life, coding (the Content-Encoding) is not.  For
 * PAYLOAD_EVENTS on_event and arg are set by the caller afterwards; so is on_text
 * (NULL: none). */
void payload_init(struct payload *p, enum payload_kind kind,
    const struct json_want *want, size_t n_want, struct slice coding);
void payload_feed(struct payload *p, const void *data, size_t n);

/* clean: the body ended as its framing says; only then is a missing rest odd.
 * The scanner stays readable until payload_fini. */
void payload_end(struct payload *p, bool clean);
void payload_fini(struct payload *p);	/* safe on a zeroed one; numbers stay */

#endif
