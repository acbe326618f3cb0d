#include "tools/run.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "proxy/config.h"
#include "store/reader.h"
#include "tools/block.h"
#include "tools/run_child.h"
#include "tools/run_proxy.h"
#include "tools/run_summary.h"
#include "tools/storedir.h"
#include "tools/term.h"
#include "tools/verbs.h"

enum {
	WAIT_S = 5,
	WAIT_S_MAX = 3600,
	EXIT_NOT_FOUND = 127,		/* as shells have it */
	EXIT_NOT_RUN = 126,
	LABEL_MAX = 64,
};

static const char help[] =
"usage: tracetape run [options] [--] CMD [ARG...]\n"
"\n"
"Runs CMD so that its API calls and traces are recorded; nothing in it changes.\n"
"Uses the proxy that records into the store, or starts one for as long as CMD runs.\n"
"Ends as CMD ends, with its exit status or by its signal.\n"
"\n"
"  -s, --store DIR        the store; also $TRACETAPE_STORE\n"
"      --label NAME       what the calls are called in the record (default\n"
"                         run-xxxxxxxx)\n"
"      --base-url         set OPENAI_BASE_URL too, for clients that know no proxy\n"
"      --wait SECONDS     at the end, for calls that are still running (default 5)\n"
"\n"
"For a proxy of its own, as of `tracetape proxy`:\n"
"  -c, --config FILE, --upstream URL, --upstream-ca FILE, --ca-dir DIR,\n"
"      --set SECTION.KEY=VALUE\n"
"  -h, --help\n";

enum {
	OPT_LABEL = 256, OPT_BASE_URL, OPT_WAIT, OPT_UPSTREAM, OPT_UPSTREAM_CA,
	OPT_CA_DIR, OPT_SET,
};

