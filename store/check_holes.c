#include <time.h>

#include "store/check_private.h"
#include "store/lockfile.h"

enum {
	LIVE_WAIT_MS = 1000,	/* an exchange that has just begun gets its row by then */
	LIVE_STEP_MS = 50,
	NUMBERS_MAX = 4096,	/* of a hole that is looked at again, each */
};

static void
wait_ms(long ms)
{
	const struct timespec ts = { ms / 1000, ms % 1000 * 1000000 };

	nanosleep(&ts, NULL);
}

/* Does a gap speak of seq?  There are few, and they may overlap. */
static int
is_in_gap(struct check *c, uint64_t seq, bool *is)
{
	struct slice why;
	uint64_t after = 0, from, n;
	int rc;

	while ((rc = reader_next_gap(c->r, after, &from, &n, &why)) == 0 ||
	    rc == READER_CORRUPT) {
		if (from > seq)
			break;
		if (rc == 0 && seq - from < n) {
			*is = true;
			return 0;
		}
		after = from;
	}
	*is = false;
	return rc == READER_NONE || rc == READER_CORRUPT ? 0 : rc;
}

static int
is_there(struct check *c, uint64_t seq, bool *is)
{
	struct exchange x;
	int rc = reader_get(c->r, seq, &x);

	*is = rc == 0 || rc == READER_CORRUPT;
	if (*is)
		return 0;
	return rc == READER_NONE ? is_in_gap(c, seq, is) : rc;
}

/* Cuts off at both ends what is there by now; false: that is all of it. */
static int
shrink(struct check *c, struct check_hole *h, bool *is_hole)
{
	bool is = true;
	int rc = 0;

	*is_hole = true;
	if (h->to - h->from >= NUMBERS_MAX)
		return 0;
	while (h->from <= h->to && (rc = is_there(c, h->from, &is)) == 0 && is)
		h->from++;
	while (rc == 0 && h->from < h->to &&
	    (rc = is_there(c, h->to, &is)) == 0 && is)
		h->to--;
	*is_hole = h->from <= h->to;
	return rc;
}

static int
shrink_all(struct check *c)
{
	size_t n = 0;
	bool is_hole;
	int rc;

	for (size_t i = 0; i < c->n_holes; i++) {
		if ((rc = shrink(c, &c->hole[i], &is_hole)) != 0)
			return rc;
		if (is_hole)
			c->hole[n++] = c->hole[i];
	}
	c->n_holes = n;
	return 0;
}

static void
tell(struct check *c, const struct check_hole *h)
{
	enum table t = h->is_left ? TABLE_BODY : TABLE_EXCHANGE;
	enum check_what what = h->is_left ? CHECK_LEFT : CHECK_LOST;

	if (h->to == h->from)
		check_tell_seq(c, what, t, h->from);
	else
		check_tell(c, what, &(struct check_at){ .table = table_name(t),
		    .seq = h->from }, "and those up to %llu",
		    (unsigned long long)h->to);
	check_flush(c);
}

int
check_holes(struct check *c)
{
	int rc = c->n_holes > 0 ? shrink_all(c) : 0;

	if (rc == 0 && c->n_holes > 0 && lockfile_holder(c->dir, LOCKFILE_WRITER) > 0)
		for (int ms = 0; rc == 0 && c->n_holes > 0 && ms < LIVE_WAIT_MS;
		    ms += LIVE_STEP_MS) {
			wait_ms(LIVE_STEP_MS);
			rc = shrink_all(c);
		}
	for (size_t i = 0; rc == 0 && i < c->n_holes; i++)
		tell(c, &c->hole[i]);
	if (rc == 0 && c->more_holes > 0) {
		check_tell(c, CHECK_LOST, &(struct check_at){
		    .table = table_name(TABLE_EXCHANGE) }, "%llu more places",
		    (unsigned long long)c->more_holes);
	}
	return rc;
}
