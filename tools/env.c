#include "tools/verbs.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/config.h"
#include "store/json.h"
#include "tools/block.h"
#include "tools/running.h"
#include "tools/storedir.h"
#include "tools/term.h"

enum { EXIT_NONE = 1, EXIT_USAGE = 2, EXIT_TROUBLE = 3, WAIT_MS = 2000 };

static const char help[] =
"usage: eval \"$(tracetape env [options])\"\n"
"       tracetape env --shell fish [options] | source\n"
"\n"
"Prints the variables that send a shell's programs through the proxy that records\n"
"into the store.  Prints none when no proxy is up, so that the shell still works.\n"
"\n"
"  -s, --store DIR    the store; also $TRACETAPE_STORE\n"
"  -c, --config FILE  the proxy's configuration, for store.dir\n"
"      --shell NAME   sh (bash, zsh, ...) or fish; guessed from $SHELL\n"
"      --json         one JSON object instead\n"
"      --base-url     OPENAI_BASE_URL too, for clients that know no proxy; it\n"
"                     changes what some of them send\n"
"      --label NAME   what the calls are called in the record\n"
"  -h, --help\n";

enum { OPT_SHELL = 256, OPT_JSON, OPT_BASE_URL, OPT_LABEL };

static const struct option options[] = {
	{ "store", required_argument, NULL, 's' },
	{ "config", required_argument, NULL, 'c' },
	{ "shell", required_argument, NULL, OPT_SHELL },
	{ "json", no_argument, NULL, OPT_JSON },
	{ "base-url", no_argument, NULL, OPT_BASE_URL },
	{ "label", required_argument, NULL, OPT_LABEL },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

enum form { FORM_SH, FORM_FISH, FORM_JSON };

struct order {
	const char *store;
	const char *label;
	enum form form;
	bool has_base_url;
	struct config config;
};

/* The text may name files: it must not steer a terminal. */
static int __attribute__((format(printf, 2, 3)))
complain(int code, const char *fmt, ...)
{
	struct bytes line = { 0 };
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	term_put(&line, (struct slice){ text, strlen(text) });
	fprintf(stderr, "tracetape env: %.*s\n", (int)line.len,
	    (const char *)line.p);
	bytes_fini(&line);
	return code;
}

/* -1: no such shell here. */
static int
form_of(const char *shell)
{
	static const char *const likes_sh[] = {
		"sh", "bash", "zsh", "dash", "ksh", "mksh", "ash", "busybox",
	};

	if (strcmp(shell, "fish") == 0)
		return FORM_FISH;
	for (size_t i = 0; i < sizeof(likes_sh) / sizeof(likes_sh[0]); i++)
		if (strcmp(shell, likes_sh[i]) == 0)
			return FORM_SH;
	return -1;
}

static enum form
guess_form(void)
{
	const char *shell = getenv("SHELL"), *slash;

	if (!shell)
		return FORM_SH;
	slash = strrchr(shell, '/');
	return form_of(slash ? slash + 1 : shell) == FORM_FISH ? FORM_FISH :
	    FORM_SH;
}

static int
take_option(struct order *o, int opt)
{
	char err[CONFIG_ERROR_MAX];
	const char *fault;

	switch (opt) {
	case 's':
		o->store = optarg;
		break;
	case 'c':
		if (!config_read(&o->config, optarg, err))
			return complain(EXIT_USAGE, "%s", err);
		break;
	case OPT_SHELL:
		if (form_of(optarg) < 0)
			return complain(EXIT_USAGE, "--shell %s: sh, bash, zsh or "
			    "fish", optarg);
		o->form = (enum form)form_of(optarg);
		break;
	case OPT_JSON:
		o->form = FORM_JSON;
		break;
	case OPT_BASE_URL:
		o->has_base_url = true;
		break;
	case OPT_LABEL:
		o->label = optarg;
		if ((fault = block_label_fault(optarg)))
			return complain(EXIT_USAGE, "--label %s", fault);
		break;
	}
	return -1;
}

/* -1: go on. */
static int
parse(struct order *o, int argc, char **argv)
{
	int opt, rc = -1;

	while (rc < 0 &&
	    (opt = getopt_long(argc, argv, "s:c:h", options, NULL)) != -1) {
		if (opt == '?')
			return complain(EXIT_USAGE, "see `tracetape env --help`");
		if (opt == 'h') {
			fputs(help, stdout);
			return 0;
		}
		rc = take_option(o, opt);
	}
	if (rc < 0 && optind < argc)
		return complain(EXIT_USAGE, "unexpected '%s'", argv[optind]);
	return rc;
}

/* In single quotes sh knows no escapes, so that one quote is left, escaped, and
 * quoted on; fish knows \' and \\. */
static void
put_quoted(struct bytes *out, const char *value, enum form form)
{
	bytes_putc(out, '\'');
	for (const char *p = value; *p; p++) {
		if (form == FORM_SH && *p == '\'')
			bytes_puts(out, "'\\'");
		else if (form == FORM_FISH && (*p == '\'' || *p == '\\'))
			bytes_putc(out, '\\');
		bytes_putc(out, *p);
	}
	bytes_putc(out, '\'');
}

static void
put_json(struct bytes *out, const struct block *b)
{
	for (size_t i = 0; i < b->n; i++) {
		const char *name = b->var[i].name, *value = b->var[i].value;

		bytes_puts(out, i ? ",\n  " : "{\n  ");
		json_put_string(out, (struct slice){ name, strlen(name) });
		bytes_puts(out, ": ");
		json_put_string(out, (struct slice){ value, strlen(value) });
	}
	bytes_puts(out, "\n}\n");
}

/* The semicolons are for an eval that got no quotes around. */
static void
put_shell(struct bytes *out, const struct block *b, enum form form)
{
	for (size_t i = 0; i < b->n; i++) {
		bytes_printf(out, form == FORM_FISH ? "set -gx %s " : "export %s=",
		    b->var[i].name);
		put_quoted(out, b->var[i].value, form);
		bytes_puts(out, ";\n");
	}
}

static int
print(const struct block *b, enum form form)
{
	struct bytes out = { 0 };
	int rc = 0;

	if (form == FORM_JSON)
		put_json(&out, b);
	else
		put_shell(&out, b, form);
	if (out.failed)
		rc = complain(EXIT_TROUBLE, "no memory");
	else if (fwrite(out.p, 1, out.len, stdout) != out.len ||
	    fflush(stdout) != 0)
		rc = complain(EXIT_TROUBLE, "cannot write the output: %s",
		    strerror(errno));
	bytes_fini(&out);
	return rc;
}

static int
show(const struct order *o, const char *dir)
{
	char err[BLOCK_ERROR_MAX];
	struct running r = { 0 };
	struct block b = { 0 };
	int rc;

	switch (running_find(&r, dir, WAIT_MS, err)) {
	case RUNNING_NO:
		rc = complain(EXIT_NONE, "no proxy records into %s: start one with "
		    "`tracetape proxy`", dir);
		break;
	case RUNNING_YES:
		rc = block_make_for(&b, &r, o->label, o->has_base_url, err) ?
		    print(&b, o->form) : complain(EXIT_TROUBLE, "%s", err);
		break;
	default:
		rc = complain(EXIT_TROUBLE, "%s", err);
	}
	block_fini(&b);
	running_fini(&r);
	return rc;
}

int
cmd_env(int argc, char **argv)
{
	struct order o = { .form = guess_form() };
	char *dir = NULL;
	int rc;

	if (!config_init(&o.config))
		return complain(EXIT_TROUBLE, "no memory");
	rc = parse(&o, argc, argv);
	if (rc < 0) {
		dir = storedir_find(o.store ? o.store : o.config.store_dir);
		rc = dir ? show(&o, dir) :
		    complain(EXIT_USAGE, "%s", storedir_remedy);
	}
	free(dir);
	config_fini(&o.config);
	return rc;
}
