#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <pthread.h>
#include <string.h>

#include "certs/cache.h"
#include "certs/error.h"
#include "tests/unit/scratch.h"

enum { DAY = 86400 };

static struct cache *
new_cache(void)
{
	static const char *const permit[] = { "api.openai.com", "localhost",
	    "127.0.0.1", "::1" };
	struct cache *c;
	struct ca *ca;

	assert_int_equal(ca_open(&ca, "ca", permit, 4), 0);
	assert_int_equal(cache_new(&c, ca, NULL, 0), 0);
	ca_unref(ca);
	return c;
}

static const struct leaf *
get(struct cache *c, const char *host)
{
	const struct leaf *l;

	assert_int_equal(cache_get(c, host, &l), 0);
	return l;
}

/* The certificate stays the same; returns its address without a reference. */
static const struct leaf *
peek(struct cache *c, const char *host)
{
	const struct leaf *l = get(c, host);

	leaf_unref(l);
	return l;
}

static void
a_host_is_minted_once_in_whatever_spelling(void **state)
{
	struct cache *c = new_cache();
	const struct leaf *a = get(c, "api.openai.com");
	const struct leaf *ip = get(c, "::1");

	assert_ptr_equal(peek(c, "API.OPENAI.COM"), a);
	assert_ptr_equal(peek(c, "api.openai.com."), a);
	assert_ptr_equal(peek(c, "[::1]"), ip);
	assert_ptr_equal(peek(c, "0:0::1"), ip);
	assert_ptr_not_equal(peek(c, "eu.api.openai.com"), a);
	leaf_unref(a);
	leaf_unref(ip);
	cache_free(c);
}

static size_t
n_names(const struct leaf *l)
{
	size_t n = 0;

	for (const mbedtls_x509_sequence *s = &leaf_crt(l)->subject_alt_names; s;
	    s = s->next)
		n++;
	return n;
}

static void
a_client_without_a_name_gets_a_leaf_for_the_loopback(void **state)
{
	struct cache *c = new_cache();
	const struct leaf *l = get(c, NULL);
	const mbedtls_x509_buf *names = &leaf_crt(l)->v3_ext;
	bool dns = false, ip4 = false, ip6 = false;

	assert_ptr_equal(peek(c, ""), l);
	assert_ptr_not_equal(peek(c, "localhost"), l);
	for (size_t i = 0; i + 18 <= names->len; i++) {
		const uint8_t *p = names->p + i;

		dns |= memcmp(p, "\x82\x09localhost", 11) == 0;
		ip4 |= memcmp(p, "\x87\x04\x7f\0\0\1", 6) == 0;
		ip6 |= memcmp(p, "\x87\x10\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1", 18) == 0;
	}
	assert_true(dns && ip4 && ip6);
	leaf_unref(l);
	cache_free(c);
}

static void
its_names_can_be_chosen_from_what_the_ca_permits(void **state)
{
	const char *permit[] = { "api.openai.com", "10.0.0.0/8" };
	const char *hosts[] = { "api.openai.com", "example.com" };
	const struct leaf *l;
	struct cache *c;
	struct ca *ca;

	assert_int_equal(ca_open(&ca, "ca", permit, 2), 0);
	assert_int_equal(cache_new(&c, ca, NULL, 0), CERTS_OUTSIDE);
	assert_null(c);
	assert_int_equal(cache_new(&c, ca, hosts + 1, 1), CERTS_OUTSIDE);
	hosts[1] = "not a host";
	assert_int_equal(cache_new(&c, ca, hosts, 2), CERTS_NAME);
	hosts[1] = "example.com";
	assert_int_equal(cache_new(&c, ca, hosts, 2), 0);
	ca_unref(ca);
	l = get(c, NULL);
	assert_int_equal(n_names(l), 1);
	assert_memory_equal(leaf_crt(l)->subject_alt_names.buf.p,
	    "api.openai.com", 14);
	leaf_unref(l);
	cache_free(c);
}

static void
what_cannot_be_minted_is_not_kept(void **state)
{
	struct cache *c = new_cache();
	const struct leaf *a = get(c, "api.openai.com"), *l;

	for (int i = 0; i < CACHE_LEAVES_MAX + 9; i++) {
		assert_int_equal(cache_get(c, "example.com", &l), CERTS_OUTSIDE);
		assert_null(l);
		assert_int_equal(cache_get(c, "no host", &l), CERTS_NAME);
	}
	assert_ptr_equal(peek(c, "api.openai.com"), a);
	leaf_unref(a);
	cache_free(c);
}

