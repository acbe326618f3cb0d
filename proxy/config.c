#include "proxy/config.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include <ini.h>

#include "proxy/address.h"
#include "proxy/log.h"

enum { MS_MAX = 1000000000 };		/* eleven days */

enum kind {
	KIND_TEXT,
	KIND_LIST,	/* may be set repeatedly */
	KIND_MS,	/* milliseconds, 1 or more */
	KIND_MS_OFF,	/* also 0, and -1 for never */
	KIND_COUNT,	/* 1 or more */
	KIND_SECONDS,	/* 0 or more */
	KIND_BYTES,	/* with k, m, g */
	KIND_CHOICE,	/* one of `choices`, kept as its place */
	KIND_WORKERS,	/* a count or "auto" */
};

struct key {
	const char *name;
	enum kind kind;
	size_t field;
	const char *standard;
	const char *meaning;
	const char *choices;
};

#define F(field) offsetof(struct config, field)

/* One line per key: the lint reads this table, README and the sample file. */
static const struct key keys[] = {
	{ "listen.http", KIND_TEXT, F(listen_http), "127.0.0.1:8787", "address:port for plain HTTP; port 0 picks one, empty turns it off", NULL },
	{ "listen.tls", KIND_TEXT, F(listen_tls), "", "address:port for TLS", NULL },
	{ "tls.cert_file", KIND_TEXT, F(tls_cert_file), "", "certificate chain for the TLS listener, PEM; empty: minted by our own CA", NULL },
	{ "tls.key_file", KIND_TEXT, F(tls_key_file), "", "its key, PEM", NULL },
	{ "tls.ca_dir", KIND_TEXT, F(tls_ca_dir), "", "directory of our own CA; empty: ca in the store's directory", NULL },
	{ "upstream.url", KIND_TEXT, F(upstream_url), "https://api.openai.com", "where requests go: http(s)://host[:port]", NULL },
	{ "upstream.ca_file", KIND_TEXT, F(upstream_ca_file), "", "roots trusted for upstreams besides the system's, PEM", NULL },
	{ "upstream.resolve", KIND_LIST, F(upstream_resolve), "", "host=address[:port]: connect a host elsewhere; repeatable", NULL },
	{ "upstream.dns", KIND_TEXT, F(upstream_dns), "", "address[:port] of a DNS server to ask, instead of the hosts file and resolv.conf", NULL },
	{ "upstream.via", KIND_TEXT, F(upstream_via), "", "another proxy on the way out: http://[user:password@]host[:port]", NULL },
	{ "upstream.no_via", KIND_LIST, F(upstream_no_via), "", "hosts reached without it: host, *.suffix, address or network; repeatable", NULL },
	{ "forward.intercept", KIND_LIST, F(forward_intercept), "api.openai.com *.api.openai.com", "hosts whose TLS is terminated and recorded: host or *.suffix; repeatable", NULL },
	{ "forward.tunnel", KIND_CHOICE, F(forward_tunnel), "any", "other hosts through CONNECT: any, those of forward.tunnel_to, or none", "any listed none" },
	{ "forward.tunnel_to", KIND_LIST, F(forward_tunnel_to), "", "host, *.suffix, address or network, [:port]: may be tunnelled to, private or not; repeatable", NULL },
	{ "forward.ports", KIND_LIST, F(forward_ports), "443 80", "ports that a tunnel may lead to", NULL },
	{ "forward.allow", KIND_LIST, F(forward_allow), "", "networks of clients, such as 10.0.0.0/8; empty: everybody who reaches us; repeatable", NULL },
	{ "forward.auth_file", KIND_TEXT, F(forward_auth_file), "", "name:password lines that proxy clients must know; empty: the name is a label", NULL },
	{ "store.dir", KIND_TEXT, F(store_dir), "", "the store; empty: tracetape in $XDG_DATA_HOME or ~/.local/share", NULL },
	{ "store.commit_ms", KIND_MS, F(store_commit_ms), "50", "a finished exchange is on disk after at most this long", NULL },
	{ "store.durability", KIND_CHOICE, F(store_durability), "sync", "sync: fsync per commit; lazy: a power cut may lose the last commits", "sync lazy" },
	{ "recorder.max_bytes", KIND_BYTES, F(recorder_max_bytes), "16m", "bytes not yet on disk at which reading pauses", NULL },
	{ "recorder.pause_ms", KIND_MS_OFF, F(recorder_pause_ms), "2000", "how long it pauses before a record is cut instead; 0 never pauses, -1 never cuts", NULL },
	{ "timeouts.head_ms", KIND_MS, F(head_ms), "30000", "a request head must be complete", NULL },
	{ "timeouts.handshake_ms", KIND_MS, F(handshake_ms), "10000", "a TLS handshake, either side", NULL },
	{ "timeouts.connect_ms", KIND_MS, F(connect_ms), "10000", "DNS and TCP to the upstream", NULL },
	{ "timeouts.idle_ms", KIND_MS, F(idle_ms), "900000", "between two bytes of a live exchange", NULL },
	{ "timeouts.tunnel_ms", KIND_MS, F(tunnel_ms), "3900000", "between two bytes after an Upgrade", NULL },
	{ "timeouts.keepalive_ms", KIND_MS, F(keepalive_ms), "75000", "an idle client connection", NULL },
	{ "timeouts.linger_ms", KIND_MS, F(linger_ms), "2000", "waiting for the peer's FIN after our last byte", NULL },
	{ "timeouts.pool_ms", KIND_MS, F(pool_ms), "60000", "an idle upstream connection", NULL },
	{ "limits.connections", KIND_COUNT, F(connections_max), "1024", "client connections at once, over all workers", NULL },
	{ "limits.pool", KIND_COUNT, F(pool_max), "32", "idle upstream connections per worker", NULL },
	{ "proxy.workers", KIND_WORKERS, F(workers), "1", "event-loop threads; auto: one per core, at most 4", NULL },
	{ "proxy.drain_s", KIND_SECONDS, F(drain_s), "30", "after SIGTERM: time for live exchanges to finish", NULL },
	{ "proxy.on_abort", KIND_CHOICE, F(on_abort), "cancel", "client left: cancel the upstream, or drain it for its usage", "cancel drain" },
	{ "proxy.traces", KIND_CHOICE, F(traces), "forward", "trace batches: forward them to the upstream, or answer 204 and keep them here (local)", "forward local" },
	{ "log.level", KIND_CHOICE, F(log_level), "info", "error, warn, info or debug", "error warn info debug" },
};

