#include "proxy/answer.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "proxy/conn.h"
#include "proxy/log.h"
#include "proxy/piece.h"
#include "store/json.h"

static const char *
reason_phrase(int status)
{
	switch (status) {
	case 400: return "Bad Request";
	case 403: return "Forbidden";
	case 405: return "Method Not Allowed";
	case 407: return "Proxy Authentication Required";
	case 408: return "Request Timeout";
	case 414: return "URI Too Long";
	case 431: return "Request Header Fields Too Large";
	case 501: return "Not Implemented";
	case 502: return "Bad Gateway";
	case 503: return "Service Unavailable";
	case 504: return "Gateway Timeout";
	case 505: return "HTTP Version Not Supported";
	}
	return "Error";
}

/* The SDKs try each 5xx three times: not where the third is as bad as the first. */
static bool
is_pointless_to_retry(int status, const char *code)
{
	return (status < 500 && status != 408) || status == 501 ||
	    status == 505 || strcmp(code, "upstream_certificate") == 0 ||
	    strcmp(code, "upstream_loop") == 0;
}

static enum outcome
outcome_of(int status)
{
	switch (status) {
	case 408:
	case 504:
		return OUTCOME_TIMEOUT;
	case 502:
		return OUTCOME_UPSTREAM;
	}
	return OUTCOME_REFUSED;
}

static void
put_body(struct bytes *body, const char *code, const char *message)
{
	bytes_puts(body, "{\"error\":{\"message\":");
	json_put_string(body, (struct slice){ message, strlen(message) });
	bytes_printf(body, ",\"type\":\"proxy_error\",\"param\":null,"
	    "\"code\":\"%s\"}}\n", code);
}

/* Our own answer is recorded like any other. */
static void
record(struct conn *c, const struct bytes *head, const struct bytes *body)
{
	struct piece *piece = piece_new();

	tap_mark(&c->tap, &c->tap.end.timing.first_byte);
	tap_head(&c->tap, bytes_slice(head), true);
	if (piece && body->len <= PIECE_BYTES && !(c->flags & CONN_HEAD_ONLY)) {
		memcpy(piece->data, body->p, body->len);
		tap_data(&c->tap, SIDE_RESPONSE_BODY, piece, piece->data,
		    body->len);
	}
	piece_drop(piece);
	c->tap.end.response.sent_bytes = c->tap.end.response.body_bytes;
	c->tap.end.flags |= EXCHANGE_OURS;
	c->tap.end.has_clean_response = true;
}

void
answer_refusal(struct conn *c, const struct refusal *no)
{
	struct bytes head = { 0 }, body = { 0 };

	if (c->state == CONN_DIAL || c->state == CONN_EXCHANGE ||
	    c->state == CONN_KEEP)
		request_absorb(c);
	put_body(&body, no->code, no->why);
	bytes_printf(&head, "HTTP/1.1 %d %s\r\nContent-Type: application/json\r\n"
	    "Content-Length: %zu\r\n%s%sConnection: close\r\n\r\n", no->status,
	    reason_phrase(no->status), body.len, no->lines ? no->lines : "",
	    is_pointless_to_retry(no->status, no->code) ?
	    "x-should-retry: false\r\n" : "");
	conn_say(c, LOG_WARN, "answered status=%d code=%s why=\"%s\"", no->status,
	    no->code, no->why);
	if (c->client && !head.failed && !body.failed) {
		stream_write(c->client, head.p, head.len);
		if (!(c->flags & CONN_HEAD_ONLY))
			stream_write(c->client, body.p, body.len);
	}
	if (c->tap.loop && !head.failed && !body.failed)
		record(c, &head, &body);
	tap_end(&c->tap, outcome_of(no->status), no->why);
	bytes_fini(&head);
	bytes_fini(&body);
	c->flags &= ~(unsigned)CONN_CONNECTS;	/* nothing was tunnelled */
	conn_linger(c, STREAM_END_CLEAN, no->why);
}

void
answer(struct conn *c, int status, const char *code, const char *fmt, ...)
{
	struct refusal no = { .status = status, .code = code };
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(no.why, sizeof(no.why), fmt, ap);
	va_end(ap);
	answer_refusal(c, &no);
}
