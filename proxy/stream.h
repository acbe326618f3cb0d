/* stream.h - a TCP connection, with TLS inside or not, as bytes in and bytes out.
 *
 * Thread:    the loop's that it was made on.
 * Ownership: stream_new and stream_connect take fd or make it, take tls, and close and
 *            free both.  stream_free may be called from inside its own callback.
 * Input:     read into pieces until STREAM_HIGH bytes lie unread, then the socket
 *            waits.  stream_peek lends the first run; stream_consume lets it go.
 * Output:    writes are never partial and never block: what the socket does not
 *            take is queued.  Over STREAM_HIGH, pause what feeds you;
 *            STREAM_DRAINED says when to go on.  Queued bytes leave at the end of
 *            the loop's current callback (loop_flush).
 * Time:      streams have no time limits; their owners do.
 */
#ifndef TRACETAPE_PROXY_STREAM_H
#define TRACETAPE_PROXY_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

enum {
	STREAM_HIGH = 64 * 1024,	/* bytes, unread and unsent each */
	STREAM_BUDGET = 256 * 1024,	/* bytes read in one wake-up */
};

enum stream_event {
	STREAM_CONNECTED,	/* TCP is up (connecting streams) */
	STREAM_READY,		/* ... and TLS too: bytes may flow */
	STREAM_DATA,		/* there is more to peek at */
	STREAM_DRAINED,		/* nothing is queued any more */
	STREAM_EOF,		/* the peer is done sending; half-close, no error */
	STREAM_BROKEN,		/* the peer takes no more bytes; reading goes on */
	STREAM_ERROR,		/* dead in both directions: stream_error says why */
};

/* How to end the sending side once the queue is empty. */
enum stream_end {
	STREAM_END_CLEAN,	/* close_notify, FIN */
	STREAM_END_CUT,		/* FIN alone: TLS peers see a truncation */
	STREAM_END_RESET,	/* RST: every peer sees one */
};

struct loop;
struct piece;
struct stream;
struct tls;

typedef void stream_callback(void *arg, enum stream_event ev);

/* A connected socket (accepted).  READY comes when TLS is up; plain ones are
 * ready from the start.  NULL: no memory; fd is closed and tls freed then too. */
struct stream *stream_new(struct loop *l, int fd, struct tls *tls,
    stream_callback *cb, void *arg);

/* Starts connecting.  NULL with errno: no socket. */
struct stream *stream_connect(struct loop *l, const struct sockaddr *sa,
    socklen_t salen, struct tls *tls, stream_callback *cb, void *arg);

/* From now on s, which is plain and READY, speaks TLS: what lies unread is its
 * beginning, and what is queued leaves in front of it.  READY or ERROR comes
 * later, from the loop.  tls is s's.  False: tls is NULL, for want of memory; s is as
 * before. */
bool stream_start_tls(struct stream *s, struct tls *tls);

void stream_free(struct stream *s);	/* closes at once; safe on NULL */

/* Says goodbye if the socket takes it at once, and closes.  No more events. */
void stream_bye(struct stream *s);

/* Hands s to another owner, who is told of what is already there by events. */
void stream_give(struct stream *s, stream_callback *cb, void *arg);

/* The first run of unread bytes, 0: none.  *piece is borrowed. */
size_t stream_peek(struct stream *s, struct piece **piece, const uint8_t **p);
void stream_consume(struct stream *s, size_t n);
size_t stream_unread(const struct stream *s);
bool stream_at_eof(const struct stream *s);	/* EOF came and all is consumed */

/* True: TLS said goodbye before its FIN, or there is no TLS.  False after EOF: a
 * truncation (RFC 8446 6.1). */
bool stream_eof_is_clean(const struct stream *s);

void stream_write(struct stream *s, const void *p, size_t n);
size_t stream_queued(const struct stream *s);

/* Nothing is queued, unread, ended or broken: another owner may use it. */
bool stream_is_idle(const struct stream *s);

/* Reads what has come by now, as the loop would; events may follow, and s may be
 * freed by its owner in them. */
void stream_poll(struct stream *s);

/* While reading is paused nobody hears of a reset: looks for one. */
void stream_check(struct stream *s);

/* Bytes that the socket has taken in all, to see whether anything moves. */
uint64_t stream_sent(const struct stream *s);

/* Bytes that the kernel still holds for the peer; 0 where it does not tell. */
size_t stream_in_kernel(const struct stream *s);

/* Reading stops while any reason stands; both may be called in any state. */
enum stream_pause {
	PAUSE_PEER = 1 << 0,		/* the other side takes no more */
	PAUSE_RECORDER = 1 << 1,	/* the recorder takes no more */
};
void stream_pause(struct stream *s, enum stream_pause why);
void stream_resume(struct stream *s, enum stream_pause why);

/* Gives back memory that an idle connection need not hold. */
void stream_rest(struct stream *s);

/* No more writes after this; reading goes on. */
void stream_finish(struct stream *s, enum stream_end how);
bool stream_is_finished(const struct stream *s);	/* and all of it has left */

const char *stream_error(const struct stream *s);
const struct tls *stream_tls(const struct stream *s);	/* NULL: plain */
int stream_fd(const struct stream *s);

/* For the loop. */
void stream_flush(struct stream *s);

#endif
