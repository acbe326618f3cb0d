#include "tools/doctor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proxy/address.h"
#include "tools/block.h"

enum { NODE_MS = 5000 };	/* for `node --version`, which starts Node */

/* A URL of a variable, taken apart.  It may hold a password: show host and port. */
struct url {
	struct via via;			/* host, port, and user for Basic */
	bool is_tls;			/* https:// */
	char name[ORIGIN_AUTHORITY_MAX];	/* host:port */
	const char *path;		/* what follows, into the variable */
};

/* Which spelling of the variable counts, and is set. */
static const char *
proxy_variable(const char **name)
{
	const char *value = block_getenv("https_proxy", "HTTPS_PROXY");
	const char *lower = getenv("https_proxy");

	*name = lower && *lower ? "https_proxy" : "HTTPS_PROXY";
	return value;
}

/* "http://" or "https://", then [user[:password]@]host[:port]. */
static bool
parse_url(struct url *u, const char *text)
{
	const char *front, *rest, *why;
	char *plain = NULL;
	bool ok;

	memset(u, 0, sizeof(*u));
	u->is_tls = strncasecmp(text, "https://", 8) == 0;
	if (!u->is_tls && strncasecmp(text, "http://", 7) != 0)
		return false;
	front = text + (u->is_tls ? 8 : 7);
	rest = front + strcspn(front, "/?#");
	u->path = rest;
	if (asprintf(&plain, "http://%.*s", (int)(rest - front), front) < 0)
		return false;
	ok = via_parse(&u->via, plain, &why);
	explicit_bzero(plain, strlen(plain));
	free(plain);
	if (u->is_tls && u->via.proxy.port == 80 && (rest - front < 3 ||
	    strncmp(rest - 3, ":80", 3) != 0))
		u->via.proxy.port = 443;
	if (ok)
		origin_name(&u->via.proxy, u->name);
	return ok;
}

/* What belongs to this machine can be bound to. */
static bool
is_own_address(const char *host)
{
	struct sockaddr_storage sa;
	socklen_t len;
	char text[ORIGIN_AUTHORITY_MAX];
	bool is = false;
	int fd;

	snprintf(text, sizeof(text), strchr(host, ':') ? "[%s]" : "%s", host);
	if (!address_parse(text, &sa, &len))
		return false;
	fd = socket(sa.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0) {
		is = bind(fd, (struct sockaddr *)&sa, len) == 0;
		close(fd);
	}
	return is;
}

/* Does it lead to the listener at `at`, which was bound as `bound`? */
static bool
is_at(const struct origin *o, const char *at, struct slice bound)
{
	struct origin there = { 0 };
	struct sockaddr_storage sa;
	socklen_t len;

	if (!at[0] || !origin_parse_authority(&there, at, strlen(at)) ||
	    there.port != o->port)
		return false;
	if (strcmp(there.host, o->host) == 0)
		return true;
	if (strcmp(o->host, "localhost") == 0)
		return address_parse(at, &sa, &len) &&
		    address_is_loopback((struct sockaddr *)&sa);
	return bound.len > 0 && (strncmp(bound.p, "0.0.0.0:", 8) == 0 ||
	    strncmp(bound.p, "[::]:", 5) == 0) && is_own_address(o->host);
}

static bool
is_ours(const struct doctor *d, const struct url *u)
{
	const struct running *r = &d->running;

	return u->is_tls ? is_at(&u->via.proxy, r->tls, r->status.tls) :
	    is_at(&u->via.proxy, r->http, r->status.http);
}

void
doctor_find_proxy(struct doctor *d)
{
	const char *name, *value = proxy_variable(&name);
	struct url u;

	if (value && parse_url(&u, value) && is_ours(d, &u))
		d->proxy = u.via;
	explicit_bzero(&u, sizeof(u));
}

static bool
goes_through_us(const struct doctor *d)
{
	return d->proxy.proxy.host[0] != '\0';
}

static void
put_remedy(struct finding *f, const struct doctor *d)
{
	finding_remedy(f, "eval \"$(tracetape env%s)\", or start the program with "
	    "`tracetape run%s -- COMMAND`", d->same_store, d->same_store);
}

/* The environment names a proxy that is not ours, or nothing that is one. */
static void
judge_other(struct finding *f, const struct doctor *d, const char *name,
    const char *value, bool is_meant)
{
	const char *upper = getenv("HTTPS_PROXY");
	struct url u, hidden;

	put_remedy(f, d);
	if (!parse_url(&u, value)) {
		finding_set(f, VERDICT_FAIL, "%s is not "
		    "http://[NAME:PASSWORD@]HOST:PORT, with what is special in a "
		    "password escaped by %%", name);
	} else if (strcmp(name, "https_proxy") == 0 && upper && *upper &&
	    parse_url(&hidden, upper) && is_ours(d, &hidden)) {
		finding_set(f, VERDICT_FAIL, "HTTPS_PROXY leads to this proxy, but "
		    "https_proxy, which wins, to %s", u.name);
		finding_remedy(f, "export https_proxy=\"$HTTPS_PROXY\"");
	} else {
		finding_set(f, is_meant ? VERDICT_FAIL : VERDICT_WARN, "%s leads "
		    "past tracetape, to %s", name, u.name);
		finding_remedy(f, "eval \"$(tracetape env%s)\"; if %s is the only "
		    "way out, start the proxy with --set upstream.via=http://%s",
		    d->same_store, u.name, u.name);
	}
	explicit_bzero(&u, sizeof(u));
	explicit_bzero(&hidden, sizeof(hidden));
}

