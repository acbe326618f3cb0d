#include "store/settle.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "store/record.h"
#include "store/squeeze.h"
#include "store/writer_response.h"

enum {
	PART_PAGES = 4,		/* larger values defeat LMDB's free list */
	PAGE_HEAD = 16,
	PART_LEAST = 256,
	PART_MOST = 1 << 20,
	LOOK_BACK = 4096,	/* numbers: more than are in flight at once */
};

/* What the functions here share for the length of one settle. */
struct work {
	const struct env *env;
	MDB_txn *txn;
	struct settled *s;
	const char *why;		/* for those that are marked interrupted */
	struct bytes row;
};

static int
get_named(struct work *w, const char *name, MDB_val *v)
{
	MDB_val k = { strlen(name), (void *)name };

	return mdb_get(w->txn, w->env->dbi[TABLE_META], &k, v);
}

static int
put_named(struct work *w, const char *name, const void *p, size_t n)
{
	MDB_val k = { strlen(name), (void *)name }, v = { n, (void *)p };

	return mdb_put(w->txn, w->env->dbi[TABLE_META], &k, &v, 0);
}

static int
put_id(struct work *w)
{
	uint8_t raw[STORE_ID_LEN / 2];
	char id[STORE_ID_LEN + 1];

	if (getentropy(raw, sizeof(raw)) != 0)
		return errno;
	for (size_t i = 0; i < sizeof(raw); i++)
		snprintf(id + 2 * i, 3, "%02x", raw[i]);
	return put_named(w, META_ID, id, STORE_ID_LEN);
}

static int
put_first_meta(struct work *w)
{
	struct bytes *b = &w->row;
	struct timespec now;
	MDB_stat st;
	int rc = mdb_env_stat(w->env->mdb, &st);

	if (rc)
		return rc;
	w->s->part_bytes = PART_PAGES * (size_t)st.ms_psize - PAGE_HEAD;
	clock_gettime(CLOCK_REALTIME, &now);
	bytes_clear(b);
	bytes_put_u32(b, FORMAT_VERSION);
	bytes_put_u32(b, (uint32_t)w->s->part_bytes);
	bytes_put_u64(b, (uint64_t)now.tv_sec * 1000000000u +
	    (uint64_t)now.tv_nsec);
	rc = b->failed ? ENOMEM : put_named(w, META_FORMAT, b->p, 4);
	if (rc == 0)
		rc = put_named(w, META_PART_BYTES, b->p + 4, 4);
	if (rc == 0)
		rc = put_named(w, META_CREATED, b->p + 8, 8);
	return rc ? rc : put_id(w);
}

/* An older store has less than we put into it: whoever reads it must know. */
static int
raise_format(struct work *w, const MDB_val *format)
{
	struct cursor c = { format->mv_data, format->mv_size, false };

	if (cursor_u32(&c) == FORMAT_VERSION)
		return 0;	/* write nothing: the disk may be full */
	bytes_clear(&w->row);
	bytes_put_u32(&w->row, FORMAT_VERSION);
	return w->row.failed ? ENOMEM : put_named(w, META_FORMAT, w->row.p, 4);
}

/* env_open has looked at the format; what is missing is a store's first day. */
static int
settle_meta(struct work *w)
{
	struct cursor c;
	MDB_val v;
	int rc = get_named(w, META_FORMAT, &v);

	if (rc == MDB_NOTFOUND)
		return put_first_meta(w);
	if (rc == 0)
		rc = raise_format(w, &v);
	if (rc == 0)
		rc = get_named(w, META_PART_BYTES, &v);
	if (rc)
		return rc == MDB_NOTFOUND ? MDB_CORRUPTED : rc;
	c = (struct cursor){ v.mv_data, v.mv_size, false };
	w->s->part_bytes = cursor_u32(&c);
	if (c.failed || c.len != 0 || w->s->part_bytes < PART_LEAST ||
	    w->s->part_bytes > PART_MOST)
		return MDB_CORRUPTED;
	return 0;
}

/* Puts c on the last part of a side, which stands before any part of number
 * UINT32_MAX (and that is never given).  MDB_NOTFOUND: nothing is before it. */
