#include <string.h>

#include "store/check_private.h"

/* A row of span, taken apart. */
struct span_row {
	struct slice key;
	struct slice trace, span;		/* id keys, in key */
	int64_t start_ns;
	struct kept_item item;
};

static bool
is_id(struct slice key, struct slice id)
{
	uint8_t is[ID_KEY_MAX];

	return id.len > 0 && slice_eq(key, (struct slice){ (const char *)is,
	    id_key_put(is, id) });
}

/* Is there exchange seq?  The lowest ones may be gone. */
static int
has_exchange(struct check *c, uint64_t seq, bool *has)
{
	uint8_t key[SEQ_KEY_LEN];
	MDB_val v;
	int rc;

	be64_put(key, seq);
	rc = check_get(c, TABLE_EXCHANGE, key, sizeof(key), &v);
	*has = rc == 0 || (seq > 0 && seq < c->first_seq);
	return rc == MDB_NOTFOUND ? 0 : rc;
}

static int
check_seqs(struct check *c, enum table t, const MDB_val *k,
    const struct kept_item *item)
{
	bool has = true;
	int rc = has_exchange(c, item->first_seq, &has);

	if (rc == 0 && has)
		rc = has_exchange(c, item->last_seq, &has);
	if (rc == 0 && !has)
		check_tell_key(c, CHECK_ITEM_SEQ, t, check_slice(k));
	return rc;
}

static int
trace_row(struct check *c, const MDB_val *k, const MDB_val *v)
{
	const struct slice id = check_slice(k);
	struct ingest_item item;
	struct kept_item kept;

	if (id.len > ID_KEY_MAX || memchr(id.p, 0, id.len)) {
		check_tell_key(c, CHECK_KEY, TABLE_TRACE, check_slice(k));
		return 0;
	}
	if (item_decode(v->mv_data, v->mv_size, &kept) != 0) {
		check_tell_key(c, CHECK_VALUE, TABLE_TRACE, check_slice(k));
		return 0;
	}
	if (kept.last_seq < c->o->since)
		return 0;
	c->t->traces++;
	if (kept.raw.len > 0) {
		item_read(c->items, kept.raw, &item);
		if (item.kind != ITEM_TRACE)
			check_tell_key(c, CHECK_ITEM, TABLE_TRACE,
			    check_slice(k));
		else if (!is_id(id, item.id))
			check_tell_key(c, CHECK_ITEM_ID, TABLE_TRACE,
			    check_slice(k));
	}
	return check_seqs(c, TABLE_TRACE, k, &kept);
}

/* Where spanid leads nowhere, the walk through spanid tells. */
static int
check_spanid(struct check *c, const struct span_row *s)
{
	uint8_t key[SPAN_KEY_MAX];
	int64_t start_ns;
	MDB_val v;
	int rc = check_get(c, TABLE_SPANID, key,
	    spanid_key_put(key, s->span, s->trace), &v);

	if (rc == 0 && (!start_get(v.mv_data, v.mv_size, &start_ns) ||
	    start_ns == s->start_ns))
		return 0;
	if (rc == 0) {
		rc = check_get(c, TABLE_SPAN, key,
		    span_key_put(key, s->trace, start_ns, s->span), &v);
		if (rc == MDB_NOTFOUND)
			return 0;
	}
	if (rc && rc != MDB_NOTFOUND)
		return rc;
	check_tell_key(c, CHECK_NO_SPANID, TABLE_SPAN, s->key);
	return 0;
}

static int
check_trace_of(struct check *c, const struct span_row *s)
{
	struct kept_item trace;
	MDB_val v;
	int rc = check_get(c, TABLE_TRACE, s->trace.p, s->trace.len, &v);

	if (rc == MDB_NOTFOUND)
		check_tell_key(c, CHECK_NO_TRACE, TABLE_SPAN, s->key);
	if (rc)
		return rc == MDB_NOTFOUND ? 0 : rc;
	if (item_decode(v.mv_data, v.mv_size, &trace) == 0 &&
	    (trace.first_seq > s->item.first_seq ||
	    trace.last_seq < s->item.last_seq))
		check_tell_key(c, CHECK_TRACE_SEQS, TABLE_SPAN, s->key);
	return 0;
}

