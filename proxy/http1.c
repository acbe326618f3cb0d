#include "proxy/http1.h"

#include <string.h>

#include "proxy/http1_chars.h"
#include "proxy/http1_fields.h"

enum {
	/* `seen` is lines * SEEN_LINE + bytes looked at, so that it fits a
	 * size_t of 32 bits and a caller has one number to keep. */
	SEEN_LINE = 2 * HTTP1_HEAD_MAX,

	LINE_IS_END = 1,	/* the empty line behind the fields */
};

/* Where a head's reading stands. */
struct place {
	size_t looked;		/* no LF in p[at..looked) */
	unsigned lines;		/* whole ones, the start line included */
};

/* What differs between the two kinds of head.  Both functions give 0 or -rule.
 * first is asked about whatever there is of the first bytes; start about a
 * whole start line: p[n] is the CR of its end. */
struct kind {
	int (*first)(const char *p, size_t n);
	int (*start)(struct http1_head *h, const char *p, size_t n);
};

/* The rule that the byte at p[i] breaks in a start line of n bytes, when it is
 * not the byte that `rule` asks for.  The line's own CR: it is too short. */
static int
start_fault(const char *p, size_t i, size_t n, enum http1_rule rule)
{
	if (i >= n)
		return -HTTP1_BAD_START_LINE;
	return p[i] == '\r' ? -HTTP1_BARE_CR : -(int)rule;
}

/* HTTP/1.0 or HTTP/1.1 (RFC 9112 2.3), in this case of letters. */
static int
version_parse(struct http1_head *h, const char *p, size_t n)
{
	if (n != 8 || memcmp(p, "HTTP/", 5) != 0 || p[6] != '.' ||
	    !http1_is(p[5], HTTP1_DIGIT) || !http1_is(p[7], HTTP1_DIGIT))
		return memchr(p, '\r', n) ? -HTTP1_BARE_CR :
		    -HTTP1_BAD_START_LINE;
	if (p[5] != '1' || p[7] > '1')
		return -HTTP1_BAD_VERSION;
	h->minor = (unsigned)(p[7] - '0');
	return 0;
}

/* method SP request-target SP HTTP-version (RFC 9112 3), single spaces. */
static int
request_line(struct http1_head *h, const char *p, size_t n)
{
	size_t method = http1_run(p, n, HTTP1_TOKEN), from = method + 1, to;

	if (method == 0 || p[method] != ' ')
		return start_fault(p, method, n, HTTP1_BAD_METHOD);
	to = from + http1_run(p + from, n - from, HTTP1_TARGET);
	if (to == from || p[to] != ' ')
		return start_fault(p, to, n, HTTP1_BAD_TARGET);
	h->method = (struct slice){ p, method };
	h->target = (struct slice){ p + from, to - from };
	h->reason = (struct slice){ NULL, 0 };
	h->status = 0;
	return version_parse(h, p + to + 1, n - to - 1);
}

/* A first byte that no method has is refused at once: a TLS client on a plain
 * port would else wait for our time limit.  A lone CR may become a CRLF. */
static int
request_first(const char *p, size_t n)
{
	if (http1_is(p[0], HTTP1_TOKEN) || (p[0] == '\r' && n == 1))
		return 0;
	if (p[0] == '\n')
		return -HTTP1_BARE_LF;
	if (p[0] == '\r')
		return p[1] == '\n' ? -HTTP1_BAD_START_LINE : -HTTP1_BARE_CR;
	return -HTTP1_BAD_METHOD;
}

static int
status_parse(struct http1_head *h, const char *p)
{
	if (p[0] == '0' || http1_run(p, 3, HTTP1_DIGIT) != 3)
		return -HTTP1_BAD_STATUS;
	h->status = (p[0] - '0') * 100 + (p[1] - '0') * 10 + (p[2] - '0');
	return 0;
}

/* HTTP-version SP status-code SP [ reason-phrase ] (RFC 9112 4).  Servers that
 * leave out the second space with the reason are common and mean one thing. */
static int
status_line(struct http1_head *h, const char *p, size_t n)
{
	size_t space = http1_run(p, n, HTTP1_TARGET), text;
	int rc;

	if (space == n || p[space] != ' ')
		return start_fault(p, space, n, HTTP1_BAD_START_LINE);
	if ((rc = version_parse(h, p, space)))
		return rc;
	p += space + 1;
	n -= space + 1;
	if (n < 3 || (n > 3 && p[3] != ' ' && p[3] != '\r'))
		return -HTTP1_BAD_STATUS;
	if ((rc = status_parse(h, p)))
		return rc;
	text = http1_text_run(p + 3, n - 3);
	if (text < n - 3)
		return start_fault(p, 3 + text, n, HTTP1_BAD_START_LINE);
	h->reason = n > 3 ? (struct slice){ p + 4, n - 4 } :
	    (struct slice){ p + 3, 0 };
	h->method = h->target = (struct slice){ NULL, 0 };
	return 0;
}

static int
status_first(const char *p, size_t n)
{
	return memcmp(p, "HTTP/", n < 5 ? n : 5) ? -HTTP1_BAD_START_LINE : 0;
}

static const struct kind request = { request_first, request_line };
static const struct kind response = { status_first, status_line };

