#include "store/payload.h"

#include <stdlib.h>
#include <string.h>

enum payload_kind
payload_kind_of(struct slice type)
{
	const char *semicolon;
	struct slice t = type, tail;

	if (!t.p)
		return PAYLOAD_MAYBE_JSON;
	semicolon = memchr(t.p, ';', t.len);
	if (semicolon)
		t.len = (size_t)(semicolon - t.p);
	while (t.len > 0 && (t.p[t.len - 1] == ' ' || t.p[t.len - 1] == '\t'))
		t.len--;
	if (slice_eq_nocase(t, SLICE("text/event-stream")))
		return PAYLOAD_EVENTS;
	if (slice_eq_nocase(t, SLICE("application/json")))
		return PAYLOAD_JSON;
	if (t.len < 5)
		return PAYLOAD_OPAQUE;
	tail = (struct slice){ t.p + t.len - 5, 5 };
	return slice_eq_nocase(tail, SLICE("+json")) ? PAYLOAD_JSON : PAYLOAD_OPAQUE;
}

void
payload_init(struct payload *p, enum payload_kind kind,
    const struct json_want *want, size_t n_want, struct slice coding)
{
	memset(p, 0, sizeof(*p));
	p->kind = kind;
	p->want = want;
	p->n_want = n_want;
	p->decoded_bytes = -1;
	if (!coding.p || slice_eq_nocase(coding, SLICE("identity")))
		return;
	if (decode_new(&p->decode, coding) == DECODE_OK)
		p->decoded_bytes = 0;
	else
		p->undecodable = true;
}

static void
on_event_data(void *arg, const char *data, size_t n)
{
	struct payload *p = arg;

	json_scan_feed(p->scan, data, n);
}

static void
on_event(void *arg, struct slice name)
{
	struct payload *p = arg;

	if (json_scan_end(p->scan) == 0)	/* "[DONE]" is none */
		p->on_event(p->arg, name);
	json_scan_reset(p->scan);
}

static const struct sse_sink sink = { on_event_data, on_event };

static bool
make_readers(struct payload *p)
{
	p->scan = json_scan_new(p->want, p->n_want);
	if (!p->scan || p->kind != PAYLOAD_EVENTS)
		return p->scan != NULL;
	p->sse = malloc(sizeof(*p->sse));
	if (p->sse)
		sse_init(p->sse, &sink, p);
	return p->sse != NULL;
}

/* A piece of plain text. */
static void
on_text(void *arg, const void *data, size_t n)
{
	struct payload *p = arg;

	p->n_text += n;
	if (p->on_text)
		p->on_text(p->arg, data, n);
	if (p->kind == PAYLOAD_OPAQUE)
		return;
	if (!p->scan && !make_readers(p)) {
		p->kind = PAYLOAD_OPAQUE;	/* no memory: counted, not read */
		return;
	}
	if (p->kind == PAYLOAD_EVENTS)
		sse_feed(p->sse, data, n);
	else if (json_scan_feed(p->scan, data, n) != 0 && p->kind == PAYLOAD_JSON)
		p->odd_json = true;
}

void
payload_feed(struct payload *p, const void *data, size_t n)
{
	if (n == 0)
		return;
	p->odd_coding |= p->undecodable;
	if (p->ended || p->undecodable)
		return;
	if (!p->decode) {
		on_text(p, data, n);
		return;
	}
	if (decode_feed(p->decode, data, n, on_text, p) != DECODE_OK)
		p->odd_coding = true;
	p->decoded_bytes = (int64_t)decode_bytes(p->decode);
}

void
payload_end(struct payload *p, bool clean)
{
	if (p->ended)
		return;
	p->ended = true;
	if (p->decode && decode_end(p->decode, on_text, p) != DECODE_OK && clean)
		p->odd_coding = true;
	if (p->sse)
		sse_end(p->sse);
	if (p->kind == PAYLOAD_JSON && p->scan && clean && !p->odd_coding &&
	    json_scan_end(p->scan) != 0)
		p->odd_json = true;
}

void
payload_fini(struct payload *p)
{
	decode_free(p->decode);
	json_scan_free(p->scan);
	free(p->sse);
	p->decode = NULL;
	p->scan = NULL;
	p->sse = NULL;
	p->ended = true;
}
