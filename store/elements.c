#include "store/elements.h"

#include <stdlib.h>
#include <string.h>

enum { FIRST_CAP = 16 };

/* Where in the outermost object we are. */
enum state {
	START,		/* before its '{' */
	MEMBER,		/* a key, ',' or the end comes */
	KEY,
	COLON,
	VALUE,		/* behind the colon */
	SKIP,		/* in a value */
	BETWEEN,	/* in the list: an element, ',' or ']' comes */
	ELEMENT,
	OVER,
};

/* What a key leads to. */
enum kind { OTHER, LIST, AGENT };

static const uint64_t odd = 0x9e3779b97f4a7c15;

static uint64_t
mix(uint64_t h, uint64_t v)
{
	h = (h ^ v) * odd;
	return h ^ h >> 32;
}

/* Words of eight bytes from the text's beginning, whatever the pieces. */
static void
hash_add(struct elements_hash *x, const char *p, size_t n)
{
	uint64_t h = x->h;

	for (; n > 0 && x->len % 8 != 0; n--) {
		x->word |= (uint64_t)(uint8_t)*p++ << (8 * (x->len++ % 8));
		if (x->len % 8 == 0) {
			h = mix(h, x->word);
			x->word = 0;
		}
	}
	x->len += n;
	for (; n >= 8; n -= 8, p += 8) {
		uint64_t word;

		memcpy(&word, p, 8);
		h = mix(h, word);
	}
	/* A big-endian machine hashes otherwise, and only for itself. */
	for (size_t i = 0; i < n; i++)
		x->word |= (uint64_t)(uint8_t)p[i] << (8 * i);
	x->h = h;
}

static uint64_t
hash_end(const struct elements_hash *x)
{
	return mix(mix(x->h, x->word), x->len);
}

uint64_t
elements_roll(uint64_t before, uint64_t element)
{
	return mix(before + odd, element);
}

void
elements_init(struct elements *e)
{
	memset(e, 0, sizeof(*e));
}

void
elements_fini(struct elements *e)
{
	free(e->each);
	memset(e, 0, sizeof(*e));
	e->state = OVER;
}

static void
add_element(struct elements *e, uint64_t hash)
{
	if (e->n == e->cap && e->cap < ELEMENTS_MAX) {
		size_t cap = e->cap ? 2 * e->cap : FIRST_CAP;
		uint64_t *each = realloc(e->each, cap * sizeof(*each));

		if (!each)
			return;
		e->each = each;
		e->cap = cap;
	}
	if (e->n < e->cap)
		e->each[e->n++] = hash;
}

static enum kind
kind_of(const char *key, size_t n)
{
	static const struct {
		const char *name;
		enum kind kind;
	} known[] = {
		{ "input", LIST },
		{ "messages", LIST },
		{ "model", AGENT },
		{ "instructions", AGENT },
		{ "tools", AGENT },
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strlen(known[i].name) == n &&
		    memcmp(known[i].name, key, n) == 0)
			return known[i].kind;
	return OTHER;
}

static void
begin_value(struct elements *e, enum state state)
{
	e->state = state;
	e->skip = (struct json_skip){ 0 };
	e->hash = (struct elements_hash){ 0 };
}

/* A value of the outermost object is over.  Sums, because the order of keys means
 * nothing. */
static void
end_member(struct elements *e)
{
	if (e->kind == LIST)		/* a string, such as "input": "hello" */
		add_element(e, hash_end(&e->hash));
	else if (e->kind == AGENT)
		e->head += mix(hash_end(&e->hash), (uint8_t)e->key[0]);
	e->state = MEMBER;
}

static const char *
on_value(struct elements *e, const char *p, const char *end)
{
	const char *to = json_skip(&e->skip, p, end);

	if (e->kind != OTHER)
		hash_add(&e->hash, p, (size_t)(to - p));
	if (e->skip.in != JSON_SKIP_DONE)
		return to;
	if (e->state == ELEMENT) {
		add_element(e, hash_end(&e->hash));
		e->state = BETWEEN;
	} else {
		end_member(e);
	}
	return to;
}

/* The text of a key, up to its quote, of which a beginning is enough. */
static const char *
on_key(struct elements *e, const char *p, const char *end)
{
	const char *to = json_skip(&e->skip, p, end);
	size_t n = (size_t)(to - p);

	if (n > ELEMENTS_KEY_MAX - e->key_len)
		n = ELEMENTS_KEY_MAX - e->key_len;
	memcpy(e->key + e->key_len, p, n);
	e->key_len += n;
	if (e->skip.in == JSON_SKIP_DONE) {
		e->kind = kind_of(e->key, e->key_len - 1);
		e->state = COLON;
	}
	return to;
}

static void
begin_key(struct elements *e)
{
	e->state = KEY;
	e->skip = (struct json_skip){ .in = JSON_SKIP_STRING };
	e->key_len = 0;
}

/* A byte that is no white space, outside of keys and values.  False: it is the
 * first one of what is entered now. */
static bool
on_byte(struct elements *e, char c)
{
	switch ((enum state)e->state) {
	case START:		/* a byte order mark may stand in front */
		if (c == '{')
			e->state = MEMBER;
		else if (!memchr("\xef\xbb\xbf", c, 3))
			e->state = OVER;
		return true;
	case MEMBER:
		if (c == '"')
			begin_key(e);
		else if (c != ',')
			e->state = OVER;
		return true;
	case COLON:
		e->state = c == ':' ? VALUE : OVER;
		return true;
	case VALUE:
		if (c == '[' && e->kind == LIST) {
			e->state = BETWEEN;
			return true;
		}
		begin_value(e, SKIP);
		return false;
	case BETWEEN:
		if (c == ']')
			e->state = MEMBER;
		else if (c == '}')
			e->state = OVER;
		else if (c != ',')
			begin_value(e, ELEMENT);
		return e->state != ELEMENT;
	case KEY:
	case SKIP:
	case ELEMENT:
	case OVER:
		break;
	}
	return true;
}

static bool
is_space(char c)
{
	return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

void
elements_feed(struct elements *e, const void *data, size_t n)
{
	const char *p = data, *end;

	if (n == 0)
		return;
	end = p + n;
	while (p < end && e->state != OVER) {
		if (e->state == KEY)
			p = on_key(e, p, end);
		else if (e->state == SKIP || e->state == ELEMENT)
			p = on_value(e, p, end);
		else if (is_space(*p))
			p++;
		else
			p += on_byte(e, *p);
	}
}
