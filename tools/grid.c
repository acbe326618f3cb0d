#include "tools/grid.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum {
	GAP = 2,
	GAP_NARROW = 1,
	LINE = 255,
	PAD_MAX = 60,		/* without a width: longer cells stick out */
	TEXT_MAX = 256 * 1024,	/* of a block; one row may go past it */
};

/* A cell: where its text lies in the block's text. */
struct cell {
	size_t off;
	size_t len;
	size_t cells;
	unsigned char colour;
	unsigned char column;	/* LINE: it is the whole row */
};

struct grid {
	const struct grid_column *columns;
	size_t n;
	const struct term *term;
	FILE *out;
	struct cell *cells;	/* of the block, row after row */
	size_t used;
	size_t row_ends[GRID_BLOCK];
	size_t rows;
	struct bytes text;
	size_t wide[GRID_COLUMNS_MAX];		/* widest cell so far */
	size_t width[GRID_COLUMNS_MAX];	/* to print; 0: left out */
	unsigned gap;
	bool is_brief;		/* short titles */
	uint64_t blocks;	/* printed; the titles came with the first */
};

struct grid *
grid_new(const struct grid_column *columns, size_t n,
    const struct term *term, FILE *out)
{
	struct grid *t = calloc(1, sizeof(*t));

	assert(n <= GRID_COLUMNS_MAX);
	if (!t)
		return NULL;
	t->cells = calloc(GRID_BLOCK * n, sizeof(*t->cells));
	if (!t->cells) {
		free(t);
		return NULL;
	}
	t->columns = columns;
	t->n = n;
	t->term = term;
	t->out = out;
	for (size_t i = 0; i < n; i++)
		t->wide[i] = columns[i].min;
	return t;
}

void
grid_free(struct grid *t)
{
	if (!t)
		return;
	bytes_fini(&t->text);
	free(t->cells);
	free(t);
}

static size_t
row_start(const struct grid *t, size_t row)
{
	return row == 0 ? 0 : t->row_ends[row - 1];
}

static struct slice
cell_text(const struct grid *t, const struct cell *cell)
{
	if (cell->len == 0)
		return SLICE("");
	return (struct slice){ (const char *)t->text.p + cell->off, cell->len };
}

static struct cell *
add_cell(struct grid *t, struct slice text, enum term_colour c, size_t column)
{
	struct cell *cell = &t->cells[t->used++];

	cell->off = t->text.len;
	term_put(&t->text, text);
	cell->len = t->text.len - cell->off;
	cell->cells = term_cells(cell_text(t, cell));
	cell->colour = (unsigned char)c;
	cell->column = (unsigned char)column;
	return cell;
}

void
grid_cell(struct grid *t, struct slice text, enum term_colour c)
{
	size_t column = t->used - row_start(t, t->rows);
	const struct cell *cell;

	assert(column < t->n);
	cell = add_cell(t, text, c, column);
	if (t->wide[column] < cell->cells)
		t->wide[column] = cell->cells;
}

void
grid_row(struct grid *t)
{
	t->row_ends[t->rows++] = t->used;
	if (t->rows == GRID_BLOCK || t->text.len >= TEXT_MAX)
		grid_flush(t);
}

void
grid_line(struct grid *t, struct slice text, enum term_colour c)
{
	assert(t->used == row_start(t, t->rows));
	add_cell(t, text, c, LINE);
	grid_row(t);
}

static size_t
total_width(const struct grid *t)
{
	size_t sum = 0, shown = 0;

	for (size_t i = 0; i < t->n; i++) {
		sum += t->width[i];
		shown += t->width[i] > 0;
	}
	return sum + (shown > 1 ? (shown - 1) * t->gap : 0);
}

/* Takes up to `over` cells from columns that may be cut; returns what is left. */
static size_t
shrink(struct grid *t, size_t over)
{
	for (size_t i = 0; i < t->n && over > 0; i++) {
		size_t min = t->columns[i].min;
		size_t take;

		if (t->columns[i].clip == GRID_KEEP || t->width[i] <= min)
			continue;
		take = t->width[i] - min < over ? t->width[i] - min : over;
		t->width[i] -= take;
		over -= take;
	}
	return over;
}

/* Leaves out the column that may go first; false when none may. */
static bool
drop_one(struct grid *t)
{
	size_t best = t->n;

	for (size_t i = 0; i < t->n; i++) {
		unsigned d = t->columns[i].drop;

		if (d == 0 || t->width[i] == 0)
			continue;
		if (best == t->n || d < t->columns[best].drop)
			best = i;
	}
	if (best == t->n)
		return false;
	t->width[best] = 0;
	return true;
}

static struct slice
title(const struct grid *t, size_t column)
{
	const struct grid_column *c = &t->columns[column];
	const char *s = t->is_brief && c->brief ? c->brief : c->title;

	return (struct slice){ s, strlen(s) };
}

