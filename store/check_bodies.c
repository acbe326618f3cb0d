#include <string.h>

#include "store/check_private.h"
#include "store/sha256.h"

/* A side as its bytes pass. */
struct pass {
	struct check *c;
	const struct exchange *x;
	enum side side;
	void (*feed)(void *arg, const void *p, size_t n);
	void *arg;
	uint64_t n;
};

/* Pairs of varints, in pieces. */
struct pairs {
	uint64_t sum;			/* of the first of each */
	uint64_t value;
	unsigned shift;
	enum { PAIRS_FIRST, PAIRS_SECOND, PAIRS_ODD } at;
};

static void
tell(const struct pass *s, enum check_what what, uint64_t is, uint64_t should)
{
	const struct check_at at = { .table = table_name(TABLE_BODY),
	    .seq = s->x->seq, .side = check_side_name((int)s->side) };

	if (is == should)
		check_tell(s->c, what, &at, "%llu bytes", (unsigned long long)is);
	else
		check_tell(s->c, what, &at, "%llu instead of %llu bytes",
		    (unsigned long long)is, (unsigned long long)should);
}

/* No snapshot.  READER_CORRUPT: it does not come out of where it lies. */
static int
pass(struct pass *s, const struct check_side *from)
{
	struct check *c = s->c;
	size_t n;
	int rc;

	if (from->packed.p) {
		s->feed(s->arg, from->packed.p, from->packed.len);
		s->n = from->packed.len;
		return 0;
	}
	if (from->bytes == 0)
		return 0;
	do {
		rc = reader_bytes(c->r, s->x->seq, s->side, s->n, c->buf,
		    CHECK_READ, &n);
		if (rc)
			return rc;
		s->feed(s->arg, c->buf, n);
		s->n += n;
		c->t->read += n;
		check_relax(c);
		if (c->o->on_progress)
			c->o->on_progress(c->o->arg, c->t);
	} while (n == CHECK_READ);
	return 0;
}

static void
feed_sha(void *arg, const void *p, size_t n)
{
	sha256_add(arg, p, n);
}

static int
check_body(struct check *c, const struct exchange *x, const struct message *m,
    enum side side, const struct check_side *from)
{
	struct sha256 sha;
	struct pass s = { .c = c, .x = x, .side = side, .feed = feed_sha, .arg = &sha };
	uint8_t is[32];
	int rc;

	if (from->is_odd || (!m->has_sha256 && from->values == 0))
		return 0;
	sha256_init(&sha);
	rc = pass(&s, from);
	if (rc == READER_CORRUPT) {
		tell(&s, CHECK_UNREADABLE, from->bytes, from->bytes);
		return 0;
	}
	if (rc)
		return rc;
	sha256_end(&sha, is);
	if (s.n != from->bytes)
		tell(&s, CHECK_KEPT, s.n, from->bytes);
	else if (m->has_sha256 && memcmp(is, m->sha256, sizeof(is)) != 0)
		tell(&s, CHECK_HASH, s.n, s.n);
	else
		c->t->bytes += s.n;
	return 0;
}

static void
feed_pairs(void *arg, const void *p, size_t n)
{
	struct pairs *t = arg;
	const uint8_t *b = p;

	for (size_t i = 0; i < n && t->at != PAIRS_ODD; i++) {
		t->value |= (uint64_t)(b[i] & 0x7f) << t->shift;
		/* As FORMAT.md 3 has it: ten bytes, none in vain, 64 bits. */
		if ((t->shift == 63 && b[i] > 1) || (t->shift > 0 && b[i] == 0))
			t->at = PAIRS_ODD;
		t->shift += 7;
		if ((b[i] & 0x80) || t->at == PAIRS_ODD)
			continue;
		if (t->at == PAIRS_FIRST && t->value > UINT64_MAX - t->sum)
			t->at = PAIRS_ODD;
		else if (t->at == PAIRS_FIRST)
			t->sum += t->value;
		if (t->at != PAIRS_ODD)
			t->at = t->at == PAIRS_FIRST ? PAIRS_SECOND : PAIRS_FIRST;
		t->value = 0;
		t->shift = 0;
	}
}

/* Of a body that is not whole the times may end anywhere: they are put in parts of
 * their own. */
static int
check_times(struct check *c, const struct exchange *x, const struct message *m,
    enum side side, const struct check_parts *p)
{
	const bool is_whole = x->outcome != OUTCOME_INTERRUPTED &&
	    m->kept_bytes >= 0 && m->kept_bytes == m->body_bytes &&
	    !p->side[side - 1].is_odd;
	const struct check_side *from = &p->side[side];
	struct pairs t = { 0 };
	struct pass s = { .c = c, .x = x, .side = side, .feed = feed_pairs, .arg = &t };
	int rc;

	if (from->is_odd)
		return 0;
	rc = pass(&s, from);
	if (rc && rc != READER_CORRUPT)
		return rc;
	if (rc || s.n != from->bytes || t.at == PAIRS_ODD ||
	    (is_whole && (t.at == PAIRS_SECOND || t.shift > 0)))
		tell(&s, CHECK_TIMES, from->bytes, from->bytes);
	else if (is_whole && t.sum != (uint64_t)m->kept_bytes)
		tell(&s, CHECK_TIMES_SUM, t.sum, (uint64_t)m->kept_bytes);
	return 0;
}

int
check_bodies(struct check *c, const struct exchange *x, struct check_parts *p)
{
	int rc = check_body(c, x, &x->request, SIDE_REQUEST_BODY,
	    &p->side[SIDE_REQUEST_BODY]);

	if (rc == 0)
		rc = check_body(c, x, &x->response, SIDE_RESPONSE_BODY,
		    &p->side[SIDE_RESPONSE_BODY]);
	if (rc == 0)
		rc = check_times(c, x, &x->request, SIDE_REQUEST_TIMES, p);
	if (rc == 0)
		rc = check_times(c, x, &x->response, SIDE_RESPONSE_TIMES, p);
	return rc;
}
