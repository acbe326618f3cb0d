#include "tools/dump_trace.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tools/pick.h"

static int
pick_last(struct dump *d, const char *id, struct trace_ref *t)
{
	struct trace_list l = { 0 };
	const char *tail = id + strlen("@last");
	long n = 0;
	char *end;
	int code;

	if (*tail == '~' && tail[1] >= '0' && tail[1] <= '9') {
		errno = 0;
		n = strtol(tail + 1, &end, 10);
		if (errno == 0 && n < INT32_MAX)
			tail = end;
	}
	if (*tail != '\0')
		return dump_fail(DUMP_USAGE, "%s: not an id: write @last, or "
		    "@last~2 for two before it", id);
	code = trace_list(d, n + 1, &l);
	if (code == DUMP_OK && l.n <= (size_t)n)
		code = dump_fail(DUMP_NONE, l.n == 0 ? "%s: no trace is recorded "
		    "in %s yet" : "%s: so many traces are not in %s", id, d->dir);
	else if (code == DUMP_OK) {
		*t = l.v[0];
		t->history = NULL;	/* goes with the list */
	}
	trace_list_fini(&l);
	return code;
}

static void
set_id(struct trace_ref *t, struct slice key)
{
	*t = (struct trace_ref){ .began_ns = -1, .id_len = key.len };
	memcpy(t->id, key.p, key.len);
}

/* The traces whose keys begin with id, up to one more than can be named.  An id in
 * full is meant even if others begin with it.  0, READER_NONE, PICK_AMBIGUOUS, or
 * another code. */
static int
pick_prefix(struct dump *d, struct slice id, struct trace_ref *t,
    struct bytes *names)
{
	struct slice after = id;
	struct kept_item k = { .key = { NULL, 0 } };
	struct trace_ref at;
	unsigned n = 0;
	int rc = reader_trace(d->reader, id, &k);

	if (rc == 0)
		set_id(t, k.key);
	if (rc != READER_NONE || id.len > ID_KEY_MAX)
		return rc;
	while ((rc = reader_next_trace(d->reader, after, &k)) == 0 &&
	    k.key.len >= id.len && k.key.len <= ID_KEY_MAX &&
	    memcmp(k.key.p, id.p, id.len) == 0 && n <= PICK_CANDIDATES) {
		set_id(n == 0 ? t : &at, k.key);
		bytes_puts(names, n > 0 ? ", " : "");
		if (n == PICK_CANDIDATES)
			bytes_puts(names, "...");
		else
			bytes_put_slice(names, k.key);
		after = (struct slice){ (n == 0 ? t : &at)->id, k.key.len };
		n++;
	}
	if (rc && rc != READER_NONE)
		return rc;
	return n == 0 ? READER_NONE : n == 1 ? 0 : PICK_AMBIGUOUS;
}

/* The trace that the exchange belongs to. */
static int
of_exchange(struct dump *d, uint64_t seq, struct trace_ref *t)
{
	uint8_t key[ID_KEY_MAX];
	struct slice id = { (char *)key, 0 };
	struct exchange x;
	struct claim c;
	int rc = reader_get(d->reader, seq, &x);

	if (rc)
		return dump_reader_failed(d, rc);
	if (x.response_id.len > 0) {
		id.len = id_key_put(key, x.response_id);
		rc = reader_next_claim(d->reader, id, NULL, &c);
		if (rc == 0 && c.trace.len <= ID_KEY_MAX) {
			set_id(t, c.trace);
			return DUMP_OK;
		}
		if (rc && rc != READER_NONE)
			return dump_reader_failed(d, rc);
	}
	*t = (struct trace_ref){ .began_ns = -1, .seq = seq };
	return DUMP_OK;
}

/* A conversation's id: the first exchange in it. */
static bool
is_conversation(struct dump *d, struct slice id, uint64_t *seq)
{
	struct response_ref ref = { .seq = 0 };

	while (reader_next_response(d->reader, id, ref.seq, &ref) == 0) {
		*seq = ref.seq;
		if (ref.role == ROLE_CONVERSATION)
			return true;
	}
	return false;
}

int
trace_pick(struct dump *d, const char *id, struct trace_ref *t)
{
	const struct slice s = { id, strlen(id) };
	struct bytes names = { 0 };
	uint64_t seq;
	int code, rc = READER_NONE;

	if (strncmp(id, "@last", 5) == 0)
		return pick_last(d, id, t);
	if (s.len >= PICK_PREFIX_MIN)
		rc = pick_prefix(d, s, t, &names);
	if (rc == PICK_AMBIGUOUS)
		code = dump_fail(DUMP_NONE, "%s: several traces begin so: %.*s", id,
		    (int)names.len, (const char *)names.p);
	else if (rc == 0)
		code = DUMP_OK;
	else if (rc != READER_NONE)
		code = dump_reader_failed(d, rc);
	else if (is_conversation(d, s, &seq))
		code = of_exchange(d, seq, t);
	else if ((code = dump_pick(d, id, &seq)) == DUMP_OK)
		code = of_exchange(d, seq, t);
	bytes_fini(&names);
	return code;
}
