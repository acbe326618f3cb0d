#include "tools/dump.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "tools/body.h"
#include "tools/units.h"

enum { LABEL_CELLS = 14 };

static void
title(struct dump *d, const char *s)
{
	fprintf(d->out, "%s%s%s\n", term_on(&d->term, TERM_BOLD), s,
	    term_off(&d->term));
}

/* One "label  value" line; the value is made harmless. */
static void
field(struct dump *d, const char *label, struct slice value)
{
	struct bytes b = { 0 };

	if (!value.p)
		return;
	term_put(&b, value);
	fprintf(d->out, "%*s%-*s%.*s\n", DUMP_INDENT, "", LABEL_CELLS, label,
	    (int)b.len, (const char *)b.p);
	bytes_fini(&b);
}

static void
made_field(struct dump *d, const char *label, struct bytes *b)
{
	if (b->len > 0)
		field(d, label, bytes_slice(b));
	bytes_clear(b);
}

/* Appends s with what goes before and after it, nothing when it is missing. */
static void
add(struct bytes *b, const char *before, struct slice s, const char *after)
{
	if (!s.p)
		return;
	bytes_puts(b, before);
	bytes_put_slice(b, s);
	bytes_puts(b, after);
}

static void
show_call(struct dump *d, const struct exchange *x, struct bytes *b)
{
	units_local(b, x->time_ns);
	made_field(d, "time", b);
	add(b, "", x->method, " ");
	add(b, "", x->scheme, "://");
	add(b, "", x->host, "");
	/* CONNECT's and absolute-form targets have no path to join to a host. */
	if (x->path.len > 0 && x->path.p[0] != '/')
		bytes_putc(b, ' ');
	add(b, "", x->path, "");
	made_field(d, "call", b);
	bytes_puts(b, outcome_name(x->outcome));
	add(b, ": ", x->reason, "");
	made_field(d, "outcome", b);
	if (x->status >= 0)
		bytes_printf(b, "%" PRId64, x->status);
	made_field(d, "status", b);
}

static void
show_answer(struct dump *d, const struct exchange *x, struct bytes *b)
{
	add(b, "", x->model, "");
	if (x->model_asked.p && !slice_eq(x->model, x->model_asked))
		add(b, " (asked for ", x->model_asked, ")");
	made_field(d, "model", b);
	field(d, "response", x->response_id);
	field(d, "previous", x->previous_response_id);
	field(d, "conversation", x->conversation);
	add(b, "", x->api_status, "");
	add(b, " (", x->incomplete_reason, ")");
	made_field(d, "api status", b);
	field(d, "service tier", x->service_tier);
	add(b, "", x->error_type, " ");
	add(b, "", x->error_code, " ");
	add(b, "", x->error_message, "");
	made_field(d, "error", b);
	field(d, "request id", x->request_id);
}

static void
show_items(struct dump *d, const struct ingest_counts *items, struct bytes *b)
{
	if (items->traces < 0)
		return;
	bytes_printf(b, "%" PRId64 " trace%s, %" PRId64 " span%s", items->traces,
	    items->traces == 1 ? "" : "s", items->spans,
	    items->spans == 1 ? "" : "s");
	if (items->odd > 0)
		bytes_printf(b, ", %" PRId64 " that are neither", items->odd);
	made_field(d, "items", b);
}

static void
show_client(struct dump *d, const struct exchange *x, struct bytes *b)
{
	add(b, "", x->client, "");
	bytes_printf(b, ", %s", mode_name(x->mode));
	add(b, ", ", x->tls_client, "");
	add(b, ", label ", x->label, "");
	add(b, ", key ", x->key_hash, "");
	made_field(d, "client", b);
	add(b, "", x->user_agent, "");
	add(b, " (", x->sdk_lang, "");
	add(b, x->sdk_lang.p ? " " : " (", x->sdk_version, "");
	bytes_puts(b, x->sdk_lang.p || x->sdk_version.p ? ")" : "");
	if (x->retry_count > 0)
		bytes_printf(b, ", retry %" PRId64, x->retry_count);
	made_field(d, "sdk", b);
	add(b, "", x->tls_upstream, "");
	if (x->flags & EXCHANGE_TLS_RESUMED)
		bytes_puts(b, " resumed");
	made_field(d, "upstream tls", b);
}

static void
show_flags(struct dump *d, const struct exchange *x)
{
	static const struct {
		uint32_t flag;
		const char *says;
	} notes[] = {
		{ EXCHANGE_RETRIED, "sent once more: the pooled connection was "
		    "dead" },
		{ EXCHANGE_OURS, "the answer is tracetape's own, not the API's" },
		{ EXCHANGE_UPGRADED, "upgraded: the bodies are two byte streams" },
		{ EXCHANGE_BACKGROUND, "a background response" },
		{ EXCHANGE_ODD_JSON, "a body that should be JSON is not" },
		{ EXCHANGE_ODD_CODING, "a coded body does not decode" },
	};

	for (size_t i = 0; i < sizeof(notes) / sizeof(notes[0]); i++)
		if (x->flags & notes[i].flag)
			field(d, "note", (struct slice){ notes[i].says,
			    strlen(notes[i].says) });
}