/* by_response gives a response to the lowest trace that has the span. */
static int
check_claim(struct check *c, const struct span_row *s, struct slice response_id)
{
	uint8_t id[ID_KEY_MAX], key[SPAN_KEY_MAX];
	struct slice idk = { (const char *)id, id_key_put(id, response_id) };
	struct slice trace;
	MDB_val v;
	int rc = check_get(c, TABLE_BY_RESPONSE, key,
	    claim_key_put(key, idk, s->span), &v);

	if (rc == MDB_NOTFOUND)
		check_tell_key(c, CHECK_NO_CLAIM, TABLE_SPAN, s->key);
	if (rc)
		return rc == MDB_NOTFOUND ? 0 : rc;
	trace = check_slice(&v);
	if (slice_eq(trace, s->trace))
		return 0;
	rc = MDB_NOTFOUND;
	if (trace.len > 0 && trace.len <= ID_KEY_MAX)
		rc = check_get(c, TABLE_SPANID, key,
		    spanid_key_put(key, s->span, trace), &v);
	if (rc == MDB_NOTFOUND)
		check_tell_key(c, CHECK_CLAIM_OTHER, TABLE_SPAN, s->key);
	return rc == MDB_NOTFOUND ? 0 : rc;
}

static bool
span_row_get(struct span_row *s, const MDB_val *k)
{
	const char *zero = memchr(k->mv_data, 0, k->mv_size);

	s->key = check_slice(k);
	if (!zero || zero == k->mv_data)
		return false;
	s->trace = (struct slice){ k->mv_data, (size_t)(zero - (char *)k->mv_data) };
	return s->trace.len <= ID_KEY_MAX && span_key_get(k->mv_data, k->mv_size,
	    s->trace.len, &s->start_ns, &s->span) &&
	    !memchr(s->span.p, 0, s->span.len);
}

static int
check_text(struct check *c, const struct span_row *s)
{
	struct ingest_item item;

	item_read(c->items, s->item.raw, &item);
	if (item.kind != ITEM_SPAN)
		check_tell_key(c, CHECK_ITEM, TABLE_SPAN, s->key);
	else if (!is_id(s->span, item.id) || !is_id(s->trace, item.trace_id))
		check_tell_key(c, CHECK_ITEM_ID, TABLE_SPAN, s->key);
	else if (item.started_ns != s->start_ns)
		check_tell_key(c, CHECK_ITEM_START, TABLE_SPAN, s->key);
	else if (item.response_id.p && c->r->env.has[TABLE_BY_RESPONSE])
		return check_claim(c, s, item.response_id);
	return 0;
}

static int
span_row(struct check *c, const MDB_val *k, const MDB_val *v)
{
	struct span_row s;
	int rc;

	if (!span_row_get(&s, k)) {
		check_tell_key(c, CHECK_KEY, TABLE_SPAN, check_slice(k));
		return 0;
	}
	if (item_decode(v->mv_data, v->mv_size, &s.item) != 0) {
		check_tell_key(c, CHECK_VALUE, TABLE_SPAN, check_slice(k));
		return 0;
	}
	if (s.item.last_seq < c->o->since)
		return 0;
	c->t->spans++;
	if ((rc = check_seqs(c, TABLE_SPAN, k, &s.item)) != 0 ||
	    (rc = check_spanid(c, &s)) != 0 || (rc = check_trace_of(c, &s)) != 0)
		return rc;
	return check_text(c, &s);
}

/* Of a span that it leads to, the walk through span tells what is wrong. */
static int
spanid_row(struct check *c, const MDB_val *k, const MDB_val *v)
{
	const char *key = k->mv_data, *zero = memchr(key, 0, k->mv_size);
	struct slice span = { key, zero ? (size_t)(zero - key) : 0 }, trace;
	uint8_t at[SPAN_KEY_MAX];
	int64_t start_ns;
	MDB_val row;
	int rc;

	trace = (struct slice){ key + span.len + 1, k->mv_size - span.len - 1 };
	if (!zero || span.len == 0 || span.len > ID_KEY_MAX || trace.len == 0 ||
	    trace.len > ID_KEY_MAX || memchr(trace.p, 0, trace.len)) {
		check_tell_key(c, CHECK_KEY, TABLE_SPANID, check_slice(k));
		return 0;
	}
	if (!start_get(v->mv_data, v->mv_size, &start_ns)) {
		check_tell_key(c, CHECK_VALUE, TABLE_SPANID, check_slice(k));
		return 0;
	}
	rc = check_get(c, TABLE_SPAN, at, span_key_put(at, trace, start_ns, span), &row);
	if (rc == MDB_NOTFOUND)
		check_tell_key(c, CHECK_NO_SPAN, TABLE_SPANID, check_slice(k));
	return rc == MDB_NOTFOUND ? 0 : rc;
}

int
check_items(struct check *c)
{
	int rc = check_table(c, TABLE_TRACE, trace_row);

	if (rc == 0)
		rc = check_table(c, TABLE_SPAN, span_row);
	return rc ? rc : check_table(c, TABLE_SPANID, spanid_row);
}
