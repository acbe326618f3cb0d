#include "tools/dump_trace.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tools/pick.h"

enum {
	AROUND_MAX = 512,	/* calls before an exchange, and behind it */
	AROUND_LOOKS = 20000,	/* exchanges, either way */
};

int
trace_history_add(struct trace_history *h, uint64_t seq)
{
	if (!h->v)
		h->v = calloc(HISTORY_CALLS_MAX, sizeof(*h->v));
	if (!h->v)
		return ENOMEM;
	h->v[h->n++] = (struct history_call){ .seq = seq };
	return 0;
}

void
trace_history_fini(struct trace_history *h)
{
	free(h->v);
	*h = (struct trace_history){ 0 };
}

static int
by_seq(const void *a, const void *b)
{
	const struct history_call *x = a, *y = b;

	return (x->seq > y->seq) - (x->seq < y->seq);
}

int
trace_history_read(struct dump *d, struct trace_history *h)
{
	bool cut;
	int rc;

	if (h->n == 0)
		return 0;
	qsort(h->v, h->n, sizeof(*h->v), by_seq);
	rc = history_read(d->reader, h->v, h->n, &cut);
	h->cut |= cut;
	return rc;
}

/* Adds what stands alone among the exchanges from seq on, down or up. */
static int
add_side(struct dump *d, uint64_t seq, bool is_down, struct trace_history *h)
{
	enum join_standing s;
	struct exchange x;
	uint64_t bad = 0;
	size_t most = h->n + AROUND_MAX;
	int rc = 0;

	for (int i = 0; i < AROUND_LOOKS && h->n < most && rc == 0; i++) {
		rc = is_down ? pick_prev(d->reader, seq, &x, &bad) :
		    pick_next(d->reader, seq, &x, &bad);
		if (rc)
			break;
		seq = x.seq;
		rc = join_standing(d->reader, &x, &s);
		if (rc == 0 && s == JOIN_LONE)
			rc = trace_history_add(h, seq);
	}
	return rc == READER_NONE ? 0 : rc;
}

int
trace_history_around(struct dump *d, uint64_t seq, struct trace_history *h)
{
	int rc = trace_history_add(h, seq);

	if (rc == 0)
		rc = add_side(d, seq, true, h);
	if (rc == 0)
		rc = add_side(d, seq, false, h);
	return rc ? rc : trace_history_read(d, h);
}

int
trace_history_join(struct dump *d, const struct trace_history *h, uint64_t seq,
    struct join **j)
{
	struct history_call *v = calloc(h->n + 1, sizeof(*v)), *of;
	const struct history_call key = { .seq = seq };
	size_t n = 0;
	int rc = READER_NONE;

	*j = NULL;
	if (!v)
		return ENOMEM;
	of = bsearch(&key, h->v, h->n, sizeof(*h->v), by_seq);
	for (size_t i = 0; of && i < h->n; i++)
		if (h->v[i].first == of->first)
			v[n++] = h->v[i];
	if (n > 0)
		rc = join_history(j, d->reader, v, n);
	free(v);
	return rc;
}