/* What the column would take by itself. */
static size_t
natural_width(const struct grid *t, size_t column)
{
	size_t w = t->wide[column], need = term_cells(title(t, column));

	/* One very long cell must not push every other row apart. */
	if (t->term->width == 0 && t->columns[column].clip != GRID_KEEP &&
	    w > PAD_MAX)
		w = PAD_MAX;
	return w > need ? w : need;
}

/* Tries one way; returns how many cells it is over. */
static size_t
try_widths(struct grid *t, const bool *dropped, unsigned gap, bool is_brief)
{
	size_t max = t->term->width, all;

	t->gap = gap;
	t->is_brief = is_brief;
	for (size_t i = 0; i < t->n; i++)
		t->width[i] = dropped[i] ? 0 : natural_width(t, i);
	all = total_width(t);
	return max == 0 || all <= max ? 0 : all - max;
}

/* Wide gaps if all fits, else narrow ones; else brief titles; then cells are cut;
 * then columns are left out, which may make room for the others again. */
static void
lay_out(struct grid *t)
{
	bool dropped[GRID_COLUMNS_MAX] = { false };
	size_t over;

	for (;;) {
		if (try_widths(t, dropped, GAP, false) == 0 ||
		    try_widths(t, dropped, GAP_NARROW, false) == 0)
			return;
		over = try_widths(t, dropped, GAP_NARROW, true);
		if (over == 0 || shrink(t, over) == 0 || !drop_one(t))
			return;
		for (size_t i = 0; i < t->n; i++)
			dropped[i] = t->width[i] == 0;
	}
}

static void
pad(struct grid *t, size_t n)
{
	fprintf(t->out, "%*s", (int)n, "");
}

/* Prints text in `width` cells; the last column is not padded. */
static void
print_cell(struct grid *t, size_t column, struct slice text, enum term_colour c,
    bool is_last)
{
	const struct grid_column *col = &t->columns[column];
	size_t width = t->width[column], cells;
	struct bytes cut = { 0 };

	term_clip(&cut, text, t->term->width ? width : SIZE_MAX,
	    col->clip == GRID_CLIP_MIDDLE);
	cells = term_cells(bytes_slice(&cut));
	if (col->align == GRID_RIGHT && cells < width)
		pad(t, width - cells);
	fprintf(t->out, "%s%.*s%s", c ? term_on(t->term, c) : "", (int)cut.len,
	    (const char *)cut.p, c ? term_off(t->term) : "");
	if (col->align == GRID_LEFT && cells < width && !is_last)
		pad(t, width - cells);
	bytes_fini(&cut);
}

/* texts, colours: of n columns; a missing text is empty. */
static void
print_row(struct grid *t, const struct slice *texts, const unsigned char *colours)
{
	size_t last = t->n;
	bool is_first = true;

	for (size_t i = 0; i < t->n; i++)
		if (t->width[i] > 0)
			last = i;
	for (size_t i = 0; i < t->n; i++) {
		if (t->width[i] == 0)
			continue;
		if (!is_first)
			pad(t, t->gap);
		is_first = false;
		print_cell(t, i, texts[i], colours[i], i == last);
	}
	putc('\n', t->out);
}

static void
print_title(struct grid *t)
{
	struct slice texts[GRID_COLUMNS_MAX];
	unsigned char colours[GRID_COLUMNS_MAX];

	for (size_t i = 0; i < t->n; i++) {
		texts[i] = title(t, i);
		colours[i] = TERM_BOLD;
	}
	print_row(t, texts, colours);
}

static void
print_cells(struct grid *t, const struct cell *cells, size_t n)
{
	struct slice texts[GRID_COLUMNS_MAX] = { { NULL, 0 } };
	unsigned char colours[GRID_COLUMNS_MAX] = { 0 };
	struct bytes cut = { 0 };

	for (size_t i = 0; i < n; i++) {
		struct slice s = cell_text(t, &cells[i]);

		if (cells[i].column == LINE) {
			term_clip(&cut, s, t->term->width ? t->term->width :
			    SIZE_MAX, false);
			fprintf(t->out, "%s%.*s%s\n",
			    term_on(t->term, cells[i].colour), (int)cut.len,
			    (const char *)cut.p, term_off(t->term));
			bytes_fini(&cut);
			return;
		}
		texts[i] = s;
		colours[i] = cells[i].colour;
	}
	print_row(t, texts, colours);
}

void
grid_flush(struct grid *t)
{
	if (t->rows == 0)
		return;
	lay_out(t);
	if (t->blocks++ == 0)
		print_title(t);
	for (size_t r = 0; r < t->rows; r++) {
		size_t from = row_start(t, r);

		print_cells(t, &t->cells[from], t->row_ends[r] - from);
	}
	t->rows = 0;
	t->used = 0;
	bytes_clear(&t->text);
}
