/* sample_store.h - a store in a directory of its own, to put exchanges into.
 *
 * Times are fixed and TZ is UTC, so that outputs can be compared. */
#ifndef TRACETAPE_TESTS_SAMPLE_STORE_H
#define TRACETAPE_TESTS_SAMPLE_STORE_H

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store/sha256.h"
#include "store/writer.h"

/* 2026-11-21T10:06:57.123456789Z */
#define SAMPLE_TIME_NS INT64_C(1795255617123456789)

static char sample_dir[64];

static inline struct writer *
sample_open(void)
{
	struct writer_options o = { .map_bytes = 1 << 28,
		.durability = DURABILITY_LAZY };
	struct writer *w;

	strcpy(sample_dir, "/tmp/dump-test-XXXXXX");
	assert(mkdtemp(sample_dir));
	setenv("TZ", "UTC", 1);
	setenv("TRACETAPE_STORE", sample_dir, 1);
	assert(writer_open(&w, sample_dir, &o, NULL) == 0);
	return w;
}

static inline void
sample_remove(void)
{
	char cmd[96];

	snprintf(cmd, sizeof(cmd), "rm -r %s", sample_dir);
	assert(system(cmd) == 0);
}

static inline void
sample_put(struct writer *w, uint64_t seq, enum side side, const void *from,
    size_t n)
{
	const char *p = from;
	size_t part = writer_part_bytes(w);

	for (uint32_t i = 0; (size_t)i * part < n; i++) {
		size_t len = n - i * part < part ? n - i * part : part;

		assert(writer_put_part(w, seq, side, i, p + i * part, len) == 0);
	}
}

/* Puts head and body of one direction and says so in x. */
static inline void
sample_message(struct writer *w, struct exchange *x, bool is_request,
    const char *head, struct slice body)
{
	struct message *m = is_request ? &x->request : &x->response;
	struct sha256 s;

	m->head_bytes = (int64_t)strlen(head);
	m->body_bytes = m->sent_bytes = m->kept_bytes = (int64_t)body.len;
	sha256_init(&s);
	sha256_add(&s, body.p, body.len);
	sha256_end(&s, m->sha256);
	m->has_sha256 = true;
	sample_put(w, x->seq, is_request ? SIDE_REQUEST_HEAD :
	    SIDE_RESPONSE_HEAD, head, strlen(head));
	sample_put(w, x->seq, is_request ? SIDE_REQUEST_BODY :
	    SIDE_RESPONSE_BODY, body.p, body.len);
}

static inline void
sample_begin(struct exchange *x, uint64_t seq, const char *method,
    const char *path)
{
	exchange_init(x);
	x->seq = seq;
	x->time_ns = SAMPLE_TIME_NS + (int64_t)seq * 1000000000;
	x->method = (struct slice){ method, strlen(method) };
	x->path = (struct slice){ path, strlen(path) };
	x->scheme = SLICE("https");
	x->host = SLICE("api.openai.com:443");
	x->client = SLICE("127.0.0.1:51234");
}

#endif
