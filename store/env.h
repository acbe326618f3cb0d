/* env.h - opening the LMDB environment of a store, for either half.
 *
 * Thread:  any, one at a time for one env.
 * Process: nothing may be open twice in one process (LMDB's locks belong to the
 *          process, and closing one would drop the other's), nor be used over a
 *          fork; a static table of what is open guards the first.
 * Errors:  int rc, 0, one of these, LMDB's codes, or an errno.
 */
#ifndef TRACETAPE_STORE_ENV_H
#define TRACETAPE_STORE_ENV_H

#include <lmdb.h>
#include <sys/types.h>

#include "store/resident.h"
#include "store/table.h"

enum {
	ENV_NONE = -100201,	/* there is no store */
	ENV_NEWER = -100202,	/* made by a newer tracetape */
	ENV_TWICE = -100203,	/* already open in this process */
	ENV_BUSY = -100204,	/* others keep opening and closing it */
};

struct env {
	MDB_env *mdb;		/* NULL after a failed env_reopen */
	MDB_dbi dbi[TABLE_N];
	bool has[TABLE_N];	/* false: an older store without this table */
	char *dir;
	unsigned flags;
	size_t map_bytes;
	int claim;		/* in the table of what is open */
	struct resident map;
};

/* flags: MDB_RDONLY for readers, who make nothing; others make what is missing,
 * in a directory that is there.  map_bytes: 0 means 1 TiB (1 GiB on 32 bit);
 * it is halved until it fits. */
int env_open(struct env *e, const char *dir, unsigned flags, size_t map_bytes);

/* Closes and opens again, after MDB_PANIC or MDB_MAP_RESIZED.  No transaction
 * may be open.  When it fails, it may be tried again. */
int env_reopen(struct env *e);

/* Lets go of what memory the map takes.  No transaction may be open. */
void env_relax(struct env *e);

void env_close(struct env *e);	/* safe on a zeroed one; leaves it zeroed */

#endif
