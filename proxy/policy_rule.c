#include "proxy/policy_rule.h"

#include <stdio.h>
#include <string.h>

#include "certs/name.h"
#include "proxy/address.h"

static const char what_hosts[] = "give host or *.suffix";
static const char what_networks[] =
    "give host, *.suffix, or an address or network in numbers";

static bool
fail(char *why, const char *what)
{
	snprintf(why, RULE_WHY_MAX, "%s", what);
	return false;
}

/* Cuts ":port" off item into *port; what is left, without the brackets that kept an
 * IPv6 address from its port, goes to body. */
static bool
split(const char *item, char body[ORIGIN_HOST_MAX], unsigned *port)
{
	const char *colon = strchr(item, ':'), *end = item + strlen(item);
	const char *close = item[0] == '[' ? strchr(item, ']') : NULL;

	*port = 0;
	if (close) {
		item++;
		colon = close[1] ? close + 1 : NULL;
		end = close;
		if (!memchr(item, ':', (size_t)(end - item)))
			return false;
	} else if (item[0] == '[') {
		return false;
	} else if (colon && strchr(colon + 1, ':')) {
		colon = NULL;		/* an IPv6 address without brackets */
	} else if (colon) {
		end = colon;
	}
	if ((size_t)(end - item) >= ORIGIN_HOST_MAX)
		return false;
	memcpy(body, item, (size_t)(end - item));
	body[end - item] = '\0';
	return !colon || (*colon == ':' &&
	    address_parse_port(colon + 1, strlen(colon + 1), port) && *port > 0);
}

static bool
set_host(struct rule *r, const char *text, char *why, const char *what)
{
	bool is_suffix = strncmp(text, "*.", 2) == 0;
	struct name n;

	if (name_host(&n, text + 2 * is_suffix) != 0 || n.kind != NAME_DNS)
		return fail(why, what);
	r->kind = is_suffix ? RULE_SUFFIX : RULE_HOST;
	snprintf(r->host, sizeof(r->host), "%s%s", is_suffix ? "." : "", n.dns);
	return true;
}

bool
rule_parse(struct rule *r, const char *item, unsigned may, char *why)
{
	const char *what = may & RULE_MAY_NETWORK ? what_networks : what_hosts;
	char body[ORIGIN_HOST_MAX];

	memset(r, 0, sizeof(*r));
	if (!split(item, body, &r->port))
		return fail(why, may & RULE_MAY_PORT ? "give host, *.suffix, or an "
		    "address or network in numbers, each with a :port from 1 to "
		    "65535 or none; IPv6 with a port as [::1]:443" : what);
	if (r->port && !(may & RULE_MAY_PORT))
		return fail(why, "no port belongs here");
	if (network_parse(&r->network, body, why)) {
		r->kind = RULE_NETWORK;
		return (may & RULE_MAY_NETWORK) || !strchr(body, '/') ||
		    fail(why, what);
	}
	/* What looks like a network keeps its own reason. */
	if ((may & RULE_MAY_NETWORK) && strpbrk(body, "/:"))
		return false;
	return set_host(r, body, why, what);
}

void
target_init(struct target *t, const char *host)
{
	size_t len = strlen(host);
	char text[ORIGIN_HOST_MAX + 2];
	socklen_t sa_len;

	memset(t, 0, sizeof(*t));
	if (len >= 2 && host[0] == '[' && host[len - 1] == ']') {
		host++;
		len -= 2;
	}
	if (memchr(host, ':', len))
		len = strcspn(host, "%]");	/* its zone is only ours */
	if (len > 1 && host[len - 1] == '.')
		len--;
	if (len >= sizeof(t->host))
		return;
	for (size_t i = 0; i < len; i++)
		t->host[i] = host[i] >= 'A' && host[i] <= 'Z' ?
		    (char)(host[i] | 0x20) : host[i];
	snprintf(text, sizeof(text), strchr(t->host, ':') ? "[%s]" : "%s",
	    t->host);
	/* "a:1" has become "[a:1]", so no port is taken for a part of it. */
	t->is_address = address_parse(text, &t->sa, &sa_len);
}

bool
rule_has(const struct rule *r, const struct target *t)
{
	size_t host = strlen(t->host), tail = strlen(r->host);

	switch (r->kind) {
	case RULE_HOST:
		return strcmp(r->host, t->host) == 0;
	case RULE_SUFFIX:
		return !t->is_address && host > tail &&
		    strcmp(t->host + host - tail, r->host) == 0;
	case RULE_NETWORK:
		break;
	}
	return t->is_address &&
	    network_has(&r->network, (const struct sockaddr *)&t->sa);
}
