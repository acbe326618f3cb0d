/* http1_chars.h - classes of bytes and runs of them, inside the http1 leaf. */
#ifndef TRACETAPE_PROXY_HTTP1_CHARS_H
#define TRACETAPE_PROXY_HTTP1_CHARS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	HTTP1_TOKEN = 1,	/* tchar (RFC 9110 5.6.2) */
	HTTP1_TARGET = 2,	/* what a request target is made of */
	HTTP1_TEXT = 4,		/* field content: tab, space, VCHAR, obs-text */
	HTTP1_HOST = 8,		/* unreserved or sub-delims (RFC 3986 3.2.2) */
	HTTP1_HEX = 16,
	HTTP1_DIGIT = 32,
};

extern const uint8_t http1_class[256];

static inline bool
http1_is(char c, int class)
{
	return (http1_class[(uint8_t)c] & class) != 0;
}

static inline bool
http1_is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Bytes at p that are of the class, at most n. */
static inline size_t
http1_run(const char *p, size_t n, int class)
{
	size_t i = 0;

	while (i < n && http1_is(p[i], class))
		i++;
	return i;
}

/* The same for HTTP1_TEXT, eight bytes at a time. */
size_t http1_text_run(const char *p, size_t n);

#endif
