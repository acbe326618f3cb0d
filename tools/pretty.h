/* pretty.h - indents JSON that arrives in pieces, in constant memory.
 *
 * Only white space outside strings changes; numbers and strings pass as they
 * are.  From the first byte that no JSON text could have there, everything
 * passes unchanged: what comes out is never less than what came in.
 */
#ifndef TRACETAPE_TOOLS_PRETTY_H
#define TRACETAPE_TOOLS_PRETTY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/bytes.h"

enum { PRETTY_DEPTH_MAX = 512, PRETTY_INDENT = 2 };

struct pretty {
	enum {
		PRETTY_BETWEEN,		/* outside of strings */
		PRETTY_STRING,
		PRETTY_ESCAPE,		/* after a backslash in a string */
		PRETTY_PLAIN,		/* not JSON: as it is */
	} state;
	unsigned depth;
	uint8_t last;			/* byte before that is no space; 0: none */
	bool after_space;
	uint8_t open[PRETTY_DEPTH_MAX];	/* '{' and '[' around us */
};

void pretty_init(struct pretty *p);

/* Appends the indented form of the next piece. */
void pretty_feed(struct pretty *p, const void *from, size_t n, struct bytes *out);

#endif
