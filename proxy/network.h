/* network.h - a network of IP addresses: 10.0.0.0/8, fd00::/8, or one address.
 *
 * IPv4 addresses in IPv6's clothes (::ffff:10.0.0.1), as listeners on [::] see their
 * clients, are in networks of IPv4, and in none of IPv6.
 */
#ifndef TRACETAPE_PROXY_NETWORK_H
#define TRACETAPE_PROXY_NETWORK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

enum { NETWORK_WHY_MAX = 160 };

struct network {
	uint8_t ip[16];
	uint8_t len;		/* 4 or 16, bytes of ip */
	uint8_t bits;		/* those that count; the others are 0 */
};

/* "10.0.0.0/8", "::1".  False: why (NETWORK_WHY_MAX bytes) says what to give. */
bool network_parse(struct network *n, const char *text, char *why);

bool network_has(const struct network *n, const struct sockaddr *sa);

/* The same of an address as address_ip gives it. */
bool network_has_ip(const struct network *n, const uint8_t *ip, size_t len);

#endif
