#include "tools/dump.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <time.h>

#include "tools/body.h"
#include "tools/grid.h"
#include "tools/pick.h"
#include "tools/units.h"

static const struct grid_column columns[] = {
	{ "seq", NULL, GRID_RIGHT, GRID_KEEP, 0, 0 },
	{ "time", NULL, GRID_LEFT, GRID_KEEP, 0, 0 },
	{ "method", "verb", GRID_LEFT, GRID_CLIP, 4, 5 },
	{ "path", NULL, GRID_LEFT, GRID_CLIP_MIDDLE, 10, 0 },
	{ "status", "st", GRID_RIGHT, GRID_KEEP, 3, 0 },
	{ "model", NULL, GRID_LEFT, GRID_CLIP, 8, 6 },
	{ "in", NULL, GRID_RIGHT, GRID_KEEP, 4, 3 },
	{ "cached", "cach", GRID_RIGHT, GRID_KEEP, 4, 1 },
	{ "out", NULL, GRID_RIGHT, GRID_KEEP, 4, 4 },
	{ "ttft", NULL, GRID_RIGHT, GRID_KEEP, 5, 2 },
	{ "total", NULL, GRID_RIGHT, GRID_KEEP, 5, 7 },
	{ "outcome", NULL, GRID_LEFT, GRID_KEEP, 8, 0 },
};

enum {
	COLUMNS = sizeof(columns) / sizeof(columns[0]),
	LONG_TIME_FROM = 120,	/* cells from which on dates are printed whole */
	OPEN_MAX = 64 * 1024,	/* exchanges in flight that -f remembers */
};

struct list {
	struct dump *d;
	struct grid *grid;	/* NULL: JSON */
	struct body_copy copy;
	struct bytes cell;
	int64_t now_ns;
	uint64_t printed;
	uint64_t gaps;
	uint64_t bad;		/* rows that do not decode */
	uint64_t began_after;
	uint64_t last_gap;	/* the number of the last one told */
	uint64_t *open;		/* in flight when seen, for -f */
	size_t n_open;
};

/* ---- one row */

static enum term_colour
status_colour(int64_t status)
{
	if (status >= 400)
		return status == 429 ? TERM_YELLOW : TERM_RED;
	return TERM_PLAIN;
}

static enum term_colour
outcome_colour(enum outcome o)
{
	switch (o) {
	case OUTCOME_COMPLETE:
		return TERM_PLAIN;
	case OUTCOME_IN_FLIGHT:
		return TERM_CYAN;
	case OUTCOME_CANCELLED:
		return TERM_YELLOW;
	case OUTCOME_UPSTREAM:
	case OUTCOME_TIMEOUT:
	case OUTCOME_REFUSED:
	case OUTCOME_INTERRUPTED:
	case OUTCOME_N:
		break;
	}
	return TERM_RED;
}

static void
text_cell(struct list *l, struct slice s)
{
	grid_cell(l->grid, s.p ? s : SLICE("-"), TERM_PLAIN);
}

/* The cell that was put together in l->cell. */
static void
made_cell(struct list *l, enum term_colour c)
{
	grid_cell(l->grid, bytes_slice(&l->cell), c);
	bytes_clear(&l->cell);
}

static void
count_cell(struct list *l, int64_t n, enum term_colour c)
{
	units_count(&l->cell, n);
	made_cell(l, c);
}

static void
duration_cell(struct list *l, int64_t us)
{
	units_duration(&l->cell, us);
	made_cell(l, TERM_PLAIN);
}

static void
time_cell(struct list *l, int64_t time_ns)
{
	unsigned width = l->d->term.width;

	if (width == 0 || width >= LONG_TIME_FROM)
		units_local(&l->cell, time_ns);
	else
		units_local_short(&l->cell, time_ns, l->now_ns);
	made_cell(l, TERM_DIM);
}

static void
print_row(struct list *l, const struct exchange *x)
{
	const char *outcome = outcome_name(x->outcome);

	bytes_printf(&l->cell, "%" PRIu64, x->seq);
	made_cell(l, TERM_PLAIN);
	time_cell(l, x->time_ns);
	text_cell(l, x->method);
	text_cell(l, x->path);
	count_cell(l, x->status, status_colour(x->status));
	text_cell(l, x->model);
	count_cell(l, x->usage.input, TERM_PLAIN);
	count_cell(l, x->usage.cached, TERM_PLAIN);
	count_cell(l, x->usage.output, TERM_PLAIN);
	duration_cell(l, x->timing.first_token);
	duration_cell(l, x->timing.end);
	bytes_puts(&l->cell, outcome);
	made_cell(l, outcome_colour(x->outcome));
	grid_row(l->grid);
}

