/* sse.h - server-sent events out of bytes that arrive in any pieces
 * (WHATWG HTML 9.2.6).
 *
 * LF, CRLF and CR end lines, also mixed and split; a BOM is skipped; lines that
 * start with ':' are comments; several data lines join with LF; an event that
 * the end of the stream leaves without its blank line is delivered too, because
 * the SDKs do.  Data is passed on in fragments: memory is constant however long
 * a line is.
 */
#ifndef TRACETAPE_STORE_SSE_H
#define TRACETAPE_STORE_SSE_H

#include "store/bytes.h"

enum { SSE_NAME_MAX = 128 };	/* longer event names are cut */

struct sse_sink {
	/* A piece of the current event's data, joining LFs included. */
	void (*data)(void *arg, const char *p, size_t n);
	/* The event is complete; name is "message" when none was given.  Called
	 * only for events that had at least one data line. */
	void (*event)(void *arg, struct slice name);
};

struct sse {
	const struct sse_sink *sink;
	void *arg;
	int state;
	int value;		/* the state behind the field's colon */
	unsigned field_len;
	char field[8];		/* enough to tell event and data from others */
	char name[SSE_NAME_MAX];
	unsigned name_len;
	bool has_data;
	bool after_cr;
	unsigned bom;		/* bytes of a possible BOM seen */
};

void sse_init(struct sse *s, const struct sse_sink *sink, void *arg);
void sse_feed(struct sse *s, const void *p, size_t n);
void sse_end(struct sse *s);	/* the stream is over: deliver what is left */

#endif
