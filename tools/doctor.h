/* doctor.h - what the files of `tracetape doctor` share: who is examined, and findings,
 * of which each is one line of the report.
 *
 * Secrets: no finding may hold a password, a key, or a URL as the user wrote it.
 */
#ifndef TRACETAPE_TOOLS_DOCTOR_H
#define TRACETAPE_TOOLS_DOCTOR_H

#include "certs/ca.h"
#include "proxy/origin.h"
#include "proxy/via.h"
#include "store/bytes.h"
#include "tools/running.h"

enum { DOCTOR_TEXT_MAX = 1024, DOCTOR_DEFAULT_S = 30, DOCTOR_MAX_S = 600 };

enum verdict {
	VERDICT_OK,
	VERDICT_INFO,		/* to know, neither good nor bad */
	VERDICT_SKIP,		/* could not be tried; what says how it could */
	VERDICT_WARN,
	VERDICT_FAIL,		/* makes the exit status 1 */
};

/* Texts are cut, and escaped where they are printed: they may be a stranger's. */
struct finding {
	enum verdict verdict;
	const char *check;
	char what[DOCTOR_TEXT_MAX];
	char remedy[DOCTOR_TEXT_MAX];	/* one line; "": there is none */
};

void finding_set(struct finding *f, enum verdict verdict, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void finding_remedy(struct finding *f, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

struct report;

/* Lines as they are found, or one JSON object at the end.  NULL: no memory. */
struct report *report_new(bool is_json);
void report_put(struct report *r, const struct finding *f);

/* What comes last.  The number of VERDICT_FAILs, or -1: it could not be written. */
int report_end(struct report *r);
void report_free(struct report *r);	/* safe on NULL */

struct doctor {
	struct report *report;
	const char *store;		/* its directory */
	const char *same_store;		/* " -s DIR" for commands that we name, or "" */
	const char *ca_dir;		/* --ca-dir, NULL: as the proxy says */
	int64_t timeout_ms;		/* of each canary, and at most for others */
	bool is_strict;
	struct running running;
	struct ca *ca;			/* NULL: the proxy has none, or it is bad */
	char host[ORIGIN_HOST_MAX];	/* the first intercepted one, "": none */
	struct via proxy;		/* HTTPS_PROXY, when it leads to running */
	uint64_t seen_seq;		/* the store's last before our canaries */
};

/* Sends the canaries through every door, and looks for them in the store. */
void doctor_routes(struct doctor *d);

/* What the environment makes of programs that are started in it. */
void doctor_clients(struct doctor *d);

/* Sets d->proxy if the environment's proxy is the one that runs. */
void doctor_find_proxy(struct doctor *d);

/* The `node` on PATH, which may take its time to say what it is. */
struct doctor_node {
	enum { NODE_ABSENT, NODE_ODD, NODE_OLD, NODE_GOOD } is;
	char version[32];		/* of OLD and GOOD: "20.1.0" */
};

void doctor_node_find(struct doctor_node *n, int64_t timeout_ms);

/* What it makes of this environment.  wants_proxy: its programs are meant to go
 * through us; else to our base URL, or nowhere in particular. */
void doctor_node(struct doctor *d, const struct doctor_node *n, bool wants_proxy,
    bool has_base_url);

/* The certificates that the environment names, and the system's trust store.  has_node:
 * what Node needs must be there as well. */
void doctor_trust(struct doctor *d, bool wants_proxy, bool has_node);

/* The name of a variable whose file holds our CA, NULL: there is none. */
const char *doctor_trusting_variable(const struct doctor *d);

/* What to do about an error of the proxy's own, by its code. */
void doctor_remedy(struct finding *f, const char *code);

#endif
