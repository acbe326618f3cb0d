/* hold_writer.c - holds the write lock of a store's LMDB environment, so that
 * whoever records into it waits, exactly as behind a disk that hangs.
 *
 *	hold_writer STORE
 *
 * Prints "held" when it has the lock and lets go when its stdin ends.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#include <lmdb.h>

static void
check(int rc, const char *what)
{
	if (rc == 0)
		return;
	fprintf(stderr, "hold_writer: %s: %s\n", what, mdb_strerror(rc));
	exit(1);
}

/* Opening and closing take turns between processes: store/FORMAT.md. */
static int
take_turn(const char *store)
{
	char path[4096];
	int fd;

	snprintf(path, sizeof(path), "%s/open.lock", store);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0 || flock(fd, LOCK_EX) != 0) {
		perror(path);
		exit(1);
	}
	return fd;
}

int
main(int argc, char **argv)
{
	MDB_env *env;
	MDB_txn *txn;
	char buf[64];
	int turn;

	if (argc != 2)
		return 2;
	turn = take_turn(argv[1]);
	check(mdb_env_create(&env), "create");
	check(mdb_env_open(env, argv[1], 0, 0600), "open");
	close(turn);
	check(mdb_txn_begin(env, NULL, 0, &txn), "begin");
	puts("held");
	fflush(stdout);
	while (read(0, buf, sizeof(buf)) > 0)
		;
	mdb_txn_abort(txn);
	turn = take_turn(argv[1]);
	mdb_env_close(env);
	close(turn);
	return 0;
}
