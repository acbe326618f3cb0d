/* name.h - a host as certificates know it: a DNS name or an IP address; and a set of
 * them as name constraints know it: a domain or a network.
 *
 * Form: DNS names in lower case without the final dot.
 */
#ifndef TRACETAPE_CERTS_NAME_H
#define TRACETAPE_CERTS_NAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	NAME_DNS_MAX = 253,	/* bytes */
	NAME_TEXT_MAX = 256,	/* bytes that name_print needs, NUL included */
	NAME_SETS_MAX = 256,
};

struct name {
	enum { NAME_DNS, NAME_IP } kind;
	char dns[NAME_DNS_MAX + 1];
	uint8_t ip[16];
	uint8_t mask[16];	/* of a set; all ones for a host */
	size_t ip_len;		/* 4 or 16 */
};

/* "api.openai.com", "127.0.0.1", "::1", "[::1]".  0 or CERTS_NAME: what a resolver
 * might take for an address in another spelling ("127.1", "0x7f000001") is none. */
int name_host(struct name *n, const char *text);

/* Also "*.api.openai.com", which is the same set as "api.openai.com" since a
 * constraint covers a name and all below it (RFC 5280 4.2.1.10), and "10.0.0.0/8".
 * 0 or CERTS_PERMIT. */
int name_set(struct name *n, const char *text);

/* True when host, or another set, lies in set. */
bool name_is_within(const struct name *host, const struct name *set);

/* True when one of by[0..n) has it. */
bool name_is_covered(const struct name *name, const struct name *by, size_t n);

/* Parses text[0..n) into *out, which the caller frees, without those that an earlier
 * one covers.  0, ENOMEM, CERTS_PERMIT: also for n == 0 and n > NAME_SETS_MAX. */
int name_sets(struct name **out, size_t *n_out, const char *const *text,
    size_t n);

/* The text that name_host or name_set take; networks of one address without /. */
void name_print(const struct name *n, char text[NAME_TEXT_MAX]);

#endif
