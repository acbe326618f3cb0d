/* The first byte places the cut; the rest is the text.  Held true: a cut changes
 * nothing; the scanner and jsmn find the same values; indenting keeps the text;
 * strings and integers come back as they went. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/json.h"

#define must(condition) ((condition) ? (void)0 : abort())

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { N_WANT = 8 };

static const struct json_want want[N_WANT] = {
	{ "a", 1 << 20 }, { "b", 4 }, { "a.b", 1 << 20 }, { "a.b.c", 1 << 20 },
	{ "a.b.c.d", 8 }, { "model", 16 }, { "usage", 64 },
	{ "response.usage", 64 },
};

static int
scan(struct json_scan *s, const uint8_t *p, size_t n, size_t cut, size_t step)
{
	int rc = 0;

	if (step) {
		for (size_t i = 0; i < n; i += step)
			rc = json_scan_feed(s, p + i, n - i < step ? n - i : step);
	} else {
		json_scan_feed(s, p, cut);
		rc = json_scan_feed(s, p + cut, n - cut);
	}
	return rc | json_scan_end(s);
}

static bool
same(struct slice a, struct slice b)
{
	return !a.p == !b.p && slice_eq(a, b);
}

static void
check_against_jsmn(const struct json_scan *s, struct slice text)
{
	for (size_t i = 0; i < N_WANT; i++) {
		struct slice raw = json_scan_raw(s, i);
		struct slice got = json_get(text, want[i].path);

		if (json_scan_over(s, i))
			must(!raw.p && (!got.p || got.len > want[i].cap));
		else if (got.p)
			must(same(raw, got));
		else if (raw.p)		/* too many tokens for jsmn's bound */
			must(text.len > 4096);
	}
}

static void
check_scan(const uint8_t *p, size_t n, size_t cut)
{
	struct json_scan *a = json_scan_new(want, N_WANT);
	struct json_scan *b = json_scan_new(want, N_WANT);
	int rc = scan(a, p, n, n, 0);

	must(json_valid((struct slice){ (const char *)p, n }) == (rc == 0));
	for (size_t step = 0; step <= 7; step++) {
		json_scan_reset(b);
		must(scan(b, p, n, cut, step) == rc);
		for (size_t i = 0; i < N_WANT; i++) {
			must(json_scan_over(a, i) == json_scan_over(b, i));
			must(same(json_scan_raw(a, i), json_scan_raw(b, i)));
			if (rc == 0 && json_scan_raw(a, i).p)
				must(json_valid(json_scan_raw(a, i)));
		}
	}
	if (rc == 0 && p[0] != 0xef)
		check_against_jsmn(a, (struct slice){ (const char *)p, n });
	json_scan_free(a);
	json_scan_free(b);
}

/* Text without the white space between its tokens. */
static void
squeeze(struct bytes *out, struct slice s)
{
	bool in_string = false;

	for (size_t i = 0; i < s.len; i++) {
		if (s.p[i] == '"')
			in_string = !in_string;
		else if (in_string && s.p[i] == '\\')
			bytes_putc(out, s.p[i++]);
		else if (!in_string && memchr(" \t\r\n", s.p[i], 4))
			continue;
		bytes_putc(out, s.p[i]);
	}
}

static void
check_pretty(struct slice text)
{
	struct bytes once = { 0 }, twice = { 0 }, a = { 0 }, b = { 0 };
	bool ok = json_pretty(text, 2, &once);

	must(ok == json_valid(text));
	if (!ok) {
		must(slice_eq(bytes_slice(&once), text));
	} else {
		must(json_pretty(bytes_slice(&once), 2, &twice));
		must(slice_eq(bytes_slice(&once), bytes_slice(&twice)));
		squeeze(&a, text);
		squeeze(&b, bytes_slice(&once));
		must(slice_eq(bytes_slice(&a), bytes_slice(&b)));
	}
	bytes_fini(&once);
	bytes_fini(&twice);
	bytes_fini(&a);
	bytes_fini(&b);
}

static void
check_strings(struct slice text)
{
	struct bytes raw = { 0 }, plain = { 0 }, again = { 0 };

	json_put_string(&raw, text);
	must(json_valid(bytes_slice(&raw)));
	must(json_text(bytes_slice(&raw), &plain));
	json_put_string(&again, bytes_slice(&plain));
	must(slice_eq(bytes_slice(&raw), bytes_slice(&again)));
	bytes_clear(&plain);
	if (json_text(text, &plain))
		must(json_valid(text));
	else
		must(plain.len == 0);
	if (json_is_string(text) && json_valid(text))
		must(json_text(text, &plain));
	bytes_fini(&raw);
	bytes_fini(&plain);
	bytes_fini(&again);
}

static void
check_int(struct slice text)
{
	char digits[32];
	int64_t v, again;
	int n;

	if (!json_int(text, &v))
		return;
	must(json_valid(text));
	n = snprintf(digits, sizeof(digits), "%lld", (long long)v);
	must(json_int((struct slice){ digits, (size_t)n }, &again) && again == v);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice text;

	if (size < 1 || size > 1 << 16)
		return 0;
	text = (struct slice){ (const char *)data + 1, size - 1 };
	check_scan(data + 1, size - 1, data[0] % size);
	check_pretty(text);
	check_strings(text);
	check_int(text);
	return 0;
}
