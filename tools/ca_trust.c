#include "tools/ca.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "certs/error.h"
#include "tools/bundle.h"
#include "tools/trust.h"
#include "tools/trust_debian.h"

/* This program, as a shell that has another PATH (sudo's) can call it. */
static const char *
own_path(char path[PATH_MAX])
{
	ssize_t n = readlink("/proc/self/exe", path, PATH_MAX - 1);

	if (n <= 0)
		return "tracetape";
	path[n] = '\0';
	return path;
}

static int
fail_debian(const struct ca_order *o, enum trust_what what, int rc)
{
	struct bytes hint = { 0 };
	char self[PATH_MAX];

	if (rc != TRUST_NOT_ROOT)
		return ca_fail(rc == TRUST_ABSENT ? CA_NONE : CA_TROUBLE, "%s",
		    trust_debian_strerror(rc));
	trust_quote(&hint, own_path(self));
	bytes_puts(&hint, what == TRUST_ADD ? " ca install --system --ca-dir " :
	    " ca uninstall --system");
	if (what == TRUST_ADD)
		trust_quote(&hint, o->dir);
	ca_fail(CA_TROUBLE, "%s: sudo %.*s", trust_debian_strerror(rc),
	    (int)hint.len, (const char *)hint.p);
	bytes_fini(&hint);
	return CA_TROUBLE;
}

/* There is one place for all users of the machine. */
static void
warn_of_another(const struct ca *ca)
{
	if (geteuid() == 0 && access(TRUST_DEBIAN_FILE, F_OK) == 0 &&
	    !savefile_has(TRUST_DEBIAN_FILE, ca_pem(ca)))
		ca_fail(CA_DONE, "replacing another CA in " TRUST_DEBIAN_FILE
		    ", which is no longer trusted");
}

static int
change_system(const struct ca_order *o, enum trust_what what,
    const struct ca *ca)
{
	int rc;

	if (o->n_args > 0)
		return ca_fail(CA_USAGE, "--system is itself a store: "
		    "leave '%s' out", o->args[0]);
	if (what == TRUST_ADD) {
		warn_of_another(ca);
		rc = trust_debian_install(ca_pem(ca));
	} else {
		rc = trust_debian_uninstall();
	}
	if (rc)
		return fail_debian(o, what, rc);
	/* It holds what was installed until now.  Root does not write it: the
	 * roots that SSL_CERT_FILE names are not known to sudo. */
	if (ca && access(o->bundle, F_OK) == 0 && !bundle_is_current(ca, o->bundle))
		ca_fail(CA_DONE, "the system's roots have changed: "
		    "`tracetape ca bundle --write` brings %s up to date", o->bundle);
	return CA_DONE;
}

static int
print_trust(const struct ca_order *o, enum trust_what what)
{
	char self[PATH_MAX];
	const struct trust_files f = { own_path(self), o->dir, o->cert,
	    o->bundle };
	struct bytes text = { 0 }, names = { 0 };
	bool known = true;
	int rc = CA_DONE;

	if (o->n_args == 0)
		trust_put(&text, NULL, what, &f);
	for (int i = 0; i < o->n_args && known; i++) {
		known = trust_put(&text, o->args[i], what, &f);
		if (known)
			continue;
		trust_put_names(&names);
		rc = ca_fail(CA_USAGE, "no trust store '%s': there are %.*s",
		    o->args[i], (int)names.len, (const char *)names.p);
	}
	if (text.failed)
		rc = ca_fail(CA_TROUBLE, "no memory");
	if (rc == CA_DONE)
		fwrite(text.p, 1, text.len, stdout);
	bytes_fini(&text);
	bytes_fini(&names);
	return rc;
}

int
ca_install(struct ca_order *o)
{
	struct ca *ca;
	int rc = ca_load(&ca, o->dir);

	/* Root's store is another than that of who called sudo. */
	if (rc == CERTS_NO_CA && (o->flags & CA_SYSTEM) && getenv("SUDO_USER"))
		return ca_fail(CA_NONE, "there is no CA in %s: name yours with "
		    "--ca-dir DIR", o->dir);
	if (rc)
		return ca_fail_rc(o, NULL, rc);
	if (o->flags & CA_SYSTEM) {
		rc = change_system(o, TRUST_ADD, ca);
	} else {
		rc = print_trust(o, TRUST_ADD);
		/* What the commands name must be there. */
		if (rc == CA_DONE)
			rc = ca_renew_bundle(o, ca);
	}
	ca_unref(ca);
	return rc;
}

int
ca_uninstall(struct ca_order *o)
{
	if (o->flags & CA_SYSTEM)
		return change_system(o, TRUST_REMOVE, NULL);
	return print_trust(o, TRUST_REMOVE);
}
