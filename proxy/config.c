#include "proxy/config.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/address.h"
#include "proxy/config_private.h"

enum {
	MS_MAX = 1000000000,	/* eleven days */
	ITEM_MAX = 512,		/* bytes of host=address:port */
	SHOWN_MAX = 100,	/* bytes of a value in an error */
};

enum kind {
	KIND_TEXT,
	KIND_LISTENER,	/* text: address:port, or empty */
	KIND_ADDRESS,	/* text: address[:port], or empty */
	KIND_LIST,	/* may be set repeatedly */
	KIND_RULES,	/* a list of host=address[:port] */
	KIND_PORTS,	/* a list */
	KIND_MS,	/* milliseconds, 1 or more */
	KIND_MS_OFF,	/* also 0, and -1 for never */
	KIND_COUNT,	/* 1 or more */
	KIND_SECONDS,	/* 0 or more */
	KIND_BYTES,	/* with k, m, g */
	KIND_BYTES_OFF,	/* also 0 */
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
	{ "listen.http", KIND_LISTENER, F(listen_http), "127.0.0.1:8787", "address:port for plain HTTP; port 0 picks one, empty turns it off", NULL },
	{ "listen.tls", KIND_LISTENER, F(listen_tls), "", "address:port for TLS", NULL },
	{ "tls.cert_file", KIND_TEXT, F(tls_cert_file), "", "certificate chain for the TLS listener, PEM; empty: minted by our own CA", NULL },
	{ "tls.key_file", KIND_TEXT, F(tls_key_file), "", "its key, PEM", NULL },
	{ "tls.ca_dir", KIND_TEXT, F(tls_ca_dir), "", "directory of our own CA; empty: ca in the store's directory", NULL },
	{ "upstream.url", KIND_TEXT, F(upstream_url), "https://api.openai.com", "where requests go: http(s)://host[:port]", NULL },
	{ "upstream.ca_file", KIND_TEXT, F(upstream_ca_file), "", "roots trusted for upstreams besides the system's, PEM", NULL },
	{ "upstream.resolve", KIND_RULES, F(upstream_resolve), "", "host=address[:port]: connect a host elsewhere; repeatable", NULL },
	{ "upstream.dns", KIND_ADDRESS, F(upstream_dns), "", "address[:port] of a DNS server to ask, instead of the hosts file and resolv.conf", NULL },
	{ "upstream.via", KIND_TEXT, F(upstream_via), "", "another proxy on the way out: http://[user:password@]host[:port]", NULL },
	{ "upstream.no_via", KIND_LIST, F(upstream_no_via), "", "hosts reached without it: host, *.suffix, address or network; repeatable", NULL },
	{ "forward.intercept", KIND_LIST, F(forward_intercept), "api.openai.com *.api.openai.com", "hosts decrypted and recorded: host or *.suffix; repeatable", NULL },
	{ "forward.tunnel", KIND_CHOICE, F(forward_tunnel), "any", "other hosts through CONNECT: any, those of forward.tunnel_to, or none", "any listed none" },
	{ "forward.tunnel_to", KIND_LIST, F(forward_tunnel_to), "", "host, *.suffix, address or network, [:port]: tunnelled to, also if private; repeatable", NULL },
	{ "forward.ports", KIND_PORTS, F(forward_ports), "443 80", "ports that a tunnel may lead to", NULL },
	{ "forward.allow", KIND_LIST, F(forward_allow), "", "clients' networks, such as 10.0.0.0/8, and nobody else; empty: everybody; repeatable", NULL },
	{ "forward.auth_file", KIND_TEXT, F(forward_auth_file), "", "name:password lines that proxy clients must know; empty: the name is a label", NULL },
	{ "store.dir", KIND_TEXT, F(store_dir), "", "the store; empty: tracetape in $XDG_DATA_HOME or ~/.local/share", NULL },
	{ "store.commit_ms", KIND_MS, F(store_commit_ms), "50", "a finished exchange is on disk after at most this long", NULL },
	{ "store.durability", KIND_CHOICE, F(store_durability), "sync", "sync: fsync per commit; lazy: a power cut may lose the last commits", "sync lazy" },
	{ "store.parents_bytes", KIND_BYTES_OFF, F(store_parents_bytes), "16m", "memory for recent bodies: of those that repeat them only what is new is stored", NULL },
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

static bool
is_address(const char *text)
{
	struct sockaddr_storage sa;
	socklen_t len;

	return address_parse(text, &sa, &len);
}

/* NULL, or what the text should have been. */
static const char *
text_fault(enum kind kind, const char *text)
{
	if (kind == KIND_TEXT || !text[0] || is_address(text))
		return NULL;
	return kind == KIND_LISTENER ?
	    "an address in numbers with its port, such as 127.0.0.1:8787 or "
	    "[::1]:8787" : "an address in numbers, as 192.0.2.1 or [2001:db8::1]:53";
}

/* NULL, or what the number should have been. */
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
	case KIND_BYTES_OFF:
		return parse_number(text, true, v) && *v >= 0 && *v <= 1 << 30 ?
		    NULL : "bytes, 0 to 1g, such as 16m";
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
	case KIND_LISTENER:
	case KIND_ADDRESS:
	case KIND_LIST:
	case KIND_RULES:
	case KIND_PORTS:
		break;
	}
	return NULL;
}

