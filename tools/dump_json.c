/* The object of one exchange.  Every key is always there; null: not seen.
 *
 *   seq, time (ISO 8601, UTC, ns), time_ns, mode, client, label, method, scheme,
 *   host, path, status, outcome, reason, model, response_id,
 *   previous_response_id, request_id: see store/exchange.h
 *   trace_id, span_id   of the span that names the response
 *   usage      the API's own object
 *   timing     ms with fractions.  Durations: dns, connect, tls, wait (from the
 *              last byte sent to the first byte of the answer).  Since `time`:
 *              sent (last byte sent), first_byte, first_token, total
 *   request, response   head (secrets redacted), type, bytes (received), sha256,
 *              encoding, kept (bytes on the tape), decoded (bytes, if coded);
 *              from `show` also body (text), or body_base64 when it is no text,
 *              and body_error when it could not be decoded to its end
 *   sdk        lang, version, user_agent
 *   error      code, type, message; null when none was reported
 *   endpoint, conversation, api_status, incomplete_reason, service_tier,
 *   model_asked, tool_usage, key_hash, retry_count, upstream_ms
 *   flags      names of what holds, see flag_names
 *   tls        client, upstream: versions
 *   ratelimit  by header name; numbers where the header is one
 */
#include "tools/dump.h"

#include <inttypes.h>
#include <string.h>

#include "store/json.h"
#include "tools/body.h"
#include "tools/jsonwalk.h"
#include "tools/units.h"
#include "tools/utf8.h"

static const char *const flag_names[] = {
	"reused", "retried", "stream", "background", "ours", "upgraded",
	"tls_resumed", "odd_json", "odd_coding", "kept_here",
};

/* ---- members; the comma belongs to the member before */

static void
key(struct bytes *b, const char *name)
{
	if (b->len > 0 && b->p[b->len - 1] != '{')
		bytes_putc(b, ',');
	bytes_printf(b, "\"%s\":", name);
}

static void
text(struct bytes *b, const char *name, struct slice s)
{
	key(b, name);
	if (s.p)
		json_put_string(b, s);
	else
		bytes_puts(b, "null");
}

static void
word(struct bytes *b, const char *name, const char *s)
{
	key(b, name);
	bytes_printf(b, "\"%s\"", s);
}

static void
number(struct bytes *b, const char *name, int64_t v)
{
	key(b, name);
	if (v < 0)
		bytes_puts(b, "null");
	else
		bytes_printf(b, "%" PRId64, v);
}

static void
ms(struct bytes *b, const char *name, int64_t us)
{
	key(b, name);
	if (us < 0)
		bytes_puts(b, "null");
	else
		units_ms(b, us);
}

/* What the API said is put in as it is, unless that is no JSON object. */
static void
object(struct bytes *b, const char *name, struct slice raw)
{
	key(b, name);
	if (!raw.p || raw.len == 0 || raw.p[0] != '{' ||
	    !jsonwalk_compact(raw, b))
		bytes_puts(b, "null");
}

static void
begin(struct bytes *b, const char *name)
{
	key(b, name);
	bytes_putc(b, '{');
}

static void
end(struct bytes *b)
{
	bytes_putc(b, '}');
}

int64_t
dump_wait(const struct timing *t)
{
	if (t->first_byte < 0 || t->sent_last < 0)
		return -1;
	return t->first_byte > t->sent_last ? t->first_byte - t->sent_last : 0;
}

/* ---- groups */

static void
put_identity(struct bytes *b, const struct exchange *x)
{
	key(b, "seq");
	bytes_printf(b, "%" PRIu64, x->seq);
	key(b, "time");
	bytes_putc(b, '"');
	units_iso(b, x->time_ns);
	bytes_putc(b, '"');
	key(b, "time_ns");
	bytes_printf(b, "%" PRId64, x->time_ns);
	word(b, "mode", mode_name(x->mode));
	text(b, "client", x->client);
	text(b, "label", x->label);
	text(b, "method", x->method);
	text(b, "scheme", x->scheme);
	text(b, "host", x->host);
	text(b, "path", x->path);
	number(b, "status", x->status);
	word(b, "outcome", outcome_name(x->outcome));
	text(b, "reason", x->reason);
	text(b, "model", x->model);
	text(b, "response_id", x->response_id);
	text(b, "previous_response_id", x->previous_response_id);
	text(b, "request_id", x->request_id);
}

/* The span that names the response.  Attempts, and what is joined by time, are for
 * `dump tree` to tell. */
static int
put_span(struct bytes *b, struct reader *r, const struct exchange *x)
{
	struct claim c = { { NULL, 0 }, { NULL, 0 } };
	int rc = reader_next_claim(r, x->response_id, NULL, &c);

	text(b, "trace_id", c.trace);
	text(b, "span_id", c.span);
	return rc == READER_NONE ? 0 : rc;
}

static void
put_timing(struct bytes *b, const struct timing *t)
{
	begin(b, "timing");
	ms(b, "dns", t->dns);
	ms(b, "connect", t->connect);
	ms(b, "tls", t->tls);
	ms(b, "sent", t->sent_last);
	ms(b, "wait", dump_wait(t));
	ms(b, "first_byte", t->first_byte);
	ms(b, "first_token", t->first_token);
	ms(b, "total", t->end);
	end(b);
}

