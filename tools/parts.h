/* parts.h - what a recording proxy is made of, and running it: for the verb proxy.
 *
 * Thread: the main thread's.
 * Errors: exit codes of the verb; what is wrong has been said on stderr by then.
 */
#ifndef TRACETAPE_TOOLS_PARTS_H
#define TRACETAPE_TOOLS_PARTS_H

#include "proxy/config.h"
#include "proxy/origin.h"
#include "proxy/via.h"

struct parts {				/* zero it first */
	struct config config;		/* the caller's, filled by parts_load's time */
	char *store_dir;
	char *ca_dir;			/* NULL: no CA is used */
	struct origin upstream;
	struct via via;
	struct policy *policy;
	struct auth *auth;
	struct roots *roots;
	struct tls_shared *tls;
	struct ca *ca;
	struct cache *leaves;
	const struct leaf *fixed;
	struct writer *writer;		/* NULL again once the recorder has it */
	struct recorder *recorder;
};

/* Everything that must be there before the first socket opens.  0, or 2 or 3. */
int parts_load(struct parts *p);

/* Listens, says so on stdout and in the store, serves until a signal.  0, 3. */
int parts_serve(struct parts *p);

/* Also after a failed load; what is recorded is committed. */
void parts_free(struct parts *p);

/* "tracetape proxy: ..." on stderr; gives code back. */
int parts_complain(int code, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

#endif