static const struct option options[] = {
	{ "store", required_argument, NULL, 's' },
	{ "label", required_argument, NULL, OPT_LABEL },
	{ "base-url", no_argument, NULL, OPT_BASE_URL },
	{ "wait", required_argument, NULL, OPT_WAIT },
	{ "config", required_argument, NULL, 'c' },
	{ "upstream", required_argument, NULL, OPT_UPSTREAM },
	{ "upstream-ca", required_argument, NULL, OPT_UPSTREAM_CA },
	{ "ca-dir", required_argument, NULL, OPT_CA_DIR },
	{ "set", required_argument, NULL, OPT_SET },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

struct order {
	const char *store;		/* -s; NULL */
	char label[LABEL_MAX];
	bool has_base_url;
	int wait_s;
	struct run_options options;
	struct config config;		/* what they say */
	char **argv;			/* CMD */
};

void
run_say(const char *fmt, ...)
{
	struct bytes line = { 0 };
	char text[2 * RUN_ERROR_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	bytes_puts(&line, "tracetape: ");
	term_put(&line, (struct slice){ text, strlen(text) });
	bytes_putc(&line, '\n');
	if (!line.failed)
		(void)!write(STDERR_FILENO, line.p, line.len);
	bytes_fini(&line);
}

bool
run_pipe(int fd[2])
{
	if (pipe(fd) != 0)
		return false;
	fcntl(fd[0], F_SETFD, FD_CLOEXEC);
	fcntl(fd[1], F_SETFD, FD_CLOEXEC);
	return true;
}

int64_t
run_now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* The key of the configuration that an option sets; NULL: none. */
static const char *
key_of(int opt)
{
	switch (opt) {
	case OPT_UPSTREAM: return "upstream.url";
	case OPT_UPSTREAM_CA: return "upstream.ca_file";
	case OPT_CA_DIR: return "tls.ca_dir";
	}
	return NULL;
}

static const char *
name_of(int opt)
{
	switch (opt) {
	case OPT_UPSTREAM: return "--upstream";
	case OPT_UPSTREAM_CA: return "--upstream-ca";
	case OPT_CA_DIR: return "--ca-dir";
	case 'c': return "-c";
	}
	return "--set";
}

static int
refuse(const char *what)
{
	run_say("%s", what);
	return RUN_USAGE;
}

/* Read here as well, so that faults are told before anything starts. */
static int
take_proxy_option(struct order *o, int opt)
{
	char err[CONFIG_ERROR_MAX] = "no memory", *text = NULL;
	bool ok;

	if (o->options.n + 2 > 2 * RUN_OPTIONS_MAX)
		return refuse("too many options");
	o->options.arg[o->options.n++] = name_of(opt);
	o->options.arg[o->options.n++] = optarg;
	if (opt == 'c')
		ok = config_read(&o->config, optarg, err);
	else if (opt == OPT_SET)
		ok = config_set(&o->config, optarg, err);
	else
		ok = asprintf(&text, "%s=%s", key_of(opt), optarg) >= 0 &&
		    config_set(&o->config, text, err);
	free(text);
	return ok ? -1 : refuse(err);
}

static int
take_label(struct order *o)
{
	const char *fault = block_label_fault(optarg);

	if (fault) {
		run_say("--label %s", fault);
		return RUN_USAGE;
	}
	snprintf(o->label, sizeof(o->label), "%s", optarg);
	return -1;
}

static int
take_wait(struct order *o)
{
	char *end;
	long s = strtol(optarg, &end, 10);

	if (end == optarg || *end || s < 0 || s > WAIT_S_MAX)
		return refuse("--wait takes seconds, 0 to 3600");
	o->wait_s = (int)s;
	return -1;
}

static int
take_option(struct order *o, int opt)
{
	switch (opt) {
	case 's':
		o->store = optarg;
		return -1;
	case OPT_LABEL:
		return take_label(o);
	case OPT_BASE_URL:
		o->has_base_url = true;
		return -1;
	case OPT_WAIT:
		return take_wait(o);
	case 'h':
		fputs(help, stdout);
		return 0;
	case '?':
		return refuse("see `tracetape run --help`");
	}
	return take_proxy_option(o, opt);
}

/* -1: go on.  The first word that is no option begins CMD. */
static int
parse(struct order *o, int argc, char **argv)
{
	int opt, rc = -1;

	while (rc < 0 &&
	    (opt = getopt_long(argc, argv, "+s:c:h", options, NULL)) != -1)
		rc = take_option(o, opt);
	if (rc >= 0)
		return rc;
	o->argv = argv + optind;
	if (!o->argv[0])
		return refuse("what is to be run?  See `tracetape run --help`");
	o->options.upstream = NULL;
	for (size_t i = 0; i < o->options.n; i += 2)
		if (strcmp(o->options.arg[i], "--upstream") == 0)
			o->options.upstream = o->options.arg[i + 1];
	o->options.has_tunnel_rules = o->config.forward_tunnel != TUNNEL_ANY ||
	    o->config.forward_tunnel_to.is_set;
	return -1;
}

static bool
make_label(char label[LABEL_MAX])
{
	unsigned char random[4];

	if (getentropy(random, sizeof(random)) != 0)
		return false;
	snprintf(label, LABEL_MAX, "run-%02x%02x%02x%02x", random[0], random[1],
	    random[2], random[3]);
	return true;
}

static const char base_url_words[] =
    "--base-url: the client does not see the official host: traces come only if "
    "it heeds HTTPS_PROXY as well, Python agents send no prompt_cache_key, and "
    "spans without sensitive data have no response_id";

static void
say_what_is_special(const struct order *o, const struct running *r)
{
	if (o->has_base_url)
		run_say("%s", base_url_words);
	if (slice_eq(r->status.traces, SLICE("local")))
		run_say("proxy.traces = local: traces are kept here and NOT sent to "
		    "OpenAI");
}

static int
not_run(const char *program, int err)
{
	run_say("%s: %s", program, strerror(err));
	return err == ENOENT ? EXIT_NOT_FOUND : EXIT_NOT_RUN;
}

/* From here on a proxy is up.  0 and the program's status, or an exit code. */
static int
run_with(struct run_proxy *p, const struct order *o, const char *dir, int *status)
{
	struct run_summary sum = {
		.dir = dir,
		.store_option = o->store,
		.argv = o->argv,
		.base_url = getenv("OPENAI_BASE_URL"),
		.wait_s = o->wait_s,
		.has_base_url = o->has_base_url,
		.whose = {
			.after = running_newest(dir),
			.label = o->label,
			.unlabelled = p->is_ours ? UNLABELLED_ALL :
			    o->has_base_url ? UNLABELLED_REVERSE :
			    UNLABELLED_NONE,
		},
	};
	char err[BLOCK_ERROR_MAX];
	struct block b;
	int rc;

	if (!block_make_for(&b, &p->is, o->label, o->has_base_url, err)) {
		run_say("%s", err);
		run_proxy_end(p, 0);
		return RUN_TROUBLE;
	}
	say_what_is_special(o, &p->is);
	sum.began_ms = run_now_ms();
	rc = run_child(o->argv, &b, &p->log, status);
	sum.ended_ms = run_now_ms();
	block_fini(&b);
	if (rc) {
		run_proxy_end(p, 0);
		return not_run(o->argv[0], rc);
	}
	run_summary(&sum, p);
	return 0;
}

static int
run(struct order *o, int *status)
{
	struct run_proxy p;
	char *dir;
	int rc;

	if (!o->label[0] && !make_label(o->label))
		return refuse("no random numbers: give a --label");
	dir = storedir_find(o->store ? o->store : o->config.store_dir);
	if (!dir)
		return refuse(storedir_remedy);
	/* Whoever has it ignored could wait for nobody. */
	signal(SIGCHLD, SIG_DFL);
	rc = run_proxy_get(&p, dir, &o->options, o->wait_s);
	if (rc == 0)
		rc = run_with(&p, o, dir, status);
	else
		run_proxy_end(&p, 0);
	free(dir);
	return rc;
}

int
cmd_run(int argc, char **argv)
{
	struct order o = { .wait_s = WAIT_S };
	int rc, status = 0;

	if (!config_init(&o.config))
		return refuse("no memory");
	rc = parse(&o, argc, argv);
	if (rc < 0) {
		rc = run(&o, &status);
		config_fini(&o.config);
		if (rc == 0)
			run_child_end_as(status);
		return rc;
	}
	config_fini(&o.config);
	return rc;
}
