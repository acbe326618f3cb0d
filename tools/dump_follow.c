#include "tools/dump.h"

#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/body.h"
#include "tools/pick.h"

enum {
	POLL_MS = 100,
	OPEN_MAX = 64 * 1024,	/* exchanges waited for */
	ENDED_MAX = 1024,	/* put in order at a time */
};

struct ended {
	uint64_t seq;
	int64_t at_ns;
};

struct follow {
	struct dump *d;
	const struct dump_follower *f;
	uint64_t after;
	uint64_t bad;
	uint64_t *open;
	size_t n_open;
	struct ended *ended;
	size_t n_ended;
	struct body_copy copy;
};

static volatile sig_atomic_t is_stopped;

static void
on_signal(int sig)
{
	is_stopped = 1;
}

static int
by_end(const void *a, const void *b)
{
	const struct ended *x = a, *y = b;

	if (x->at_ns != y->at_ns)
		return x->at_ns < y->at_ns ? -1 : 1;
	return x->seq < y->seq ? -1 : x->seq > y->seq;
}

static int
print_ended(struct follow *w)
{
	struct exchange x;
	int code = DUMP_OK;

	qsort(w->ended, w->n_ended, sizeof(w->ended[0]), by_end);
	for (size_t i = 0; code == DUMP_OK && i < w->n_ended; i++) {
		int rc = reader_get(w->d->reader, w->ended[i].seq, &x);

		if (rc == READER_NONE)
			continue;	/* pruned meanwhile */
		if (rc != 0)
			code = dump_reader_failed(w->d, rc);
		else if (body_copy(&w->copy, &x) != 0)
			code = dump_fail(DUMP_STORE, "no memory");
		else
			code = w->f->exchange(w->f->arg, &w->copy.x);
	}
	w->n_ended = 0;
	return code;
}

static int
add_ended(struct follow *w, const struct exchange *x)
{
	int64_t us = x->timing.end > 0 ? x->timing.end : 0;

	w->ended[w->n_ended].seq = x->seq;
	w->ended[w->n_ended++].at_ns = x->time_ns +
	    (us < INT64_MAX / 4000 ? us * 1000 : 0);
	return w->n_ended == ENDED_MAX ? print_ended(w) : DUMP_OK;
}

/* Those that were in flight at the last look; keeps the ones that still are. */
static int
look_at_open(struct follow *w)
{
	struct exchange x;
	size_t kept = 0;
	int code = DUMP_OK;

	for (size_t i = 0; i < w->n_open; i++) {
		uint64_t seq = w->open[i];
		int rc = code == DUMP_OK ? reader_get(w->d->reader, seq, &x) : 0;

		if (code != DUMP_OK || (rc == 0 &&
		    x.outcome == OUTCOME_IN_FLIGHT))
			w->open[kept++] = seq;
		else if (rc == 0)
			code = add_ended(w, &x);
		else if (rc != READER_NONE)
			code = dump_reader_failed(w->d, rc);
	}
	w->n_open = kept;
	return code;
}

static int
look_at_new(struct follow *w)
{
	struct exchange x;
	int rc, code = DUMP_OK;

	while (code == DUMP_OK && w->n_open < OPEN_MAX &&
	    (rc = pick_next(w->d->reader, w->after, &x, &w->bad)) == 0) {
		w->after = x.seq;
		if (x.outcome == OUTCOME_IN_FLIGHT)
			w->open[w->n_open++] = x.seq;
		else
			code = add_ended(w, &x);
	}
	if (code != DUMP_OK || w->n_open == OPEN_MAX || rc == READER_NONE)
		return code;
	return dump_reader_failed(w->d, rc);
}

/* Waits a moment; notices when the other end of a pipe has gone, which no write
 * would tell as long as there is nothing to write. */
static void
wait_a_moment(void)
{
	struct pollfd p = { .fd = STDOUT_FILENO };

	if (poll(&p, 1, POLL_MS) > 0 && (p.revents & (POLLERR | POLLHUP)))
		is_stopped = 1;
	else if (p.revents & POLLNVAL)
		is_stopped = 1;
}

static int
look(struct follow *w)
{
	int code = look_at_open(w);

	if (code == DUMP_OK)
		code = look_at_new(w);
	if (code == DUMP_OK)
		code = print_ended(w);
	if (code == DUMP_OK)
		code = w->f->pause(w->f->arg);
	if (code == DUMP_OK && ferror(w->d->out))
		is_stopped = 1;
	return code;
}

int
dump_follow(struct dump *d, uint64_t after, const uint64_t *open, size_t n,
    const struct dump_follower *f)
{
	struct follow w = { .d = d, .f = f, .after = after };
	struct sigaction act = { .sa_handler = on_signal };
	int code = DUMP_OK;

	w.open = calloc(OPEN_MAX, sizeof(*w.open));
	w.ended = calloc(ENDED_MAX, sizeof(*w.ended));
	if (!w.open || !w.ended)
		code = dump_fail(DUMP_STORE, "no memory");
	if (w.open && n > 0)
		memcpy(w.open, open, n * sizeof(*open));
	w.n_open = n;
	sigaction(SIGINT, &act, NULL);
	sigaction(SIGTERM, &act, NULL);
	while (code == DUMP_OK && !is_stopped) {
		code = look(&w);
		if (code == DUMP_OK && !is_stopped)
			wait_a_moment();
	}
	body_copy_fini(&w.copy);
	free(w.open);
	free(w.ended);
	return code;
}
