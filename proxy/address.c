#include "proxy/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool
address_parse(const char *text, struct sockaddr_storage *sa, socklen_t *len)
{
	struct sockaddr_in *in = (struct sockaddr_in *)sa;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)sa;
	const char *end = strchr(text, text[0] == '[' ? ']' : ':');
	char host[INET6_ADDRSTRLEN];
	unsigned long port = 0;

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
	if (*end == ':') {
		char *after;

		port = strtoul(end + 1, &after, 10);
		if (end[1] < '0' || end[1] > '9' || *after || port > 65535)
			return false;
	} else if (*end) {
		return false;
	}
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

bool
address_is_loopback(const struct sockaddr *sa)
{
	const struct sockaddr_in *in = (const void *)sa;
	const struct sockaddr_in6 *in6 = (const void *)sa;

	if (sa->sa_family == AF_INET6)
		return IN6_IS_ADDR_LOOPBACK(&in6->sin6_addr);
	return ntohl(in->sin_addr.s_addr) >> 24 == 127;
}
