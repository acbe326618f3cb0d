/* cadir.h - where our CA lies, and which hosts it is made for: for every verb alike.
 *
 * Order:  the option (--ca-dir DIR) or the key tls.ca_dir, else `ca` in the store's
 *         directory, as storedir_find finds it.
 * Hosts:  the API's and this machine's own names, and what the operator adds.  They
 *         are fixed when a CA is made; only a new one (cadir_rotate) has others.
 * Errors: int rc for certs_strerror.
 */
#ifndef TRACETAPE_TOOLS_CADIR_H
#define TRACETAPE_TOOLS_CADIR_H

#include <stddef.h>

#include "certs/ca.h"

/* NULL and "" stand for what was not given.  The directory need not exist.  The
 * caller frees the result.  NULL: see storedir_find. */
char *cadir_find(const char *ca_dir, const char *store);

/* dir/name.  The caller frees it; NULL: no memory. */
char *cadir_file(const char *dir, const char *name);

/* ca_open for the hosts above and more[0..n). */
int cadir_open(struct ca **ca, const char *dir, const char *const *more,
    size_t n);

/* ca_rotate for the same, and for all that old could speak for, which may be
 * NULL.  Whoever wants fewer removes the files and makes a CA anew. */
int cadir_rotate(struct ca **ca, const char *dir, const struct ca *old,
    const char *const *more, size_t n);

/* CERTS_OUTSIDE when ca may not speak for all of permit[0..n), which are
 * written as name_set takes them; CERTS_PERMIT when one is not. */
int cadir_check(const struct ca *ca, const char *const *permit, size_t n);

#endif
