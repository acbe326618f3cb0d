#include "store/sha256.h"

#include <assert.h>
#include <mbedtls/sha256.h>
#include <mbedtls/version.h>
#include <string.h>

#if defined(__x86_64__) || defined(__i386__)
#define HAS_SHA_NI 1
#include <cpuid.h>
#include <immintrin.h>
#endif

_Static_assert(sizeof(mbedtls_sha256_context) <= 128, "u.library is too small");

#ifdef HAS_SHA_NI

static const uint32_t round_k[64] __attribute__((aligned(16))) = {
	0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5,
	0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
	0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3,
	0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
	0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc,
	0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
	0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7,
	0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
	0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13,
	0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
	0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3,
	0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
	0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5,
	0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
	0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208,
	0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

/* The instructions keep the eight words as (A,B,E,F) and (C,D,G,H), and do two
 * rounds at a time on the two low words of w + k.  w holds the last 16 words of
 * the schedule as a ring of four vectors. */
__attribute__((target("sha,sse4.1,ssse3")))
static void
compress(uint32_t h[8], const uint8_t *p, size_t blocks)
{
	const __m128i swap = _mm_set_epi64x(0x0c0d0e0f08090a0bLL,
	    0x0405060700010203LL);
	__m128i dcba = _mm_loadu_si128((const __m128i *)h);
	__m128i hgfe = _mm_loadu_si128((const __m128i *)(h + 4));
	__m128i cdab = _mm_shuffle_epi32(dcba, 0xb1);
	__m128i efgh = _mm_shuffle_epi32(hgfe, 0x1b);
	__m128i abef = _mm_alignr_epi8(cdab, efgh, 8);
	__m128i cdgh = _mm_blend_epi16(efgh, cdab, 0xf0);

	for (; blocks > 0; blocks--, p += 64) {
		__m128i abef0 = abef, cdgh0 = cdgh, w[4];

#pragma GCC unroll 16
		for (unsigned i = 0; i < 16; i++) {
			__m128i next, wk;

			if (i < 4) {
				next = _mm_loadu_si128((const __m128i *)(p + 16 * i));
				next = _mm_shuffle_epi8(next, swap);
			} else {
				next = _mm_sha256msg1_epu32(w[i & 3], w[(i + 1) & 3]);
				next = _mm_add_epi32(next, _mm_alignr_epi8(
				    w[(i + 3) & 3], w[(i + 2) & 3], 4));
				next = _mm_sha256msg2_epu32(next, w[(i + 3) & 3]);
			}
			w[i & 3] = next;
			wk = _mm_add_epi32(next,
			    _mm_load_si128((const __m128i *)&round_k[4 * i]));
			cdgh = _mm_sha256rnds2_epu32(cdgh, abef, wk);
			wk = _mm_shuffle_epi32(wk, 0x0e);
			abef = _mm_sha256rnds2_epu32(abef, cdgh, wk);
		}
		abef = _mm_add_epi32(abef, abef0);
		cdgh = _mm_add_epi32(cdgh, cdgh0);
	}
	cdab = _mm_shuffle_epi32(abef, 0x1b);	/* now F,E,B,A reversed: A,B,E,F */
	efgh = _mm_shuffle_epi32(cdgh, 0xb1);
	_mm_storeu_si128((__m128i *)h, _mm_blend_epi16(cdab, efgh, 0xf0));
	_mm_storeu_si128((__m128i *)(h + 4), _mm_alignr_epi8(efgh, cdab, 8));
}

static bool
cpu_has_sha(void)
{
	unsigned a, b, c, d;

	if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_SSE4_1) ||
	    !(c & bit_SSSE3))
		return false;
	return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & 1u << 29);
}

#else

static void
compress(uint32_t h[8], const uint8_t *p, size_t blocks)
{
	(void)h;
	(void)p;
	(void)blocks;
	assert(!"without the instructions mbedTLS does this");
}

static bool
cpu_has_sha(void)
{
	return false;
}

#endif

