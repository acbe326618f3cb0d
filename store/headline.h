/* headline.h - walks the lines of a raw head or trailer.
 *
 * For heads that proxy/http1 has already accepted; on any other bytes it stays
 * inside them and hands out each exactly once.
 */
#ifndef TRACETAPE_STORE_HEADLINE_H
#define TRACETAPE_STORE_HEADLINE_H

#include "store/bytes.h"

/* before + value + after is the whole line, its end included.  A line without a
 * colon, such as the start line or the empty one, has name.p == NULL and lies
 * whole in before. */
struct headline {
	struct slice name;	/* without white space before the colon */
	struct slice before;	/* name, colon, white space */
	struct slice value;	/* without white space around it */
	struct slice after;	/* white space and line end */
};

/* Takes the next line off rest; false: there is none. */
bool headline_next(struct slice *rest, struct headline *h);

/* The same for the first line of a head, which is no field. */
bool headline_first(struct slice *rest, struct headline *h);

#endif
