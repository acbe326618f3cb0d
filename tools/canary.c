#include "tools/canary.h"

#include <stdio.h>
#include <string.h>

#include "proxy/http1.h"
#include "store/json.h"
#include "tools/canary_wire.h"

enum { INTERIM_MAX = 16 };	/* 1xx answers before the real one */

/* An answer as it comes in. */
struct answer {
	struct http1_head head;
	struct bytes in;		/* not understood yet */
	struct bytes body;		/* payload, the first CANARY_BODY_MAX of it */
};

static void
end(struct canary *c, enum canary_end how, const char *why)
{
	c->end = how;
	snprintf(c->why, sizeof(c->why), "%s", why);
}

static void
end_wire(struct canary *c, const struct wire *w, int rc)
{
	switch ((enum wire_rc)rc) {
	case WIRE_OK:
		break;
	case WIRE_TIMEOUT:
		end(c, CANARY_TIMEOUT, w->why);
		break;
	case WIRE_CONNECT:
		end(c, CANARY_NO_LISTENER, w->why);
		break;
	case WIRE_BROKEN:
		end(c, CANARY_BROKEN, w->why);
		break;
	case WIRE_UNTRUSTED:
		end(c, CANARY_UNTRUSTED, w->why);
		break;
	case WIRE_CERTIFICATE:
		end(c, CANARY_CERTIFICATE, w->why);
		break;
	case WIRE_TROUBLE:
		end(c, CANARY_TROUBLE, w->why);
		break;
	}
}

/* Reads more into a->in.  > 0, 0 at the end, < 0: enum wire_rc. */
static ssize_t
read_more(struct wire *w, struct answer *a)
{
	uint8_t *room = bytes_reserve(&a->in, 16384);
	ssize_t got;

	if (!room) {
		snprintf(w->why, sizeof(w->why), "no memory for the answer");
		return WIRE_TROUBLE;
	}
	got = wire_recv(w, room, 16384);
	if (got > 0)
		a->in.len += (size_t)got;
	return got;
}

/* The head of the final answer.  False: c says why. */
static bool
read_head(struct canary *c, struct wire *w, struct answer *a,
    struct slice method)
{
	char why[128];
	size_t seen = 0;
	ssize_t got;
	long len;

	for (int interim = 0; interim < INTERIM_MAX; ) {
		len = http1_response(&a->head, method, a->in.p, a->in.len, &seen);
		if (len < 0) {
			snprintf(why, sizeof(why), "the answer is no HTTP: %s",
			    http1_rule_name((enum http1_rule)-len));
			end(c, CANARY_BROKEN, why);
			return false;
		}
		if (len > 0 && (a->head.status >= 200 || a->head.status == 101))
			return true;
		if (len > 0) {
			bytes_shift(&a->in, (size_t)len);
			seen = 0;
			interim++;
			continue;
		}
		got = read_more(w, a);
		if (got == 0)
			end(c, CANARY_BROKEN, "the connection was closed without an "
			    "answer");
		else if (got < 0)
			end_wire(c, w, (int)got);
		if (got <= 0)
			return false;
	}
	end(c, CANARY_BROKEN, "the answer is an endless row of 1xx");
	return false;
}

/* What there is of the body, within bounds of bytes and time: it only matters when
 * it is an error of the proxy's own, and those are short. */
static void
read_body(struct wire *w, struct answer *a)
{
	int64_t until = wire_now_ns() + (int64_t)CANARY_BODY_MS * 1000000;
	struct http1_body b;
	struct http1_part part;

	if (until < w->until_ns)
		w->until_ns = until;
	http1_body_init(&b, a->head.framing, a->head.length);
	bytes_shift(&a->in, a->head.len);
	while (!b.done && a->body.len < CANARY_BODY_MAX) {
		size_t room = CANARY_BODY_MAX - a->body.len;

		if (a->in.len == 0 && read_more(w, a) <= 0)
			break;
		if (http1_body_next(&b, a->in.p, a->in.len, &part) != 0)
			break;
		bytes_put(&a->body, a->in.p + part.data,
		    part.data_len < room ? part.data_len : room);
		bytes_shift(&a->in, part.used);
	}
}

static void
take_text(char *to, size_t room, struct slice raw)
{
	struct bytes text = { 0 };

	if (json_text(raw, &text) && !text.failed)
		snprintf(to, room, "%.*s", (int)text.len, (const char *)text.p);
	bytes_fini(&text);
}

/* True: {"error":{"type":"proxy_error","code":...,"message":...}}. */
static bool
take_own_error(struct canary *c, struct slice body)
{
	char type[16] = "";

	take_text(type, sizeof(type), json_get(body, "error.type"));
	if (strcmp(type, "proxy_error") != 0)
		return false;
	take_text(c->code, sizeof(c->code), json_get(body, "error.code"));
	take_text(c->why, sizeof(c->why), json_get(body, "error.message"));
	return true;
}

/* True: the tunnel is there. */
static bool
open_tunnel(struct canary *c, struct wire *w, struct slice head)
{
	struct answer a = { 0 };
	enum wire_rc rc = wire_send(w, head.p, head.len);
	bool ok = false;

	if (rc)
		end_wire(c, w, rc);
	else if (read_head(c, w, &a, SLICE("CONNECT"))) {
		ok = a.head.framing == HTTP1_TUNNEL && a.head.status != 101 &&
		    a.in.len == a.head.len;
		if (!ok) {
			c->status = a.head.status;
			end(c, CANARY_NO_TUNNEL, "CONNECT was not granted");
			read_body(w, &a);
			take_own_error(c, bytes_slice(&a.body));
		}
	}
	bytes_fini(&a.in);
	bytes_fini(&a.body);
	return ok;
}

static void
ask(struct canary *c, struct wire *w, const struct canary_plan *plan,
    int64_t began_ns)
{
	struct answer a = { 0 };
	enum wire_rc rc = wire_send(w, plan->request.p, plan->request.len);

	if (rc)
		end_wire(c, w, rc);
	else if (read_head(c, w, &a, plan->method)) {
		c->status = a.head.status;
		c->ms = (wire_now_ns() - began_ns) / 1000000;
		end(c, CANARY_ANSWERED, "");
		read_body(w, &a);
		if (c->status >= 400 && take_own_error(c, bytes_slice(&a.body)))
			c->end = CANARY_OWN_ERROR;
	}
	bytes_fini(&a.in);
	bytes_fini(&a.body);
}

void
canary_fly(struct canary *c, const struct canary_plan *plan)
{
	int64_t began_ns = wire_now_ns();
	enum wire_rc rc;
	struct wire w;

	memset(c, 0, sizeof(*c));
	c->status = -1;
	c->ms = -1;
	rc = wire_open(&w, plan->address, began_ns + plan->timeout_ms * 1000000);
	if (rc == WIRE_OK && plan->connect.p &&
	    !open_tunnel(c, &w, plan->connect)) {
		wire_close(&w);
		return;
	}
	if (rc == WIRE_OK && plan->sni)
		rc = wire_secure(&w, plan->sni, plan->roots);
	if (rc == WIRE_OK)
		ask(c, &w, plan, began_ns);
	else
		end_wire(c, &w, rc);
	wire_close(&w);
}
