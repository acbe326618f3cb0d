/* check_private.h - what the files of the check share.
 *
 * Errors: int rc, 0 or a code for reader_strerror, or LMDB's: only what keeps the check
 *         from going on.  What is wrong with the store is told, not returned.
 */
#ifndef TRACETAPE_STORE_CHECK_PRIVATE_H
#define TRACETAPE_STORE_CHECK_PRIVATE_H

#include "store/check.h"
#include "store/ingest_item.h"
#include "store/reader_private.h"
#include "store/squeeze.h"

enum {
	CHECK_READ = 256 * 1024,	/* bytes of a body at a time */
	CHECK_STEP_ROWS = 1000,
	CHECK_STEP_MS = 100,
	CHECK_RELAX_MS = 50,
	CHECK_KEY_MAX = 511,		/* LMDB's */
	CHECK_HELD_MAX = 64,		/* faults that wait for the end of a snapshot */
	CHECK_ROW_MAX = 16,		/* faults of a row, of an exchange */
	CHECK_HOLES_MAX = 64,
};

/* A fault, with what it borrows. */
struct check_held {
	struct check_fault fault;
	uint8_t key[CHECK_KEY_MAX];
	char detail[120];
};

/* Numbers of which nothing was there, from .. to; told at the end if it is still so. */
struct check_hole {
	uint64_t from, to;
	bool is_left;			/* bytes are there, of one that has no row yet */
};

/* Where a walk through a table has come: the last key seen. */
struct check_walk {
	enum table table;
	uint8_t key[CHECK_KEY_MAX];
	size_t n;			/* 0: at its beginning */
	bool is_over;			/* also when the keys do not rise */
};

struct check {
	struct reader *r;
	const char *dir;
	const struct check_options *o;
	struct check_totals *t;
	struct check_held held[CHECK_HELD_MAX];
	size_t n_held;
	struct check_hole hole[CHECK_HOLES_MAX];
	size_t n_holes;
	uint64_t more_holes;		/* that there was no room for */
	struct squeeze *squeeze;
	struct item_reader *items;
	uint64_t first_seq;		/* the lowest exchange there is; 0: none */
	uint8_t *buf;			/* CHECK_READ */
	struct resident map;		/* no descriptor: the page cache stays */
	int64_t relaxed_ms;
};

/* How a side of an exchange is stored. */
struct check_side {
	uint64_t bytes;
	bool is_odd;			/* a fault is told: nothing follows from it */
	uint32_t values;		/* rows of squeezed blocks */
	struct slice packed;		/* in parts.pack; missing: not in a pack */
};

/* How an exchange is. */
struct check_parts {
	struct check_side side[SIDE_N];
	struct bytes pack;
	unsigned packs;
	bool was_saved;			/* has what is put only with a row */
};

/* Where a fault is; what struct check_fault says. */
struct check_at {
	const char *table;
	uint64_t seq;
	const char *side;
	struct slice key;
};

/* Tells of a fault, once the snapshot is over. */
void check_tell(struct check *c, enum check_what what, const struct check_at *at,
    const char *fmt, ...) __attribute__((format(printf, 4, 5)));
void check_tell_key(struct check *c, enum check_what what, enum table t,
    struct slice key);
void check_tell_seq(struct check *c, enum check_what what, enum table t,
    uint64_t seq);

/* No snapshot: lets go of the memory that the map takes, now and then. */
void check_relax(struct check *c);

/* No snapshot: hands over what was told, or forgets all but the first n. */
void check_flush(struct check *c);
void check_forget(struct check *c, size_t n);

/* In a snapshot: the next row; MDB_NOTFOUND: there is none.  It is seen once
 * check_seen is called; then the next one follows. */
int check_next(struct check *c, struct check_walk *w, MDB_val *k, MDB_val *v);
void check_seen(struct check_walk *w, const MDB_val *k);

/* In a snapshot: the value at a key; MDB_NOTFOUND also when there is no table. */
int check_get(struct check *c, enum table t, const void *key, size_t n, MDB_val *v);

/* Every row of a table, in steps. */
typedef int check_row(struct check *c, const MDB_val *k, const MDB_val *v);
int check_table(struct check *c, enum table t, check_row *row);

struct slice check_slice(const MDB_val *v);
const char *check_side_name(int side);

/* The parts of the whole. */
int check_files(struct check *c);
int check_meta(struct check *c);
int check_exchanges(struct check *c);
int check_open(struct check *c);
int check_holes(struct check *c);
int check_items(struct check *c);
int check_names(struct check *c);

/* In a snapshot: how the rows of seq lie, from where the walk has come; it has passed
 * them then.  in_flight: more may come. */
int check_parts(struct check *c, struct check_walk *w, uint64_t seq,
    struct check_parts *p);

/* No snapshot: the bytes of an exchange, whose row is lent to x. */
int check_bodies(struct check *c, const struct exchange *x, struct check_parts *p);

/* In a snapshot: does table response know every id that x names? */
int check_has_names(struct check *c, const struct exchange *x);

#endif