static void
put_sha256(struct bytes *b, const struct message *m)
{
	key(b, "sha256");
	if (!m->has_sha256) {
		bytes_puts(b, "null");
		return;
	}
	bytes_putc(b, '"');
	for (int i = 0; i < 32; i++)
		bytes_printf(b, "%02x", m->sha256[i]);
	bytes_putc(b, '"');
}

/* Leaves the object open. */
static int
begin_message(struct dump *d, const struct exchange *x, bool is_request,
    struct bytes *b)
{
	const struct message *m = is_request ? &x->request : &x->response;
	struct bytes head = { 0 };
	int rc = body_read(d->reader, x->seq, is_request ? SIDE_REQUEST_HEAD :
	    SIDE_RESPONSE_HEAD, BODY_HEAD_MAX, &head);

	begin(b, is_request ? "request" : "response");
	text(b, "head", head.len > 0 ? bytes_slice(&head) :
	    (struct slice){ NULL, 0 });
	text(b, "type", m->type);
	number(b, "bytes", m->body_bytes);
	put_sha256(b, m);
	text(b, "encoding", m->encoding);
	number(b, "kept", m->kept_bytes);
	number(b, "decoded", m->decoded_bytes);
	bytes_fini(&head);
	return rc;
}

static void
put_errors(struct bytes *b, const struct exchange *x)
{
	begin(b, "sdk");
	text(b, "lang", x->sdk_lang);
	text(b, "version", x->sdk_version);
	text(b, "user_agent", x->user_agent);
	end(b);
	if (!x->error_code.p && !x->error_type.p && !x->error_message.p) {
		text(b, "error", (struct slice){ NULL, 0 });
		return;
	}
	begin(b, "error");
	text(b, "code", x->error_code);
	text(b, "type", x->error_type);
	text(b, "message", x->error_message);
	end(b);
}

static void
put_flags(struct bytes *b, uint32_t flags)
{
	const char *comma = "";

	key(b, "flags");
	bytes_putc(b, '[');
	for (size_t i = 0; i < sizeof(flag_names) / sizeof(flag_names[0]); i++) {
		if (!(flags & 1u << i))
			continue;
		bytes_printf(b, "%s\"%s\"", comma, flag_names[i]);
		comma = ",";
	}
	bytes_putc(b, ']');
}

static void
put_ratelimit(struct bytes *b, const struct exchange *x)
{
	begin(b, "ratelimit");
	for (int i = 0; i < RATELIMIT_N; i++) {
		const char *name = ratelimit_header((enum ratelimit)i);
		struct slice s = x->ratelimit[i];
		int64_t v;

		/* Resets are durations, "6m0s": text. */
		if (s.p && s.len < 19 && json_int(s, &v))
			number(b, name, v);
		else
			text(b, name, s);
	}
	end(b);
}

/* What a trace batch holds; null for all other exchanges. */
static void
put_items(struct bytes *b, const struct ingest_counts *items)
{
	if (items->traces < 0) {
		key(b, "items");
		bytes_puts(b, "null");
		return;
	}
	begin(b, "items");
	number(b, "traces", items->traces);
	number(b, "spans", items->spans);
	number(b, "odd", items->odd);
	end(b);
}

static void
put_rest(struct bytes *b, const struct exchange *x)
{
	put_errors(b, x);
	word(b, "endpoint", endpoint_name(x->endpoint));
	text(b, "conversation", x->conversation);
	text(b, "api_status", x->api_status);
	text(b, "incomplete_reason", x->incomplete_reason);
	text(b, "service_tier", x->service_tier);
	text(b, "model_asked", x->model_asked);
	object(b, "tool_usage", x->tool_usage_json);
	text(b, "key_hash", x->key_hash);
	number(b, "retry_count", x->retry_count);
	number(b, "upstream_ms", x->timing.upstream_ms);
	put_flags(b, x->flags);
	begin(b, "tls");
	text(b, "client", x->tls_client);
	text(b, "upstream", x->tls_upstream);
	end(b);
	put_ratelimit(b, x);
	put_items(b, &x->items);
}

/* JSON may be looked at on a terminal too.  What could harm there and is not ASCII
 * stands in strings alone, where an escape means the same. */
static void
write_json(FILE *out, const uint8_t *p, size_t n)
{
	size_t from = 0;
	uint32_t cp;

	for (size_t i = 0; i < n; ) {
		int len = p[i] < 0x80 ? 1 : utf8_next(p + i, n - i, &cp);

		if (len > 1 && utf8_is_hostile(cp)) {
			fwrite(p + from, 1, i - from, out);
			if (cp > 0xffff)
				fprintf(out, "\\u%04x\\u%04x",
				    0xd800 + ((cp - 0x10000) >> 10),
				    0xdc00 + (cp & 0x3ff));
			else
				fprintf(out, "\\u%04x", cp);
			from = i + (size_t)len;
		}
		i += len > 0 ? (size_t)len : 1;
	}
	fwrite(p + from, 1, n - from, out);
}

