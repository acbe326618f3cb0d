/* Rows of a store that somebody made: `u16 length, bytes` each, for seqs 1, 2, ..; a
 * length's highest bit says that the row is raw.  Held true: undoing ends, in a row or
 * a fault, keeps to its bounds, gives the same again, from anywhere, whatever is held.
 * What the bytes themselves are, squeezed with the first row as prefix, comes back. */
#include <stdlib.h>
#include <string.h>

#include "store/elements.h"
#include "store/group.h"

#define must(condition) ((condition) ? (void)0 : abort())

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ROWS_MAX = 160, UNDONE_MAX = 4 * 1024 * 1024, MISSING = -7 };

struct rows {
	struct slice row[ROWS_MAX];
	bool is_raw[ROWS_MAX];
	unsigned n;
	unsigned asked;
};

static int
fetch(void *arg, const struct group_at *at, struct bytes *row, bool *is_raw)
{
	struct rows *r = arg;

	r->asked++;
	if (at->seq == 0 || at->seq > r->n)
		return MISSING;
	bytes_put_slice(row, r->row[at->seq - 1]);
	*is_raw = r->is_raw[at->seq - 1];
	return 0;
}

static void
read_rows(struct rows *r, const uint8_t *p, size_t n)
{
	struct cursor c = { p, n, false };

	while (c.len > 2 && r->n < ROWS_MAX) {
		const unsigned head = cursor_u16(&c);
		const size_t len = head & 0x7fff;

		r->is_raw[r->n] = head >> 15;
		r->row[r->n++] = cursor_take(&c, len < c.len ? len : c.len);
	}
}

/* Rows that claim megabytes are tried, but not all of them. */
static bool
is_large(const struct rows *r)
{
	size_t sum = 0;

	for (unsigned i = 0; i < r->n; i++) {
		struct squeeze_head h;

		if (!r->is_raw[i] &&
		    squeeze_head_get(&h, r->row[i].p, r->row[i].len) == 0)
			sum += h.raw_len;
	}
	return sum > UNDONE_MAX;
}

static void
check_rows(struct rows *r)
{
	const struct group_source source = { fetch, r };
	struct group *up = group_new();

	must(up != NULL);
	for (unsigned seq = 1; seq <= r->n + 1; seq++) {
		const struct group_at at = { seq, 1, 0 };
		struct group *alone = group_new();
		struct slice a, b;
		bool is_new;
		int rc;

		r->asked = 0;
		must(alone != NULL);
		rc = group_get(alone, &source, &at, &a, &is_new);
		must(r->asked <= 2 * (SQUEEZE_DEPTH_MAX + 1));
		must(rc == 0 || rc == GROUP_CORRUPT || rc == MISSING);
		must(rc != 0 || (is_new && a.len > 0 && a.len <= SQUEEZE_RAW_MAX));
		/* What is held may make a way passable that is too long alone. */
		if (group_get(up, &source, &at, &b, &is_new) == 0 && rc == 0)
			must(slice_eq(a, b));
		else
			must(rc != 0);
		group_free(alone);
	}
	group_free(up);
}

static void
check_round_trip(const struct rows *r, const uint8_t *p, size_t n)
{
	const struct squeeze_prefix prefix = { r->row[0], 1, 3 };
	struct squeeze *s = squeeze_new();
	struct bytes row = { 0 };
	struct squeeze_head h;
	unsigned depth;
	uint8_t *copy = malloc(n), *to = malloc(n);

	must(s && copy && to);
	memcpy(copy, p, n);
	if (squeeze_put(s, (struct slice){ (const char *)copy, n },
	    prefix.raw.len ? &prefix : NULL, &row, &depth) == 0) {
		must(row.len < n + SQUEEZE_HEAD_MAX);
		must(squeeze_head_get(&h, row.p, row.len) == 0);
		must(h.raw_len == n && h.depth == depth && (depth == 0 || depth == 4));
		must(squeeze_undo(s, &h, prefix.raw, to) == 0);
		must(memcmp(to, p, n) == 0);
	}
	free(copy);
	free(to);
	bytes_fini(&row);
	squeeze_free(s);
}

static void
check_elements(const uint8_t *p, size_t n)
{
	struct elements whole, pieces;

	elements_init(&whole);
	elements_init(&pieces);
	elements_feed(&whole, p, n);
	for (size_t i = 0; i < n; i += 1 + i % 5)
		elements_feed(&pieces, p + i, n - i < 1 + i % 5 ? n - i : 1 + i % 5);
	must(whole.n == pieces.n && whole.head == pieces.head);
	for (size_t i = 0; i < whole.n; i++)
		must(whole.each[i] == pieces.each[i]);
	elements_fini(&whole);
	elements_fini(&pieces);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rows r = { .n = 0 };

	check_elements(data, size);
	if (size < 4)
		return 0;
	read_rows(&r, data, size);
	if (!is_large(&r))
		check_rows(&r);
	check_round_trip(&r, data, size);
	return 0;
}