/* why: what shows that calls are meant to go through us, or NULL. */
static void
check_proxy(struct doctor *d, const char *why, bool has_base_url)
{
	struct finding f = { .check = "https-proxy" };
	const char *name, *value = proxy_variable(&name);

	if (goes_through_us(d)) {
		finding_set(&f, VERDICT_OK, "%s leads to this proxy", name);
	} else if (value) {
		judge_other(&f, d, name, value, why != NULL);
	} else if (has_base_url) {
		finding_set(&f, VERDICT_WARN, "HTTPS_PROXY is not set: calls come "
		    "by OPENAI_BASE_URL, but trace batches do not");
		put_remedy(&f, d);
	} else if (why) {
		finding_set(&f, VERDICT_FAIL, "HTTPS_PROXY is not set, though %s: "
		    "calls go past tracetape", why);
		put_remedy(&f, d);
	} else {
		finding_set(&f, VERDICT_WARN, "HTTPS_PROXY is not set: programs "
		    "started from here go past tracetape");
		put_remedy(&f, d);
	}
	report_put(d->report, &f);
}

/* NO_PROXY's separators, as block.h reads them. */
static bool
next_entry(const char **rest, struct slice *entry)
{
	static const char separators[] = ", \t\n";

	*rest += strspn(*rest, separators);
	*entry = (struct slice){ *rest, strcspn(*rest, separators) };
	*rest += entry->len;
	return entry->len > 0;
}

/* What the block would leave out covers one of the hosts. */
static bool
covers(struct slice entry, struct slice intercept)
{
	struct bytes kept = { 0 };
	char *text = strndup(entry.p, entry.len);
	bool is_kept;

	if (!text)
		return false;
	block_put_no_proxy(&kept, text, intercept);
	is_kept = kept.len >= entry.len &&
	    memcmp(kept.p, entry.p, entry.len) == 0 &&
	    (kept.len == entry.len || kept.p[entry.len] == ',');
	free(text);
	bytes_fini(&kept);
	return !is_kept;
}

static void
check_no_proxy(struct doctor *d, bool is_meant)
{
	struct finding f = { .check = "no-proxy" };
	const char *rest = block_getenv("no_proxy", "NO_PROXY");
	const char *lower = getenv("no_proxy");
	const char *name = lower && *lower ? "no_proxy" : "NO_PROXY";
	struct slice entry, intercept = d->running.status.intercept;

	while (rest && intercept.len > 0 && next_entry(&rest, &entry)) {
		if (!covers(entry, intercept))
			continue;
		finding_set(&f, VERDICT_FAIL, "%s has '%.*s', so that %s is reached "
		    "past every proxy", name, (int)entry.len, entry.p,
		    d->host[0] ? d->host : "an intercepted host");
		finding_remedy(&f, "eval \"$(tracetape env%s)\" leaves it out, or "
		    "take it out of NO_PROXY and no_proxy", d->same_store);
		report_put(d->report, &f);
		return;
	}
	if (!is_meant)
		return;
	finding_set(&f, VERDICT_OK, rest ? "%s keeps no intercepted host away" :
	    "%s is not set", name);
	report_put(d->report, &f);
}

static bool
is_intercepted(struct slice patterns, const char *host)
{
	struct slice h = { host, strlen(host) };

	while (patterns.len > 0) {
		const char *space = memchr(patterns.p, ' ', patterns.len);
		size_t n = space ? (size_t)(space - patterns.p) : patterns.len;
		struct slice one = { patterns.p, n };

		if (slice_eq_nocase(one, h))
			return true;
		if (n > 1 && one.p[0] == '*' && h.len > n - 1 && slice_eq_nocase(
		    (struct slice){ h.p + h.len - (n - 1), n - 1 },
		    (struct slice){ one.p + 1, n - 1 }))
			return true;
		n += space != NULL;
		patterns.p += n;
		patterns.len -= n;
	}
	return false;
}

/* The SDKs append "/responses": what is recorded as what goes by /v1. */
static bool
is_api_path(const char *path)
{
	return strcmp(path, "/v1") == 0 || strcmp(path, "/v1/") == 0;
}

