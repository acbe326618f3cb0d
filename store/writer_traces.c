#include "store/writer_traces.h"

#include <assert.h>
#include <errno.h>

#include "store/traces.h"
#include "store/writer_response.h"

/* What the functions here share for the length of one upsert. */
struct upsert {
	const struct env *env;
	MDB_txn *txn;
	uint64_t seq;
	struct bytes *row;
	uint8_t trace_bytes[ID_KEY_MAX], span_bytes[ID_KEY_MAX];
	struct slice trace, span;	/* their id keys */
};

static MDB_val
val(const void *p, size_t n)
{
	return (MDB_val){ n, (void *)p };	/* LMDB reads only */
}

static struct slice
id_key(uint8_t bytes[ID_KEY_MAX], struct slice id)
{
	return (struct slice){ (const char *)bytes, id_key_put(bytes, id) };
}

static int
get(struct upsert *u, enum table t, MDB_val key, MDB_val *v)
{
	return mdb_get(u->txn, u->env->dbi[t], &key, v);
}

static int
put(struct upsert *u, enum table t, MDB_val key, MDB_val v)
{
	return mdb_put(u->txn, u->env->dbi[t], &key, &v, 0);
}

static int
put_item(struct upsert *u, enum table t, MDB_val key, const struct kept_item *k)
{
	bytes_clear(u->row);
	item_encode(u->row, k);
	return u->row->failed ? ENOMEM :
	    put(u, t, key, val(u->row->p, u->row->len));
}

/* The row at key, which raw came for again.  MDB_NOTFOUND: there is none, or one
 * that does not decode, which is as good as none. */
static int
get_item(struct upsert *u, enum table t, MDB_val key, struct kept_item *k)
{
	MDB_val v;
	int rc = get(u, t, key, &v);

	if (rc == 0 && item_decode(v.mv_data, v.mv_size, k) != 0)
		rc = MDB_NOTFOUND;
	return rc;
}

/* Makes *k what is known with raw and this exchange; false: that is nothing new. */
static bool
widen(const struct upsert *u, struct kept_item *k, struct slice raw)
{
	bool is_new = item_says_more(raw, k->raw);

	if (is_new)
		k->raw = raw;
	if (u->seq < k->first_seq) {
		k->first_seq = u->seq;
		is_new = true;
	}
	if (u->seq > k->last_seq) {
		k->last_seq = u->seq;
		is_new = true;
	}
	return is_new;
}

/* raw is empty for a span's sake. */
static int
put_trace(struct upsert *u, struct slice raw)
{
	MDB_val key = val(u->trace.p, u->trace.len);
	struct kept_item k;
	int rc = get_item(u, TABLE_TRACE, key, &k);

	if (rc == MDB_NOTFOUND)
		k = (struct kept_item){
			.raw = raw, .first_seq = u->seq, .last_seq = u->seq,
		};
	else if (rc || !widen(u, &k, raw))
		return rc;
	return put_item(u, TABLE_TRACE, key, &k);
}

/* A span that was not there, or whose row moves here. */
static int
place_span(struct upsert *u, int64_t start_ns, const struct kept_item *k)
{
	uint8_t key[SPAN_KEY_MAX], start[8];
	size_t n = span_key_put(key, u->trace, start_ns, u->span);
	int rc = put_item(u, TABLE_SPAN, val(key, n), k);

	if (rc)
		return rc;
	n = spanid_key_put(key, u->span, u->trace);
	start_put(start, start_ns);
	return put(u, TABLE_SPANID, val(key, n), val(start, sizeof(start)));
}

/* Where the row of the span is; MDB_NOTFOUND: it is not there. */
static int
find_span(struct upsert *u, int64_t *start_ns)
{
	uint8_t key[SPAN_KEY_MAX];
	size_t n = spanid_key_put(key, u->span, u->trace);
	MDB_val v;
	int rc = get(u, TABLE_SPANID, val(key, n), &v);

	if (rc == 0 && !start_get(v.mv_data, v.mv_size, start_ns))
		rc = MDB_NOTFOUND;
	return rc;
}

/* The row at old_ns is known; its item came again. */
static int
put_known_span(struct upsert *u, const struct ingest_item *item, int64_t old_ns)
{
	uint8_t key[SPAN_KEY_MAX];
	MDB_val k = val(key, span_key_put(key, u->trace, old_ns, u->span));
	struct kept_item kept;
	bool has_moved;
	int rc = get_item(u, TABLE_SPAN, k, &kept);

	if (rc == MDB_NOTFOUND) {
		kept = (struct kept_item){
			.raw = item->raw, .first_seq = u->seq, .last_seq = u->seq,
		};
		has_moved = true;
	} else {
		if (rc || !widen(u, &kept, item->raw))
			return rc;
		has_moved = kept.raw.p == item->raw.p &&
		    item->started_ns != old_ns;
	}
	if (!has_moved)
		return put_item(u, TABLE_SPAN, k, &kept);
	rc = mdb_del(u->txn, u->env->dbi[TABLE_SPAN], &k, NULL);
	if (rc && rc != MDB_NOTFOUND)
		return rc;
	return place_span(u, item->started_ns, &kept);
}

static int
put_span(struct upsert *u, const struct ingest_item *item)
{
	int64_t old_ns;
	int rc = find_span(u, &old_ns);

	if (rc == 0)
		return put_known_span(u, item, old_ns);
	if (rc != MDB_NOTFOUND)
		return rc;
	return place_span(u, item->started_ns, &(struct kept_item){
		.raw = item->raw, .first_seq = u->seq, .last_seq = u->seq,
	});
}

int
writer_traces_put(const struct env *e, MDB_txn *txn, uint64_t seq,
    const struct ingest_item *item, struct bytes *scratch)
{
	struct upsert u = { .env = e, .txn = txn, .seq = seq, .row = scratch };
	int rc;

	assert(seq > 0 && item->kind != ITEM_ODD);
	u.trace = id_key(u.trace_bytes, item->trace_id);
	if (item->kind == ITEM_TRACE) {
		rc = put_trace(&u, item->raw);
	} else {
		u.span = id_key(u.span_bytes, item->id);
		rc = put_trace(&u, (struct slice){ "", 0 });
		if (rc == 0)
			rc = put_span(&u, item);
		if (rc == 0 && item->response_id.p)
			rc = writer_claim_put(e, txn, item->response_id, u.span,
			    u.trace);
	}
	return rc;
}
