#include "tools/utf8.h"

struct range {
	uint32_t first;
	uint32_t last;
};

/* Combining and other marks without a width of their own (the blocks that occur
 * in practice, not all of Unicode). */
static const struct range zero[] = {
	{ 0x0300, 0x036f }, { 0x0483, 0x0489 }, { 0x0591, 0x05bd },
	{ 0x0610, 0x061a }, { 0x064b, 0x065f }, { 0x06d6, 0x06dc },
	{ 0x0900, 0x0902 }, { 0x093c, 0x093c }, { 0x0941, 0x0948 },
	{ 0x094d, 0x094d }, { 0x0e31, 0x0e31 }, { 0x0e34, 0x0e3a },
	{ 0x0e47, 0x0e4e }, { 0x1ab0, 0x1aff }, { 0x1dc0, 0x1dff },
	{ 0x200b, 0x200d }, { 0x20d0, 0x20f0 }, { 0xfe00, 0xfe0f },
	{ 0xfe20, 0xfe2f }, { 0xfeff, 0xfeff }, { 0x1f3fb, 0x1f3ff },
	{ 0xe0100, 0xe01ef },
};

/* East Asian Wide and Fullwidth, and the emoji that terminals draw wide. */
static const struct range wide[] = {
	{ 0x1100, 0x115f }, { 0x231a, 0x231b }, { 0x23e9, 0x23ec },
	{ 0x25fd, 0x25fe }, { 0x2614, 0x2615 }, { 0x2648, 0x2653 },
	{ 0x26a1, 0x26a1 }, { 0x26bd, 0x26be }, { 0x2705, 0x2705 },
	{ 0x270a, 0x270b }, { 0x2728, 0x2728 }, { 0x274c, 0x274c },
	{ 0x2753, 0x2755 }, { 0x2757, 0x2757 }, { 0x2795, 0x2797 },
	{ 0x2b50, 0x2b50 }, { 0x2b55, 0x2b55 }, { 0x2e80, 0x303e },
	{ 0x3041, 0x33ff }, { 0x3400, 0x4dbf }, { 0x4e00, 0x9fff },
	{ 0xa000, 0xa4cf }, { 0xa960, 0xa97f }, { 0xac00, 0xd7a3 },
	{ 0xf900, 0xfaff }, { 0xfe30, 0xfe6f }, { 0xff01, 0xff60 },
	{ 0xffe0, 0xffe6 }, { 0x16fe0, 0x18cff }, { 0x1b000, 0x1b2ff },
	{ 0x1f004, 0x1f004 }, { 0x1f0cf, 0x1f0cf }, { 0x1f18e, 0x1f18e },
	{ 0x1f191, 0x1f19a }, { 0x1f200, 0x1f320 }, { 0x1f32d, 0x1f64f },
	{ 0x1f680, 0x1f6ff }, { 0x1f7e0, 0x1f7eb }, { 0x1f90c, 0x1f9ff },
	{ 0x1fa70, 0x1faff }, { 0x20000, 0x3fffd },
};

static const struct range hostile[] = {
	{ 0x0000, 0x001f }, { 0x007f, 0x009f }, { 0x061c, 0x061c },
	{ 0x200e, 0x200f }, { 0x2028, 0x202e }, { 0x2060, 0x206f },
	{ 0xfeff, 0xfeff }, { 0xfff9, 0xfffb }, { 0xe0000, 0xe007f },
};

static bool
is_in(const struct range *r, size_t n, uint32_t cp)
{
	size_t lo = 0;

	while (lo < n) {
		size_t mid = lo + (n - lo) / 2;

		if (cp < r[mid].first)
			n = mid;
		else if (cp > r[mid].last)
			lo = mid + 1;
		else
			return true;
	}
	return false;
}

#define IS_IN(table, cp) is_in(table, sizeof(table) / sizeof(table[0]), cp)

/* Length a first byte announces and the range its second byte must be in
 * (RFC 3629 4), which is where overlong forms and surrogates fall out. */
static int
lead(uint8_t c, uint8_t *low, uint8_t *high)
{
	*low = 0x80;
	*high = 0xbf;
	if (c >= 0xc2 && c <= 0xdf)
		return 2;
	if (c >= 0xe0 && c <= 0xef) {
		if (c == 0xe0)
			*low = 0xa0;
		if (c == 0xed)
			*high = 0x9f;
		return 3;
	}
	if (c >= 0xf0 && c <= 0xf4) {
		if (c == 0xf0)
			*low = 0x90;
		if (c == 0xf4)
			*high = 0x8f;
		return 4;
	}
	return UTF8_INVALID;
}

int
utf8_next(const void *from, size_t n, uint32_t *cp)
{
	const uint8_t *p = from;
	uint8_t low, high;
	int len;

	*cp = p[0];
	if (p[0] < 0x80)
		return 1;
	len = lead(p[0], &low, &high);
	if (len < 0)
		return UTF8_INVALID;
	*cp = p[0] & (0x7f >> len);
	for (int i = 1; i < len; i++) {
		if ((size_t)i >= n)
			return UTF8_MORE;
		if (p[i] < low || p[i] > high)
			return UTF8_INVALID;
		*cp = *cp << 6 | (p[i] & 0x3f);
		low = 0x80;
		high = 0xbf;
	}
	return len;
}

bool
utf8_is_valid(const void *from, size_t n, bool cut)
{
	const uint8_t *p = from;
	uint32_t cp;

	for (size_t i = 0; i < n; ) {
		int len = utf8_next(p + i, n - i, &cp);

		if (len == UTF8_MORE)
			return cut;
		if (len < 0)
			return false;
		i += (size_t)len;
	}
	return true;
}

int
utf8_cells(uint32_t cp)
{
	if (cp < 0x300)
		return 1;
	if (IS_IN(zero, cp))
		return 0;
	return IS_IN(wide, cp) ? 2 : 1;
}

bool
utf8_is_hostile(uint32_t cp)
{
	return (cp < 0x20 || cp >= 0x7f) && IS_IN(hostile, cp);
}
