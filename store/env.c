#include "store/env.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/directory.h"
#include "store/lockfile.h"

enum {
	READERS_MAX = 254,
	TABLES_MAX = 64,	/* ours and those to come */
	OPEN_WAIT_MS = 5000,
	CLAIMS_MAX = 16,
};

static const size_t map_most = (size_t)1 << (sizeof(size_t) >= 8 ? 40 : 30);
static const size_t map_least = (size_t)16 << 20;

/* What this process has open.  A global, because LMDB's rule is about the
 * process.  An entry of another pid came through fork and means nothing. */
static struct claim {
	dev_t dev;
	ino_t ino;
	pid_t pid;
} claims[CLAIMS_MAX];
static pthread_mutex_t claims_lock = PTHREAD_MUTEX_INITIALIZER;

static int
claim_take(int *claim, const struct stat *st)
{
	const pid_t us = getpid();
	int free_one = -1, rc = 0;

	pthread_mutex_lock(&claims_lock);
	for (int i = 0; i < CLAIMS_MAX; i++) {
		if (claims[i].pid != us)
			free_one = i;
		else if (claims[i].dev == st->st_dev && claims[i].ino == st->st_ino)
			rc = ENV_TWICE;
	}
	if (rc == 0 && free_one < 0)
		rc = EMFILE;
	if (rc == 0) {
		claims[free_one] = (struct claim){ st->st_dev, st->st_ino, us };
		*claim = free_one;
	}
	pthread_mutex_unlock(&claims_lock);
	return rc;
}

static void
claim_drop(int claim)
{
	pthread_mutex_lock(&claims_lock);
	claims[claim].pid = 0;
	pthread_mutex_unlock(&claims_lock);
}

static int
claim_store(struct env *e)
{
	char *path = directory_path(e->dir, "data.mdb");
	struct stat st;
	int rc = 0;

	if (!path)
		return ENOMEM;
	if (stat(path, &st) != 0)
		rc = errno == ENOENT || errno == ENOTDIR ? ENV_NONE : errno;
	else if ((e->flags & MDB_RDONLY) && st.st_size == 0)
		rc = ENV_NONE;	/* just being made; LMDB would write to it */
	else
		rc = claim_take(&e->claim, &st);
	free(path);
	return rc;
}

/* Before LMDB would make them: with the umask of the process it might make them
 * such that it cannot open them again. */
static int
make_files(const struct env *e)
{
	int rc;

	if (!(e->flags & MDB_RDONLY)) {
		if ((rc = directory_make_file(e->dir, "data.mdb")) != 0)
			return rc;
		return directory_make_file(e->dir, "lock.mdb");
	}
	rc = directory_make_file(e->dir, "lock.mdb");
	return rc == EROFS ? 0 : rc;	/* LMDB reads on without locks */
}

static int
map_some(struct env *e, size_t map_bytes)
{
	int rc = mdb_env_create(&e->mdb);

	if (rc)
		return rc;
	mdb_env_set_maxdbs(e->mdb, TABLES_MAX);
	mdb_env_set_maxreaders(e->mdb, READERS_MAX);
	if ((rc = mdb_env_set_mapsize(e->mdb, map_bytes)) == 0)
		rc = mdb_env_open(e->mdb, e->dir, e->flags, 0600);
	if (rc) {
		mdb_env_close(e->mdb);
		e->mdb = NULL;
	}
	return rc;
}

static int
map(struct env *e)
{
	size_t map_bytes = e->map_bytes ? e->map_bytes : map_most;
	mdb_filehandle_t fd;
	int rc;

	/* EINVAL: what valgrind says of a map that it has no room for. */
	while ((rc = map_some(e, map_bytes)) != 0 && map_bytes > map_least &&
	    (rc == ENOMEM || rc == EINVAL))
		map_bytes /= 2;
	/* LMDB leaves this one open in programs that we start. */
	if (rc == 0 && mdb_env_get_fd(e->mdb, &fd) == 0)
		(void)fcntl(fd, F_SETFD, FD_CLOEXEC);
	return rc;
}

static int
open_table(struct env *e, MDB_txn *txn, enum table t, unsigned flags)
{
	int rc = mdb_dbi_open(txn, table_name(t), flags, &e->dbi[t]);

	e->has[t] = rc == 0;
	return rc == MDB_NOTFOUND ? 0 : rc;
}