static int
print_json(struct list *l, const struct exchange *x)
{
	bool is_array = l->d->format == DUMP_JSON;
	int rc;

	if (is_array)
		fputs(l->printed > 0 ? ",\n" : "[\n", l->d->out);
	rc = dump_json(l->d, x, false);
	if (rc != 0)
		return dump_reader_failed(l->d, rc);
	if (!is_array)
		putc('\n', l->d->out);
	return DUMP_OK;
}

/* x is not lent by the reader. */
static int
print(void *arg, const struct exchange *x)
{
	struct list *l = arg;
	int code = DUMP_OK;

	if (l->grid)
		print_row(l, x);
	else
		code = print_json(l, x);
	l->printed++;
	return code;
}

/* ---- gaps */

/* A gap is a row among rows; in JSON, whose lines are exchanges, it is told on
 * stderr. */
static void
print_gap(struct list *l, uint64_t seq, uint64_t n, struct slice why)
{
	if (!l->grid) {
		dump_fail(DUMP_OK, "exchanges %" PRIu64 " to %" PRIu64
		    " were lost: %.*s", seq, seq + n - 1, (int)why.len, why.p);
		return;
	}
	bytes_printf(&l->cell, "-- %" PRIu64 " lost, %" PRIu64 " to %" PRIu64
	    ": ", n, seq, seq + n - 1);
	bytes_put_slice(&l->cell, why);
	grid_line(l->grid, bytes_slice(&l->cell), TERM_RED);
	bytes_clear(&l->cell);
}

/* Those whose first number is above lo and below hi. */
static int
print_gaps(struct list *l, uint64_t lo, uint64_t hi)
{
	struct slice why;
	uint64_t seq = lo, n;
	int rc;

	while ((rc = reader_next_gap(l->d->reader, seq, &seq, &n, &why)) == 0 &&
	    seq < hi) {
		print_gap(l, seq, n, why);
		l->gaps++;
		l->last_gap = seq;
	}
	return rc == 0 || rc == READER_NONE ? DUMP_OK :
	    dump_reader_failed(l->d, rc);
}

/* ---- the list */

/* Takes note of an exchange that -f shall print when it ends. */
static int
remember(struct list *l, uint64_t seq)
{
	if (!l->open)
		l->open = calloc(OPEN_MAX, sizeof(*l->open));
	if (!l->open)
		return dump_fail(DUMP_STORE, "no memory");
	if (l->n_open < OPEN_MAX)
		l->open[l->n_open++] = seq;
	return DUMP_OK;
}

static int
print_or_remember(struct list *l)
{
	const struct exchange *x = &l->copy.x;

	if ((l->d->flags & DUMP_FOLLOW) && x->outcome == OUTCOME_IN_FLIGHT)
		return remember(l, x->seq);
	return print(l, x);
}

/* The number after which the last n exchanges begin. */
static int
find_start(struct list *l, int64_t n, uint64_t *after)
{
	struct exchange x;
	uint64_t before = UINT64_MAX, bad = 0;
	int rc = 0;

	*after = 0;
	if (n == 0) {
		rc = pick_prev(l->d->reader, before, &x, &bad);
		*after = rc == 0 ? x.seq : 0;
		before = 0;
	}
	for (; n > 0 && rc == 0; n--)
		if ((rc = pick_prev(l->d->reader, before, &x, &bad)) == 0)
			before = x.seq;
	if (rc == 0 && before > 0)
		*after = before - 1;
	return rc == 0 || rc == READER_NONE ? DUMP_OK :
	    dump_reader_failed(l->d, rc);
}

/* *last: the highest number that was looked at. */
static int
list_forward(struct list *l, uint64_t *last)
{
	struct exchange x;
	uint64_t lo;
	int rc, code = DUMP_OK;

	if (l->d->n >= 0)
		code = find_start(l, l->d->n, last);
	lo = l->began_after = l->last_gap = *last;
	while (code == DUMP_OK &&
	    (rc = pick_next(l->d->reader, *last, &x, &l->bad)) == 0) {
		*last = x.seq;
		if (body_copy(&l->copy, &x) != 0)
			return dump_fail(DUMP_STORE, "no memory");
		code = print_gaps(l, lo, *last);
		if (code == DUMP_OK)
			code = print_or_remember(l);
		lo = *last;
	}
	if (code == DUMP_OK && rc != READER_NONE)
		code = dump_reader_failed(l->d, rc);
	return code == DUMP_OK ? print_gaps(l, lo, UINT64_MAX) : code;
}

