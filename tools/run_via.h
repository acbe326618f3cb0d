/* run_via.h - the way out that the environment names: a company's proxy, which a private
 * proxy must go through as the program did.
 *
 * Its URL may hold a password: it goes into a configuration that is on no disk and in
 * no command line.
 */
#ifndef TRACETAPE_TOOLS_RUN_VIA_H
#define TRACETAPE_TOOLS_RUN_VIA_H

#include "store/bytes.h"

/* Appends the lines of a configuration: upstream.via and, from NO_PROXY,
 * upstream.no_via; nothing when the environment names no proxy.  *why is NULL, or says,
 * without the URL, why the proxy is not used; true: one can do without it. */
bool run_via_put(struct bytes *config, const char **why);

/* Appends "key = item" lines for the entries of a NO_PROXY that upstream.no_via can
 * say.  false: it has all hosts go without. */
bool run_via_put_no(struct bytes *config, const char *no_proxy);

#endif
