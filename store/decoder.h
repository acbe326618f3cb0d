/* decoder.h - one content coding, each in the file that knows its library; for
 * decode.c, which makes the chain and keeps the bounds.
 *
 * Memory:  a decoder is made at the first byte of its input.
 */
#ifndef TRACETAPE_STORE_DECODER_H
#define TRACETAPE_STORE_DECODER_H

#include "store/decode.h"

enum { DECODER_ROOM = 16 * 1024 };	/* output buffer, on the stack */

/* Takes output; anything but DECODE_OK stops the decoder, which returns it. */
typedef enum decode_result decoder_sink(void *arg, const void *p, size_t n);

struct decoder;

struct decoder_kind {
	size_t weight;			/* bytes it may hold, about */
	struct decoder *(*make)(void);	/* NULL: no memory */
	enum decode_result (*feed)(struct decoder *d, const uint8_t *p, size_t n,
	    decoder_sink *out, void *arg);
	bool (*is_whole)(const struct decoder *d);	/* nothing is missing */
	void (*release)(struct decoder *d);
};

extern const struct decoder_kind decoder_gzip;
extern const struct decoder_kind decoder_deflate;
extern const struct decoder_kind decoder_br;
extern const struct decoder_kind decoder_zstd;

#endif
