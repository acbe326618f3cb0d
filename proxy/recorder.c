#include "proxy/recorder.h"

#include <assert.h>
#include <errno.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "proxy/gaps.h"
#include "proxy/item.h"
#include "proxy/log.h"
#include "proxy/loop.h"
#include "proxy/piece.h"
#include "proxy/press.h"
#include "proxy/reel.h"
#include "proxy/tap.h"
#include "proxy/tape.h"
#include "proxy/watchers.h"
#include "store/writer.h"

enum {
	STEP_MS = 4,			/* of items are applied in one go */
	BATCH_BYTES = 1024 * 1024,	/* queued: wake the writer before its time */
	COMMIT_BYTES = 4 * 1024 * 1024,	/* put: commit in the middle of a batch */
	IDLE_MS = 1000,
	LATE_MS = 20,			/* without items: time for what is late */
	HOUSEKEEP_MS = 30 * 1000,
	TRIM_BYTES = 4 * 1024 * 1024,
	ENDED_MAX = 4096,		/* exchanges in a batch */
};

static const int64_t MS = 1000000;	/* in ns */

struct recorder {
	struct writer *writer;
	struct recorder_options o;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;

	/* Under lock: */
	struct tap_item *first;
	struct tap_item **last;
	size_t queued;
	struct tap_item *used;		/* the last step, to be freed by a loop */
	enum { WRITER_BUSY, WRITER_ASLEEP, WRITER_DOZING } writer_is;
	bool stop;

	atomic_size_t unsaved;		/* bytes not yet on disk */
	atomic_uint_fast64_t lost;	/* exchanges not recorded, not yet told */
	atomic_bool was_full;
	atomic_int failing;		/* rc of the last batch; the writer's to set */
	struct watchers watchers;

	/* The writer thread's: */
	struct reel open;		/* in flight */
	struct press press;
	uint64_t ended[ENDED_MAX];	/* numbers that ended in this batch */
	size_t n_ended;
	size_t batch_cost;
	int64_t commit_at_ns;		/* 0: no batch is open */
	int64_t commit_took_ns;		/* the last time */
	int64_t housekept_ns;
	size_t untrimmed;		/* bytes gone through since memory was given back */
	struct gaps gaps;		/* to be told when the disk is back */
	struct gaps missed;		/* ... that the queue had no room for */
};

bool
recorder_is_failing(const struct recorder *r)
{
	return atomic_load_explicit(&r->failing, memory_order_relaxed) != 0;
}

bool
recorder_is_full(const struct recorder *r)
{
	return atomic_load_explicit(&r->unsaved, memory_order_relaxed) >=
	    (size_t)r->o.max_bytes;
}

bool
recorder_may_begin(const struct recorder *r)
{
	return atomic_load_explicit(&r->unsaved, memory_order_relaxed) <
	    2 * (size_t)r->o.max_bytes;
}

void
recorder_count(struct recorder *r, size_t bytes)
{
	size_t before = atomic_fetch_add(&r->unsaved, bytes);

	if (before + bytes >= (size_t)r->o.max_bytes)
		atomic_store(&r->was_full, true);
}

void
recorder_count_lost(struct recorder *r)
{
	atomic_fetch_add(&r->lost, 1);
}

void
recorder_push(struct recorder *r, struct tap_queue *q)
{
	struct tap_item *used;

	if (!q->first)
		return;
	pthread_mutex_lock(&r->lock);
	*r->last = q->first;
	r->last = q->last;
	r->queued += q->bytes;
	used = r->used;
	r->used = NULL;
	/* One wake to start the clock of a batch, one if it grows large. */
	if (r->writer_is == WRITER_ASLEEP ||
	    (r->writer_is == WRITER_DOZING && r->queued >= BATCH_BYTES)) {
		r->writer_is = WRITER_BUSY;
		pthread_cond_signal(&r->wake);
	}
	pthread_mutex_unlock(&r->lock);
	tap_queue_init(q);
	tap_items_free(used);
}

void
recorder_watch(struct recorder *r, int fd)
{
	watchers_add(&r->watchers, fd);
}

void
recorder_unwatch(struct recorder *r, int fd)
{
	watchers_remove(&r->watchers, fd);
}

static void
release(struct recorder *r, size_t bytes)
{
	size_t left = atomic_fetch_sub(&r->unsaved, bytes) - bytes;

	if (left > (size_t)r->o.max_bytes / 2 ||
	    !atomic_exchange(&r->was_full, false))
		return;
	watchers_tell(&r->watchers);
}

/* The batch is gone.  What ended in it becomes a gap, what still runs is cut. */
static void
lose_batch(struct recorder *r, int rc)
{
	if (!r->failing)
		log_error("recording fails, traffic goes on: %s",
		    writer_strerror(rc));
	r->failing = rc;
	reel_lost(&r->open);
	for (size_t i = 0; i < r->n_ended; i++)
		gaps_add(&r->gaps, r->ended[i], 1);
	r->n_ended = 0;
}

