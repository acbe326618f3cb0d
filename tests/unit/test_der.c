#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "certs/der.h"

static void
expect(struct bytes *b, const char *want, size_t n)
{
	assert_false(b->failed);
	assert_int_equal(b->len, n);
	assert_memory_equal(b->p, want, n);
	bytes_fini(b);
}

#define EXPECT(b, literal) expect(b, literal, sizeof(literal) - 1)

static void
lengths_take_as_few_bytes_as_they_need(void **state)
{
	static const struct {
		size_t len;
		const char *head;
		size_t n;
	} cases[] = {
		{ 0, "\x04\x00", 2 },
		{ 1, "\x04\x01", 2 },
		{ 127, "\x04\x7f", 2 },
		{ 128, "\x04\x81\x80", 3 },
		{ 255, "\x04\x81\xff", 3 },
		{ 256, "\x04\x82\x01\x00", 4 },
		{ 65535, "\x04\x82\xff\xff", 4 },
		{ 65536, "\x04\x83\x01\x00\x00", 5 },
	};
	static uint8_t content[65536];

	memset(content, 0xa5, sizeof(content));
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct bytes b = { 0 };
		struct slice s;
		struct der d, in;

		der_put(&b, DER_OCTET_STRING, content, cases[i].len);
		assert_int_equal(b.len, cases[i].n + cases[i].len);
		assert_memory_equal(b.p, cases[i].head, cases[i].n);
		d = der_over(b.p, b.len);
		in = der_take(&d, DER_OCTET_STRING);
		s = der_rest(&in);
		assert_false(d.failed);
		assert_true(der_is_at_end(&d));
		assert_int_equal(s.len, cases[i].len);
		if (s.len)
			assert_memory_equal(s.p, content, s.len);
		bytes_fini(&b);
	}
}

static void
an_unsigned_number_is_never_negative(void **state)
{
	struct bytes b = { 0 };

	der_put_unsigned(&b, (const uint8_t *)"\x7f", 1);
	EXPECT(&b, "\x02\x01\x7f");
	der_put_unsigned(&b, (const uint8_t *)"\x80", 1);
	EXPECT(&b, "\x02\x02\x00\x80");
	der_put_unsigned(&b, (const uint8_t *)"\x00\x00\x80\x01", 4);
	EXPECT(&b, "\x02\x03\x00\x80\x01");
	der_put_unsigned(&b, (const uint8_t *)"\x00\x00", 2);
	EXPECT(&b, "\x02\x01\x00");
}

static void
times_are_utc_until_2049_and_general_from_2050(void **state)
{
	struct bytes b = { 0 };

	der_put_time(&b, 2524607999);
	EXPECT(&b, "\x17\x0d" "491231235959Z");
	der_put_time(&b, 2524608000);
	EXPECT(&b, "\x18\x0f" "20500101000000Z");
	der_put_time(&b, 951782400);
	EXPECT(&b, "\x17\x0d" "000229000000Z");
}

static void
times_come_back_as_they_went(void **state)
{
	static const time_t times[] = { 0, 1, 951782400, 1795262400, 2524607999,
	    2524608000, 253402300799 };

	for (size_t i = 0; i < sizeof(times) / sizeof(*times); i++) {
		struct bytes b = { 0 };
		struct der d;

		der_put_time(&b, times[i]);
		d = der_over(b.p, b.len);
		assert_int_equal(der_take_time(&d), times[i]);
		assert_false(d.failed);
		bytes_fini(&b);
	}
}

static void
what_is_no_time_is_refused(void **state)
{
	static const struct slice cases[] = {
		SLICE(""),
		SLICE("\x17\x0b" "9912312359Z"),
		SLICE("\x17\x0d" "99123123595aZ"),
		SLICE("\x17\x0d" "9912312359590"),
		SLICE("\x18\x0d" "991231235959Z"),
		SLICE("\x17\x0f" "20500101000000Z"),
		SLICE("\x17\x11" "991231235959+0000"),
		SLICE("\x04\x0d" "991231235959Z"),
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct der d = der_over(cases[i].p, cases[i].len);

		assert_int_equal(der_take_time(&d), 0);
		assert_true(d.failed);
	}
}