static bool
is_text(const struct key *k)
{
	return k->kind == KIND_TEXT || k->kind == KIND_LISTENER ||
	    k->kind == KIND_ADDRESS;
}

static bool
is_list(const struct key *k)
{
	return k->kind == KIND_LIST || k->kind == KIND_RULES ||
	    k->kind == KIND_PORTS;
}

static char **
text_of(struct config *c, const struct key *k)
{
	return (char **)((char *)c + k->field);
}

static struct config_list *
list_of(struct config *c, const struct key *k)
{
	return (struct config_list *)((char *)c + k->field);
}

/* "FILE:LINE: section.key = value: give wanted", where a long value is cut rather
 * than its remedy. */
static bool
refuse(const struct setting *s, struct slice value, const char *wanted)
{
	snprintf(s->err, CONFIG_ERROR_MAX, "%.200s: %s = %.*s%s: give %s", s->where,
	    s->name, (int)(value.len < SHOWN_MAX ? value.len : SHOWN_MAX), value.p,
	    value.len > SHOWN_MAX ? "..." : "", wanted);
	return false;
}

static bool
no_memory(const struct setting *s)
{
	snprintf(s->err, CONFIG_ERROR_MAX, "%.200s: %s: no memory", s->where,
	    s->name);
	return false;
}

static struct slice
slice_of(const char *text)
{
	return (struct slice){ text, strlen(text) };
}

static bool
set_text(char **field, const struct key *k, const struct setting *s)
{
	const char *wanted = text_fault(k->kind, s->text);
	char *copy;

	if (wanted)
		return refuse(s, slice_of(s->text), wanted);
	copy = strdup(s->text);
	if (!copy)
		return no_memory(s);
	free(*field);
	*field = copy;
	return true;
}

/* The item that text begins with, after commas and blanks; p == NULL: none. */
static struct slice
next_item(const char *text)
{
	static const char between[] = ", \t";
	struct slice item = { text + strspn(text, between), 0 };

	item.len = strcspn(item.p, between);
	return item.len ? item : (struct slice){ NULL, 0 };
}

/* NULL, or what the item should have been. */
static const char *
item_fault(enum kind kind, struct slice item)
{
	char text[ITEM_MAX];
	const char *eq;
	unsigned port;

	if (kind == KIND_PORTS)
		return address_parse_port(item.p, item.len, &port) && port > 0 ?
		    NULL : "ports, 1 to 65535";
	if (kind != KIND_RULES)
		return NULL;
	snprintf(text, sizeof(text), "%.*s", (int)item.len, item.p);
	eq = strchr(text, '=');
	return item.len < sizeof(text) && eq && eq > text && is_address(eq + 1) ?
	    NULL : "host=address[:port], the address in numbers";
}

