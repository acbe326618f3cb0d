#include "store/check.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "store/check_private.h"

static int64_t
now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

struct slice
check_slice(const MDB_val *v)
{
	return (struct slice){ v->mv_data, v->mv_size };
}

const char *
check_side_name(int side)
{
	static const char *const names[SIDE_N] = {
		"request head", "request body", "request times",
		"request trailer", "response head", "response body",
		"response times", "response trailer",
	};

	return side >= 0 && side < SIDE_N ? names[side] : NULL;
}

void
check_tell(struct check *c, enum check_what what, const struct check_at *at,
    const char *fmt, ...)
{
	struct check_held *h;
	va_list ap;

	/* Who tells more than CHECK_ROW_MAX of one exchange has told enough. */
	if (c->n_held == CHECK_HELD_MAX)
		return;
	h = &c->held[c->n_held++];
	h->fault = (struct check_fault){ .what = what, .table = at->table,
	    .seq = at->seq, .side = at->side, .detail = h->detail };
	if (at->key.p) {
		size_t n = at->key.len < sizeof(h->key) ? at->key.len :
		    sizeof(h->key);

		memcpy(h->key, at->key.p, n);
		h->fault.key = (struct slice){ (const char *)h->key, n };
	}
	va_start(ap, fmt);
	vsnprintf(h->detail, sizeof(h->detail), fmt, ap);
	va_end(ap);
}

void
check_tell_key(struct check *c, enum check_what what, enum table t,
    struct slice key)
{
	check_tell(c, what, &(struct check_at){ table_name(t), 0, NULL, key },
	    "%s", "");
}

void
check_tell_seq(struct check *c, enum check_what what, enum table t, uint64_t seq)
{
	check_tell(c, what, &(struct check_at){ .table = table_name(t),
	    .seq = seq }, "%s", "");
}

void
check_forget(struct check *c, size_t n)
{
	if (c->n_held > n)
		c->n_held = n;
}

void
check_relax(struct check *c)
{
	const int64_t now = now_ms();

	if (now - c->relaxed_ms < CHECK_RELAX_MS)
		return;
	c->relaxed_ms = now;
	resident_drop(&c->map, c->map.len);
}

/* What cannot be found is not let go of. */
static void
find_map(struct check *c)
{
	mdb_filehandle_t fd;

	if (mdb_env_get_fd(c->r->env.mdb, &fd) != 0)
		return;
	resident_find(&c->map, fd, "data.mdb");
	c->map.fd = -1;
}

void
check_flush(struct check *c)
{
	check_relax(c);
	for (size_t i = 0; i < c->n_held; i++) {
		const struct check_fault *f = &c->held[i].fault;

		if (check_is_note(f->what))
			c->t->notes++;
		else
			c->t->faults++;
		c->o->on_fault(c->o->arg, f);
	}
	c->n_held = 0;
	if (c->o->on_progress)
		c->o->on_progress(c->o->arg, c->t);
}

static int
compare(const MDB_val *k, const struct check_walk *w)
{
	size_t n = k->mv_size < w->n ? k->mv_size : w->n;
	int d = n ? memcmp(k->mv_data, w->key, n) : 0;

	return d ? d : (k->mv_size > w->n) - (k->mv_size < w->n);
}

int
check_next(struct check *c, struct check_walk *w, MDB_val *k, MDB_val *v)
{
	MDB_cursor *cursor;
	int rc = w->is_over ? MDB_NOTFOUND : reader_cursor(c->r, w->table, &cursor);

	if (rc)
		return rc;
	*k = (MDB_val){ w->n, w->key };
	rc = mdb_cursor_get(cursor, k, v, w->n ? MDB_SET_RANGE : MDB_FIRST);
	if (rc == 0 && w->n > 0 && compare(k, w) == 0)
		rc = mdb_cursor_get(cursor, k, v, MDB_NEXT);
	if (rc == 0 && w->n > 0 && compare(k, w) <= 0) {
		check_tell_key(c, CHECK_ORDER, w->table, check_slice(k));
		rc = MDB_NOTFOUND;
	}
	if (rc == MDB_NOTFOUND)
		w->is_over = true;
	return rc;
}

void
check_seen(struct check_walk *w, const MDB_val *k)
{
	w->n = k->mv_size < CHECK_KEY_MAX ? k->mv_size : CHECK_KEY_MAX;
	memcpy(w->key, k->mv_data, w->n);
}

int
check_get(struct check *c, enum table t, const void *key, size_t n, MDB_val *v)
{
	MDB_val k = { n, (void *)key };

	if (!c->r->env.has[t])
		return MDB_NOTFOUND;
	return mdb_get(c->r->txn, c->r->env.dbi[t], &k, v);
}

/* In a snapshot: some rows. */
static int
step(struct check *c, struct check_walk *w, check_row *row)
{
	const int64_t until = now_ms() + CHECK_STEP_MS;
	int rc = 0;

	for (int i = 0; rc == 0 && i < CHECK_STEP_ROWS; i++) {
		MDB_val k, v;

		if (c->n_held > CHECK_HELD_MAX - CHECK_ROW_MAX || now_ms() >= until)
			break;
		if ((rc = check_next(c, w, &k, &v)) != 0)
			return rc == MDB_NOTFOUND ? 0 : rc;
		rc = row(c, &k, &v);
		check_seen(w, &k);
	}
	return rc;
}

int
check_table(struct check *c, enum table t, check_row *row)
{
	struct check_walk w = { .table = t };
	int rc = 0;

	while (rc == 0 && !w.is_over) {
		if ((rc = reader_begin(c->r)) != 0)
			break;
		rc = step(c, &w, row);
		reader_end(c->r);
		check_flush(c);
	}
	return rc;
}

/* The lowest and the highest number that there is. */
static int
find_ends(struct check *c)
{
	struct exchange x;
	int rc = reader_next(c->r, 0, &x);

	if (rc == 0 || rc == READER_CORRUPT)
		c->first_seq = x.seq;
	else if (rc != READER_NONE)
		return rc;
	rc = reader_prev(c->r, UINT64_MAX, &x);
	if (rc == 0 || rc == READER_CORRUPT)
		c->t->last_seq = x.seq;
	return rc == READER_NONE || rc == READER_CORRUPT ? 0 : rc;
}

static int
check_all(struct check *c)
{
	static int (*const parts[])(struct check *) = {
		find_ends, check_files, check_meta, check_exchanges, check_open,
		check_items, check_names, check_holes,
	};
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < sizeof(parts) / sizeof(parts[0]); i++) {
		rc = parts[i](c);
		check_flush(c);
	}
	return reader_code(rc);
}

int
check_store(struct reader *r, const char *dir, const struct check_options *o,
    struct check_totals *t)
{
	struct check *c = calloc(1, sizeof(*c));
	int rc = ENOMEM;

	*t = (struct check_totals){ 0 };
	if (!c)
		return ENOMEM;
	c->r = r;
	c->dir = dir;
	c->o = o;
	c->t = t;
	c->buf = malloc(CHECK_READ);
	c->squeeze = squeeze_new();
	c->items = item_reader_new();
	if (c->buf && c->squeeze && c->items) {
		find_map(c);
		rc = check_all(c);
	}
	item_reader_free(c->items);
	squeeze_free(c->squeeze);
	free(c->buf);
	free(c);
	return rc;
}
