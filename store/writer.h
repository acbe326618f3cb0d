/* writer.h - the one process that may write a store.
 *
 * Thread:  one, the writer thread, from open to close.
 * Disk:    puts collect in one LMDB transaction; writer_commit makes them
 *          durable.  A failed put or commit loses the whole batch (rc tells);
 *          the next put starts a new one.
 * Errors:  int rc, 0 or a code for writer_strerror.  Never logs, never exits.
 */
#ifndef TRACETAPE_STORE_WRITER_H
#define TRACETAPE_STORE_WRITER_H

#include "store/elements.h"
#include "store/exchange.h"
#include "store/ingest_item.h"

enum {
	WRITER_LOCKED = -100001,	/* another process records into it */
	WRITER_VERSION = -100002,	/* made by a newer tracetape */
	WRITER_KEY = -100003,		/* the hash key file is unusable */
	WRITER_TWICE = -100004,		/* this process has the store open */
	WRITER_WIDE = -100005,		/* others may look into the directory,
					 * which holds more than a store */
	WRITER_OWNER = -100006,		/* the directory is another user's */
};

enum durability {
	DURABILITY_SYNC,	/* a commit is on the disk */
	DURABILITY_LAZY,	/* a power cut may take back the last commit, and
				 * never does harm (MDB_NOMETASYNC: NOSYNC
				 * would corrupt the store, facts 3) */
};

/* A body that has ended. */
struct body {
	uint64_t seq;
	enum side side;
	struct slice raw;
	const struct elements *elements;	/* of the request, for the response
						 * too; NULL: not known */
};

/* An exchange whose bodies lie in parts, and how far it has come with them.  Begins
 * with seq and side SIDE_REQUEST_BODY; elements as far as they are known. */
struct writer_late {
	uint64_t seq;
	enum side side;
	uint32_t block;
	int64_t squeezed_bytes;
	struct elements elements;
	bool is_over;
};

struct writer;

struct writer_options {
	uint64_t map_bytes;	/* 0: 1 TiB (1 GiB on 32 bit), halved until it fits */
	enum durability durability;
	size_t parents_bytes;	/* of memory for bodies that later ones may repeat */
};

/* Opens or makes the store in dir (0700, files 0600; missing parents are made),
 * takes its lock, and marks what an earlier process left in flight as
 * OUTCOME_INTERRUPTED; *interrupted counts them (may be NULL). */
int writer_open(struct writer **w, const char *dir,
    const struct writer_options *o, uint64_t *interrupted);

/* The process that records into dir, after WRITER_LOCKED; 0: nobody, unknown. */
long writer_holder(const char *dir);

/* Commits what is put, syncs, closes.  Safe on NULL. */
int writer_close(struct writer *w);

/* The number for a new exchange: the last one given, plus one. */
uint64_t writer_next_seq(struct writer *w);

/* Replaces the row of x->seq, if there is one. */
int writer_put_exchange(struct writer *w, const struct exchange *x);

/* Body bytes lie in parts of exactly writer_part_bytes, the last one shorter.
 * Putting a part again replaces it. */
size_t writer_part_bytes(const struct writer *w);
int writer_put_part(struct writer *w, uint64_t seq, enum side side,
    uint32_t part, const void *p, size_t n);

/* Upserts an item that the trace batch seq brought; odd ones are no rows, and are
 * left out.  The row of seq is put already: an item must not outlive a crash that
 * gives its exchange's number to another one. */
int writer_put_item(struct writer *w, uint64_t seq,
    const struct ingest_item *item);

/* Puts several sides of an exchange in one value: those with bytes, of which none
 * has parts.  pack_len of them is writer_part_bytes at most. */
int writer_put_pack(struct writer *w, uint64_t seq,
    const struct slice side[SIDE_N]);

/* Puts a body squeezed, in the place of the parts that it may have, if that pays:
 * m->squeezed_bytes is set then.  Else it stays -1, and the parts are for the caller
 * to put. */
int writer_put_body(struct writer *w, const struct body *y, struct message *m);

/* Squeezes bodies of an exchange that is over, one at most or a block of it, and
 * puts its row anew.  To be called until l->is_over. */
int writer_squeeze(struct writer *w, struct writer_late *l);

/* Frees what only squeezing needs, until it is needed again. */
void writer_rest(struct writer *w);

/* As writer_put_pack, squeezed if that pays. */
int writer_squeeze_pack(struct writer *w, uint64_t seq,
    const struct slice side[SIDE_N]);

/* Exchanges [seq, seq + n), n > 0, are lost: says so in their place. */
int writer_put_gap(struct writer *w, uint64_t seq, uint64_t n, const char *why);

/* A named value in meta, such as a heartbeat or counters; name has 1 to 255
 * bytes. */
int writer_put_meta(struct writer *w, const char *name, const void *p, size_t n);

/* Bytes put since the last commit, about. */
size_t writer_pending(const struct writer *w);
int writer_commit(struct writer *w);

/* Frees what dead readers pin, and syncs when lazy; call every 30 s or so. */
void writer_housekeep(struct writer *w);

/* 32 secret bytes for keyed hashes, from the store's own key file. */
const uint8_t *writer_key(const struct writer *w);

const char *writer_strerror(int rc);

#endif
