/* utf8.h - walks UTF-8 text strictly (RFC 3629) and knows how wide it prints.
 *
 * Errors: bytes that are no UTF-8 are an answer, not a fault.
 */
#ifndef TRACETAPE_TOOLS_UTF8_H
#define TRACETAPE_TOOLS_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	UTF8_MORE = 0,		/* a good beginning that ends too early */
	UTF8_INVALID = -1,	/* the first byte starts nothing valid */
};

/* The character at p: its length in bytes (1 to 4) and *cp, or one of the above.
 * n > 0.  Overlong forms, surrogates and more than U+10FFFF are invalid. */
int utf8_next(const void *p, size_t n, uint32_t *cp);

/* All of p is UTF-8; an unfinished last character counts when cut is true. */
bool utf8_is_valid(const void *p, size_t n, bool cut);

/* Cells that cp takes on a terminal: 0 (combining), 1, or 2 (East Asian wide,
 * emoji).  Independent of the locale, so that outputs can be compared. */
int utf8_cells(uint32_t cp);

/* True for what a terminal or a reader's eye may be fooled with: C0 and C1
 * controls, DEL, bidi controls, line separators, invisible tags. */
bool utf8_is_hostile(uint32_t cp);

#endif
