#include "store/headline.h"

#include <string.h>

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static struct slice
trim(const char *p, const char *end)
{
	while (p < end && is_blank(*p))
		p++;
	while (end > p && is_blank(end[-1]))
		end--;
	return (struct slice){ p, (size_t)(end - p) };
}

bool
headline_first(struct slice *rest, struct headline *h)
{
	const char *lf;
	size_t n;

	if (rest->len == 0)
		return false;
	lf = memchr(rest->p, '\n', rest->len);
	n = lf ? (size_t)(lf + 1 - rest->p) : rest->len;
	memset(h, 0, sizeof(*h));
	h->before = (struct slice){ rest->p, n };
	h->value = h->after = (struct slice){ rest->p + n, 0 };
	rest->p += n;
	rest->len -= n;
	return true;
}

bool
headline_next(struct slice *rest, struct headline *h)
{
	const char *p, *end, *colon;

	if (!headline_first(rest, h))
		return false;
	p = h->before.p;
	end = p + h->before.len;
	colon = memchr(p, ':', h->before.len);
	if (!colon)
		return true;
	h->name = trim(p, colon);
	h->value = trim(colon + 1, end);
	h->before.len = (size_t)(h->value.p - p);
	h->after.p = h->value.p + h->value.len;
	h->after.len = (size_t)(end - h->after.p);
	return true;
}
