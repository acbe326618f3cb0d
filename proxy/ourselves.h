/* ourselves.h - does a connection lead back to this very program?
 *
 * Pure but for asking the kernel about a socket.  listening: the addresses that our
 * listeners are bound to; may be NULL when n is 0.
 */
#ifndef TRACETAPE_PROXY_OURSELVES_H
#define TRACETAPE_PROXY_OURSELVES_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

/* Whoever connects to sa reaches us, as far as the address alone can tell. */
bool ourselves_at(const struct sockaddr_storage *listening, size_t n,
    const struct sockaddr *sa);

/* fd is connected: to us?  Knows also this machine's other addresses, at which a
 * listener on 0.0.0.0 or [::] answers. */
bool ourselves_answer(const struct sockaddr_storage *listening, size_t n,
    int fd);

#endif
