/* address.h - socket addresses as text, and back. */
#ifndef TRACETAPE_PROXY_ADDRESS_H
#define TRACETAPE_PROXY_ADDRESS_H

#include <stdbool.h>
#include <sys/socket.h>

enum { ADDRESS_TEXT_MAX = 64 };

/* "127.0.0.1[:port]", "[::1][:port]"; without a port it is 0.  False: not a numeric
 * address. */
bool address_parse(const char *text, struct sockaddr_storage *sa,
    socklen_t *len);

/* "127.0.0.1:80", "[::1]:80". */
void address_print(const struct sockaddr *sa, char out[ADDRESS_TEXT_MAX]);

bool address_is_loopback(const struct sockaddr *sa);
unsigned address_port(const struct sockaddr *sa);
void address_set_port(struct sockaddr *sa, unsigned port);

#endif
