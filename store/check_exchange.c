#include <errno.h>
#include <string.h>

#include "store/check_private.h"
#include "store/record.h"

enum {
	AGAIN = -100299,		/* an odd key is passed: look again */
	TRIES = 3,			/* at an exchange that changes meanwhile */
};

/* Where the walk through exchange, body and gap has come. */
struct look {
	struct check_walk exchange, body, gap;
	uint64_t known;			/* to this number all is told */
	bool is_blind;			/* a gap did not say how far it goes */
};

/* One number, as a snapshot has it. */
struct sight {
	uint64_t seq;			/* UINT64_MAX: there is none left */
	bool has_row;			/* which decodes */
	struct bytes row;
	struct exchange x;
	struct check_parts parts;
};

static void
sight_clear(struct sight *s)
{
	struct bytes row = s->row, pack = s->parts.pack;

	bytes_clear(&row);
	bytes_clear(&pack);
	*s = (struct sight){ .row = row, .parts.pack = pack };
}

static void
tell(struct check *c, enum check_what what, enum table t, uint64_t seq,
    const char *side)
{
	check_tell(c, what, &(struct check_at){ .table = table_name(t),
	    .seq = seq, .side = side }, "%s", "");
}

/* The number of the next row; UINT64_MAX: there is none. */
static int
peek(struct check *c, struct check_walk *w, size_t key_len, uint64_t *seq,
    MDB_val *v)
{
	MDB_val k;
	int rc = check_next(c, w, &k, v);

	*seq = UINT64_MAX;
	if (rc)
		return rc == MDB_NOTFOUND ? 0 : rc;
	if (seq_key_get(k.mv_data, k.mv_size, key_len, seq) && *seq > 0)
		return 0;
	check_tell_key(c, CHECK_KEY, w->table, check_slice(&k));
	check_seen(w, &k);
	return AGAIN;
}

static void
pass_seq(struct check_walk *w, uint64_t seq)
{
	be64_put(w->key, seq);
	w->n = SEQ_KEY_LEN;
}

static void
note_hole(struct check *c, uint64_t from, uint64_t to, bool is_left)
{
	if (c->n_holes == CHECK_HOLES_MAX)
		c->more_holes++;
	else
		c->hole[c->n_holes++] = (struct check_hole){ from, to, is_left };
}

/* Nothing was between what is known and seq. */
static void
come_to(struct check *c, struct look *l, uint64_t seq)
{
	if (!l->is_blind && seq > l->known && seq - l->known > 1)
		note_hole(c, l->known + 1, seq - 1, false);
	l->is_blind = false;
}

static void
look_at_gap(struct check *c, struct look *l, uint64_t seq, const MDB_val *v)
{
	struct slice why;
	uint64_t n;

	come_to(c, l, seq);
	pass_seq(&l->gap, seq);
	if (gap_decode(v->mv_data, v->mv_size, seq, &n, &why) != 0) {
		tell(c, CHECK_VALUE, TABLE_GAP, seq, NULL);
		l->is_blind = true;
		n = 1;
	}
	c->t->gaps++;
	c->t->lost += n;
	if (seq + (n - 1) > l->known)
		l->known = seq + (n - 1);
}

static void
compare_body(struct check *c, const struct exchange *x, const struct message *m,
    enum side side, struct check_parts *p)
{
	struct check_side *s = &p->side[side];
	const bool in_flight = x->outcome == OUTCOME_IN_FLIGHT;
	const uint64_t kept = m->kept_bytes > 0 ? (uint64_t)m->kept_bytes : 0;
	struct check_at at = { .table = table_name(TABLE_BODY), .seq = x->seq,
	    .side = check_side_name((int)side) };

