/* trust.h - the trust stores of systems and programs: what to type so that they trust
 * our CA, and so that they no longer do.
 *
 * The text is for a shell: comments, and commands that work as they stand.
 */
#ifndef TRACETAPE_TOOLS_TRUST_H
#define TRACETAPE_TOOLS_TRUST_H

#include <stdbool.h>

#include "store/bytes.h"

/* Absolute paths, as plain text: they are quoted where they are used. */
struct trust_files {
	const char *self;	/* this program */
	const char *dir;	/* of the CA */
	const char *cert;
	const char *bundle;
};

enum trust_what { TRUST_ADD, TRUST_REMOVE };

/* Appends the text for one store, or for all when store is NULL.  false: no such
 * store. */
bool trust_put(struct bytes *out, const char *store, enum trust_what what,
    const struct trust_files *f);

/* Appends the names of the stores. */
void trust_put_names(struct bytes *out);

/* Appends s as one word of a shell. */
void trust_quote(struct bytes *out, const char *s);

#endif
