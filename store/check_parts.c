#include <string.h>

#include "store/check_private.h"
#include "store/pack.h"

enum {
	SQUEEZED = 64,			/* FORMAT.md 4.6 */
	PACK_SQUEEZED = 254,
	PACK = 255,
	SIDES = 256,
};

/* What the keys of an exchange say: rows of each side, and their highest number. */
struct tally {
	uint32_t rows[SIDES];
	uint32_t last[SIDES];
};

/* What the functions here share for one exchange. */
struct lay {
	struct check *c;
	MDB_cursor *cursor;
	uint64_t seq;
	struct check_parts *p;
	struct tally tally;
};

/* How far a side goes on without a hole. */
struct cover {
	enum side side;
	uint64_t bytes;
	uint32_t parts, values;		/* rows that are part of it */
	uint32_t block;			/* the last one, and its values */
	uint32_t block_values;
	bool is_last_short;		/* ends in a part that is no whole one */
};

static void
tell_side(struct lay *y, enum check_what what, enum side side, uint64_t n)
{
	struct check_side *s = &y->p->side[side];

	if (!s->is_odd)
		check_tell(y->c, what, &(struct check_at){
		    .table = table_name(TABLE_BODY), .seq = y->seq,
		    .side = check_side_name((int)side) }, "number %llu",
		    (unsigned long long)n);
	s->is_odd = true;
}

static void
tell(struct lay *y, enum check_what what, const MDB_val *k)
{
	check_tell(y->c, what, &(struct check_at){
	    .table = table_name(TABLE_BODY), .seq = y->seq,
	    .key = k ? check_slice(k) : (struct slice){ NULL, 0 } }, "%s", "");
}

static bool
is_body(unsigned side)
{
	return side == SIDE_REQUEST_BODY || side == SIDE_RESPONSE_BODY;
}

static bool
is_side(unsigned n, uint32_t part)
{
	if (n == PACK || n == PACK_SQUEEZED)
		return part == 0;
	return n < SIDE_N || (n >= SQUEEZED && is_body(n - SQUEEZED));
}

/* A row whose key begins with our number. */
static void
note_row(struct lay *y, const MDB_val *k, const MDB_val *v)
{
	const size_t part_bytes = y->c->r->part_bytes;
	const uint8_t *key = k->mv_data;
	uint32_t part;

	if (k->mv_size != BODY_KEY_LEN ||
	    !is_side(key[SEQ_KEY_LEN], part = be32_get(key + SEQ_KEY_LEN + 1))) {
		if (y->c->n_held < CHECK_HELD_MAX / 2)
			tell(y, CHECK_KEY, k);
		return;
	}
	y->tally.rows[key[SEQ_KEY_LEN]]++;
	y->tally.last[key[SEQ_KEY_LEN]] = part;
	if (key[SEQ_KEY_LEN] >= PACK_SQUEEZED)
		return;
	if (v->mv_size == 0 || v->mv_size > part_bytes)
		tell_side(y, CHECK_PART_LENGTH,
		    (enum side)(key[SEQ_KEY_LEN] % SQUEEZED), part);
	if (key[SEQ_KEY_LEN] < SIDE_N && v->mv_size < part_bytes)
		y->p->was_saved = true;
}

/* All keys of our number, from where the walk is. */
static int
count_rows(struct lay *y, struct check_walk *w)
{
	uint8_t prefix[SEQ_KEY_LEN];
	MDB_val k, v;
	int rc = check_next(y->c, w, &k, &v);

	be64_put(prefix, y->seq);
	while (rc == 0 && k.mv_size >= SEQ_KEY_LEN &&
	    memcmp(k.mv_data, prefix, SEQ_KEY_LEN) == 0) {
		note_row(y, &k, &v);
		check_seen(w, &k);
		rc = mdb_cursor_get(y->cursor, &k, &v, MDB_NEXT);
	}
	return rc == MDB_NOTFOUND ? 0 : rc;
}

static int
get(struct lay *y, uint8_t key[BODY_KEY_LEN], MDB_val *v)
{
	MDB_val k = { BODY_KEY_LEN, key };

	return mdb_cursor_get(y->cursor, &k, v, MDB_SET);
}

/* The head of block 0 of a body, as it lies squeezed. */
static int
get_head(struct lay *y, uint64_t seq, enum side side, struct squeeze_head *h)
{
	uint8_t key[BODY_KEY_LEN];
	MDB_val v;
	int rc;

	squeezed_key_put(key, seq, side, 0);
	if ((rc = get(y, key, &v)) != 0)
		return rc;
	return squeeze_head_get(h, v.mv_data, v.mv_size) ? MDB_CORRUPTED : 0;
}

