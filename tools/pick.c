#include "tools/pick.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int
pick_next(struct reader *r, uint64_t after, struct exchange *x, uint64_t *bad)
{
	int rc;

	for (;; after = x->seq, (*bad)++) {
		x->seq = 0;
		rc = reader_next(r, after, x);
		if (rc != READER_CORRUPT || x->seq <= after)
			return rc;
	}
}

int
pick_prev(struct reader *r, uint64_t before, struct exchange *x, uint64_t *bad)
{
	int rc;

	for (;; before = x->seq, (*bad)++) {
		x->seq = UINT64_MAX;
		rc = reader_prev(r, before, x);
		if (rc != READER_CORRUPT || x->seq >= before)
			return rc;
	}
}

/* Decimal digits and nothing else; false also when out of range. */
static bool
number(const char *s, uint64_t *v)
{
	char *end;

	if (*s < '0' || *s > '9')
		return false;
	errno = 0;
	*v = strtoull(s, &end, 10);
	return errno == 0 && *end == '\0';
}

static int
pick_seq(struct reader *r, uint64_t seq)
{
	struct exchange x;

	return reader_get(r, seq, &x);
}

/* The n-th exchange before the newest. */
static int
pick_last(struct reader *r, const char *tail, uint64_t *seq)
{
	struct exchange x;
	uint64_t n = 0, before = UINT64_MAX, bad = 0;
	int rc;

	if (*tail != '\0' && (*tail != '~' || !number(tail + 1, &n)))
		return PICK_MALFORMED;
	do {
		rc = pick_prev(r, before, &x, &bad);
		before = x.seq;
	} while (rc == 0 && n-- > 0);
	*seq = x.seq;
	return rc;
}

/* What a search by prefix has found so far.  The scan goes from the newest
 * exchange to the oldest. */
struct search {
	struct slice prefix;
	struct bytes ids[PICK_CANDIDATES + 1];	/* different ones that match */
	unsigned n;
	uint64_t seq;		/* the exchange that ids[0] means */
	bool is_exact;		/* the prefix is a whole id: longer ones are out */
	enum endpoint how;	/* what seq did to it */
};

static bool
begins(const struct search *s, struct slice id)
{
	return id.p && id.len >= s->prefix.len &&
	    memcmp(id.p, s->prefix.p, s->prefix.len) == 0;
}

static void
forget(struct search *s)
{
	for (unsigned i = 0; i < s->n; i++)
		bytes_fini(&s->ids[i]);
	s->n = 0;
	s->how = ENDPOINT_OTHER;
}

/* Remembers a different id while there is room; one more than can be named is
 * enough to say that there are more. */
static void
add_id(struct search *s, struct slice id)
{
	for (unsigned i = 0; i < s->n; i++)
		if (slice_eq(bytes_slice(&s->ids[i]), id))
			return;
	if (s->n <= PICK_CANDIDATES)
		bytes_put_slice(&s->ids[s->n++], id);
}

static void
add_match(struct search *s, const struct exchange *x, struct slice id)
{
	bool is_exact = id.len == s->prefix.len;

	if (s->is_exact && !is_exact)
		return;
	if (is_exact && !s->is_exact) {
		forget(s);
		s->is_exact = true;
	}
	add_id(s, id);
	if (!slice_eq(bytes_slice(&s->ids[0]), id))
		return;
	if (x->endpoint != ENDPOINT_RESPONSES_CREATE &&
	    s->how == ENDPOINT_RESPONSES_CREATE)
		return;
	s->seq = x->seq;
	s->how = x->endpoint;
}

static int
search_all(struct reader *r, struct search *s)
{
	struct exchange x;
	uint64_t before = UINT64_MAX, bad = 0;
	int rc;

	while ((rc = pick_prev(r, before, &x, &bad)) == 0) {
		before = x.seq;
		if (begins(s, x.response_id))
			add_match(s, &x, x.response_id);
		else if (begins(s, x.request_id))
			add_match(s, &x, x.request_id);
	}
	if (rc != READER_NONE || s->n == 0)
		return rc;
	return s->n > 1 ? PICK_AMBIGUOUS : 0;
}

static void
name_candidates(const struct search *s, struct bytes *out)
{
	for (unsigned i = 0; i < s->n && i < PICK_CANDIDATES; i++) {
		bytes_puts(out, i > 0 ? ", " : "");
		bytes_put_slice(out, bytes_slice(&s->ids[i]));
	}
	if (s->n > PICK_CANDIDATES)
		bytes_puts(out, ", ...");
}

static int
search(struct reader *r, const char *id, uint64_t *seq, struct bytes *candidates)
{
	struct search s = { .prefix = { id, strlen(id) } };
	int rc;

	if (s.prefix.len < PICK_PREFIX_MIN)
		return PICK_SHORT;
	rc = search_all(r, &s);
	*seq = s.seq;
	if (rc == PICK_AMBIGUOUS && candidates)
		name_candidates(&s, candidates);
	forget(&s);
	return rc;
}

int
pick(struct reader *r, const char *id, uint64_t *seq, struct bytes *candidates)
{
	if (number(id, seq))
		return pick_seq(r, *seq);
	if (strncmp(id, "@last", 5) == 0)
		return pick_last(r, id + 5, seq);
	if (id[0] == '@')
		return PICK_MALFORMED;
	return search(r, id, seq, candidates);
}
