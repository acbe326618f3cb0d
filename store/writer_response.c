#include "store/writer_response.h"

#include <errno.h>
#include <string.h>

enum { ROW_OVERHEAD = 16 };

static MDB_val
val(const void *p, size_t n)
{
	return (MDB_val){ n, (void *)p };	/* LMDB reads only */
}

static struct slice
id_key(uint8_t to[ID_KEY_MAX], struct slice id)
{
	return (struct slice){ (const char *)to, id_key_put(to, id) };
}

int
writer_response_put(const struct env *e, MDB_txn *txn, const struct exchange *x,
    size_t *put)
{
	struct response_name name[RESPONSE_NAMES_MAX];
	size_t n = response_names(x, name);
	uint8_t id[ID_KEY_MAX], key[RESPONSE_KEY_MAX];
	struct bytes value = { 0 };
	int rc = 0;

	*put = 0;
	for (size_t i = 0; i < n && rc == 0; i++) {
		MDB_val k = val(key, response_key_put(key,
		    id_key(id, name[i].id), x->seq)), v;

		bytes_clear(&value);
		response_encode(&value, name[i].role, response_bits(x));
		v = val(value.p, value.len);
		rc = value.failed ? ENOMEM :
		    mdb_put(txn, e->dbi[TABLE_RESPONSE], &k, &v, 0);
		*put += k.mv_size + v.mv_size + ROW_OVERHEAD;
	}
	bytes_fini(&value);
	return rc;
}

/* Is a below b, as keys are sorted? */
static bool
is_below(struct slice a, MDB_val b)
{
	size_t n = a.len < b.mv_size ? a.len : b.mv_size;
	int c = memcmp(a.p, b.mv_data, n);

	return c < 0 || (c == 0 && a.len < b.mv_size);
}

/* Of two traces that have a span of one id the lower one stays: what is here does
 * not depend on which came first. */
int
writer_claim_put(const struct env *e, MDB_txn *txn, struct slice id,
    struct slice span, struct slice trace)
{
	uint8_t bytes[ID_KEY_MAX], key[CLAIM_KEY_MAX];
	MDB_val k = val(key, claim_key_put(key, id_key(bytes, id), span)), v;
	int rc = mdb_get(txn, e->dbi[TABLE_BY_RESPONSE], &k, &v);

	if (rc == 0 && !is_below(trace, v))
		return 0;
	if (rc && rc != MDB_NOTFOUND)
		return rc;
	v = val(trace.p, trace.len);
	return mdb_put(txn, e->dbi[TABLE_BY_RESPONSE], &k, &v, 0);
}