/* SEQUENCE { OCTET STRING "abc", BOOLEAN TRUE, OID 1.2.840 } */
#define SAMPLE "\x30\x0c\x04\x03" "abc" "\x01\x01\xff\x06\x02\x2a\x48"

static bool
read_sample(const void *p, size_t n)
{
	struct der d = der_over(p, n);
	struct der seq = der_take(&d, DER_SEQUENCE), in;
	bool ok;

	in = der_take(&seq, DER_OCTET_STRING);
	ok = slice_eq(der_rest(&in), SLICE("abc"));
	ok = der_take_true(&seq) && ok;
	ok = der_oid_is(&seq, SLICE("\x2a\x48")) && ok;
	return ok && !d.failed && !seq.failed && der_is_at_end(&d) &&
	    der_is_at_end(&seq);
}

static void
every_cut_of_a_value_is_refused(void **state)
{
	size_t n = sizeof(SAMPLE) - 1;

	assert_true(read_sample(SAMPLE, n));
	for (size_t i = 0; i < n; i++) {
		uint8_t *copy = test_malloc(i ? i : 1);

		memcpy(copy, SAMPLE, i);
		assert_false(read_sample(copy, i));
		test_free(copy);
	}
}

static void
every_changed_byte_of_a_value_is_noticed(void **state)
{
	char copy[sizeof(SAMPLE)] = SAMPLE;

	for (size_t i = 0; i < sizeof(SAMPLE) - 1; i++) {
		/* Any byte but 0 is TRUE for readers (BER). */
		if (i == 9)
			continue;
		copy[i] ^= 0x41;
		assert_false(read_sample(copy, sizeof(copy) - 1));
		copy[i] ^= 0x41;
	}
}

static void
a_failure_stays_and_ends_every_loop(void **state)
{
	struct der d = der_over("\x04\x01" "a", 3), in;

	der_take(&d, DER_SEQUENCE);
	assert_true(d.failed);
	assert_true(der_is_at_end(&d));
	in = der_take(&d, DER_OCTET_STRING);
	assert_true(in.failed);
	assert_null(der_rest(&in).p);
	assert_null(der_take_whole(&d, DER_OCTET_STRING).p);
	assert_null(der_take_bits(&d).p);
	assert_false(der_take_true(&d));
}

static void
nothing_at_all_may_be_read(void **state)
{
	struct der d = der_over(NULL, 0);

	assert_true(der_is_at_end(&d));
	assert_false(der_next_is(&d, DER_SEQUENCE));
	assert_false(der_take_true(&d));
	assert_false(d.failed);
	der_take(&d, DER_SEQUENCE);
	assert_true(d.failed);
}

static void
bits_must_be_whole_bytes(void **state)
{
	struct der d = der_over("\x03\x02\x00\x80", 4);

	assert_true(slice_eq(der_take_bits(&d), SLICE("\x80")));
	d = der_over("\x03\x02\x07\x80", 4);
	assert_null(der_take_bits(&d).p);
	d = der_over("\x03\x00", 2);
	assert_null(der_take_bits(&d).p);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(lengths_take_as_few_bytes_as_they_need),
		cmocka_unit_test(an_unsigned_number_is_never_negative),
		cmocka_unit_test(times_are_utc_until_2049_and_general_from_2050),
		cmocka_unit_test(times_come_back_as_they_went),
		cmocka_unit_test(what_is_no_time_is_refused),
		cmocka_unit_test(every_cut_of_a_value_is_refused),
		cmocka_unit_test(every_changed_byte_of_a_value_is_noticed),
		cmocka_unit_test(a_failure_stays_and_ends_every_loop),
		cmocka_unit_test(nothing_at_all_may_be_read),
		cmocka_unit_test(bits_must_be_whole_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
