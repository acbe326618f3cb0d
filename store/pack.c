#include "store/pack.h"

#include <string.h>

static size_t
varint_len(uint64_t v)
{
	size_t n = 1;

	while (v >>= 7)
		n++;
	return n;
}

size_t
pack_len(const struct slice side[SIDE_N])
{
	size_t n = 1;

	for (enum side s = 0; s < SIDE_N; s++)
		if (side[s].len > 0)
			n += 1 + varint_len(side[s].len) + side[s].len;
	return n;
}

static uint8_t *
put_varint(uint8_t *p, uint64_t v)
{
	for (; v >= 0x80; v >>= 7)
		*p++ = (uint8_t)(v | 0x80);
	*p++ = (uint8_t)v;
	return p;
}

void
pack_put(uint8_t *p, const struct slice side[SIDE_N])
{
	uint8_t *n = p++;

	*n = 0;
	for (enum side s = 0; s < SIDE_N; s++) {
		if (side[s].len == 0)
			continue;
		++*n;
		*p++ = (uint8_t)s;
		p = put_varint(p, side[s].len);
	}
	for (enum side s = 0; s < SIDE_N; s++) {
		if (side[s].len == 0)
			continue;
		memcpy(p, side[s].p, side[s].len);
		p += side[s].len;
	}
}

int
pack_get(const void *p, size_t n, enum side side, struct slice *bytes)
{
	struct cursor c = { p, n, false };
	unsigned entries = cursor_u8(&c);
	uint64_t off = 0, at = 0, len = 0;
	int last = -1;

	while (entries-- > 0) {
		const int number = cursor_u8(&c);
		const uint64_t number_len = cursor_varint(&c);

		if (c.failed || number <= last || number_len == 0 ||
		    number_len > n - off)
			return -1;
		last = number;
		if (number == (int)side) {
			at = off;
			len = number_len;
		}
		off += number_len;
	}
	if (c.failed || off != c.len)
		return -1;
	*bytes = len ? (struct slice){ (const char *)c.p + at, (size_t)len } :
	    (struct slice){ NULL, 0 };
	return 0;
}
