/* via.h - asking another proxy for a tunnel: upstream.via, the corporate one.
 *
 * Pure.  The name is sent, never the address, so that the proxy may resolve it.
 */
#ifndef TRACETAPE_PROXY_VIA_H
#define TRACETAPE_PROXY_VIA_H

#include <stdbool.h>
#include <stddef.h>

#include "proxy/origin.h"

struct bytes;

enum { VIA_HEAD_MAX = 16 * 1024, VIA_AUTH_MAX = 1024 };

struct via {
	struct origin proxy;		/* is_tls: false */
	char auth[VIA_AUTH_MAX];	/* base64 of "user:password", "": none */
};

/* "http://[user[:password]@]host[:port]" (80), percent-encoding in user and
 * password.  False: *why says what was expected; it holds no secret. */
bool via_parse(struct via *v, const char *url, const char **why);

/* Appends the CONNECT for o. */
void via_request(struct bytes *out, const struct via *v, const struct origin *o);

/* Reads its answer from p[0..n).  > 0: bytes of it, and *status; 0: more is needed;
 * -1: it is none.  1xx answers are skipped. */
long via_answer(const void *p, size_t n, int *status);

#endif
