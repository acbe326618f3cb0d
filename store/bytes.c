#include "store/bytes.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BYTES_FIRST = 256 };

void
bytes_fini(struct bytes *b)
{
	free(b->p);
	memset(b, 0, sizeof(*b));
}

void
bytes_clear(struct bytes *b)
{
	b->len = 0;
	b->failed = false;
}

uint8_t *
bytes_reserve(struct bytes *b, size_t n)
{
	size_t cap = b->cap ? b->cap : BYTES_FIRST;
	uint8_t *p;

	if (b->failed)
		return NULL;
	if (n <= b->cap - b->len && b->p)
		return b->p + b->len;
	if (n > SIZE_MAX / 2 - b->len) {
		b->failed = true;
		return NULL;
	}
	while (cap - b->len < n)
		cap *= 2;
	p = realloc(b->p, cap);
	if (!p) {
		b->failed = true;
		return NULL;
	}
	b->p = p;
	b->cap = cap;
	return b->p + b->len;
}

void
bytes_put(struct bytes *b, const void *p, size_t n)
{
	if (n == 0 || b->failed || (n > b->cap - b->len && !bytes_reserve(b, n)))
		return;
	memcpy(b->p + b->len, p, n);
	b->len += n;
}

void
bytes_puts(struct bytes *b, const char *s)
{
	bytes_put(b, s, strlen(s));
}

void
bytes_put_slice(struct bytes *b, struct slice s)
{
	bytes_put(b, s.p, s.len);
}

void
bytes_putc(struct bytes *b, int c)
{
	uint8_t *to = bytes_reserve(b, 1);

	if (!to)
		return;
	*to = (uint8_t)c;
	b->len++;
}

void
bytes_printf(struct bytes *b, const char *fmt, ...)
{
	va_list ap, again;
	uint8_t *to;
	int n;

	va_start(ap, fmt);
	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0)
		b->failed = true;
	else if ((to = bytes_reserve(b, (size_t)n + 1))) {
		vsnprintf((char *)to, (size_t)n + 1, fmt, again);
		b->len += (size_t)n;
	}
	va_end(again);
}

static void
put_le(struct bytes *b, uint64_t v, unsigned n)
{
	uint8_t le[8];

	for (unsigned i = 0; i < n; i++)
		le[i] = (uint8_t)(v >> (8 * i));
	bytes_put(b, le, n);
}

void
bytes_put_u16(struct bytes *b, uint16_t v)
{
	put_le(b, v, 2);
}

void
bytes_put_u32(struct bytes *b, uint32_t v)
{
	put_le(b, v, 4);
}

void
bytes_put_u64(struct bytes *b, uint64_t v)
{
	put_le(b, v, 8);
}

void
bytes_put_varint(struct bytes *b, uint64_t v)
{
	uint8_t out[10];
	size_t n = 0;

	for (; v >= 0x80; v >>= 7)
		out[n++] = (uint8_t)(v | 0x80);
	out[n++] = (uint8_t)v;
	bytes_put(b, out, n);
}

void
bytes_shift(struct bytes *b, size_t n)
{
	if (n >= b->len) {
		b->len = 0;
		return;
	}
	memmove(b->p, b->p + n, b->len - n);
	b->len -= n;
}

struct slice
bytes_slice(const struct bytes *b)
{
	return (struct slice){ b->p ? (const char *)b->p : "", b->len };
}

struct slice
cursor_take(struct cursor *c, size_t n)
{
	struct slice s = { NULL, 0 };

	if (c->failed || n > c->len) {
		c->failed = true;
		return s;
	}
	s.p = "";
	if (n == 0)
		return s;	/* p may be NULL, and NULL + 0 is undefined */
	s.p = (const char *)c->p;
	s.len = n;
	c->p += n;
	c->len -= n;
	return s;
}

static uint64_t
take_le(struct cursor *c, unsigned n)
{
	struct slice s = cursor_take(c, n);
	uint64_t v = 0;

	for (size_t i = 0; i < s.len; i++)
		v |= (uint64_t)(uint8_t)s.p[i] << (8 * i);
	return v;
}

uint8_t
cursor_u8(struct cursor *c)
{
	return (uint8_t)take_le(c, 1);
}

uint16_t
cursor_u16(struct cursor *c)
{
	return (uint16_t)take_le(c, 2);
}

uint32_t
cursor_u32(struct cursor *c)
{
	return (uint32_t)take_le(c, 4);
}

uint64_t
cursor_u64(struct cursor *c)
{
	return take_le(c, 8);
}

uint64_t
cursor_varint(struct cursor *c)
{
	uint64_t v = 0;

	for (unsigned shift = 0; shift < 64; shift += 7) {
		uint8_t byte = cursor_u8(c);

		if (c->failed)
			return 0;
		if (shift == 63 && byte > 1)
			break;
		v |= (uint64_t)(byte & 0x7f) << shift;
		if (byte & 0x80)
			continue;
		if (byte == 0 && shift > 0)
			break;
		return v;
	}
	c->failed = true;
	return 0;
}

bool
slice_eq(struct slice a, struct slice b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.p, b.p, a.len) == 0);
}

static char
lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

bool
slice_eq_nocase(struct slice a, struct slice b)
{
	if (a.len != b.len)
		return false;
	for (size_t i = 0; i < a.len; i++)
		if (lower(a.p[i]) != lower(b.p[i]))
			return false;
	return true;
}

bool
slice_ends(struct slice s, struct slice tail)
{
	return s.len >= tail.len &&
	    (tail.len == 0 || memcmp(s.p + s.len - tail.len, tail.p, tail.len) == 0);
}

void
be64_put(uint8_t *p, uint64_t v)
{
	for (int i = 7; i >= 0; i--, v >>= 8)
		p[i] = (uint8_t)v;
}

uint64_t
be64_get(const uint8_t *p)
{
	uint64_t v = 0;

	for (int i = 0; i < 8; i++)
		v = v << 8 | p[i];
	return v;
}

void
be32_put(uint8_t *p, uint32_t v)
{
	for (int i = 3; i >= 0; i--, v >>= 8)
		p[i] = (uint8_t)v;
}

uint32_t
be32_get(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
	    (uint32_t)p[2] << 8 | p[3];
}

void
text_set(char *out, size_t cap, const char *text)
{
	size_t n = strnlen(text, cap - 1);

	memcpy(out, text, n);
	out[n] = '\0';
}
