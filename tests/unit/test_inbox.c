#include "proxy/inbox.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proxy/piece.h"

static uint32_t dice;

static uint32_t
roll(uint32_t n)
{
	dice = dice * 1664525 + 1013904223;
	return (dice >> 8) % n;
}

/* The byte at off of the stream that is read. */
static uint8_t
at(uint64_t off)
{
	return (uint8_t)((off * 7 + off / 251) % 253);
}

/* Reads n bytes into the inbox as a stream does, as many as fit. */
static size_t
fill(struct inbox *i, uint64_t off, size_t n)
{
	struct piece *p = inbox_room(i);

	assert_non_null(p);
	assert_true(p->len < PIECE_BYTES);
	if (n > PIECE_BYTES - p->len)
		n = PIECE_BYTES - p->len;
	for (size_t k = 0; k < n; k++)
		p->data[p->len + k] = at(off + k);
	inbox_filled(i, n);
	return n;
}

static size_t
pieces(const struct inbox *i)
{
	size_t n = 0;

	for (struct piece *p = i->first; p; p = p->next)
		n++;
	return n;
}

static void
an_empty_inbox_has_nothing_to_give(void **state)
{
	struct inbox i = { 0 };
	struct piece *p;
	const uint8_t *b;

	assert_int_equal(inbox_peek(&i, &p, &b), 0);
	inbox_consume(&i, 0);
	inbox_rest(&i);
	assert_non_null(inbox_room(&i));
	assert_int_equal(inbox_peek(&i, &p, &b), 0);
	inbox_filled(&i, 0);	/* the socket had nothing after all */
	assert_int_equal(inbox_peek(&i, &p, &b), 0);
	inbox_consume(&i, 0);
	inbox_rest(&i);
	assert_null(i.first);
	inbox_fini(&i);
}

enum { HELD_MAX = 64 };

/* What the recorder holds: a run of bytes that must not change. */
struct held {
	struct piece *piece;
	const uint8_t *p;
	size_t n;
	uint64_t off;
};

static void
let_go(struct held *h)
{
	for (size_t k = 0; k < h->n; k++)
		assert_int_equal(h->p[k], at(h->off + k));
	piece_drop(h->piece);
	h->piece = NULL;
}

/* Takes up to n bytes as an owner does, some of them held on to. */
static size_t
take(struct inbox *i, uint64_t off, size_t n, struct held *keep)
{
	struct piece *piece;
	const uint8_t *p;
	size_t run = inbox_peek(i, &piece, &p);

	assert_true(run <= i->unread);
	assert_int_equal(run == 0, i->unread == 0);
	if (n > run)
		n = run;
	for (size_t k = 0; k < n; k++)
		assert_int_equal(p[k], at(off + k));
	if (keep && n > 0) {
		if (keep->piece)
			let_go(keep);
		*keep = (struct held){ piece_take(piece), p, n, off };
	}
	inbox_consume(i, n);
	return n;
}

static void
what_goes_in_comes_out_and_what_is_held_stays(void **state)
{
	for (uint32_t seed = 1; seed <= 60; seed++) {
		static struct held held[HELD_MAX];
		struct inbox i = { 0 };
		uint64_t in = 0, out = 0;
		const size_t sizes[] = { 1, 7, 1000, PIECE_BYTES, 2 * PIECE_BYTES };

		dice = seed;
		for (int step = 0; step < 1500; step++) {
			size_t n = roll((uint32_t)sizes[roll(5)]) + 1;
			bool full = in - out > 4 * PIECE_BYTES;

			if (!full && roll(2))
				in += fill(&i, in, n);
			else if (roll(20) == 0)
				inbox_rest(&i);
			else
				out += take(&i, out, n, roll(3) ? NULL :
				    &held[roll(HELD_MAX)]);
			assert_int_equal(i.unread, in - out);
			/* The pieces of what is unread, and one to fill. */
			assert_true(pieces(&i) <= (in - out) / PIECE_BYTES + 2);
		}
		while (out < in)
			out += take(&i, out, PIECE_BYTES, NULL);
		assert_true(pieces(&i) <= 1);
		inbox_rest(&i);
		assert_null(i.first);
		assert_null(i.last);
		for (size_t k = 0; k < HELD_MAX; k++)
			if (held[k].piece)
				let_go(&held[k]);
		inbox_fini(&i);
	}
}

