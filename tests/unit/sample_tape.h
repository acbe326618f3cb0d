/* sample_tape.h - a small store with one exchange of every kind that dump must
 * show, and a way to run dump on it.  All times are fixed; TZ is UTC. */
#ifndef TRACETAPE_TESTS_SAMPLE_TAPE_H
#define TRACETAPE_TESTS_SAMPLE_TAPE_H

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zlib.h>

#include "store/sha256.h"
#include "store/writer.h"
#include "tools/verbs.h"

/* 2026-11-21T10:06:57.123456789Z */
#define SAMPLE_TIME_NS INT64_C(1795255617123456789)

static char sample_dir[64];

static const char sample_request[] =
    "{\"model\":\"gpt-5.4-mini\",\"input\":[],\"stream\":true,\"n\":1.50}";

static const char sample_stream[] =
    "event: response.created\n"
    "data: {\"type\":\"response.created\",\"response\":{\"id\":\"resp_0bb0\","
    "\"status\":\"in_progress\",\"usage\":null}}\n\n"
    "event: response.output_item.added\n"
    "data: {\"type\":\"response.output_item.added\",\"output_index\":0,"
    "\"item\":{\"type\":\"message\",\"id\":\"msg_1\",\"content\":[]}}\n\n"
    "event: response.output_text.delta\n"
    "data: {\"type\":\"response.output_text.delta\",\"output_index\":0,"
    "\"content_index\":0,\"delta\":\"It is\"}\n\n"
    "event: response.output_text.delta\n"
    "data: {\"type\":\"response.output_text.delta\",\"output_index\":0,"
    "\"content_index\":0,\"delta\":\" 25\\u00b0C\\u001b[2J\"}\n\n"
    "event: response.completed\n"
    "data: {\"type\":\"response.completed\",\"response\":{\"id\":\"resp_0bb0\","
    "\"status\":\"completed\",\"usage\":{\"input_tokens\":36,"
    "\"output_tokens\":19}}}\n\n";

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

static inline void
sample_message(struct writer *w, uint64_t seq, struct message *m,
    enum side head_side, const char *head, const void *body, size_t n)
{
	struct sha256 s;

	m->head_bytes = (int64_t)strlen(head);
	m->body_bytes = m->sent_bytes = m->kept_bytes = (int64_t)n;
	sha256_init(&s);
	sha256_add(&s, body, n);
	sha256_end(&s, m->sha256);
	m->has_sha256 = true;
	sample_put(w, seq, head_side, head, strlen(head));
	sample_put(w, seq, head_side + 1, body, n);
}

/* head_side + 1 is the body of the same direction. */
_Static_assert(SIDE_REQUEST_BODY == SIDE_REQUEST_HEAD + 1 &&
    SIDE_RESPONSE_BODY == SIDE_RESPONSE_HEAD + 1, "sides in order");

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

/* 1: a streamed call, gzip-coded, with everything that there can be. */
static inline void
sample_streamed(struct writer *w)
{
	struct exchange x;
	uint8_t z[2048];
	z_stream s = { 0 };
	struct bytes t = { 0 };

	assert(deflateInit2(&s, 9, Z_DEFLATED, 15 + 16, 8, 0) == Z_OK);
	s.next_in = (Bytef *)(uintptr_t)sample_stream;
	s.avail_in = sizeof(sample_stream) - 1;
	s.next_out = z;
	s.avail_out = sizeof(z);
	assert(deflate(&s, Z_FINISH) == Z_STREAM_END);
	deflateEnd(&s);
	bytes_put_varint(&t, 20);
	bytes_put_varint(&t, 250000);
	bytes_put_varint(&t, s.total_out - 20);
	bytes_put_varint(&t, 1500);
	sample_begin(&x, 1, "POST", "/v1/responses");
	x.outcome = OUTCOME_COMPLETE;
	x.endpoint = ENDPOINT_RESPONSES_CREATE;
	x.flags = EXCHANGE_REUSED | EXCHANGE_STREAM;
	x.status = 200;
	x.model = x.model_asked = SLICE("gpt-5.4-mini");
	x.response_id = SLICE("resp_0bb0ddd7");
	x.request_id = SLICE("req_40a90576");
	x.api_status = SLICE("completed");
	x.usage = (struct usage){ 36, 12, 0, 19, 4, 55 };
	x.usage_json = SLICE("{\n  \"input_tokens\": 36,\n  \"output_tokens\": 19"
	    "\n}");
	x.timing = (struct timing){ 300, -1, -1, -1, 400, 500, 250000, 251500,
		251600, 123 };
	x.sdk_lang = SLICE("js");
	x.sdk_version = SLICE("7.55.0");
	x.user_agent = SLICE("Agents/JavaScript 0.20.0");
	x.retry_count = 0;
	x.ratelimit[RATELIMIT_LIMIT_REQUESTS] = SLICE("10000");
	x.ratelimit[RATELIMIT_RESET_REQUESTS] = SLICE("6ms");
	x.request.type = SLICE("application/json");
	x.response.type = SLICE("text/event-stream; charset=utf-8");
	x.response.encoding = SLICE("gzip");
	x.response.decoded_bytes = sizeof(sample_stream) - 1;
	sample_message(w, 1, &x.request, SIDE_REQUEST_HEAD,
	    "POST /v1/responses HTTP/1.1\r\nHost: api.openai.com\r\n\r\n",
	    sample_request, sizeof(sample_request) - 1);
	sample_message(w, 1, &x.response, SIDE_RESPONSE_HEAD,
	    "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n", z, s.total_out);
	sample_put(w, 1, SIDE_RESPONSE_TIMES, t.p, t.len);
	assert(writer_put_exchange(w, &x) == 0);
	bytes_fini(&t);
}

