/* trust_debian.h - puts our CA among the roots of Debian's kind of systems, and takes it
 * away: a file in /usr/local/share/ca-certificates, and update-ca-certificates.
 *
 * Needs root.  What update-ca-certificates says goes to stderr.
 * Errors: int rc, 0, errno values or TRUST_*, for trust_debian_strerror.
 */
#ifndef TRACETAPE_TOOLS_TRUST_DEBIAN_H
#define TRACETAPE_TOOLS_TRUST_DEBIAN_H

#include "store/bytes.h"

#define TRUST_DEBIAN_FILE "/usr/local/share/ca-certificates/tracetape.crt"

enum trust_debian_error {
	TRUST_NOT_DEBIAN = -1,	/* another kind of system */
	TRUST_NO_TOOL = -2,	/* update-ca-certificates is not there */
	TRUST_NOT_ROOT = -3,
	TRUST_TOOL_FAILED = -4,	/* ... it said why */
	TRUST_ABSENT = -5,	/* nothing to take away */
};

/* pem replaces what an earlier call has put there. */
int trust_debian_install(struct slice pem);
int trust_debian_uninstall(void);

const char *trust_debian_strerror(int rc);

#endif
