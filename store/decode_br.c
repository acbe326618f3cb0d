#include "store/decoder.h"

#include <brotli/decode.h>
#include <stdlib.h>

/* The library's own limit without its "large window" is 2^24 bytes. */
struct decoder {
	BrotliDecoderState *br;
};

static struct decoder *
make(void)
{
	struct decoder *d = calloc(1, sizeof(*d));

	if (d && !(d->br = BrotliDecoderCreateInstance(NULL, NULL, NULL))) {
		free(d);
		return NULL;
	}
	return d;
}

static void
release(struct decoder *d)
{
	BrotliDecoderDestroyInstance(d->br);
	free(d);
}

static bool
is_whole(const struct decoder *d)
{
	return BrotliDecoderIsFinished(d->br);
}

static enum decode_result
failure(const struct decoder *d)
{
	BrotliDecoderErrorCode e = BrotliDecoderGetErrorCode(d->br);

	return e <= BROTLI_DECODER_ERROR_ALLOC_CONTEXT_MODES &&
	    e >= BROTLI_DECODER_ERROR_ALLOC_BLOCK_TYPE_TREES ?
	    DECODE_MEMORY : DECODE_CORRUPT;
}

static enum decode_result
feed(struct decoder *d, const uint8_t *p, size_t n, decoder_sink *out, void *arg)
{
	enum decode_result r = DECODE_OK;
	BrotliDecoderResult rc;

	if (is_whole(d))
		return DECODE_CORRUPT;	/* something behind the stream's end */
	do {
		uint8_t room[DECODER_ROOM], *to = room;
		size_t left = sizeof(room);

		rc = BrotliDecoderDecompressStream(d->br, &n, &p, &left, &to, NULL);
		if (rc == BROTLI_DECODER_RESULT_ERROR)
			r = failure(d);
		if (left < sizeof(room)) {
			enum decode_result taken = out(arg, room, sizeof(room) - left);

			r = taken != DECODE_OK ? taken : r;
		}
		/* Asking for input, it may still hold output: of a body that
		 * is cut here, that would be lost. */
	} while (r == DECODE_OK && BrotliDecoderHasMoreOutput(d->br));
	if (r == DECODE_OK && rc == BROTLI_DECODER_RESULT_SUCCESS && n > 0)
		r = DECODE_CORRUPT;
	return r;
}

enum { WEIGHT = 17 * 1024 * 1024 };	/* a window of 16 MiB, and tables */

const struct decoder_kind decoder_br = {
	WEIGHT, make, feed, is_whole, release
};
