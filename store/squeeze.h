/* squeeze.h - a body as a zstd frame behind a small head (store/FORMAT.md 4.6), with
 * an earlier body as the prefix that it may repeat.
 *
 * Thread:  one for each struct squeeze.
 * Memory:  nothing until used; then zstd's contexts, some 1.3 MB to squeeze and
 *          160 KB to undo it, until squeeze_rest.
 * Errors:  int rc, 0 or a name below.  Undoing is total: any bytes give back what
 *          was squeezed, or a fault.
 */
#ifndef TRACETAPE_STORE_SQUEEZE_H
#define TRACETAPE_STORE_SQUEEZE_H

#include "store/bytes.h"

enum {
	SQUEEZE_DEPTH_MAX = 127,	/* deltas behind a key frame */
	SQUEEZE_RAW_MAX = 8 * 1024 * 1024,	/* bytes in a frame, of a prefix */
	SQUEEZE_HEAD_MAX = 1 + 4 + 10 + 1,	/* bytes */
	SQUEEZE_LEVEL = 3,
};

enum {
	SQUEEZE_NO = -100201,		/* it does not pay: keep it raw */
	SQUEEZE_CORRUPT = -100202,
	SQUEEZE_MEMORY = -100203,
};

struct squeeze_prefix {
	struct slice raw;	/* not empty; SQUEEZE_RAW_MAX at most; in memory of its
				 * own: zstd does not look where the body lies, too */
	uint64_t back;		/* how many seqs before the body it stands, > 0 */
	unsigned depth;		/* its own */
};

/* What stands in front of a frame. */
struct squeeze_head {
	size_t raw_len;		/* 1 to SQUEEZE_RAW_MAX */
	uint64_t back;		/* 0: a key frame, no prefix */
	unsigned depth;
	struct slice frame;	/* borrowed */
};

struct squeeze;

struct squeeze *squeeze_new(void);	/* NULL: no memory */
void squeeze_free(struct squeeze *s);	/* safe on NULL */
void squeeze_rest(struct squeeze *s);	/* frees what the next use makes again */

/* Appends raw, 1 to SQUEEZE_RAW_MAX bytes, to out.  prefix may be NULL, or turn out
 * not to pay; *depth tells: 0 then.  SQUEEZE_NO, SQUEEZE_MEMORY: nothing is
 * appended. */
int squeeze_put(struct squeeze *s, struct slice raw,
    const struct squeeze_prefix *prefix, struct bytes *out, unsigned *depth);

/* Reads the head in front of p[0..n), all of what squeeze_put appended; or
 * SQUEEZE_CORRUPT.  A beginning of it is enough, of SQUEEZE_HEAD_MAX bytes. */
int squeeze_head_get(struct squeeze_head *h, const void *p, size_t n);

/* Writes h->raw_len bytes to `to`.  prefix: the raw bytes of the body h->back before;
 * not looked at for a key frame.  SQUEEZE_CORRUPT also when the prefix is not the one
 * it was; what is in `to` is nothing then. */
int squeeze_undo(struct squeeze *s, const struct squeeze_head *h,
    struct slice prefix, uint8_t *to);

#endif
