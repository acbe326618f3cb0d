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

/* "http://[user[:password]@]host[:port][/]" (80), percent-encoding in user and
 * password.  False: *why says what was expected; it holds no secret. */
bool via_parse(struct via *v, const char *url, const char **why);

/* Appends the CONNECT for o. */
void via_request(struct bytes *out, const struct via *v, const struct origin *o);

/* Reads its answer's head from p[0..n), as strictly as http1.  > 0: bytes of it, at
 * most VIA_HEAD_MAX, and *status; 0: more is needed; -1: it is none, or longer.
 * 1xx answers in front of it are skipped, but for 101. */
long via_answer(const void *p, size_t n, int *status);

/* What to do about a status other than 2xx. */
const char *via_remedy(const struct via *v, int status);

#endif
