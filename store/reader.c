#include "store/reader.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "store/reader_private.h"
#include "store/pack.h"
#include "store/record.h"

enum { SNAPSHOT_TRIES = 3 };

static void
drop_snapshot(struct reader *r)
{
	for (enum table t = 0; t < TABLE_N; t++) {
		if (r->cursor[t])
			mdb_cursor_close(r->cursor[t]);
		r->cursor[t] = NULL;
	}
	if (r->txn)
		mdb_txn_abort(r->txn);
	r->txn = NULL;
}

static int
try_snapshot(struct reader *r)
{
	int rc = r->env.mdb ? 0 : env_reopen(&r->env);

	if (rc)
		return rc;
	if (r->txn)
		return mdb_txn_renew(r->txn);
	rc = mdb_txn_begin(r->env.mdb, NULL, MDB_RDONLY, &r->txn);
	if (rc)
		r->txn = NULL;
	return rc;
}

int
reader_begin(struct reader *r)
{
	int dead, rc = 0;

	for (int i = 0; i < SNAPSHOT_TRIES; i++) {
		rc = try_snapshot(r);
		if (rc == 0)
			return 0;
		drop_snapshot(r);
		if (rc == MDB_READERS_FULL)
			(void)mdb_reader_check(r->env.mdb, &dead);
		else if (rc != MDB_MAP_RESIZED)
			return rc;
		else if ((rc = env_reopen(&r->env)) != 0)
			return rc;
	}
	return rc;
}

void
reader_end(struct reader *r)
{
	mdb_txn_reset(r->txn);
}

int
reader_cursor(struct reader *r, enum table t, MDB_cursor **c)
{
	int rc;

	if (!r->env.has[t])
		return MDB_NOTFOUND;
	if (r->cursor[t])
		rc = mdb_cursor_renew(r->txn, r->cursor[t]);
	else
		rc = mdb_cursor_open(r->txn, r->env.dbi[t], &r->cursor[t]);
	*c = r->cursor[t];
	return rc;
}

int
reader_code(int rc)
{
	switch (rc) {
	case MDB_NOTFOUND:
		return READER_NONE;
	case MDB_CORRUPTED:
	case MDB_PAGE_NOTFOUND:
		return READER_CORRUPT;
	case ENV_NONE:
		return READER_NO_STORE;
	case ENV_NEWER:
		return READER_VERSION;
	case ENV_TWICE:
		return READER_TWICE;
	case ENV_BUSY:
		return READER_BUSY;
	case EACCES:
	case EPERM:
		return READER_DENIED;
	default:
		return rc;
	}
}

/* Copies what v borrows from the snapshot, which ends with the call. */
static int
keep(struct reader *r, const MDB_val *v)
{
	bytes_clear(&r->row);
	bytes_put(&r->row, v->mv_data, v->mv_size);
	return r->row.failed ? ENOMEM : 0;
}

static int
decode(struct reader *r, uint64_t seq, const MDB_val *v, struct exchange *x)
{
	int rc = keep(r, v);

	if (rc)
		return rc;
	rc = record_decode(x, r->row.p, r->row.len);
	x->seq = seq;
	return rc ? READER_CORRUPT : 0;
}

static int
read_part_bytes(struct reader *r)
{
	struct slice v;
	struct cursor c;
	int rc = reader_meta(r, META_PART_BYTES, &v);

	if (rc)
		return rc == READER_NONE ? READER_CORRUPT : rc;
	c = (struct cursor){ (const uint8_t *)v.p, v.len, false };
	r->part_bytes = cursor_u32(&c);
	return r->part_bytes > 0 ? 0 : READER_CORRUPT;
}

int
reader_open(struct reader **r, const char *dir)
{
	int rc;

	if (!(*r = calloc(1, sizeof(**r))))
		return ENOMEM;
	rc = reader_code(env_open(&(*r)->env, dir, MDB_RDONLY, 0));
	if (rc == 0)
		rc = read_part_bytes(*r);
	if (rc) {
		reader_close(*r);
		*r = NULL;
	}
	return rc;
}

void
reader_close(struct reader *r)
{
	if (!r)
		return;
	drop_snapshot(r);
	env_close(&r->env);
	bytes_fini(&r->row);
	free(r);
}

/* Goes where op leads, and on until a key is a seq's: up after MDB_SET_RANGE, else
 * down.  A key of another length is not ours, and must not end a listing. */
