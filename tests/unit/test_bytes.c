#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>
#include <wchar.h>

#include "store/bytes.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define __SANITIZE_ADDRESS__ 1
#endif
#endif

static void
a_zeroed_one_is_empty_and_valid(void **state)
{
	struct bytes b = { 0 };

	bytes_put(&b, NULL, 0);
	bytes_put_slice(&b, (struct slice){ NULL, 0 });
	assert_int_equal(b.len, 0);
	assert_non_null(bytes_slice(&b).p);
	bytes_shift(&b, 3);
	bytes_clear(&b);
	bytes_fini(&b);
	bytes_fini(&b);
	assert_null(b.p);
}

static void
it_grows_and_keeps_what_it_has(void **state)
{
	struct bytes b = { 0 };

	for (unsigned i = 0; i < 100000; i++)
		bytes_putc(&b, (int)(i % 251));
	assert_false(b.failed);
	assert_int_equal(b.len, 100000);
	for (unsigned i = 0; i < 100000; i++)
		assert_int_equal(b.p[i], i % 251);
	bytes_fini(&b);
}

static void
reserving_leaves_the_length_alone(void **state)
{
	struct bytes b = { 0 };
	uint8_t *p = bytes_reserve(&b, 1000);

	assert_non_null(p);
	assert_int_equal(b.len, 0);
	assert_true(b.cap >= 1000);
	memset(p, 'x', 1000);
	b.len += 1000;
	assert_ptr_equal(bytes_reserve(&b, 0), b.p + 1000);
	bytes_fini(&b);
}

static void
growing_past_memory_fails_and_stays_failed(void **state)
{
	static const size_t too_much[] = {
		SIZE_MAX, SIZE_MAX / 2 + 1, SIZE_MAX / 2,
#ifndef __SANITIZE_ADDRESS__	/* whose realloc aborts, or prints */
		SIZE_MAX / 4,
#endif
	};

	for (size_t i = 0; i < sizeof(too_much) / sizeof(too_much[0]); i++) {
		struct bytes b = { 0 };

		bytes_puts(&b, "kept");
		assert_null(bytes_reserve(&b, too_much[i]));
		assert_true(b.failed);
		bytes_puts(&b, "ignored");
		bytes_printf(&b, "%s", "ignored");
		assert_int_equal(b.len, 4);
		assert_memory_equal(b.p, "kept", 4);
		bytes_clear(&b);
		bytes_puts(&b, "again");
		assert_int_equal(b.len, 5);
		bytes_fini(&b);
	}
}

static void
printf_appends_any_length(void **state)
{
	char want[1200];
	struct bytes b = { 0 };

	memset(want, ' ', sizeof(want));
	for (int width = 0; width < (int)sizeof(want) - 1; width += 7) {
		bytes_clear(&b);
		bytes_printf(&b, "<%*s%d>", width, "", 42);
		assert_int_equal(b.len, width + 4);
		assert_int_equal(b.p[0], '<');
		assert_memory_equal(b.p + 1, want, (size_t)width);
		assert_memory_equal(b.p + 1 + width, "42>", 3);
	}
	bytes_fini(&b);
}

static void
printf_of_what_cannot_be_printed_fails(void **state)
{
	struct bytes b = { 0 };

	/* No character of the C locale. */
	bytes_printf(&b, "%lc", (wint_t)0x20ac);
	assert_true(b.failed);
	assert_int_equal(b.len, 0);
	bytes_fini(&b);
}

static void
numbers_are_little_endian(void **state)
{
	static const uint8_t want[] = {
		0x02, 0x01, 0x06, 0x05, 0x04, 0x03,
		0x0e, 0x0d, 0x0c, 0x0b, 0x0a, 0x09, 0x08, 0x07,
	};
	struct bytes b = { 0 };
	struct cursor c;

	bytes_put_u16(&b, 0x0102);
	bytes_put_u32(&b, 0x03040506);
	bytes_put_u64(&b, 0x0708090a0b0c0d0e);
	assert_int_equal(b.len, sizeof(want));
	assert_memory_equal(b.p, want, sizeof(want));
	c = (struct cursor){ b.p, b.len, false };
	assert_int_equal(cursor_u16(&c), 0x0102);
	assert_int_equal(cursor_u32(&c), 0x03040506);
	assert_true(cursor_u64(&c) == 0x0708090a0b0c0d0e);
	assert_false(c.failed);
	assert_int_equal(c.len, 0);
	bytes_fini(&b);
}

