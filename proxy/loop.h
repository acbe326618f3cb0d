/* loop.h - one event-loop thread: its libevent base and what its connections share.
 *
 * Thread: everything belongs to the loop's own thread but what is said to be for
 *         the main thread.
 */
#ifndef TRACETAPE_PROXY_LOOP_H
#define TRACETAPE_PROXY_LOOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

struct auth;
struct ca;
struct cache;
struct config;
struct conn;
struct event;
struct event_base;
struct http1_head;
struct leaf;
struct origin;
struct policy;
struct pool;
struct recorder;
struct resolver;
struct roots;
struct stream;
struct tap_queue;
struct tls_client;
struct tls_server;
struct tls_shared;
struct via;

enum { LOOP_SCRATCH = 64 * 1024 };

/* What all loops share; read-only, or locked inside.  Outlives them. */
struct loop_shared {
	const struct config *config;
	const struct origin *upstream;
	struct recorder *recorder;
	const struct roots *roots;
	struct tls_shared *tls;
	struct ca *ca;			/* NULL: none, nothing is intercepted */
	struct cache *leaves;		/* minted by ca; NULL: none */
	const struct leaf *fixed;	/* of the TLS listener; NULL: minted */
	const struct policy *policy;
	const struct auth *auth;	/* NULL: labels only */
	const struct via *via;		/* NULL: directly */
	const struct sockaddr_storage *listening;	/* our own addresses */
	size_t n_listening;
};

struct loop {
	struct event_base *base;
	const struct config *config;
	struct recorder *recorder;
	struct tls_client *tls_client;
	const struct loop_shared *shared;
	struct tls_server *tls_server;	/* of the TLS listener; NULL: none */
	struct tls_server *tls_minting;	/* of intercepted tunnels; NULL: no CA */
	struct resolver *resolver;
	struct pool *pool;
	struct http1_head *head;	/* scratch: one head is parsed at a time */
	uint8_t *scratch;		/* LOOP_SCRATCH bytes for one recv */
	struct stream *dirty;		/* have output that has not been tried */
	struct tap_queue *taps;		/* records on their way to the writer */
	struct conn *conns;
	bool draining;			/* take no more requests, end when empty */
	struct loop_private *private;
};

/* The main thread's: */

/* Starts the thread.  done_fd gets a byte when it has ended.  NULL: no memory, no
 * thread, or TLS could not be set up. */
struct loop *loop_start(const struct loop_shared *shared, int done_fd);

/* Hands over an accepted socket.  False: the loop has too many waiting; fd is
 * still the caller's. */
bool loop_give(struct loop *l, int fd, const struct sockaddr *sa, socklen_t len,
    bool is_tls);

/* How many connections it has; any thread. */
unsigned loop_load(const struct loop *l);

void loop_drain(struct loop *l);	/* finish what runs, then end */
void loop_stop(struct loop *l);		/* end now */
void loop_join(struct loop *l);		/* waits for the end, frees */

/* The loop's own: */

/* Runs what every callback from libevent must end with: sends queued output,
 * passes records on, frees what was closed. */
void loop_flush(struct loop *l);

/* Notes that s has output to send, and sends all such (stream.c). */
void loop_dirty(struct loop *l, struct stream *s);
void loop_send(struct loop *l);

void loop_bury(struct loop *l, struct conn *c);

/* A connection more, over fd, for the same client as outer.  NULL: no memory; fd is
 * closed. */
struct conn *loop_adopt_pair(struct loop *l, int fd, const struct conn *outer);

/* Connections wait for the recorder: at the latest in ms their records are cut. */
void loop_limit_pause(struct loop *l, int64_t ms);

/* A connection is idle: if it stays so, it can do with less memory. */
void loop_tidy_later(struct loop *l);

const struct origin *loop_origin(const struct loop *l);
uint64_t loop_new_id(void);

/* Monotonic and wall clock, nanoseconds; any thread. */
int64_t loop_now_ns(void);
int64_t loop_wall_ns(void);

#endif