static int
list_backward(struct list *l)
{
	struct exchange x;
	uint64_t hi = UINT64_MAX, seq;
	int64_t left = l->d->n >= 0 ? l->d->n : INT64_MAX;
	int rc = 0, code = DUMP_OK;

	while (code == DUMP_OK && left-- > 0 &&
	    (rc = pick_prev(l->d->reader, hi, &x, &l->bad)) == 0) {
		seq = x.seq;
		if (body_copy(&l->copy, &x) != 0)
			return dump_fail(DUMP_STORE, "no memory");
		code = print_gaps(l, seq, hi);
		if (code == DUMP_OK)
			code = print(l, &l->copy.x);
		hi = seq;
	}
	if (code == DUMP_OK && rc != 0 && rc != READER_NONE)
		code = dump_reader_failed(l->d, rc);
	return code;
}

static int
list_ids(struct list *l)
{
	struct exchange x;
	uint64_t seq;
	int code = DUMP_OK, rc;

	for (int i = 0; code == DUMP_OK && i < l->d->n_ids; i++) {
		code = dump_pick(l->d, l->d->ids[i], &seq);
		if (code != DUMP_OK)
			break;
		rc = reader_get(l->d->reader, seq, &x);
		if (rc == 0 && body_copy(&l->copy, &x) != 0)
			rc = ENOMEM;
		code = rc == 0 ? print(l, &l->copy.x) :
		    dump_reader_failed(l->d, rc);
	}
	return code;
}

/* ---- -f */

static int
pause_list(void *arg)
{
	struct list *l = arg;
	int code = print_gaps(l, l->last_gap, UINT64_MAX);

	if (l->grid)
		grid_flush(l->grid);
	fflush(l->d->out);
	return code;
}

/* With -n: those in flight that the list began after. */
static int
remember_older(struct list *l)
{
	struct exchange x;
	uint64_t before = l->began_after + 1, bad = 0;
	int rc, code = DUMP_OK;

	while (code == DUMP_OK && before > 0 &&
	    (rc = pick_prev(l->d->reader, before, &x, &bad)) == 0) {
		before = x.seq;
		if (x.outcome == OUTCOME_IN_FLIGHT)
			code = remember(l, x.seq);
	}
	return code != DUMP_OK || before == 0 || rc == READER_NONE ? code :
	    dump_reader_failed(l->d, rc);
}

static int
follow(struct list *l, uint64_t after)
{
	struct dump_follower f = { print, pause_list, l };
	int code = remember_older(l);

	if (code == DUMP_OK)
		code = pause_list(l);

	if (code == DUMP_OK)
		code = dump_follow(l->d, after, l->open, l->n_open, &f);
	return code;
}

static void
finish(struct list *l)
{
	if (l->grid)
		grid_flush(l->grid);
	if (l->d->format == DUMP_JSON)
		fputs(l->printed > 0 ? "\n]\n" : "[]\n", l->d->out);
}

static int
run(struct list *l)
{
	struct dump *d = l->d;
	uint64_t last = 0;
	int code;

	if (d->n_ids > 0)
		code = list_ids(l);
	else if (d->flags & DUMP_REVERSE)
		code = list_backward(l);
	else
		code = list_forward(l, &last);
	if (code == DUMP_OK && (d->flags & DUMP_FOLLOW))
		return follow(l, last);
	finish(l);
	if (code == DUMP_OK && l->bad > 0)
		return dump_fail(DUMP_STORE, "%" PRIu64 " exchanges in %s do not "
		    "decode: the store is damaged there", l->bad, d->dir);
	if (code == DUMP_OK && l->printed == 0 && l->gaps == 0 && d->n != 0)
		code = dump_fail(DUMP_NONE, "nothing is recorded yet in %s",
		    d->dir);
	return code;
}

int
dump_list(struct dump *d)
{
	struct list l = { .d = d };
	struct timespec now;
	int code;

	clock_gettime(CLOCK_REALTIME, &now);
	l.now_ns = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
	if (d->format == DUMP_TABLE) {
		l.grid = grid_new(columns, COLUMNS, &d->term, d->out);
		if (!l.grid)
			return dump_fail(DUMP_STORE, "no memory");
	}
	code = run(&l);
	grid_free(l.grid);
	body_copy_fini(&l.copy);
	bytes_fini(&l.cell);
	free(l.open);
	return code;
}
