#include "store/reader.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "store/group.h"
#include "store/reader_private.h"
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
	bytes_fini(&r->pack);
	group_free(r->group);
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
