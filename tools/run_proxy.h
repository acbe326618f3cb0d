/* run_proxy.h - the proxy of a run: the one that records into the store, or a private one
 * that lives for as long as runs use it.
 */
#ifndef TRACETAPE_TOOLS_RUN_PROXY_H
#define TRACETAPE_TOOLS_RUN_PROXY_H

#include "tools/run.h"
#include "tools/run_keeper.h"
#include "tools/run_log.h"
#include "tools/running.h"

enum { RUN_OPTIONS_MAX = 64 };

/* What a private one is told: options of the verb proxy, each with its value. */
struct run_options {
	const char *arg[2 * RUN_OPTIONS_MAX];
	size_t n;			/* of arg */
	const char *upstream;		/* --upstream among them; NULL */
	bool has_tunnel_rules;		/* they say where tunnels may lead */
};

struct run_proxy {
	struct running is;
	bool is_ours;			/* we started it */
	struct run_keeper keeper;	/* if so */
	struct run_log log;
	int share;
};

/* Finds one or starts one: nothing of the store is open afterwards.  drain_s: how
 * long live exchanges have when a private one ends.  0, or an exit code, and why
 * has been said. */
int run_proxy_get(struct run_proxy *p, const char *dir,
    const struct run_options *o, int drain_s);

/* Ends a private one that no other run uses, and waits for its end. */
void run_proxy_end(struct run_proxy *p, int drain_s);

#endif
