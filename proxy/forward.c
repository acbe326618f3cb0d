#include "proxy/forward.h"

#include <string.h>

bool
forward_split_absolute(struct slice target, struct slice *authority,
    struct slice *path)
{
	static const char http[] = "http://", https[] = "https://";
	size_t skip;
	const char *p;

	if (target.len >= sizeof(http) - 1 && slice_eq_nocase(
	    (struct slice){ target.p, sizeof(http) - 1 }, SLICE("http://")))
		skip = sizeof(http) - 1;
	else if (target.len >= sizeof(https) - 1 && slice_eq_nocase(
	    (struct slice){ target.p, sizeof(https) - 1 }, SLICE("https://")))
		skip = sizeof(https) - 1;
	else
		return false;
	authority->p = target.p + skip;
	authority->len = target.len - skip;
	*path = SLICE("/");
	for (p = authority->p; p < target.p + target.len; p++) {
		if (*p != '/' && *p != '?')
			continue;
		authority->len = (size_t)(p - authority->p);
		path->p = p;
		path->len = (size_t)(target.p + target.len - p);
		break;
	}
	return true;
}

static void
put_start(struct bytes *out, const struct http1_head *h)
{
	struct slice authority, path, start = h->start;
	size_t before;

	if (!forward_split_absolute(h->target, &authority, &path)) {
		bytes_put_slice(out, start);
		return;
	}
	before = (size_t)(h->target.p - start.p);
	bytes_put(out, start.p, before);
	if (path.p[0] == '?')
		bytes_putc(out, '/');
	/* No path and no query: the whole server is meant (RFC 9112 3.2.4). */
	if (slice_eq(h->method, SLICE("OPTIONS")) &&
	    authority.p + authority.len == h->target.p + h->target.len)
		path = SLICE("*");
	bytes_put_slice(out, path);
	bytes_put(out, start.p + before + h->target.len,
	    start.len - before - h->target.len);
}

static bool
is_upgrade_line(const struct http1_line *l)
{
	return slice_eq_nocase(l->name, SLICE("connection")) ||
	    slice_eq_nocase(l->name, SLICE("upgrade"));
}

/* Host: name, colon and spacing stay as the client wrote them. */
static void
put_host(struct bytes *out, const struct http1_line *l, const char *authority)
{
	size_t before = l->value.len ? (size_t)(l->value.p - l->raw.p) :
	    l->raw.len - 2;

	bytes_put(out, l->raw.p, before);
	bytes_puts(out, authority);
	bytes_puts(out, "\r\n");
}

void
forward_request(struct bytes *out, const struct http1_head *h,
    enum forward_lines lines, const char *authority)
{
	if (lines == FORWARD_ALL && http1_disowns_framing(h))
		lines = FORWARD_END_TO_END;
	put_start(out, h);
	for (unsigned i = 0; i < h->n; i++) {
		const struct http1_line *l = &h->line[i];

		if (lines == FORWARD_END_TO_END && http1_is_hop_by_hop(h, l) &&
		    !(h->has_upgrade && is_upgrade_line(l)))
			continue;
		if (authority && slice_eq_nocase(l->name, SLICE("host")))
			put_host(out, l, authority);
		else
			bytes_put_slice(out, l->raw);
	}
	if (authority && !h->host.p)		/* HTTP/1.0 may lack it */
		bytes_printf(out, "Host: %s\r\n", authority);
	bytes_puts(out, "\r\n");
}

void
forward_response(struct bytes *out, const struct http1_head *h,
    enum forward_lines lines, enum forward_end end)
{
	if (lines == FORWARD_ALL && ((end == FORWARD_CLOSE && !h->has_close) ||
	    http1_disowns_framing(h)))
		lines = FORWARD_END_TO_END;
	bytes_put_slice(out, h->start);
	for (unsigned i = 0; i < h->n; i++) {
		const struct http1_line *l = &h->line[i];

		if (lines == FORWARD_ALL || !http1_is_hop_by_hop(h, l) ||
		    (h->status == 101 && is_upgrade_line(l)))
			bytes_put_slice(out, l->raw);
	}
	if (end == FORWARD_CLOSE && lines == FORWARD_END_TO_END)
		bytes_puts(out, "Connection: close\r\n");
	bytes_puts(out, "\r\n");
}
