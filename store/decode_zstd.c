#include "store/decoder.h"

#include <stdlib.h>
#include <string.h>
#include <zstd.h>
#include <zstd_errors.h>

/* 8 MiB: all that "zstd" as a content coding may ask for (RFC 9659). */
enum { WINDOW_LOG_MAX = 23 };

enum { MAGIC_LEN = 4, HEAD_MAX = 18 };	/* RFC 8878 3.1.1: magic and header */

struct decoder {
	ZSTD_DStream *z;
	bool whole;		/* at the end of a frame */
	uint8_t magic[MAGIC_LEN];	/* how the frame begins */
	unsigned n_head;	/* bytes of it seen, up to HEAD_MAX */
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

/* How a frame begins, or one to skip (RFC 8878 3.1).  The library may still know
 * formats older than that, with decoders that nobody looks at and that give away
 * memory they have not written: it must not see a byte of those. */
static bool
may_be_magic(const uint8_t *p, unsigned n)
{
	static const uint8_t frame[MAGIC_LEN] = { 0x28, 0xb5, 0x2f, 0xfd };
	static const uint8_t skip[MAGIC_LEN] = { 0x50, 0x2a, 0x4d, 0x18 };

	return memcmp(p, frame, n) == 0 || ((p[0] & 0xf0) == skip[0] &&
	    memcmp(p + 1, skip + 1, n - 1) == 0);
}

/* Gives p[0..n) to the library, up to the end of a frame; *used tells how far. */
static enum decode_result
pass(struct decoder *d, struct slice run, size_t *used, decoder_sink *out,
    void *arg)
{
	ZSTD_inBuffer in = { run.p, run.len, 0 };
	enum decode_result r = DECODE_OK;
	bool more = false;

	while (r == DECODE_OK && !d->whole && (in.pos < in.size || more)) {
		uint8_t room[DECODER_ROOM];
		ZSTD_outBuffer to = { room, sizeof(room), 0 };
		size_t rc = ZSTD_decompressStream(d->z, &to, &in);

		if (ZSTD_isError(rc))
			r = failure(rc);
		d->whole = rc == 0;
		more = rc != 0 && to.pos == to.size;
		if (to.pos > 0) {
			enum decode_result taken = out(arg, room, to.pos);

			r = taken != DECODE_OK ? taken : r;
		}
	}
	*used = in.pos;
	return r;
}

static enum decode_result
pass_magic(struct decoder *d, decoder_sink *out, void *arg)
{
	enum decode_result r = DECODE_OK;
	size_t used;

	for (unsigned i = 0; i < MAGIC_LEN && r == DECODE_OK; i++)
		r = pass(d, (struct slice){ (const char *)d->magic + i, 1 },
		    &used, out, arg);
	return r;
}

/* Frames that follow one another are one body.  What may be a frame's header goes in
 * byte by byte: when it gets the end of a header with more behind it, the library
 * looks for a whole frame at the start of what it got, which need not be where the
 * frame starts, and takes another way then; and the result must not depend on the
 * pieces. */
static enum decode_result
feed(struct decoder *d, const uint8_t *p, size_t n, decoder_sink *out, void *arg)
{
	enum decode_result r = DECODE_OK;

	while (r == DECODE_OK && n > 0) {
		size_t used = 1;
		struct slice run = { (const char *)p, n };

		if (d->n_head < MAGIC_LEN) {
			d->whole = false;
			d->magic[d->n_head++] = *p;
			if (!may_be_magic(d->magic, d->n_head))
				return DECODE_CORRUPT;
			if (d->n_head == MAGIC_LEN)
				r = pass_magic(d, out, arg);
		} else {
			if (d->n_head < HEAD_MAX)
				run.len = 1;
			r = pass(d, run, &used, out, arg);
			d->n_head += d->n_head < HEAD_MAX;
		}
		if (d->whole)
			d->n_head = 0;
		p += used;
		n -= used;
	}
	return r;
}

enum { WEIGHT = 9 * 1024 * 1024 };	/* a window of 8 MiB, and tables */

const struct decoder_kind decoder_zstd = {
	WEIGHT, make, feed, is_whole, release
};