static int
seek(MDB_cursor *c, MDB_val *k, MDB_val *v, MDB_cursor_op op, uint64_t *seq)
{
	const MDB_cursor_op step = op == MDB_SET_RANGE ? MDB_NEXT : MDB_PREV;
	int rc = mdb_cursor_get(c, k, v, op);

	while (rc == 0 && !seq_key_get(k->mv_data, k->mv_size, SEQ_KEY_LEN, seq))
		rc = mdb_cursor_get(c, k, v, step);
	return rc;
}

/* The first row of t at or above from. */
static int
seek_up(struct reader *r, enum table t, uint64_t from, MDB_val *v,
    uint64_t *seq)
{
	uint8_t key[SEQ_KEY_LEN];
	MDB_val k = { sizeof(key), key };
	MDB_cursor *c;
	int rc = reader_cursor(r, t, &c);

	be64_put(key, from);
	return rc ? rc : seek(c, &k, v, MDB_SET_RANGE, seq);
}

/* The last row of t below before. */
static int
seek_down(struct reader *r, enum table t, uint64_t before, MDB_val *v,
    uint64_t *seq)
{
	uint8_t key[SEQ_KEY_LEN];
	MDB_val k = { sizeof(key), key };
	MDB_cursor *c;
	int rc = reader_cursor(r, t, &c);

	if (rc)
		return rc;
	be64_put(key, before);
	rc = mdb_cursor_get(c, &k, v, MDB_SET_RANGE);
	if (rc && rc != MDB_NOTFOUND)
		return rc;
	return seek(c, &k, v, rc ? MDB_LAST : MDB_PREV, seq);
}

int
reader_get(struct reader *r, uint64_t seq, struct exchange *x)
{
	uint8_t key[SEQ_KEY_LEN];
	MDB_val k = { sizeof(key), key }, v;
	MDB_cursor *c;
	int rc = reader_begin(r);

	if (rc)
		return reader_code(rc);
	be64_put(key, seq);
	rc = reader_cursor(r, TABLE_EXCHANGE, &c);
	if (rc == 0)
		rc = mdb_cursor_get(c, &k, &v, MDB_SET);
	if (rc == 0)
		rc = decode(r, seq, &v, x);
	reader_end(r);
	return reader_code(rc);
}

int
reader_next(struct reader *r, uint64_t after, struct exchange *x)
{
	uint64_t seq;
	MDB_val v;
	int rc;

	if (after == UINT64_MAX)
		return READER_NONE;
	if ((rc = reader_begin(r)) != 0)
		return reader_code(rc);
	rc = seek_up(r, TABLE_EXCHANGE, after + 1, &v, &seq);
	if (rc == 0)
		rc = decode(r, seq, &v, x);
	reader_end(r);
	return reader_code(rc);
}

int
reader_prev(struct reader *r, uint64_t before, struct exchange *x)
{
	uint64_t seq;
	MDB_val v;
	int rc = reader_begin(r);

	if (rc)
		return reader_code(rc);
	rc = seek_down(r, TABLE_EXCHANGE, before, &v, &seq);
	if (rc == 0)
		rc = decode(r, seq, &v, x);
	reader_end(r);
	return reader_code(rc);
}

/* The reads of one reader_bytes. */
struct copy {
	uint8_t key[BODY_KEY_LEN];	/* of the part that comes next */
	uint32_t part;
	size_t skip;			/* bytes of it that are before off */
	uint8_t *to;
	size_t left;
};

/* Copies from one part.  MDB_NOTFOUND: it is not the one that comes next. */
static int
copy_part(struct copy *y, const MDB_val *k, const MDB_val *v, size_t part_bytes)
{
	size_t n;

	if (k->mv_size != sizeof(y->key) ||
	    memcmp(k->mv_data, y->key, sizeof(y->key)) != 0)
		return MDB_NOTFOUND;
	if (v->mv_size > part_bytes)
		return READER_CORRUPT;
	n = v->mv_size > y->skip ? v->mv_size - y->skip : 0;
	if (n > y->left)
		n = y->left;
	if (n > 0)
		memcpy(y->to, (const uint8_t *)v->mv_data + y->skip, n);
	y->to += n;
	y->left -= n;
	y->skip = 0;
	be32_put(y->key + SEQ_KEY_LEN + 1, ++y->part);
	/* A short part is the last; one after it would not be at its offset. */
	return v->mv_size < part_bytes ? MDB_NOTFOUND : 0;
}