bool
sha256_is_fast(void)
{
	/* Kept because cpuid leaves a virtual machine, which may cost 20 us.
	 * Threads that race here find the same answer. */
	static _Atomic int known;
	int k = known;

	if (k == 0)
		known = k = cpu_has_sha() ? 1 : -1;
	return k > 0;
}

static mbedtls_sha256_context *
library(struct sha256 *s)
{
	return (mbedtls_sha256_context *)(void *)s->u.library;
}

void
sha256_init_portable(struct sha256 *s)
{
	memset(s, 0, sizeof(*s));
	mbedtls_sha256_init(library(s));
#if MBEDTLS_VERSION_NUMBER >= 0x03000000
	mbedtls_sha256_starts(library(s), 0);
#else
	mbedtls_sha256_starts_ret(library(s), 0);
#endif
}

void
sha256_init(struct sha256 *s)
{
	static const uint32_t first[8] = {
		0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
		0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
	};

	if (!sha256_is_fast()) {
		sha256_init_portable(s);
		return;
	}
	memset(s, 0, sizeof(*s));
	memcpy(s->u.own.h, first, sizeof(first));
	s->fast = true;
}

static void
own_add(struct sha256_own *o, const uint8_t *p, size_t n)
{
	size_t have = o->len % 64;

	o->len += n;
	if (have) {
		size_t take = n < 64 - have ? n : 64 - have;

		memcpy(o->block + have, p, take);
		p += take;
		n -= take;
		if (have + take < 64)
			return;
		compress(o->h, o->block, 1);
	}
	if (n >= 64)
		compress(o->h, p, n / 64);
	memcpy(o->block, p + n / 64 * 64, n % 64);
}

void
sha256_add(struct sha256 *s, const void *p, size_t n)
{
	if (n == 0)
		return;
	if (s->fast)
		own_add(&s->u.own, p, n);
	else
#if MBEDTLS_VERSION_NUMBER >= 0x03000000
		mbedtls_sha256_update(library(s), p, n);
#else
		mbedtls_sha256_update_ret(library(s), p, n);
#endif
}

static void
own_end(struct sha256_own *o, uint8_t out[32])
{
	uint64_t bits = o->len * 8;
	uint8_t tail[72] = { 0x80 };
	size_t pad = (o->len % 64 < 56 ? 56 : 120) - o->len % 64;

	for (unsigned i = 0; i < 8; i++)
		tail[pad + i] = (uint8_t)(bits >> (56 - 8 * i));
	own_add(o, tail, pad + 8);
	for (unsigned i = 0; i < 32; i++)
		out[i] = (uint8_t)(o->h[i / 4] >> (24 - 8 * (i % 4)));
}

void
sha256_end(struct sha256 *s, uint8_t out[32])
{
	if (s->fast) {
		own_end(&s->u.own, out);
		return;
	}
#if MBEDTLS_VERSION_NUMBER >= 0x03000000
	mbedtls_sha256_finish(library(s), out);
#else
	mbedtls_sha256_finish_ret(library(s), out);
#endif
	mbedtls_sha256_free(library(s));
}

static void
hmac_pass(const uint8_t pad[64], const void *p, size_t n, uint8_t out[32])
{
	struct sha256 s;

	sha256_init(&s);
	sha256_add(&s, pad, 64);
	sha256_add(&s, p, n);
	sha256_end(&s, out);
}

void
hmac_sha256(const uint8_t *key, size_t key_len, const void *p, size_t n,
    uint8_t out[32])
{
	uint8_t pad[64] = { 0 }, inner[32];

	if (key_len > 64) {
		struct sha256 s;

		sha256_init(&s);
		sha256_add(&s, key, key_len);
		sha256_end(&s, pad);
	} else if (key_len > 0) {
		memcpy(pad, key, key_len);
	}
	for (unsigned i = 0; i < 64; i++)
		pad[i] ^= 0x36;
	hmac_pass(pad, p, n, inner);
	for (unsigned i = 0; i < 64; i++)
		pad[i] ^= 0x36 ^ 0x5c;
	hmac_pass(pad, inner, sizeof(inner), out);
}
