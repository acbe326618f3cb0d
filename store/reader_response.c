#include <errno.h>
#include <string.h>

#include "store/reader_private.h"

/* In a snapshot: the first row from the key on whose key begins with the first n
 * bytes of it. */
static int
first_from(struct reader *r, enum table t, MDB_val *k, size_t n, MDB_val *v)
{
	uint8_t prefix[ID_KEY_MAX + 1];
	MDB_cursor *c;
	int rc = reader_cursor(r, t, &c);

	if (rc)
		return rc;
	memcpy(prefix, k->mv_data, n);
	rc = mdb_cursor_get(c, k, v, MDB_SET_RANGE);
	if (rc == 0 && (k->mv_size < n || memcmp(k->mv_data, prefix, n) != 0))
		rc = MDB_NOTFOUND;
	return rc;
}

int
reader_next_response(struct reader *r, struct slice id, uint64_t after,
    struct response_ref *ref)
{
	uint8_t bytes[ID_KEY_MAX], key[RESPONSE_KEY_MAX];
	struct slice idk = { (char *)bytes, 0 };
	MDB_val k = { 0, key }, v;
	int rc;

	if (id.len == 0 || after == UINT64_MAX)
		return READER_NONE;
	idk.len = id_key_put(bytes, id);
	k.mv_size = response_key_put(key, idk, after + 1);
	if ((rc = reader_begin(r)) != 0)
		return reader_code(rc);
	rc = first_from(r, TABLE_RESPONSE, &k, idk.len + 1, &v);
	if (rc == 0 && k.mv_size != idk.len + 9)
		rc = MDB_CORRUPTED;
	if (rc == 0)
		ref->seq = be64_get((uint8_t *)k.mv_data + idk.len + 1);
	if (rc == 0 && response_decode(v.mv_data, v.mv_size, &ref->role,
	    &ref->bits) != 0)
		rc = MDB_CORRUPTED;
	reader_end(r);
	return reader_code(rc);
}

int
reader_next_claim(struct reader *r, struct slice id, const struct claim *after,
    struct claim *claim)
{
	uint8_t bytes[ID_KEY_MAX], key[CLAIM_KEY_MAX + 1];
	struct slice idk = { (char *)bytes, 0 };
	MDB_val k = { 0, key }, v;
	size_t span_len = 0;
	int rc;

	if (id.len == 0 || (after && after->span.len > ID_KEY_MAX))
		return READER_NONE;
	idk.len = id_key_put(bytes, id);
	k.mv_size = claim_key_put(key, idk, after ? after->span :
	    (struct slice){ "", 0 });
	key[k.mv_size++] = 0;		/* no key has one: the next is above */
	if ((rc = reader_begin(r)) != 0)
		return reader_code(rc);
	rc = first_from(r, TABLE_BY_RESPONSE, &k, idk.len + 1, &v);
	if (rc == 0) {
		span_len = k.mv_size - idk.len - 1;
		bytes_clear(&r->row);
		bytes_put(&r->row, (char *)k.mv_data + idk.len + 1, span_len);
		bytes_put(&r->row, v.mv_data, v.mv_size);
		rc = r->row.failed ? ENOMEM : 0;
	}
	reader_end(r);
	if (rc == 0) {
		claim->span = (struct slice){ (char *)r->row.p, span_len };
		claim->trace = (struct slice){ (char *)r->row.p + span_len,
		    r->row.len - span_len };
	}
	return reader_code(rc);
}
