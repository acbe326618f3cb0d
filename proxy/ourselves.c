#include "proxy/ourselves.h"

#include <string.h>

#include "proxy/address.h"

static bool
is_any(const struct sockaddr *sa)
{
	static const uint8_t zero[16];
	const uint8_t *ip;
	size_t len = address_ip(sa, &ip);

	return len > 0 && memcmp(ip, zero, len) == 0;
}

static bool
is_same_host(const struct sockaddr *a, const struct sockaddr *b)
{
	const uint8_t *p, *q;
	size_t len = address_ip(a, &p);

	return len > 0 && address_ip(b, &q) == len && memcmp(p, q, len) == 0;
}

static bool
reaches(const struct sockaddr *listener, const struct sockaddr *sa)
{
	if (address_port(listener) != address_port(sa))
		return false;
	/* To connect to 0.0.0.0 is to connect to 127.0.0.1; and [::] listens for
	 * IPv4 too. */
	if (is_any(listener))
		return address_is_loopback(sa) || is_any(sa);
	return is_same_host(listener, sa) ||
	    (is_any(sa) && address_is_loopback(listener));
}

bool
ourselves_at(const struct sockaddr_storage *listening, size_t n,
    const struct sockaddr *sa)
{
	for (size_t i = 0; i < n; i++)
		if (reaches((const struct sockaddr *)&listening[i], sa))
			return true;
	return false;
}

/* Only a machine's own address is on both ends of a connection. */
bool
ourselves_answer(const struct sockaddr_storage *listening, size_t n, int fd)
{
	struct sockaddr_storage local, peer;
	const struct sockaddr *to = (const struct sockaddr *)&peer;
	const struct sockaddr *from = (const struct sockaddr *)&local;
	socklen_t local_len = sizeof(local), peer_len = sizeof(peer);

	if (n == 0 ||
	    getsockname(fd, (struct sockaddr *)&local, &local_len) != 0 ||
	    getpeername(fd, (struct sockaddr *)&peer, &peer_len) != 0)
		return false;
	for (size_t i = 0; i < n; i++) {
		const struct sockaddr *l = (const struct sockaddr *)&listening[i];

		if (reaches(l, to) || (is_any(l) &&
		    address_port(l) == address_port(to) && is_same_host(from, to)))
			return true;
	}
	return false;
}
