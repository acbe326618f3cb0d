/* run_why.h - why a run may have put nothing on the tape, for this program. */
#ifndef TRACETAPE_TOOLS_RUN_WHY_H
#define TRACETAPE_TOOLS_RUN_WHY_H

#include "store/bytes.h"

struct run_log;

struct run_situation {
	char **argv;			/* of the program */
	const struct run_log *log;	/* of a private proxy */
	const char *base_url;		/* OPENAI_BASE_URL as it found it; NULL */
	const char *address;		/* of the proxy */
	bool has_base_url;		/* ... was told our own */
};

/* Appends one sentence.  May ask `node --version`. */
void run_why_put(struct bytes *out, const struct run_situation *s);

/* Does Node of this version, "v22.21.0", heed NODE_USE_ENV_PROXY?  True of what is
 * no version. */
bool run_why_node_heeds(const char *version);

#endif
