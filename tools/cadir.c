#include "tools/cadir.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "certs/error.h"
#include "tools/storedir.h"

/* A constraint covers a name and all below it: us.api.openai.com as well. */
static const char *const own_permit[] = {
	"api.openai.com", "localhost", "127.0.0.1", "::1",
};

enum { N_OWN = sizeof(own_permit) / sizeof(own_permit[0]) };

char *
cadir_file(const char *dir, const char *name)
{
	size_t len = strlen(dir);
	char *out = NULL;

	return asprintf(&out, "%s%s%s", dir,
	    len > 0 && dir[len - 1] == '/' ? "" : "/", name) < 0 ? NULL : out;
}

char *
cadir_find(const char *ca_dir, const char *store)
{
	char *found, *dir;

	if (ca_dir && *ca_dir)
		return strdup(ca_dir);
	found = storedir_find(store);
	if (!found)
		return NULL;
	dir = cadir_file(found, "ca");
	free(found);
	return dir;
}

/* The texts of a list of hosts: borrowed, but for those of an older CA. */
struct hosts {
	const char **text;
	size_t n;
	char (*old)[NAME_TEXT_MAX];
};

static int
hosts_init(struct hosts *h, const struct ca *old, const char *const *more,
    size_t n)
{
	size_t n_old = old ? ca_n_permitted(old) : 0;

	h->n = 0;
	h->text = calloc(N_OWN + n_old + n, sizeof(*h->text));
	h->old = calloc(n_old + 1, sizeof(*h->old));
	if (!h->text || !h->old)
		return ENOMEM;
	for (size_t i = 0; i < N_OWN; i++)
		h->text[h->n++] = own_permit[i];
	for (size_t i = 0; i < n_old; i++) {
		name_print(ca_permitted(old, i), h->old[i]);
		h->text[h->n++] = h->old[i];
	}
	for (size_t i = 0; i < n; i++)
		h->text[h->n++] = more[i];
	return 0;
}

static void
hosts_fini(struct hosts *h)
{
	free(h->text);
	free(h->old);
}

int
cadir_open(struct ca **ca, const char *dir, const char *const *more, size_t n)
{
	struct hosts h;
	int rc = hosts_init(&h, NULL, more, n);

	*ca = NULL;
	if (rc == 0)
		rc = ca_open(ca, dir, h.text, h.n);
	hosts_fini(&h);
	return rc;
}

int
cadir_rotate(struct ca **ca, const char *dir, const struct ca *old,
    const char *const *more, size_t n)
{
	struct hosts h;
	int rc = hosts_init(&h, old, more, n);

	*ca = NULL;
	if (rc == 0)
		rc = ca_rotate(ca, dir, h.text, h.n);
	hosts_fini(&h);
	return rc;
}

static bool
is_permitted(const struct ca *ca, const struct name *set)
{
	for (size_t i = 0; i < ca_n_permitted(ca); i++)
		if (name_is_within(set, ca_permitted(ca, i)))
			return true;
	return false;
}

int
cadir_check(const struct ca *ca, const char *const *permit, size_t n)
{
	struct name set;
	int rc = 0;

	for (size_t i = 0; i < n && rc == 0; i++) {
		rc = name_set(&set, permit[i]);
		if (rc == 0 && !is_permitted(ca, &set))
			rc = CERTS_OUTSIDE;
	}
	return rc;
}
