#include "store/tree.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct slice
text(const char *s)
{
	return (struct slice){ s, s ? strlen(s) : 0 };
}

static struct tree_node
node(const char *id, const char *parent, int64_t began, int64_t ended)
{
	return (struct tree_node){ .id = text(id), .parent_id = text(parent),
		.began_ns = began, .ended_ns = ended };
}

/* "(id children)" from the top; orphans behind a '|', what is cut after a '!'. */
static void
say(char *out, size_t cap, const struct tree_node *v, const struct tree *t)
{
	uint32_t heads[] = { t->first_root, t->first_orphan };
	size_t n = 0;

	for (int h = 0; h < 2; h++) {
		n += (size_t)snprintf(out + n, cap - n, "%s", h ? "|" : "");
		for (uint32_t i = heads[h]; i != TREE_NONE; i = tree_next(v, i))
			n += (size_t)snprintf(out + n, cap - n, "%s%u%.*s ",
			    v[i].place == TREE_CUT ? "!" : "", v[i].depth,
			    (int)v[i].id.len, v[i].id.p);
	}
}

static void
must_be(struct tree_node *v, size_t n, const char *what)
{
	char out[512];
	struct tree t;

	assert_int_equal(tree_link(v, n, &t), 0);
	say(out, sizeof(out), v, &t);
	assert_string_equal(out, what);
}

static void
siblings_stand_in_the_order_of_begin_end_and_id(void **state)
{
	struct tree_node v[] = {
		node("unknown", "", -1, -1), node("late", NULL, 5, 6),
		node("open", "", 1, -1), node("b", "", 1, 2),
		node("a", "", 1, 2), node("short", "", 1, 1),
		node("child", "open", 0, 9), node("elder", "open", 0, 8),
	};

	must_be(v, 8, "0short 0a 0b 0open 1elder 1child 0late 0unknown |");
	must_be(v, 0, "|");
}

static void
orphans_keep_what_is_below_them(void **state)
{
	struct tree_node v[] = {
		node("c", "b", 3, 4), node("b", "gone", 2, 3),
		node("a", "lost", 1, 2), node("r", "", 9, 9),
	};

	must_be(v, 4, "0r |0a 0b 1c ");
}

static void
a_cycle_is_cut_at_its_first_node(void **state)
{
	struct tree_node v[] = {
		node("tail", "y", 0, 1), node("z", "x", 3, 4),
		node("y", "z", 2, 9), node("x", "y", 2, 8),
		node("self", "self", 1, 1),
	};

	must_be(v, 5, "!0self !0x 1z 2y 3tail |");
}

static void
of_two_equal_ids_the_earlier_has_the_children(void **state)
{
	struct tree_node v[] = {
		node("c", "a", 3, 4), node("a", "", 2, 3), node("a", "", 1, 9),
	};

	must_be(v, 3, "0a 1c 0a |");
}

static unsigned
draw(uint64_t *state, unsigned below)
{
	*state = *state * UINT64_C(6364136223846793005) + 1442695040888963407u;
	return (unsigned)(*state >> 33) % below;
}

/* Random parents: chains, cycles, orphans, times that are equal or missing. */
static void
whatever_the_order_the_tree_is_the_same(void **state)
{
	enum { N = 40, TREES = 50, ORDERS = 40 };
	static char ids[N + 5][8], first[1024], out[1024];
	uint64_t rand = 20261121;
	struct tree_node v[N];
	struct tree t;

	print_message("seed %d\n", (int)rand);
	for (int i = 0; i < N + 5; i++)
		snprintf(ids[i], sizeof(ids[i]), "n%d", i);
	for (int k = 0; k < TREES; k++) {
		for (int i = 0; i < N; i++)
			v[i] = node(ids[i], draw(&rand, 5) == 0 ? "" :
			    ids[draw(&rand, N + 5)], (int)draw(&rand, 6) - 1,
			    (int)draw(&rand, 6) - 1);
		for (int o = 0; o < ORDERS; o++) {
			assert_int_equal(tree_link(v, N, &t), 0);
			say(o == 0 ? first : out, sizeof(out), v, &t);
			if (o > 0)
				assert_string_equal(out, first);
			for (unsigned i = N - 1; i > 0; i--) {
				unsigned j = draw(&rand, i + 1);
				struct tree_node swap = v[i];

				v[i] = v[j];
				v[j] = swap;
			}
		}
	}
}

/* Each node is met once, however deep or round it all is. */
static void
large_trees_are_read_from_end_to_end(void **state)
{
	enum { N = 60000 };
	static char ids[N][8];
	struct tree_node *v = calloc(N, sizeof(*v));
	struct tree t;

	for (int i = 0; i < N; i++)
		snprintf(ids[i], sizeof(ids[i]), "%d", i);
	for (int round = 0; round < 2; round++) {
		uint32_t n = 0;

		for (int i = 0; i < N; i++)
			v[i] = node(ids[i], i > 0 ? ids[i - 1] :
			    round ? ids[N - 1] : "", i, i);
		assert_int_equal(tree_link(v, N, &t), 0);
		for (uint32_t i = t.first_root; i != TREE_NONE;
		    i = tree_next(v, i))
			assert_int_equal(v[i].depth, n++);
		assert_int_equal(n, N);
	}
	free(v);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(siblings_stand_in_the_order_of_begin_end_and_id),
		cmocka_unit_test(orphans_keep_what_is_below_them),
		cmocka_unit_test(a_cycle_is_cut_at_its_first_node),
		cmocka_unit_test(of_two_equal_ids_the_earlier_has_the_children),
		cmocka_unit_test(whatever_the_order_the_tree_is_the_same),
		cmocka_unit_test(large_trees_are_read_from_end_to_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
