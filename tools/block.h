/* block.h - the variables that send a program's API calls through a proxy of ours, for
 * `run` and `env`.
 *
 * What the environment says already is kept as far as it can be: NO_PROXY less what
 * would go past us, roots that a variable names with our CA added (in a file
 * beside the CA, so that the old one stays as it is).
 * Plain http is left alone: HTTP_PROXY is neither set nor unset.  Two variables are for
 * ourselves: BLOCK_PROXY tells that HTTPS_PROXY is of a block, and BLOCK_VIA is
 * what it was before.
 * Memory: the block owns its values.
 */
#ifndef TRACETAPE_TOOLS_BLOCK_H
#define TRACETAPE_TOOLS_BLOCK_H

#include "store/bytes.h"

enum { BLOCK_VARS_MAX = 18, BLOCK_ERROR_MAX = 768 };

#define BLOCK_PROXY "TRACETAPE_PROXY"
#define BLOCK_VIA "TRACETAPE_VIA"

struct running;

struct block_wish {
	const char *address;		/* of the plain listener, "127.0.0.1:8787" */
	const char *user;		/* "name:password" as URLs have it, or NULL */
	const char *ca_dir;		/* NULL: the proxy has no CA */
	struct slice intercept;		/* its hosts, between spaces */
	bool has_base_url;		/* OPENAI_BASE_URL too */
};

struct block {
	struct block_var {
		const char *name;
		char *value;
	} var[BLOCK_VARS_MAX];
	size_t n;
};

/* Makes the files, too.  false: err says why. */
bool block_make(struct block *b, const struct block_wish *w,
    char err[BLOCK_ERROR_MAX]);
void block_fini(struct block *b);		/* safe on a zeroed one */

/* ... for a proxy that runs.  label names the calls in the record, NULL: nothing
 * does.  A proxy that wants passwords gets the name and password that HTTPS_PROXY
 * has for it already, instead. */
bool block_make_for(struct block *b, const struct running *r, const char *label,
    bool has_base_url, char err[BLOCK_ERROR_MAX]);

/* The value for a name, NULL: not in there. */
const char *block_get(const struct block *b, const char *name);

/* Puts it into our own environment.  false: no memory. */
bool block_set(const struct block *b);

/* NULL, or what is wrong with a label. */
const char *block_label_fault(const char *label);

/* Appends label:x, in which a URL needs no more escapes. */
void block_put_user(struct bytes *out, const char *label);

/* Appends a NO_PROXY: the entries of theirs (may be NULL) that cover none of the
 * intercepted hosts, and this machine.  Not ::1: Python's httpx before 0.24
 * ends at once when it sees one. */
void block_put_no_proxy(struct bytes *out, const char *theirs,
    struct slice intercept);

/* The way out as it is without us: what HTTPS_PROXY or, without it, ALL_PROXY says, or
 * said before a block took its place; NULL: none. */
const char *block_way_out(void);

/* The value that clients prefer, of the two spellings of a proxy variable; NULL:
 * neither is set, or it is empty.  upper: "HTTPS_PROXY", lower: "https_proxy". */
const char *block_getenv(const char *lower, const char *upper);

#endif
