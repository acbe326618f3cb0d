#include "certs/cache.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "certs/error.h"

struct entry {
	char host[NAME_TEXT_MAX];	/* "": without SNI */
	const struct leaf *leaf;
	uint64_t used;			/* order */
};

struct cache {
	pthread_mutex_t mutex;
	struct ca *ca;
	char *hosts[LEAF_HOSTS_MAX];	/* of the leaf without SNI */
	size_t n_hosts;
	uint64_t n_used;
	size_t n;
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

void
cache_free(struct cache *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < c->n; i++)
		leaf_unref(c->entries[i].leaf);
	for (size_t i = 0; i < c->n_hosts; i++)
		free(c->hosts[i]);
	ca_unref(c->ca);
	pthread_mutex_destroy(&c->mutex);
	free(c);
}

static struct entry *
find(struct cache *c, const char *host)
{
	for (size_t i = 0; i < c->n; i++)
		if (strcmp(c->entries[i].host, host) == 0)
			return &c->entries[i];
	return NULL;
}

/* A new entry, or that of the leaf that has to go. */
static struct entry *
make_room(struct cache *c)
{
	struct entry *oldest = &c->entries[0];

	if (c->n < CACHE_LEAVES_MAX)
		return &c->entries[c->n++];
	for (size_t i = 1; i < c->n; i++)
		if (c->entries[i].used < oldest->used)
			oldest = &c->entries[i];
	return oldest;
}

/* Mints into *e, or into another entry when that is NULL; nothing changes when
 * minting fails. */
static int
mint(struct cache *c, struct entry **e, const char *host, time_t now)
{
	const char *const *hosts = *host ? &host : (const char *const *)c->hosts;
	const struct leaf *leaf;
	int rc = leaf_mint(&leaf, c->ca, hosts, *host ? 1 : c->n_hosts, now);

	if (rc)
		return rc;
	if (!*e)
		*e = make_room(c);
	leaf_unref((*e)->leaf);
	(*e)->leaf = leaf;
	snprintf((*e)->host, sizeof((*e)->host), "%s", host);
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
	if (!e || leaf_is_stale(e->leaf, now))
		rc = mint(c, &e, text, now);
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
