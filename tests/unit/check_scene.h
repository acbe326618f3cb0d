/* check_scene.h - the store of check_content.h, opened such that a test may both damage
 * it and check it, and what a check has found. */
#ifndef TRACETAPE_TESTS_CHECK_SCENE_H
#define TRACETAPE_TESTS_CHECK_SCENE_H

#include "store/check.h"
#include "store/group.h"
#include "store/reader_private.h"
#include "store/record.h"
#include "tests/unit/check_content.h"

enum { FOUND_MAX = 64 };

static struct found {
	enum check_what what;
	char table[16];
	uint64_t seq;
	char side[24];
} found[FOUND_MAX];
static size_t n_found;
static struct check_totals totals;

/* A reader whose store may be written to: one process opens a store once. */
static inline struct reader *
scene_reader(void)
{
	struct reader *r = calloc(1, sizeof(*r));
	struct slice v;
	struct cursor c;

	assert_int_equal(env_open(&r->env, dir, MDB_NOSYNC, (size_t)64 << 20), 0);
	assert_int_equal(reader_meta(r, META_PART_BYTES, &v), 0);
	c = (struct cursor){ (const uint8_t *)v.p, v.len, false };
	r->part_bytes = cursor_u32(&c);
	return r;
}

/* Puts a row, or deletes it when p is NULL. */
static inline void
scene_put(struct reader *r, enum table t, struct slice key, const void *p, size_t n)
{
	MDB_val k = { key.len, (void *)key.p }, v = { n, (void *)p };
	MDB_txn *txn;

	group_free(r->group);		/* what it holds was read before */
	r->group = NULL;
	assert_int_equal(mdb_txn_begin(r->env.mdb, NULL, 0, &txn), 0);
	assert_int_equal(p ? mdb_put(txn, r->env.dbi[t], &k, &v, 0) :
	    mdb_del(txn, r->env.dbi[t], &k, NULL), 0);
	assert_int_equal(mdb_txn_commit(txn), 0);
}

/* Copies a value; its length. */
static inline size_t
scene_get(struct reader *r, enum table t, struct slice key, uint8_t *to, size_t cap)
{
	MDB_val k = { key.len, (void *)key.p }, v;

	assert_int_equal(reader_begin(r), 0);
	assert_int_equal(mdb_get(r->txn, r->env.dbi[t], &k, &v), 0);
	assert_true(v.mv_size <= cap);
	memcpy(to, v.mv_data, v.mv_size);
	reader_end(r);
	return v.mv_size;
}

static inline void
scene_on_fault(void *arg, const struct check_fault *f)
{
	struct found *to = &found[n_found];

	assert_true(n_found < FOUND_MAX);
	to->what = f->what;
	to->seq = f->seq;
	snprintf(to->table, sizeof(to->table), "%s", f->table);
	snprintf(to->side, sizeof(to->side), "%s", f->side ? f->side : "");
	n_found++;
}

static inline void
scene_check_since(struct reader *r, uint64_t since)
{
	const struct check_options o = { .since = since, .on_fault = scene_on_fault };

	n_found = 0;
	assert_int_equal(check_store(r, dir, &o, &totals), 0);
	assert_int_equal(totals.faults + totals.notes, n_found);
}

static inline void
scene_check(struct reader *r)
{
	scene_check_since(r, 0);
}

static inline void
scene_print(const char *of)
{
	for (size_t i = 0; i < n_found; i++)
		fprintf(stderr, "%s: found %s in %s %d %s\n", of,
		    check_name(found[i].what), found[i].table, (int)found[i].seq,
		    found[i].side);
}

#endif
