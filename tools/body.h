/* body.h - the bodies and heads of a recorded exchange, piece by piece.
 *
 * Memory:  one piece (BODY_PIECE) and what a content decoder needs.
 * Errors:  int rc: 0 or a reader's code; what the bytes themselves are up to is
 *          told apart, in struct body_end.
 */
#ifndef TRACETAPE_TOOLS_BODY_H
#define TRACETAPE_TOOLS_BODY_H

#include "store/decode.h"
#include "store/reader.h"

enum {
	BODY_PIECE = 256 * 1024,
	BODY_HEAD_MAX = 1024 * 1024,	/* longer heads are cut when shown */
};

/* A copy of an exchange, for reading on while it is looked at. */
struct body_copy {
	struct exchange x;	/* slices point into text */
	struct bytes text;
};

/* 0, or -1: no memory. */
int body_copy(struct body_copy *c, const struct exchange *x);
void body_copy_fini(struct body_copy *c);	/* safe on a zeroed one */

/* Gets the next piece; false: enough, do not read on. */
typedef bool body_sink(void *arg, const void *p, size_t n);

/* What is read: one side of an exchange, with its content coding undone; missing:
 * as it is stored. */
struct body_from {
	struct reader *reader;
	uint64_t seq;
	enum side side;
	struct slice coding;
};

struct body_end {
	enum decode_result decoded;	/* DECODE_OK also when stopped early;
					 * DECODE_UNKNOWN: bytes as stored */
	uint64_t stored;		/* bytes read from the store */
};

int body_each(const struct body_from *from, body_sink *sink, void *arg,
    struct body_end *end);

/* The same for a response's body, in the pieces in which it came in; *at_us is set
 * before each call of sink to when that was, us since the exchange's time_ns, or
 * -1 when nobody knows. */
int body_timed(const struct body_from *from, body_sink *sink, void *arg,
    int64_t *at_us, struct body_end *end);

/* Appends a whole side, at most max bytes of it. */
int body_read(struct reader *r, uint64_t seq, enum side side, size_t max,
    struct bytes *out);

/* What p begins is not text: NUL, or no UTF-8 where the media type does not say
 * text either. */
bool body_is_binary(struct slice type, const void *p, size_t n);

/* The media type is JSON ("application/json; charset=utf-8", "x/y+json"). */
bool body_is_json(struct slice type);
bool body_is_sse(struct slice type);

#endif