/* "dns  1.25 ms", and nothing for what did not happen. */
static void
show_ms(struct dump *d, const char *label, int64_t us, const char *note)
{
	struct bytes b = { 0 };

	if (us < 0)
		return;
	bytes_printf(&b, "%10" PRId64 ".%03d ms%s", us / 1000, (int)(us % 1000),
	    note);
	made_field(d, label, &b);
	bytes_fini(&b);
}

static void
show_timing(struct dump *d, const struct exchange *x)
{
	const struct timing *t = &x->timing;

	title(d, "timing");
	if (x->flags & EXCHANGE_REUSED)
		field(d, "connection", SLICE("reused"));
	show_ms(d, "dns", t->dns, "");
	show_ms(d, "connect", t->connect, "");
	show_ms(d, "tls", t->tls, "");
	show_ms(d, "sent", t->sent_last, " after the start");
	show_ms(d, "wait", dump_wait(t), "");
	show_ms(d, "first byte", t->first_byte, " after the start");
	show_ms(d, "first token", t->first_token, " after the start");
	show_ms(d, "total", t->end, "");
	show_ms(d, "api's own", t->upstream_ms < 0 ||
	    t->upstream_ms > INT64_MAX / 1000 ? -1 : t->upstream_ms * 1000,
	    " as openai-processing-ms claims");
}

static void
show_tokens(struct dump *d, const char *label, int64_t n, const char *part,
    int64_t of_it)
{
	struct bytes b = { 0 };

	if (n < 0)
		return;
	bytes_printf(&b, "%10" PRId64, n);
	if (of_it >= 0)
		bytes_printf(&b, " (%s %" PRId64 ")", part, of_it);
	made_field(d, label, &b);
	bytes_fini(&b);
}

static void
show_usage(struct dump *d, const struct usage *u)
{
	if (u->input < 0 && u->output < 0 && u->total < 0)
		return;
	putc('\n', d->out);
	title(d, "usage");
	show_tokens(d, "input", u->input, "cached", u->cached);
	show_tokens(d, "cache write", u->cache_write, "", -1);
	show_tokens(d, "output", u->output, "reasoning", u->reasoning);
	show_tokens(d, "total", u->total, "", -1);
}

static int
show_lines(struct dump *d, uint64_t seq, enum side side)
{
	struct bytes b = { 0 };
	struct term_text t;
	int rc = body_read(d->reader, seq, side, BODY_HEAD_MAX, &b);

	term_text_init(&t, d->out, DUMP_INDENT);
	term_text_feed(&t, b.p, b.len);
	term_text_end(&t);
	bytes_fini(&b);
	return rc;
}

/* Head, body, trailer of one direction. */
static int
show_message(struct dump *d, const struct exchange *x, bool is_request)
{
	const struct message *m = is_request ? &x->request : &x->response;
	int rc;

	title(d, is_request ? "request" : "response");
	if (m->head_bytes < 0)
		dump_note(d, "none came");
	rc = show_lines(d, x->seq,
	    is_request ? SIDE_REQUEST_HEAD : SIDE_RESPONSE_HEAD);
	if (rc == 0 && m->kept_bytes != 0)
		rc = dump_body(d, x, is_request);
	if (rc == 0)
		rc = show_lines(d, x->seq, is_request ? SIDE_REQUEST_TRAILER :
		    SIDE_RESPONSE_TRAILER);
	return rc;
}

static void
show_overview(struct dump *d, const struct exchange *x)
{
	struct bytes b = { 0 };

	fprintf(d->out, "%sexchange %" PRIu64 "%s\n",
	    term_on(&d->term, TERM_BOLD), x->seq, term_off(&d->term));
	show_call(d, x, &b);
	show_answer(d, x, &b);
	show_items(d, &x->items, &b);
	show_client(d, x, &b);
	show_flags(d, x);
	bytes_fini(&b);
	putc('\n', d->out);
	show_timing(d, x);
	show_usage(d, &x->usage);
	putc('\n', d->out);
}

static int
show(struct dump *d, const struct exchange *x)
{
	bool is_one = d->flags & (DUMP_REQUEST | DUMP_RESPONSE);
	int rc = 0;

	if (d->format != DUMP_TABLE) {
		rc = dump_json(d, x, true);
		putc('\n', d->out);
		return rc;
	}
	if (!is_one)
		show_overview(d, x);
	if (!is_one || (d->flags & DUMP_REQUEST))
		rc = show_message(d, x, true);
	if (!is_one)
		putc('\n', d->out);
	if (rc == 0 && (!is_one || (d->flags & DUMP_RESPONSE)))
		rc = show_message(d, x, false);
	return rc;
}

int
dump_show(struct dump *d)
{
	struct body_copy c = { 0 };
	struct exchange x;
	uint64_t seq;
	int code = dump_pick(d, d->ids[0], &seq), rc;

	if (code != DUMP_OK)
		return code;
	rc = reader_get(d->reader, seq, &x);
	if (rc == 0 && body_copy(&c, &x) != 0)
		rc = ENOMEM;
	if (rc == 0)
		rc = show(d, &c.x);
	body_copy_fini(&c);
	return rc == 0 ? DUMP_OK : dump_reader_failed(d, rc);
}
