/* term.h - the terminal on the other end: its width, whether it wants colour, and
 * text that cannot harm it.
 *
 * Recorded text is the work of strangers.  Whatever goes into output meant for
 * eyes passes term_put or a term_text: controls, bidi overrides and bytes that are
 * no UTF-8 come out as \x1b, \u202e, \xff.
 */
#ifndef TRACETAPE_TOOLS_TERM_H
#define TRACETAPE_TOOLS_TERM_H

#include <stdio.h>

#include "store/bytes.h"

enum { TERM_WIDTH_DEFAULT = 80 };

enum term_colour {
	TERM_PLAIN,
	TERM_BOLD,
	TERM_DIM,
	TERM_RED,
	TERM_GREEN,
	TERM_YELLOW,
	TERM_CYAN,
};

struct term {
	unsigned width;		/* cells; 0: not a terminal, nothing is cut */
	bool has_colour;
};

/* Looks at the file behind fd: width from the terminal, else $COLUMNS, else 80;
 * colour unless $NO_COLOR is set and not empty or $TERM is "dumb". */
void term_look(struct term *t, int fd);

/* The escape sequence that starts colour c, "" without colour. */
const char *term_on(const struct term *t, enum term_colour c);
const char *term_off(const struct term *t);

/* Appends s as one line of harmless text: line ends and tabs are escaped too. */
void term_put(struct bytes *out, struct slice s);

/* Cells that harmless text takes. */
size_t term_cells(struct slice s);

/* Appends harmless text cut to at most `cells`, an ellipsis standing for what
 * was cut; keep_tail leaves the end readable as well (paths, ids). */
void term_clip(struct bytes *out, struct slice s, size_t cells, bool keep_tail);

/* Text of many lines that arrives in pieces: LF and TAB pass, CR before LF is
 * dropped, each line is indented. */
struct term_text {
	FILE *out;
	unsigned indent;	/* spaces before each line that is not empty */
	bool at_start;		/* of a line */
	unsigned held;		/* bytes in hold: a character not complete yet */
	uint8_t hold[4];
};

void term_text_init(struct term_text *t, FILE *out, unsigned indent);
void term_text_feed(struct term_text *t, const void *p, size_t n);
void term_text_end(struct term_text *t);	/* ends the last line */

#endif
