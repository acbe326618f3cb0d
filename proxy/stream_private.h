/* stream_private.h - the inside of a stream, for the stream*.c alone. */
#ifndef TRACETAPE_PROXY_STREAM_PRIVATE_H
#define TRACETAPE_PROXY_STREAM_PRIVATE_H

#include <event2/event_struct.h>

#include "proxy/inbox.h"
#include "proxy/outbox.h"
#include "proxy/stream.h"

enum { STREAM_MAGIC = 0x5354524d };

enum phase {
	PHASE_CONNECTING,
	PHASE_HANDSHAKE,
	PHASE_OPEN,
	PHASE_DEAD,
};

enum {
	PAUSED = PAUSE_PEER | PAUSE_RECORDER,
	READ_ARMED = 1 << 2,
	WRITE_ARMED = 1 << 3,
	GOT_EOF = 1 << 4,
	EOF_CLEAN = 1 << 5,
	OVER_HIGH = 1 << 6,	/* owner waits for DRAINED */
	BROKEN = 1 << 7,	/* writes are dropped */
	FINISHING = 1 << 8,
	FINISHED = 1 << 9,
	DIRTY = 1 << 10,		/* on the loop's list */
	FREED = 1 << 11,	/* destroyed when nobody is inside */
	STARTING_TLS = 1 << 12,	/* the handshake is to begin, or early is
				 * not used up */
};

struct stream {
	uint32_t magic;
	int fd;
	enum phase phase;
	unsigned flags;
	unsigned inside;	/* callbacks running, plus the dirty list */
	int saved_errno;
	enum stream_end end;
	struct loop *loop;
	struct tls *tls;
	stream_callback *cb;
	void *arg;
	struct stream *next_dirty;

	struct inbox in;
	struct inbox early;	/* came before TLS was begun, and is TLS */
	struct outbox out;
	struct event read, write;
};

/* Nobody frees s between these. */
void stream_enter(struct stream *s);
void stream_leave(struct stream *s);

/* Tells the owner.  False: s is gone, do not touch it but to leave. */
bool stream_emit(struct stream *s, enum stream_event ev);

/* Both directions are dead.  err: errno, 0 when TLS knows why. */
void stream_fail(struct stream *s, int err);

/* The socket is watched for input exactly while input may be taken. */
void stream_arm_read(struct stream *s);
bool stream_may_read(const struct stream *s);
void stream_arm_write(struct stream *s, bool on);

/* stream_read.c */
void stream_on_readable(evutil_socket_t fd, short what, void *arg);
void stream_got_eof(struct stream *s, bool clean);

/* stream_tls.c: what read_plain is for plain streams: one recv.  Returns the bytes it
 * brought, 0: stop for now. */
size_t stream_read_tls(struct stream *s);

/* Goes on with the handshake.  False: s is dead or gone. */
bool stream_shake_hands(struct stream *s);

#endif
