#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <zlib.h>
#include <zstd.h>

#include "store/decode.h"
#include "tests/unit/guard.h"

static const char text[] = "{\"id\":\"resp_1\",\"usage\":{\"input_tokens\":36,"
    "\"output_tokens\":19,\"total_tokens\":55}}";

enum { TEXT_LEN = sizeof(text) - 1 };

/* Made by libbrotlienc, which we do not link: text, 4 MiB of zeros, nothing,
 * and text that gzip had first. */
static const uint8_t br_text[] = {
	0x1b, 0x4f, 0x00, 0x28, 0x05, 0x64, 0x6e, 0xa9, 0x3f, 0x53, 0x98, 0xc3,
	0x4d, 0x5a, 0xa1, 0x68, 0x30, 0xe9, 0x24, 0x32, 0x9d, 0x72, 0xa0, 0x09,
	0x06, 0xe2, 0x41, 0x6d, 0x89, 0xfd, 0x44, 0x77, 0x3e, 0x6c, 0xc0, 0x41,
	0xcb, 0x06, 0x53, 0xf0, 0x5b, 0xec, 0x89, 0xf3, 0x56, 0xde, 0x50, 0x04,
	0xd7, 0xe2, 0xc5, 0xd0, 0x78, 0x9b, 0x84, 0xad, 0x0b, 0xe7, 0x14, 0x3a,
	0x24, 0x70, 0xc6, 0xec, 0x7f,
};

static const uint8_t br_bomb[] = {
	0x9f, 0xff, 0xff, 0x3f, 0xf8, 0x27, 0x00, 0xe2, 0xb1, 0x40, 0x20, 0xf7,
	0xfe, 0x07,
};

static const uint8_t br_empty[] = {
	0x06,
};

static const uint8_t br_of_gzip[] = {
	0x0b, 0x29, 0x80, 0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02,
	0x03, 0xab, 0x56, 0xca, 0x4c, 0x51, 0xb2, 0x52, 0x2a, 0x4a, 0x2d, 0x2e,
	0x88, 0x37, 0x54, 0xd2, 0x51, 0x2a, 0x2d, 0x4e, 0x4c, 0x4f, 0x55, 0xb2,
	0xaa, 0x56, 0xca, 0xcc, 0x2b, 0x28, 0x2d, 0x89, 0x2f, 0xc9, 0xcf, 0x4e,
	0xcd, 0x2b, 0x56, 0xb2, 0x32, 0x36, 0xd3, 0x51, 0xca, 0x2f, 0x2d, 0x41,
	0x16, 0x32, 0xb4, 0xd4, 0x51, 0x2a, 0xc9, 0x2f, 0x49, 0xcc, 0x81, 0x8b,
	0x98, 0x9a, 0xd6, 0xd6, 0x02, 0x00, 0xf4, 0x1a, 0x22, 0xba, 0x50, 0x00,
	0x00, 0x00, 0x03,
};

enum { RAW_DEFLATE = -MAX_WBITS, ZLIB = MAX_WBITS, GZIP = 16 + MAX_WBITS };

static void
put_zlib(struct bytes *out, const void *p, size_t n, int bits)
{
	z_stream z = { 0 };
	size_t cap = n + n / 1000 + 200;

	assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, bits, 8,
	    Z_DEFAULT_STRATEGY), Z_OK);
	z.next_in = (Bytef *)(uintptr_t)p;
	z.avail_in = (uInt)n;
	z.next_out = bytes_reserve(out, cap);
	z.avail_out = (uInt)cap;
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	out->len += z.total_out;
	deflateEnd(&z);
}

static void
put_zstd(struct bytes *out, const void *p, size_t n, int level)
{
	size_t cap = ZSTD_compressBound(n);
	size_t len = ZSTD_compress(bytes_reserve(out, cap), cap, p, n, level);

	assert_false(ZSTD_isError(len));
	out->len += len;
}

static void
on_out(void *arg, const void *p, size_t n)
{
	struct bytes *b = arg;

	assert_true(n > 0);
	bytes_put(b, p, n);
}

/* Decodes in pieces of at most `piece`; the first failure, or decode_end's. */
static enum decode_result
decode(const char *coding, const void *p, size_t n, size_t piece,
    struct bytes *out)
{
	struct slice c = { coding, coding ? strlen(coding) : 0 };
	enum decode_result r;
	struct decode *d;

	r = decode_new(&d, c);
	if (r != DECODE_OK) {
		assert_null(d);
		return r;
	}
	for (size_t off = 0; off < n && r == DECODE_OK; off += piece) {
		size_t take = n - off < piece ? n - off : piece;
		const char *at = (const char *)p + off;

		if (take <= GUARD_MAX)
			at = guard_put(at, take);
		r = decode_feed(d, at, take, on_out, out);
	}
	if (r == DECODE_OK)
		r = decode_end(d, on_out, out);
	else
		assert_int_equal(decode_feed(d, p, n, on_out, out), r);
	assert_int_equal(decode_bytes(d), out->len);
	decode_free(d);
	return r;
}