static int
has_raw(struct lay *y, uint64_t seq, enum side side, bool *has)
{
	uint8_t key[BODY_KEY_LEN];
	MDB_val v;
	int rc;

	body_key_put(key, seq, side, 0);
	if ((rc = get(y, key, &v)) == MDB_NOTFOUND) {
		pack_key_put(key, seq);
		rc = get(y, key, &v);
	}
	if (rc == MDB_NOTFOUND) {
		squeezed_pack_key_put(key, seq);
		rc = get(y, key, &v);
	}
	*has = rc == 0;
	return rc == MDB_NOTFOUND ? 0 : rc;
}

/* Is there what h needs, and as deep as h says? */
static int
check_prefix(struct lay *y, enum side side, const struct squeeze_head *h, bool *is_well)
{
	struct squeeze_head prefix = { .depth = 0 };
	bool has = true;
	int rc;

	*is_well = true;
	if (h->back == 0)
		return 0;
	*is_well = false;
	if (h->back >= y->seq)
		return 0;
	rc = get_head(y, y->seq - h->back, side, &prefix);
	if (rc == MDB_CORRUPTED)
		return 0;
	if (rc == MDB_NOTFOUND)
		rc = has_raw(y, y->seq - h->back, side, &has);
	*is_well = has && h->depth == prefix.depth + 1;
	return rc;
}

/* The block where o is; MDB_NOTFOUND: there is none. */
static int
cover_block(struct lay *y, struct cover *o, uint64_t block_bytes)
{
	const uint32_t block = (uint32_t)(o->bytes / block_bytes);
	struct squeeze_head h;
	uint8_t key[BODY_KEY_LEN];
	bool is_well;
	MDB_val v;
	int rc;

	squeezed_key_put(key, y->seq, o->side, block);
	if ((rc = get(y, key, &v)) != 0)
		return rc;
	if (squeeze_head_get(&h, v.mv_data, v.mv_size) != 0 ||
	    (block > 0 && (h.back > 0 || h.raw_len > block_bytes))) {
		tell_side(y, CHECK_BLOCK, o->side, block);
		return MDB_NOTFOUND;
	}
	if ((rc = check_prefix(y, o->side, &h, &is_well)) != 0)
		return rc;
	if (!is_well)
		tell_side(y, CHECK_PREFIX, o->side, y->seq - h.back);
	o->bytes += h.raw_len;
	o->block = block;
	for (o->block_values = 0; rc == 0; o->block_values++) {
		bool is_end = v.mv_size != y->c->r->part_bytes;

		o->values++;
		be32_put(key + SEQ_KEY_LEN + 1, block << 16 | (o->block_values + 1));
		rc = is_end ? MDB_NOTFOUND : get(y, key, &v);
	}
	return rc == MDB_NOTFOUND ? 0 : rc;
}

/* From the beginning of a side on, as far as its bytes follow one another. */
static int
cover(struct lay *y, struct cover *o)
{
	const uint64_t part_bytes = y->c->r->part_bytes;
	const uint64_t block_bytes = part_bytes * BLOCK_PARTS;
	uint8_t key[BODY_KEY_LEN];
	MDB_val v;
	int rc = 0;

	while (rc == 0 && o->bytes % part_bytes == 0 &&
	    o->bytes / part_bytes < UINT32_MAX) {
		body_key_put(key, y->seq, o->side, (uint32_t)(o->bytes / part_bytes));
		rc = get(y, key, &v);
		if (rc == 0) {
			o->bytes += v.mv_size;
			o->parts++;
			o->is_last_short = v.mv_size < part_bytes;
			if (v.mv_size == 0)
				break;
		} else if (rc == MDB_NOTFOUND && o->bytes % block_bytes == 0 &&
		    o->bytes / block_bytes <= UINT16_MAX &&
		    o->values < y->tally.rows[SQUEEZED + o->side]) {
			rc = cover_block(y, o, block_bytes);
			if (o->bytes > block_bytes && o->block == 0 && o->values > 0 &&
			    o->parts == 0)
				break;	/* one frame is all of it */
		}
	}
	return rc == MDB_NOTFOUND ? 0 : rc;
}

