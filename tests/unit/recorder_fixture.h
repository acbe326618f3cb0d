/* recorder_fixture.h - a recorder on a store of its own, and exchanges for it, made
 * with the tap as a loop makes them.
 *
 * The bound is two bytes unless said otherwise: then whatever waits is over it, and
 * the watcher's byte says that all of it is on disk, or lost.
 */
#ifndef TRACETAPE_TESTS_RECORDER_FIXTURE_H
#define TRACETAPE_TESTS_RECORDER_FIXTURE_H

#include <fcntl.h>
#include <poll.h>

#include "proxy/loop.h"
#include "proxy/piece.h"
#include "proxy/recorder.h"
#include "proxy/tap.h"
#include "tests/unit/store_rows.h"

enum { TIGHT = 2, DRAIN_MS = 20000 };

static struct tap_queue queue;
static struct loop loop;
static int watched[2];

static inline void
open_recorder_on(struct writer *w, int64_t max_bytes)
{
	const struct recorder_options o = { .commit_ms = 1, .max_bytes = max_bytes };

	assert_int_equal(pipe2(watched, O_CLOEXEC | O_NONBLOCK), 0);
	tap_queue_init(&queue);
	memset(&loop, 0, sizeof(loop));
	loop.taps = &queue;
	loop.recorder = recorder_start(w, &o);
	assert_non_null(loop.recorder);
	recorder_watch(loop.recorder, watched[1]);
}

static inline void
open_recorder(int64_t max_bytes)
{
	open_recorder_on(open_writer(), max_bytes);
}

static inline void
close_recorder(void)
{
	recorder_push(loop.recorder, &queue);
	recorder_stop(loop.recorder);
	close(watched[0]);
	close(watched[1]);
}

/* Hands over what was tapped, and waits until it is on disk, or lost. */
static inline void
drain(void)
{
	struct pollfd p = { .fd = watched[0], .events = POLLIN };
	char buf[64];

	recorder_push(loop.recorder, &queue);
	assert_int_equal(poll(&p, 1, DRAIN_MS), 1);
	assert_true(read(watched[0], buf, sizeof(buf)) > 0);
}

static inline void
tap_start(struct tap *t, const char *path)
{
	const struct tape_start start = { .time_ns = loop_wall_ns(),
	    .mode = MODE_REVERSE, .client = "127.0.0.1:5", .scheme = "http",
	    .host = "a:80" };
	char head[256];
	int n = snprintf(head, sizeof(head), "POST %s HTTP/1.1\r\nHost: a\r\n"
	    "Authorization: Bearer sk-secret\r\n\r\n", path);

	tap_begin(t, &loop, &start, (struct slice){ head, (size_t)n });
}

/* n bytes of a body from off on, in pieces as a stream fills them; which: says
 * apart whose body it is. */
static inline void
tap_body(struct tap *t, enum side side, uint64_t which, uint64_t off, size_t n)
{
	while (n > 0) {
		struct piece *p = piece_new();
		size_t len = n < PIECE_BYTES ? n : PIECE_BYTES;

		for (size_t i = 0; i < len; i++)
			p->data[i] = body_byte(which, off + i);
		p->len = (uint32_t)len;
		tap_data(t, side, p, p->data, len);
		piece_drop(p);
		off += len;
		n -= len;
	}
}

static inline void
tap_finish(struct tap *t)
{
	tap_head(t,
	    SLICE("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n"), true);
	t->end.has_clean_response = true;
	tap_end(t, OUTCOME_COMPLETE, NULL);
}

/* A whole exchange. */
static inline void
tap_whole(const char *path)
{
	struct tap t;

	tap_start(&t, path);
	tap_request_end(&t);
	tap_finish(&t);
}

#endif
