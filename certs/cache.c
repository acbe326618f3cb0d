#include "certs/cache.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "certs/error.h"

struct entry {
	char *host;			/* NULL: free; "": without SNI */
	const struct leaf *leaf;
	uint64_t used;			/* order */
};

struct cache {
	pthread_mutex_t mutex;
	struct ca *ca;
	char *hosts[LEAF_HOSTS_MAX];	/* of the leaf without SNI */
	size_t n_hosts;
	uint64_t n_used;
	struct entry entries[CACHE_LEAVES_MAX];
};

static int
choose_hosts(struct cache *c, const char *const *hosts, size_t n)
{
	static const char *const loopback[] = { "localhost", "127.0.0.1", "::1" };
	struct name name;

	if (n == 0) {
		hosts = loopback;
		n = sizeof(loopback) / sizeof(*loopback);
	}
	assert(n <= LEAF_HOSTS_MAX);
	for (size_t i = 0; i < n; i++) {
		if (name_host(&name, hosts[i]) != 0)
			return CERTS_NAME;
		if (!ca_permits(c->ca, hosts[i]))
			continue;
		if (!(c->hosts[c->n_hosts] = strdup(hosts[i])))
			return ENOMEM;
		c->n_hosts++;
	}
	return c->n_hosts ? 0 : CERTS_OUTSIDE;
}

int
cache_new(struct cache **out, struct ca *ca, const char *const *hosts, size_t n)
{
	struct cache *c = calloc(1, sizeof(*c));
	int rc;

	*out = NULL;
	if (!c)
		return ENOMEM;
	pthread_mutex_init(&c->mutex, NULL);
	c->ca = ca_ref(ca);
	rc = choose_hosts(c, hosts, n);
	if (rc)
		cache_free(c);
	else
		*out = c;
	return rc;
}

static void
forget(struct entry *e)
{
	leaf_unref(e->leaf);
	free(e->host);
	memset(e, 0, sizeof(*e));
}

void
cache_free(struct cache *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < CACHE_LEAVES_MAX; i++)
		forget(&c->entries[i]);
	for (size_t i = 0; i < c->n_hosts; i++)
		free(c->hosts[i]);
	ca_unref(c->ca);
	pthread_mutex_destroy(&c->mutex);
	free(c);
}

/* The entry of host, else the one to put it in: a free one, or the oldest. */
static struct entry *
find(struct cache *c, const char *host)
{
	struct entry *oldest = &c->entries[0];

	for (size_t i = 0; i < CACHE_LEAVES_MAX; i++) {
		struct entry *e = &c->entries[i];

		if (e->host && strcmp(e->host, host) == 0)
			return e;
		if (e->used < oldest->used)
			oldest = e;
	}
	return oldest;
}

/* Fills e anew.  It keeps what it had when minting fails. */
static int
mint(struct cache *c, struct entry *e, const char *host, time_t now)
{
	const char *const *hosts = *host ? &host : (const char *const *)c->hosts;
	const struct leaf *leaf;
	char *copy;
	int rc = leaf_mint(&leaf, c->ca, hosts, *host ? 1 : c->n_hosts, now);

	if (rc)
		return rc;
	if (!(copy = strdup(host))) {
		leaf_unref(leaf);
		return ENOMEM;
	}
	forget(e);
	e->host = copy;
	e->leaf = leaf;
	return 0;
}

int
cache_get_at(struct cache *c, const char *host, time_t now,
    const struct leaf **leaf)
{
	char text[NAME_TEXT_MAX] = "";
	struct name name;
	struct entry *e;
	int rc = 0;

	*leaf = NULL;
	if (host && *host) {
		if ((rc = name_host(&name, host)) != 0)
			return rc;
		name_print(&name, text);
	}
	pthread_mutex_lock(&c->mutex);
	e = find(c, text);
	if (!e->host || strcmp(e->host, text) != 0 ||
	    leaf_is_stale(e->leaf, now))
		rc = mint(c, e, text, now);
	if (rc == 0) {
		e->used = ++c->n_used;
		*leaf = leaf_ref(e->leaf);
	}
	pthread_mutex_unlock(&c->mutex);
	return rc;
}

int
cache_get(struct cache *c, const char *host, const struct leaf **leaf)
{
	return cache_get_at(c, host, time(NULL), leaf);
}