static void
list_clear(struct config_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		free(list->item[i]);
	list->n = 0;
	list->is_set = false;
}

/* Hosts are compared in lower case; addresses mean the same in it. */
static bool
list_add(struct config_list *list, struct slice item, bool fold)
{
	char **copy = &list->item[list->n];

	if (!(*copy = strndup(item.p, item.len)))
		return false;
	list->n++;
	for (char *p = *copy; fold && *p; p++)
		*p = (char)tolower((unsigned char)*p);
	return true;
}

/* The first explicit value takes the place of the default, others add to it; one
 * without items takes the place of all that came before. */
static bool
set_list(struct config_list *list, const struct key *k, const struct setting *s)
{
	struct slice item;
	char most[32];
	size_t n = 0;

	snprintf(most, sizeof(most), "at most %d of them", CONFIG_LIST_MAX);
	for (const char *p = s->text; (item = next_item(p)).p; p = item.p + item.len) {
		const char *wanted = item_fault(k->kind, item);

		if (wanted)
			return refuse(s, item, wanted);
		if (++n + (list->is_set ? list->n : 0) > CONFIG_LIST_MAX)
			return refuse(s, item, most);
	}
	if (n == 0 || !list->is_set)
		list_clear(list);
	list->is_set = true;
	for (const char *p = s->text; (item = next_item(p)).p; p = item.p + item.len)
		if (!list_add(list, item, k->kind == KIND_RULES))
			return no_memory(s);
	return true;
}

bool
config_assign(struct config *c, const struct setting *s)
{
	const struct key *k = find(s->name);
	const char *wanted;
	int64_t v = 0;

	if (!k) {
		snprintf(s->err, CONFIG_ERROR_MAX, "%.200s: unknown key '%.130s'; the "
		    "keys are listed in configs/tracetape.conf and README.md",
		    s->where, s->name);
		return false;
	}
	if (is_text(k))
		return set_text(text_of(c, k), k, s);
	if (is_list(k))
		return set_list(list_of(c, k), k, s);
	wanted = parse(k, s->text, &v);
	if (wanted)
		return refuse(s, slice_of(s->text), wanted);
	*(int64_t *)((char *)c + k->field) = v;
	return true;
}

bool
config_init(struct config *c)
{
	char err[CONFIG_ERROR_MAX] = "";

	memset(c, 0, sizeof(*c));
	for (size_t i = 0; i < N_KEYS; i++) {
		const struct setting s = { "default", keys[i].name,
		    keys[i].standard, err };

		if (!config_assign(c, &s))
			return false;
		if (is_list(&keys[i]))
			list_of(c, &keys[i])->is_set = false;
	}
	return true;
}

void
config_fini(struct config *c)
{
	for (size_t i = 0; i < N_KEYS; i++) {
		if (is_text(&keys[i]))
			free(*text_of(c, &keys[i]));
		else if (is_list(&keys[i]))
			list_clear(list_of(c, &keys[i]));
	}
	memset(c, 0, sizeof(*c));
}

bool
config_set(struct config *c, const char *assignment, char err[CONFIG_ERROR_MAX])
{
	const char *eq = strchr(assignment, '=');
	char name[128];
	struct setting s = { "--set", name, NULL, err };

	if (!eq || (size_t)(eq - assignment) >= sizeof(name)) {
		snprintf(err, CONFIG_ERROR_MAX,
		    "--set %.200s: give section.key=value", assignment);
		return false;
	}
	memcpy(name, assignment, (size_t)(eq - assignment));
	name[eq - assignment] = '\0';
	s.text = eq + 1;
	return config_assign(c, &s);
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
