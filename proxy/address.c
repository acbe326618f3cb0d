#include "proxy/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "proxy/network.h"

bool
address_parse_port(const char *text, size_t len, unsigned *port)
{
	unsigned v = 0;

	if (len == 0 || len > 5)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		v = v * 10 + (unsigned)(text[i] - '0');
	}
	*port = v;
	return v <= 65535;
}

bool
address_parse(const char *text, struct sockaddr_storage *sa, socklen_t *len)
{
	struct sockaddr_in *in = (struct sockaddr_in *)sa;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)sa;
	const char *end = strchr(text, text[0] == '[' ? ']' : ':');
	char host[INET6_ADDRSTRLEN];
	unsigned port = 0;

	if (text[0] == '[' && !end)
		return false;
	if (!end)
		end = text + strlen(text);
	text += text[0] == '[';
	if ((size_t)(end - text) >= sizeof(host))
		return false;
	memcpy(host, text, (size_t)(end - text));
	host[end - text] = '\0';
	end += *end == ']';
	if (*end && (*end != ':' ||
	    !address_parse_port(end + 1, strlen(end + 1), &port)))
		return false;
	memset(sa, 0, sizeof(*sa));
	if (inet_pton(AF_INET, host, &in->sin_addr) == 1) {
		in->sin_family = AF_INET;
		in->sin_port = htons((uint16_t)port);
		*len = sizeof(*in);
		return true;
	}
	if (inet_pton(AF_INET6, host, &in6->sin6_addr) != 1)
		return false;
	in6->sin6_family = AF_INET6;
	in6->sin6_port = htons((uint16_t)port);
	*len = sizeof(*in6);
	return true;
}

unsigned
address_port(const struct sockaddr *sa)
{
	return ntohs(sa->sa_family == AF_INET6 ?
	    ((const struct sockaddr_in6 *)(const void *)sa)->sin6_port :
	    ((const struct sockaddr_in *)(const void *)sa)->sin_port);
}

void
address_set_port(struct sockaddr *sa, unsigned port)
{
	if (sa->sa_family == AF_INET6)
		((struct sockaddr_in6 *)(void *)sa)->sin6_port =
		    htons((uint16_t)port);
	else
		((struct sockaddr_in *)(void *)sa)->sin_port =
		    htons((uint16_t)port);
}

void
address_print(const struct sockaddr *sa, char out[ADDRESS_TEXT_MAX])
{
	const void *host = sa->sa_family == AF_INET6 ?
	    (const void *)&((const struct sockaddr_in6 *)(const void *)sa)->sin6_addr :
	    (const void *)&((const struct sockaddr_in *)(const void *)sa)->sin_addr;
	char ip[INET6_ADDRSTRLEN] = "?";

	inet_ntop(sa->sa_family, host, ip, sizeof(ip));
	snprintf(out, ADDRESS_TEXT_MAX,
	    sa->sa_family == AF_INET6 ? "[%s]:%u" : "%s:%u", ip,
	    address_port(sa));
}

size_t
address_ip(const struct sockaddr *sa, const uint8_t **ip)
{
	const struct sockaddr_in *in = (const void *)sa;
	const struct sockaddr_in6 *in6 = (const void *)sa;

	if (sa->sa_family == AF_INET) {
		*ip = (const void *)&in->sin_addr;
		return 4;
	}
	if (sa->sa_family != AF_INET6)
		return 0;
	*ip = in6->sin6_addr.s6_addr;
	if (!IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr))
		return 16;
	*ip += 12;
	return 4;
}

bool
address_is_loopback(const struct sockaddr *sa)
{
	static const uint8_t one[16] = { [15] = 1 };
	const uint8_t *ip;
	size_t len = address_ip(sa, &ip);

	return (len == 4 && ip[0] == 127) ||
	    (len == 16 && memcmp(ip, one, sizeof(one)) == 0);
}

/* IANA's IPv4 Special-Purpose Address Registry, what is not globally reachable. */
static const struct network special[] = {
	{ { 0 }, 4, 8 },			/* this network */
	{ { 10 }, 4, 8 },			/* private */
	{ { 100, 64 }, 4, 10 },			/* a carrier's NAT */
	{ { 127 }, 4, 8 },			/* loopback */
	{ { 168, 63, 129, 16 }, 4, 32 },	/* Azure's wire server */
	{ { 169, 254 }, 4, 16 },		/* link-local: cloud metadata */
	{ { 172, 16 }, 4, 12 },			/* private */
	{ { 192, 0, 0 }, 4, 24 },		/* IETF protocols */
	{ { 192, 0, 2 }, 4, 24 },		/* documentation */
	{ { 192, 88, 99 }, 4, 24 },		/* 6to4 relays, given up */
	{ { 192, 168 }, 4, 16 },		/* private */
	{ { 198, 18 }, 4, 15 },			/* benchmarks */
	{ { 198, 51, 100 }, 4, 24 },		/* documentation */
	{ { 203, 0, 113 }, 4, 24 },		/* documentation */
	{ { 224 }, 4, 4 },			/* multicast */
	{ { 240 }, 4, 4 },			/* reserved, broadcast */
	/* IPv6, within what is global unicast. */
	{ { 0x20, 0x01 }, 16, 23 },		/* IETF protocols: benchmarks, ... */
	{ { 0x20, 0x01, 0x0d, 0xb8 }, 16, 32 },	/* documentation */
	{ { 0x3f, 0xff }, 16, 20 },		/* documentation */
};

/* All that IANA has given out for unicast (RFC 4291 2.4): loopback, unique and link
 * local, site-local, multicast, IPv4-compatible and the rest lie elsewhere. */
static const struct network unicast = { { 0x20 }, 16, 3 };
static const struct network nat64 = { { 0, 0x64, 0xff, 0x9b }, 16, 96 };
static const struct network sixto4 = { { 0x20, 0x02 }, 16, 16 };
static const struct network teredo = { { 0x20, 0x01, 0, 0 }, 16, 32 };

static bool
is_special(const uint8_t *ip, size_t len)
{
	for (size_t i = 0; i < sizeof(special) / sizeof(special[0]); i++)
		if (network_has_ip(&special[i], ip, len))
			return true;
	return false;
}

/* RFC 4380 4: the server's address, flags and port, the client's address inverted. */
static bool
is_teredo_public(const uint8_t *ip)
{
	uint8_t client[4];

	for (int i = 0; i < 4; i++)
		client[i] = ip[12 + i] ^ 0xff;
	return !is_special(ip + 4, 4) && !is_special(client, 4);
}

bool
address_is_public(const struct sockaddr *sa)
{
	const uint8_t *ip;
	size_t len = address_ip(sa, &ip);

	if (len == 4)
		return !is_special(ip, 4);
	if (len == 0)
		return false;
	if (network_has_ip(&nat64, ip, 16))
		return !is_special(ip + 12, 4);
	if (network_has_ip(&sixto4, ip, 16))
		return !is_special(ip + 2, 4);
	if (network_has_ip(&teredo, ip, 16))
		return is_teredo_public(ip);
	return network_has_ip(&unicast, ip, 16) && !is_special(ip, 16);
}
