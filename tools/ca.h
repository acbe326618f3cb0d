/* ca.h - what the parts of `tracetape ca` share: the order that was given. */
#ifndef TRACETAPE_TOOLS_CA_H
#define TRACETAPE_TOOLS_CA_H

#include "certs/ca.h"

enum ca_code {			/* the verb's exit codes */
	CA_DONE,
	CA_NONE,		/* there is no CA, or it is not as asked for */
	CA_USAGE,
	CA_TROUBLE,
};

enum ca_flag {
	CA_SYSTEM = 1 << 0,
	CA_YES = 1 << 1,
	CA_WRITE = 1 << 2,
};

struct ca_order {
	char *dir;		/* of the CA; absolute as soon as that is there */
	char *cert;		/* files in it */
	char *key;
	char *bundle;
	const char *output;	/* -o; NULL: not given */
	unsigned flags;		/* enum ca_flag */
	const char **permit;
	size_t n_permit;
	char **args;
	int n_args;
};

/* One line on stderr.  Returns code. */
int ca_fail(enum ca_code code, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Says why the CA or a file (NULL: the CA) could not be used. */
int ca_fail_rc(const struct ca_order *o, const char *file, int rc);

/* What `ca init` and `ca rotate` print. */
void ca_print_brief(const struct ca_order *o, const struct ca *ca);

/* Makes the bundle beside the CA follow it and the system's roots. */
int ca_renew_bundle(const struct ca_order *o, const struct ca *ca);

int ca_show(struct ca_order *o);
int ca_install(struct ca_order *o);
int ca_uninstall(struct ca_order *o);

#endif
