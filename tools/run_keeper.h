/* run_keeper.h - a private proxy, and the process that ends it.
 *
 * The keeper sits between a run and its proxy, in a session of its own, so that ^C
 * reaches neither.  It ends the proxy with SIGTERM once no run of the store is left
 * (run_share.h), however they ended, or when it gets SIGTERM itself; and ends with it.
 * On Linux the proxy does not outlive a keeper that was killed, either.
 */
#ifndef TRACETAPE_TOOLS_RUN_KEEPER_H
#define TRACETAPE_TOOLS_RUN_KEEPER_H

#include <sys/types.h>

#include "store/bytes.h"

struct run_keeper_order {
	const char *dir;	/* the store */
	char **argv;		/* of the proxy, argv[0] is our name */
	struct slice config;	/* what it reads from RUN_CONFIG_FILE, which is on no
				 * disk and in no command line; missing: none */
	int share;		/* our lock, which nobody else may hold */
};

#define RUN_CONFIG_FILE "/dev/fd/3"

enum { RUN_CONFIG_MAX = 32 * 1024 };	/* bytes that a pipe takes at once */

struct run_keeper {
	pid_t pid;
	int out;		/* the proxy's stdout */
	int err;		/* ... and stderr, both for reading */
};

/* false: errno. */
bool run_keeper_start(struct run_keeper *k, const struct run_keeper_order *o);

#endif