/* Exchanges that could not even begin to be recorded get their numbers now, and keep
 * them until a commit has told that they are lost. */
static void
number_missed(struct recorder *r)
{
	uint64_t n = atomic_exchange(&r->lost, 0), seq;

	if (n == 0)
		return;
	seq = writer_next_seq(r->writer);
	for (uint64_t i = 1; i < n; i++)
		writer_next_seq(r->writer);
	gaps_add(&r->missed, seq, n);
}

static void
committed(struct recorder *r)
{
	if (r->failing)
		log_warn("recording goes on; %llu exchanges are lost",
		    (unsigned long long)r->gaps.total);
	if (r->missed.total > 0)
		log_warn("%llu exchanges were not recorded: the disk was too "
		    "slow; see recorder.max_bytes",
		    (unsigned long long)r->missed.total);
	reel_committed(&r->open);
	r->failing = 0;
	gaps_clear(&r->gaps);
	gaps_clear(&r->missed);
	r->n_ended = 0;
}

static void
commit(struct recorder *r)
{
	size_t done;
	int rc;

	number_missed(r);
	rc = gaps_put(&r->missed, r->writer, "the recorder could not keep up");
	if (rc == 0)
		rc = gaps_put(&r->gaps, r->writer, writer_strerror(r->failing));
	if (rc == 0)
		rc = writer_commit(r->writer);
	if (rc)
		lose_batch(r, rc);
	else
		committed(r);
	done = r->batch_cost - reel_held(&r->open);
	release(r, done);
	r->untrimmed += done;
	r->batch_cost -= done;
}

/* Losses that no commit has told yet are reason enough for one. */
static bool
has_to_commit(const struct recorder *r)
{
	return writer_pending(r->writer) > 0 || r->batch_cost > 0 ||
	    atomic_load(&r->lost) > 0 || r->gaps.n > 0 || r->missed.n > 0;
}

static int
begin(struct recorder *r, struct tap_item *i)
{
	struct tape_start start;
	struct slice head = { (const char *)i->extra + sizeof(start), i->n };
	struct tape *t;

	memcpy(&start, i->extra, sizeof(start));
	i->of->tape = t = tape_new(&start);
	if (!t) {
		recorder_count_lost(r);
		return 0;
	}
	tape_open(t, r->writer);
	press_count(&r->press, tape_began_ns(t));
	tape_press_with(t, &r->press);
	tape_link(&r->open.first, t);
	tape_charge(t, i->cost);
	return tape_head(t, r->writer, SIDE_REQUEST_HEAD, head, true);
}

static int
finish(struct recorder *r, struct tap_item *i, struct tape *t)
{
	struct tape_end end;
	int rc;

	memcpy(&end, i->extra, sizeof(end));
	rc = tape_save(t, r->writer, &end);
	r->ended[r->n_ended++] = tape_seq(t);
	tape_unlink(&r->open.first, t);
	tape_free(t);
	return rc;
}

static int
apply(struct recorder *r, struct tap_item *i)
{
	struct slice extra = { (const char *)i->extra, i->n };
	struct tape *t;

	if (i->kind == TAP_BEGIN)
		return begin(r, i);
	if (!(t = i->of->tape))
		return 0;
	tape_charge(t, i->cost);
	switch (i->kind) {
	case TAP_TRAILER:
		tape_trailer(t, i->side, extra);
		return 0;
	case TAP_HEAD:
		return tape_head(t, r->writer, i->side, extra, i->is_final);
	case TAP_DATA:
		return tape_data(t, r->writer, i->side, i->p, i->n, i->at_us);
	case TAP_REQUEST_END:
		tape_request_end(t);
		return tape_press(t, r->writer);
	case TAP_END:
		return finish(r, i, t);
	case TAP_BEGIN:
		break;
	}
	return 0;
}

static void
apply_all(struct recorder *r, struct tap_item *first)
{
	for (struct tap_item *i = first; i; i = i->next) {
		int rc = apply(r, i);

		r->batch_cost += i->cost;
		piece_drop(i->piece);
		if (rc)
			lose_batch(r, rc);
		if (writer_pending(r->writer) >= COMMIT_BYTES ||
		    r->n_ended == ENDED_MAX)
			commit(r);
	}
}

/* There is room for those that wait in memory to be over. */
static bool
may_wait(const struct recorder *r)
{
	return atomic_load_explicit(&r->unsaved, memory_order_relaxed) <
	    (size_t)r->o.max_bytes / 4;
}

static void
sleep_until(struct recorder *r, int64_t ns)
{
	struct timespec ts = { ns / 1000000000, ns % 1000000000 };

	pthread_cond_timedwait(&r->wake, &r->lock, &ts);
}

