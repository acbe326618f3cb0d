/* store_rows.h - exchanges and bodies that tests put and know again by their
 * number. */
#ifndef TRACETAPE_TESTS_STORE_ROWS_H
#define TRACETAPE_TESTS_STORE_ROWS_H

#include "tests/unit/store_fixture.h"

static inline int
put(struct writer *w, uint64_t seq, enum outcome o)
{
	struct exchange x;

	exchange_init(&x);
	x.seq = seq;
	x.outcome = o;
	x.path = SLICE("/v1/responses");
	x.usage.input = (int64_t)seq;
	return writer_put_exchange(w, &x);
}

/* The byte at off of the body of seq: different for neighbours and for bodies. */
static inline uint8_t
body_byte(uint64_t seq, uint64_t off)
{
	return (uint8_t)((seq * 31 + off * 7 + off / 251) % 253);
}

static inline int
put_body(struct writer *w, uint64_t seq, enum side side, uint64_t len)
{
	size_t part = writer_part_bytes(w);
	uint8_t *p = malloc(part);
	int rc = p ? 0 : -1;

	for (uint64_t off = 0; off < len && rc == 0; off += part) {
		size_t n = len - off < part ? (size_t)(len - off) : part;

		for (size_t i = 0; i < n; i++)
			p[i] = body_byte(seq, off + i);
		rc = writer_put_part(w, seq, side, (uint32_t)(off / part), p, n);
	}
	free(p);
	return rc;
}

/* The side of seq has len bytes, and those of put_body. */
static inline void
must_have_body(struct reader *r, uint64_t seq, enum side side, uint64_t len)
{
	static uint8_t buf[50000];
	uint64_t off = 0;
	size_t n;

	do {
		MUST(reader_bytes(r, seq, side, off, buf, sizeof(buf), &n) == 0);
		for (size_t i = 0; i < n; i++)
			MUST(buf[i] == body_byte(seq, off + i));
		off += n;
	} while (n == sizeof(buf));
	MUST(off == len);
}

#endif
