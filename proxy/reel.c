#include "proxy/reel.h"

#include "proxy/loop.h"

static const int64_t save_every_ns = 1000000000;

void
reel_free(struct reel *r)
{
	for (struct tape *t; (t = r->first);) {
		tape_unlink(&r->first, t);
		tape_free(t);
	}
}

int
reel_save(struct reel *r, struct writer *w, int64_t young_ns, bool *has_young)
{
	const int64_t now = loop_now_ns();

	*has_young = false;
	for (struct tape *t = r->first; t; t = tape_next(t)) {
		const int64_t saved = tape_saved_ns(t);
		int rc;

		if (young_ns == 0 && tape_holds(t))
			tape_let_go(t);
		else if (!tape_is_unsaved(t) ||
		    (saved && now - saved < save_every_ns))
			continue;
		if (now - tape_began_ns(t) < young_ns && tape_is_unput(t)) {
			*has_young = true;
			continue;
		}
		if ((rc = tape_save(t, w, NULL)) != 0)
			return rc;
	}
	return 0;
}

size_t
reel_held(const struct reel *r)
{
	size_t n = 0;

	for (const struct tape *t = r->first; t; t = tape_next(t))
		if (tape_is_unput(t) || tape_holds(t))
			n += tape_cost(t);
	return n;
}

void
reel_committed(struct reel *r)
{
	for (struct tape *t = r->first; t; t = tape_next(t))
		tape_committed(t);
}

void
reel_lost(struct reel *r)
{
	for (struct tape *t = r->first; t; t = tape_next(t))
		tape_lost(t);
}
