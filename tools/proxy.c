#include "tools/verbs.h"

#include <getopt.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/config.h"
#include "tools/parts.h"

enum { EXIT_USAGE = 2, EXIT_TROUBLE = 3 };

static const char help[] =
"usage: tracetape proxy [options]\n"
"\n"
"Forwards API calls to their upstream, unchanged, and records them.\n"
"\n"
"  -c, --config FILE       configuration (configs/tracetape.conf shows all keys)\n"
"  -s, --store DIR         the store; also $TRACETAPE_STORE\n"
"      --listen ADDR:PORT  plain HTTP (default 127.0.0.1:8787; port 0 picks one)\n"
"      --tls-listen ADDR:PORT\n"
"                          TLS, with certificates of our own CA\n"
"      --upstream URL      where requests go (default https://api.openai.com)\n"
"      --upstream-ca FILE  trust these roots too\n"
"      --ca-dir DIR        our CA (default: ca in the store's directory)\n"
"      --set SECTION.KEY=VALUE\n"
"                          any key; repeatable\n"
"      --print-config      print every key with its default, and exit\n"
"  -h, --help\n"
"\n"
"Prints `listening URL` for each listener once it is ready.  SIGTERM lets live\n"
"exchanges finish, then exits 0.\n";

enum {
	OPT_LISTEN = 256,
	OPT_TLS_LISTEN,
	OPT_UPSTREAM,
	OPT_UPSTREAM_CA,
	OPT_CA_DIR,
	OPT_SET,
	OPT_PRINT,
};

static const struct option options[] = {
	{ "config", required_argument, NULL, 'c' },
	{ "store", required_argument, NULL, 's' },
	{ "listen", required_argument, NULL, OPT_LISTEN },
	{ "tls-listen", required_argument, NULL, OPT_TLS_LISTEN },
	{ "upstream", required_argument, NULL, OPT_UPSTREAM },
	{ "upstream-ca", required_argument, NULL, OPT_UPSTREAM_CA },
	{ "ca-dir", required_argument, NULL, OPT_CA_DIR },
	{ "set", required_argument, NULL, OPT_SET },
	{ "print-config", no_argument, NULL, OPT_PRINT },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

/* The key that an option is short for; NULL: it is none. */
static const char *
key_of(int opt)
{
	switch (opt) {
	case 's': return "store.dir";
	case OPT_LISTEN: return "listen.http";
	case OPT_TLS_LISTEN: return "listen.tls";
	case OPT_UPSTREAM: return "upstream.url";
	case OPT_UPSTREAM_CA: return "upstream.ca_file";
	case OPT_CA_DIR: return "tls.ca_dir";
	}
	return NULL;
}

static bool
assign(struct config *c, const char *key, const char *value, char *err)
{
	size_t room = strlen(key) + strlen(value) + 2;
	char *text = malloc(room);
	bool ok;

	if (!text)
		return false;
	snprintf(text, room, "%s=%s", key, value);
	ok = config_set(c, text, err);
	free(text);
	return ok;
}

/* The file first, wherever it stands, so that options win.  -1: go on. */
static int
parse_options(struct config *c, int argc, char **argv)
{
	char err[CONFIG_ERROR_MAX] = "no memory";
	int opt;

	while ((opt = getopt_long(argc, argv, "c:s:h", options, NULL)) != -1) {
		if (opt == '?')
			return parts_complain(EXIT_USAGE, "see `tracetape proxy --help`");
		if (opt == 'h') {
			fputs(help, stdout);
			return 0;
		}
		if (opt == OPT_PRINT) {
			config_print_sample(stdout);
			return 0;
		}
		if (opt == 'c' && !config_read(c, optarg, err))
			return parts_complain(EXIT_USAGE, "%s", err);
	}
	if (optind < argc)
		return parts_complain(EXIT_USAGE, "unexpected '%s'", argv[optind]);
	optind = 1;
	while ((opt = getopt_long(argc, argv, "c:s:h", options, NULL)) != -1) {
		if (key_of(opt) && !assign(c, key_of(opt), optarg, err))
			return parts_complain(EXIT_USAGE, "%s", err);
		if (opt == OPT_SET && !config_set(c, optarg, err))
			return parts_complain(EXIT_USAGE, "%s", err);
	}
	if (!config_check(c, err))
		return parts_complain(EXIT_USAGE, "%s", err);
	return -1;
}

int
cmd_proxy(int argc, char **argv)
{
	struct parts p;
	int rc;

#ifdef M_ARENA_MAX
	/* One arena for the loops and one for the writer, so that they do not
	 * wait for each other; large blocks go back to the system. */
	mallopt(M_ARENA_MAX, 2);
	mallopt(M_MMAP_THRESHOLD, 128 * 1024);
	mallopt(M_TRIM_THRESHOLD, 256 * 1024);
#endif
	memset(&p, 0, sizeof(p));
	if (!config_init(&p.config))
		return parts_complain(EXIT_TROUBLE, "no memory");
	rc = parse_options(&p.config, argc, argv);
	if (rc < 0 && (rc = parts_load(&p)) == 0)
		rc = parts_serve(&p);
	parts_free(&p);
	config_fini(&p.config);
	return rc;
}