	if ((m->has_sha256 && m->kept_bytes != m->body_bytes) ||
	    (m->body_bytes >= 0 && m->kept_bytes > m->body_bytes)) {
		at.table = table_name(TABLE_EXCHANGE);
		check_tell(c, CHECK_COUNTS, &at, "%lld kept of %lld",
		    (long long)m->kept_bytes, (long long)m->body_bytes);
		s->is_odd = true;
	} else if (!s->is_odd && (in_flight ? s->bytes < kept : s->bytes != kept)) {
		check_tell(c, CHECK_KEPT, &at, "%llu instead of %llu bytes",
		    (unsigned long long)s->bytes, (unsigned long long)kept);
		s->is_odd = true;
	}
	if (!in_flight && x->outcome != OUTCOME_INTERRUPTED && !m->has_sha256 &&
	    m->kept_bytes >= 0 && m->kept_bytes == m->body_bytes)
		tell(c, CHECK_NO_HASH, TABLE_EXCHANGE, x->seq,
		    check_side_name((int)side));
	s = &p->side[side - 1];
	if (x->outcome == OUTCOME_COMPLETE && m->head_bytes > 0 &&
	    s->bytes == 0 && !s->is_odd)
		tell(c, CHECK_HEAD_MISSING, TABLE_BODY, x->seq,
		    check_side_name((int)side - 1));
}

/* In a snapshot: a row that decodes, against what is stored of it. */
static int
compare(struct check *c, struct sight *s)
{
	const bool in_flight = s->x.outcome == OUTCOME_IN_FLIGHT;
	uint8_t key[SEQ_KEY_LEN];
	MDB_val v;
	int rc;

	be64_put(key, s->seq);
	rc = in_flight ? check_get(c, TABLE_OPEN, key, sizeof(key), &v) : 0;
	if (rc == MDB_NOTFOUND)
		tell(c, CHECK_OPEN_MISSING, TABLE_EXCHANGE, s->seq, NULL);
	else if (rc)
		return rc;
	if (in_flight && s->parts.packs > 0)
		tell(c, CHECK_PACK_EARLY, TABLE_BODY, s->seq, NULL);
	compare_body(c, &s->x, &s->x.request, SIDE_REQUEST_BODY, &s->parts);
	compare_body(c, &s->x, &s->x.response, SIDE_RESPONSE_BODY, &s->parts);
	return in_flight ? 0 : check_has_names(c, &s->x);
}

/* In a snapshot: a row of exchange, and all that is stored under its number. */
static int
look_at_row(struct check *c, struct look *l, struct sight *s, const MDB_val *v)
{
	const size_t told = c->n_held;
	int rc;

	pass_seq(&l->exchange, s->seq);
	bytes_put(&s->row, v->mv_data, v->mv_size);
	if (s->row.failed)
		return ENOMEM;
	if ((rc = check_parts(c, &l->body, s->seq, &s->parts)) != 0)
		return rc;
	s->has_row = record_decode(&s->x, s->row.p, s->row.len) == 0;
	s->x.seq = s->seq;
	if (s->has_row)
		return compare(c, s);
	check_forget(c, told);
	tell(c, CHECK_VALUE, TABLE_EXCHANGE, s->seq, NULL);
	return 0;
}

/* In a snapshot: bytes without a row.  A gap may tell of them.  What is put with a row
 * only had one; else the recorder was killed first, or puts it just now. */
static int
look_at_orphan(struct check *c, struct look *l, struct sight *s)
{
	const size_t told = c->n_held;
	int rc = check_parts(c, &l->body, s->seq, &s->parts);

	if (rc || s->seq <= l->known)
		return rc;
	check_forget(c, told);
	if (s->parts.was_saved)
		tell(c, CHECK_ORPHAN, TABLE_BODY, s->seq, NULL);
	else
		note_hole(c, s->seq, s->seq, true);
	return 0;
}

/* In a snapshot: the next number there is. */
static int
look_at_next(struct check *c, struct look *l, struct sight *s)
{
	uint64_t seq, orphan, gap;
	MDB_val v, body, why;
	int rc = peek(c, &l->exchange, SEQ_KEY_LEN, &seq, &v);

	if (rc == 0)
		rc = peek(c, &l->body, BODY_KEY_LEN, &orphan, &body);
	if (rc == 0)
		rc = peek(c, &l->gap, SEQ_KEY_LEN, &gap, &why);
	if (rc)
		return rc;
	s->seq = seq < orphan ? seq : orphan;
	if (gap <= s->seq && gap != UINT64_MAX) {
		look_at_gap(c, l, gap, &why);
		return AGAIN;
	}
	if (s->seq == UINT64_MAX || s->seq > c->t->last_seq) {
		s->seq = UINT64_MAX;
		return 0;
	}
	come_to(c, l, s->seq);
	c->t->seq = s->seq;
	rc = seq == s->seq ? look_at_row(c, l, s, &v) : look_at_orphan(c, l, s);
	if (s->seq > l->known)
		l->known = s->seq;
	return rc;
}

