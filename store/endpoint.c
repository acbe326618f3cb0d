#include "store/endpoint.h"

#include <string.h>

/* The last three segments of a path, the last one first. */
struct tail {
	struct slice seg[3];
};

static struct slice
take_last(struct slice *path)
{
	size_t at = path->len;
	struct slice seg;

	while (at > 0 && path->p[at - 1] != '/')
		at--;
	seg = (struct slice){ path->p + at, path->len - at };
	path->len = at > 0 ? at - 1 : 0;
	return seg;
}

static void
split(struct tail *t, struct slice path)
{
	while (path.len > 0 && path.p[path.len - 1] == '/')
		path.len--;
	for (unsigned i = 0; i < 3; i++)
		t->seg[i] = take_last(&path);
}

static bool
is(struct slice seg, const char *name)
{
	return slice_eq(seg, (struct slice){ name, strlen(name) });
}

/* The query asks for stream=true.  Python's str(True) is taken too. */
static bool
asks_stream(struct slice query)
{
	static const struct slice yes[] = { { "stream=true", 11 }, { "stream=1", 8 } };

	while (query.len > 0) {
		const char *amp = memchr(query.p, '&', query.len);
		size_t n = amp ? (size_t)(amp - query.p) : query.len;

		for (unsigned i = 0; i < 2; i++)
			if (slice_eq_nocase((struct slice){ query.p, n }, yes[i]))
				return true;
		n += amp != NULL;
		query.p += n;
		query.len -= n;
	}
	return false;
}

static enum endpoint
of_post(const struct tail *t, struct slice *id)
{
	const struct slice *s = t->seg;

	if (is(s[0], "responses"))
		return ENDPOINT_RESPONSES_CREATE;
	if (is(s[0], "compact") && is(s[1], "responses"))
		return ENDPOINT_RESPONSES_COMPACT;
	if (is(s[0], "input_tokens") && is(s[1], "responses"))
		return ENDPOINT_RESPONSES_INPUT_TOKENS;
	if (is(s[0], "completions") && is(s[1], "chat"))
		return ENDPOINT_CHAT;
	if (is(s[0], "embeddings"))
		return ENDPOINT_EMBEDDINGS;
	if (is(s[0], "ingest") && is(s[1], "traces"))
		return ENDPOINT_INGEST;
	if (is(s[0], "cancel") && is(s[2], "responses") && s[1].len > 0) {
		*id = s[1];
		return ENDPOINT_RESPONSES_CANCEL;
	}
	return ENDPOINT_OTHER;
}

static bool
names_response(const struct tail *t)
{
	return is(t->seg[1], "responses") && t->seg[0].len > 0 &&
	    !is(t->seg[0], "compact") && !is(t->seg[0], "input_tokens");
}

static enum endpoint
of_get(const struct tail *t, struct slice query, struct slice *id)
{
	const struct slice *s = t->seg;

	if (is(s[0], "input_items") && is(s[2], "responses") && s[1].len > 0) {
		*id = s[1];
		return ENDPOINT_RESPONSES_INPUT_ITEMS;
	}
	if (!names_response(t))
		return ENDPOINT_OTHER;
	*id = s[0];
	return asks_stream(query) ? ENDPOINT_RESPONSES_STREAM :
	    ENDPOINT_RESPONSES_GET;
}

enum endpoint
endpoint_of(struct slice method, struct slice target, struct slice *id)
{
	struct slice path = target, query = { "", 0 };
	const char *mark, *hash;
	struct tail t;

	*id = (struct slice){ NULL, 0 };
	if (target.len == 0)
		return ENDPOINT_OTHER;
	hash = memchr(path.p, '#', path.len);
	if (hash)
		path.len = (size_t)(hash - path.p);
	mark = memchr(path.p, '?', path.len);
	if (mark) {
		query.p = mark + 1;
		query.len = (size_t)(path.p + path.len - query.p);
		path.len = (size_t)(mark - path.p);
	}
	split(&t, path);
	if (is(method, "POST"))
		return of_post(&t, id);
	if (is(method, "GET"))
		return of_get(&t, query, id);
	if (is(method, "DELETE") && names_response(&t)) {
		*id = t.seg[0];
		return ENDPOINT_RESPONSES_DELETE;
	}
	return ENDPOINT_OTHER;
}

struct slice
endpoint_path(struct slice target)
{
	const char *p = target.len && target.p[0] != '/' ?
	    memmem(target.p, target.len, "://", 3) : NULL;
	const char *end = target.p + target.len;

	if (!p)
		return target;
	for (p += 3; p < end; p++)
		if (*p == '/' || *p == '?')
			return (struct slice){ p, (size_t)(end - p) };
	return SLICE("/");
}
