#include "store/response.h"

#include <assert.h>
#include <string.h>

#include "store/endpoint.h"

enum { RESPONSE_VERSION = 1 };

static enum response_role
role_of(enum endpoint e)
{
	switch (e) {
	case ENDPOINT_RESPONSES_CREATE:
	case ENDPOINT_CHAT:
		return ROLE_CREATE;
	case ENDPOINT_RESPONSES_GET:
		return ROLE_POLL;
	case ENDPOINT_RESPONSES_STREAM:
		return ROLE_STREAM;
	case ENDPOINT_RESPONSES_COMPACT:
		return ROLE_COMPACT;
	default:
		return ROLE_OTHER;
	}
}

static size_t
add(struct response_name *name, size_t n, struct slice id,
    enum response_role role)
{
	if (id.len == 0)
		return n;
	for (size_t i = 0; i < n; i++)
		if (slice_eq(name[i].id, id))
			return n;	/* the earlier role is the closer one */
	assert(n < RESPONSE_NAMES_MAX);
	name[n] = (struct response_name){ id, role };
	return n + 1;
}

static bool
has_id_in_path(enum endpoint e)
{
	return e == ENDPOINT_RESPONSES_GET || e == ENDPOINT_RESPONSES_STREAM ||
	    e == ENDPOINT_RESPONSES_CANCEL || e == ENDPOINT_RESPONSES_DELETE ||
	    e == ENDPOINT_RESPONSES_INPUT_ITEMS;
}

size_t
response_names(const struct exchange *x,
    struct response_name name[RESPONSE_NAMES_MAX])
{
	enum response_role role = role_of(x->endpoint);
	struct slice id;
	size_t n = add(name, 0, x->response_id, role);

	/* The answer may speak of another one than was asked for. */
	if (has_id_in_path(x->endpoint)) {
		endpoint_of(x->method, x->path, &id);
		n = add(name, n, id, role);
	}
	if (role != ROLE_CREATE && role != ROLE_COMPACT)
		return n;	/* a poll's answer repeats what the call said */
	n = add(name, n, x->previous_response_id, ROLE_NEXT);
	return add(name, n, x->conversation, ROLE_CONVERSATION);
}

bool
response_is_terminal(struct slice api_status)
{
	return slice_eq(api_status, SLICE("completed")) ||
	    slice_eq(api_status, SLICE("failed")) ||
	    slice_eq(api_status, SLICE("incomplete")) ||
	    slice_eq(api_status, SLICE("cancelled"));
}

unsigned
response_bits(const struct exchange *x)
{
	unsigned bits = 0;

	if (x->usage.input >= 0 || x->usage.output >= 0 || x->usage.total >= 0)
		bits |= RESPONSE_USAGE;
	if (response_is_terminal(x->api_status))
		bits |= RESPONSE_TERMINAL;
	return bits;
}

size_t
response_key_put(uint8_t key[RESPONSE_KEY_MAX], struct slice id, uint64_t seq)
{
	assert(id.len > 0 && id.len <= ID_KEY_MAX);
	memcpy(key, id.p, id.len);
	key[id.len] = 0;
	be64_put(key + id.len + 1, seq);
	return id.len + 9;
}

size_t
claim_key_put(uint8_t key[CLAIM_KEY_MAX], struct slice id, struct slice span)
{
	assert(id.len > 0 && id.len <= ID_KEY_MAX && span.len <= ID_KEY_MAX);
	memcpy(key, id.p, id.len);
	key[id.len] = 0;
	if (span.len > 0)
		memcpy(key + id.len + 1, span.p, span.len);
	return id.len + 1 + span.len;
}

void
response_encode(struct bytes *b, enum response_role role, unsigned bits)
{
	bytes_put_varint(b, RESPONSE_VERSION);
	bytes_put_varint(b, role);
	bytes_put_varint(b, bits);
}

int
response_decode(const void *p, size_t n, enum response_role *role,
    unsigned *bits)
{
	struct cursor c = { p, n, false };
	uint64_t version = cursor_varint(&c), r = cursor_varint(&c);
	uint64_t b = cursor_varint(&c);

	if (c.failed || c.len != 0 || version != RESPONSE_VERSION ||
	    b > UINT32_MAX)
		return -1;
	*role = r < ROLE_N ? (enum response_role)r : ROLE_OTHER;
	*bits = (unsigned)b;
	return 0;
}
