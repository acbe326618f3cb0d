#include "store/squeeze.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>
#include <zstd_errors.h>

enum {
	FORM_FRAME = 1,
	MAGIC_LEN = 4,
	WINDOW_LOG_LEAST = 10,
	WORTH = 16,		/* at least a 16th shorter, or raw */
	SURE = 8,		/* a delta so many times shorter needs no second try */
	BETTER = 2,		/* ... than a key frame, or no delta */
};

struct squeeze {
	ZSTD_CCtx *pack;	/* NULL: not used yet, or at rest */
	ZSTD_DCtx *undo;
};

struct squeeze *
squeeze_new(void)
{
	return calloc(1, sizeof(struct squeeze));
}

void
squeeze_rest(struct squeeze *s)
{
	ZSTD_freeCCtx(s->pack);
	ZSTD_freeDCtx(s->undo);
	s->pack = NULL;
	s->undo = NULL;
}

void
squeeze_free(struct squeeze *s)
{
	if (s)
		squeeze_rest(s);
	free(s);
}

/* The window holds the prefix and the body. */
static int
window_log(size_t n)
{
	int log = WINDOW_LOG_LEAST;

	while (((size_t)1 << log) < n)
		log++;
	return log;
}

/* Makes a frame of raw in p[0..cap); 0: it does not fit, or no memory. */
static size_t
make_frame(struct squeeze *s, struct slice raw, struct slice prefix, uint8_t *p,
    size_t cap)
{
	ZSTD_CCtx *c = s->pack;
	size_t n;

	ZSTD_CCtx_reset(c, ZSTD_reset_session_and_parameters);
	ZSTD_CCtx_setParameter(c, ZSTD_c_compressionLevel, SQUEEZE_LEVEL);
	ZSTD_CCtx_setParameter(c, ZSTD_c_checksumFlag, 1);
	if (prefix.len > 0) {
		ZSTD_CCtx_setParameter(c, ZSTD_c_windowLog,
		    window_log(prefix.len + raw.len));
		ZSTD_CCtx_refPrefix(c, prefix.p, prefix.len);
	}
	n = ZSTD_compress2(c, p, cap, raw.p, raw.len);
	return ZSTD_isError(n) ? 0 : n;
}

/* Appends a head and a frame of at most most bytes; 0, or SQUEEZE_NO. */
static int
try_frame(struct squeeze *s, struct slice raw, const struct squeeze_prefix *prefix,
    size_t most, struct bytes *out)
{
	const size_t began = out->len;
	uint8_t *room;
	size_t n = 0;

	bytes_putc(out, FORM_FRAME);
	bytes_put_varint(out, raw.len);
	bytes_put_varint(out, prefix ? prefix->back : 0);
	bytes_put_varint(out, prefix ? prefix->depth + 1 : 0);
	if ((room = bytes_reserve(out, most)))
		n = make_frame(s, raw, prefix ? prefix->raw :
		    (struct slice){ NULL, 0 }, room, most);
	out->len = n > 0 ? out->len + n : began;
	return out->failed ? SQUEEZE_MEMORY : n > 0 ? 0 : SQUEEZE_NO;
}

/* Takes the longer of two, of which one stands at a and the other from b to the end,
 * out again. */
static void
keep_second(struct bytes *out, size_t a, size_t b)
{
	memmove(out->p + a, out->p + b, out->len - b);
	out->len -= b - a;
}

int
squeeze_put(struct squeeze *s, struct slice raw,
    const struct squeeze_prefix *prefix, struct bytes *out, unsigned *depth)
{
	const size_t began = out->len, most = raw.len - raw.len / WORTH;
	size_t between;
	int rc = SQUEEZE_NO;

	assert(raw.len > 0 && raw.len <= SQUEEZE_RAW_MAX);
	*depth = 0;
	if (!s->pack && !(s->pack = ZSTD_createCCtx()))
		return SQUEEZE_MEMORY;
	if (prefix) {
		assert(prefix->back > 0 && prefix->depth < SQUEEZE_DEPTH_MAX &&
		    prefix->raw.len > 0 && prefix->raw.len <= SQUEEZE_RAW_MAX);
		rc = try_frame(s, raw, prefix, most, out);
		*depth = rc == 0 ? prefix->depth + 1 : 0;
	}
	between = out->len;
	if (rc == SQUEEZE_MEMORY ||
	    (rc == 0 && (between - began) * SURE <= raw.len))
		return rc;
	/* Only one that is a good deal longer than the delta loses to it: then those
	 * that come later have a shorter way. */
	if (try_frame(s, raw, NULL, rc == 0 && (between - began) * BETTER < most ?
	    (between - began) * BETTER : most, out) != 0)
		return out->failed ? SQUEEZE_MEMORY : rc;
	keep_second(out, began, between);
	*depth = 0;
	return 0;
}

/* The library may know formats older than RFC 8878, with decoders that nobody looks
 * at: it must not see them. */
static bool
is_frame(struct slice frame)
{
	return frame.len >= MAGIC_LEN && memcmp(frame.p, "\x28\xb5\x2f\xfd", 4) == 0;
}

int
squeeze_head_get(struct squeeze_head *h, const void *p, size_t n)
{
	struct cursor c = { p, n, false };
	const uint8_t form = cursor_u8(&c);
	const uint64_t raw_len = cursor_varint(&c);
	const uint64_t back = cursor_varint(&c);
	const uint64_t depth = cursor_varint(&c);

	if (c.failed || form != FORM_FRAME || raw_len == 0 ||
	    raw_len > SQUEEZE_RAW_MAX || depth > SQUEEZE_DEPTH_MAX ||
	    (back == 0) != (depth == 0))
		return SQUEEZE_CORRUPT;
	h->raw_len = (size_t)raw_len;
	h->back = back;
	h->depth = (unsigned)depth;
	h->frame = cursor_take(&c, c.len);
	return 0;
}

/* Exactly one frame, that says what it holds. */
static bool
is_as_told(const struct squeeze_head *h)
{
	return is_frame(h->frame) &&
	    ZSTD_getFrameContentSize(h->frame.p, h->frame.len) == h->raw_len &&
	    ZSTD_findFrameCompressedSize(h->frame.p, h->frame.len) == h->frame.len;
}

int
squeeze_undo(struct squeeze *s, const struct squeeze_head *h,
    struct slice prefix, uint8_t *to)
{
	size_t n;

	if (!is_as_told(h) || (h->back && prefix.len == 0))
		return SQUEEZE_CORRUPT;
	if (!s->undo && !(s->undo = ZSTD_createDCtx()))
		return SQUEEZE_MEMORY;
	ZSTD_DCtx_reset(s->undo, ZSTD_reset_session_and_parameters);
	if (h->back &&
	    ZSTD_isError(ZSTD_DCtx_refPrefix(s->undo, prefix.p, prefix.len)))
		return SQUEEZE_MEMORY;
	n = ZSTD_decompressDCtx(s->undo, to, h->raw_len, h->frame.p, h->frame.len);
	if (ZSTD_isError(n))
		return ZSTD_getErrorCode(n) == ZSTD_error_memory_allocation ?
		    SQUEEZE_MEMORY : SQUEEZE_CORRUPT;
	return n == h->raw_len ? 0 : SQUEEZE_CORRUPT;
}
