#include "tools/dump.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "store/sha256.h"
#include "tools/body.h"

struct raw {
	struct sha256 sum;
	int error;		/* errno of a write that failed */
};

/* Straight to the file, for bodies of gigabytes. */
static bool
on_piece(void *arg, const void *from, size_t n)
{
	struct raw *w = arg;
	const uint8_t *p = from;

	sha256_add(&w->sum, p, n);
	while (n > 0) {
		ssize_t put = write(STDOUT_FILENO, p, n);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0) {
			w->error = errno;
			return false;
		}
		p += put;
		n -= (size_t)put;
	}
	return true;
}

/* What came out is what came in, or this says what is missing. */
static int
verify(const struct exchange *x, const struct message *m, struct raw *w,
    const struct body_end *end)
{
	uint8_t sum[32];

	sha256_end(&w->sum, sum);
	if (m->kept_bytes >= 0 && end->stored < (uint64_t)m->kept_bytes)
		return dump_fail(DUMP_STORE, "%" PRIu64 ": the store has %" PRIu64
		    " of %" PRId64 " bytes: it is damaged", x->seq, end->stored,
		    m->kept_bytes);
	if (m->has_sha256 && memcmp(sum, m->sha256, sizeof(sum)) != 0)
		return dump_fail(DUMP_STORE, "%" PRIu64 ": the bytes do not have "
		    "the SHA-256 they came with: the store is damaged", x->seq);
	if (x->outcome == OUTCOME_IN_FLIGHT)
		dump_fail(DUMP_OK, "%" PRIu64 " is still in flight: this is what "
		    "came so far", x->seq);
	else if (m->kept_bytes >= 0 && m->kept_bytes < m->body_bytes)
		dump_fail(DUMP_OK, "%" PRIu64 ": the record was cut: %" PRId64
		    " of %" PRId64 " bytes were kept", x->seq, m->kept_bytes,
		    m->body_bytes);
	return DUMP_OK;
}

int
dump_raw(struct dump *d)
{
	bool is_request = d->flags & DUMP_REQUEST;
	bool is_head = d->flags & DUMP_HEAD;
	struct body_copy c = { 0 };
	struct body_end end;
	struct exchange x;
	struct raw w = { .error = 0 };
	struct body_from from = { .reader = d->reader };
	uint64_t seq;
	int code = dump_pick(d, d->ids[0], &seq), rc;

	if (code != DUMP_OK)
		return code;
	rc = reader_get(d->reader, seq, &x);
	if (rc == 0 && body_copy(&c, &x) != 0)
		return dump_fail(DUMP_STORE, "no memory");
	from.seq = seq;
	from.side = is_head ? (is_request ? SIDE_REQUEST_HEAD : SIDE_RESPONSE_HEAD) :
	    (is_request ? SIDE_REQUEST_BODY : SIDE_RESPONSE_BODY);
	sha256_init(&w.sum);
	if (rc == 0)
		rc = body_each(&from, on_piece, &w, &end);
	if (rc != 0)
		code = dump_reader_failed(d, rc);
	else if (w.error)
		code = dump_fail(DUMP_STORE, "cannot write the output: %s",
		    strerror(w.error));
	else if (!is_head)
		code = verify(&c.x, is_request ? &c.x.request : &c.x.response,
		    &w, &end);
	body_copy_fini(&c);
	return code;
}
