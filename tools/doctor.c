#include "tools/doctor.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "certs/error.h"
#include "proxy/config.h"
#include "tools/storedir.h"
#include "tools/term.h"
#include "tools/trust.h"
#include "tools/verbs.h"

enum { EXIT_SICK = 1, EXIT_USAGE = 2, EXIT_TROUBLE = 3, WAIT_MS = 2000 };

static const char help[] =
"usage: tracetape doctor [options]\n"
"       tracetape run -- tracetape doctor [options]\n"
"\n"
"Sends a canary through each door of the proxy that records into the store, looks\n"
"for them there, and then at the variables, certificates and Node.js that programs\n"
"started from here would have.  One line per check; below it, what to do.\n"
"\n"
"  -s, --store DIR      the store; also $TRACETAPE_STORE\n"
"  -c, --config FILE    the proxy's configuration, for store.dir\n"
"      --ca-dir DIR     the CA to verify against (default: the proxy's)\n"
"      --timeout S      how long each canary may take, seconds (default 30)\n"
"      --strict         programs started from here must be sent through the proxy\n"
"  -o, --output FORMAT  text, or json: one object\n"
"  -h, --help\n"
"\n"
"Exit status: 0 when nothing fails, 1 when something does, 2 usage, 3 trouble.\n";

enum { OPT_CA_DIR = 256, OPT_TIMEOUT, OPT_STRICT };