static const struct {
	uint64_t v;
	const char *bytes;
	size_t len;
} varints[] = {
	{ 0, "\x00", 1 },
	{ 1, "\x01", 1 },
	{ 127, "\x7f", 1 },
	{ 128, "\x80\x01", 2 },
	{ 300, "\xac\x02", 2 },
	{ 16383, "\xff\x7f", 2 },
	{ 16384, "\x80\x80\x01", 3 },
	{ UINT32_MAX, "\xff\xff\xff\xff\x0f", 5 },
	{ UINT64_C(1) << 63, "\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01", 10 },
	{ UINT64_MAX, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 10 },
};

static void
varints_are_these_bytes_and_every_cut_fails(void **state)
{
	for (size_t i = 0; i < sizeof(varints) / sizeof(varints[0]); i++) {
		struct bytes b = { 0 };

		bytes_put_varint(&b, varints[i].v);
		assert_int_equal(b.len, varints[i].len);
		assert_memory_equal(b.p, varints[i].bytes, b.len);
		for (size_t n = 0; n <= b.len; n++) {
			struct cursor c = { b.p, n, false };
			uint64_t v = cursor_varint(&c);

			assert_true(c.failed == (n < b.len));
			assert_true(v == (n < b.len ? 0 : varints[i].v));
		}
		bytes_fini(&b);
	}
}

static void
a_varint_at_every_power_of_two_comes_back(void **state)
{
	for (unsigned bit = 0; bit < 64; bit++) {
		for (int d = -1; d <= 1; d++) {
			uint64_t v = (UINT64_C(1) << bit) + (uint64_t)d;
			struct bytes b = { 0 };
			struct cursor c;

			bytes_put_varint(&b, v);
			c = (struct cursor){ b.p, b.len, false };
			assert_true(cursor_varint(&c) == v);
			assert_false(c.failed);
			assert_int_equal(c.len, 0);
			bytes_fini(&b);
		}
	}
}

static void
overlong_varints_are_refused(void **state)
{
	static const struct slice bad[] = {
		SLICE("\x80\x00"),
		SLICE("\xff\x00"),
		SLICE("\x80\x80\x00"),
		SLICE("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02"),
		SLICE("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x00"),
		SLICE("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x81\x00"),
		SLICE("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"),
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct cursor c = { (const uint8_t *)bad[i].p, bad[i].len, false };

		assert_true(cursor_varint(&c) == 0);
		assert_true(c.failed);
	}
}

static void
a_failed_cursor_gives_nothing_any_more(void **state)
{
	static const uint8_t three[] = { 1, 2, 3 };
	struct cursor c = { three, sizeof(three), false };

	assert_int_equal(cursor_u32(&c), 0);
	assert_true(c.failed);
	assert_int_equal(cursor_u8(&c), 0);
	assert_int_equal(cursor_varint(&c), 0);
	assert_null(cursor_take(&c, 0).p);
	assert_null(cursor_take(&c, 1).p);
}

static void
an_empty_take_is_empty_and_not_missing(void **state)
{
	struct cursor c = { NULL, 0, false };
	struct slice s = cursor_take(&c, 0);

	assert_non_null(s.p);
	assert_int_equal(s.len, 0);
	assert_false(c.failed);
	assert_null(cursor_take(&c, SIZE_MAX).p);
	assert_true(c.failed);
}

