#include "tools/parts.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "certs/cache.h"
#include "certs/error.h"
#include "certs/roots.h"
#include "proxy/address.h"
#include "proxy/auth.h"
#include "proxy/log.h"
#include "proxy/loop.h"
#include "proxy/policy.h"
#include "proxy/recorder.h"
#include "proxy/server.h"
#include "proxy/tls.h"
#include "store/status.h"
#include "store/writer.h"
#include "tools/cadir.h"
#include "tools/storedir.h"

enum { EXIT_USAGE = 2, EXIT_TROUBLE = 3, FILES_BESIDES = 64 };

int
parts_complain(int code, const char *fmt, ...)
{
	va_list ap;

	fputs("tracetape proxy: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	return code;
}

/* The CA may be older than what is to be intercepted. */
static int
open_ca(struct parts *p)
{
	const struct config_list *hosts = &p->config.forward_intercept;
	const char *const *item = (const char *const *)hosts->item;
	int rc;

	p->ca_dir = cadir_find(p->config.tls_ca_dir, p->store_dir);
	if (!p->ca_dir)
		return parts_complain(EXIT_TROUBLE, "no memory");
	rc = cadir_open(&p->ca, p->ca_dir, item, hosts->n);
	for (size_t i = 0; rc == 0 && i < hosts->n; i++)
		if (cadir_check(p->ca, &item[i], 1) == CERTS_OUTSIDE)
			return parts_complain(EXIT_USAGE, "forward.intercept = "
			    "%s: the CA in %s may not speak for it: make a new "
			    "one with `tracetape ca rotate --permit %s`, and trust "
			    "that", item[i], p->ca_dir, item[i]);
	if (rc == 0)
		rc = cache_new(&p->leaves, p->ca, NULL, 0);
	return rc == 0 ? 0 : parts_complain(EXIT_TROUBLE, "CA in %s: %s",
	    p->ca_dir, certs_strerror(rc));
}

static int
load_leaves(struct parts *p)
{
	const struct config *c = &p->config;
	const char *bad;
	int rc;

	if (c->listen_tls[0] && c->tls_cert_file[0] &&
	    (rc = leaf_load(&p->fixed, c->tls_cert_file, c->tls_key_file, &bad)))
		return parts_complain(EXIT_USAGE, "%s: %s", bad,
		    certs_strerror(rc));
	if ((c->listen_tls[0] && !p->fixed) || c->forward_intercept.n > 0)
		return open_ca(p);
	return 0;
}

static int
load_roots(struct parts *p)
{
	const char *extra = p->config.upstream_ca_file, *bad = "";
	int rc = roots_load(&p->roots, extra[0] ? extra : NULL, &bad);

	if (rc)
		return parts_complain(EXIT_USAGE, "trusted roots: %s%s%s",
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
	struct writer_options wo = { 0, DURABILITY_SYNC,
	    (size_t)p->config.store_parents_bytes };
	uint64_t interrupted = 0;
	int rc;

	if (p->config.store_durability)
		wo.durability = DURABILITY_LAZY;
	rc = writer_open(&p->writer, p->store_dir, &wo, &interrupted);
	if (rc)
		return parts_complain(EXIT_TROUBLE, "store %s: %s", p->store_dir,
		    writer_strerror(rc));
	if (interrupted)
		log_warn("%llu exchanges were in flight when the last recorder "
		    "died: marked interrupted", (unsigned long long)interrupted);
	return 0;
}

/* What only reads the configuration, and what it names. */
static int
load_rules(struct parts *p)
{
	const struct config *c = &p->config;
	char err[CONFIG_ERROR_MAX];
	const char *why;

	if (!origin_parse(&p->upstream, c->upstream_url, &why))
		return parts_complain(EXIT_USAGE, "upstream.url = %s: %s",
		    c->upstream_url, why);
	if (c->upstream_via[0] && !via_parse(&p->via, c->upstream_via, &why))
		return parts_complain(EXIT_USAGE, "upstream.via: %s", why);
	if (!(p->policy = policy_new(c, err)))
		return parts_complain(EXIT_USAGE, "%s", err);
	if (c->forward_auth_file[0] &&
	    !(p->auth = auth_read(c->forward_auth_file, err)))
		return parts_complain(EXIT_USAGE, "%s", err);
	return 0;
}

int
parts_load(struct parts *p)
{
	int rc;

	log_set_level((enum log_level)p->config.log_level);
	if ((rc = load_rules(p)))
		return rc;
	p->store_dir = storedir_find(p->config.store_dir[0] ?
	    p->config.store_dir : NULL);
	if (!p->store_dir)
		return parts_complain(EXIT_USAGE, "%s", storedir_remedy);
	if (tls_start() != 0 || !(p->tls = tls_shared_new()))
		return parts_complain(EXIT_TROUBLE, "TLS does not start");
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

static struct slice
text(const char *s)
{
	return (struct slice){ s, s ? strlen(s) : 0 };
}

static void
put_listening(struct status *st, const struct server *s, const struct config *c,
    char where[2][ADDRESS_TEXT_MAX])
{
	const struct sockaddr_storage *sa;
	size_t n;

	sa = server_listening(s, &n);
	for (size_t i = 0; i < n; i++) {
		address_print((const struct sockaddr *)&sa[i], where[i]);
		if (i == 0 && c->listen_http[0])
			st->http = text(where[i]);
		else
			st->tls = text(where[i]);
	}
}

/* Tells the tools of this machine where we are (tools/running.h). */
static int
tell_store(struct parts *p, const struct server *s)
{
	const struct config *c = &p->config;
	char where[2][ADDRESS_TEXT_MAX], *dir = NULL;
	struct bytes row = { 0 }, hosts = { 0 };
	struct status st;
	int rc;

	status_init(&st);
	st.pid = getpid();
	st.started_ns = loop_wall_ns();
	put_listening(&st, s, c, where);
	st.upstream = text(c->upstream_url);
	dir = p->ca_dir ? realpath(p->ca_dir, NULL) : NULL;
	st.ca_dir = text(dir);
	for (size_t i = 0; i < c->forward_intercept.n; i++)
		bytes_printf(&hosts, "%s%s", i ? " " : "",
		    c->forward_intercept.item[i]);
	st.intercept = bytes_slice(&hosts);
	st.traces = c->traces == TRACES_LOCAL ? SLICE("local") :
	    SLICE("forward");
	st.auth = p->auth ? SLICE("file") : SLICE("none");
	st.via = c->upstream_via[0] ? SLICE("set") : SLICE("none");
	status_encode(&row, &st);
	rc = row.failed ? -1 : writer_put_meta(p->writer, STATUS_META, row.p,
	    row.len);
	if (rc == 0)
		rc = writer_commit(p->writer);
	bytes_fini(&row);
	bytes_fini(&hosts);
	free(dir);
	return rc;
}

static int
start_recorder(struct parts *p, const struct server *s)
{
	struct recorder_options ro = {
		p->config.store_commit_ms, p->config.recorder_max_bytes,
		p->config.store_parents_bytes
	};
	int rc = tell_store(p, s);

	if (rc)
		return parts_complain(EXIT_TROUBLE, "store %s: %s", p->store_dir,
		    writer_strerror(rc));
	p->recorder = recorder_start(p->writer, &ro);
	p->writer = NULL;
	return p->recorder ? 0 :
	    parts_complain(EXIT_TROUBLE, "no thread for the store");
}

static void
say_what_happens(const struct parts *p)
{
	char name[ORIGIN_AUTHORITY_MAX];

	origin_name(&p->upstream, name);
	log_info("recording into %s, upstream %s", p->store_dir, name);
	if (p->config.traces == TRACES_LOCAL)
		fputs("tracetape proxy: proxy.traces = local: trace batches are "
		    "kept here and NOT sent to the upstream; its dashboard will "
		    "not show them\n", stderr);
}

int
parts_serve(struct parts *p)
{
	struct loop_shared shared = {
		.config = &p->config,
		.upstream = &p->upstream,
		.roots = p->roots,
		.tls = p->tls,
		.ca = p->ca,
		.leaves = p->leaves,
		.fixed = p->fixed,
		.policy = p->policy,
		.auth = p->auth,
		.via = p->config.upstream_via[0] ? &p->via : NULL,
	};
	char err[SERVER_ERROR_MAX];
	struct server *s = server_new(&shared, err);
	int rc;

	if (!s)
		return parts_complain(EXIT_TROUBLE, "%s", err);
	shared.listening = server_listening(s, &shared.n_listening);
	raise_file_limit(&p->config);
	say_what_happens(p);
	rc = start_recorder(p, s);
	shared.recorder = p->recorder;
	if (rc == 0 && server_run(s, stdout) != 0)
		rc = parts_complain(EXIT_TROUBLE, "the loops do not start");
	server_free(s);
	return rc;
}

void
parts_free(struct parts *p)
{
	recorder_stop(p->recorder);
	writer_close(p->writer);
	leaf_unref(p->fixed);
	cache_free(p->leaves);
	ca_unref(p->ca);
	tls_shared_free(p->tls);
	roots_free(p->roots);
	auth_free(p->auth);
	policy_free(p->policy);
	free(p->ca_dir);
	free(p->store_dir);
	explicit_bzero(&p->via, sizeof(p->via));
}
