#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "store/sha256.h"
#include "tests/unit/guard.h"

static void
from_hex(uint8_t *out, const char *hex)
{
	for (size_t i = 0; hex[2 * i]; i++) {
		char pair[3] = { hex[2 * i], hex[2 * i + 1], '\0' };

		out[i] = (uint8_t)strtoul(pair, NULL, 16);
	}
}

/* FIPS 180-4's examples (NIST, SHA256.pdf) and the empty message. */
static const struct {
	const char *text;
	size_t times;
	const char *digest;
} vector[] = {
	{ "", 1,
	    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
	{ "abc", 1,
	    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
	{ "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 1,
	    "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1" },
	{ "a", 1000000,
	    "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0" },
};

typedef void init(struct sha256 *s);
static init *const way[] = { sha256_init, sha256_init_portable };

static void
the_published_vectors_hold_both_ways(void **state)
{
	(void)state;
	for (size_t w = 0; w < 2; w++) {
		for (size_t i = 0; i < sizeof(vector) / sizeof(vector[0]); i++) {
			uint8_t want[32], got[32];
			struct sha256 s;

			from_hex(want, vector[i].digest);
			way[w](&s);
			for (size_t k = 0; k < vector[i].times; k++)
				sha256_add(&s, vector[i].text, strlen(vector[i].text));
			sha256_end(&s, got);
			assert_memory_equal(got, want, 32);
		}
	}
}

static void
portable_means_mbedtls(void **state)
{
	struct sha256 s;

	(void)state;
	sha256_init_portable(&s);
	assert_false(s.fast);
	sha256_init(&s);
	assert_int_equal(s.fast, sha256_is_fast());
}

static void
hash(init *start, const uint8_t *p, size_t n, unsigned seed, uint8_t out[32])
{
	struct sha256 s;

	start(&s);
	while (n > 0) {
		size_t take = 1 + rand_r(&seed) % 150;

		take = take < n ? take : n;
		sha256_add(&s, p, take);
		p += take;
		n -= take;
	}
	sha256_add(&s, NULL, 0);
	sha256_end(&s, out);
}

static void
both_ways_agree_on_every_length_and_any_split(void **state)
{
	uint8_t text[700], one[32], two[32], three[32];
	unsigned seed = 7;

	(void)state;
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = (uint8_t)rand_r(&seed);
	for (size_t n = 0; n <= sizeof(text); n++) {
		const uint8_t *p = (uint8_t *)guard_put(text, n);
		struct sha256 s;

		hash(sha256_init, p, n, (unsigned)n, one);
		hash(sha256_init_portable, p, n, (unsigned)n + 1, two);
		sha256_init(&s);
		sha256_add(&s, p, n);
		sha256_end(&s, three);
		assert_memory_equal(one, two, 32);
		assert_memory_equal(one, three, 32);
	}
}

static void
a_copy_goes_on_by_itself(void **state)
{
	uint8_t got[32], want[32];

	(void)state;
	for (size_t w = 0; w < 2; w++) {
		struct sha256 s, copy;

		way[w](&s);
		sha256_add(&s, "ab", 2);
		copy = s;
		sha256_add(&copy, "zzz", 3);
		sha256_end(&copy, got);
		sha256_add(&s, "c", 1);
		sha256_end(&s, got);
		from_hex(want, vector[1].digest);
		assert_memory_equal(got, want, 32);
	}
}

/* RFC 4231, 4.2 to 4.8 without the truncated 4.6. */
static const struct {
	const char *key;
	unsigned key_times;
	const char *data;
	unsigned data_times;
	const char *mac;
} hmac_vector[] = {
	{ "\x0b", 20, "Hi There", 1,
	    "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7" },
	{ "Jefe", 1, "what do ya want for nothing?", 1,
	    "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843" },
	{ "\xaa", 20, "\xdd", 50,
	    "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe" },
	{ "\xaa", 131,
	    "Test Using Larger Than Block-Size Key - Hash Key First", 1,
	    "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54" },
	{ "\xaa", 131, "This is a test using a larger than block-size key and a "
	    "larger than block-size data. The key needs to be hashed before "
	    "being used by the HMAC algorithm.", 1,
	    "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2" },
};

static size_t
repeat(uint8_t *to, const char *text, unsigned times)
{
	size_t n = strlen(text);

	for (unsigned i = 0; i < times; i++)
		memcpy(to + i * n, text, n);
	return n * times;
}

static void
the_published_hmac_vectors_hold(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(hmac_vector) / sizeof(hmac_vector[0]); i++) {
		uint8_t key[256], data[512], want[32], got[32];
		size_t nk = repeat(key, hmac_vector[i].key, hmac_vector[i].key_times);
		size_t nd = repeat(data, hmac_vector[i].data,
		    hmac_vector[i].data_times);

		hmac_sha256(key, nk, data, nd, got);
		from_hex(want, hmac_vector[i].mac);
		assert_memory_equal(got, want, 32);
	}
}

static void
hmac_of_a_64_byte_key_uses_it_as_it_is(void **state)
{
	uint8_t key[64] = { 0 }, one[32], two[32];

	(void)state;
	hmac_sha256(key, 64, "x", 1, one);	/* padding is zeros as well */
	hmac_sha256(NULL, 0, "x", 1, two);
	assert_memory_equal(one, two, 32);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_published_vectors_hold_both_ways),
		cmocka_unit_test(portable_means_mbedtls),
		cmocka_unit_test(both_ways_agree_on_every_length_and_any_split),
		cmocka_unit_test(a_copy_goes_on_by_itself),
		cmocka_unit_test(the_published_hmac_vectors_hold),
		cmocka_unit_test(hmac_of_a_64_byte_key_uses_it_as_it_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
