#include "store/writer_bodies.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "store/elements.h"
#include "store/pack.h"
#include "store/parents.h"
#include "store/parts.h"
#include "store/record.h"
#include "store/squeeze.h"

enum {
	RESPONSES = 8,		/* of the parents' bytes one part is for these */
	LEAST = 2048,		/* shorter ones do not fill half a page */
	ROW_OVERHEAD = 16,
};

int
bodies_init(struct bodies *b, size_t parents_bytes)
{
	b->parents[0] = parents_new(parents_bytes - parents_bytes / RESPONSES);
	b->parents[1] = parents_new(parents_bytes / RESPONSES);
	b->squeeze = squeeze_new();
	return b->parents[0] && b->parents[1] && b->squeeze ? 0 : ENOMEM;
}

void
bodies_rest(struct bodies *b)
{
	squeeze_rest(b->squeeze);
	bytes_fini(&b->raw);
	bytes_fini(&b->row);
	bytes_fini(&b->record);
}

void
bodies_fini(struct bodies *b)
{
	if (b->squeeze)
		bodies_rest(b);
	parents_free(b->parents[0]);
	parents_free(b->parents[1]);
	squeeze_free(b->squeeze);
	*b = (struct bodies){ .squeeze = NULL };
}

void
bodies_lost(struct bodies *b)
{
	if (!b->squeeze)
		return;
	parents_clear(b->parents[0]);
	parents_clear(b->parents[1]);
}

static int
put_values(struct bodies_store *s, uint8_t key[BODY_KEY_LEN], const struct bytes *row)
{
	const uint32_t first = be32_get(key + SEQ_KEY_LEN + 1);
	MDB_val k = { BODY_KEY_LEN, key };
	int rc = 0;

	for (size_t off = 0; rc == 0 && off < row->len; off += s->part_bytes) {
		MDB_val v = { row->len - off, row->p + off };

		if (v.mv_size > s->part_bytes)
			v.mv_size = s->part_bytes;
		be32_put(key + SEQ_KEY_LEN + 1,
		    first + (uint32_t)(off / s->part_bytes));
		rc = tail_put(s->tail, &k, &v, 0);
		s->put += BODY_KEY_LEN + v.mv_size + ROW_OVERHEAD;
	}
	return rc;
}

/* Puts b->row as a block in the place of its parts, of which there are n at most. */
static int
put_block(struct bodies *b, struct bodies_store *s, const struct body *y,
    uint32_t block, uint32_t n)
{
	uint8_t key[BODY_KEY_LEN];
	int rc;

	squeezed_key_put(key, y->seq, y->side, block);
	if ((rc = put_values(s, key, &b->row)) != 0)
		return rc;
	body_key_put(key, y->seq, y->side, block * BLOCK_PARTS);
	return parts_drop(s->tail->cursor, key, n);
}

static uint32_t
n_parts(const struct bodies_store *s, size_t len)
{
	return (uint32_t)((len + s->part_bytes - 1) / s->part_bytes);
}

/* b->row gets the squeezed block; false: it does not pay. */
static bool
squeeze(struct bodies *b, struct slice raw, const struct squeeze_prefix *prefix,
    unsigned *depth)
{
	bytes_clear(&b->row);
	/* Without memory for it the body stays as it is, which takes none. */
	return squeeze_put(b->squeeze, raw, prefix, &b->row, depth) == 0;
}

int
bodies_put(struct bodies *b, struct bodies_store *s, const struct body *y,
    struct message *m)
{
	struct parents *ps = b->parents[y->side == SIDE_RESPONSE_BODY];
	const struct parent *from = y->elements ?
	    parents_find(ps, y->elements) : NULL;
	struct squeeze_prefix prefix;
	uint64_t after = 0;
	unsigned depth;
	int rc;

	if (y->raw.len < LEAST || y->raw.len > SQUEEZE_RAW_MAX)
		return 0;
	/* Exchanges end in any order, and a prefix is of an earlier one. */
	if (from && (from->depth == SQUEEZE_DEPTH_MAX || from->seq >= y->seq))
		from = NULL;
	if (from)
		prefix = (struct squeeze_prefix){ from->raw, y->seq - from->seq,
		    from->depth };
	if (!squeeze(b, y->raw, from ? &prefix : NULL, &depth))
		return 0;
	rc = put_block(b, s, y, 0, n_parts(s, y->raw.len));
	if (rc)
		return rc;
	if (depth > 0)
		after = from->seq;
	m->squeezed_bytes = (int64_t)b->row.len;
	m->prefix = after ? (int64_t)after : -1;
	if (y->elements)
		parents_put(ps, y->elements,
		    &(struct parent){ y->seq, depth, y->raw }, after);
	return 0;
}

/* Heads are alike from exchange to exchange, but that is no reason for one to hang on
 * another: no prefix. */
int
bodies_put_pack(struct bodies *b, struct bodies_store *s, uint64_t seq,
    const struct slice side[SIDE_N], bool *is_put)
{
	const size_t n = pack_len(side);
	uint8_t key[BODY_KEY_LEN], *room;
	unsigned depth;

	*is_put = false;
	bytes_clear(&b->raw);
	if (!(room = bytes_reserve(&b->raw, n)))
		return ENOMEM;
	pack_put(room, side);
	if (!squeeze(b, (struct slice){ (const char *)room, n }, NULL, &depth) ||
	    b->row.len > s->part_bytes)
		return 0;
	*is_put = true;
	squeezed_pack_key_put(key, seq);
	return put_values(s, key, &b->row);
}

