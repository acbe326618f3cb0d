#include "tools/block.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "certs/error.h"
#include "certs/pemfile.h"
#include "tools/bundle.h"
#include "tools/cadir.h"

enum { ROOTS_MAX = 16 * 1024 * 1024 };	/* bytes of a file that is named already */

/* These replace a client's roots, each for itself. */
static const char *const root_names[] = {
	"REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "GIT_SSL_CAINFO",
	"CODEX_CA_CERTIFICATE",
};

enum { N_ROOT_NAMES = sizeof(root_names) / sizeof(root_names[0]) };

const char *
block_getenv(const char *lower, const char *upper)
{
	const char *s = getenv(lower);

	if (!s || !*s)
		s = getenv(upper);
	return s && *s ? s : NULL;
}

/* HTTPS_PROXY of a block leads to one of us, and BLOCK_PROXY says where. */
static bool
is_of_a_block(const char *url)
{
	const char *ours = getenv(BLOCK_PROXY), *at = strrchr(url, '@');
	const char *address = at ? at + 1 : url + strcspn(url, ":") + 3;

	return ours && *ours && strncmp(url, "http://", 7) == 0 &&
	    strncmp(address, ours, strlen(ours)) == 0 &&
	    strspn(address + strlen(ours), "/") == strlen(address + strlen(ours));
}

const char *
block_way_out(void)
{
	const char *url = block_getenv("https_proxy", "HTTPS_PROXY");

	if (url && is_of_a_block(url)) {
		url = getenv(BLOCK_VIA);
		return url && *url ? url : NULL;
	}
	return url ? url : block_getenv("all_proxy", "ALL_PROXY");
}

/* Takes value, which may be NULL for want of memory. */
static bool
add(struct block *b, const char *name, char *value)
{
	assert(b->n < BLOCK_VARS_MAX);
	if (!value)
		return false;
	b->var[b->n++] = (struct block_var){ name, value };
	return true;
}

static bool
add_dup(struct block *b, const char *name, const char *value)
{
	return add(b, name, strdup(value));
}

static bool
add_proxy(struct block *b, const struct block_wish *w)
{
	const char *before = block_way_out();
	char *url;

	if (asprintf(&url, "http://%s%s%s", w->user ? w->user : "",
	    w->user ? "@" : "", w->address) < 0)
		return false;
	return add_dup(b, "HTTPS_PROXY", url) && add(b, "https_proxy", url) &&
	    add_dup(b, "NODE_USE_ENV_PROXY", "1") &&
	    add_dup(b, BLOCK_PROXY, w->address) &&
	    (!before || add_dup(b, BLOCK_VIA, before));
}

static bool
add_no_proxy(struct block *b, const struct block_wish *w)
{
	struct bytes list = { 0 };
	bool ok;

	block_put_no_proxy(&list, block_getenv("no_proxy", "NO_PROXY"),
	    w->intercept);
	bytes_putc(&list, '\0');
	ok = !list.failed && add_dup(b, "NO_PROXY", (char *)list.p) &&
	    add_dup(b, "no_proxy", (char *)list.p);
	bytes_fini(&list);
	return ok;
}

static bool
add_base_url(struct block *b, const struct block_wish *w)
{
	char *url;

	return asprintf(&url, "http://%s/v1", w->address) >= 0 &&
	    add(b, "OPENAI_BASE_URL", url);
}

/* What the variables of roots are made of. */
struct trust {
	struct ca *ca;
	const char *dir;
	char *own;			/* our CA alone */
	char *bundle;			/* the system's roots and ours */
	const char *bad;		/* the file at fault, lent */
};

/* The file that holds theirs and our CA.  Its name comes from theirs, so that
 * shells with different settings do not take each other's. */
static char *
file_beside(const struct trust *t, const char *theirs)
{
	uint64_t hash = 14695981039346656037u;	/* FNV-1a */
	char name[64];

	for (const char *p = theirs; *p; p++)
		hash = (hash ^ (unsigned char)*p) * 1099511628211u;
	snprintf(name, sizeof(name), "with-%016llx.pem",
	    (unsigned long long)hash);
	return cadir_file(t->dir, name);
}

static bool
holds(const struct bytes *pem, struct slice part)
{
	return memmem(pem->p, pem->len, part.p, part.len) != NULL;
}

