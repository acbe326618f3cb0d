/* grid.h - rows in aligned columns that fit a width.
 *
 * Memory:  constant however many rows come: rows are collected in blocks of
 *          GRID_BLOCK, a block decides the widths, and widths never shrink
 *          afterwards, so that later blocks stay aligned unless they must grow.
 * Text:    cells pass term_put: nothing that is recorded harms the terminal.
 * Errors:  none but memory; then rows are printed with less care, never lost.
 */
#ifndef TRACETAPE_TOOLS_GRID_H
#define TRACETAPE_TOOLS_GRID_H

#include "tools/term.h"

enum { GRID_BLOCK = 256, GRID_COLUMNS_MAX = 24 };

enum grid_align {
	GRID_LEFT,
	GRID_RIGHT,
};

enum grid_clip {
	GRID_KEEP,		/* never cut a cell of this column */
	GRID_CLIP,		/* cut its end */
	GRID_CLIP_MIDDLE,	/* cut its middle: both ends tell something */
};

struct grid_column {
	const char *title;
	const char *brief;	/* title for want of room; NULL: the same */
	enum grid_align align;
	enum grid_clip clip;
	unsigned min;		/* cells it has at least, and may shrink to */
	unsigned drop;		/* left out for want of room, 1 first; 0: never */
};

struct grid;

/* columns are borrowed for the table's life, n <= GRID_COLUMNS_MAX.  NULL: no
 * memory. */
struct grid *grid_new(const struct grid_column *columns, size_t n,
    const struct term *term, FILE *out);

/* The next cell of the row that is being made; text is borrowed for the call. */
void grid_cell(struct grid *t, struct slice text, enum term_colour c);

/* The row is complete; missing cells are empty. */
void grid_row(struct grid *t);

/* A line across all columns, in the place of a row. */
void grid_line(struct grid *t, struct slice text, enum term_colour c);

/* Prints what is collected, for output that must not wait. */
void grid_flush(struct grid *t);

void grid_free(struct grid *t);	/* without printing; safe on NULL */

#endif
