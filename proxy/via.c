#include "proxy/via.h"

#include <stdio.h>
#include <string.h>

#include "proxy/http1.h"
#include "store/bytes.h"

enum { AUTH_RAW_MAX = (VIA_AUTH_MAX - 1) / 4 * 3 };	/* before base64 */

static int
hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* Appends text, percent-decoded, to out[*len..).  False: broken, too long, or with a
 * byte that credentials cannot have (RFC 7617 2). */
static bool
decode(char *out, size_t *len, struct slice text, bool is_user)
{
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.p[i];

		if (c == '%') {
			int high = i + 2 < text.len ? hex(text.p[i + 1]) : -1;
			int low = high >= 0 ? hex(text.p[i + 2]) : -1;

			if (low < 0)
				return false;
			c = (unsigned char)(high << 4 | low);
			i += 2;
		} else if (c <= ' ') {
			return false;
		}
		if (c < ' ' || c == 0x7f || (is_user && c == ':') ||
		    *len == AUTH_RAW_MAX)
			return false;
		out[(*len)++] = (char)c;
	}
	return true;
}

static void
put_base64(char *out, const char *raw, size_t n)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "abcdefghijklmnopqrstuvwxyz0123456789+/";
	const unsigned char *p = (const unsigned char *)raw;

	for (size_t i = 0; i < n; i += 3) {
		unsigned v = (unsigned)p[i] << 16;

		v |= i + 1 < n ? (unsigned)p[i + 1] << 8 : 0;
		v |= i + 2 < n ? p[i + 2] : 0;
		*out++ = digits[v >> 18];
		*out++ = digits[v >> 12 & 63];
		*out++ = i + 1 < n ? digits[v >> 6 & 63] : '=';
		*out++ = i + 2 < n ? digits[v & 63] : '=';
	}
	*out = '\0';
}

/* "user[:password]". */
static bool
parse_user(struct via *v, struct slice text)
{
	const char *colon = memchr(text.p, ':', text.len);
	struct slice user = text, password = { "", 0 };
	char raw[AUTH_RAW_MAX];
	size_t len = 0;
	bool ok;

	if (text.len == 0)
		return true;
	if (colon) {
		user.len = (size_t)(colon - text.p);
		password.p = colon + 1;
		password.len = text.len - user.len - 1;
	}
	ok = decode(raw, &len, user, true) && len < AUTH_RAW_MAX;
	if (ok) {
		raw[len++] = ':';
		ok = decode(raw, &len, password, false);
	}
	if (ok)
		put_base64(v->auth, raw, len);
	explicit_bzero(raw, sizeof(raw));
	return ok;
}

bool
via_parse(struct via *v, const char *url, const char **why)
{
	static const char scheme[] = "http://";
	const char *at, *host;
	size_t len;

	memset(v, 0, sizeof(*v));
	*why = "give http://[user:password@]host[:port]; to the other proxy "
	    "itself only plain http is spoken";
	if (strncmp(url, scheme, sizeof(scheme) - 1) != 0)
		return false;
	url += sizeof(scheme) - 1;
	len = strcspn(url, "/?#");
	at = strchr(url, '@');
	host = at ? at + 1 : url;
	if (at && (at > url + len || strchr(host, '@') ||
	    !parse_user(v, (struct slice){ url, (size_t)(at - url) }))) {
		*why = "in user and password write @ : / ? # % and spaces as "
		    "%40 %3A %2F %3F %23 %25 %20; no control characters, "
		    "no colon in the user, 764 bytes at most";
		return false;
	}
	if (url[len] && strcmp(url + len, "/") != 0)
		return false;
	if (!origin_parse_authority(&v->proxy, host, len - (size_t)(host - url)))
		return false;
	if (v->proxy.port == 0)
		v->proxy.port = 80;
	return true;
}

void
via_request(struct bytes *out, const struct via *v, const struct origin *o)
{
	char name[ORIGIN_AUTHORITY_MAX];

	origin_name(o, name);
	bytes_printf(out, "CONNECT %s HTTP/1.1\r\nHost: %s\r\n", name, name);
	if (v->auth[0])
		bytes_printf(out, "Proxy-Authorization: Basic %s\r\n", v->auth);
	bytes_puts(out, "Proxy-Connection: keep-alive\r\n\r\n");
}

long
via_answer(const void *p, size_t n, int *status)
{
	struct http1_head h;
	size_t used = 0;

	if (n > VIA_HEAD_MAX)
		n = VIA_HEAD_MAX;
	do {
		size_t seen = 0;
		long len = http1_response(&h, SLICE("CONNECT"),
		    (const char *)p + used, n - used, &seen);

		if (len < 0 || (len == 0 && n == VIA_HEAD_MAX))
			return -1;
		if (len == 0)
			return 0;
		used += (size_t)len;
	} while (h.status < 200 && h.status != 101);
	*status = h.status;
	return (long)used;
}

const char *
via_remedy(const struct via *v, int status)
{
	switch (status) {
	case 407:
		return v->auth[0] ? "it does not take the user and password of "
		    "upstream.via, or wants them in another way than Basic" :
		    "it wants a user and password: "
		    "upstream.via = http://user:password@host:port";
	case 400:
	case 405:
	case 501:
		return "it may not be a proxy for CONNECT: check host and port of "
		    "upstream.via";
	case 401:
	case 403:
	case 451:
		return "it does not let this through: ask who runs it, or "
		    "list the host in upstream.no_via";
	case 502:
	case 503:
	case 504:
		return "it does not reach the host";
	default:
		return "ask who runs it, or list the host in upstream.no_via";
	}
}
