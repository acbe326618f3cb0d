/* tls_fixture.h - a CA, its leaves and two TLS codecs back to back in memory.
 *
 * For tests inside a scratch directory (scratch.h), where the CA lies.
 */
#ifndef TRACETAPE_TESTS_TLS_FIXTURE_H
#define TRACETAPE_TESTS_TLS_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "certs/cache.h"
#include "certs/roots.h"
#include "proxy/tls.h"
#include "tests/unit/scratch.h"

/* Who trusts whom: the client trusts the CA in dir, and no system roots. */
struct trust {
	struct ca *ca;
	struct roots *roots;
	struct cache *cache;
	struct tls_shared *shared;
	struct tls_client *client;
	struct tls_server *server;
};

/* One side of a connection: what it sent, and how much of that was delivered. */
struct end {
	struct tls *tls;
	struct bytes out;
	size_t off;
};

struct pair {
	struct end client, server;
};

/* mbedTLS refuses critical name constraints, as ours are; nobody checks the
 * signature of a root, so a copy that says "not critical" is as good. */
static inline void
put_root(const char *file, struct ca *ca)
{
	static const uint8_t critical[] = { 0x06, 0x03, 0x55, 0x1d, 0x1e, 0x01,
	    0x01, 0xff };
	struct bytes der = { 0 };
	uint8_t *at;

	bytes_put_slice(&der, ca_der(ca));
	assert_false(der.failed);
	at = memmem(der.p, der.len, critical, sizeof(critical));
	assert_non_null(at);
	at[sizeof(critical) - 1] = 0;
	scratch_put(file, der.p, der.len);
	bytes_fini(&der);
}

static inline void
trust_new(struct trust *t, const char *dir)
{
	static const char *const permit[] = { "api.openai.com", "localhost",
	    "127.0.0.1", "::1" };
	const char *bad;

	memset(t, 0, sizeof(*t));
	assert_int_equal(tls_start(), 0);
	assert_int_equal(ca_open(&t->ca, dir, permit, 4), 0);
	put_root("root.der", t->ca);
	assert_int_equal(setenv("SSL_CERT_FILE", "root.der", 1), 0);
	assert_int_equal(roots_load(&t->roots, NULL, &bad), 0);
	assert_int_equal(cache_new(&t->cache, t->ca, NULL, 0), 0);
	assert_non_null(t->shared = tls_shared_new());
	assert_non_null(t->client = tls_client_new(t->roots));
	assert_non_null(t->server = tls_server_new(t->shared, t->cache, NULL));
}

static inline void
trust_free(struct trust *t)
{
	tls_client_free(t->client);
	tls_server_free(t->server);
	tls_shared_free(t->shared);
	cache_free(t->cache);
	roots_free(t->roots);
	ca_unref(t->ca);
}

static inline void
pair_new(struct pair *p, struct trust *t, const char *host)
{
	memset(p, 0, sizeof(*p));
	assert_non_null(p->client.tls = tls_connect(t->client, host, 443));
	assert_non_null(p->server.tls = tls_accept(t->server, NULL));
	tls_set_out(p->client.tls, &p->client.out);
	tls_set_out(p->server.tls, &p->server.out);
}

static inline void
pair_free(struct pair *p)
{
	tls_free(p->client.tls);
	tls_free(p->server.tls);
	bytes_fini(&p->client.out);
	bytes_fini(&p->server.out);
}

/* Delivers at most cut bytes of what `from` has sent; false: there was nothing. */
static inline bool
deliver(struct end *from, struct end *to, size_t cut)
{
	size_t n = from->out.len - from->off;

	if (n > cut)
		n = cut;
	if (n == 0)
		return false;
	tls_feed(to->tls, from->out.p + from->off, n);
	from->off += n;
	return true;
}

/* Lets both shake hands over deliveries of cut bytes.  False: one has failed. */
static inline bool
shake_hands(struct pair *p, size_t cut)
{
	bool moved = true;

	assert_int_equal(tls_handshake(p->client.tls), TLS_WANT);
	while (moved && !(tls_is_ready(p->client.tls) &&
	    tls_is_ready(p->server.tls))) {
		moved = false;
		if (!tls_is_ready(p->server.tls) &&
		    deliver(&p->client, &p->server, cut)) {
			moved = true;
			if (tls_handshake(p->server.tls) == TLS_FAILED)
				return false;
		}
		if (!tls_is_ready(p->client.tls) &&
		    deliver(&p->server, &p->client, cut)) {
			moved = true;
			if (tls_handshake(p->client.tls) == TLS_FAILED)
				return false;
		}
	}
	return tls_is_ready(p->client.tls) && tls_is_ready(p->server.tls);
}

#endif
