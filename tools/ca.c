#include "tools/ca.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "certs/error.h"
#include "proxy/config.h"
#include "tools/bundle.h"
#include "tools/cadir.h"
#include "tools/storedir.h"
#include "tools/term.h"
#include "tools/verbs.h"

static const char help[] =
"usage: tracetape ca SUBCOMMAND [options]\n"
"\n"
"Our own certificate authority, which programs must trust for their https to be\n"
"recorded.  It speaks for a few hosts only.\n"
"\n"
"  init       make it, if there is none; print its file and fingerprint\n"
"  show       what it is; -o text|json, -o pem for the certificate itself\n"
"  bundle     the system's roots and ours as one PEM, on the standard output\n"
"  install    print what to type so that STORE..., or each, trusts it\n"
"  uninstall  print how to undo that\n"
"  rotate     make a new one in its place\n"
"\n"
"      --ca-dir DIR   where it lies (default: ca in the store's directory)\n"
"  -s, --store DIR    the store; also $TRACETAPE_STORE\n"
"  -c, --config FILE  the proxy's configuration, for store.dir and tls.ca_dir\n"
"  -o, --output FORMAT|FILE\n"
"                     show: text, json or pem; bundle: write this file\n"
"      --write        bundle: write bundle.pem beside the CA, print its path\n"
"      --permit HOST  init, rotate: speak for this one too (name, *.name,\n"
"                     address or network); repeatable\n"
"      --system       install, uninstall: do it, on Debian and its like, as root\n"
"      --yes          rotate: without asking\n"
"  -h, --help\n";

enum sub {
	INIT = 1 << 0,
	SHOW = 1 << 1,
	BUNDLE = 1 << 2,
	INSTALL = 1 << 3,
	UNINSTALL = 1 << 4,
	ROTATE = 1 << 5,
	EACH = (1 << 6) - 1,
};

enum { OPT_CA_DIR = 256, OPT_PERMIT, OPT_SYSTEM, OPT_YES, OPT_WRITE };

