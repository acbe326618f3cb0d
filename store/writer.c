#include "store/writer.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "store/directory.h"
#include "store/env.h"
#include "store/lockfile.h"
#include "store/pack.h"
#include "store/record.h"
#include "store/settle.h"
#include "store/tail.h"
#include "store/writer_bodies.h"
#include "store/writer_response.h"
#include "store/writer_traces.h"

enum {
	LOCK_WAIT_MS = 50,	/* longer than writer_holder holds it */
	ROW_OVERHEAD = 16,	/* of a key and value in a page, about */
	ITEM_OVERHEAD = 4 * 128,	/* of its rows, with their keys, about */
	RELAX_BYTES = 4 * 1024 * 1024,
	ROW_KEPT_MAX = 64 * 1024,	/* room that stays from row to row */
};

struct writer {
	struct env env;
	int lock;
	MDB_txn *txn;			/* NULL between batches */
	struct tail tail[TABLE_N];	/* of txn */
	struct bytes row;
	struct bodies bodies;
	uint64_t next_seq;
	size_t pending;
	size_t unrelaxed;		/* put since the map was let go of */
	size_t part_bytes;
	bool lazy;
	uint8_t key[DIRECTORY_KEY_LEN];
};

_Static_assert(DIRECTORY_KEY_LEN == 32, "as writer_key promises");

/* The batch is gone: LMDB freed it, or does now. */
static void
forget_batch(struct writer *w)
{
	memset(w->tail, 0, sizeof(w->tail));	/* cursors end with the txn */
	w->txn = NULL;
	w->pending = 0;
}

static int
lose_batch(struct writer *w, int rc)
{
	if (w->txn)
		mdb_txn_abort(w->txn);
	forget_batch(w);
	bodies_lost(&w->bodies);
	return rc;
}

static int
begin(struct writer *w)
{
	int rc;

	if (w->txn)
		return 0;
	rc = w->env.mdb ? mdb_txn_begin(w->env.mdb, NULL, 0, &w->txn) : MDB_PANIC;
	if (rc == MDB_PANIC || rc == MDB_MAP_RESIZED) {
		/* A meta page could not be written, or a tool made the map
		 * larger: the environment is of no more use, the file is. */
		w->txn = NULL;
		rc = env_reopen(&w->env);
		if (rc == 0)
			rc = mdb_txn_begin(w->env.mdb, NULL, 0, &w->txn);
	}
	if (rc)
		w->txn = NULL;
	return rc;
}

static MDB_val
val(const void *p, size_t n)
{
	return (MDB_val){ n, (void *)p };	/* LMDB reads only */
}

/* For the tables whose keys begin with a seq.  flags: 0, or MDB_RESERVE, and then
 * *v tells where the value is to be written. */
static int
put_or_reserve(struct writer *w, enum table t, MDB_val k, MDB_val *v,
    unsigned flags)
{
	const size_t n = k.mv_size + v->mv_size + ROW_OVERHEAD;
	int rc = begin(w);

	assert(k.mv_size <= BODY_KEY_LEN);
	if (rc == 0)
		rc = tail_open(&w->tail[t], w->txn, w->env.dbi[t]);
	if (rc == 0)
		rc = tail_put(&w->tail[t], &k, v, flags);
	if (rc)
		return lose_batch(w, rc);
	w->pending += n;
	return 0;
}

static int
put(struct writer *w, enum table t, MDB_val k, MDB_val v)
{
	return put_or_reserve(w, t, k, &v, 0);
}

/* What a new writer does to a store, in one transaction. */
static int
settle_store(struct writer *w, uint64_t *interrupted)
{
	struct settled s = { 0 };
	int rc = begin(w);

	if (rc)
		return rc;
	if ((rc = settle(&w->env, w->txn, &s)) != 0)
		return lose_batch(w, rc);
	w->part_bytes = s.part_bytes;
	w->next_seq = s.next_seq;
	*interrupted = s.interrupted;
	return writer_commit(w);
}

static int
code(int rc)
{
	switch (rc) {
	case ENV_NEWER:
		return WRITER_VERSION;
	case ENV_TWICE:
		return WRITER_TWICE;
	case DIRECTORY_WIDE:
		return WRITER_WIDE;
	case DIRECTORY_OWNER:
		return WRITER_OWNER;
	case DIRECTORY_KEY:
		return WRITER_KEY;
	default:
		return rc;
	}
}

