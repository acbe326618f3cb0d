/* decode.h - undoes Content-Encoding (RFC 9110 8.4): gzip, deflate, br, zstd,
 * and lists of up to two of them, in pieces, bounded.
 *
 * Bounds:  DECODE_BYTES_MAX of output in all, and DECODE_RATIO_MAX times the
 *          input once more than 1 MiB has come out; past either: DECODE_BOMB.
 * Memory:  what the decoders need (br: its window, at most 16 MiB; zstd: windows
 *          up to 8 MiB), allocated at the first byte.
 */
#ifndef TRACETAPE_STORE_DECODE_H
#define TRACETAPE_STORE_DECODE_H

#include "store/bytes.h"

enum {
	DECODE_BYTES_MAX = 256 * 1024 * 1024,
	DECODE_RATIO_MAX = 1000,
	DECODE_HELD_MAX = 128 * 1024 * 1024,	/* by all decoders at once: some 7
						 * of br, 14 of zstd, 2700 of gzip */
};

enum decode_result {
	DECODE_OK = 0,
	DECODE_UNKNOWN = -1,	/* a coding we do not know */
	DECODE_CORRUPT = -2,	/* the bytes are not what they claim */
	DECODE_BOMB = -3,	/* past a bound */
	DECODE_MEMORY = -4,
	DECODE_CUT = -5,	/* the input ended too early */
};

typedef void decode_sink(void *arg, const void *p, size_t n);

struct decode;

/* coding: the Content-Encoding value, missing or "identity" pass through.
 * DECODE_OK, DECODE_UNKNOWN or DECODE_MEMORY. */
enum decode_result decode_new(struct decode **d, struct slice coding);
void decode_free(struct decode *d);	/* safe on NULL */

/* Feeds the next piece; out is called with what comes of it.  After anything but
 * DECODE_OK the same result comes again and nothing more goes out. */
enum decode_result decode_feed(struct decode *d, const void *p, size_t n,
    decode_sink *out, void *arg);

/* The input is over: DECODE_OK, or DECODE_CUT when something is missing. */
enum decode_result decode_end(struct decode *d, decode_sink *out, void *arg);

uint64_t decode_bytes(const struct decode *d);	/* that came out so far */
const char *decode_strerror(enum decode_result r);

#endif