static int
copy_parts(struct reader *r, struct copy *y)
{
	MDB_val k = { sizeof(y->key), y->key }, v;
	MDB_cursor *c;
	int rc = reader_cursor(r, TABLE_BODY, &c);

	if (rc == 0)
		rc = mdb_cursor_get(c, &k, &v, MDB_SET_KEY);
	while (rc == 0) {
		rc = copy_part(y, &k, &v, r->part_bytes);
		if (rc == 0 && y->left == 0)
			break;
		if (rc == 0)
			rc = mdb_cursor_get(c, &k, &v, MDB_NEXT);
	}
	return rc == MDB_NOTFOUND ? 0 : rc;
}

/* A side that has no parts may be in the pack of its exchange. */
static int
copy_packed(struct reader *r, uint64_t seq, enum side side, uint64_t off,
    struct copy *y)
{
	uint8_t key[BODY_KEY_LEN];
	MDB_val k = { sizeof(key), key }, v;
	struct slice bytes;
	MDB_cursor *c;
	size_t n;
	int rc = reader_cursor(r, TABLE_BODY, &c);

	pack_key_put(key, seq);
	if (rc == 0)
		rc = mdb_cursor_get(c, &k, &v, MDB_SET);
	if (rc)
		return rc == MDB_NOTFOUND ? 0 : rc;
	if (v.mv_size > r->part_bytes ||
	    pack_get(v.mv_data, v.mv_size, side, &bytes) != 0)
		return READER_CORRUPT;
	if (off >= bytes.len)
		return 0;
	n = bytes.len - (size_t)off < y->left ? bytes.len - (size_t)off : y->left;
	memcpy(y->to, bytes.p + off, n);
	y->left -= n;
	return 0;
}

int
reader_bytes(struct reader *r, uint64_t seq, enum side side, uint64_t off,
    void *buf, size_t cap, size_t *n)
{
	const uint64_t part = off / r->part_bytes;
	struct copy y = { .to = buf, .left = cap };
	int rc;

	*n = 0;
	if (cap == 0 || part >= UINT32_MAX)
		return 0;
	y.part = (uint32_t)part;
	y.skip = (size_t)(off % r->part_bytes);
	body_key_put(y.key, seq, side, y.part);
	if ((rc = reader_begin(r)) != 0)
		return reader_code(rc);
	rc = copy_parts(r, &y);
	if (rc == 0 && y.left == cap)
		rc = copy_packed(r, seq, side, off, &y);
	reader_end(r);
	*n = cap - y.left;
	return reader_code(rc);
}

int
reader_next_gap(struct reader *r, uint64_t after, uint64_t *seq, uint64_t *n,
    struct slice *why)
{
	MDB_val v;
	int rc;

	if (after == UINT64_MAX)
		return READER_NONE;
	if ((rc = reader_begin(r)) != 0)
		return reader_code(rc);
	rc = seek_up(r, TABLE_GAP, after + 1, &v, seq);
	if (rc == 0)
		rc = keep(r, &v);
	reader_end(r);
	if (rc == 0 && gap_decode(r->row.p, r->row.len, *seq, n, why) != 0)
		rc = READER_CORRUPT;
	return reader_code(rc);
}

int
reader_meta(struct reader *r, const char *name, struct slice *value)
{
	MDB_val k = { strlen(name), (void *)name }, v;
	int rc;

	assert(k.mv_size > 0 && k.mv_size <= META_NAME_MAX);
	if ((rc = reader_begin(r)) != 0)
		return reader_code(rc);
	rc = mdb_get(r->txn, r->env.dbi[TABLE_META], &k, &v);
	if (rc == 0)
		rc = keep(r, &v);
	reader_end(r);
	if (rc == 0)
		*value = bytes_slice(&r->row);
	return reader_code(rc);
}

const char *
reader_strerror(int rc)
{
	switch (rc) {
	case READER_NONE:
		return "no such thing in the store";
	case READER_NO_STORE:
		return "there is no store in this directory";
	case READER_VERSION:
		return "the store was made by a newer tracetape";
	case READER_CORRUPT:
		return "the store is damaged here";
	case READER_DENIED:
		return "the store belongs to another user";
	case READER_TWICE:
		return "this process has the store open already";
	case READER_BUSY:
		return "another process is opening or closing the store and does "
		    "not come to an end";
	default:
		return mdb_strerror(rc);
	}
}
