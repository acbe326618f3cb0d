#include "store/texts.h"

#include <assert.h>
#include <string.h>

enum { FIRST_CAP = 8 };

void
texts_set(struct texts *t, unsigned i, struct slice s)
{
	uint32_t cap = FIRST_CAP;
	uint8_t *to;

	assert(i < TEXTS_MAX && s.len <= UINT32_MAX / 2);
	if (s.len > t->at[i].cap) {
		while (cap < s.len)
			cap *= 2;
		t->at[i].is_set = false;
		/* Most texts are set once: those get just their length. */
		if (t->at[i].cap == 0)
			cap = (uint32_t)s.len;
		to = bytes_reserve(&t->store, cap);
		if (!to) {
			t->store.failed = false;	/* a shorter one may fit */
			return;
		}
		t->at[i].off = (uint32_t)t->store.len;
		t->at[i].cap = cap;
		t->store.len += cap;
	}
	if (s.len > 0)
		memcpy(t->store.p + t->at[i].off, s.p, s.len);
	t->at[i].len = (uint32_t)s.len;
	t->at[i].is_set = true;
}

void
texts_set_cut(struct texts *t, unsigned i, struct slice s, size_t max)
{
	size_t n = s.len;

	if (n > max) {
		for (n = max; n > 0 && max - n < 3; n--)
			if (((uint8_t)s.p[n] & 0xc0) != 0x80)
				break;
	}
	texts_set(t, i, (struct slice){ s.p, n });
}

void
texts_drop(struct texts *t, unsigned i, unsigned end)
{
	for (; i < end; i++)
		t->at[i].is_set = false;
}

struct slice
texts_get(const struct texts *t, unsigned i)
{
	struct slice s = { NULL, 0 };

	assert(i < TEXTS_MAX);
	if (!t->at[i].is_set)
		return s;
	s.len = t->at[i].len;
	s.p = s.len ? (const char *)t->store.p + t->at[i].off : "";
	return s;
}

void
texts_fini(struct texts *t)
{
	bytes_fini(&t->store);
	memset(t, 0, sizeof(*t));
}
