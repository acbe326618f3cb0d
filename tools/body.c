#include "tools/body.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "store/record.h"
#include "tools/utf8.h"

int
body_copy(struct body_copy *c, const struct exchange *x)
{
	bytes_clear(&c->text);
	record_encode(&c->text, x);
	if (c->text.failed ||
	    record_decode(&c->x, c->text.p, c->text.len) != 0)
		return -1;
	c->x.seq = x->seq;
	return 0;
}

void
body_copy_fini(struct body_copy *c)
{
	bytes_fini(&c->text);
	memset(c, 0, sizeof(*c));
}

/* One side being read, decoded if d is set. */
struct run {
	const struct body_from *from;
	struct decode *d;
	body_sink *sink;
	void *arg;
	struct body_end *end;
	bool is_over;		/* by the sink or by the decoder */
	uint8_t *buf;		/* BODY_PIECE bytes */
	size_t have;		/* bytes in buf ... */
	size_t used;		/* ... of which these were passed on */
};

static void
pass(void *arg, const void *p, size_t n)
{
	struct run *run = arg;

	if (n > 0 && !run->is_over && !run->sink(run->arg, p, n))
		run->is_over = true;
}

static void
feed(struct run *run, const void *p, size_t n)
{
	if (!run->d) {
		pass(run, p, n);
		return;
	}
	run->end->decoded = decode_feed(run->d, p, n, pass, run);
	if (run->end->decoded != DECODE_OK)
		run->is_over = true;
}

/* A coding nobody knows is no reason to show nothing. */
static int
run_begin(struct run *run)
{
	struct slice coding = run->from->coding;
	enum decode_result rc = DECODE_OK;

	memset(run->end, 0, sizeof(*run->end));
	if (coding.p && coding.len > 0)
		rc = decode_new(&run->d, coding);
	run->end->decoded = rc;
	run->is_over = rc != DECODE_OK && rc != DECODE_UNKNOWN;
	run->buf = malloc(BODY_PIECE);
	return run->buf ? 0 : ENOMEM;
}

static void
run_end(struct run *run, int rc)
{
	if (rc == 0 && run->d && !run->is_over)
		run->end->decoded = decode_end(run->d, pass, run);
	decode_free(run->d);
	free(run->buf);
}

/* Makes sure that bytes are waiting in buf; have == used: the end. */
static int
refill(struct run *run)
{
	int rc;

	if (run->used < run->have)
		return 0;
	run->used = run->have = 0;
	rc = reader_bytes(run->from->reader, run->from->seq, run->from->side,
	    run->end->stored, run->buf, BODY_PIECE, &run->have);
	run->end->stored += run->have;
	return rc;
}

/* Feeds n bytes, or what is left of them. */
static int
run_piece(struct run *run, uint64_t n)
{
	int rc;

	while (!run->is_over && n > 0) {
		size_t some;

		rc = refill(run);
		if (rc != 0 || run->have == 0)
			return rc;
		some = run->have - run->used;
		if (some > n)
			some = (size_t)n;
		feed(run, run->buf + run->used, some);
		run->used += some;
		n -= some;
	}
	return 0;
}

int
body_each(const struct body_from *from, body_sink *sink, void *arg,
    struct body_end *end)
{
	struct run run = { .from = from, .sink = sink, .arg = arg, .end = end };
	int rc = run_begin(&run);

	if (rc == 0)
		rc = run_piece(&run, UINT64_MAX);
	run_end(&run, rc);
	return rc;
}

/* The arrival times, a window of them at a time. */
struct times {
	struct reader *r;
	uint64_t seq;
	uint64_t off;
	uint8_t buf[4096];
	size_t have;
	size_t used;
	int64_t at_us;
};

enum { PAIR_MAX = 20 };		/* bytes of two varints */

/* The next piece that has bytes; false: no more, and its time is not known. */
static bool
times_next(struct times *t, uint64_t *n)
{
	struct cursor c;
	uint64_t us;
	size_t got;

	if (t->have - t->used < PAIR_MAX) {
		memmove(t->buf, t->buf + t->used, t->have - t->used);
		t->have -= t->used;
		t->used = 0;
		if (reader_bytes(t->r, t->seq, SIDE_RESPONSE_TIMES, t->off,
		    t->buf + t->have, sizeof(t->buf) - t->have, &got) != 0)
			got = 0;
		t->off += got;
		t->have += got;
	}
	c = (struct cursor){ t->buf + t->used, t->have - t->used, false };
	*n = cursor_varint(&c);
	us = cursor_varint(&c);
	if (c.failed || us > (uint64_t)(INT64_MAX - t->at_us)) {
		t->at_us = -1;
		return false;
	}
	t->used = t->have - c.len;
	t->at_us += (int64_t)us;
	return true;
}

int
body_timed(const struct body_from *from, body_sink *sink, void *arg,
    int64_t *at_us, struct body_end *end)
{
	struct run run = { .from = from, .sink = sink, .arg = arg, .end = end };
	struct times *t = calloc(1, sizeof(*t));
	int rc = run_begin(&run);
	uint64_t n;

	if (t)
		*t = (struct times){ .r = from->reader, .seq = from->seq };
	while (t && rc == 0 && !run.is_over && times_next(t, &n)) {
		*at_us = t->at_us;
		rc = run_piece(&run, n);
	}
	/* What came without a time, or all of it. */
	*at_us = -1;
	if (rc == 0)
		rc = run_piece(&run, UINT64_MAX);
	run_end(&run, rc);
	free(t);
	return rc;
}

struct collect {
	struct bytes *out;
	size_t left;
};

static bool
collect_some(void *arg, const void *p, size_t n)
{
	struct collect *c = arg;

	if (n > c->left)
		n = c->left;
	bytes_put(c->out, p, n);
	c->left -= n;
	return c->left > 0;
}

int
body_read(struct reader *r, uint64_t seq, enum side side, size_t max,
    struct bytes *out)
{
	struct body_from from = { .reader = r, .seq = seq, .side = side };
	struct collect c = { out, max };
	struct body_end end;

	return body_each(&from, collect_some, &c, &end);
}

/* The media type without its parameters. */
static struct slice
media_type(struct slice type)
{
	const char *semi = type.p ? memchr(type.p, ';', type.len) : NULL;

	if (semi)
		type.len = (size_t)(semi - type.p);
	while (type.len > 0 && (type.p[type.len - 1] == ' ' ||
	    type.p[type.len - 1] == '\t'))
		type.len--;
	return type;
}

bool
body_is_json(struct slice type)
{
	struct slice t = media_type(type);

	if (!t.p || t.len < 5)
		return false;
	return slice_eq_nocase(t, SLICE("application/json")) ||
	    slice_eq_nocase((struct slice){ t.p + t.len - 5, 5 },
		SLICE("+json"));
}

bool
body_is_sse(struct slice type)
{
	return slice_eq_nocase(media_type(type), SLICE("text/event-stream"));
}

bool
body_is_binary(struct slice type, const void *p, size_t n)
{
	struct slice t = media_type(type);

	if (memchr(p, 0, n))
		return true;
	if (body_is_json(type) || (t.len > 5 &&
	    slice_eq_nocase((struct slice){ t.p, 5 }, SLICE("text/"))))
		return false;
	return !utf8_is_valid(p, n, true);
}