static void
shifting_drops_from_the_front(void **state)
{
	for (size_t n = 0; n <= 12; n++) {
		struct bytes b = { 0 };

		bytes_puts(&b, "0123456789");
		bytes_shift(&b, n);
		assert_int_equal(b.len, n > 10 ? 0 : 10 - n);
		assert_memory_equal(b.p, &"0123456789"[n > 10 ? 10 : n], b.len);
		bytes_fini(&b);
	}
}

static void
slices_compare(void **state)
{
	static const struct slice missing = { NULL, 0 };
	static const struct {
		struct slice a, b;
		bool same, same_nocase;
	} t[] = {
		{ SLICE(""), SLICE(""), true, true },
		{ SLICE("ab"), SLICE("ab"), true, true },
		{ SLICE("Ab"), SLICE("aB"), false, true },
		{ SLICE("ab"), SLICE("abc"), false, false },
		{ SLICE("ab"), SLICE("ac"), false, false },
		{ SLICE("@Z["), SLICE("`z{"), false, false },
		{ SLICE("a\0b"), SLICE("a\0c"), false, false },
		{ SLICE("\xc4"), SLICE("\xe4"), false, false },
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		assert_true(slice_eq(t[i].a, t[i].b) == t[i].same);
		assert_true(slice_eq_nocase(t[i].a, t[i].b) == t[i].same_nocase);
		assert_true(slice_eq_nocase(t[i].b, t[i].a) == t[i].same_nocase);
	}
	assert_true(slice_eq(missing, SLICE("")));
	assert_true(slice_eq_nocase(missing, missing));
	assert_false(slice_eq(missing, SLICE("a")));
}

static void
slices_end(void **state)
{
	assert_true(slice_ends(SLICE("/v1/responses"), SLICE("/responses")));
	assert_true(slice_ends(SLICE("a"), SLICE("a")));
	assert_true(slice_ends(SLICE("a"), SLICE("")));
	assert_true(slice_ends((struct slice){ NULL, 0 }, SLICE("")));
	assert_false(slice_ends(SLICE("a"), SLICE("ba")));
	assert_false(slice_ends(SLICE("ab"), SLICE("a")));
}

static void
big_endian_keys_sort_as_numbers(void **state)
{
	static const uint64_t rising[] = {
		0, 1, 255, 256, 65535, 65536, UINT32_MAX,
		(uint64_t)UINT32_MAX + 1, INT64_MAX, UINT64_MAX,
	};
	uint8_t a[8], b[8];

	for (size_t i = 0; i < sizeof(rising) / sizeof(rising[0]); i++) {
		be64_put(a, rising[i]);
		assert_true(be64_get(a) == rising[i]);
		if (i > 0)
			assert_true(memcmp(b, a, 8) < 0);
		memcpy(b, a, 8);
		be32_put(a, (uint32_t)rising[i]);
		assert_true(be32_get(a) == (uint32_t)rising[i]);
	}
	be32_put(a, 0x01020304);
	assert_memory_equal(a, "\1\2\3\4", 4);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_zeroed_one_is_empty_and_valid),
		cmocka_unit_test(it_grows_and_keeps_what_it_has),
		cmocka_unit_test(reserving_leaves_the_length_alone),
		cmocka_unit_test(growing_past_memory_fails_and_stays_failed),
		cmocka_unit_test(printf_appends_any_length),
		cmocka_unit_test(printf_of_what_cannot_be_printed_fails),
		cmocka_unit_test(numbers_are_little_endian),
		cmocka_unit_test(varints_are_these_bytes_and_every_cut_fails),
		cmocka_unit_test(a_varint_at_every_power_of_two_comes_back),
		cmocka_unit_test(overlong_varints_are_refused),
		cmocka_unit_test(a_failed_cursor_gives_nothing_any_more),
		cmocka_unit_test(an_empty_take_is_empty_and_not_missing),
		cmocka_unit_test(shifting_drops_from_the_front),
		cmocka_unit_test(slices_compare),
		cmocka_unit_test(slices_end),
		cmocka_unit_test(big_endian_keys_sort_as_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
