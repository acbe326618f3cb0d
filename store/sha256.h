/* sha256.h - SHA-256 of bytes that arrive in pieces (FIPS 180-4), and HMAC (RFC 2104).
 *
 * Why not only mbedTLS: its 2.28 does 310 MB/s; a recorder that hashes every
 * body would spend more on that than on forwarding.  With the CPU's own
 * instructions it is 1.5 GB/s or more; without them mbedTLS does the work.
 *
 * Memory:  none but struct sha256, which may be copied at any time between
 *          calls and needs no release.
 */
#ifndef TRACETAPE_STORE_SHA256_H
#define TRACETAPE_STORE_SHA256_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sha256_own {
	uint32_t h[8];
	uint64_t len;		/* bytes so far */
	uint8_t block[64];	/* the unfinished one */
};

struct sha256 {
	union {
		struct sha256_own own;
		uint64_t library[16];	/* room for mbedTLS's context */
	} u;
	bool fast;		/* u.own is in use */
};

void sha256_init(struct sha256 *s);
void sha256_add(struct sha256 *s, const void *p, size_t n);
void sha256_end(struct sha256 *s, uint8_t out[32]);

/* Like sha256_init, but always mbedTLS: so that both ways can be compared. */
void sha256_init_portable(struct sha256 *s);

/* True when this CPU has the instructions that sha256_init looks for. */
bool sha256_is_fast(void);

void hmac_sha256(const uint8_t *key, size_t key_len, const void *p, size_t n,
    uint8_t out[32]);

#endif