/* Is the row still as it was? */
static int
is_same(struct check *c, const struct sight *s, bool *same)
{
	uint8_t key[SEQ_KEY_LEN];
	MDB_val v;
	int rc = reader_begin(c->r);

	if (rc)
		return rc;
	be64_put(key, s->seq);
	rc = check_get(c, TABLE_EXCHANGE, key, sizeof(key), &v);
	*same = rc == 0 && v.mv_size == s->row.len &&
	    memcmp(v.mv_data, s->row.p, s->row.len) == 0;
	reader_end(c->r);
	return rc == MDB_NOTFOUND ? 0 : rc;
}

/* What is wrong with bodies counts when nobody was at work on them meanwhile. */
static int
look_once(struct check *c, struct look *l, struct sight *s, bool *same)
{
	size_t told;
	int rc = reader_begin(c->r);

	*same = true;
	if (rc)
		return rc;
	sight_clear(s);
	rc = look_at_next(c, l, s);
	reader_end(c->r);
	if (rc || !s->has_row || s->x.outcome == OUTCOME_IN_FLIGHT)
		return rc;
	told = c->n_held;
	rc = check_bodies(c, &s->x, &s->parts);
	return rc || c->n_held == told ? rc : is_same(c, s, same);
}

static int
look_at_one(struct check *c, struct look *l, struct sight *s)
{
	const struct look was = *l;
	const size_t n_holes = c->n_holes;
	const uint64_t bytes = c->t->bytes;
	bool same = false;
	int rc = 0;

	for (int i = 0; i < TRIES && rc == 0 && !same; i++) {
		check_forget(c, 0);
		c->n_holes = n_holes;
		c->t->bytes = bytes;
		*l = was;
		rc = look_once(c, l, s, &same);
	}
	if (rc == 0 && s->has_row) {
		c->t->exchanges++;
		c->t->in_flight += s->x.outcome == OUTCOME_IN_FLIGHT;
	}
	return rc;
}

/* The highest number in table t, when it is above *seq. */
static int
find_last(struct check *c, enum table t, uint64_t *seq)
{
	MDB_cursor *cursor;
	MDB_val k, v;
	int rc = reader_cursor(c->r, t, &cursor);

	if (rc == 0)
		rc = mdb_cursor_get(cursor, &k, &v, MDB_LAST);
	if (rc == 0 && k.mv_size >= SEQ_KEY_LEN && be64_get(k.mv_data) > *seq)
		*seq = be64_get(k.mv_data);
	return rc == MDB_NOTFOUND ? 0 : rc;
}

static int
find_end(struct check *c)
{
	int rc = reader_begin(c->r);

	if (rc)
		return rc;
	rc = find_last(c, TABLE_EXCHANGE, &c->t->last_seq);
	if (rc == 0)
		rc = find_last(c, TABLE_BODY, &c->t->last_seq);
	reader_end(c->r);
	return rc;
}

int
check_exchanges(struct check *c)
{
	const uint64_t since = c->o->since > 0 ? c->o->since - 1 : 0;
	struct look l = {
		.exchange.table = TABLE_EXCHANGE, .body.table = TABLE_BODY,
		.gap.table = TABLE_GAP, .known = since,
	};
	struct sight s = { .seq = 0 };
	int rc = find_end(c);

	if (since > 0) {
		pass_seq(&l.exchange, since);
		pass_seq(&l.body, since);
		memset(l.body.key + SEQ_KEY_LEN, 0xff, BODY_KEY_LEN - SEQ_KEY_LEN);
		l.body.n = BODY_KEY_LEN;
	}
	while (rc == 0 && s.seq != UINT64_MAX) {
		rc = look_at_one(c, &l, &s);
		if (rc == AGAIN) {
			rc = 0;
			s.seq = 0;
		}
		check_flush(c);
	}
	bytes_fini(&s.row);
	bytes_fini(&s.parts.pack);
	return rc;
}