enum { N_KEYS = sizeof(keys) / sizeof(keys[0]) };

static const struct key *
find(const char *name)
{
	for (size_t i = 0; i < N_KEYS; i++)
		if (strcmp(keys[i].name, name) == 0)
			return &keys[i];
	return NULL;
}

static bool
parse_number(const char *text, bool units, int64_t *v)
{
	char *end;
	long long n;
	int shift = 0;

	errno = 0;
	n = strtoll(text, &end, 10);
	if (errno || end == text)
		return false;
	if (units && *end) {
		const char *unit = strchr("kmg", tolower((unsigned char)*end));

		if (!unit || end[1])
			return false;
		shift = 10 * (int)(unit - "kmg" + 1);
		end++;
		if (shift < 10 || n < 0 || n > INT64_MAX >> shift)
			return false;
	}
	*v = (int64_t)n * (INT64_C(1) << shift);
	return *end == '\0';
}

static bool
parse_choice(const char *text, const char *choices, int64_t *v)
{
	size_t len = strlen(text);

	*v = 0;
	for (const char *p = choices; *p; (*v)++) {
		size_t n = strcspn(p, " ");

		if (n == len && strncmp(p, text, n) == 0)
			return true;
		p += n;
		p += strspn(p, " ");
	}
	return false;
}

/* NULL, or what the value should have been. */
static const char *
parse(const struct key *k, const char *text, int64_t *v)
{
	switch (k->kind) {
	case KIND_MS:
		return parse_number(text, false, v) && *v > 0 && *v <= MS_MAX ?
		    NULL : "milliseconds, 1 to 1000000000";
	case KIND_MS_OFF:
		return parse_number(text, false, v) && *v >= -1 && *v <= MS_MAX ?
		    NULL : "milliseconds, -1 to 1000000000";
	case KIND_COUNT:
		return parse_number(text, false, v) && *v > 0 && *v <= INT_MAX ?
		    NULL : "a number, 1 or more";
	case KIND_SECONDS:
		return parse_number(text, false, v) && *v >= 0 && *v <= INT_MAX ?
		    NULL : "seconds, 0 or more";
	case KIND_BYTES:
		return parse_number(text, true, v) && *v >= 65536 ?
		    NULL : "bytes, 64k or more, such as 16m";
	case KIND_CHOICE:
		return parse_choice(text, k->choices, v) ? NULL : k->choices;
	case KIND_WORKERS:
		if (strcmp(text, "auto") == 0) {
			*v = 0;
			return NULL;
		}
		return parse_number(text, false, v) && *v > 0 && *v <= 64 ?
		    NULL : "1 to 64, or auto";
	case KIND_TEXT:
	case KIND_LIST:
		break;
	}
	return NULL;
}