static const struct option options[] = {
	{ "ca-dir", required_argument, NULL, OPT_CA_DIR },
	{ "store", required_argument, NULL, 's' },
	{ "config", required_argument, NULL, 'c' },
	{ "output", required_argument, NULL, 'o' },
	{ "write", no_argument, NULL, OPT_WRITE },
	{ "permit", required_argument, NULL, OPT_PERMIT },
	{ "system", no_argument, NULL, OPT_SYSTEM },
	{ "yes", no_argument, NULL, OPT_YES },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

int
ca_fail(enum ca_code code, const char *fmt, ...)
{
	struct bytes line = { 0 };
	char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	va_end(ap);
	if (text)
		term_put(&line, (struct slice){ text, strlen(text) });
	fflush(stdout);
	fprintf(stderr, "tracetape ca: %.*s\n", (int)line.len,
	    (const char *)line.p);
	bytes_fini(&line);
	free(text);
	return (int)code;
}

int
ca_fail_rc(const struct ca_order *o, const char *file, int rc)
{
	enum ca_code code = CA_TROUBLE;

	if (rc == CERTS_NO_CA || rc == CERTS_OUTSIDE)
		code = CA_NONE;
	else if (rc == CERTS_PERMIT)
		code = CA_USAGE;
	if (file)
		return ca_fail(code, "%s: %s", file, certs_strerror(rc));
	if (rc == CERTS_NO_ROOTS || rc == CERTS_PERMIT)
		return ca_fail(code, "%s", certs_strerror(rc));
	return ca_fail(code, "CA in %s: %s", o->dir, certs_strerror(rc));
}

/* Paths that other programs get to see must hold from everywhere. */
static int
find_files(struct ca_order *o)
{
	char *real = realpath(o->dir, NULL);

	if (real) {
		free(o->dir);
		o->dir = real;
	}
	free(o->cert);
	free(o->key);
	free(o->bundle);
	o->cert = cadir_file(o->dir, CA_CERT_FILE);
	o->key = cadir_file(o->dir, CA_KEY_FILE);
	o->bundle = cadir_file(o->dir, BUNDLE_FILE);
	return o->cert && o->key && o->bundle ? CA_DONE :
	    ca_fail(CA_TROUBLE, "no memory");
}

int
ca_renew_bundle(const struct ca_order *o, const struct ca *ca)
{
	const char *bad;
	int rc = bundle_save(ca, o->bundle, SAVEFILE_REPLACE, &bad);

	return rc == 0 ? CA_DONE : ca_fail_rc(o, bad, rc);
}

static int
run_init(struct ca_order *o)
{
	struct ca *ca;
	int rc = cadir_open(&ca, o->dir, o->permit, o->n_permit);

	if (rc)
		return ca_fail_rc(o, NULL, rc);
	/* One that was there may know nothing of them. */
	rc = cadir_check(ca, o->permit, o->n_permit);
	if (rc)
		rc = ca_fail_rc(o, NULL, rc);
	else
		rc = find_files(o);
	if (rc == CA_DONE) {
		ca_print_brief(o, ca);
		/* The CA is there; a machine without roots may need no bundle. */
		(void)ca_renew_bundle(o, ca);
	}
	ca_unref(ca);
	return rc;
}

static int
print_bundle(const struct ca_order *o, const struct ca *ca)
{
	struct bytes pem = { 0 };
	const char *bad;
	int rc = bundle_put(&pem, ca, &bad);

	if (rc == 0)
		fwrite(pem.p, 1, pem.len, stdout);
	bytes_fini(&pem);
	return rc == 0 ? CA_DONE : ca_fail_rc(o, bad, rc);
}

static int
save_bundle(const struct ca_order *o, const struct ca *ca)
{
	const char *file = o->output;
	const char *bad;
	struct stat st;
	int rc;

	if (stat(file, &st) == 0 && !S_ISREG(st.st_mode))
		return ca_fail(CA_USAGE, "%s is no regular file: without -o the "
		    "bundle goes to the standard output", file);
	rc = bundle_save(ca, file, SAVEFILE_FOLLOW, &bad);
	return rc == 0 ? CA_DONE : ca_fail_rc(o, bad, rc);
}

static int
run_bundle(struct ca_order *o)
{
	bool to_stdout = !o->output || strcmp(o->output, "-") == 0;
	struct ca *ca;
	int rc;

	if (o->output && (o->flags & CA_WRITE))
		return ca_fail(CA_USAGE, "--write and -o exclude each other");
	if ((rc = ca_load(&ca, o->dir)) != 0)
		return ca_fail_rc(o, NULL, rc);
	if (o->flags & CA_WRITE)
		rc = ca_renew_bundle(o, ca);
	else if (to_stdout)
		rc = print_bundle(o, ca);
	else
		rc = save_bundle(o, ca);
	if (rc == CA_DONE && (o->flags & CA_WRITE))
		printf("%s\n", o->bundle);
	ca_unref(ca);
	return rc;
}

/* Only a person who reads the question may answer it. */
static int
confirm_rotation(const struct ca_order *o)
{
	char answer[16];

	if (o->flags & CA_YES)
		return CA_DONE;
	if (!isatty(STDIN_FILENO))
		return ca_fail(CA_USAGE, "clients that trust this CA will not "
		    "trust the next: give --yes to make it");
	fprintf(stderr, "Clients that trust the CA in %s will not trust the "
	    "next.\nMake a new one? [y/N] ", o->dir);
	if (fgets(answer, sizeof(answer), stdin) &&
	    (answer[0] == 'y' || answer[0] == 'Y'))
		return CA_DONE;
	return ca_fail(CA_NONE, "nothing was changed");
}

static int
rotate(struct ca_order *o, const struct ca *old)
{
	bool has_bundle = access(o->bundle, F_OK) == 0;
	struct ca *ca;
	int rc = cadir_rotate(&ca, o->dir, old, o->permit, o->n_permit);

	if (rc)
		return ca_fail_rc(o, NULL, rc);
	ca_print_brief(o, ca);
	rc = ca_renew_bundle(o, ca);
	ca_unref(ca);
	fputs("Clients must trust the new CA: `tracetape ca install` prints how; "
	    "those that read\nbundle.pem, or ca.pem, must start again.  A proxy "
	    "that runs uses the old one until\nit is started again.\n", stderr);
	/* One that names the old CA must not pass for good. */
	return has_bundle ? rc : CA_DONE;
}

static int
run_rotate(struct ca_order *o)
{
	struct ca *old;
	int rc = ca_load(&old, o->dir);

	if (rc == CERTS_NO_CA)
		return ca_fail_rc(o, NULL, rc);
	if (rc != 0)
		ca_fail(CA_TROUBLE, "CA in %s: %s; hosts that it had beyond the "
		    "usual are not known", o->dir, certs_strerror(rc));
	rc = confirm_rotation(o);
	if (rc == CA_DONE)
		rc = rotate(o, old);
	ca_unref(old);
	return rc;
}

static const struct {
	const char *name;
	enum sub sub;
	int (*run)(struct ca_order *o);
} subs[] = {
	{ "init", INIT, run_init },
	{ "show", SHOW, ca_show },
	{ "bundle", BUNDLE, run_bundle },
	{ "install", INSTALL, ca_install },
	{ "uninstall", UNINSTALL, ca_uninstall },
	{ "rotate", ROTATE, run_rotate },
};

enum { N_SUBS = sizeof(subs) / sizeof(subs[0]) };

/* The subcommands that an option is for. */
static unsigned
subs_of(int opt)
{
	switch (opt) {
	case 'o': return SHOW | BUNDLE;
	case OPT_WRITE: return BUNDLE;
	case OPT_PERMIT: return INIT | ROTATE;
	case OPT_SYSTEM: return INSTALL | UNINSTALL;
	case OPT_YES: return ROTATE;
	}
	return EACH;
}

static const char *
name_of(int opt)
{
	for (const struct option *k = options; k->name; k++)
		if (k->val == opt)
			return k->name;
	return "?";
}

static void
set_flag(struct ca_order *o, int opt)
{
	if (opt == OPT_SYSTEM)
		o->flags |= CA_SYSTEM;
	else if (opt == OPT_YES)
		o->flags |= CA_YES;
	else if (opt == OPT_WRITE)
		o->flags |= CA_WRITE;
}

/* Where options say that the CA lies. */
struct place {
	const char *ca_dir;
	const char *store;
	struct config config;
};

static int
take_option(struct ca_order *o, struct place *p, int opt)
{
	char err[CONFIG_ERROR_MAX];

	set_flag(o, opt);
	switch (opt) {
	case 's':
		p->store = optarg;
		break;
	case OPT_CA_DIR:
		p->ca_dir = optarg;
		break;
	case 'o':
		o->output = optarg;
		break;
	case OPT_PERMIT:
		o->permit[o->n_permit++] = optarg;
		break;
	case 'c':
		if (!config_read(&p->config, optarg, err))
			return ca_fail(CA_USAGE, "%s", err);
		break;
	}
	return CA_DONE;
}

/* -1: go on. */
static int
parse(struct ca_order *o, struct place *p, enum sub sub, int argc, char **argv)
{
	int opt;

	while ((opt = getopt_long(argc, argv, "s:c:o:h", options, NULL)) != -1) {
		if (opt == '?')
			return ca_fail(CA_USAGE, "see `tracetape ca --help`");
		if (opt == 'h') {
			fputs(help, stdout);
			return CA_DONE;
		}
		if (!(subs_of(opt) & sub))
			return ca_fail(CA_USAGE, "--%s: not an option of `ca %s`",
			    name_of(opt), argv[0]);
		if (take_option(o, p, opt) != CA_DONE)
			return CA_USAGE;
	}
	o->args = argv + optind;
	o->n_args = argc - optind;
	if (o->n_args > 0 && !(sub & (INSTALL | UNINSTALL)))
		return ca_fail(CA_USAGE, "unexpected '%s'", o->args[0]);
	return -1;
}

static int
locate(struct ca_order *o, const struct place *p)
{
	const char *store = p->store ? p->store : p->config.store_dir;

	o->dir = cadir_find(p->ca_dir ? p->ca_dir : p->config.tls_ca_dir, store);
	return o->dir ? find_files(o) : ca_fail(CA_USAGE, "%s", storedir_remedy);
}

static int
run_sub(size_t i, int argc, char **argv)
{
	struct ca_order o = { 0 };
	struct place p = { 0 };
	int rc = -1;

	o.permit = calloc((size_t)argc, sizeof(*o.permit));
	if (!o.permit || !config_init(&p.config))
		rc = ca_fail(CA_TROUBLE, "no memory");
	if (rc < 0)
		rc = parse(&o, &p, subs[i].sub, argc, argv);
	if (rc < 0)
		rc = locate(&o, &p) == CA_DONE ? subs[i].run(&o) : CA_USAGE;
	if ((fflush(stdout) != 0 || ferror(stdout)) && rc == CA_DONE)
		rc = ca_fail(CA_TROUBLE, "cannot write the output: %s",
		    strerror(errno));
	config_fini(&p.config);
	free(o.permit);
	free(o.dir);
	free(o.cert);
	free(o.key);
	free(o.bundle);
	return rc;
}

int
cmd_ca(int argc, char **argv)
{
	if (argc < 2) {
		fputs(help, stderr);
		return CA_USAGE;
	}
	for (size_t i = 0; i < N_SUBS; i++)
		if (strcmp(argv[1], subs[i].name) == 0)
			return run_sub(i, argc - 1, argv + 1);
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
		fputs(help, stdout);
		return CA_DONE;
	}
	return ca_fail(CA_USAGE, "no subcommand '%s'; `tracetape ca --help` lists "
	    "them", argv[1]);
}