/* Younger ones need no row yet: they get it before they are commit_ms old. */
static int64_t
young_ns(const struct recorder *r)
{
	return r->o.commit_ms * MS * 3 / 8;
}

/* A batch is open for what those that stay young leave of commit_ms, and twice of what
 * the last commit took, but for half of it at least. */
static void
open_batch(struct recorder *r)
{
	const int64_t all = r->o.commit_ms * MS, least = young_ns(r);
	int64_t left = 2 * r->commit_took_ns;

	left = left < least ? least : left > all / 2 ? all / 2 : left;
	r->commit_at_ns = loop_now_ns() + all - left;
}

/* Takes what has come: at once when nothing was there, else a few milliseconds of it,
 * so that the writer never keeps a core from the loops for long. */
static struct tap_item *
take(struct recorder *r)
{
	struct tap_item *first;
	int64_t until;

	if (!r->commit_at_ns && !r->first && !r->stop) {
		r->writer_is = WRITER_ASLEEP;
		sleep_until(r, loop_now_ns() + MS *
		    (press_is_waiting(&r->press) ? LATE_MS : IDLE_MS));
	}
	if (!r->commit_at_ns && r->first)
		open_batch(r);
	until = loop_now_ns() + STEP_MS * MS;
	if (until > r->commit_at_ns)
		until = r->commit_at_ns;
	while (r->queued < BATCH_BYTES && !r->stop && loop_now_ns() < until) {
		r->writer_is = WRITER_DOZING;
		sleep_until(r, until);
	}
	r->writer_is = WRITER_BUSY;
	first = r->first;
	r->first = NULL;
	r->last = &r->first;
	r->queued = 0;
	return first;
}

/* After a burst the heap is full of holes that glibc keeps for itself. */
static void
give_back_memory(void)
{
#ifdef __GLIBC__
	malloc_trim(0);
#endif
}

static void
close_batch(struct recorder *r, bool was_idle, bool stop)
{
	const int64_t began = loop_now_ns();
	bool has_young = false;
	int rc = 0;

	if (!stop && may_wait(r) && press_has_time(&r->press, began))
		rc = press_work(&r->press, r->writer);
	if (rc == 0)
		rc = reel_save(&r->open, r->writer,
		    stop || !may_wait(r) ? 0 : young_ns(r), &has_young);
	if (rc)
		lose_batch(r, rc);
	r->commit_at_ns = 0;
	if (has_to_commit(r)) {
		commit(r);
		r->commit_took_ns = loop_now_ns() - began;
	} else if (was_idle && r->untrimmed >= TRIM_BYTES) {
		r->untrimmed = 0;
		give_back_memory();
	}
	if (has_young)
		open_batch(r);
	if (began - r->housekept_ns > HOUSEKEEP_MS * MS) {
		writer_housekeep(r->writer);
		writer_rest(r->writer);
		give_back_memory();
		r->housekept_ns = began;
	}
}

static void *
run(void *arg)
{
	struct recorder *r = arg;
	struct tap_item *step = NULL, *stale;
	bool stop;

	do {
		pthread_mutex_lock(&r->lock);
		stale = r->used;	/* no loop came to fetch them */
		r->used = step;
		step = take(r);
		stop = r->stop;
		pthread_mutex_unlock(&r->lock);
		tap_items_free(stale);
		apply_all(r, step);
		/* Long enough open, or not at all and a second is over. */
		if (stop || loop_now_ns() >= r->commit_at_ns)
			close_batch(r, !step, stop);
	} while (!stop || step);
	return NULL;
}

struct recorder *
recorder_start(struct writer *w, const struct recorder_options *o)
{
	struct recorder *r = calloc(1, sizeof(*r));
	pthread_condattr_t attr;

	if (!r) {
		writer_close(w);
		return NULL;
	}
	r->writer = w;
	r->o = *o;
	r->last = &r->first;
	r->housekept_ns = loop_now_ns();
	pthread_mutex_init(&r->lock, NULL);
	watchers_init(&r->watchers);
	press_init(&r->press, (size_t)o->parents_bytes);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&r->wake, &attr);
	pthread_condattr_destroy(&attr);
	if (pthread_create(&r->thread, NULL, run, r) != 0) {
		writer_close(w);
		free(r);
		return NULL;
	}
	return r;
}

void
recorder_stop(struct recorder *r)
{
	int rc;

	if (!r)
		return;
	pthread_mutex_lock(&r->lock);
	r->stop = true;
	pthread_cond_signal(&r->wake);
	pthread_mutex_unlock(&r->lock);
	pthread_join(r->thread, NULL);
	reel_free(&r->open);
	tap_items_free(r->used);
	rc = writer_close(r->writer);
	if (rc)
		log_error("closing the store: %s", writer_strerror(rc));
	pthread_cond_destroy(&r->wake);
	pthread_mutex_destroy(&r->lock);
	watchers_fini(&r->watchers);
	press_fini(&r->press);
	free(r);
}
