#include "proxy/press.h"

#include <stdlib.h>
#include <string.h>

#include "proxy/loop.h"
#include "store/writer.h"

enum {
	BEGUN_MAX = 200,	/* exchanges a second: with more there is no time */
	SHARE = 5,		/* one part of so many of the time goes into this */
	HOLD_SHARE = 4,		/* ... and of the parents' bytes into a body's wait */
};

static const int64_t window_ns = 1000000000;
static const int64_t most_ns = 1000000000;	/* saved up while nothing came */
static const int64_t work_ns = 10000000;	/* in one go, and one body more */

void
press_init(struct press *p, size_t parents_bytes)
{
	*p = (struct press){ .time_ns = most_ns };
	p->hold = parents_bytes / HOLD_SHARE;
	if (p->hold > PRESS_HOLD_MAX)
		p->hold = PRESS_HOLD_MAX;
}

static struct writer_late *
first(const struct press *p)
{
	return &p->late[p->first];
}

static void
drop_first(struct press *p)
{
	elements_fini(&first(p)->elements);
	p->first = (p->first + 1) % PRESS_LATE_MAX;
	p->n--;
}

void
press_fini(struct press *p)
{
	while (p->n > 0)
		drop_first(p);
	free(p->late);
	*p = (struct press){ .late = NULL };
}

static void
turn_window(struct press *p, int64_t now_ns)
{
	if (now_ns - p->window_ns < window_ns)
		return;
	p->begun_before = now_ns - p->window_ns < 2 * window_ns ? p->begun : 0;
	p->begun = 0;
	p->window_ns = now_ns;
}

void
press_count(struct press *p, int64_t now_ns)
{
	turn_window(p, now_ns);
	p->begun++;
}

bool
press_has_time(struct press *p, int64_t now_ns)
{
	turn_window(p, now_ns);
	p->time_ns += (now_ns - p->told_ns) / SHARE;
	if (p->time_ns > most_ns)
		p->time_ns = most_ns;
	p->told_ns = now_ns;
	return p->begun <= BEGUN_MAX && p->begun_before <= BEGUN_MAX &&
	    p->time_ns > 0;
}

void
press_spend(struct press *p, int64_t ns)
{
	p->time_ns -= ns;
}

void
press_later(struct press *p, uint64_t seq, struct elements *e)
{
	struct writer_late *l;

	if (!p->late)
		p->late = calloc(PRESS_LATE_MAX, sizeof(*p->late));
	if (!p->late || p->n == PRESS_LATE_MAX) {
		elements_fini(e);
		return;
	}
	l = &p->late[(p->first + p->n++) % PRESS_LATE_MAX];
	*l = (struct writer_late){ .seq = seq, .side = SIDE_REQUEST_BODY,
	    .elements = *e };
	elements_init(e);
}

bool
press_is_waiting(const struct press *p)
{
	return p->n > 0;
}

int
press_work(struct press *p, struct writer *w)
{
	const int64_t began = loop_now_ns();
	int rc = 0;

	while (rc == 0 && p->n > 0 && loop_now_ns() - began < work_ns) {
		rc = writer_squeeze(w, first(p));
		if (rc || first(p)->is_over)
			drop_first(p);
	}
	press_spend(p, loop_now_ns() - began);
	return rc;
}
