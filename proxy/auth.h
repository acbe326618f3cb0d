/* auth.h - Proxy-Authorization: Basic (RFC 7617) as a label, or as a password.
 *
 * File:   forward.auth_file has lines "name:password", the password up to the line's
 *         end, colons and all; empty lines and those that begin with # say nothing.
 *         It must be ours or root's, and for nobody else to read (0600).
 * Secret: of passwords a SHA-256 stays in memory; comparing takes the same time for
 *         whoever asks, known or not; what the file or a value holds is never said.
 * Thread: any; const once made.
 */
#ifndef TRACETAPE_PROXY_AUTH_H
#define TRACETAPE_PROXY_AUTH_H

#include "store/bytes.h"

enum { AUTH_LABEL_MAX = 64, AUTH_USERS_MAX = 4096 };

struct auth;

/* NULL: err (CONFIG_ERROR_MAX bytes) names the file, the line and the remedy. */
struct auth *auth_read(const char *file, char *err);
void auth_free(struct auth *a);			/* safe on NULL; wipes */

enum auth_verdict {
	AUTH_OK,
	AUTH_MISSING,		/* no value, and a file to check it against */
	AUTH_WRONG,		/* of another scheme, broken, unknown, or wrong */
};

/* value: of the Proxy-Authorization line, p == NULL when there is none.  label gets
 * the name, cut at AUTH_LABEL_MAX - 1 bytes between characters, "" without one and
 * unless AUTH_OK.  a == NULL: no file, everybody is AUTH_OK, what is broken labels
 * nothing, and control characters and what is no UTF-8 are left out of labels. */
enum auth_verdict auth_check(const struct auth *a, struct slice value,
    char label[AUTH_LABEL_MAX]);

#endif
