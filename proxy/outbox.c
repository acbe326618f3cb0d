#include "proxy/outbox.h"

#include <errno.h>
#include <sys/socket.h>

#include "proxy/tls.h"

enum { KEEP = 32 * 1024 };	/* storage kept for the next message */

void
outbox_fini(struct outbox *o)
{
	bytes_fini(&o->out);
	bytes_fini(&o->plain);
	o->off = 0;
}

static void
encrypt(struct outbox *o, const void *p, size_t n)
{
	if (n > 0 && tls_write(o->tls, p, n) != TLS_OK)
		o->out.failed = true;
}

static void
encrypt_waiting(struct outbox *o)
{
	encrypt(o, o->plain.p, o->plain.len);
	o->plain.len = 0;
}

void
outbox_put(struct outbox *o, const void *p, size_t n)
{
	if (o->off > 0 && o->off >= o->out.len / 2) {
		bytes_shift(&o->out, o->off);
		o->off = 0;
	}
	if (!o->tls) {
		bytes_put(&o->out, p, n);
		return;
	}
	if (o->plain.len + n > OUTBOX_RECORD)
		encrypt_waiting(o);
	if (n < OUTBOX_RECORD)
		bytes_put(&o->plain, p, n);
	else
		encrypt(o, p, n);
}

size_t
outbox_len(const struct outbox *o)
{
	return o->out.len - o->off + o->plain.len;
}

void
outbox_close(struct outbox *o)
{
	if (!o->tls)
		return;
	encrypt_waiting(o);
	tls_close(o->tls);
}

static void
emptied(struct outbox *o)
{
	o->off = 0;
	if (o->out.cap > KEEP)
		bytes_fini(&o->out);
	else
		bytes_clear(&o->out);
}

enum outbox_result
outbox_send(struct outbox *o, int fd)
{
	if (o->tls)
		encrypt_waiting(o);
	if (o->out.failed || o->plain.failed)
		return OUTBOX_FAILED;
	while (o->off < o->out.len) {
		ssize_t n = send(fd, o->out.p + o->off, o->out.len - o->off,
		    MSG_NOSIGNAL);

		if (n >= 0) {
			o->off += (size_t)n;
			o->sent += (uint64_t)n;
		} else if (errno == EAGAIN) {
			return OUTBOX_BLOCKED;
		} else if (errno != EINTR) {
			return OUTBOX_BROKEN;
		}
	}
	emptied(o);
	return OUTBOX_EMPTY;
}

void
outbox_rest(struct outbox *o)
{
	if (outbox_len(o) == 0)
		outbox_fini(o);
}
