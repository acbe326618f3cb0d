/* check_rows.h - what the exchanges of check_content.h are put together from. */
#ifndef TRACETAPE_TESTS_CHECK_ROWS_H
#define TRACETAPE_TESTS_CHECK_ROWS_H

#include "store/sha256.h"
#include "tests/unit/store_fixture.h"

/* What the exchanges are. */
enum {
	SMALL = 1,		/* all in a pack */
	PARTS,			/* a request of four parts */
	KEY_FRAME,		/* a squeezed request */
	DELTA,			/* one that repeats it */
	GAP, GAP_END,
	FLYING,			/* with a request of two parts */
	CUT_SHORT,		/* interrupted, likewise */
	BATCH,			/* brought a trace */
	PACKED,			/* with a squeezed pack */
	BODILESS,
	LAST = BODILESS,
};

static inline void
scene_text(char *to, size_t n, unsigned dice)
{
	for (size_t i = 0; i < n; i++) {
		dice = dice * 1664525 + 1013904223;
		to[i] = "abcdefghijklmnopqrstuvwxyz 0123456"[(dice >> 16) % 34];
	}
}

static inline void
scene_begin(struct exchange *x, uint64_t seq, const char *path)
{
	exchange_init(x);
	x->seq = seq;
	x->time_ns = INT64_C(1795255617123456789) + (int64_t)seq;
	x->outcome = OUTCOME_COMPLETE;
	x->endpoint = ENDPOINT_RESPONSES_CREATE;
	x->method = SLICE("POST");
	x->path = (struct slice){ path, strlen(path) };
}

/* Fills a side, and the one of its times, and says so in m. */
static inline void
scene_message(struct message *m, struct slice side[SIDE_N], enum side body,
    struct slice bytes)
{
	static struct bytes times[2];
	struct bytes *t = &times[body == SIDE_RESPONSE_BODY];
	struct sha256 sha;

	side[body - 1] = body == SIDE_REQUEST_BODY ?
	    SLICE("POST /v1/responses HTTP/1.1\r\nhost: a\r\n\r\n") :
	    SLICE("HTTP/1.1 200 OK\r\n\r\n");
	m->head_bytes = (int64_t)side[body - 1].len;
	m->body_bytes = m->sent_bytes = m->kept_bytes = (int64_t)bytes.len;
	sha256_init(&sha);
	sha256_add(&sha, bytes.p, bytes.len);
	sha256_end(&sha, m->sha256);
	m->has_sha256 = true;
	side[body] = bytes;
	if (bytes.len == 0)
		return;
	bytes_clear(t);
	bytes_put_varint(t, 1), bytes_put_varint(t, 300);
	if (bytes.len > 1)
		bytes_put_varint(t, bytes.len - 1), bytes_put_varint(t, 5);
	side[body + 1] = bytes_slice(t);
}

static inline void
scene_parts(struct writer *w, uint64_t seq, enum side side, struct slice s)
{
	const size_t part = writer_part_bytes(w);

	for (size_t off = 0; off < s.len; off += part)
		assert_int_equal(writer_put_part(w, seq, side, (uint32_t)(off / part),
		    s.p + off, s.len - off < part ? s.len - off : part), 0);
}

static inline void
scene_squeezed(struct writer *w, struct exchange *x, struct slice side[SIDE_N])
{
	struct elements e;
	struct body y = { x->seq, SIDE_REQUEST_BODY, side[SIDE_REQUEST_BODY], &e };

	elements_init(&e);
	elements_feed(&e, (const uint8_t *)y.raw.p, y.raw.len);
	assert_int_equal(writer_put_body(w, &y, &x->request), 0);
	assert_true(x->request.squeezed_bytes > 0);
	elements_fini(&e);
	side[SIDE_REQUEST_BODY].len = 0;
}

static inline void
scene_item(struct writer *w, const char *text)
{
	struct item_reader *r = item_reader_new();
	struct ingest_item item;

	item_read(r, (struct slice){ text, strlen(text) }, &item);
	assert_true(item.kind != ITEM_ODD);
	assert_int_equal(writer_put_item(w, BATCH, &item), 0);
	item_reader_free(r);
}

#endif