static int
open_store(struct writer *w, const char *dir, const struct writer_options *o,
    uint64_t *interrupted)
{
	unsigned flags = o->durability == DURABILITY_LAZY ? MDB_NOMETASYNC : 0;
	int rc = directory_make(dir);

	if (rc)
		return rc;
	rc = lockfile_take(&w->lock, dir, LOCKFILE_WRITER, true, LOCK_WAIT_MS);
	if (rc)
		return rc == EWOULDBLOCK ? WRITER_LOCKED : rc;
	if ((rc = directory_key(dir, w->key)) != 0)
		return rc;
	w->lazy = o->durability == DURABILITY_LAZY;
	if ((rc = bodies_init(&w->bodies, o->parents_bytes)) != 0)
		return rc;
	if ((rc = env_open(&w->env, dir, flags, (size_t)o->map_bytes)) != 0)
		return rc;
	if ((rc = settle_store(w, interrupted)) != 0)
		return rc;
	return directory_sync(dir);
}

static void
writer_free(struct writer *w)
{
	lose_batch(w, 0);
	env_close(&w->env);
	lockfile_drop(w->lock);
	bodies_fini(&w->bodies);
	bytes_fini(&w->row);
	explicit_bzero(w->key, sizeof(w->key));
	free(w);
}

int
writer_open(struct writer **w, const char *dir, const struct writer_options *o,
    uint64_t *interrupted)
{
	uint64_t n = 0;
	int rc;

	if (!(*w = calloc(1, sizeof(**w))))
		return ENOMEM;
	(*w)->lock = -1;
	rc = code(open_store(*w, dir, o, &n));
	if (interrupted)
		*interrupted = n;
	if (rc) {
		writer_free(*w);
		*w = NULL;
	}
	return rc;
}

long
writer_holder(const char *dir)
{
	return lockfile_holder(dir, LOCKFILE_WRITER);
}

int
writer_close(struct writer *w)
{
	int rc, synced = 0;

	if (!w)
		return 0;
	rc = writer_commit(w);
	if (w->env.mdb)
		synced = mdb_env_sync(w->env.mdb, 1);
	writer_free(w);
	return rc ? rc : synced;
}

uint64_t
writer_next_seq(struct writer *w)
{
	return w->next_seq++;
}

/* Notes in table `open` that the row of seq is in flight, or no longer. */
static int
note_open(struct writer *w, const uint8_t key[SEQ_KEY_LEN], bool in_flight)
{
	MDB_val k = val(key, SEQ_KEY_LEN);
	int rc;

	if (in_flight)
		return put(w, TABLE_OPEN, k, val("", 0));
	rc = mdb_del(w->txn, w->env.dbi[TABLE_OPEN], &k, NULL);
	return rc == 0 || rc == MDB_NOTFOUND ? 0 : lose_batch(w, rc);
}

/* x is over: puts which ids of responses it names. */
static int
put_names(struct writer *w, const struct exchange *x)
{
	size_t n;
	int rc = writer_response_put(&w->env, w->txn, x, &n);

	if (rc)
		return lose_batch(w, rc);
	w->pending += n;
	return 0;
}

int
writer_put_exchange(struct writer *w, const struct exchange *x)
{
	uint8_t key[SEQ_KEY_LEN];
	int rc;

	assert(x->seq > 0);
	be64_put(key, x->seq);
	bytes_clear(&w->row);
	record_encode(&w->row, x);
	if (w->row.failed)
		return lose_batch(w, ENOMEM);
	rc = put(w, TABLE_EXCHANGE, val(key, sizeof(key)),
	    val(w->row.p, w->row.len));
	if (rc)
		return rc;
	rc = note_open(w, key, x->outcome == OUTCOME_IN_FLIGHT);
	return rc || x->outcome == OUTCOME_IN_FLIGHT ? rc : put_names(w, x);
}

size_t
writer_part_bytes(const struct writer *w)
{
	return w->part_bytes;
}

int
writer_put_part(struct writer *w, uint64_t seq, enum side side, uint32_t part,
    const void *p, size_t n)
{
	uint8_t key[BODY_KEY_LEN];

	assert(seq > 0 && n > 0 && n <= w->part_bytes && part < UINT32_MAX);
	body_key_put(key, seq, side, part);
	return put(w, TABLE_BODY, val(key, sizeof(key)), val(p, n));
}

int
writer_put_pack(struct writer *w, uint64_t seq, const struct slice side[SIDE_N])
{
	uint8_t key[BODY_KEY_LEN];
	MDB_val room = { pack_len(side), NULL };
	int rc;

	assert(seq > 0 && room.mv_size <= w->part_bytes);
	pack_key_put(key, seq);
	rc = put_or_reserve(w, TABLE_BODY, val(key, sizeof(key)), &room,
	    MDB_RESERVE);
	if (rc == 0)
		pack_put(room.mv_data, side);
	return rc;
}

/* Where bodies go, in a transaction that is open. */
static int
begin_bodies(struct writer *w, struct bodies_store *s)
{
	struct tail *tail = &w->tail[TABLE_BODY];
	int rc = begin(w);

	if (rc == 0)
		rc = tail_open(tail, w->txn, w->env.dbi[TABLE_BODY]);
	*s = (struct bodies_store){ &w->env, w->txn, tail, w->part_bytes, 0 };
	return rc;
}

