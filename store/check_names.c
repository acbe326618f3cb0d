#include <string.h>

#include "store/check_private.h"
#include "store/record.h"

static bool
is_id_key(const void *p, size_t n)
{
	return n > 0 && n <= ID_KEY_MAX && !memchr(p, 0, n);
}

/* Whose row of table response differs is for the walk through that to tell. */
int
check_has_names(struct check *c, const struct exchange *x)
{
	struct response_name name[RESPONSE_NAMES_MAX];
	const size_t n = response_names(x, name);
	uint8_t id[ID_KEY_MAX], key[RESPONSE_KEY_MAX];
	struct slice idk = { (const char *)id, 0 };
	MDB_val v;
	int rc = 0;

	/* A store from before this table is right without it. */
	for (size_t i = 0; i < n && rc == 0 && c->r->env.has[TABLE_RESPONSE]; i++) {
		idk.len = id_key_put(id, name[i].id);
		rc = check_get(c, TABLE_RESPONSE, key,
		    response_key_put(key, idk, x->seq), &v);
		if (rc != MDB_NOTFOUND)
			continue;
		check_tell(c, CHECK_NO_NAME, &(struct check_at){
		    table_name(TABLE_EXCHANGE), x->seq, NULL, idk }, "%s", "");
		rc = 0;
	}
	return rc;
}

/* Of a row of table response. */
static void
tell(struct check *c, enum check_what what, uint64_t seq, struct slice idk)
{
	check_tell(c, what, &(struct check_at){ table_name(TABLE_RESPONSE), seq,
	    NULL, idk }, "%s", "");
}

/* Does x name the id of this row, and as the row says? */
static void
compare(struct check *c, const struct exchange *x, const MDB_val *k,
    enum response_role role, unsigned bits)
{
	const struct slice idk = { k->mv_data, k->mv_size - SEQ_KEY_LEN - 1 };
	struct response_name name[RESPONSE_NAMES_MAX];
	const size_t n = x->outcome == OUTCOME_IN_FLIGHT ? 0 : response_names(x, name);
	uint8_t id[ID_KEY_MAX];
	size_t i;

	for (i = 0; i < n; i++)
		if (slice_eq(idk, (struct slice){ (const char *)id,
		    id_key_put(id, name[i].id) }))
			break;
	if (i == n)
		tell(c, CHECK_NAME_EXTRA, x->seq, idk);
	else if (role != name[i].role || bits != response_bits(x))
		tell(c, CHECK_NAME_OTHER, x->seq, idk);
}

static int
response_row(struct check *c, const MDB_val *k, const MDB_val *v)
{
	const uint8_t *key = k->mv_data;
	const size_t id_len = k->mv_size > SEQ_KEY_LEN ?
	    k->mv_size - SEQ_KEY_LEN - 1 : 0;
	enum response_role role;
	struct exchange x;
	unsigned bits;
	MDB_val row;
	uint64_t seq;
	int rc;

	if (!is_id_key(key, id_len) || key[id_len] != 0 ||
	    (seq = be64_get(key + id_len + 1)) == 0) {
		check_tell_key(c, CHECK_KEY, TABLE_RESPONSE, check_slice(k));
		return 0;
	}
	if (seq < c->o->since)
		return 0;
	if (response_decode(v->mv_data, v->mv_size, &role, &bits) != 0) {
		tell(c, CHECK_VALUE, seq, (struct slice){ k->mv_data, id_len });
		return 0;
	}
	/* It may outlive its exchange. */
	rc = check_get(c, TABLE_EXCHANGE, key + id_len + 1, SEQ_KEY_LEN, &row);
	if (rc == 0 && record_decode(&x, row.mv_data, row.mv_size) == 0) {
		x.seq = seq;
		compare(c, &x, k, role, bits);
	}
	return rc == MDB_NOTFOUND ? 0 : rc;
}

/* What the row says of a span is compared where the span is. */
static int
claim_row(struct check *c, const MDB_val *k, const MDB_val *v)
{
	const uint8_t *key = k->mv_data, *zero = memchr(key, 0, k->mv_size);
	const size_t id_len = zero ? (size_t)(zero - key) : 0;

	if (!zero || !is_id_key(key, id_len) ||
	    !is_id_key(zero + 1, k->mv_size - id_len - 1))
		check_tell_key(c, CHECK_KEY, TABLE_BY_RESPONSE, check_slice(k));
	else if (!is_id_key(v->mv_data, v->mv_size))
		check_tell_key(c, CHECK_VALUE, TABLE_BY_RESPONSE,
		    check_slice(k));
	return 0;
}

int
check_names(struct check *c)
{
	int rc = check_table(c, TABLE_RESPONSE, response_row);

	return rc ? rc : check_table(c, TABLE_BY_RESPONSE, claim_row);
}
