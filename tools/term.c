#include "tools/term.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "tools/utf8.h"

static unsigned
look_width(int fd)
{
	struct winsize ws;
	const char *s = getenv("COLUMNS");
	long n;

	if (ioctl(fd, TIOCGWINSZ, &ws) == 0 && ws.ws_col > 0)
		return ws.ws_col;
	n = s ? strtol(s, NULL, 10) : 0;
	return n > 0 && n < 10000 ? (unsigned)n : TERM_WIDTH_DEFAULT;
}

void
term_look(struct term *t, int fd)
{
	const char *no = getenv("NO_COLOR");
	const char *kind = getenv("TERM");

	memset(t, 0, sizeof(*t));
	if (!isatty(fd))
		return;
	t->width = look_width(fd);
	t->has_colour = !(no && *no) && !(kind && strcmp(kind, "dumb") == 0);
}

const char *
term_on(const struct term *t, enum term_colour c)
{
	static const char *const codes[] = {
		"", "\x1b[1m", "\x1b[2m", "\x1b[31m", "\x1b[32m", "\x1b[33m",
		"\x1b[36m",
	};

	return t->has_colour ? codes[c] : "";
}

const char *
term_off(const struct term *t)
{
	return t->has_colour ? "\x1b[0m" : "";
}

/* One character, len bytes at p, len < 0: a byte that is no UTF-8. */
static void
put_char(struct bytes *out, const uint8_t *p, int len, uint32_t cp)
{
	if (len <= 0)
		bytes_printf(out, "\\x%02x", p[0]);
	else if (!utf8_is_hostile(cp))
		bytes_put(out, p, (size_t)len);
	else if (cp < 0x100)
		bytes_printf(out, "\\x%02x", (unsigned)cp);
	else
		bytes_printf(out, cp > 0xffff ? "\\U%08x" : "\\u%04x",
		    (unsigned)cp);
}

void
term_put(struct bytes *out, struct slice s)
{
	const uint8_t *p = (const uint8_t *)s.p;
	uint32_t cp;

	for (size_t i = 0; i < s.len; ) {
		int len = utf8_next(p + i, s.len - i, &cp);

		put_char(out, p + i, len, cp);
		i += len > 0 ? (size_t)len : 1;
	}
}

size_t
term_cells(struct slice s)
{
	size_t cells = 0;
	uint32_t cp;

	for (size_t i = 0; i < s.len; ) {
		int len = utf8_next(s.p + i, s.len - i, &cp);

		cells += len > 0 ? (size_t)utf8_cells(cp) : 1;
		i += len > 0 ? (size_t)len : 1;
	}
	return cells;
}

/* Bytes of the longest beginning that takes at most `cells`. */
static size_t
fit_head(struct slice s, size_t cells)
{
	size_t i = 0, used = 0;
	uint32_t cp;

	while (i < s.len) {
		int len = utf8_next(s.p + i, s.len - i, &cp);
		size_t w = len > 0 ? (size_t)utf8_cells(cp) : 1;

		if (used + w > cells)
			break;
		used += w;
		i += len > 0 ? (size_t)len : 1;
	}
	return i;
}

/* Offset of the longest end that takes at most `cells`. */
static size_t
fit_tail(struct slice s, size_t cells)
{
	size_t all = term_cells(s), i = 0, used = 0;
	uint32_t cp;

	while (i < s.len && all - used > cells) {
		int len = utf8_next(s.p + i, s.len - i, &cp);

		used += len > 0 ? (size_t)utf8_cells(cp) : 1;
		i += len > 0 ? (size_t)len : 1;
	}
	return i;
}

void
term_clip(struct bytes *out, struct slice s, size_t cells, bool keep_tail)
{
	size_t tail, from;

	if (term_cells(s) <= cells) {
		bytes_put_slice(out, s);
		return;
	}
	if (cells == 0)
		return;
	tail = keep_tail ? (cells - 1) / 2 : 0;
	from = fit_tail(s, tail);
	bytes_put(out, s.p, fit_head(s, cells - 1 - tail));
	bytes_puts(out, "\u2026");
	if (tail > 0)
		bytes_put(out, s.p + from, s.len - from);
}

void
term_text_init(struct term_text *t, FILE *out, unsigned indent)
{
	memset(t, 0, sizeof(*t));
	t->out = out;
	t->indent = indent;
	t->at_start = true;
}

static void
text_char(struct term_text *t, const uint8_t *p, int len, uint32_t cp)
{
	struct bytes b = { 0 };

	if (len == 1 && cp == '\n') {
		putc_unlocked('\n', t->out);
		t->at_start = true;
		return;
	}
	if (t->at_start)
		fprintf(t->out, "%*s", (int)t->indent, "");
	t->at_start = false;
	if (len == 1 && (cp == '\t' || (cp >= 0x20 && cp < 0x7f))) {
		putc_unlocked((int)cp, t->out);
		return;
	}
	put_char(&b, p, len, cp);
	fwrite(b.p, 1, b.len, t->out);
	bytes_fini(&b);
}

/* Prints what is complete in [p, p + n); returns how much that was.  A CR waits
 * for what follows, as an unfinished character does. */
static size_t
text_run(struct term_text *t, const uint8_t *p, size_t n)
{
	size_t i = 0;
	uint32_t cp;

	while (i < n) {
		int len = utf8_next(p + i, n - i, &cp);

		if (len == UTF8_MORE || (cp == '\r' && i + 1 == n))
			break;
		if (cp != '\r' || p[i + 1] != '\n')
			text_char(t, p + i, len, cp);
		i += len > 0 ? (size_t)len : 1;
	}
	return i;
}

void
term_text_feed(struct term_text *t, const void *from, size_t n)
{
	const uint8_t *p = from;
	size_t used;

	while (t->held > 0 && n > 0) {
		t->hold[t->held++] = *p++;
		n--;
		used = text_run(t, t->hold, t->held);
		t->held -= (unsigned)used;
		memmove(t->hold, t->hold + used, t->held);
	}
	used = text_run(t, p, n);
	if (used < n) {
		t->held = (unsigned)(n - used);
		memcpy(t->hold, p + used, t->held);
	}
}

void
term_text_end(struct term_text *t)
{
	for (unsigned i = 0; i < t->held; i++)
		text_char(t, t->hold + i, t->hold[i] < 0x80 ? 1 : -1,
		    t->hold[i]);
	t->held = 0;
	if (!t->at_start)
		putc_unlocked('\n', t->out);
	t->at_start = true;
}