/* ---- bodies, written as they are read */

struct stream {
	FILE *out;
	struct slice type;
	enum { NOTHING_YET, TEXT, BASE64 } state;
	struct bytes b;
	unsigned held;		/* an unfinished character, or base64 group */
	uint8_t hold[4];
};

/* How much of [p, p + n) can be written now: all but a character that is cut. */
static size_t
whole_text(const uint8_t *p, size_t n)
{
	uint32_t cp;

	for (size_t back = 1; back <= 3 && back <= n; back++) {
		if ((p[n - back] & 0xc0) == 0x80)
			continue;
		return utf8_next(p + n - back, back, &cp) == UTF8_MORE ?
		    n - back : n;
	}
	return n;
}

static void
put_base64(struct bytes *b, const uint8_t *p, size_t n)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "abcdefghijklmnopqrstuvwxyz0123456789+/";

	for (; n > 0; p += 3) {
		uint32_t v = (uint32_t)p[0] << 16 |
		    (uint32_t)(n > 1 ? p[1] : 0) << 8 | (n > 2 ? p[2] : 0);

		bytes_putc(b, digits[v >> 18]);
		bytes_putc(b, digits[v >> 12 & 63]);
		bytes_putc(b, n > 1 ? digits[v >> 6 & 63] : '=');
		bytes_putc(b, n > 2 ? digits[v & 63] : '=');
		n -= n < 3 ? n : 3;
	}
}

/* json_put_string without its quotes. */
static void
write_run(struct stream *s, const uint8_t *p, size_t n)
{
	bytes_clear(&s->b);
	if (s->state == BASE64) {
		put_base64(&s->b, p, n);
		fwrite(s->b.p, 1, s->b.len, s->out);
		return;
	}
	json_put_string(&s->b, (struct slice){ (const char *)p, n });
	if (!s->b.failed && s->b.len > 2)
		write_json(s->out, s->b.p + 1, s->b.len - 2);
}

static size_t
whole(const struct stream *s, const uint8_t *p, size_t n)
{
	return s->state == BASE64 ? n - n % 3 : whole_text(p, n);
}

static bool
on_body(void *arg, const void *from, size_t n)
{
	struct stream *s = arg;
	const uint8_t *p = from;
	size_t done;

	if (s->state == NOTHING_YET) {
		s->state = body_is_binary(s->type, p, n) ? BASE64 : TEXT;
		fputs(s->state == TEXT ? ",\"body\":\"" :
		    ",\"body\":null,\"body_base64\":\"", s->out);
	}
	while (s->held > 0 && n > 0) {
		s->hold[s->held++] = *p++;
		n--;
		done = whole(s, s->hold, s->held);
		if (done > 0)
			write_run(s, s->hold, done);
		s->held -= (unsigned)done;
		memmove(s->hold, s->hold + done, s->held);
	}
	done = whole(s, p, n);
	if (done > 0)
		write_run(s, p, done);
	for (p += done; done < n; done++)
		s->hold[s->held++] = *p++;
	return true;
}

static int
write_body(struct dump *d, const struct exchange *x, bool is_request)
{
	const struct message *m = is_request ? &x->request : &x->response;
	struct body_from from = { d->reader, x->seq, is_request ?
		SIDE_REQUEST_BODY : SIDE_RESPONSE_BODY, m->encoding };
	struct stream s = { .out = d->out, .type = m->type };
	struct body_end over;
	int rc = body_each(&from, on_body, &s, &over);

	if (s.held > 0)
		write_run(&s, s.hold, s.held);
	if (s.state == NOTHING_YET)
		fputs(m->head_bytes < 0 ? ",\"body\":null" : ",\"body\":\"\"",
		    d->out);
	else
		putc('"', d->out);
	if (over.decoded != DECODE_OK)
		fprintf(d->out, ",\"body_error\":\"%s\"",
		    decode_strerror(over.decoded));
	bytes_fini(&s.b);
	return rc;
}

static int
write_message(struct dump *d, const struct exchange *x, bool is_request,
    struct bytes *b, bool with_body)
{
	int rc = begin_message(d, x, is_request, b);

	if (rc == 0 && with_body) {
		write_json(d->out, b->p, b->len);
		bytes_clear(b);
		rc = write_body(d, x, is_request);
	}
	end(b);
	return rc;
}

int
dump_json(struct dump *d, const struct exchange *x, bool with_bodies)
{
	struct bytes b = { 0 };
	int rc;

	bytes_putc(&b, '{');
	put_identity(&b, x);
	rc = put_span(&b, d->reader, x);
	object(&b, "usage", x->usage_json);
	put_timing(&b, &x->timing);
	if (rc == 0)
		rc = write_message(d, x, true, &b, with_bodies);
	if (rc == 0)
		rc = write_message(d, x, false, &b, with_bodies);
	put_rest(&b, x);
	end(&b);
	if (rc == 0 || with_bodies)
		write_json(d->out, b.p, b.len);
	bytes_fini(&b);
	return rc;
}
