#include "tools/dump.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "tools/body.h"
#include "tools/pretty.h"
#include "tools/reply.h"
#include "tools/units.h"

enum { SLICE_MAX = 1024, SNIFF_MAX = 4096, INNER = 2 * DUMP_INDENT };

/* What one body may still print, in which form. */
struct form {
	struct dump *d;
	enum { UNKNOWN, PLAIN, JSON, HEX } kind;
	struct slice type;
	bool is_cut;		/* there was more than left */
	uint64_t left;
	struct term_text text;
	struct pretty pretty;
	struct bytes scratch;
	uint64_t off;		/* of the next hex line */
	uint8_t line[16];
	unsigned n_line;
};

void
dump_note(struct dump *d, const char *fmt, ...)
{
	va_list ap;

	fprintf(d->out, "%*s%s[", DUMP_INDENT, "", term_on(&d->term, TERM_DIM));
	va_start(ap, fmt);
	vfprintf(d->out, fmt, ap);
	va_end(ap);
	fprintf(d->out, "]%s\n", term_off(&d->term));
}

static void
form_init(struct form *f, struct dump *d, unsigned indent)
{
	memset(f, 0, sizeof(*f));
	f->d = d;
	f->left = d->flags & DUMP_FULL ? UINT64_MAX : DUMP_BODY_MAX;
	term_text_init(&f->text, d->out, indent);
	pretty_init(&f->pretty);
}

/* ---- hex */

static void
hex_line(struct form *f)
{
	if (f->n_line == 0)
		return;
	fprintf(f->d->out, "%*s%08" PRIx64 " ", DUMP_INDENT, "", f->off);
	for (unsigned i = 0; i < 16; i++) {
		fputs(i == 8 ? "  " : " ", f->d->out);
		if (i < f->n_line)
			fprintf(f->d->out, "%02x", f->line[i]);
		else
			fputs("  ", f->d->out);
	}
	fputs("  ", f->d->out);
	for (unsigned i = 0; i < f->n_line; i++)
		putc(f->line[i] >= 0x20 && f->line[i] < 0x7f ? f->line[i] : '.',
		    f->d->out);
	putc('\n', f->d->out);
	f->off += f->n_line;
	f->n_line = 0;
}

static void
feed_hex(struct form *f, const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		f->line[f->n_line++] = p[i];
		if (f->n_line == sizeof(f->line))
			hex_line(f);
	}
}

/* ---- text */

/* Prints as much as is left, without cutting a character. */
static void
print_text(struct form *f, const uint8_t *p, size_t n)
{
	size_t some = n;

	if (n > f->left) {
		f->is_cut = true;
		some = (size_t)f->left;
		while (some > 0 && (p[some] & 0xc0) == 0x80)
			some--;
		f->left = 0;
	} else {
		f->left -= n;
	}
	term_text_feed(&f->text, p, some);
}

static void
feed_json(struct form *f, const uint8_t *p, size_t n)
{
	/* A slice at a time: indentation may be much longer than the text. */
	for (size_t i = 0; i < n && !f->is_cut; i += SLICE_MAX) {
		bytes_clear(&f->scratch);
		pretty_feed(&f->pretty, p + i,
		    n - i < SLICE_MAX ? n - i : SLICE_MAX, &f->scratch);
		print_text(f, f->scratch.p, f->scratch.len);
	}
}

static void
choose(struct form *f, const uint8_t *p, size_t n)
{
	if (body_is_binary(f->type, p, n < SNIFF_MAX ? n : SNIFF_MAX)) {
		f->kind = HEX;
		if (f->left < UINT64_MAX)
			f->left = DUMP_HEX_MAX;
	} else {
		f->kind = body_is_json(f->type) || !f->type.p ? JSON : PLAIN;
	}
}

static bool
on_bytes(void *arg, const void *p, size_t n)
{
	struct form *f = arg;

	if (f->left == 0 || f->is_cut) {
		f->is_cut |= n > 0;
		return false;
	}
	if (f->kind == UNKNOWN)
		choose(f, p, n);
	if (f->kind == JSON) {
		feed_json(f, p, n);
	} else if (f->kind == PLAIN) {
		print_text(f, p, n);
	} else {
		f->is_cut = n > f->left;
		feed_hex(f, p, f->is_cut ? (size_t)f->left : n);
		f->left -= f->is_cut ? f->left : n;
	}
	return true;
}

static void
form_end(struct form *f)
{
	hex_line(f);
	term_text_end(&f->text);
	bytes_fini(&f->scratch);
}

/* ---- what is said below a body */

static void
note_size(struct dump *d, const char *what, int64_t n)
{
	struct bytes b = { 0 };

	units_size(&b, n);
	dump_note(d, "%s%.*s", what, (int)b.len, (const char *)b.p);
	bytes_fini(&b);
}

