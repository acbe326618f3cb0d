/* running.h - finds the proxy that records into a store, if one is up.
 *
 * The row that it wrote of itself (store/status.h) counts only while that process
 * holds the store's lock.  Nothing of the store stays open.
 */
#ifndef TRACETAPE_TOOLS_RUNNING_H
#define TRACETAPE_TOOLS_RUNNING_H

#include "store/status.h"

enum { RUNNING_ERROR_MAX = 512, RUNNING_ADDRESS_MAX = 80 };

enum running_is {
	RUNNING_NO,
	RUNNING_YES,
	RUNNING_ERROR,
};

/* Zero it first.  Addresses are those that a client on this machine connects to:
 * the loopback for a listener on all of them; "" when there is no such listener. */
struct running {
	struct status status;		/* as it said, texts lie in hold */
	struct bytes hold;
	char http[RUNNING_ADDRESS_MAX];
	char tls[RUNNING_ADDRESS_MAX];
};

/* dir need not exist.  Waits up to wait_ms for a proxy that is just starting.
 * RUNNING_ERROR: err says what is the matter. */
enum running_is running_find(struct running *r, const char *dir, int wait_ms,
    char err[RUNNING_ERROR_MAX]);

void running_fini(struct running *r);

/* The number of the newest exchange of a store, 0: none yet.  What comes later is
 * above it. */
uint64_t running_newest(const char *dir);

#endif
