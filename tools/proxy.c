#include "tools/verbs.h"

#include <errno.h>
#include <getopt.h>
#include <malloc.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "certs/cache.h"
#include "certs/error.h"
#include "certs/roots.h"
#include "proxy/config.h"
#include "proxy/log.h"
#include "proxy/loop.h"
#include "proxy/origin.h"
#include "proxy/recorder.h"
#include "proxy/server.h"
#include "proxy/tls.h"
#include "store/writer.h"
#include "tools/cadir.h"
#include "tools/storedir.h"

enum { EXIT_USAGE = 2, EXIT_TROUBLE = 3, FILES_BESIDES = 64 };

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

static int __attribute__((format(printf, 2, 3)))
complain(int code, const char *fmt, ...)
{
	va_list ap;

	fputs("tracetape proxy: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	return code;
}

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
			return complain(EXIT_USAGE, "see `tracetape proxy --help`");
		if (opt == 'h') {
			fputs(help, stdout);
			return 0;
		}
		if (opt == OPT_PRINT) {
			config_print_sample(stdout);
			return 0;
		}
		if (opt == 'c' && !config_read(c, optarg, err))
			return complain(EXIT_USAGE, "%s", err);
	}
	if (optind < argc)
		return complain(EXIT_USAGE, "unexpected '%s'", argv[optind]);
	optind = 1;
	while ((opt = getopt_long(argc, argv, "c:s:h", options, NULL)) != -1) {
		if (key_of(opt) && !assign(c, key_of(opt), optarg, err))
			return complain(EXIT_USAGE, "%s", err);
		if (opt == OPT_SET && !config_set(c, optarg, err))
			return complain(EXIT_USAGE, "%s", err);
	}
	if (!config_check(c, err))
		return complain(EXIT_USAGE, "%s", err);
	return -1;
}

/* Everything that must be there before the first socket opens. */
struct parts {
	struct config config;
	char *store_dir;
	struct origin upstream;
	struct roots *roots;
	struct tls_shared *tls;
	struct ca *ca;
	struct cache *leaves;
	const struct leaf *fixed;
	struct recorder *recorder;
};

static int
load_leaves(struct parts *p)
{
	const struct config *c = &p->config;
	const char *bad;
	char *dir;
	int rc;

	if (!c->listen_tls[0])
		return 0;
	if (c->tls_cert_file[0]) {
		rc = leaf_load(&p->fixed, c->tls_cert_file, c->tls_key_file, &bad);
		return rc == 0 ? 0 : complain(EXIT_USAGE, "%s: %s", bad,
		    certs_strerror(rc));
	}
	dir = cadir_find(c->tls_ca_dir, p->store_dir);
	if (!dir)
		return complain(EXIT_TROUBLE, "no memory");
	rc = cadir_open(&p->ca, dir, NULL, 0);
	if (rc == 0)
		rc = cache_new(&p->leaves, p->ca, NULL, 0);
	if (rc)
		complain(EXIT_TROUBLE, "CA in %s: %s", dir, certs_strerror(rc));
	free(dir);
	return rc == 0 ? 0 : EXIT_TROUBLE;
}

static int
load_roots(struct parts *p)
{
	const char *extra = p->config.upstream_ca_file, *bad = "";
	int rc = roots_load(&p->roots, extra[0] ? extra : NULL, &bad);

	if (rc)
		return complain(EXIT_USAGE, "trusted roots: %s%s%s",
		    bad ? bad : "", bad && bad[0] ? ": " : "",
		    certs_strerror(rc));
	if (roots_n_unusable(p->roots) > 0)
		log_debug("%zu of the system's roots are beyond mbedTLS",
		    roots_n_unusable(p->roots));
	return 0;
}

static int
open_store(struct parts *p)
{
	struct writer_options wo = { 0, DURABILITY_SYNC };
	struct recorder_options ro = {
		p->config.store_commit_ms, p->config.recorder_max_bytes
	};
	struct writer *w;
	uint64_t interrupted = 0;
	int rc;

	if (p->config.store_durability)
		wo.durability = DURABILITY_LAZY;
	rc = writer_open(&w, p->store_dir, &wo, &interrupted);
	if (rc)
		return complain(EXIT_TROUBLE, "store %s: %s", p->store_dir,
		    writer_strerror(rc));
	if (interrupted)
		log_warn("%llu exchanges were in flight when the last recorder "
		    "died: marked interrupted", (unsigned long long)interrupted);
	p->recorder = recorder_start(w, &ro);
	return p->recorder ? 0 : complain(EXIT_TROUBLE, "no thread for the store");
}

static int
load(struct parts *p)
{
	const char *why;
	int rc;

	log_set_level((enum log_level)p->config.log_level);
	if (!origin_parse(&p->upstream, p->config.upstream_url, &why))
		return complain(EXIT_USAGE, "upstream.url = %s: %s",
		    p->config.upstream_url, why);
	p->store_dir = storedir_find(p->config.store_dir[0] ?
	    p->config.store_dir : NULL);
	if (!p->store_dir)
		return complain(EXIT_USAGE, "%s", storedir_remedy);
	if (tls_start() != 0 || !(p->tls = tls_shared_new()))
		return complain(EXIT_TROUBLE, "TLS does not start");
	if ((rc = load_roots(p)) || (rc = open_store(p)))
		return rc;
	return load_leaves(p);
}

/* A connection is two sockets; what the soft limit keeps back is ours to take. */
static void
raise_file_limit(const struct config *c)
{
	const rlim_t want = (rlim_t)(2 * c->connections_max + c->pool_max *
	    (c->workers ? c->workers : 4) + FILES_BESIDES);
	struct rlimit rl;

	if (getrlimit(RLIMIT_NOFILE, &rl) != 0 || rl.rlim_cur >= want)
		return;
	rl.rlim_cur = rl.rlim_max < want ? rl.rlim_max : want;
	if (setrlimit(RLIMIT_NOFILE, &rl) != 0 || rl.rlim_cur < want)
		log_warn("%llu open files are allowed, limits.connections = %lld "
		    "may need %llu: raise `ulimit -n`",
		    (unsigned long long)rl.rlim_cur,
		    (long long)c->connections_max, (unsigned long long)want);
}

static int
serve(struct parts *p)
{
	struct loop_shared shared = {
		.config = &p->config,
		.upstream = &p->upstream,
		.recorder = p->recorder,
		.roots = p->roots,
		.tls = p->tls,
		.leaves = p->leaves,
		.fixed = p->fixed,
	};
	char err[SERVER_ERROR_MAX], name[ORIGIN_AUTHORITY_MAX];
	struct server *s = server_new(&shared, err);
	int rc;

	if (!s)
		return complain(EXIT_TROUBLE, "%s", err);
	raise_file_limit(&p->config);
	origin_name(&p->upstream, name);
	log_info("recording into %s, upstream %s", p->store_dir, name);
	rc = server_run(s, stdout);
	server_free(s);
	return rc == 0 ? 0 : complain(EXIT_TROUBLE, "the loops do not start");
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
		return complain(EXIT_TROUBLE, "no memory");
	rc = parse_options(&p.config, argc, argv);
	if (rc < 0 && (rc = load(&p)) == 0)
		rc = serve(&p);
	recorder_stop(p.recorder);
	leaf_unref(p.fixed);
	cache_free(p.leaves);
	ca_unref(p.ca);
	tls_shared_free(p.tls);
	roots_free(p.roots);
	free(p.store_dir);
	config_fini(&p.config);
	return rc;
}
