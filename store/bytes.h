/* bytes.h - a growing run of bytes, and a borrowed slice of one.
 *
 * Memory:  struct bytes owns its storage; a zeroed one is empty and valid.
 * Errors:  growing fails only for want of memory or past a limit; it then sets
 *          `failed`, and every later put does nothing.  Check once at the end.
 * Numbers: little-endian on disk whatever the host is; varints are LEB128.
 */
#ifndef TRACETAPE_STORE_BYTES_H
#define TRACETAPE_STORE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bytes {
	uint8_t *p;
	size_t len;
	size_t cap;
	bool failed;
};

/* Borrowed; p == NULL means "missing", which is not the same as empty. */
struct slice {
	const char *p;
	size_t len;
};

#define SLICE(literal) ((struct slice){ (literal), sizeof(literal) - 1 })

void bytes_fini(struct bytes *b);	/* safe on a zeroed one; leaves it zeroed */
void bytes_clear(struct bytes *b);	/* keeps the storage, clears failed */

/* Makes room for n more bytes and returns where they go, NULL on failure.
 * b->len does not change: the caller adds what it really wrote. */
uint8_t *bytes_reserve(struct bytes *b, size_t n);

/* p must not lie in b, which may move. */
void bytes_put(struct bytes *b, const void *p, size_t n);
void bytes_puts(struct bytes *b, const char *s);
void bytes_put_slice(struct bytes *b, struct slice s);
void bytes_putc(struct bytes *b, int c);
void bytes_printf(struct bytes *b, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void bytes_put_u16(struct bytes *b, uint16_t v);
void bytes_put_u32(struct bytes *b, uint32_t v);
void bytes_put_u64(struct bytes *b, uint64_t v);
void bytes_put_varint(struct bytes *b, uint64_t v);

/* Drops the first n bytes. */
void bytes_shift(struct bytes *b, size_t n);

struct slice bytes_slice(const struct bytes *b);

/* A reader over borrowed bytes with a sticky failure: a read past the end gives
 * zero, sets failed, and so does every read after it. */
struct cursor {
	const uint8_t *p;
	size_t len;
	bool failed;
};

uint8_t cursor_u8(struct cursor *c);
uint16_t cursor_u16(struct cursor *c);
uint32_t cursor_u32(struct cursor *c);
uint64_t cursor_u64(struct cursor *c);
uint64_t cursor_varint(struct cursor *c);	/* refuses overlong forms */
struct slice cursor_take(struct cursor *c, size_t n);

bool slice_eq(struct slice a, struct slice b);	/* missing equals empty */
bool slice_eq_nocase(struct slice a, struct slice b);	/* ASCII */
bool slice_ends(struct slice s, struct slice tail);

/* Big-endian, for LMDB keys that must sort. */
void be64_put(uint8_t *p, uint64_t v);
uint64_t be64_get(const uint8_t *p);
void be32_put(uint8_t *p, uint32_t v);
uint32_t be32_get(const uint8_t *p);

/* Copies text to out[0..cap), cut at cap - 1 bytes; where snprintf would cost. */
void text_set(char *out, size_t cap, const char *text);

#endif
