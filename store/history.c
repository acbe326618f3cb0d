#include "store/history.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "store/elements.h"

enum {
	PIECE = 128 * 1024,
	SLACK_NS = 5 * 1000 * 1000,
	SAME_MAX = 64,		/* calls with one input that are looked at */
};

/* What is known of a call. */
struct input {
	uint64_t *begins;	/* hashes of its first 1, 2, ... n elements */
	size_t n;
	int64_t time_ns, end_ns;
	int64_t retry;		/* it is made again so many times; -1 */
	uint32_t same;		/* the call before with the same input, plus one */
	bool may_lead;		/* it was answered */
};

struct work {
	struct reader *reader;
	struct history_call *v;
	struct input *in;
	size_t n;
	uint32_t *slot;		/* hash table by whole inputs: the latest call with
				 * it, plus one */
	size_t n_slots;		/* a power of two, above 2 n */
	size_t left;		/* of HISTORY_BYTES_MAX */
	uint8_t *piece;
};

/* ---- inputs */

static uint64_t
mix(uint64_t h, struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		h = (h ^ (uint8_t)s.p[i]) * UINT64_C(1099511628211);
	return (h ^ 0xff) * UINT64_C(1099511628211);
}

/* Whose call it is; without the port, which each connection has of its own. */
static uint64_t
hash_client(const struct exchange *x)
{
	struct slice client = x->client;
	const char *colon = client.p ? memrchr(client.p, ':', client.len) : NULL;
	uint64_t h = 1 + (uint64_t)x->endpoint;

	if (colon)
		client.len = (size_t)(colon - client.p);
	return mix(mix(mix(h, client), x->label), x->key_hash);
}

static int
feed(struct work *w, uint64_t seq, struct elements *e)
{
	uint64_t off = 0;
	size_t n;
	int rc;

	do {
		rc = reader_bytes(w->reader, seq, SIDE_REQUEST_BODY, off, w->piece,
		    PIECE, &n);
		if (rc)		/* damaged: what was read counts */
			return rc == READER_CORRUPT ? 0 : rc;
		elements_feed(e, w->piece, n);
		off += n;
	} while (n == PIECE);
	return 0;
}

/* The hash of a client's own beginnings: of no other's. */
static int
keep(struct input *in, const struct elements *e, uint64_t client)
{
	uint64_t h = client;

	if (e->n == 0)
		return 0;
	in->begins = calloc(e->n, sizeof(*in->begins));
	if (!in->begins)
		return ENOMEM;
	for (size_t i = 0; i < e->n; i++)
		in->begins[i] = h = elements_roll(h, e->each[i]);
	in->n = e->n;
	return 0;
}

/* *whole: false when the body did not fit into what is left. */
static int
read_input(struct work *w, size_t i, bool *whole)
{
	struct input *in = &w->in[i];
	struct elements e;
	struct exchange x;
	uint64_t client;
	size_t len;
	int rc = reader_get(w->reader, w->v[i].seq, &x);

	*whole = true;
	if (rc)
		return rc == READER_NONE || rc == READER_CORRUPT ? 0 : rc;
	len = x.request.kept_bytes > 0 ? (size_t)x.request.kept_bytes : 0;
	if (x.request.encoding.len > 0 || len == 0)
		return 0;
	if (len > w->left) {
		*whole = false;
		return 0;
	}
	w->left -= len;
	in->time_ns = x.time_ns > 0 ? x.time_ns : 0;
	in->end_ns = in->time_ns;
	if (x.timing.end > 0 && x.timing.end < (INT64_MAX - in->time_ns) / 1000)
		in->end_ns += x.timing.end * 1000;
	in->retry = x.retry_count;
	in->may_lead = x.response_id.len > 0 && x.status == 200;
	client = hash_client(&x);
	elements_init(&e);
	rc = feed(w, w->v[i].seq, &e);
	if (rc == 0)
		rc = keep(in, &e, client);
	elements_fini(&e);
	return rc;
}

/* The latest first: they are what a bound is to leave. */
static int
read_inputs(struct work *w, bool *cut)
{
	bool whole = true;
	int rc = 0;

	for (size_t i = w->n; i-- > 0 && rc == 0 && whole;)
		rc = read_input(w, i, &whole);
	*cut = !whole;
	return rc;
}

/* ---- what goes on after what */

static uint32_t *
slot_of(const struct work *w, uint64_t begin)
{
	size_t i = (size_t)(begin ^ begin >> 32) & (w->n_slots - 1);

	for (; w->slot[i]; i = (i + 1) & (w->n_slots - 1)) {
		const struct input *in = &w->in[w->slot[i] - 1];

		if (in->begins[in->n - 1] == begin)
			break;
	}
	return &w->slot[i];
}

/* Of those that sent this input and were answered: the latest that was over when
 * call i began, else the latest; 0, or one more than its place. */
static uint32_t
latest_over(const struct work *w, uint32_t at, size_t i)
{
	uint32_t latest = 0;

	for (int k = 0; at && k < SAME_MAX; k++, at = w->in[at - 1].same) {
		const struct input *in = &w->in[at - 1];

		if (!in->may_lead)
			continue;
		if (in->end_ns - SLACK_NS <= w->in[i].time_ns)
			return at;
		if (!latest)
			latest = at;
	}
	return latest;
}

static void
link_call(struct work *w, size_t i)
{
	struct input *in = &w->in[i];
	uint32_t *slot, before = 0;

	w->v[i].after = 0;
	w->v[i].first = (uint32_t)i;
	if (in->n == 0)
		return;
	for (size_t n = in->n - 1; n > 0 && !before; n--)
		before = latest_over(w, *slot_of(w, in->begins[n - 1]), i);
	if (before) {
		w->v[i].after = w->v[before - 1].seq;
		w->v[i].first = w->v[before - 1].first;
	}
	slot = slot_of(w, in->begins[in->n - 1]);
	in->same = *slot;
	if (!before && in->retry > 0 && in->same && !w->in[in->same - 1].may_lead)
		w->v[i].first = w->v[in->same - 1].first;
	*slot = (uint32_t)i + 1;
}

static void
work_fini(struct work *w)
{
	for (size_t i = 0; w->in && i < w->n; i++)
		free(w->in[i].begins);
	free(w->in);
	free(w->slot);
	free(w->piece);
}

int
history_read(struct reader *r, struct history_call *v, size_t n, bool *cut)
{
	struct work w = { .reader = r, .v = v, .n = n, .n_slots = 4,
		.left = HISTORY_BYTES_MAX };
	int rc = ENOMEM;

	assert(n <= HISTORY_CALLS_MAX);
	*cut = false;
	while (w.n_slots < 2 * n + 2)
		w.n_slots *= 2;
	w.in = calloc(n + 1, sizeof(*w.in));
	w.slot = calloc(w.n_slots, sizeof(*w.slot));
	w.piece = malloc(PIECE);
	if (w.in && w.slot && w.piece)
		rc = read_inputs(&w, cut);
	for (size_t i = 0; i < n && rc == 0; i++)
		link_call(&w, i);
	work_fini(&w);
	return rc;
}