static int
seek_last_part(MDB_cursor *c, uint64_t seq, enum side side, MDB_val *k,
    MDB_val *v)
{
	uint8_t key[BODY_KEY_LEN];
	int rc;

	body_key_put(key, seq, side, UINT32_MAX);
	*k = (MDB_val){ sizeof(key), key };
	rc = mdb_cursor_get(c, k, v, MDB_SET_RANGE);
	if (rc && rc != MDB_NOTFOUND)
		return rc;
	return mdb_cursor_get(c, k, v, rc ? MDB_LAST : MDB_PREV);
}

/* The length of a side that lies squeezed, all of it, as when it is a request whose
 * response was awaited; 0: it does not. */
static int64_t
squeezed_bytes(struct work *w, uint64_t seq, enum side side)
{
	uint8_t key[BODY_KEY_LEN];
	MDB_val k = { sizeof(key), key }, v;
	struct squeeze_head h;

	squeezed_key_put(key, seq, side, 0);
	if (mdb_get(w->txn, w->env->dbi[TABLE_BODY], &k, &v) != 0 ||
	    squeeze_head_get(&h, v.mv_data, v.mv_size) != 0)
		return 0;
	return (int64_t)h.raw_len;
}

/* How many bytes of a side are stored; 0 when it has no parts. */
static int
stored_bytes(struct work *w, uint64_t seq, enum side side, int64_t *n)
{
	uint8_t prefix[BODY_KEY_LEN];
	MDB_cursor *c;
	MDB_val k, v;
	int rc = mdb_cursor_open(w->txn, w->env->dbi[TABLE_BODY], &c);

	*n = 0;
	if (rc)
		return rc;
	body_key_put(prefix, seq, side, 0);
	rc = seek_last_part(c, seq, side, &k, &v);
	if (rc == 0 && k.mv_size == BODY_KEY_LEN &&
	    memcmp(k.mv_data, prefix, SEQ_KEY_LEN + 1) == 0)
		*n = (int64_t)be32_get((uint8_t *)k.mv_data + SEQ_KEY_LEN + 1) *
		    (int64_t)w->s->part_bytes + (int64_t)v.mv_size;
	mdb_cursor_close(c);
	return rc == MDB_NOTFOUND ? 0 : rc;
}

static int
count_kept(struct work *w, uint64_t seq, enum side side, struct message *m)
{
	int64_t n;
	int rc = stored_bytes(w, seq, side, &n);

	if (rc == 0 && n == 0)
		n = squeezed_bytes(w, seq, side);
	if (rc || n == 0)
		return rc;
	m->kept_bytes = n;
	if (m->body_bytes < n)
		m->body_bytes = n;
	return 0;
}

/* Fills *x from the row of seq; false: it is not there, ended, or damaged, and
 * stays as it is. */
static bool
was_in_flight(struct work *w, MDB_val *key, struct exchange *x)
{
	MDB_val v;

	return mdb_get(w->txn, w->env->dbi[TABLE_EXCHANGE], key, &v) == 0 &&
	    record_decode(x, v.mv_data, v.mv_size) == 0 &&
	    x->outcome == OUTCOME_IN_FLIGHT;
}

static int
interrupt(struct work *w, uint64_t seq)
{
	uint8_t key[SEQ_KEY_LEN];
	MDB_val k = { sizeof(key), key }, v;
	struct exchange x;
	size_t put;
	int rc;

	be64_put(key, seq);
	if (!was_in_flight(w, &k, &x))
		return 0;
	x.outcome = OUTCOME_INTERRUPTED;
	if (!x.reason.p)
		x.reason = (struct slice){ w->why, strlen(w->why) };
	rc = count_kept(w, seq, SIDE_REQUEST_BODY, &x.request);
	if (rc == 0)
		rc = count_kept(w, seq, SIDE_RESPONSE_BODY, &x.response);
	if (rc)
		return rc;
	bytes_clear(&w->row);
	record_encode(&w->row, &x);	/* before the put moves what x borrows */
	if (w->row.failed)
		return ENOMEM;
	w->s->interrupted++;
	v = (MDB_val){ w->row.len, w->row.p };
	rc = mdb_put(w->txn, w->env->dbi[TABLE_EXCHANGE], &k, &v, 0);
	if (rc || record_decode(&x, w->row.p, w->row.len) != 0)
		return rc;
	x.seq = seq;
	return writer_response_put(w->env, w->txn, &x, &put);
}

