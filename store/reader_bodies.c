#include "store/reader.h"

#include <errno.h>
#include <string.h>

#include "store/group.h"
#include "store/pack.h"
#include "store/parts.h"
#include "store/reader_private.h"
#include "store/record.h"
#include "store/sha256.h"

/* What one reader_bytes reads. */
struct copy {
	struct reader *r;
	MDB_cursor *cursor;
	uint64_t seq;
	enum side side;
	uint64_t off;			/* of what comes next */
	uint8_t *to;
	size_t left;
};

/* Copies what of p[0..n), which begins at offset begin, comes next. */
static void
take(struct copy *y, const void *p, size_t n, uint64_t begin)
{
	const uint64_t skip = y->off - begin;
	size_t some;

	if (skip >= n)
		return;
	some = n - (size_t)skip < y->left ? n - (size_t)skip : y->left;
	memcpy(y->to, (const uint8_t *)p + skip, some);
	y->to += some;
	y->off += some;
	y->left -= some;
}

static bool
is_key(const MDB_val *k, const uint8_t key[BODY_KEY_LEN])
{
	return k->mv_size == BODY_KEY_LEN &&
	    memcmp(k->mv_data, key, BODY_KEY_LEN) == 0;
}

/* From the part that holds y->off on, as far as parts follow one another. */
static int
copy_parts(struct copy *y)
{
	const size_t part_bytes = y->r->part_bytes;
	uint64_t part = y->off / part_bytes;
	uint8_t key[BODY_KEY_LEN];
	MDB_val k = { sizeof(key), key }, v;
	int rc;

	if (part >= UINT32_MAX)
		return 0;
	body_key_put(key, y->seq, y->side, (uint32_t)part);
	rc = mdb_cursor_get(y->cursor, &k, &v, MDB_SET_KEY);
	while (rc == 0 && is_key(&k, key)) {
		if (v.mv_size > part_bytes)
			return READER_CORRUPT;
		take(y, v.mv_data, v.mv_size, part * part_bytes);
		/* A short part is the last; one after it would not be at its
		 * offset. */
		if (v.mv_size < part_bytes || y->left == 0)
			return 0;
		body_key_put(key, y->seq, y->side, (uint32_t)++part);
		rc = mdb_cursor_get(y->cursor, &k, &v, MDB_NEXT);
	}
	return rc == MDB_NOTFOUND ? 0 : rc;
}

/* Undoes a pack that lies squeezed.  MDB_NOTFOUND: there is none. */
static int
undo_pack(const struct copy *y, uint64_t seq, struct bytes *pack)
{
	uint8_t key[BODY_KEY_LEN], *room;
	MDB_val k = { sizeof(key), key }, v;
	struct squeeze *s;
	struct squeeze_head h;
	int rc;

	squeezed_pack_key_put(key, seq);
	if ((rc = mdb_cursor_get(y->cursor, &k, &v, MDB_SET)) != 0)
		return rc;
	if (squeeze_head_get(&h, v.mv_data, v.mv_size) != 0 || h.back ||
	    h.raw_len > y->r->part_bytes)
		return READER_CORRUPT;
	s = squeeze_new();
	bytes_clear(pack);
	room = bytes_reserve(pack, h.raw_len);
	rc = !s || !room ? SQUEEZE_MEMORY :
	    squeeze_undo(s, &h, (struct slice){ NULL, 0 }, room);
	pack->len = rc ? 0 : h.raw_len;
	squeeze_free(s);
	return rc == SQUEEZE_MEMORY ? ENOMEM : rc ? READER_CORRUPT : 0;
}

/* A side in the pack of an exchange, lent until the next call; missing when it is not
 * there. */
static int
find_packed(const struct copy *y, uint64_t seq, struct slice *side)
{
	struct bytes *undone = &y->r->pack;
	uint8_t key[BODY_KEY_LEN];
	MDB_val k = { sizeof(key), key }, v;
	int rc;

	*side = (struct slice){ NULL, 0 };
	pack_key_put(key, seq);
	rc = mdb_cursor_get(y->cursor, &k, &v, MDB_SET);
	if (rc == MDB_NOTFOUND) {
		rc = undo_pack(y, seq, undone);
		v = (MDB_val){ undone->len, undone->p };
	}
	if (rc)
		return rc == MDB_NOTFOUND ? 0 : rc;
	if (v.mv_size > y->r->part_bytes ||
	    pack_get(v.mv_data, v.mv_size, y->side, side) != 0)
		return READER_CORRUPT;
	return 0;
}

/* A body that is not squeezed but is the prefix of one that is. */
static int
fetch_raw(const struct copy *y, uint64_t seq, struct bytes *raw)
{
	const size_t part_bytes = y->r->part_bytes;
	uint8_t key[BODY_KEY_LEN];
	struct slice packed;
	int rc;

	body_key_put(key, seq, y->side, 0);
	rc = parts_read(y->cursor, key, part_bytes,
	    (uint32_t)(SQUEEZE_RAW_MAX / part_bytes) + 1, raw);
	if (rc != MDB_NOTFOUND)
		return rc;
	rc = find_packed(y, seq, &packed);
	bytes_put_slice(raw, packed);
	return rc;
}

