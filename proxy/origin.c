#include "proxy/origin.h"

#include <string.h>

#include <arpa/inet.h>

enum { LABEL_MAX = 63 };

static bool
parse_port(const char *p, size_t n, uint16_t *port)
{
	unsigned v = 0;

	if (n == 0 || n > 5)
		return false;
	for (size_t i = 0; i < n; i++) {
		if (p[i] < '0' || p[i] > '9')
			return false;
		v = v * 10 + (unsigned)(p[i] - '0');
	}
	if (v == 0 || v > 65535)
		return false;
	*port = (uint16_t)v;
	return true;
}

static bool
is_host_byte(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
	    c == '.' || c == '_' || c == ':';
}

static bool
copy_host(struct origin *o, const char *p, size_t n)
{
	if (n > 1 && p[n - 1] == '.')
		n--;			/* the root's: TLS and we leave it out */
	if (n == 0 || n >= sizeof(o->host))
		return false;
	for (size_t i = 0; i < n; i++) {
		char c = p[i] >= 'A' && p[i] <= 'Z' ? (char)(p[i] + 32) : p[i];

		if (!is_host_byte(c))
			return false;
		o->host[i] = c;
	}
	o->host[n] = '\0';
	return true;
}

/* Labels of one to 63 bytes with dots between. */
static bool
is_name(const char *host)
{
	for (const char *p = host; ; p++) {
		size_t n = strcspn(p, ".");

		if (n == 0 || n > LABEL_MAX)
			return false;
		p += n;
		if (!*p)
			return true;
	}
}

static bool
is_ipv6(const char *host)
{
	struct in6_addr a;

	return inet_pton(AF_INET6, host, &a) == 1;
}

bool
origin_parse_authority(struct origin *o, const char *text, size_t len)
{
	const char *host = text, *end = text + len, *colon;
	bool is_bracketed = len > 0 && text[0] == '[';
	size_t n;

	o->port = 0;
	if (is_bracketed) {
		const char *close = memchr(text, ']', len);

		if (!close)
			return false;
		host++;
		n = (size_t)(close - host);
		colon = close + 1;
	} else {
		colon = memchr(text, ':', len);
		if (!colon)
			colon = end;
		n = (size_t)(colon - host);
	}
	if (colon < end && *colon != ':')
		return false;
	/* An empty port is the scheme's (RFC 3986 3.2.3). */
	if (end - colon > 1 &&
	    !parse_port(colon + 1, (size_t)(end - colon - 1), &o->port))
		return false;
	return copy_host(o, host, n) &&
	    (is_bracketed ? is_ipv6(o->host) : is_name(o->host));
}

bool
origin_parse(struct origin *o, const char *url, const char **why)
{
	static const char https[] = "https://", http[] = "http://";
	size_t len;

	*why = "give http://host[:port] or https://host[:port]";
	memset(o, 0, sizeof(*o));
	if (strncmp(url, https, sizeof(https) - 1) == 0) {
		o->is_tls = true;
		url += sizeof(https) - 1;
	} else if (strncmp(url, http, sizeof(http) - 1) == 0) {
		url += sizeof(http) - 1;
	} else {
		return false;
	}
	len = strcspn(url, "/?#");
	if (url[len] && strcmp(url + len, "/") != 0) {
		*why = "give no path: it belongs to the client's OPENAI_BASE_URL";
		return false;
	}
	if (!origin_parse_authority(o, url, len))
		return false;
	if (o->port == 0)
		o->port = o->is_tls ? 443 : 80;
	return true;
}

bool
origin_eq(const struct origin *a, const struct origin *b)
{
	return a->port == b->port && a->is_tls == b->is_tls &&
	    a->whose == b->whose && strcmp(a->host, b->host) == 0;
}

/* Once or twice a request, so without printf. */
static void
print(const struct origin *o, char out[ORIGIN_AUTHORITY_MAX], bool with_port)
{
	const bool is_bracketed = strchr(o->host, ':');
	size_t n = strlen(o->host), digits = 0;
	char *p = out;
	unsigned v = o->port;
	char port[5];

	if (is_bracketed)
		*p++ = '[';
	memcpy(p, o->host, n);
	p += n;
	if (is_bracketed)
		*p++ = ']';
	if (with_port) {
		*p++ = ':';
		do
			port[digits++] = (char)('0' + v % 10);
		while ((v /= 10));
		while (digits > 0)
			*p++ = port[--digits];
	}
	*p = '\0';
}

void
origin_authority(const struct origin *o, char out[ORIGIN_AUTHORITY_MAX])
{
	print(o, out, o->port != (o->is_tls ? 443 : 80));
}

void
origin_name(const struct origin *o, char out[ORIGIN_AUTHORITY_MAX])
{
	print(o, out, true);
}