static void
the_one_not_asked_for_for_longest_goes_first(void **state)
{
	struct cache *c = new_cache();
	const struct leaf *first = get(c, "h0.api.openai.com");
	const struct leaf *second = get(c, "h1.api.openai.com");
	char host[32];

	for (int i = 2; i < CACHE_LEAVES_MAX; i++) {
		snprintf(host, sizeof(host), "h%d.api.openai.com", i);
		peek(c, host);
	}
	assert_ptr_equal(peek(c, "h0.api.openai.com"), first);
	peek(c, "one.more.api.openai.com");
	assert_ptr_equal(peek(c, "h0.api.openai.com"), first);
	/* Ours, though the cache has let it go. */
	assert_memory_equal(leaf_crt(second)->subject_alt_names.buf.p,
	    "h1.api.openai.com", 17);
	assert_ptr_not_equal(peek(c, "h1.api.openai.com"), second);
	leaf_unref(first);
	leaf_unref(second);
	cache_free(c);
}

static void
a_stale_leaf_is_minted_anew(void **state)
{
	struct cache *c = new_cache();
	time_t now = time(NULL);
	const struct leaf *old, *kept, *renewed;

	assert_int_equal(cache_get_at(c, "localhost", now, &old), 0);
	assert_int_equal(cache_get_at(c, "localhost", now + 180 * DAY, &kept), 0);
	assert_ptr_equal(kept, old);
	assert_int_equal(cache_get_at(c, "localhost", now + 190 * DAY, &renewed),
	    0);
	assert_ptr_not_equal(renewed, old);
	assert_true(leaf_not_after(renewed) > leaf_not_after(old));
	leaf_unref(old);
	leaf_unref(kept);
	leaf_unref(renewed);
	cache_free(c);
}

static void
an_expired_ca_mints_no_more(void **state)
{
	struct cache *c = new_cache();
	time_t late = time(NULL) + 3700 * (time_t)DAY;
	const struct leaf *l;

	assert_int_equal(cache_get_at(c, "localhost", late, &l),
	    CERTS_CA_EXPIRED);
	assert_null(l);
	cache_free(c);
}

static void
a_leaf_outlives_the_cache(void **state)
{
	struct cache *c = new_cache();
	const struct leaf *l = get(c, "localhost");

	cache_free(c);
	cache_free(NULL);
	assert_int_equal(mbedtls_pk_get_bitlen(leaf_key(l)), 256);
	leaf_unref(l);
}

/* More hosts than room, so that threads take what others push out. */
static void *
ask_for_many(void *arg)
{
	struct cache *c = arg;
	char host[32];

	for (unsigned i = 0; i < 400; i++) {
		const struct leaf *l;

		snprintf(host, sizeof(host), "h%u.api.openai.com",
		    i * 7919 % (CACHE_LEAVES_MAX + 40));
		if (cache_get(c, host, &l) != 0)
			return arg;
		if (leaf_crt(l)->subject_alt_names.buf.len != strlen(host) ||
		    memcmp(leaf_crt(l)->subject_alt_names.buf.p, host,
		    strlen(host)) != 0)
			return arg;
		leaf_unref(l);
	}
	return NULL;
}

static void
threads_share_it(void **state)
{
	struct cache *c = new_cache();
	pthread_t threads[4];
	void *failed;

	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, ask_for_many,
		    c), 0);
	for (int i = 0; i < 4; i++) {
		assert_int_equal(pthread_join(threads[i], &failed), 0);
		assert_null(failed);
	}
	cache_free(c);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, scratch_new, scratch_free)

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(a_host_is_minted_once_in_whatever_spelling),
		TEST(a_client_without_a_name_gets_a_leaf_for_the_loopback),
		TEST(its_names_can_be_chosen_from_what_the_ca_permits),
		TEST(what_cannot_be_minted_is_not_kept),
		TEST(the_one_not_asked_for_for_longest_goes_first),
		TEST(a_stale_leaf_is_minted_anew),
		TEST(an_expired_ca_mints_no_more),
		TEST(a_leaf_outlives_the_cache),
		TEST(threads_share_it),
	};

	if (mbed_start() != 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