/* Why the name of a line ends at p[i], which is no colon behind a token. */
static int
name_fault(const char *p, size_t i, size_t n, bool first)
{
	size_t after = i;

	if (i == n)
		return -HTTP1_NO_COLON;
	if (p[i] == '\r')
		return -HTTP1_BARE_CR;
	if (i == 0 && http1_is_blank(p[0]))
		return first ? -HTTP1_SPACE_BEFORE_FIELDS : -HTTP1_OBS_FOLD;
	while (after < n && http1_is_blank(p[after]))
		after++;
	if (after > i && after < n && p[after] == ':')
		return -HTTP1_SPACE_BEFORE_COLON;
	return memchr(p + i, ':', n - i) ? -HTTP1_BAD_NAME : -HTTP1_NO_COLON;
}

/* field-name ":" OWS field-value OWS (RFC 9112 5); p[n] is the CR of its end. */
static int
field_line(struct http1_line *l, const char *p, size_t n, bool first)
{
	size_t name = http1_run(p, n, HTTP1_TOKEN), from = name + 1, to, text;

	if (name == 0 || p[name] != ':')
		return name_fault(p, name, n, first);
	while (from < n && http1_is_blank(p[from]))
		from++;
	text = from + http1_text_run(p + from, n - from);
	if (text < n)
		return p[text] == '\r' ? -HTTP1_BARE_CR : -HTTP1_BAD_VALUE;
	for (to = n; to > from && http1_is_blank(p[to - 1]); to--)
		;
	l->name = (struct slice){ p, name };
	l->value = (struct slice){ p + from, to - from };
	l->raw = (struct slice){ p, n + 2 };
	return 0;
}

/* Line `index` of a head is p[0..n), the last byte is an LF.
 * 0, LINE_IS_END or -rule. */
static int
head_line(struct http1_head *h, const struct kind *kind, const char *p,
    size_t n, unsigned index)
{
	if (n < 2 || p[n - 2] != '\r')
		return -HTTP1_BARE_LF;
	if (index == 0) {
		h->start = (struct slice){ p, n };
		return kind->start(h, p, n - 2);
	}
	if (n == 2)
		return LINE_IS_END;
	if (index > HTTP1_LINES_MAX)
		return -HTTP1_TOO_MANY_LINES;
	return field_line(&h->line[index - 1], p, n - 2, index == 1);
}

/* Begin of the line in which p[lf] is the LF.  Only asked for once per line that
 * came in pieces, never per byte: that is what keeps slow arrival linear. */
static size_t
line_begin(const char *p, size_t lf)
{
	const char *before = memrchr(p, '\n', lf);

	return before ? (size_t)(before - p) + 1 : 0;
}

/* Reads the lines that are whole from w on, and moves w.  > 0: the head's length,
 * 0: need more, < 0: -rule.  Which rule depends on the bytes alone, not on how
 * they were cut: each line is judged when its LF is there, and in order. */
static long
head_lines(struct http1_head *h, const struct kind *kind, const char *p,
    size_t n, struct place *w)
{
	bool begin_known = w->looked == 0;
	size_t at = 0;

	for (;;) {
		size_t max = w->lines ? HTTP1_HEAD_MAX : HTTP1_START_MAX;
		size_t end = n < max ? n : max;
		const char *lf = memchr(p + w->looked, '\n', end - w->looked);
		int rc;

		if (!lf) {
			w->looked = end;
			if (end < max)
				return 0;
			return w->lines ? -HTTP1_TOO_LONG : -HTTP1_START_TOO_LONG;
		}
		if (!begin_known)
			at = line_begin(p, (size_t)(lf - p));
		begin_known = true;
		rc = head_line(h, kind, p + at, (size_t)(lf + 1 - p) - at,
		    w->lines);
		if (rc < 0)
			return rc;
		at = w->looked = (size_t)(lf + 1 - p);
		if (rc == LINE_IS_END)
			return (long)at;
		w->lines++;
	}
}

/* A head that came in pieces is judged line by line as it comes, and read once
 * more when it is whole: p may have moved, so nothing in h is kept over calls. */
static long
head_parse(struct http1_head *h, const struct kind *kind, const char *p,
    size_t n, size_t *seen)
{
	struct place w = { *seen % SEEN_LINE, (unsigned)(*seen / SEEN_LINE) };
	bool pieces = w.looked > 0;
	long used;
	int rc;

	if (n == 0 || n <= w.looked)
		return 0;
	if (w.lines == 0 && (rc = kind->first(p, n)))
		return rc;
	if (w.lines == 0 && p[0] == '\r')
		return 0;
	used = head_lines(h, kind, p, n, &w);
	if (used == 0)
		*seen = w.lines * SEEN_LINE + w.looked;
	if (used <= 0)
		return used;
	if (pieces) {
		w = (struct place){ 0, 0 };
		used = head_lines(h, kind, p, (size_t)used, &w);
	}
	h->n = w.lines - 1;
	h->len = (size_t)used;
	return used;
}

long
http1_request(struct http1_head *h, const void *p, size_t n, size_t *seen)
{
	long used = head_parse(h, &request, p, n, seen);
	int rc = used > 0 ? http1_fields_request(h) : 0;

	return rc < 0 ? rc : used;
}

long
http1_response(struct http1_head *h, struct slice method, const void *p,
    size_t n, size_t *seen)
{
	long used = head_parse(h, &response, p, n, seen);
	int rc = used > 0 ? http1_fields_response(h, method) : 0;

	return rc < 0 ? rc : used;
}

size_t
http1_skip_crlf(const void *p, size_t n)
{
	const char *s = p;
	size_t i = 0;

	while (n - i >= 2 && s[i] == '\r' && s[i + 1] == '\n')
		i += 2;
	return i;
}