/* Before anything is made in it: a newer store is not ours to touch. */
static int
check_format(struct env *e, MDB_txn *txn)
{
	MDB_val k = { sizeof(META_FORMAT) - 1, (char *)META_FORMAT }, v;
	struct cursor c;
	uint32_t format;
	int rc;

	if (!e->has[TABLE_META])
		return e->flags & MDB_RDONLY ? ENV_NONE : 0;
	rc = mdb_get(txn, e->dbi[TABLE_META], &k, &v);
	if (rc == MDB_NOTFOUND)
		return e->flags & MDB_RDONLY ? ENV_NONE : 0;
	if (rc)
		return rc;
	c = (struct cursor){ v.mv_data, v.mv_size, false };
	format = cursor_u32(&c);
	if (c.failed || c.len != 0 || format == 0)
		return MDB_CORRUPTED;
	return format > FORMAT_VERSION ? ENV_NEWER : 0;
}

/* In a transaction of its own, as LMDB wants it, in readers too. */
static int
open_tables(struct env *e)
{
	const bool make = !(e->flags & MDB_RDONLY);
	MDB_txn *txn;
	int dead, rc;

	(void)mdb_reader_check(e->mdb, &dead);	/* or no slot may be left */
	rc = mdb_txn_begin(e->mdb, NULL, e->flags & MDB_RDONLY, &txn);
	if (rc)
		return rc;
	rc = open_table(e, txn, TABLE_META, 0);
	if (rc == 0)
		rc = check_format(e, txn);
	for (enum table t = 0; t < TABLE_N && rc == 0; t++)
		rc = open_table(e, txn, t, make ? MDB_CREATE : 0);
	if (rc == 0)
		return mdb_txn_commit(txn);
	mdb_txn_abort(txn);
	return rc;
}

/* See FORMAT.md 1 for what open.lock is for. */
static int
take_open_lock(const struct env *e, int *fd)
{
	const bool writes = !(e->flags & MDB_RDONLY);
	int rc = lockfile_take(fd, e->dir, LOCKFILE_OPEN, writes, OPEN_WAIT_MS);

	if (rc == EWOULDBLOCK)
		return writes ? 0 : ENV_BUSY;
	/* A reader's store may be a copy, or on a read-only disk. */
	return writes || (rc != ENOENT && rc != EROFS) ? rc : 0;
}

static int
open_mdb(struct env *e)
{
	mdb_filehandle_t fd;
	int lock = -1;
	int rc = take_open_lock(e, &lock);

	if (rc == 0)
		rc = make_files(e);
	if (rc == 0)
		rc = map(e);
	if (rc == 0 && (rc = open_tables(e)) != 0) {
		mdb_env_close(e->mdb);
		e->mdb = NULL;
	}
	lockfile_drop(lock);
	if (rc == 0 && !(e->flags & MDB_RDONLY) &&
	    mdb_env_get_fd(e->mdb, &fd) == 0)
		resident_find(&e->map, fd, "data.mdb");
	return rc;
}

static void
close_mdb(struct env *e)
{
	int lock = -1;

	if (!e->mdb)
		return;
	(void)take_open_lock(e, &lock);
	mdb_env_close(e->mdb);
	e->mdb = NULL;
	lockfile_drop(lock);
}

int
env_open(struct env *e, const char *dir, unsigned flags, size_t map_bytes)
{
	int rc = 0;

	memset(e, 0, sizeof(*e));
	e->claim = -1;
	e->flags = flags | MDB_NOTLS | MDB_NORDAHEAD;
	e->map_bytes = map_bytes;
	if (!(e->dir = strdup(dir)))
		rc = ENOMEM;
	if (rc == 0 && !(flags & MDB_RDONLY))
		rc = directory_make_file(dir, "data.mdb");
	if (rc == 0)
		rc = claim_store(e);
	if (rc == 0)
		rc = open_mdb(e);
	if (rc)
		env_close(e);
	return rc;
}

int
env_reopen(struct env *e)
{
	close_mdb(e);
	return open_mdb(e);
}

void
env_relax(struct env *e)
{
	MDB_envinfo info;
	MDB_stat stat;

	if (e->mdb && mdb_env_info(e->mdb, &info) == 0 &&
	    mdb_env_stat(e->mdb, &stat) == 0)
		resident_drop(&e->map, (info.me_last_pgno + 1) * stat.ms_psize);
}

void
env_close(struct env *e)
{
	if (!e->dir)
		return;
	close_mdb(e);
	if (e->claim >= 0)
		claim_drop(e->claim);
	free(e->dir);
	memset(e, 0, sizeof(*e));
}