static void
note_end(struct dump *d, const struct message *m, const struct body_end *end)
{
	if (end->decoded == DECODE_UNKNOWN)
		dump_note(d, "the content coding is not known: bytes as sent");
	else if (end->decoded != DECODE_OK)
		dump_note(d, "decoding ended early: %s",
		    decode_strerror(end->decoded));
	if (m->kept_bytes >= 0 && m->kept_bytes < m->body_bytes)
		note_size(d, "the recorder cut this body; it had ",
		    m->body_bytes);
}

static void
note_cut(struct dump *d, const struct exchange *x, bool is_request)
{
	const struct message *m = is_request ? &x->request : &x->response;

	note_size(d, "cut here; the whole has ", m->decoded_bytes >= 0 ?
	    m->decoded_bytes : m->body_bytes);
	dump_note(d, "all of it: tracetape dump show --full %" PRIu64
	    ", or the exact bytes: tracetape dump raw %" PRIu64 " --%s", x->seq,
	    x->seq, is_request ? "request" : "response");
}

/* ---- an event stream as the message it carried */

static void
print_part(struct form *f, const struct reply_part *part)
{
	if (part->kind != REPLY_TEXT && part->kind != REPLY_ARGUMENTS &&
	    part->kind != REPLY_INPUT)
		fprintf(f->d->out, "%*s(%s)\n", INNER, "",
		    reply_kind_name(part->kind));
	f->kind = part->kind == REPLY_ARGUMENTS ? JSON : PLAIN;
	pretty_init(&f->pretty);
	on_bytes(f, part->text.p, part->text.len);
	term_text_end(&f->text);
}

static void
print_item(struct form *f, const struct reply_item *it)
{
	const struct bytes *names[] = { &it->type, &it->name, &it->call_id };
	struct dump *d = f->d;
	struct bytes b = { 0 };

	for (int i = 0; i < 3; i++) {
		if (names[i]->len == 0)
			continue;
		bytes_puts(&b, b.len > 0 ? " " : "");
		term_put(&b, bytes_slice(names[i]));
	}
	fprintf(d->out, "%*s%s%.*s%s\n", DUMP_INDENT, "",
	    term_on(&d->term, TERM_CYAN), (int)b.len, (const char *)b.p,
	    term_off(&d->term));
	bytes_fini(&b);
	for (size_t i = 0; i < it->n; i++)
		if (it->parts[i].text.len > 0)
			print_part(f, &it->parts[i]);
	/* An item of a kind that has no text of its own: as the API gave it. */
	if (it->n == 0 && it->raw.len > 0) {
		f->kind = JSON;
		pretty_init(&f->pretty);
		on_bytes(f, it->raw.p, it->raw.len);
		term_text_end(&f->text);
	}
}

static void
print_line(struct dump *d, const char *name, struct slice s)
{
	struct bytes b = { 0 };

	if (s.len == 0)
		return;
	term_put(&b, s);
	fprintf(d->out, "%*s%-8s %.*s\n", DUMP_INDENT, "", name, (int)b.len,
	    (const char *)b.p);
	bytes_fini(&b);
}

static void
print_reply(struct dump *d, const struct exchange *x, const struct reply *a)
{
	const struct reply_item *it;
	struct form f;

	dump_note(d, "rebuilt from %" PRIu64 " events; they are in --events",
	    reply_events(a));
	form_init(&f, d, INNER);
	for (size_t i = 0; (it = reply_item(a, i)); i++)
		print_item(&f, it);
	print_line(d, "status", reply_status(a));
	print_line(d, "usage", reply_usage(a));
	print_line(d, "error", reply_error(a));
	if (f.is_cut || reply_is_cut(a))
		note_cut(d, x, false);
	if (!reply_is_over(a))
		dump_note(d, "the stream has no last event");
	form_end(&f);
}

static bool
on_stream(void *arg, const void *p, size_t n)
{
	reply_feed(arg, p, n);
	return true;
}

static int
show_stream(struct dump *d, const struct exchange *x)
{
	struct body_from from = { d->reader, x->seq, SIDE_RESPONSE_BODY,
		x->response.encoding };
	struct reply *a = reply_new();
	struct body_end end;
	int rc;

	if (!a)
		return ENOMEM;
	rc = body_each(&from, on_stream, a, &end);
	reply_end(a);
	print_reply(d, x, a);
	note_end(d, &x->response, &end);
	reply_free(a);
	return rc;
}

int
dump_body(struct dump *d, const struct exchange *x, bool is_request)
{
	const struct message *m = is_request ? &x->request : &x->response;
	struct body_from from = { d->reader, x->seq, is_request ?
		SIDE_REQUEST_BODY : SIDE_RESPONSE_BODY, m->encoding };
	struct body_end end;
	struct form f;
	int rc;

	if (!is_request && body_is_sse(m->type))
		return d->flags & DUMP_EVENTS ? dump_events(d, x) :
		    show_stream(d, x);
	form_init(&f, d, DUMP_INDENT);
	f.type = m->type;
	rc = body_each(&from, on_bytes, &f, &end);
	form_end(&f);
	if (f.is_cut)
		note_cut(d, x, is_request);
	note_end(d, m, &end);
	return rc;
}