static int
interrupt_all(struct work *w)
{
	MDB_cursor *c;
	MDB_val k, v;
	uint64_t seq;
	bool is_empty = true;
	int rc = mdb_cursor_open(w->txn, w->env->dbi[TABLE_OPEN], &c);

	if (rc)
		return rc;
	while ((rc = mdb_cursor_get(c, &k, &v, MDB_NEXT)) == 0) {
		is_empty = false;
		if (seq_key_get(k.mv_data, k.mv_size, SEQ_KEY_LEN, &seq) &&
		    (rc = interrupt(w, seq)) != 0)
			break;
	}
	mdb_cursor_close(c);
	if (rc != MDB_NOTFOUND)
		return rc;
	if (is_empty)		/* write nothing: the disk may be full */
		return 0;
	return mdb_drop(w->txn, w->env->dbi[TABLE_OPEN], 0);
}

/* The seq of the last row of t, and its value; 0: t is empty. */
static int
last_row(struct work *w, enum table t, size_t key_len, uint64_t *seq,
    MDB_val *v)
{
	MDB_cursor *c;
	MDB_val k;
	int rc = mdb_cursor_open(w->txn, w->env->dbi[t], &c);

	*seq = 0;
	if (rc)
		return rc;
	rc = mdb_cursor_get(c, &k, v, MDB_LAST);
	if (rc == 0 && !seq_key_get(k.mv_data, k.mv_size, key_len, seq))
		rc = MDB_CORRUPTED;
	mdb_cursor_close(c);
	return rc == MDB_NOTFOUND ? 0 : rc;
}

static int
last_gap(struct work *w, uint64_t *seq)
{
	struct slice why;
	uint64_t n;
	MDB_val v;
	int rc = last_row(w, TABLE_GAP, SEQ_KEY_LEN, seq, &v);

	if (rc || *seq == 0)
		return rc;
	if (gap_decode(v.mv_data, v.mv_size, *seq, &n, &why) != 0)
		return MDB_CORRUPTED;
	*seq += n - 1;
	return 0;
}

static int
find_next_seq(struct work *w)
{
	uint64_t last[3], *next = &w->s->next_seq;
	MDB_val v;
	int rc = last_row(w, TABLE_EXCHANGE, SEQ_KEY_LEN, &last[0], &v);

	if (rc == 0)
		rc = last_row(w, TABLE_BODY, BODY_KEY_LEN, &last[1], &v);
	if (rc == 0)
		rc = last_gap(w, &last[2]);
	if (rc)
		return rc;
	*next = 0;
	for (unsigned i = 0; i < 3; i++)
		if (last[i] > *next)
			*next = last[i];
	if (*next == UINT64_MAX)
		return MDB_CORRUPTED;
	++*next;
	return 0;
}

/* The last gap that begins at seq or before it; *n == 0: there is none.  *next is where
 * the first behind seq begins, at most `most`. */
static int
gap_around(MDB_cursor *c, uint64_t seq, uint64_t most, struct lost *gap,
    uint64_t *next)
{
	uint8_t key[SEQ_KEY_LEN];
	MDB_val k = { sizeof(key), key }, v;
	struct slice why;
	int rc;

	*next = most;
	gap->n = 0;
	be64_put(key, seq + 1);
	rc = mdb_cursor_get(c, &k, &v, MDB_SET_RANGE);
	if (rc == 0) {
		if (!seq_key_get(k.mv_data, k.mv_size, SEQ_KEY_LEN, &gap->seq))
			return MDB_CORRUPTED;
		if (gap->seq < most)
			*next = gap->seq;
		rc = mdb_cursor_get(c, &k, &v, MDB_PREV);
	} else if (rc == MDB_NOTFOUND) {
		rc = mdb_cursor_get(c, &k, &v, MDB_LAST);
	}
	if (rc)
		return rc == MDB_NOTFOUND ? 0 : rc;
	return seq_key_get(k.mv_data, k.mv_size, SEQ_KEY_LEN, &gap->seq) &&
	    gap_decode(v.mv_data, v.mv_size, gap->seq, &gap->n, &why) == 0 ? 0 :
	    MDB_CORRUPTED;
}