static bool
set_text(char **field, const char *text)
{
	char *copy = strdup(text);

	if (!copy)
		return false;
	free(*field);
	*field = copy;
	return true;
}

/* Appends what stands between commas and blanks.  False: no room, or no memory. */
static bool
add_items(struct config_list *list, const char *text)
{
	static const char between[] = ", \t";

	for (text += strspn(text, between); *text; text += strspn(text, between)) {
		size_t n = strcspn(text, between);

		if (list->n == CONFIG_LIST_MAX ||
		    !(list->item[list->n] = strndup(text, n)))
			return false;
		list->n++;
		text += n;
	}
	return true;
}

static void
list_clear(struct config_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		free(list->item[i]);
	list->n = 0;
	list->is_set = false;
}

/* The first explicit value takes the place of the default, others add to it. */
static bool
set_list(struct config *c, const struct key *k, const char *text,
    const char *where, char err[CONFIG_ERROR_MAX])
{
	struct config_list *list = (void *)((char *)c + k->field);

	if (!list->is_set)
		list_clear(list);
	list->is_set = true;
	if (add_items(list, text))
		return true;
	snprintf(err, CONFIG_ERROR_MAX, "%s: %s = %s: at most %d of them", where,
	    k->name, text, CONFIG_LIST_MAX);
	return false;
}

static bool
set(struct config *c, const char *name, const char *text, const char *where,
    char err[CONFIG_ERROR_MAX])
{
	const struct key *k = find(name);
	const char *wanted;
	int64_t v = 0;

	if (!k) {
		snprintf(err, CONFIG_ERROR_MAX, "%s: unknown key '%s'; the keys "
		    "are listed in configs/tracetape.conf and README.md",
		    where, name);
		return false;
	}
	if (k->kind == KIND_TEXT)
		return set_text((char **)((char *)c + k->field), text);
	if (k->kind == KIND_LIST)
		return set_list(c, k, text, where, err);
	wanted = parse(k, text, &v);
	if (wanted) {
		snprintf(err, CONFIG_ERROR_MAX, "%s: %s = %s: give %s", where,
		    name, text, wanted);
		return false;
	}
	*(int64_t *)((char *)c + k->field) = v;
	return true;
}

bool
config_init(struct config *c)
{
	char err[CONFIG_ERROR_MAX];

	memset(c, 0, sizeof(*c));
	for (size_t i = 0; i < N_KEYS; i++) {
		if (!set(c, keys[i].name, keys[i].standard, "default", err))
			return false;
		if (keys[i].kind == KIND_LIST)
			((struct config_list *)((char *)c + keys[i].field))->
			    is_set = false;
	}
	return true;
}

void
config_fini(struct config *c)
{
	for (size_t i = 0; i < N_KEYS; i++) {
		if (keys[i].kind == KIND_TEXT)
			free(*(char **)((char *)c + keys[i].field));
		else if (keys[i].kind == KIND_LIST)
			list_clear((void *)((char *)c + keys[i].field));
	}
	memset(c, 0, sizeof(*c));
}

struct reading {
	struct config *c;
	const char *path;
	FILE *file;
	int line;		/* the one in work */
	int bad_line;		/* err is about it; 0: none is bad */
	char *err;
};

/* The rest of a line that did not fit: part of a comment, or too much.  What did fit
 * becomes a line of its own, or newer versions of inih go on reading. */
static void
skip_rest(struct reading *r, char *start)
{
	int ch = getc(r->file);

	if (ch == EOF)
		return;
	start[strlen(start) - 1] = '\n';
	if (*start != ';' && *start != '#' && !r->bad_line) {
		r->bad_line = r->line;
		snprintf(r->err, CONFIG_ERROR_MAX, "%s:%d: the line is too long: "
		    "give the value with --set", r->path, r->line);
	}
	while (ch != EOF && ch != '\n')
		ch = getc(r->file);
}

