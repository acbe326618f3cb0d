/* The first byte is the size of the pieces; then come a request and a response,
 * head and body each, with a line "%%" between the two.  Held true: pieces change
 * nothing, nor does asking while they pass; every field keeps to its contract;
 * redacting the heads first changes nothing either. */
#include <stdlib.h>
#include <string.h>

#include "store/digest.h"
#include "store/redact.h"

#define must(condition) ((condition) ? (void)0 : abort())

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct talk {
	struct slice head[2];
	struct slice body[2];
};

static struct slice
take_until(struct slice *rest, const char *mark, bool keep)
{
	size_t n = strlen(mark);
	const char *at = rest->len ? memmem(rest->p, rest->len, mark, n) : NULL;
	struct slice s = *rest;

	if (at) {
		s.len = (size_t)(at - rest->p) + (keep ? n : 0);
		rest->len -= s.len + (keep ? 0 : n);
		rest->p = at + n;
	} else {
		rest->p += rest->len;
		rest->len = 0;
	}
	return s;
}

static void
feed_body(struct digest *d, struct slice s, size_t step, bool response, bool ask)
{
	struct exchange x;

	for (size_t i = 0; i < s.len; i += step) {
		size_t n = s.len - i < step ? s.len - i : step;

		if (response)
			digest_response_data(d, s.p + i, n, 7);
		else
			digest_request_data(d, s.p + i, n);
		if (ask) {
			exchange_init(&x);
			digest_fill(d, &x);
		}
	}
}

static struct digest *
run(const struct talk *t, size_t step, bool ask, struct exchange *x)
{
	struct digest *d = digest_new();

	must(d != NULL);
	exchange_init(x);
	digest_request_head(d, t->head[0]);
	feed_body(d, t->body[0], step, false, ask);
	digest_request_end(d);
	digest_response_head(d, t->head[1]);
	feed_body(d, t->body[1], step, true, ask);
	digest_response_end(d, true);
	digest_fill(d, x);
	return d;
}

enum { N_TEXTS = 30 };

static unsigned
texts_of(const struct exchange *x, struct slice out[N_TEXTS])
{
	unsigned n = 0;

	for (unsigned i = 0; i < RATELIMIT_N; i++)
		out[n++] = x->ratelimit[i];
	out[n++] = x->request.type;
	out[n++] = x->response.type;
	out[n++] = x->request.encoding;
	out[n++] = x->response.encoding;
	out[n++] = x->model;
	out[n++] = x->model_asked;
	out[n++] = x->response_id;
	out[n++] = x->previous_response_id;
	out[n++] = x->conversation;
	out[n++] = x->api_status;
	out[n++] = x->incomplete_reason;
	out[n++] = x->service_tier;
	out[n++] = x->error_code;
	out[n++] = x->error_type;
	out[n++] = x->error_message;
	out[n++] = x->request_id;
	out[n++] = x->sdk_lang;
	out[n++] = x->sdk_version;
	out[n++] = x->user_agent;
	for (unsigned i = 0; i < n; i++)
		must(out[i].len <= 4096 && (out[i].p || out[i].len == 0));
	out[n++] = x->method;
	out[n++] = x->path;
	out[n++] = x->usage_json;
	out[n++] = x->tool_usage_json;
	return n;
}

static void
check_numbers(const struct exchange *x)
{
	const int64_t least[] = {
		x->usage.input, x->usage.cached, x->usage.cache_write,
		x->usage.output, x->usage.reasoning, x->usage.total,
		x->request.decoded_bytes, x->response.decoded_bytes,
		x->timing.first_token,
	};

	for (unsigned i = 0; i < sizeof(least) / sizeof(least[0]); i++)
		must(least[i] >= -1);
	must(x->endpoint < ENDPOINT_N && x->flags < 1 << 9);
	must(x->usage_json.p || x->usage.total == -1);
}

static void
check_same(const struct exchange *a, const struct exchange *b)
{
	struct slice ta[N_TEXTS], tb[N_TEXTS];
	unsigned n = texts_of(a, ta);

	texts_of(b, tb);
	for (unsigned i = 0; i < n; i++)
		must(!ta[i].p == !tb[i].p && slice_eq(ta[i], tb[i]));
	must(memcmp(&a->usage, &b->usage, sizeof(a->usage)) == 0);
	must(a->flags == b->flags && a->status == b->status);
	must(a->request.decoded_bytes == b->request.decoded_bytes);
	must(a->response.decoded_bytes == b->response.decoded_bytes);
	must(a->timing.first_token == b->timing.first_token);
	must(a->timing.upstream_ms == b->timing.upstream_ms);
	must(a->retry_count == b->retry_count && a->endpoint == b->endpoint);
}

/* Where a corrupt body or a bomb is found out depends on the pieces. */
static bool
is_comparable(const struct exchange *x)
{
	return !(x->flags & EXCHANGE_ODD_CODING) &&
	    x->request.decoded_bytes < 1 << 20 &&
	    x->response.decoded_bytes < 1 << 20;
}

/* The start line is not one that redacting takes for a secret's. */
static bool
has_plain_start(struct slice head)
{
	struct slice line = take_until(&head, "\n", true), name = line;
	const char *colon = memchr(line.p, ':', line.len);

	if (!colon)
		return true;
	name.len = (size_t)(colon - line.p);
	while (name.len > 0 && memchr(" \t\r\n", name.p[0], 4)) {
		name.p++;
		name.len--;
	}
	while (name.len > 0 && memchr(" \t\r\n", name.p[name.len - 1], 4))
		name.len--;
	return !redact_is_secret(name);
}

static void
check_redacted(const struct talk *t, const struct exchange *x)
{
	static const uint8_t key[REDACT_KEY_LEN] = "key";
	struct bytes head[2] = { { 0 }, { 0 } };
	char who[REDACT_HASH_LEN + 1];
	struct talk u = *t;
	struct exchange y;
	struct digest *d;

	for (unsigned i = 0; i < 2; i++) {
		redact_head(&head[i], t->head[i], key, who);
		must(strlen(who) == 0 || strlen(who) == REDACT_HASH_LEN);
		u.head[i] = bytes_slice(&head[i]);
	}
	d = run(&u, SIZE_MAX / 2, false, &y);
	if (has_plain_start(t->head[0]) && has_plain_start(t->head[1]))
		check_same(x, &y);
	digest_free(d);
	bytes_fini(&head[0]);
	bytes_fini(&head[1]);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice response, request;
	struct digest *d, *e;
	struct exchange x, y;
	struct talk t;

	if (size < 1 || size > 1 << 15)
		return 0;
	response = (struct slice){ (const char *)data + 1, size - 1 };
	request = take_until(&response, "%%\n", false);
	t.head[0] = take_until(&request, "\r\n\r\n", true);
	t.body[0] = request;
	t.head[1] = take_until(&response, "\r\n\r\n", true);
	t.body[1] = response;
	d = run(&t, SIZE_MAX / 2, false, &x);
	check_numbers(&x);
	e = run(&t, 1u + data[0], true, &y);
	if (is_comparable(&x) && is_comparable(&y))
		check_same(&x, &y);
	check_redacted(&t, &x);
	digest_free(d);
	digest_free(e);
	return 0;
}
