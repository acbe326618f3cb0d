#include "store/json_keep.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_CAP = 32, KEY_ODD = JSON_KEY_MAX + 1 };

static void
split_path(struct json_kept *w, const char *path)
{
	const char *p = path;

	for (;;) {
		size_t n = strcspn(p, ".");

		assert(w->n_keys < JSON_PATH_MAX && n > 0 && n <= JSON_KEY_MAX);
		assert(p - path <= UINT8_MAX);
		w->key_at[w->n_keys] = (uint8_t)(p - path);
		w->key_len[w->n_keys++] = (uint8_t)n;
		if (p[n] == '\0')
			return;
		p += n + 1;
	}
}

void
json_keep_init(struct json_keep *k, const struct json_want *want, size_t n)
{
	k->want = want;
	k->n = (unsigned)n;
	for (size_t i = 0; i < n; i++)
		split_path(&k->w[i], want[i].path);
}

void
json_keep_fini(struct json_keep *k)
{
	for (unsigned i = 0; i < k->n; i++)
		free(k->w[i].p);
}

void
json_keep_reset(struct json_keep *k)
{
	k->open = k->match = 0;
	memset(k->open_at, 0, sizeof(k->open_at));
	for (unsigned i = 0; i < k->n; i++) {
		k->w[i].len = 0;
		k->w[i].ended = k->w[i].over = false;
	}
}

/* Takes the lowest value out of a set that is not empty. */
static unsigned
take(uint32_t *set)
{
	unsigned i = (unsigned)__builtin_ctz(*set);

	*set &= *set - 1;
	return i;
}

static bool
grow(struct json_kept *w, size_t need)
{
	size_t cap = w->cap ? w->cap : FIRST_CAP;
	char *p;

	if (need <= w->cap)
		return true;
	while (cap < need)
		cap *= 2;
	p = realloc(w->p, cap);
	if (!p)
		return false;
	w->p = p;
	w->cap = cap;
	return true;
}

/* Keeps value i's text up to `to`. */
static void
keep(struct json_keep *k, unsigned i, const uint8_t *to)
{
	struct json_kept *w = &k->w[i];
	size_t n = (size_t)(to - w->from);

	if (w->over || n == 0)
		return;
	if (n > k->want[i].cap - w->len || !grow(w, w->len + n)) {
		w->over = true;
		w->len = 0;
		return;
	}
	memcpy(w->p + w->len, w->from, n);
	w->len += n;
}

void
json_keep_enter(struct json_keep *k, unsigned depth, bool object)
{
	uint32_t into = depth == 1 ? UINT32_MAX : k->match;

	if (depth <= JSON_PATH_MAX)
		k->alive[depth] = object ? into : 0;
	k->match = 0;
}

void
json_keep_key_begin(struct json_keep *k, unsigned depth)
{
	k->on_path = k->n > 0 && depth <= JSON_PATH_MAX && k->alive[depth];
	k->key_len = 0;
	k->match = 0;
}

void
json_keep_key(struct json_keep *k, const void *p, size_t n)
{
	if (!k->on_path)
		return;
	if (n > JSON_KEY_MAX || k->key_len + n > JSON_KEY_MAX) {
		k->key_len = KEY_ODD;
		return;
	}
	memcpy(k->key + k->key_len, p, n);
	k->key_len += (uint8_t)n;
}

void
json_keep_key_odd(struct json_keep *k)
{
	k->key_len = KEY_ODD;
}

void
json_keep_key_end(struct json_keep *k, unsigned depth)
{
	unsigned at = depth - 1;

	if (!k->on_path)
		return;
	for (unsigned i = 0; i < k->n; i++) {
		const struct json_kept *w = &k->w[i];

		if (!(k->alive[depth] >> i & 1) || w->n_keys <= at)
			continue;
		if (w->key_len[at] == k->key_len &&
		    memcmp(k->want[i].path + w->key_at[at], k->key, k->key_len) == 0)
			k->match |= 1u << i;
	}
}

/* Whatever the key led to before is forgotten with all that was below it: the
 * last duplicate wins. */
void
json_keep_begin(struct json_keep *k, unsigned depth, const uint8_t *p)
{
	uint32_t set = k->match;

	while (set) {
		unsigned i = take(&set);
		struct json_kept *w = &k->w[i];

		w->len = 0;
		w->ended = w->over = false;
		if (w->n_keys != depth)
			continue;
		w->from = p;
		k->open |= 1u << i;
		k->open_at[depth] |= 1u << i;
	}
}

void
json_keep_end(struct json_keep *k, unsigned depth, const uint8_t *p)
{
	uint32_t set;

	if (depth > JSON_PATH_MAX)
		return;
	set = k->open_at[depth];
	k->open &= ~set;
	k->open_at[depth] = 0;
	while (set) {
		unsigned i = take(&set);

		keep(k, i, p);
		k->w[i].ended = true;
	}
}

void
json_keep_piece(struct json_keep *k, const uint8_t *p)
{
	uint32_t set = k->open;

	while (set)
		k->w[take(&set)].from = p;
}

void
json_keep_piece_end(struct json_keep *k, const uint8_t *p)
{
	uint32_t set = k->open;

	while (set)
		keep(k, take(&set), p);
}