/* Lines without what stands before them: to inih an indented line is more of the
 * value above it. */
static char *
next_line(char *buf, int cap, void *arg)
{
	struct reading *r = arg;
	char *start;

	if (!fgets(buf, cap, r->file))
		return NULL;
	r->line++;
	start = buf + strspn(buf, " \t");
	if (*start && !strchr(start, '\n'))
		skip_rest(r, start);
	return memmove(buf, start, strlen(start) + 1);
}

static int
on_key(void *arg, const char *section, const char *name, const char *value)
{
	struct reading *r = arg;
	char full[128], where[256];

	if (r->bad_line)
		return 0;
	snprintf(full, sizeof(full), "%s.%s", section, name);
	snprintf(where, sizeof(where), "%s:%d", r->path, r->line);
	if (set(r->c, full, value, where, r->err))
		return 1;
	r->bad_line = r->line;
	return 0;
}

bool
config_read(struct config *c, const char *path, char err[CONFIG_ERROR_MAX])
{
	struct reading r = { .c = c, .path = path, .err = err };
	int rc = -1;

	err[0] = '\0';
	if ((r.file = fopen(path, "r"))) {
		rc = ini_parse_stream(next_line, &r, on_key, &r);
		if (ferror(r.file))
			rc = -1;	/* a directory, for one */
	}
	if (rc < 0)
		snprintf(err, CONFIG_ERROR_MAX, "%s: %s", path, strerror(errno));
	else if (rc > 0 && (!r.bad_line || rc < r.bad_line))
		snprintf(err, CONFIG_ERROR_MAX, "%s:%d: not 'key = value' or "
		    "'[section]'", path, rc);
	if (r.file)
		fclose(r.file);
	return rc == 0 && !r.bad_line;
}

bool
config_set(struct config *c, const char *assignment, char err[CONFIG_ERROR_MAX])
{
	const char *eq = strchr(assignment, '=');
	char name[128];

	err[0] = '\0';
	if (!eq || (size_t)(eq - assignment) >= sizeof(name)) {
		snprintf(err, CONFIG_ERROR_MAX,
		    "--set %s: give section.key=value", assignment);
		return false;
	}
	memcpy(name, assignment, (size_t)(eq - assignment));
	name[eq - assignment] = '\0';
	if (set(c, name, eq + 1, "--set", err))
		return true;
	if (!err[0])
		snprintf(err, CONFIG_ERROR_MAX, "--set %s: no memory", assignment);
	return false;
}

static const char *
first_bad_rule(const struct config *c)
{
	for (size_t i = 0; i < c->upstream_resolve.n; i++) {
		const char *rule = c->upstream_resolve.item[i];
		const char *eq = strchr(rule, '=');
		struct sockaddr_storage sa;
		socklen_t len;

		if (!eq || !address_parse(eq + 1, &sa, &len))
			return rule;
	}
	return NULL;
}

bool
config_check(const struct config *c, char err[CONFIG_ERROR_MAX])
{
	const char *rule = first_bad_rule(c);

	if (!c->listen_http[0] && !c->listen_tls[0])
		snprintf(err, CONFIG_ERROR_MAX,
		    "no listener: set listen.http or listen.tls");
	else if (!c->tls_cert_file[0] != !c->tls_key_file[0])
		snprintf(err, CONFIG_ERROR_MAX,
		    "tls.cert_file and tls.key_file go together: set both");
	else if (rule)
		snprintf(err, CONFIG_ERROR_MAX, "upstream.resolve = %s: give "
		    "host=address[:port], the address in numbers", rule);
	else
		return true;
	return false;
}

void
config_print_sample(FILE *out)
{
	const char *section = "";
	size_t len = 0;

	fprintf(out, "; tracetape.conf - every key with its default.\n"
	    "; Made from the key table by `tracetape proxy --print-config`.\n");
	for (size_t i = 0; i < N_KEYS; i++) {
		const char *dot = strchr(keys[i].name, '.');

		assert(dot);
		if (strncmp(section, keys[i].name, len) != 0 || len == 0) {
			section = keys[i].name;
			len = (size_t)(dot - section) + 1;
			fprintf(out, "\n[%.*s]\n", (int)len - 1, section);
		}
		fprintf(out, "; %s\n; %s = %s\n", keys[i].meaning, dot + 1,
		    keys[i].standard);
	}
}