static const struct option options[] = {
	{ "store", required_argument, NULL, 's' },
	{ "config", required_argument, NULL, 'c' },
	{ "ca-dir", required_argument, NULL, OPT_CA_DIR },
	{ "timeout", required_argument, NULL, OPT_TIMEOUT },
	{ "strict", no_argument, NULL, OPT_STRICT },
	{ "output", required_argument, NULL, 'o' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

struct order {
	const char *store;
	const char *ca_dir;
	int64_t timeout_ms;
	struct config config;
	enum { STRICT = 1, JSON = 2 } flags;
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
	fprintf(stderr, "tracetape doctor: %.*s\n", (int)line.len,
	    (const char *)line.p);
	bytes_fini(&line);
	return code;
}

static int
take_timeout(struct order *o, const char *text)
{
	char *end;
	double s = strtod(text, &end);

	if (end == text || *end || !(s >= 0.1 && s <= DOCTOR_MAX_S))
		return complain(EXIT_USAGE, "--timeout %s: 0.1 to %d seconds", text,
		    DOCTOR_MAX_S);
	o->timeout_ms = (int64_t)(s * 1000);
	return -1;
}

static int
take_option(struct order *o, int opt)
{
	char err[CONFIG_ERROR_MAX];

	switch (opt) {
	case 's':
		o->store = optarg;
		break;
	case 'c':
		if (!config_read(&o->config, optarg, err))
			return complain(EXIT_USAGE, "%s", err);
		break;
	case OPT_CA_DIR:
		o->ca_dir = optarg;
		break;
	case OPT_TIMEOUT:
		return take_timeout(o, optarg);
	case OPT_STRICT:
		o->flags |= STRICT;
		break;
	case 'o':
		if (strcmp(optarg, "json") != 0 && strcmp(optarg, "text") != 0)
			return complain(EXIT_USAGE, "-o %s: text or json", optarg);
		o->flags &= ~(unsigned)JSON;
		o->flags |= strcmp(optarg, "json") == 0 ? JSON : 0;
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
	    (opt = getopt_long(argc, argv, "s:c:o:h", options, NULL)) != -1) {
		if (opt == '?')
			return complain(EXIT_USAGE, "see `tracetape doctor --help`");
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

static void
report_absence(struct doctor *d)
{
	struct finding f = { .check = "proxy" };

	finding_set(&f, VERDICT_FAIL, "no proxy records into %s", d->store);
	finding_remedy(&f, "start one with `tracetape proxy%s`, or have `tracetape "
	    "run%s -- COMMAND` start its own", d->same_store, d->same_store);
	report_put(d->report, &f);
}

static void
report_presence(struct doctor *d)
{
	const struct running *r = &d->running;
	struct finding f = { .check = "proxy" };

	finding_set(&f, VERDICT_OK, "process %lld%s%s%s%s, upstream %.*s%s%s",
	    (long long)r->status.pid, r->http[0] ? ", http://" : "", r->http,
	    r->tls[0] ? ", https://" : "", r->tls, (int)r->status.upstream.len,
	    r->status.upstream.len ? r->status.upstream.p : "",
	    slice_eq(r->status.via, SLICE("set")) ? ", via another proxy" : "",
	    slice_eq(r->status.traces, SLICE("local")) ?
	    ", trace batches stay here" : "");
	report_put(d->report, &f);
}

/* The first host that is a name: "*.a" has no address of its own. */
static void
choose_host(struct doctor *d)
{
	struct slice rest = d->running.status.intercept, best = { 0 };
	const struct slice api = SLICE("api.openai.com");

	while (rest.len > 0) {
		const char *space = memchr(rest.p, ' ', rest.len);
		size_t n = space ? (size_t)(space - rest.p) : rest.len;
		struct slice host = { rest.p, n };

		if (n > 0 && host.p[0] != '*' && (!best.p || slice_eq(host, api)))
			best = host;
		n += space != NULL;
		rest.p += n;
		rest.len -= n;
	}
	if (best.p)
		snprintf(d->host, sizeof(d->host), "%.*s", (int)best.len, best.p);
}

static void
judge_dates(struct finding *f, const struct doctor *d, const char *dir)
{
	time_t now = time(NULL), until = ca_not_after(d->ca);
	char day[sizeof("2026-11-21")] = "";
	struct tm tm;

	strftime(day, sizeof(day), "%Y-%m-%d", gmtime_r(&until, &tm));
	finding_set(f, VERDICT_OK, "%s, until %s", dir, day);
	if (now > until) {
		finding_set(f, VERDICT_FAIL, "%s has expired, on %s", dir, day);
		finding_remedy(f, "`tracetape ca rotate%s`, start the proxy again, "
		    "and trust the new one", d->same_store);
	} else if (now < ca_not_before(d->ca)) {
		finding_set(f, VERDICT_FAIL, "%s is not valid yet", dir);
		finding_remedy(f, "set this machine's clock");
	}
}

static void
check_ca(struct doctor *d)
{
	struct finding f = { .check = "ca" };
	const char *dir = d->ca_dir ? d->ca_dir : d->running.status.ca_dir.p;
	int rc;

	if (!dir) {
		finding_set(&f, VERDICT_WARN, "this proxy has no CA: nothing is "
		    "intercepted, only calls by base URL are recorded");
		finding_remedy(&f, "set forward.intercept and start it again");
	} else if ((rc = ca_load(&d->ca, dir)) != 0) {
		finding_set(&f, VERDICT_FAIL, "%s: %s", dir, certs_strerror(rc));
		if (d->ca_dir)
			finding_remedy(&f, "leave --ca-dir out: the proxy says "
			    "where its CA is");
		else if (rc == CERTS_NO_CA)
			finding_remedy(&f, "start the proxy again: it makes one; "
			    "then trust that one");
		else
			finding_remedy(&f, "put it right until `tracetape ca show%s` "
			    "works, then start the proxy again", d->same_store);
	} else {
		judge_dates(&f, d, dir);
	}
	report_put(d->report, &f);
}

static int
examine(struct doctor *d)
{
	char err[RUNNING_ERROR_MAX];
	int n;

	switch (running_find(&d->running, d->store, WAIT_MS, err)) {
	case RUNNING_ERROR:
		return complain(EXIT_TROUBLE, "%s", err);
	case RUNNING_NO:
		report_absence(d);
		break;
	case RUNNING_YES:
		report_presence(d);
		choose_host(d);
		check_ca(d);
		doctor_find_proxy(d);
		doctor_routes(d);
		break;
	}
	doctor_clients(d);
	n = report_end(d->report);
	return n < 0 ? complain(EXIT_TROUBLE, "cannot write the report") :
	    n > 0 ? EXIT_SICK : 0;
}

static int
run(const struct order *o, const char *dir)
{
	struct bytes same = { 0 };
	struct doctor d = {
		.report = report_new(o->flags & JSON),
		.store = dir,
		.ca_dir = o->ca_dir,
		.timeout_ms = o->timeout_ms,
		.is_strict = o->flags & STRICT,
	};
	int rc;

	if (o->store) {
		bytes_puts(&same, " -s ");
		trust_quote(&same, o->store);
	}
	bytes_putc(&same, '\0');
	d.same_store = (const char *)same.p;
	if (!d.report || same.failed || mbed_start() != 0)
		rc = complain(EXIT_TROUBLE, "no memory");
	else
		rc = examine(&d);
	ca_unref(d.ca);
	explicit_bzero(&d.proxy, sizeof(d.proxy));
	running_fini(&d.running);
	report_free(d.report);
	bytes_fini(&same);
	return rc;
}

int
cmd_doctor(int argc, char **argv)
{
	struct order o = { .timeout_ms = DOCTOR_DEFAULT_S * 1000 };
	char *dir = NULL;
	int rc;

	if (!config_init(&o.config))
		return complain(EXIT_TROUBLE, "no memory");
	rc = parse(&o, argc, argv);
	if (rc < 0) {
		dir = storedir_find(o.store ? o.store : o.config.store_dir);
		rc = dir ? run(&o, dir) :
		    complain(EXIT_USAGE, "%s", storedir_remedy);
	}
	free(dir);
	config_fini(&o.config);
	return rc;
}
