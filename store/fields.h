/* fields.h - chosen header fields of a raw head, as texts.
 */
#ifndef TRACETAPE_STORE_FIELDS_H
#define TRACETAPE_STORE_FIELDS_H

#include "store/texts.h"

enum { FIELD_VALUE_MAX = 4096 };	/* bytes; longer values are cut */

struct field {
	struct slice name;	/* in small letters */
	unsigned text;		/* where it goes */
	bool is_list;		/* all lines count, joined (RFC 9110 5.3);
				 * else the first one */
};

/* lines: the field lines, without the start line. */
void fields_read(struct texts *t, struct slice lines,
    const struct field *table, size_t n);

#endif