struct sample {
	const char *coding;
	struct bytes coded;
};

enum { N_SAMPLES = 14 };

static void
make_samples(struct sample s[N_SAMPLES])
{
	static const char *const coding[N_SAMPLES] = {
		"gzip", "x-gzip", "GZip", "deflate", "deflate", "br", "zstd",
		" gzip , identity", "gzip, br", "br, gzip", "zstd,gzip",
		"gzip, gzip", NULL, "identity",
	};
	struct bytes inner = { 0 };

	memset(s, 0, N_SAMPLES * sizeof(*s));
	for (unsigned i = 0; i < N_SAMPLES; i++)
		s[i].coding = coding[i];
	put_zlib(&s[0].coded, text, TEXT_LEN, GZIP);
	put_zlib(&s[1].coded, text, TEXT_LEN, GZIP);
	put_zlib(&s[2].coded, text, TEXT_LEN, GZIP);
	put_zlib(&s[3].coded, text, TEXT_LEN, ZLIB);
	put_zlib(&s[4].coded, text, TEXT_LEN, RAW_DEFLATE);
	bytes_put(&s[5].coded, br_text, sizeof(br_text));
	put_zstd(&s[6].coded, text, TEXT_LEN, 3);
	put_zlib(&s[7].coded, text, TEXT_LEN, GZIP);
	bytes_put(&s[8].coded, br_of_gzip, sizeof(br_of_gzip));
	put_zlib(&s[9].coded, br_text, sizeof(br_text), GZIP);
	put_zstd(&inner, text, TEXT_LEN, 3);
	put_zlib(&s[10].coded, inner.p, inner.len, GZIP);
	bytes_clear(&inner);
	put_zlib(&inner, text, TEXT_LEN, GZIP);
	put_zlib(&s[11].coded, inner.p, inner.len, GZIP);
	bytes_put(&s[12].coded, text, TEXT_LEN);
	bytes_put(&s[13].coded, text, TEXT_LEN);
	bytes_fini(&inner);
}

static void
fini_samples(struct sample s[N_SAMPLES])
{
	for (unsigned i = 0; i < N_SAMPLES; i++)
		bytes_fini(&s[i].coded);
}

static void
every_coding_gives_the_text_in_pieces_of_any_size(void **state)
{
	struct sample s[N_SAMPLES];

	(void)state;
	make_samples(s);
	for (unsigned i = 0; i < N_SAMPLES; i++) {
		for (size_t piece = 1; piece <= s[i].coded.len; piece++) {
			struct bytes out = { 0 };

			assert_int_equal(decode(s[i].coding, s[i].coded.p,
			    s[i].coded.len, piece, &out), DECODE_OK);
			assert_int_equal(out.len, TEXT_LEN);
			assert_memory_equal(out.p, text, TEXT_LEN);
			bytes_fini(&out);
		}
	}
	fini_samples(s);
}

static void
every_prefix_is_cut_and_what_came_out_is_a_prefix(void **state)
{
	struct sample s[N_SAMPLES];

	(void)state;
	make_samples(s);
	for (unsigned i = 0; i < N_SAMPLES - 2; i++) {
		for (size_t n = 1; n < s[i].coded.len; n++) {
			struct bytes out = { 0 };

			assert_int_equal(decode(s[i].coding, s[i].coded.p, n, n,
			    &out), DECODE_CUT);
			assert_true(out.len <= TEXT_LEN);
			if (out.len > 0)
				assert_memory_equal(out.p, text, out.len);
			bytes_fini(&out);
		}
	}
	fini_samples(s);
}

static void
no_input_at_all_is_whole(void **state)
{
	static const char *const coding[] = { "gzip", "deflate", "br", "zstd", NULL };

	(void)state;
	for (unsigned i = 0; i < 5; i++) {
		struct bytes out = { 0 };

		assert_int_equal(decode(coding[i], "", 0, 1, &out), DECODE_OK);
		assert_int_equal(out.len, 0);
	}
}

static void
an_empty_text_is_whole(void **state)
{
	struct bytes gz = { 0 }, out = { 0 };

	(void)state;
	put_zlib(&gz, "", 0, GZIP);
	assert_int_equal(decode("gzip", gz.p, gz.len, 1, &out), DECODE_OK);
	assert_int_equal(decode("br", br_empty, sizeof(br_empty), 1, &out),
	    DECODE_OK);
	assert_int_equal(out.len, 0);
	bytes_fini(&gz);
}

