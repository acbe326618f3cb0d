#include "store/group.h"

#include <stdlib.h>
#include <string.h>

enum { HELD_N = 4 };

/* Bytes that were undone; p NULL: a free place. */
struct held {
	struct group_at at;
	uint8_t *p;
	size_t len;
	uint64_t used;		/* when, in calls */
	bool is_lent;		/* ... or was, and is not only a prefix */
};

struct group {
	struct squeeze *squeeze;
	struct held held[HELD_N];
	struct bytes row;
	bool is_raw;		/* row is */
	uint64_t now;
};

/* The way down: at, and the seqs that it leads to. */
struct way {
	const struct group_source *source;
	struct group_at at;
	uint64_t seq[SQUEEZE_DEPTH_MAX + 1];
	unsigned n;
};

struct group *
group_new(void)
{
	struct group *g = calloc(1, sizeof(*g));

	if (g && !(g->squeeze = squeeze_new())) {
		free(g);
		return NULL;
	}
	return g;
}

static void
let_go(struct held *h)
{
	free(h->p);
	*h = (struct held){ .p = NULL };
}

void
group_clear(struct group *g)
{
	for (unsigned i = 0; i < HELD_N; i++)
		let_go(&g->held[i]);
	bytes_fini(&g->row);
	squeeze_rest(g->squeeze);
}

void
group_free(struct group *g)
{
	if (!g)
		return;
	group_clear(g);
	squeeze_free(g->squeeze);
	free(g);
}

static struct held *
find(struct group *g, const struct group_at *at)
{
	for (unsigned i = 0; i < HELD_N; i++) {
		struct held *h = &g->held[i];

		if (h->p && h->at.seq == at->seq && h->at.side == at->side &&
		    h->at.block == at->block) {
			h->used = ++g->now;
			return h;
		}
	}
	return NULL;
}

void
group_forget(struct group *g, const struct group_at *at)
{
	struct held *h = find(g, at);

	if (h)
		let_go(h);
}

/* A free place for len bytes more; what is used last stays: it is the prefix. */
static struct held *
make_place(struct group *g, size_t len)
{
	for (;;) {
		struct held *oldest = NULL, *place = NULL;
		size_t sum = len;

		for (unsigned i = 0; i < HELD_N; i++) {
			struct held *h = &g->held[i];

			sum += h->len;
			if (!h->p)
				place = h;
			else if (!oldest || h->used < oldest->used)
				oldest = h;
		}
		if (place && sum <= GROUP_HELD_MAX)
			return place;
		let_go(oldest);
	}
}

static int
fetch(struct group *g, const struct way *way, const struct group_at *at)
{
	int rc;

	bytes_clear(&g->row);
	g->is_raw = false;
	rc = way->source->fetch(way->source->arg, at, &g->row, &g->is_raw);
	if (rc == 0 && g->row.failed)
		rc = GROUP_MEMORY;
	if (rc == 0 && (g->row.len == 0 ||
	    (g->is_raw && g->row.len > SQUEEZE_RAW_MAX)))
		rc = GROUP_CORRUPT;
	return rc;
}

/* Down to a body that needs no other, whose row g->row is then, or that is held, which
 * *from is then. */
static int
go_down(struct group *g, struct way *way, struct held **from)
{
	struct group_at at = way->at;
	struct squeeze_head h;
	int rc;

	for (;;) {
		way->seq[way->n++] = at.seq;
		if ((*from = find(g, &at)))
			return 0;
		if ((rc = fetch(g, way, &at)) != 0 || g->is_raw)
			return rc;
		if (squeeze_head_get(&h, g->row.p, g->row.len) != 0)
			return GROUP_CORRUPT;
		if (h.back == 0)
			return 0;
		if (h.back >= at.seq || way->n > SQUEEZE_DEPTH_MAX)
			return GROUP_CORRUPT;
		at.seq -= h.back;
	}
}

static int
undo(struct group *g, const struct held *prefix, struct held *to)
{
	struct squeeze_head h;
	int rc;

	if (g->is_raw)
		h.raw_len = g->row.len;
	else if (squeeze_head_get(&h, g->row.p, g->row.len) != 0)
		return GROUP_CORRUPT;
	if (!g->is_raw && h.back && !prefix)
		return GROUP_CORRUPT;
	if (!(to->p = malloc(h.raw_len)))
		return GROUP_MEMORY;
	to->len = h.raw_len;
	if (g->is_raw) {
		memcpy(to->p, g->row.p, h.raw_len);
		return 0;
	}
	rc = squeeze_undo(g->squeeze, &h, prefix ?
	    (struct slice){ (const char *)prefix->p, prefix->len } :
	    (struct slice){ NULL, 0 }, to->p);
	return rc == SQUEEZE_MEMORY ? GROUP_MEMORY : rc ? GROUP_CORRUPT : 0;
}

/* How long g->row is when undone, or 0. */
static size_t
raw_len(const struct group *g)
{
	struct squeeze_head h;

	if (g->is_raw)
		return g->row.len;
	return squeeze_head_get(&h, g->row.p, g->row.len) == 0 ? h.raw_len : 0;
}

/* Undoes g->row, the body of at. */
static int
hold(struct group *g, const struct group_at *at, const struct held *prefix,
    struct held **made)
{
	struct held *to = make_place(g, raw_len(g));
	int rc = undo(g, prefix, to);

	if (rc) {
		let_go(to);
		return rc;
	}
	to->at = *at;
	to->used = ++g->now;
	*made = to;
	return 0;
}

int
group_get(struct group *g, const struct group_source *source,
    const struct group_at *at, struct slice *raw, bool *is_new)
{
	struct way way = { .source = source, .at = *at };
	struct held *from = NULL;
	int rc = go_down(g, &way, &from);

	if (rc == 0 && !from) {
		way.at.seq = way.seq[way.n - 1];
		rc = hold(g, &way.at, NULL, &from);
	}
	while (rc == 0 && --way.n > 0) {
		way.at.seq = way.seq[way.n - 1];
		if ((rc = fetch(g, &way, &way.at)) == 0)
			rc = hold(g, &way.at, from, &from);
	}
	if (rc)
		return rc;
	*raw = (struct slice){ (const char *)from->p, from->len };
	*is_new = !from->is_lent;
	from->is_lent = true;
	return 0;
}
