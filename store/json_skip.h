/* json_skip.h - finds where a JSON value ends, in text that arrives in pieces,
 * without reading the value.
 *
 * For who wants a value's bytes and not what they mean: what is no JSON ends
 * somewhere, too.  json.h is for the rest.
 */
#ifndef TRACETAPE_STORE_JSON_SKIP_H
#define TRACETAPE_STORE_JSON_SKIP_H

#include <stdbool.h>
#include <stdint.h>

struct json_skip {		/* zeroed: before the value's first byte */
	uint64_t depth;		/* containers open in it */
	enum {
		JSON_SKIP_PLAIN,
		JSON_SKIP_STRING,
		JSON_SKIP_ESCAPE,
		JSON_SKIP_DONE,	/* the value is over */
	} in;
};

/* p is in the value, or at its first byte, which is no white space: returns the
 * byte behind the value, and in is JSON_SKIP_DONE then; or end: it may go on.
 * (A number's end shows at the byte behind it.) */
const char *json_skip(struct json_skip *s, const char *p, const char *end);

#endif
