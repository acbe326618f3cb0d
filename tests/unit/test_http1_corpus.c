#include "proxy/http1.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Real connections, read whole: heads, bodies, and what they end in.  The
 * figures were taken from the files by another program. */

enum end {
	END,		/* all messages are complete */
	CUT,		/* the connection broke in the last one */
	TUNNEL,		/* the rest is not HTTP any more */
};

struct side {
	int messages;
	uint64_t payload;
	enum end end;
};

struct capture {
	const char *name;
	struct side up, down;
};

static const struct capture captures[] = {
	{ "agents-websocket-conn01", { 1, 0, TUNNEL }, { 1, 0, TUNNEL } },
	{ "agents-websocket-conn04", { 1, 4403, END }, { 1, 0, END } },
	{ "base-url-json-conn01", { 2, 1473, END }, { 2, 3044, END } },
	{ "gzip-conn01", { 1, 41, END }, { 1, 504, END } },
	{ "https-proxy-connect-conn03", { 1, 0, TUNNEL }, { 1, 0, TUNNEL } },
	{ "httpx-debian-conn03", { 1, 0, TUNNEL }, { 1, 0, TUNNEL } },
	{ "httpx-debian-conn05", { 1, 41, END }, { 1, 1159, END } },
	{ "proxy-auth-tls02", { 1, 41, END }, { 1, 1163, END } },
	{ "retries-500-429-conn01", { 3, 123, END }, { 3, 1319, END } },
	{ "sse-client-break-conn01", { 1, 55, END }, { 1, 1194, CUT } },
	{ "sse-stream-conn02", { 1, 745, END }, { 1, 4282, END } },
};

enum { MESSAGES_MAX = 8 };

/* Reads one direction of a connection in steps, as the engine does. */
struct walk {
	bool is_request;
	const char *p;			/* the next byte to be used */
	size_t n;			/* of them that have come */
	size_t seen;
	bool in_body;
	struct http1_body body;
	struct side got;
	struct slice method[MESSAGES_MAX];	/* out or in */
};

static struct http1_head h;

static bool
walk_head(struct walk *w)
{
	long used;

	assert_in_range(w->got.messages, 0, MESSAGES_MAX - 1);
	if (w->is_request)
		used = http1_request(&h, w->p, w->n, &w->seen);
	else
		used = http1_response(&h, w->method[w->got.messages], w->p, w->n,
		    &w->seen);
	if (used < 0)
		fail_msg("%s", http1_rule_name((enum http1_rule)-used));
	if (used == 0)
		return false;
	if (w->is_request) {
		w->method[w->got.messages] = h.method;
		if (h.has_upgrade || slice_eq(h.method, SLICE("CONNECT")))
			h.framing = HTTP1_TUNNEL;
	}
	http1_body_init(&w->body, h.framing, h.length);
	w->in_body = !w->body.done;
	w->got.messages++;
	w->got.end = h.framing == HTTP1_TUNNEL ? TUNNEL : w->in_body ? CUT : END;
	w->seen = 0;
	w->p += used;
	w->n -= (size_t)used;
	return true;
}

static void
walk_body(struct walk *w)
{
	struct http1_part part;

	assert_int_equal(http1_body_next(&w->body, w->p, w->n, &part), 0);
	if (w->got.end != TUNNEL)
		w->got.payload += part.data_len;
	if (w->body.done) {
		w->in_body = false;
		w->got.end = END;
	}
	w->p += part.used;
	w->n -= part.used;
}

static void
walk_file(struct walk *w, const struct bytes *file, size_t step)
{
	const char *from = (const char *)file->p;

	w->p = from;
	for (size_t have = 0; have < file->len; ) {
		have = file->len - have < step ? file->len : have + step;
		w->n = have - (size_t)(w->p - from);
		while (w->n > 0) {
			if (w->in_body)
				walk_body(w);
			else if (!walk_head(w))
				break;
		}
	}
	assert_true(w->n == 0);
}

static void
read_file(struct bytes *b, const char *name, const char *ext)
{
	char path[128];
	FILE *f;
	int c;

	snprintf(path, sizeof(path), "tests/fuzz/corpus/http1/%s.%s", name, ext);
	f = fopen(path, "rb");
	if (!f)
		fail_msg("%s: run from the root of the tree", path);
	while ((c = getc(f)) != EOF)
		bytes_put(b, &(char){ (char)c }, 1);
	fclose(f);
	assert_true(b->len > 0 && !b->failed);
}

static void
side_is(const struct capture *c, struct side got, struct side want)
{
	if (got.messages != want.messages || got.payload != want.payload ||
	    got.end != want.end)
		fail_msg("%s: %d messages, payload %llu, end %d", c->name,
		    got.messages, (unsigned long long)got.payload, got.end);
}

static void
captures_of_real_clients_are_read_whole(void **state)
{
	static const size_t steps[] = { 1, 7, 1400, 1 << 20 };

	for (size_t i = 0; i < sizeof(captures) / sizeof(*captures) * 4; i++) {
		const struct capture *c = &captures[i / 4];
		struct walk up = { .is_request = true }, down = { 0 };
		struct bytes sent = { 0 }, answered = { 0 };

		read_file(&sent, c->name, "c2s");
		walk_file(&up, &sent, steps[i % 4]);
		memcpy(down.method, up.method, sizeof(up.method));
		read_file(&answered, c->name, "s2c");
		walk_file(&down, &answered, steps[i % 4]);
		side_is(c, up.got, c->up);
		side_is(c, down.got, c->down);
		bytes_fini(&answered);
		bytes_fini(&sent);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(captures_of_real_clients_are_read_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
