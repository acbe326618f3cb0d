/* config_private.h - what config.c does for config_file.c. */
#ifndef TRACETAPE_PROXY_CONFIG_PRIVATE_H
#define TRACETAPE_PROXY_CONFIG_PRIVATE_H

#include "proxy/config.h"
#include "store/bytes.h"

struct setting {
	const char *where;	/* "FILE:LINE", "--set" */
	const char *name;	/* "section.key" */
	const char *text;
	char *err;		/* CONFIG_ERROR_MAX bytes */
};

/* False: s->err says why, and nothing has changed. */
bool config_assign(struct config *c, const struct setting *s);

#endif
