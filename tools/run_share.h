/* run_share.h - who uses the proxy that a run has started: a lock of the store.
 *
 * Each run holds it shared for as long as it lives, however it ends; a keeper
 * (run_keeper.h) gets it alone when the last one is gone.
 */
#ifndef TRACETAPE_TOOLS_RUN_SHARE_H
#define TRACETAPE_TOOLS_RUN_SHARE_H

#include <stdbool.h>

#define RUN_LOCK "runs.lock"

/* Makes dir if need be and takes the lock shared; waits up to wait_ms for a proxy
 * that is just ending.  0, a code of store/directory.h, an errno; EWOULDBLOCK:
 * that took longer.  *fd is -1 then. */
int run_share(int *fd, const char *dir, int wait_ms);

/* Are there others?  When not, they wait until fd is closed. */
bool run_share_is_last(int fd);

/* Waits until nobody has it, for ever.  0 or an errno. */
int run_share_alone(const char *dir);

/* What a result of run_share means. */
const char *run_share_strerror(int rc);

#endif
