#include "proxy/network.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "proxy/address.h"

enum { MAPPED_BITS = 96 };		/* of ::ffff:0:0/96 */

/* "/8": one to three digits, none of them a leading 0. */
static bool
parse_bits(const char *text, unsigned most, uint8_t *bits)
{
	size_t len = strlen(text);
	unsigned v;

	if (len > 3 || (len > 1 && text[0] == '0') ||
	    !address_parse_port(text, len, &v) || v > most)
		return false;
	*bits = (uint8_t)v;
	return true;
}

/* Zeroes what lies beyond bits.  False: it was zero. */
static bool
mask(struct network *n)
{
	bool had = false;

	for (unsigned i = 0; i < n->len; i++) {
		unsigned keep = n->bits <= i * 8 ? 0 :
		    n->bits >= i * 8 + 8 ? 8 : n->bits - i * 8;
		uint8_t kept = (uint8_t)(n->ip[i] & (0xff00u >> keep));

		had |= kept != n->ip[i];
		n->ip[i] = kept;
	}
	return had;
}

/* ::ffff:10.0.0.0/104 is 10.0.0.0/8. */
static void
undress(struct network *n)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	if (n->len != 16 || n->bits < MAPPED_BITS ||
	    memcmp(n->ip, mapped, sizeof(mapped)) != 0)
		return;
	memmove(n->ip, n->ip + 12, 4);
	memset(n->ip + 4, 0, 12);
	n->len = 4;
	n->bits -= MAPPED_BITS;
}

bool
network_parse(struct network *n, const char *text, char *why)
{
	size_t len = strcspn(text, "/");
	char ip[INET6_ADDRSTRLEN], shown[INET6_ADDRSTRLEN];
	int family = memchr(text, ':', len) ? AF_INET6 : AF_INET;

	snprintf(why, NETWORK_WHY_MAX,
	    "give an address in numbers, or a network such as 10.0.0.0/8");
	memset(n, 0, sizeof(*n));
	if (len >= sizeof(ip))
		return false;
	memcpy(ip, text, len);
	ip[len] = '\0';
	if (inet_pton(family, ip, n->ip) != 1)
		return false;
	n->len = family == AF_INET6 ? 16 : 4;
	n->bits = (uint8_t)(n->len * 8);
	if (text[len] && !parse_bits(text + len + 1, n->bits, &n->bits)) {
		snprintf(why, NETWORK_WHY_MAX, "give /0 to /%d", n->len * 8);
		return false;
	}
	if (mask(n)) {
		inet_ntop(family, n->ip, shown, sizeof(shown));
		snprintf(why, NETWORK_WHY_MAX, "bits are set beyond /%u: give "
		    "%s/%u, or %s alone", n->bits, shown, n->bits, ip);
		return false;
	}
	undress(n);
	return true;
}

bool
network_has_ip(const struct network *n, const uint8_t *ip, size_t len)
{
	unsigned whole = n->bits / 8, rest = n->bits % 8;

	return n->len == len && memcmp(n->ip, ip, whole) == 0 &&
	    (rest == 0 || ((n->ip[whole] ^ ip[whole]) & (0xff00u >> rest)) == 0);
}

bool
network_has(const struct network *n, const struct sockaddr *sa)
{
	const uint8_t *ip;
	size_t len = address_ip(sa, &ip);

	return len > 0 && network_has_ip(n, ip, len);
}
