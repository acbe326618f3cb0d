/* jsonwalk.h - walks JSON text that is in memory: members and elements one after
 * the other, however many there are, without a table of tokens.
 *
 * Strict (RFC 8259), so that what passes may be put into other JSON; nesting is
 * bounded by JSON_DEPTH_MAX.  Everything is borrowed from the text.
 */
#ifndef TRACETAPE_TOOLS_JSONWALK_H
#define TRACETAPE_TOOLS_JSONWALK_H

#include "store/json.h"

/* The text between the brackets of an object or array, to walk on. */
struct jsonwalk {
	const char *p;
	const char *end;
	char open;	/* '{' or '[' */
	bool failed;	/* the text is malformed from here on */
};

/* raw: the raw text of one value.  false: not an object or array. */
bool jsonwalk_begin(struct jsonwalk *w, struct slice raw);

/* The next member or element: its raw value, and its raw key with the quotes (p ==
 * NULL in an array).  false: no more, or failed. */
bool jsonwalk_next(struct jsonwalk *w, struct slice *key, struct slice *value);

/* The raw value of a member; p == NULL: none, or raw is not an object.  The last
 * one of several wins.  key: plain ASCII. */
struct slice jsonwalk_get(struct slice raw, const char *key);

/* Appends raw without white space between tokens when it is one valid value in
 * valid UTF-8; false, with nothing appended, when it is not. */
bool jsonwalk_compact(struct slice raw, struct bytes *out);

#endif
