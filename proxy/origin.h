/* origin.h - scheme, host and port of an upstream (RFC 9110 4.3.1). */
#ifndef TRACETAPE_PROXY_ORIGIN_H
#define TRACETAPE_PROXY_ORIGIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { ORIGIN_HOST_MAX = 256, ORIGIN_AUTHORITY_MAX = ORIGIN_HOST_MAX + 8 };

struct origin {
	char host[ORIGIN_HOST_MAX];	/* lower case; IPv6 without brackets,
					 * names without the final dot */
	uint16_t port;
	bool is_tls;
	enum {
		ORIGIN_OURS,		/* configured or intercepted */
		ORIGIN_CLIENTS,		/* a client's choice: shares no connection
					 * with those that nobody has judged */
	} whose;
};

/* "https://host[:port][/]".  A path is refused: it belongs to the client's base
 * URL.  False: not that; *why says what was expected. */
bool origin_parse(struct origin *o, const char *url, const char **why);

/* "host[:port]" with an IPv6 host in brackets; port 0 when absent. */
bool origin_parse_authority(struct origin *o, const char *text, size_t len);

bool origin_eq(const struct origin *a, const struct origin *b);

/* For Host lines: the port only when it is not the scheme's own. */
void origin_authority(const struct origin *o, char out[ORIGIN_AUTHORITY_MAX]);

/* For records and logs: always with the port. */
void origin_name(const struct origin *o, char out[ORIGIN_AUTHORITY_MAX]);

#endif