/* 2: a poll of the same response; 3: an error answer. */
static inline void
sample_plain(struct writer *w)
{
	static const char error[] = "{\"error\":{\"message\":\"Slow down\"}}";
	struct exchange x;

	sample_begin(&x, 2, "GET", "/v1/responses/resp_0bb0ddd7");
	x.outcome = OUTCOME_COMPLETE;
	x.endpoint = ENDPOINT_RESPONSES_GET;
	x.status = 200;
	x.response_id = SLICE("resp_0bb0ddd7");
	x.request_id = SLICE("req_11111111");
	x.timing.end = 1234567;
	sample_message(w, 2, &x.request, SIDE_REQUEST_HEAD,
	    "GET /v1/responses/resp_0bb0ddd7 HTTP/1.1\r\n\r\n", "", 0);
	assert(writer_put_exchange(w, &x) == 0);

	sample_begin(&x, 3, "POST", "/v1/responses");
	x.outcome = OUTCOME_COMPLETE;
	x.endpoint = ENDPOINT_RESPONSES_CREATE;
	x.status = 429;
	x.model = x.model_asked = SLICE("gpt-5.4-mini");
	x.request_id = SLICE("req_40a90599");
	x.error_message = SLICE("Slow down");
	x.error_code = SLICE("rate_limit_exceeded");
	x.timing.end = 45000;
	x.response.type = SLICE("application/json");
	sample_message(w, 3, &x.response, SIDE_RESPONSE_HEAD,
	    "HTTP/1.1 429 Too Many Requests\r\n\r\n", error,
	    sizeof(error) - 1);
	assert(writer_put_exchange(w, &x) == 0);
}

/* 4 and 5 are lost; 6: hostile text in every place; 7: in flight; 8: no text. */
static inline void
sample_odd(struct writer *w)
{
	static const char evil[] = "\x1b]0;owned\x07 \xe2\x80\xae" "abc \xff \xc2\x9b"
	    "31m\r\nnext\ttab";
	static const char bin[] = "\0\x01\x02PNG\xff text";
	struct exchange x;

	assert(writer_put_gap(w, 4, 2, "disk full") == 0);
	sample_begin(&x, 6, "POST", "/v1/\x1b[31mevil\xe2\x80\xae\xff");
	x.outcome = OUTCOME_UPSTREAM;
	x.reason = SLICE("reset\nby peer");
	x.status = 502;
	x.model = SLICE("m\xc3\xb6" "del\x7f");
	x.user_agent = SLICE("\x1b[2J");
	x.usage_json = SLICE("{\"a\":tru}");
	x.request.type = SLICE("text/plain");
	sample_message(w, 6, &x.request, SIDE_REQUEST_HEAD,
	    "POST /v1/\x1b[31mevil HTTP/1.1\r\nX: \x07\r\n\r\n", evil,
	    sizeof(evil) - 1);
	assert(writer_put_exchange(w, &x) == 0);

	sample_begin(&x, 7, "POST", "/v1/responses");
	x.request_id = SLICE("req_77777777");
	assert(writer_put_exchange(w, &x) == 0);

	sample_begin(&x, 8, "POST", "/v1/files");
	x.outcome = OUTCOME_CANCELLED;
	x.label = SLICE("agent-7");
	x.request.type = SLICE("application/octet-stream");
	sample_message(w, 8, &x.request, SIDE_REQUEST_HEAD,
	    "POST /v1/files HTTP/1.1\r\n\r\n", bin, sizeof(bin) - 1);
	assert(writer_put_exchange(w, &x) == 0);
}

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

/* What a run of dump gave.  Output may hold NULs: len is what counts. */
struct ran {
	int code;
	size_t len;
	char out[256 * 1024];
	char err[4096];
};

static inline size_t
ran_read(FILE *f, char *to, size_t cap)
{
	size_t n;

	rewind(f);
	n = fread(to, 1, cap - 1, f);
	to[n] = '\0';
	fclose(f);
	return n;
}

/* Runs `dump line...`, words apart by one space, in a child: a process opens a
 * store once. */
static inline const struct ran *
sample_run(const char *line)
{
	static struct ran r;
	char words[512], *argv[32] = { (char *)(uintptr_t)"dump" };
	FILE *out = tmpfile(), *err = tmpfile();
	int argc = 1, status;
	pid_t pid;

	snprintf(words, sizeof(words), "%s", line);
	for (char *s = strtok(words, " "); s; s = strtok(NULL, " "))
		argv[argc++] = s;
	fflush(NULL);
	pid = fork();
	assert(pid >= 0 && out && err);
	if (pid == 0) {
		dup2(fileno(out), STDOUT_FILENO);
		dup2(fileno(err), STDERR_FILENO);
		exit(cmd_dump(argc, argv));
	}
	assert(waitpid(pid, &status, 0) == pid);
	r.code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
	r.len = ran_read(out, r.out, sizeof(r.out));
	ran_read(err, r.err, sizeof(r.err));
	return &r;
}

#endif
