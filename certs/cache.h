/* cache.h - minted leaves by host, at most CACHE_LEAVES_MAX of them; the one that was
 * not asked for for longest goes first.
 *
 * Thread:    any; one mutex.  A leaf is minted under it (1 ms, once per host), so
 *            that a host is never minted twice at once.
 * Ownership: the cache holds a reference to each leaf, and to the CA.  cache_get
 *            gives one more, so that a leaf outlives its place in the cache.
 * Memory:    some 4 KiB a leaf: 1 MiB when full.
 * Errors:    int rc for certs_strerror.
 */
#ifndef TRACETAPE_CERTS_CACHE_H
#define TRACETAPE_CERTS_CACHE_H

#include "certs/leaf.h"

enum { CACHE_LEAVES_MAX = 256 };

struct cache;

/* hosts: what the leaf for clients without SNI is for, at most LEAF_HOSTS_MAX; n == 0
 * stands for "localhost", "127.0.0.1" and "::1".  Those that the CA does not
 * permit are left out; CERTS_OUTSIDE when none is left.  CERTS_NAME, ENOMEM. */
int cache_new(struct cache **c, struct ca *ca, const char *const *hosts,
    size_t n);
void cache_free(struct cache *c);	/* safe on NULL */

/* The leaf for host, a name or an address in any spelling; NULL or "" is a client
 * without SNI.  The caller does leaf_unref.  What leaf_mint answers. */
int cache_get(struct cache *c, const char *host, const struct leaf **leaf);

/* The same at another time than the clock's. */
int cache_get_at(struct cache *c, const char *host, time_t now,
    const struct leaf **leaf);

#endif
