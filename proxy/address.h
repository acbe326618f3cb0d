/* address.h - socket addresses as text, and back; and what kind they are. */
#ifndef TRACETAPE_PROXY_ADDRESS_H
#define TRACETAPE_PROXY_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

enum { ADDRESS_TEXT_MAX = 64 };

/* "127.0.0.1[:port]", "[::1][:port]"; without a port it is 0.  False: not a numeric
 * address. */
bool address_parse(const char *text, struct sockaddr_storage *sa,
    socklen_t *len);

/* One to five digits, at most 65535. */
bool address_parse_port(const char *text, size_t len, unsigned *port);

/* "127.0.0.1:80", "[::1]:80". */
void address_print(const struct sockaddr *sa, char out[ADDRESS_TEXT_MAX]);

unsigned address_port(const struct sockaddr *sa);
void address_set_port(struct sockaddr *sa, unsigned port);

/* The address without port and zone: 4 bytes, or 16.  ::ffff:1.2.3.4 is the 4 of
 * 1.2.3.4, to which it leads.  0: of another family.  *ip points into sa. */
size_t address_ip(const struct sockaddr *sa, const uint8_t **ip);

/* 127.0.0.0/8 and ::1. */
bool address_is_loopback(const struct sockaddr *sa);

/* It leads to the public Internet, by IANA's registries of special-purpose addresses.
 * An IPv6 address that carries an IPv4 one inside (mapped, NAT64, 6to4, Teredo) is
 * what that is.  False for other families, and for Azure's 168.63.129.16, behind
 * which every machine of theirs has its own. */
bool address_is_public(const struct sockaddr *sa);

#endif
