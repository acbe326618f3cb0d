/* json.h - picks values out of JSON text that arrives in pieces.
 *
 * The scanner walks any amount of text in constant memory and keeps the raw
 * text of the values it was told to want, each up to its own cap.  It checks
 * nesting and strings strictly enough to know where values end (RFC 8259); it
 * is no validator.  The helpers below work on such small raw texts with jsmn.
 *
 * Duplicate keys: the last one wins, as in every client that matters.
 * Memory:  kept values are owned by the scanner until json_scan_fini.
 */
#ifndef TRACETAPE_STORE_JSON_H
#define TRACETAPE_STORE_JSON_H

#include "store/bytes.h"

enum {
	JSON_DEPTH_MAX = 512,	/* nesting beyond this is refused */
	JSON_PATH_MAX = 4,	/* keys in a wanted path */
	JSON_KEY_MAX = 64,	/* bytes of an unescaped key that can match */
	JSON_WANT_MAX = 32,
	JSON_INDENT_MAX = 32,	/* levels that json_pretty indents */
};

/* path: object keys joined by '.', such as "response.usage"; ASCII.  Only
 * objects are walked: nothing inside an array matches.  Values longer than cap
 * bytes of raw text, or without memory to keep them, are dropped and marked. */
struct json_want {
	const char *path;
	size_t cap;
};

struct json_scan;	/* opaque; json_scan_new */

/* want is borrowed for the scanner's life.  NULL: no memory.  A path with more
 * or longer keys than the bounds above is our own mistake and asserted. */
struct json_scan *json_scan_new(const struct json_want *want, size_t n);
void json_scan_free(struct json_scan *s);	/* safe on NULL */
void json_scan_reset(struct json_scan *s);	/* for the next text; keeps storage */

/* 0, or -1: this is not JSON (and stays so until reset). */
int json_scan_feed(struct json_scan *s, const void *p, size_t n);

/* 0 when exactly one complete value (and white space) was fed, else -1. */
int json_scan_end(const struct json_scan *s);

/* Raw text of wanted value i ("null" included); p == NULL: not seen, not complete
 * yet, or complete and over its cap, which json_scan_over tells.  Borrowed until
 * the next call on s. */
struct slice json_scan_raw(const struct json_scan *s, size_t i);
bool json_scan_over(const struct json_scan *s, size_t i);

/* True when raw is exactly one JSON value and white space. */
bool json_valid(struct slice raw);

/* For small raw texts.  path as above, applied below the object `raw`.
 * p == NULL when absent, not an object, malformed, or over 4096 tokens. */
struct slice json_get(struct slice raw, const char *path);

bool json_is_string(struct slice raw);
bool json_is_null(struct slice raw);	/* also true for missing */

/* Integer value of raw text ("12", also "12.0" and "1.2e1"); false: not one,
 * or out of range. */
bool json_int(struct slice raw, int64_t *v);

/* Appends the UTF-8 text of a raw JSON string, unescaped; lone surrogates and
 * invalid bytes become U+FFFD.  false: raw is not a string. */
bool json_text(struct slice raw, struct bytes *out);

/* Appends s as a JSON string with its quotes; invalid UTF-8 becomes U+FFFD, and
 * U+007F..U+009F, U+2028 and U+2029 are escaped. */
void json_put_string(struct bytes *out, struct slice s);

/* Appends raw re-indented by `indent` spaces a level, levels past
 * JSON_INDENT_MAX no further (or a small text would grow a thousandfold); what
 * is not JSON is appended as it is and false returned. */
bool json_pretty(struct slice raw, unsigned indent, struct bytes *out);

#endif