static void
members_and_frames_follow_one_another(void **state)
{
	struct bytes gz = { 0 }, zst = { 0 };

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		put_zlib(&gz, text, TEXT_LEN, GZIP);
		put_zstd(&zst, text, TEXT_LEN, 1);
		bytes_put(&zst, "\x50\x2a\x4d\x18\x02\0\0\0xx", 10); /* skipped */
	}
	bytes_put(&gz, "\0\0\0", 3);	/* tape padding */
	for (size_t piece = 1; piece < gz.len; piece++) {
		struct bytes a = { 0 }, b = { 0 };

		assert_int_equal(decode("gzip", gz.p, gz.len, piece, &a), DECODE_OK);
		assert_int_equal(decode("zstd", zst.p, zst.len, piece, &b), DECODE_OK);
		assert_int_equal(a.len, 3 * TEXT_LEN);
		assert_int_equal(b.len, 3 * TEXT_LEN);
		assert_memory_equal(a.p, b.p, a.len);
		bytes_fini(&a);
		bytes_fini(&b);
	}
	bytes_fini(&gz);
	bytes_fini(&zst);
}

static void
bytes_behind_the_end_are_corrupt(void **state)
{
	struct sample s[N_SAMPLES];

	(void)state;
	make_samples(s);
	for (unsigned i = 0; i < 7; i++) {
		bytes_puts(&s[i].coded, "junk");
		for (size_t piece = 1; piece <= s[i].coded.len; piece++) {
			struct bytes out = { 0 };

			assert_int_equal(decode(s[i].coding, s[i].coded.p,
			    s[i].coded.len, piece, &out), DECODE_CORRUPT);
			assert_memory_equal(out.p, text, TEXT_LEN);
			bytes_fini(&out);
		}
	}
	fini_samples(s);
}

static void
plain_text_that_claims_a_coding_is_corrupt(void **state)
{
	static const char *const coding[] = {
		"gzip", "deflate", "br", "zstd", "gzip, br", "br, gzip",
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(coding) / sizeof(coding[0]); i++) {
		struct bytes out = { 0 };

		assert_int_equal(decode(coding[i], text, TEXT_LEN, 7, &out),
		    DECODE_CORRUPT);
		bytes_fini(&out);
	}
}

static void
a_flipped_bit_in_the_middle_is_corrupt(void **state)
{
	struct bytes gz = { 0 }, out = { 0 };

	(void)state;
	put_zlib(&gz, text, TEXT_LEN, GZIP);
	gz.p[gz.len - 6] ^= 1;		/* the check sum */
	assert_int_equal(decode("gzip", gz.p, gz.len, 5, &out), DECODE_CORRUPT);
	bytes_fini(&gz);
	bytes_fini(&out);
}

static void
only_codings_we_know_and_two_of_them(void **state)
{
	static const char *const unknown[] = {
		"compress", "gzip2", "gzi", "dcb", "gzip,br,gzip", "gzip;q=1",
		"gzip, compress", "br gzip",
	};
	struct bytes out = { 0 };

	(void)state;
	for (unsigned i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++)
		assert_int_equal(decode(unknown[i], "x", 1, 1, &out),
		    DECODE_UNKNOWN);
	assert_int_equal(decode(" , identity,,IDENTITY ", "x", 1, 1, &out),
	    DECODE_OK);
	assert_int_equal(out.len, 1);
	bytes_fini(&out);
}

static void
expect_bomb(const char *coding, const struct bytes *coded, size_t piece)
{
	struct bytes out = { 0 };

	assert_int_equal(decode(coding, coded->p, coded->len, piece, &out),
	    DECODE_BOMB);
	assert_true(out.len >= 1024 * 1024 - 64 * 1024);
	assert_true(out.len <= 1024 * 1024 + DECODE_RATIO_MAX * coded->len);
	bytes_fini(&out);
}

static void
bombs_are_stopped_at_the_ratio(void **state)
{
	size_t n = 32 * 1024 * 1024;
	struct bytes gz = { 0 }, zst = { 0 }, br = { 0 }, twice = { 0 };
	char *zeros = calloc(1, n);

	(void)state;
	put_zlib(&gz, zeros, n, GZIP);		/* zlib gives 1030 at best */
	put_zstd(&zst, zeros, n, 19);
	bytes_put(&br, br_bomb, sizeof(br_bomb));
	put_zlib(&twice, gz.p, gz.len, GZIP);
	free(zeros);
	expect_bomb("gzip", &gz, gz.len);
	expect_bomb("gzip", &gz, 100);
	expect_bomb("zstd", &zst, zst.len);
	expect_bomb("zstd", &zst, 1);
	expect_bomb("br", &br, br.len);
	expect_bomb("br", &br, 1);
	expect_bomb("gzip, gzip", &twice, twice.len);
	bytes_fini(&gz);
	bytes_fini(&zst);
	bytes_fini(&br);
	bytes_fini(&twice);
}