static int
fetch(void *arg, const struct group_at *at, struct bytes *row, bool *is_raw)
{
	const struct copy *y = arg;
	const size_t part_bytes = y->r->part_bytes;
	uint8_t key[BODY_KEY_LEN];
	int rc;

	squeezed_key_put(key, at->seq, y->side, at->block);
	/* squeeze.h: a row is never longer than what is squeezed, and its head. */
	rc = parts_read(y->cursor, key, part_bytes,
	    (uint32_t)(SQUEEZE_RAW_MAX / part_bytes) + 1, row);
	if (rc != MDB_NOTFOUND || at->block > 0)
		return rc;
	*is_raw = true;
	return fetch_raw(y, at->seq, row);
}

/* Is raw what the record says, as far as it says what all of the body is? */
static int
verify(const struct copy *y, struct slice raw)
{
	uint8_t key[SEQ_KEY_LEN], is[32];
	MDB_val k = { sizeof(key), key }, v;
	const struct message *m;
	struct exchange x;
	struct sha256 sha;
	int rc;

	be64_put(key, y->seq);
	rc = mdb_get(y->r->txn, y->r->env.dbi[TABLE_EXCHANGE], &k, &v);
	if (rc == MDB_NOTFOUND)
		return 0;
	if (rc || record_decode(&x, v.mv_data, v.mv_size) != 0)
		return rc;	/* who reads it hears that it is damaged */
	m = y->side == SIDE_REQUEST_BODY ? &x.request : &x.response;
	if (!m->has_sha256 || (uint64_t)m->kept_bytes > SQUEEZE_RAW_MAX)
		return 0;
	sha256_init(&sha);
	sha256_add(&sha, raw.p, raw.len);
	sha256_end(&sha, is);
	return memcmp(is, m->sha256, sizeof(is)) ? READER_CORRUPT : 0;
}

static int
undo(struct copy *y, uint32_t block, struct slice *raw)
{
	const struct group_source source = { fetch, y };
	const struct group_at at = { y->seq, (uint32_t)y->side, block };
	struct reader *r = y->r;
	bool is_new;
	int rc;

	if (!r->group && !(r->group = group_new()))
		return ENOMEM;
	rc = group_get(r->group, &source, &at, raw, &is_new);
	if (rc == GROUP_MEMORY)
		return ENOMEM;
	if (rc == GROUP_CORRUPT)
		return READER_CORRUPT;
	if (rc == 0 && is_new && block == 0)
		rc = verify(y, *raw);
	if (rc)
		group_forget(r->group, &at);
	return rc;
}

/* From the block that holds y->off: its own, or block 0 when that is all there is. */
static int
copy_block(struct copy *y)
{
	const uint64_t block_bytes = (uint64_t)y->r->part_bytes * BLOCK_PARTS;
	uint64_t block = y->off / block_bytes;
	uint8_t key[BODY_KEY_LEN];
	struct slice raw;
	bool has = false;
	int rc = 0;

	if (block > 0 && block <= UINT16_MAX) {
		squeezed_key_put(key, y->seq, y->side, (uint32_t)block);
		rc = parts_has(y->cursor, key, &has);
	}
	if (rc == 0 && !has && y->off < SQUEEZE_RAW_MAX) {
		block = 0;
		squeezed_key_put(key, y->seq, y->side, 0);
		rc = parts_has(y->cursor, key, &has);
	}
	if (rc || !has || (rc = undo(y, (uint32_t)block, &raw)) != 0)
		return rc;
	take(y, raw.p, raw.len, block * block_bytes);
	return 0;
}

static int
copy_packed(struct copy *y)
{
	struct slice side;
	int rc = find_packed(y, y->seq, &side);

	if (rc == 0 && side.p)
		take(y, side.p, side.len, 0);
	return rc;
}

static int
copy_all(struct copy *y)
{
	const uint64_t began = y->off;
	const bool is_body = y->side == SIDE_REQUEST_BODY ||
	    y->side == SIDE_RESPONSE_BODY;
	uint64_t was;
	int rc;

	do {
		was = y->off;
		rc = copy_parts(y);
		if (rc == 0 && y->left > 0 && is_body)
			rc = copy_block(y);
	} while (rc == 0 && y->left > 0 && y->off > was);
	if (rc == 0 && y->off == began)
		rc = copy_packed(y);
	return rc;
}

int
reader_bytes(struct reader *r, uint64_t seq, enum side side, uint64_t off,
    void *buf, size_t cap, size_t *n)
{
	struct copy y = { r, NULL, seq, side, off, buf, cap };
	int rc;

	*n = 0;
	if (cap == 0)
		return 0;
	if ((rc = reader_begin(r)) != 0)
		return reader_code(rc);
	rc = reader_cursor(r, TABLE_BODY, &y.cursor);
	if (rc == 0)
		rc = copy_all(&y);
	else if (rc == MDB_NOTFOUND)
		rc = 0;
	reader_end(r);
	*n = cap - y.left;
	return reader_code(rc);
}
