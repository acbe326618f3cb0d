#include "store/decoder.h"

#include <stdlib.h>
#include <zlib.h>

enum wrapping { GZIP, DEFLATE };

enum {
	GZIP_ONLY = 16 + MAX_WBITS,	/* inflateInit2's windowBits */
	RAW = -MAX_WBITS,
};

struct decoder {
	z_stream z;
	enum wrapping wrapping;
	uint8_t first;		/* of a deflate body, until the second is here */
	unsigned n_first;
	bool ready;		/* z is initialised */
	bool whole;		/* z is at the end of a member */
};

static struct decoder *
make(enum wrapping wrapping)
{
	struct decoder *d = calloc(1, sizeof(*d));

	if (d)
		d->wrapping = wrapping;
	return d;
}

static struct decoder *
make_gzip(void)
{
	return make(GZIP);
}

static struct decoder *
make_deflate(void)
{
	return make(DEFLATE);
}

static void
release(struct decoder *d)
{
	if (d->ready)
		inflateEnd(&d->z);
	free(d);
}

static bool
is_whole(const struct decoder *d)
{
	return d->whole;
}

static enum decode_result
begin(struct decoder *d, int window_bits)
{
	switch (inflateInit2(&d->z, window_bits)) {
	case Z_OK:
		d->ready = true;
		return DECODE_OK;
	case Z_MEM_ERROR:
		return DECODE_MEMORY;
	default:
		return DECODE_CORRUPT;
	}
}

/* Behind a member: another one, or the zeros that some writers pad with. */
static enum decode_result
go_on(struct decoder *d)
{
	if (*d->z.next_in == 0) {
		d->z.next_in++;
		d->z.avail_in--;
		return DECODE_OK;
	}
	if (d->wrapping != GZIP || inflateReset(&d->z) != Z_OK)
		return DECODE_CORRUPT;
	d->whole = false;
	return DECODE_OK;
}

/* One call of inflate; *more tells whether it may have kept output back. */
static enum decode_result
turn(struct decoder *d, decoder_sink *out, void *arg, bool *more)
{
	uint8_t room[DECODER_ROOM];
	enum decode_result r = DECODE_OK;
	size_t n;
	int rc;

	d->z.next_out = room;
	d->z.avail_out = sizeof(room);
	rc = inflate(&d->z, Z_NO_FLUSH);
	n = sizeof(room) - d->z.avail_out;
	*more = d->z.avail_out == 0;
	if (n > 0)
		r = out(arg, room, n);
	if (rc == Z_STREAM_END) {
		d->whole = true;
		*more = false;
	} else if (rc == Z_MEM_ERROR) {
		return DECODE_MEMORY;
	} else if (rc != Z_OK && rc != Z_BUF_ERROR) {
		return DECODE_CORRUPT;
	}
	return r;
}

static enum decode_result
inflate_some(struct decoder *d, const uint8_t *p, size_t n, decoder_sink *out,
    void *arg)
{
	enum decode_result r = DECODE_OK;
	bool more = false;

	d->z.next_in = (Bytef *)(uintptr_t)p;
	d->z.avail_in = (uInt)n;	/* decode.c feeds little at a time */
	while (r == DECODE_OK && (d->z.avail_in > 0 || more)) {
		if (d->whole)
			r = go_on(d);
		else
			r = turn(d, out, arg, &more);
	}
	return r;
}

/* "deflate" means zlib's wrapping, but some send it bare; only the first two
 * bytes tell (RFC 1950 2.2). */
static int
deflate_bits(uint8_t a, uint8_t b)
{
	bool zlib = (a & 0x0f) == 8 && a >> 4 <= 7 && (a << 8 | b) % 31 == 0;

	return zlib ? MAX_WBITS : RAW;
}

static enum decode_result
feed(struct decoder *d, const uint8_t *p, size_t n, decoder_sink *out, void *arg)
{
	enum decode_result r = DECODE_OK;

	if (d->ready)
		return inflate_some(d, p, n, out, arg);
	if (d->wrapping == GZIP) {
		r = begin(d, GZIP_ONLY);
	} else if (d->n_first == 0 && n == 1) {
		d->first = p[0];
		d->n_first = 1;
		return DECODE_OK;
	} else if (d->n_first == 0) {
		r = begin(d, deflate_bits(p[0], p[1]));
	} else {
		r = begin(d, deflate_bits(d->first, p[0]));
		if (r == DECODE_OK)
			r = inflate_some(d, &d->first, 1, out, arg);
	}
	return r == DECODE_OK ? inflate_some(d, p, n, out, arg) : r;
}

enum { WEIGHT = 48 * 1024 };

const struct decoder_kind decoder_gzip = {
	WEIGHT, make_gzip, feed, is_whole, release
};
const struct decoder_kind decoder_deflate = {
	WEIGHT, make_deflate, feed, is_whole, release
};