/* The value for a variable that says theirs now: else, when that is nothing to add
 * our CA to.  NULL: no memory, or *rc says why. */
static char *
with_ours(struct trust *t, const char *theirs, const char *otherwise, int *rc)
{
	struct bytes pem = { 0 };
	char *file = NULL;

	*rc = 0;
	if (!theirs || !*theirs || strcmp(theirs, t->bundle) == 0 ||
	    pemfile_read(&pem, AT_FDCWD, theirs, ROOTS_MAX, NULL) != 0) {
		file = strdup(otherwise);
	} else if (holds(&pem, ca_pem(t->ca))) {
		file = strdup(theirs);
	} else if ((file = file_beside(t, theirs))) {
		bytes_putc(&pem, '\n');
		bytes_put_slice(&pem, ca_pem(t->ca));
		if (pem.failed)
			*rc = ENOMEM;
		else if (!savefile_has(file, bytes_slice(&pem)))
			*rc = savefile_put(file, SAVEFILE_REPLACE,
			    bytes_slice(&pem));
	}
	bytes_fini(&pem);
	if (*rc) {
		free(file);
		t->bad = t->dir;
		return NULL;
	}
	return file;
}

static int
add_roots(struct block *b, struct trust *t)
{
	int rc;

	/* Node adds to its roots. */
	if (!add(b, "NODE_EXTRA_CA_CERTS", with_ours(t,
	    getenv("NODE_EXTRA_CA_CERTS"), t->own, &rc)))
		return rc ? rc : ENOMEM;
	for (size_t i = 0; i < N_ROOT_NAMES; i++)
		if (!add(b, root_names[i], with_ours(t, getenv(root_names[i]),
		    t->bundle, &rc)))
			return rc ? rc : ENOMEM;
	/* The bundle is made of the file that this one names. */
	return add_dup(b, "SSL_CERT_FILE", t->bundle) ? 0 : ENOMEM;
}

static int
make_trust(struct block *b, struct trust *t)
{
	int rc = ca_load(&t->ca, t->dir);

	if (rc)
		return rc;
	t->own = cadir_file(t->dir, CA_CERT_FILE);
	t->bundle = cadir_file(t->dir, BUNDLE_FILE);
	if (!t->own || !t->bundle)
		return ENOMEM;
	rc = bundle_save(t->ca, t->bundle, SAVEFILE_REPLACE, &t->bad);
	if (rc == CERTS_NO_ROOTS) {
		/* Without roots nobody else was trusted before either. */
		free(t->bundle);
		t->bundle = strdup(t->own);
		rc = t->bundle ? 0 : ENOMEM;
	}
	return rc ? rc : add_roots(b, t);
}

static bool
add_trust(struct block *b, const char *ca_dir, char err[BLOCK_ERROR_MAX])
{
	char *real = realpath(ca_dir, NULL);
	struct trust t = { .dir = real ? real : ca_dir };
	int rc = make_trust(b, &t);

	if (rc)
		snprintf(err, BLOCK_ERROR_MAX, "CA in %s: %s%s%s", t.dir,
		    t.bad ? t.bad : "", t.bad ? ": " : "", certs_strerror(rc));
	ca_unref(t.ca);
	free(t.own);
	free(t.bundle);
	free(real);
	return rc == 0;
}

bool
block_make(struct block *b, const struct block_wish *w,
    char err[BLOCK_ERROR_MAX])
{
	bool ok;

	memset(b, 0, sizeof(*b));
	snprintf(err, BLOCK_ERROR_MAX, "no memory");
	ok = add_proxy(b, w) && add_no_proxy(b, w) &&
	    (!w->ca_dir || add_trust(b, w->ca_dir, err)) &&
	    (!w->has_base_url || add_base_url(b, w));
	if (!ok)
		block_fini(b);
	return ok;
}

const char *
block_get(const struct block *b, const char *name)
{
	for (size_t i = 0; i < b->n; i++)
		if (strcmp(b->var[i].name, name) == 0)
			return b->var[i].value;
	return NULL;
}

bool
block_set(const struct block *b)
{
	for (size_t i = 0; i < b->n; i++)
		if (setenv(b->var[i].name, b->var[i].value, 1) != 0)
			return false;
	return true;
}

void
block_fini(struct block *b)
{
	for (size_t i = 0; i < b->n; i++)
		free(b->var[i].value);
	memset(b, 0, sizeof(*b));
}
