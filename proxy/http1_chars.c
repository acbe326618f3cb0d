#include "proxy/http1_chars.h"

#include <string.h>

/* Each number is a sum of classes.  A target has every VCHAR but '#': RFC 3986
 * leaves out more, but browsers send '|' and '{' as they are, and no reader cuts
 * there. */
const uint8_t http1_class[256] = {
	0, 0, 0, 0, 0, 0, 0, 0,
	0, 4, 0, 0, 0, 0, 0, 0,
	0, 0, 0, 0, 0, 0, 0, 0,
	0, 0, 0, 0, 0, 0, 0, 0,
	4, 15, 6, 5, 15, 7, 15, 15,
	14, 14, 15, 15, 14, 15, 15, 6,
	63, 63, 63, 63, 63, 63, 63, 63,
	63, 63, 6, 14, 6, 14, 6, 6,
	6, 31, 31, 31, 31, 31, 31, 15,
	15, 15, 15, 15, 15, 15, 15, 15,
	15, 15, 15, 15, 15, 15, 15, 15,
	15, 15, 15, 6, 6, 6, 7, 15,
	7, 31, 31, 31, 31, 31, 31, 15,
	15, 15, 15, 15, 15, 15, 15, 15,
	15, 15, 15, 15, 15, 15, 15, 15,
	15, 15, 15, 6, 7, 6, 15, 0,
	[0x80 ... 0xff] = HTTP1_TEXT,
};

enum { WORD = sizeof(uint64_t) };

#define EACH(byte) (UINT64_C(0x0101010101010101) * (byte))

/* True when the word may hold a control byte: a tab also says so. */
static bool
word_has_control(const char *p)
{
	uint64_t x, del, low;

	memcpy(&x, p, WORD);
	del = x ^ EACH(0x7f);
	low = (x - EACH(0x20)) & ~x;
	del = (del - EACH(0x01)) & ~del;
	return ((low | del) & EACH(0x80)) != 0;
}

size_t
http1_text_run(const char *p, size_t n)
{
	size_t i = 0, k;

	for (; n - i >= WORD; i += WORD) {
		if (!word_has_control(p + i))
			continue;
		k = http1_run(p + i, WORD, HTTP1_TEXT);
		if (k < WORD)
			return i + k;
	}
	return i + http1_run(p + i, n - i, HTTP1_TEXT);
}