int
writer_put_body(struct writer *w, const struct body *y, struct message *m)
{
	struct bodies_store s;
	int rc = begin_bodies(w, &s);

	if (rc == 0)
		rc = bodies_put(&w->bodies, &s, y, m);
	w->pending += s.put;
	return rc ? lose_batch(w, rc) : 0;
}

int
writer_squeeze(struct writer *w, struct writer_late *l)
{
	struct bodies_store s;
	int rc = begin_bodies(w, &s);

	if (rc == 0)
		rc = bodies_squeeze(&w->bodies, &s, l);
	w->pending += s.put;
	return rc ? lose_batch(w, rc) : 0;
}

int
writer_squeeze_pack(struct writer *w, uint64_t seq, const struct slice side[SIDE_N])
{
	struct bodies_store s;
	bool is_put = false;
	int rc = begin_bodies(w, &s);

	if (rc == 0)
		rc = bodies_put_pack(&w->bodies, &s, seq, side, &is_put);
	w->pending += s.put;
	if (rc)
		return lose_batch(w, rc);
	return is_put ? 0 : writer_put_pack(w, seq, side);
}

void
writer_rest(struct writer *w)
{
	bodies_rest(&w->bodies);
}

int
writer_put_gap(struct writer *w, uint64_t seq, uint64_t n, const char *why)
{
	const struct lost lost = { seq, n, why };
	uint8_t key[SEQ_KEY_LEN];
	int rc;

	assert(seq > 0 && n > 0 && n - 1 <= UINT64_MAX - seq);
	be64_put(key, seq);
	bytes_clear(&w->row);
	gap_encode(&w->row, n, (struct slice){ why, strlen(why) });
	if (w->row.failed)
		return lose_batch(w, ENOMEM);
	rc = put(w, TABLE_GAP, val(key, sizeof(key)),
	    val(w->row.p, w->row.len));
	if (rc)
		return rc;
	rc = settle_lost(&w->env, w->txn, w->part_bytes, &lost);
	return rc ? lose_batch(w, rc) : 0;
}

int
writer_put_item(struct writer *w, uint64_t seq, const struct ingest_item *item)
{
	int rc;

	if (item->kind == ITEM_ODD)
		return 0;
	rc = begin(w);
	if (rc == 0)
		rc = writer_traces_put(&w->env, w->txn, seq, item, &w->row);
	if (w->row.cap > ROW_KEPT_MAX)
		bytes_fini(&w->row);
	if (rc)
		return lose_batch(w, rc);
	w->pending += item->raw.len + ITEM_OVERHEAD;
	return 0;
}

int
writer_put_meta(struct writer *w, const char *name, const void *p, size_t n)
{
	MDB_val k = val(name, strlen(name)), v = val(p, n);
	int rc;

	assert(k.mv_size > 0 && k.mv_size <= META_NAME_MAX);
	rc = begin(w);
	if (rc == 0)
		rc = mdb_put(w->txn, w->env.dbi[TABLE_META], &k, &v, 0);
	if (rc)
		return lose_batch(w, rc);
	w->pending += n + ROW_OVERHEAD;
	return 0;
}

size_t
writer_pending(const struct writer *w)
{
	return w->pending;
}

int
writer_commit(struct writer *w)
{
	int rc = w->txn ? mdb_txn_commit(w->txn) : 0;

	if (rc)
		bodies_lost(&w->bodies);
	w->unrelaxed += w->pending;
	forget_batch(w);	/* a commit that fails frees it too */
	if (w->unrelaxed >= RELAX_BYTES) {
		w->unrelaxed = 0;
		env_relax(&w->env);
	}
	return rc;
}

void
writer_housekeep(struct writer *w)
{
	int dead;

	if (!w->env.mdb)
		return;
	(void)mdb_reader_check(w->env.mdb, &dead);
	/* What fails here shows again, and is reported, at the next commit. */
	if (w->lazy)
		(void)mdb_env_sync(w->env.mdb, 1);
}

const uint8_t *
writer_key(const struct writer *w)
{
	return w->key;
}

const char *
writer_strerror(int rc)
{
	switch (rc) {
	case WRITER_LOCKED:
		return "another process records into this store";
	case WRITER_VERSION:
		return "the store was made by a newer tracetape";
	case WRITER_KEY:
		return "the file key must be a plain file of 32 bytes, ours, mode 0600";
	case WRITER_TWICE:
		return "this process has the store open already";
	case WRITER_WIDE:
		return "others may look into the directory, and it holds more "
		    "than a store: chmod 700 it, or take another one";
	case WRITER_OWNER:
		return "the directory belongs to another user";
	case ENV_NONE:
		return "the store vanished";
	case EIO:
		return "the disk failed or is full";	/* LMDB: a short write */
	default:
		return mdb_strerror(rc);
	}
}
