#include "store/tail.h"

#include <string.h>

int
tail_open(struct tail *t, MDB_txn *txn, MDB_dbi dbi)
{
	MDB_val k, v;
	int rc;

	if (t->cursor)
		return 0;
	if ((rc = mdb_cursor_open(txn, dbi, &t->cursor)) != 0)
		return rc;
	rc = mdb_cursor_get(t->cursor, &k, &v, MDB_LAST);
	if (rc == MDB_NOTFOUND) {
		t->len = 0;
		return 0;
	}
	if (rc == 0 && (k.mv_size == 0 || k.mv_size > sizeof(t->key)))
		rc = MDB_CORRUPTED;
	if (rc == 0) {
		memcpy(t->key, k.mv_data, k.mv_size);
		t->len = k.mv_size;
	}
	return rc;
}

static bool
is_above(const MDB_val *k, const struct tail *t)
{
	return t->len == 0 || (k->mv_size == t->len &&
	    memcmp(k->mv_data, t->key, t->len) > 0);
}

int
tail_put(struct tail *t, MDB_val *k, MDB_val *v, unsigned flags)
{
	if (is_above(k, t)) {
		memcpy(t->key, k->mv_data, k->mv_size);
		t->len = k->mv_size;
		flags |= MDB_APPEND;
	}
	return mdb_cursor_put(t->cursor, k, v, flags);
}
