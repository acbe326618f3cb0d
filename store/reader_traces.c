#include <errno.h>
#include <string.h>

#include "store/reader_private.h"
#include "store/traces.h"

/* A key that is looked for; made before the row that its parts may lie in is
 * filled anew. */
struct seek {
	uint8_t p[SPAN_KEY_MAX + 1];
	size_t n;
	size_t prefix;		/* what is found begins with as much of it */
};

/* The key right above; no key is in between. */
static void
step_above(struct seek *k)
{
	k->p[k->n++] = 0;
}

/* Copies key and value, which both end with the snapshot, to where they are
 * lent from. */
static int
lend(struct reader *r, const MDB_val *k, const MDB_val *v, struct kept_item *item)
{
	struct bytes *b = &r->row;

	bytes_clear(b);
	bytes_put(b, k->mv_data, k->mv_size);
	bytes_put(b, v->mv_data, v->mv_size);
	if (b->failed)
		return ENOMEM;
	item->key = (struct slice){ (const char *)b->p, k->mv_size };
	item->started_ns = -1;
	item->raw = (struct slice){ NULL, 0 };
	return item_decode(b->p + k->mv_size, v->mv_size, item) == 0 ? 0 :
	    READER_CORRUPT;
}

static bool
begins_with(const MDB_val *k, const struct seek *at)
{
	return k->mv_size >= at->prefix &&
	    memcmp(k->mv_data, at->p, at->prefix) == 0;
}

/* In a snapshot: the row at the key (MDB_SET_KEY), or the first one from there on
 * (MDB_SET_RANGE). */
static int
find_here(struct reader *r, enum table t, const struct seek *at,
    MDB_cursor_op op, struct kept_item *item)
{
	MDB_val k = { at->n, (void *)at->p }, v;
	MDB_cursor *c;
	int rc = reader_cursor(r, t, &c);

	if (rc == 0)
		rc = mdb_cursor_get(c, &k, &v, op);
	if (rc == 0 && !begins_with(&k, at))
		rc = MDB_NOTFOUND;
	return rc ? rc : lend(r, &k, &v, item);
}

static int
find(struct reader *r, enum table t, const struct seek *at, MDB_cursor_op op,
    struct kept_item *item)
{
	int rc = reader_begin(r);

	if (rc)
		return reader_code(rc);
	rc = find_here(r, t, at, op, item);
	reader_end(r);
	return reader_code(rc);
}

int
reader_trace(struct reader *r, struct slice id, struct kept_item *t)
{
	struct seek at = { .prefix = 0 };

	if (id.len == 0)
		return READER_NONE;
	at.n = id_key_put(at.p, id);
	return find(r, TABLE_TRACE, &at, MDB_SET_KEY, t);
}

int
reader_next_trace(struct reader *r, struct slice after, struct kept_item *t)
{
	struct seek at = { .prefix = 0 };

	if (after.len > ID_KEY_MAX)
		return READER_NONE;
	if (after.len > 0)
		memcpy(at.p, after.p, after.len);
	at.n = after.len;
	step_above(&at);	/* keys have no 0: not even the first begins so */
	return find(r, TABLE_TRACE, &at, MDB_SET_RANGE, t);
}

/* What find put into *s is a row of span: makes its key the span's own. */
static int
read_span_key(struct kept_item *s, size_t trace_len, int rc)
{
	const struct slice whole = s->key;

	if (rc && rc != READER_CORRUPT)
		return rc;
	if (!span_key_get(whole.p, whole.len, trace_len, &s->started_ns, &s->key))
		return READER_CORRUPT;
	return rc;
}

int
reader_next_span(struct reader *r, struct slice trace_id,
    const struct kept_item *after, struct kept_item *s)
{
	uint8_t bytes[ID_KEY_MAX];
	struct seek at = { .prefix = 0 };
	struct slice trace;

	if (trace_id.len == 0 || (after && after->key.len > ID_KEY_MAX))
		return READER_NONE;
	trace = (struct slice){ (char *)bytes, id_key_put(bytes, trace_id) };
	at.prefix = trace.len + 1;
	if (after) {
		at.n = span_key_put(at.p, trace, after->started_ns, after->key);
		step_above(&at);
	} else {
		memcpy(at.p, trace.p, trace.len);
		at.n = trace.len;
		step_above(&at);
	}
	return read_span_key(s, trace.len,
	    find(r, TABLE_SPAN, &at, MDB_SET_RANGE, s));
}

/* In a snapshot: when the span began, as its key in span says. */
static int
span_start(struct reader *r, struct slice trace, struct slice span,
    int64_t *start_ns)
{
	uint8_t key[SPAN_KEY_MAX];
	MDB_val k = { spanid_key_put(key, span, trace), key }, v;
	MDB_cursor *c;
	int rc = reader_cursor(r, TABLE_SPANID, &c);

	if (rc == 0)
		rc = mdb_cursor_get(c, &k, &v, MDB_SET_KEY);
	if (rc == 0 && !start_get(v.mv_data, v.mv_size, start_ns))
		rc = MDB_CORRUPTED;
	return rc;
}

int
reader_span(struct reader *r, struct slice trace_id, struct slice id,
    struct kept_item *s)
{
	uint8_t trace_bytes[ID_KEY_MAX], span_bytes[ID_KEY_MAX];
	struct seek at = { .prefix = 0 };
	struct slice trace, span;
	int64_t start_ns;
	int rc;

	if (trace_id.len == 0 || id.len == 0)
		return READER_NONE;
	trace = (struct slice){ (char *)trace_bytes,
	    id_key_put(trace_bytes, trace_id) };
	span = (struct slice){ (char *)span_bytes, id_key_put(span_bytes, id) };
	if ((rc = reader_begin(r)) != 0)
		return reader_code(rc);
	rc = span_start(r, trace, span, &start_ns);
	if (rc == 0) {
		at.n = span_key_put(at.p, trace, start_ns, span);
		rc = find_here(r, TABLE_SPAN, &at, MDB_SET_KEY, s);
	}
	reader_end(r);
	return read_span_key(s, trace.len, reader_code(rc));
}
