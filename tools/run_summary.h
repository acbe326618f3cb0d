/* run_summary.h - the end of a run: waits for what is still on its way, ends a private
 * proxy, and says in one line what is on the tape, or why nothing is.
 */
#ifndef TRACETAPE_TOOLS_RUN_SUMMARY_H
#define TRACETAPE_TOOLS_RUN_SUMMARY_H

#include "tools/run_proxy.h"
#include "tools/run_tally.h"

struct run_summary {
	const char *dir;		/* the store */
	const char *store_option;	/* -s as the user gave it; NULL: not */
	char **argv;			/* of the program */
	const char *base_url;		/* OPENAI_BASE_URL as we found it; NULL */
	struct run_whose whose;
	int64_t began_ms, ended_ms;	/* the program */
	int wait_s;
	bool has_base_url;		/* we set it */
};

/* Also ends p.  Waits at most wait_s for calls that are running, and as long again
 * for a proxy that drains. */
void run_summary(const struct run_summary *s, struct run_proxy *p);

/* Appends a word as sh reads it, in quotes if need be. */
void run_put_word(struct bytes *out, const char *word);

#endif