/* There are rows that o has not come to. */
static void
tell_rest(struct lay *y, const struct cover *o)
{
	const uint64_t part_bytes = y->c->r->part_bytes;
	const uint64_t next = (o->bytes + part_bytes - 1) / part_bytes;
	const uint32_t last = y->tally.last[o->side];
	const uint32_t last_value = y->tally.last[SQUEEZED + o->side];
	const bool more_values = o->values < y->tally.rows[SQUEEZED + o->side];

	if (o->parts < y->tally.rows[o->side] && last >= next)
		tell_side(y, o->is_last_short ? CHECK_PART_LENGTH :
		    CHECK_PART_MISSING, o->side, o->is_last_short ? next - 1 : next);
	else if (more_values && (((uint64_t)(last_value >> 16) * BLOCK_PARTS >= next) ||
	    (o->values > 0 && last_value >> 16 == o->block &&
	    (last_value & 0xffff) >= o->block_values)))
		tell_side(y, CHECK_PART_MISSING, o->side, next);
	else
		tell_side(y, CHECK_TWICE, o->side, 0);
}

static int
lay_side(struct lay *y, enum side side)
{
	struct check_side *s = &y->p->side[side];
	struct cover o = { .side = side };
	int rc;

	if (y->tally.rows[side] == 0 && y->tally.rows[SQUEEZED + side] == 0)
		return 0;
	rc = cover(y, &o);
	s->bytes = o.bytes;
	s->values = o.values;
	if (rc == 0 && (o.parts < y->tally.rows[side] ||
	    o.values < y->tally.rows[SQUEEZED + side]))
		tell_rest(y, &o);
	return rc;
}

/* Copies the pack, undone, to p->pack; false: it is none. */
static bool
read_pack(struct lay *y, unsigned where, const MDB_val *v)
{
	struct bytes *pack = &y->p->pack;
	struct squeeze_head h;
	uint8_t *room;

	if (v->mv_size > y->c->r->part_bytes)
		return false;
	if (where == PACK) {
		bytes_put(pack, v->mv_data, v->mv_size);
		return true;
	}
	if (squeeze_head_get(&h, v->mv_data, v->mv_size) != 0 || h.back > 0 ||
	    h.raw_len > y->c->r->part_bytes)
		return false;
	if (!(room = bytes_reserve(pack, h.raw_len)))
		return true;
	pack->len = h.raw_len;
	return squeeze_undo(y->c->squeeze, &h, (struct slice){ NULL, 0 }, room) == 0;
}

/* Finds the sides of p->pack; false: it has others than ours, or is none. */
static bool
unpack(struct lay *y)
{
	const struct bytes *pack = &y->p->pack;
	unsigned n = 0;

	for (enum side s = 0; s < SIDE_N; s++) {
		if (pack_get(pack->p, pack->len, s, &y->p->side[s].packed) != 0)
			return false;
		n += y->p->side[s].packed.p != NULL;
	}
	return n == pack->p[0];
}

/* Nobody knows what was in the pack. */
static void
mistrust(struct lay *y)
{
	for (enum side s = 0; s < SIDE_N; s++)
		y->p->side[s].is_odd |= y->p->side[s].bytes == 0;
}

static int
lay_pack(struct lay *y)
{
	const unsigned where = y->tally.rows[PACK] ? PACK : PACK_SQUEEZED;
	uint8_t key[BODY_KEY_LEN];
	MDB_val v;
	int rc;

	if (y->tally.rows[where] == 0)
		return 0;
	y->p->packs = y->tally.rows[PACK] + y->tally.rows[PACK_SQUEEZED];
	y->p->was_saved = true;
	if (y->p->packs > 1) {
		tell(y, CHECK_TWICE, NULL);
		mistrust(y);
		return 0;
	}
	if (where == PACK)
		pack_key_put(key, y->seq);
	else
		squeezed_pack_key_put(key, y->seq);
	if ((rc = get(y, key, &v)) != 0)
		return rc;
	if (!read_pack(y, where, &v) || (!y->p->pack.failed && !unpack(y))) {
		tell(y, CHECK_PACK, NULL);
		mistrust(y);
		return 0;
	}
	for (enum side s = 0; s < SIDE_N; s++) {
		struct check_side *side = &y->p->side[s];

		if (side->packed.p && side->bytes > 0)
			tell_side(y, CHECK_TWICE, s, 0);
		else if (side->packed.p)
			side->bytes = side->packed.len;
	}
	return y->p->pack.failed ? MDB_PANIC : 0;
}

int
check_parts(struct check *c, struct check_walk *w, uint64_t seq,
    struct check_parts *p)
{
	struct lay y = { .c = c, .seq = seq, .p = p };
	int rc = reader_cursor(c->r, TABLE_BODY, &y.cursor);

	if (rc)
		return rc == MDB_NOTFOUND ? 0 : rc;
	rc = count_rows(&y, w);
	for (enum side s = 0; s < SIDE_N && rc == 0; s++)
		rc = lay_side(&y, s);
	return rc ? rc : lay_pack(&y);
}