static void
judge_base_url(struct finding *f, const struct doctor *d, const char *value,
    bool is_meant)
{
	const enum verdict bad = is_meant ? VERDICT_FAIL : VERDICT_WARN;
	struct url u;

	finding_remedy(f, "unset OPENAI_BASE_URL");
	if (!parse_url(&u, value)) {
		finding_set(f, VERDICT_FAIL, "OPENAI_BASE_URL is not "
		    "http(s)://HOST:PORT/v1");
	} else if (is_ours(d, &u) && is_api_path(u.path)) {
		finding_set(f, VERDICT_OK, "OPENAI_BASE_URL leads to this proxy");
		finding_remedy(f, "%s", "");
	} else if (is_ours(d, &u)) {
		finding_set(f, VERDICT_FAIL, "OPENAI_BASE_URL leads to this proxy, "
		    "but not to /v1");
		finding_remedy(f, "export OPENAI_BASE_URL=%s://%s/v1",
		    u.is_tls ? "https" : "http", u.name);
	} else if (is_intercepted(d->running.status.intercept, u.via.proxy.host)) {
		finding_set(f, u.is_tls ? VERDICT_OK : bad, "OPENAI_BASE_URL leads "
		    "to %s%s", u.name, u.is_tls ? ", which is intercepted" :
		    " in plain http, which HTTPS_PROXY does not catch");
		if (u.is_tls)
			finding_remedy(f, "%s", "");
	} else {
		finding_set(f, bad, "OPENAI_BASE_URL leads to %s, whose calls are "
		    "not recorded", u.name);
		finding_remedy(f, "unset OPENAI_BASE_URL, or start the proxy with "
		    "--set forward.intercept=%s", u.via.proxy.host);
	}
	explicit_bzero(&u, sizeof(u));
}

static bool
is_on(const char *name)
{
	const char *value = getenv(name);

	return value && (strcmp(value, "1") == 0 ||
	    strcasecmp(value, "true") == 0);
}

static void
check_traces(struct doctor *d)
{
	struct finding f = { .check = "traces" };
	const char *node = getenv("NODE_ENV");

	if (is_on("OPENAI_AGENTS_DISABLE_TRACING")) {
		finding_set(&f, VERDICT_WARN, "OPENAI_AGENTS_DISABLE_TRACING is set: "
		    "agents send no traces");
		finding_remedy(&f, "unset OPENAI_AGENTS_DISABLE_TRACING");
		report_put(d->report, &f);
	}
	if (node && strcmp(node, "test") == 0) {
		finding_set(&f, VERDICT_WARN, "NODE_ENV=test: agents on Node send no "
		    "traces");
		finding_remedy(&f, "unset NODE_ENV");
		report_put(d->report, &f);
	}
}

static bool
has_our_base_url(const struct doctor *d)
{
	const char *value = getenv("OPENAI_BASE_URL");
	struct url u;
	bool is = value && parse_url(&u, value) && is_ours(d, &u);

	explicit_bzero(&u, sizeof(u));
	return is;
}

/* What shows that programs started from here are meant to go through us; NULL:
 * nothing does. */
static const char *
reason(const struct doctor *d, char room[128])
{
	const char *upper = getenv("HTTPS_PROXY"), *name;
	struct url u;
	bool is;

	if (goes_through_us(d))
		return "it leads here";
	is = upper && parse_url(&u, upper) && is_ours(d, &u);
	explicit_bzero(&u, sizeof(u));
	if (is)
		return "HTTPS_PROXY leads here";
	if ((name = doctor_trusting_variable(d))) {
		snprintf(room, 128, "%s names our CA", name);
		return room;
	}
	return d->is_strict ? "--strict is given" : NULL;
}

/* A variable that outlived its proxy makes every call fail. */
static void
check_leftover(struct doctor *d)
{
	struct finding f = { .check = "https-proxy" };
	const char *name, *value = proxy_variable(&name);
	struct sockaddr_storage sa;
	socklen_t len;
	struct url u;

	if (value && parse_url(&u, value) && address_parse(u.name, &sa, &len) &&
	    address_is_loopback((struct sockaddr *)&sa)) {
		finding_set(&f, VERDICT_FAIL, "%s leads to %s, where no proxy of "
		    "this store listens", name, u.name);
		finding_remedy(&f, "start it there, `tracetape proxy%s --listen %s`, "
		    "or unset HTTPS_PROXY https_proxy", d->same_store, u.name);
		report_put(d->report, &f);
	}
	explicit_bzero(&u, sizeof(u));
}

void
doctor_clients(struct doctor *d)
{
	const char *base_url = getenv("OPENAI_BASE_URL"), *why;
	const bool is_up = d->running.http[0] || d->running.tls[0];
	const bool has_base_url = is_up && has_our_base_url(d);
	struct doctor_node node;
	char room[128];
	bool wants_proxy;

	doctor_node_find(&node, d->timeout_ms < NODE_MS ? d->timeout_ms : NODE_MS);
	if (!is_up) {
		check_leftover(d);
		doctor_node(d, &node, false, false);
		return;
	}
	why = reason(d, room);
	wants_proxy = goes_through_us(d) || (why && !has_base_url);
	check_proxy(d, why, has_base_url);
	check_no_proxy(d, why != NULL);
	if (base_url && *base_url) {
		struct finding f = { .check = "openai-base-url" };

		judge_base_url(&f, d, base_url, why != NULL);
		report_put(d->report, &f);
	}
	doctor_node(d, &node, wants_proxy, has_base_url);
	doctor_trust(d, wants_proxy, node.is == NODE_GOOD || node.is == NODE_ODD);
	check_traces(d);
}