static void
drop(void *arg, const void *p, size_t n)
{
	(void)arg;
	(void)p;
	(void)n;
}

/* Text that a coding shrinks well below the ratio, over and over. */
static void
output_is_bounded_whatever_the_ratio(void **state)
{
	enum { MEMBER = 1024 * 1024 };
	struct bytes gz = { 0 };
	char *member = malloc(MEMBER);
	enum decode_result r = DECODE_OK;
	struct decode *d;

	(void)state;
	for (unsigned i = 0; i < MEMBER; i++)
		member[i] = (char)(i * 2654435761u >> 24 & 3);
	put_zlib(&gz, member, MEMBER, GZIP);
	assert_true(gz.len * DECODE_RATIO_MAX > MEMBER);
	assert_int_equal(decode_new(&d, SLICE("gzip")), DECODE_OK);
	for (unsigned i = 0; i < DECODE_BYTES_MAX / MEMBER; i++)
		assert_int_equal(decode_feed(d, gz.p, gz.len, drop, NULL),
		    DECODE_OK);
	assert_int_equal(decode_bytes(d), DECODE_BYTES_MAX);
	for (unsigned i = 0; i < 2; i++)
		r = decode_feed(d, gz.p, gz.len, drop, NULL);
	assert_int_equal(r, DECODE_BOMB);
	assert_int_equal(decode_end(d, drop, NULL), DECODE_BOMB);
	assert_int_equal(decode_bytes(d), DECODE_BYTES_MAX);
	decode_free(d);
	free(member);
	bytes_fini(&gz);
}

static void
a_zstd_window_past_8_mebibytes_is_refused(void **state)
{
	/* Magic, no single segment, window descriptor 2^(10+n/8). */
	static const uint8_t good[] = { 0x28, 0xb5, 0x2f, 0xfd, 0x00, 13 << 3,
	    0x01, 0x00, 0x00 };
	uint8_t bad[sizeof(good)];
	struct bytes out = { 0 };

	(void)state;
	assert_int_equal(decode("zstd", good, sizeof(good), 1, &out), DECODE_OK);
	memcpy(bad, good, sizeof(bad));
	bad[5] = 14 << 3;
	assert_int_equal(decode("zstd", bad, sizeof(bad), 1, &out), DECODE_BOMB);
}

/* 0.6's magic behind the first byte of a frame: the library would take it for that,
 * and give away memory that its old decoder has not written. */
static void
old_zstd_formats_do_not_reach_the_library(void **state)
{
	static const uint8_t behind[] = { 0x28, 0x26, 0xb5, 0x2f, 0xfd, 0x30, 0x0b,
	    0x01, 0x00, 0x00 };
	struct bytes out = { 0 };

	(void)state;
	for (size_t step = 1; step <= sizeof(behind); step++) {
		assert_int_equal(decode("zstd", behind, sizeof(behind), step,
		    &out), DECODE_CORRUPT);
		assert_int_equal(out.len, 0);
		assert_int_equal(decode("zstd", behind + 1, sizeof(behind) - 1,
		    step, &out), DECODE_CORRUPT);
		assert_int_equal(out.len, 0);
	}
	bytes_fini(&out);
}

static void
every_result_has_its_words(void **state)
{
	(void)state;
	for (int r = DECODE_OK; r >= DECODE_CUT; r--)
		for (int q = DECODE_OK; q > r; q--)
			assert_string_not_equal(decode_strerror(r), decode_strerror(q));
	assert_non_null(decode_strerror((enum decode_result)9));
	decode_free(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_coding_gives_the_text_in_pieces_of_any_size),
		cmocka_unit_test(every_prefix_is_cut_and_what_came_out_is_a_prefix),
		cmocka_unit_test(no_input_at_all_is_whole),
		cmocka_unit_test(an_empty_text_is_whole),
		cmocka_unit_test(members_and_frames_follow_one_another),
		cmocka_unit_test(bytes_behind_the_end_are_corrupt),
		cmocka_unit_test(plain_text_that_claims_a_coding_is_corrupt),
		cmocka_unit_test(a_flipped_bit_in_the_middle_is_corrupt),
		cmocka_unit_test(only_codings_we_know_and_two_of_them),
		cmocka_unit_test(bombs_are_stopped_at_the_ratio),
		cmocka_unit_test(output_is_bounded_whatever_the_ratio),
		cmocka_unit_test(a_zstd_window_past_8_mebibytes_is_refused),
		cmocka_unit_test(old_zstd_formats_do_not_reach_the_library),
		cmocka_unit_test(every_result_has_its_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
