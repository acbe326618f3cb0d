#include "store/decoder.h"

#include <stdlib.h>
#include <zstd.h>
#include <zstd_errors.h>

/* 8 MiB: all that "zstd" as a content coding may ask for (RFC 9659). */
enum { WINDOW_LOG_MAX = 23 };

struct decoder {
	ZSTD_DStream *z;
	bool whole;		/* at the end of a frame */
};

static struct decoder *
make(void)
{
	struct decoder *d = calloc(1, sizeof(*d));

	if (d && !(d->z = ZSTD_createDStream())) {
		free(d);
		return NULL;
	}
	if (!d)
		return NULL;
	ZSTD_DCtx_setParameter(d->z, ZSTD_d_windowLogMax, WINDOW_LOG_MAX);
	d->whole = true;
	return d;
}

static void
release(struct decoder *d)
{
	ZSTD_freeDStream(d->z);
	free(d);
}

static bool
is_whole(const struct decoder *d)
{
	return d->whole;
}

static enum decode_result
failure(size_t rc)
{
	switch (ZSTD_getErrorCode(rc)) {
	case ZSTD_error_memory_allocation:
		return DECODE_MEMORY;
	case ZSTD_error_frameParameter_windowTooLarge:
		return DECODE_BOMB;
	default:
		return DECODE_CORRUPT;
	}
}

/* The first byte of a frame, or of one to skip (RFC 8878 3.1): the library may
 * still know formats older than that, with decoders that nobody looks at. */
static bool
is_magic(uint8_t c)
{
	return c == 0x28 || (c & 0xf0) == 0x50;
}

/* Frames that follow one another are one body.  The first byte of each goes in
 * alone: given a frame at once, the library takes another way, which is stricter
 * with sizes, and the result must not depend on the pieces. */
static enum decode_result
feed(struct decoder *d, const uint8_t *p, size_t n, decoder_sink *out, void *arg)
{
	ZSTD_inBuffer in = { p, n, 0 };
	enum decode_result r = DECODE_OK;
	bool more = false;

	while (r == DECODE_OK && (in.pos < n || more)) {
		uint8_t room[DECODER_ROOM];
		ZSTD_outBuffer to = { room, sizeof(room), 0 };
		size_t rc;

		if (d->whole && !is_magic(p[in.pos]))
			return DECODE_CORRUPT;
		in.size = d->whole ? in.pos + 1 : n;
		rc = ZSTD_decompressStream(d->z, &to, &in);
		if (ZSTD_isError(rc))
			r = failure(rc);
		d->whole = rc == 0;
		more = rc != 0 && to.pos == to.size;
		if (to.pos > 0) {
			enum decode_result taken = out(arg, room, to.pos);

			r = taken != DECODE_OK ? taken : r;
		}
	}
	return r;
}

enum { WEIGHT = 9 * 1024 * 1024 };	/* a window of 8 MiB, and tables */

const struct decoder_kind decoder_zstd = {
	WEIGHT, make, feed, is_whole, release
};
