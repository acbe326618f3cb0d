#include "tools/block.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/auth.h"
#include "tools/running.h"
#include "tools/utf8.h"

/* A colon would end the name in Proxy-Authorization (RFC 7617 2). */
const char *
block_label_fault(const char *label)
{
	size_t len = strlen(label);
	uint32_t cp;

	if (len == 0 || len >= AUTH_LABEL_MAX)
		return "must have 1 to 63 bytes";
	for (size_t i = 0; i < len; ) {
		int n = utf8_next(label + i, len - i, &cp);

		if (n <= 0 || cp == ':' || utf8_is_hostile(cp))
			return "must be text without colons and control characters";
		i += (size_t)n;
	}
	return NULL;
}

void
block_put_user(struct bytes *out, const char *label)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrs"
	    "tuvwxyz0123456789-._~";

	for (const char *p = label; *p; p++) {
		if (strchr(plain, *p))
			bytes_putc(out, *p);
		else
			bytes_printf(out, "%%%02X", (unsigned char)*p);
	}
	bytes_puts(out, ":x");
}

/* The name and password that a proxy URL has for address, missing otherwise. */
static struct slice
user_for(const char *url, const char *address)
{
	const struct slice none = { NULL, 0 };
	const char *rest = url && strncmp(url, "http://", 7) == 0 ? url + 7 : "";
	const char *end = rest + strcspn(rest, "/?#");
	const char *at = memchr(rest, '@', (size_t)(end - rest));
	size_t len = strlen(address);

	if (!at || (size_t)(end - at - 1) != len ||
	    strncmp(at + 1, address, len) != 0)
		return none;
	return (struct slice){ rest, (size_t)(at - rest) };
}

/* Appends what stands before the @, and a NUL. */
static bool
put_user(struct bytes *user, const struct running *r, const char *label)
{
	struct slice known;

	if (!r->status.auth.p || !slice_eq(r->status.auth, SLICE("file"))) {
		if (label)
			block_put_user(user, label);
	} else {
		known = user_for(block_getenv("https_proxy", "HTTPS_PROXY"),
		    r->http);
		if (!known.p)
			return false;
		bytes_put_slice(user, known);
	}
	bytes_putc(user, '\0');
	return true;
}

bool
block_make_for(struct block *b, const struct running *r, const char *label,
    bool has_base_url, char err[BLOCK_ERROR_MAX])
{
	struct bytes user = { 0 };
	struct block_wish w = {
		.address = r->http,
		.ca_dir = r->status.ca_dir.len ? r->status.ca_dir.p : NULL,
		.intercept = r->status.intercept,
		.has_base_url = has_base_url,
	};
	bool ok = false;

	memset(b, 0, sizeof(*b));
	if (!r->http[0]) {
		snprintf(err, BLOCK_ERROR_MAX, "the proxy that is up has no plain "
		    "listener: give it one with --listen");
	} else if (!put_user(&user, r, label)) {
		snprintf(err, BLOCK_ERROR_MAX, "the proxy at %s wants a password: "
		    "export HTTPS_PROXY=http://NAME:PASSWORD@%s first", r->http,
		    r->http);
	} else if (user.failed) {
		snprintf(err, BLOCK_ERROR_MAX, "no memory");
	} else {
		w.user = user.p[0] ? (const char *)user.p : NULL;
		ok = block_make(b, &w, err);
	}
	bytes_fini(&user);
	return ok;
}