/* Reads n parts of a body into b->raw, which is empty when there are none. */
static int
read_parts(struct bodies *b, const struct bodies_store *s, const struct body *y,
    uint32_t first, uint32_t n)
{
	uint8_t key[BODY_KEY_LEN];
	int rc;

	bytes_clear(&b->raw);
	body_key_put(key, y->seq, y->side, first);
	rc = parts_read(s->tail->cursor, key, s->part_bytes, n, &b->raw);
	return rc == MDB_NOTFOUND ? 0 : rc;
}

/* One more block of a body that has several. */
static int
squeeze_block(struct bodies *b, struct bodies_store *s, const struct body *y,
    struct writer_late *l)
{
	unsigned depth;
	int rc = read_parts(b, s, y, l->block * BLOCK_PARTS, BLOCK_PARTS);

	if (rc || b->raw.len == 0 ||
	    !squeeze(b, bytes_slice(&b->raw), NULL, &depth))
		return rc;
	l->squeezed_bytes += (int64_t)b->row.len;
	return put_block(b, s, y, l->block, BLOCK_PARTS);
}

static int
squeeze_large(struct bodies *b, struct bodies_store *s, const struct body *y,
    struct writer_late *l, struct message *m)
{
	const int64_t block_bytes = (int64_t)s->part_bytes * BLOCK_PARTS;
	int rc = squeeze_block(b, s, y, l);

	if (rc)
		return rc;
	l->block++;
	l->is_over = l->block * block_bytes >= m->kept_bytes ||
	    l->block > UINT16_MAX;
	if (l->is_over && l->squeezed_bytes > 0)
		m->squeezed_bytes = l->squeezed_bytes;
	return 0;
}

static int
squeeze_side(struct bodies *b, struct bodies_store *s, struct writer_late *l,
    struct message *m)
{
	struct body y = { .seq = l->seq, .side = l->side, .elements = &l->elements };
	int rc;

	l->is_over = true;
	if (m->encoding.p || m->squeezed_bytes >= 0 || m->kept_bytes < LEAST)
		return 0;
	if (m->kept_bytes > SQUEEZE_RAW_MAX)
		return squeeze_large(b, s, &y, l, m);
	rc = read_parts(b, s, &y, 0, n_parts(s, (size_t)m->kept_bytes));
	if (rc || (int64_t)b->raw.len != m->kept_bytes)
		return rc;		/* in a pack, or damaged */
	y.raw = bytes_slice(&b->raw);
	if (l->side == SIDE_REQUEST_BODY) {
		elements_fini(&l->elements);
		elements_init(&l->elements);
		elements_feed(&l->elements, y.raw.p, y.raw.len);
	}
	return bodies_put(b, s, &y, m);
}

/* Copies the row of an exchange that is over into b->record. */
static int
read_record(struct bodies *b, const struct bodies_store *s, uint64_t seq,
    struct exchange *x)
{
	uint8_t key[SEQ_KEY_LEN];
	MDB_val k = { sizeof(key), key }, v;
	int rc;

	be64_put(key, seq);
	rc = mdb_get(s->txn, s->env->dbi[TABLE_EXCHANGE], &k, &v);
	if (rc)
		return rc;
	bytes_clear(&b->record);
	bytes_put(&b->record, v.mv_data, v.mv_size);
	if (b->record.failed)
		return ENOMEM;
	if (record_decode(x, b->record.p, b->record.len) != 0 ||
	    x->outcome == OUTCOME_IN_FLIGHT)
		return MDB_NOTFOUND;
	return 0;
}

static int
put_record(struct bodies *b, struct bodies_store *s, uint64_t seq,
    const struct exchange *x)
{
	uint8_t key[SEQ_KEY_LEN];
	MDB_val k = { sizeof(key), key }, v;

	be64_put(key, seq);
	bytes_clear(&b->row);
	record_encode(&b->row, x);
	if (b->row.failed)
		return ENOMEM;
	v = (MDB_val){ b->row.len, b->row.p };
	s->put += b->row.len + ROW_OVERHEAD;
	return mdb_put(s->txn, s->env->dbi[TABLE_EXCHANGE], &k, &v, 0);
}

int
bodies_squeeze(struct bodies *b, struct bodies_store *s, struct writer_late *l)
{
	struct exchange x;
	struct message *m;
	int64_t had;
	int rc = read_record(b, s, l->seq, &x);

	if (rc) {
		l->is_over = true;
		return rc == MDB_NOTFOUND ? 0 : rc;
	}
	m = l->side == SIDE_REQUEST_BODY ? &x.request : &x.response;
	had = m->squeezed_bytes;
	rc = squeeze_side(b, s, l, m);
	if (rc == 0 && m->squeezed_bytes != had)
		rc = put_record(b, s, l->seq, &x);
	if (l->is_over && l->side == SIDE_REQUEST_BODY) {
		l->side = SIDE_RESPONSE_BODY;
		l->block = 0;
		l->squeezed_bytes = 0;
		l->is_over = false;
	}
	return rc;
}
