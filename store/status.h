/* status.h - what a running proxy says of itself, for the tools of the same machine.
 *
 * The value of the row STATUS_META in the store's table meta: lines "key=value\n",
 * in any order.  Values are what the operator wrote or the kernel gave; control
 * characters and backslashes stand as \xHH.  Nothing secret belongs in here.
 * Missing: a slice with p == NULL, a number that is -1; its line is left out.
 *
 * The row outlives its proxy: only while `pid` holds the store does it speak
 * for anybody (tools/running.h).
 */
#ifndef TRACETAPE_STORE_STATUS_H
#define TRACETAPE_STORE_STATUS_H

#include "store/bytes.h"

#define STATUS_META "proxy"

struct status {
	int64_t pid;
	int64_t started_ns;		/* wall clock, since 1970 */
	struct slice http;		/* the plain listener, "127.0.0.1:8787",
					 * "[::1]:8787", as bound; missing: off */
	struct slice tls;		/* the TLS listener, likewise */
	struct slice upstream;		/* "https://api.openai.com" */
	struct slice ca_dir;		/* absolute; missing: no CA in use */
	struct slice intercept;		/* host patterns, between spaces */
	struct slice traces;		/* "forward", "local" */
	struct slice auth;		/* "none", "file": callers need a password */
	struct slice via;		/* "none", "set": never the URL */
};

/* All missing. */
void status_init(struct status *s);

/* Appends the row's value.  No text may hold a NUL: what follows one is cut. */
void status_encode(struct bytes *b, const struct status *s);

/* Keys that are not known are skipped, of two alike the last counts.  The texts
 * are copied into hold, which is emptied first, each with a NUL behind it; they
 * live as long as it does.  false: no such value, or no memory; *s is then as
 * from status_init. */
bool status_decode(struct status *s, struct bytes *hold, struct slice value);

#endif
