#include "store/parts.h"

#include <errno.h>
#include <string.h>

enum { NUMBER_AT = SEQ_KEY_LEN + 1 };

static void
next_key(uint8_t key[BODY_KEY_LEN])
{
	be32_put(key + NUMBER_AT, be32_get(key + NUMBER_AT) + 1);
}

static bool
is_key(const MDB_val *k, const uint8_t key[BODY_KEY_LEN])
{
	return k->mv_size == BODY_KEY_LEN &&
	    memcmp(k->mv_data, key, BODY_KEY_LEN) == 0;
}

int
parts_read(MDB_cursor *c, uint8_t key[BODY_KEY_LEN], size_t part_bytes,
    uint32_t n, struct bytes *b)
{
	MDB_val k = { BODY_KEY_LEN, key }, v;
	int rc = mdb_cursor_get(c, &k, &v, MDB_SET_KEY);

	if (rc)
		return rc;
	while (rc == 0 && n-- > 0 && is_key(&k, key)) {
		if (v.mv_size > part_bytes)
			return MDB_CORRUPTED;
		bytes_put(b, v.mv_data, v.mv_size);
		next_key(key);
		if (v.mv_size < part_bytes)
			break;
		rc = mdb_cursor_get(c, &k, &v, MDB_NEXT);
	}
	if (b->failed)
		return ENOMEM;
	return rc == MDB_NOTFOUND ? 0 : rc;
}

int
parts_has(MDB_cursor *c, uint8_t key[BODY_KEY_LEN], bool *has)
{
	MDB_val k = { BODY_KEY_LEN, key }, v;
	int rc = mdb_cursor_get(c, &k, &v, MDB_SET);

	*has = rc == 0;
	return rc == MDB_NOTFOUND ? 0 : rc;
}

int
parts_drop(MDB_cursor *c, uint8_t key[BODY_KEY_LEN], uint32_t n)
{
	int rc = 0;

	while (rc == 0 && n-- > 0) {
		MDB_val k = { BODY_KEY_LEN, key }, v;

		rc = mdb_cursor_get(c, &k, &v, MDB_SET);
		if (rc == 0)
			rc = mdb_cursor_del(c, 0);
		next_key(key);
	}
	return rc == MDB_NOTFOUND ? 0 : rc;
}