/* Nothing is known of the exchanges [from, to) but what gaps may say already. */
static int
tell_hole(struct work *w, MDB_cursor *gaps, uint64_t from, uint64_t to)
{
	const struct slice why = { w->why, strlen(w->why) };
	uint8_t key[SEQ_KEY_LEN];
	struct lost gap;
	uint64_t next;
	int rc = 0;

	while (from < to && (rc = gap_around(gaps, from, to, &gap, &next)) == 0) {
		MDB_val k = { sizeof(key), key }, v;

		if (gap.n > 0 && from - gap.seq < gap.n) {
			from = gap.seq + gap.n;
			continue;
		}
		be64_put(key, from);
		bytes_clear(&w->row);
		gap_encode(&w->row, next - from, why);
		if (w->row.failed)
			return ENOMEM;
		v = (MDB_val){ w->row.len, w->row.p };
		if ((rc = mdb_put(w->txn, w->env->dbi[TABLE_GAP], &k, &v, 0)) != 0)
			break;
		from = next;
	}
	return rc;
}

static int
walk_holes(struct work *w, MDB_cursor *rows, MDB_cursor *gaps)
{
	const uint64_t end = w->s->next_seq;
	uint64_t from = end > LOOK_BACK ? end - LOOK_BACK : 1, seq;
	uint8_t key[SEQ_KEY_LEN];
	MDB_val k = { sizeof(key), key }, v;
	int rc;

	be64_put(key, from);
	rc = mdb_cursor_get(rows, &k, &v, MDB_SET_RANGE);
	for (; rc == 0; rc = mdb_cursor_get(rows, &k, &v, MDB_NEXT)) {
		if (!seq_key_get(k.mv_data, k.mv_size, SEQ_KEY_LEN, &seq))
			return MDB_CORRUPTED;
		if ((rc = tell_hole(w, gaps, from, seq)) != 0)
			return rc;
		from = seq + 1;
	}
	return rc == MDB_NOTFOUND ? tell_hole(w, gaps, from, end) : rc;
}

/* A recorder that was killed may have given numbers to exchanges that had no row yet,
 * while later ones had: they are lost, and the tape says so. */
static int
tell_holes(struct work *w)
{
	MDB_cursor *rows, *gaps;
	int rc = mdb_cursor_open(w->txn, w->env->dbi[TABLE_EXCHANGE], &rows);

	if (rc)
		return rc;
	rc = mdb_cursor_open(w->txn, w->env->dbi[TABLE_GAP], &gaps);
	if (rc == 0) {
		rc = walk_holes(w, rows, gaps);
		mdb_cursor_close(gaps);
	}
	mdb_cursor_close(rows);
	return rc;
}

int
settle(const struct env *e, MDB_txn *txn, struct settled *s)
{
	struct work w = {
		.env = e, .txn = txn, .s = s, .why = "the recorder ended first"
	};
	int rc;

	*s = (struct settled){ 0 };
	rc = settle_meta(&w);
	if (rc == 0)
		rc = interrupt_all(&w);
	if (rc == 0)
		rc = find_next_seq(&w);
	if (rc == 0)
		rc = tell_holes(&w);
	bytes_fini(&w.row);
	return rc;
}

int
settle_lost(const struct env *e, MDB_txn *txn, size_t part_bytes,
    const struct lost *lost)
{
	struct settled s = { .part_bytes = part_bytes };
	struct work w = { .env = e, .txn = txn, .s = &s, .why = lost->why };
	uint8_t key[SEQ_KEY_LEN];
	MDB_val k = { sizeof(key), key }, v;
	MDB_cursor *c;
	uint64_t open;
	int rc = mdb_cursor_open(txn, e->dbi[TABLE_OPEN], &c);

	if (rc)
		return rc;
	be64_put(key, lost->seq);
	rc = mdb_cursor_get(c, &k, &v, MDB_SET_RANGE);
	while (rc == 0 && seq_key_get(k.mv_data, k.mv_size, SEQ_KEY_LEN, &open) &&
	    open - lost->seq < lost->n) {
		if ((rc = interrupt(&w, open)) != 0 ||
		    (rc = mdb_cursor_del(c, 0)) != 0)
			break;
		rc = mdb_cursor_get(c, &k, &v, MDB_NEXT);
	}
	mdb_cursor_close(c);
	bytes_fini(&w.row);
	return rc == MDB_NOTFOUND ? 0 : rc;
}