static void
a_run_may_span_pieces_only_for_consume(void **state)
{
	struct inbox i = { 0 };
	struct piece *piece;
	const uint8_t *p;
	uint64_t in = 0;

	while (in < 3 * PIECE_BYTES + 5)
		in += fill(&i, in, (size_t)(3 * PIECE_BYTES + 5 - in));
	assert_int_equal(inbox_peek(&i, &piece, &p), PIECE_BYTES);
	inbox_consume(&i, 2 * PIECE_BYTES + 1);
	assert_int_equal(inbox_peek(&i, &piece, &p), PIECE_BYTES - 1);
	assert_int_equal(p[0], at(2 * PIECE_BYTES + 1));
	inbox_consume(&i, PIECE_BYTES + 4);
	assert_int_equal(inbox_peek(&i, &piece, &p), 0);
	inbox_fini(&i);
}

static void
a_piece_that_nobody_holds_is_filled_again_from_its_front(void **state)
{
	struct inbox i = { 0 };
	struct piece *first = inbox_room(&i);

	for (int n = 0; n < 100; n++) {
		fill(&i, 0, 900);
		inbox_consume(&i, 900);
		assert_ptr_equal(inbox_room(&i), first);
		assert_int_equal(first->len, 0);
	}
	inbox_fini(&i);
}

static void
a_held_piece_is_filled_behind_what_is_held_until_it_is_full(void **state)
{
	struct inbox i = { 0 };
	struct held keep = { 0 };
	struct piece *first = inbox_room(&i);
	uint64_t off = fill(&i, 0, 100);

	assert_int_equal(take(&i, 0, 100, &keep), 100);
	assert_ptr_equal(inbox_room(&i), first);
	assert_int_equal(first->len, 100);
	off += fill(&i, off, PIECE_BYTES);
	assert_int_equal(off, PIECE_BYTES);
	assert_int_equal(take(&i, 100, PIECE_BYTES, NULL), PIECE_BYTES - 100);
	/* Used up, and not ours to reuse: the inbox has let go of it. */
	assert_int_equal(pieces(&i), 0);
	assert_true(piece_is_mine(first));
	let_go(&keep);
	inbox_fini(&i);
}

static void
rest_keeps_what_is_unread(void **state)
{
	struct inbox i = { 0 };

	fill(&i, 0, 10);
	inbox_rest(&i);
	assert_int_equal(i.unread, 10);
	assert_int_equal(take(&i, 0, 10, NULL), 10);
	inbox_rest(&i);
	assert_null(i.first);
	fill(&i, 0, 10);	/* and it may begin anew */
	assert_int_equal(take(&i, 0, 10, NULL), 10);
	inbox_fini(&i);
}

static void
a_piece_belongs_to_one_or_to_many(void **state)
{
	struct piece *p = piece_new();

	assert_non_null(p);
	assert_true(piece_is_mine(p));
	assert_ptr_equal(piece_take(p), p);
	assert_false(piece_is_mine(p));
	piece_drop(p);
	assert_true(piece_is_mine(p));
	piece_drop(p);
	piece_drop(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_inbox_has_nothing_to_give),
		cmocka_unit_test(what_goes_in_comes_out_and_what_is_held_stays),
		cmocka_unit_test(a_run_may_span_pieces_only_for_consume),
		cmocka_unit_test(a_piece_that_nobody_holds_is_filled_again_from_its_front),
		cmocka_unit_test(a_held_piece_is_filled_behind_what_is_held_until_it_is_full),
		cmocka_unit_test(rest_keeps_what_is_unread),
		cmocka_unit_test(a_piece_belongs_to_one_or_to_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
