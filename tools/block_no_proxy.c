#include "tools/block.h"

#include <string.h>
#include <strings.h>

static const char separators[] = ", \t\n";	/* undici's and curl's */

/* The next piece of *rest between separators, without them. */
static bool
next_piece(struct slice *rest, struct slice *piece)
{
	while (rest->len > 0 && strchr(separators, rest->p[0])) {
		rest->p++;
		rest->len--;
	}
	*piece = (struct slice){ rest->p, 0 };
	while (rest->len > 0 && !strchr(separators, rest->p[0])) {
		rest->p++;
		rest->len--;
		piece->len++;
	}
	return piece->len > 0;
}

/* "*.b", ".b" and "b" are alike to most clients, and b is then b itself, too. */
static struct slice
without_front(struct slice name)
{
	if (name.len > 0 && name.p[0] == '*') {
		name.p++;
		name.len--;
	}
	if (name.len > 0 && name.p[0] == '.') {
		name.p++;
		name.len--;
	}
	return name;
}

/* Without ":443", the port that calls go to.  With another one it covers none of
 * them: *is_other. */
static struct slice
without_port(struct slice name, bool *is_other)
{
	const char *colon = memchr(name.p, ':', name.len);
	size_t len = colon ? (size_t)(colon - name.p) : name.len;

	*is_other = len < name.len &&
	    !slice_eq((struct slice){ name.p + len, name.len - len },
	    SLICE(":443"));
	return (struct slice){ name.p, len };
}

/* Is name below domain, or the same? */
static bool
is_within(struct slice name, struct slice domain)
{
	size_t front = name.len - domain.len;

	if (domain.len > name.len ||
	    strncasecmp(name.p + front, domain.p, domain.len) != 0)
		return false;
	return front == 0 || name.p[front - 1] == '.';
}

/* Would this entry send a call past us? */
static bool
covers(struct slice entry, struct slice intercept)
{
	struct slice name, pattern;
	bool is_other_port;

	name = without_front(without_port(entry, &is_other_port));
	if (is_other_port)
		return false;
	if (name.len > 0 && name.p[name.len - 1] == '.')
		name.len--;
	if (name.len == 0)
		return true;		/* "*" */
	while (next_piece(&intercept, &pattern)) {
		bool is_suffix = pattern.p[0] == '*';
		struct slice host = without_front(pattern);

		if (is_within(host, name) || (is_suffix && is_within(name, host)))
			return true;
	}
	return false;
}

static void
put(struct bytes *out, size_t began, struct slice entry)
{
	if (out->len > began)
		bytes_putc(out, ',');
	bytes_put_slice(out, entry);
}

void
block_put_no_proxy(struct bytes *out, const char *theirs,
    struct slice intercept)
{
	static const struct slice own[] = {
		{ "127.0.0.1", 9 }, { "localhost", 9 },
	};
	struct slice rest = { theirs, theirs ? strlen(theirs) : 0 }, entry;
	bool has[2] = { false, false };
	size_t began = out->len;

	while (next_piece(&rest, &entry)) {
		if (covers(entry, intercept))
			continue;
		put(out, began, entry);
		for (int i = 0; i < 2; i++)
			has[i] |= slice_eq_nocase(entry, own[i]);
	}
	for (int i = 0; i < 2; i++)
		if (!has[i])
			put(out, began, own[i]);
}
