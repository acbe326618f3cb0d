#include "proxy/policy.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "certs/name.h"
#include "proxy/address.h"
#include "proxy/config.h"
#include "proxy/network.h"
#include "proxy/origin.h"
#include "proxy/policy_rule.h"

struct rules {
	struct rule rule[CONFIG_LIST_MAX];
	size_t n;
};

struct policy {
	enum config_tunnel tunnel;
	struct rules intercept, tunnel_to, resolve, no_via;
	struct network resolved[CONFIG_LIST_MAX];	/* where to: one address */
	struct network allow[CONFIG_LIST_MAX];
	size_t n_allow;
	uint16_t port[CONFIG_LIST_MAX];
	size_t n_ports;
};

static bool
complain(char *err, const char *key, const char *item, const char *why)
{
	snprintf(err, CONFIG_ERROR_MAX, "%s = %.100s: %s", key, item, why);
	return false;
}

static bool
add_rules(struct rules *to, const struct config_list *from, const char *key,
    unsigned may, char *err)
{
	char why[RULE_WHY_MAX];

	for (to->n = 0; to->n < from->n; to->n++)
		if (!rule_parse(&to->rule[to->n], from->item[to->n], may, why))
			return complain(err, key, from->item[to->n], why);
	return true;
}

/* "host=address[:port]". */
static bool
add_resolved(struct policy *p, const char *item)
{
	struct network *to = &p->resolved[p->resolve.n];
	struct rule *r = &p->resolve.rule[p->resolve.n];
	char why[RULE_WHY_MAX], host[ORIGIN_HOST_MAX];
	size_t len = strcspn(item, "=");
	struct sockaddr_storage sa;
	socklen_t sa_len;
	const uint8_t *ip;

	if (len >= sizeof(host) || !item[len] ||
	    !address_parse(item + len + 1, &sa, &sa_len))
		return false;
	memcpy(host, item, len);
	host[len] = '\0';
	to->len = (uint8_t)address_ip((struct sockaddr *)&sa, &ip);
	to->bits = (uint8_t)(to->len * 8);
	memcpy(to->ip, ip, to->len);
	p->resolve.n++;
	return rule_parse(r, host, 0, why) && r->kind != RULE_SUFFIX;
}

static bool
add_all_resolved(struct policy *p, const struct config *c, char *err)
{
	const struct config_list *from = &c->upstream_resolve;

	for (size_t i = 0; i < from->n; i++)
		if (!add_resolved(p, from->item[i]))
			return complain(err, "upstream.resolve", from->item[i],
			    "give host=address[:port], the address in numbers");
	return true;
}

static bool
add_ports(struct policy *p, const struct config *c, char *err)
{
	const struct config_list *from = &c->forward_ports;
	unsigned port;

	for (size_t i = 0; i < from->n; i++) {
		const char *item = from->item[i];

		if (!address_parse_port(item, strlen(item), &port) || port == 0)
			return complain(err, "forward.ports", item,
			    "give ports from 1 to 65535");
		p->port[p->n_ports++] = (uint16_t)port;
	}
	return true;
}

static bool
add_allowed(struct policy *p, const struct config *c, char *err)
{
	const struct config_list *from = &c->forward_allow;
	char why[NETWORK_WHY_MAX];

	for (; p->n_allow < from->n; p->n_allow++)
		if (!network_parse(&p->allow[p->n_allow], from->item[p->n_allow],
		    why))
			return complain(err, "forward.allow",
			    from->item[p->n_allow], why);
	return true;
}

struct policy *
policy_new(const struct config *c, char *err)
{
	struct policy *p = calloc(1, sizeof(*p));

	if (!p) {
		snprintf(err, CONFIG_ERROR_MAX, "no memory");
		return NULL;
	}
	p->tunnel = (enum config_tunnel)c->forward_tunnel;
	if (add_rules(&p->intercept, &c->forward_intercept, "forward.intercept",
	    0, err) &&
	    add_rules(&p->tunnel_to, &c->forward_tunnel_to, "forward.tunnel_to",
	    RULE_MAY_NETWORK | RULE_MAY_PORT, err) &&
	    add_rules(&p->no_via, &c->upstream_no_via, "upstream.no_via",
	    RULE_MAY_NETWORK, err) &&
	    add_all_resolved(p, c, err) && add_ports(p, c, err) &&
	    add_allowed(p, c, err))
		return p;
	policy_free(p);
	return NULL;
}

void
policy_free(struct policy *p)
{
	free(p);
}

bool
policy_admits(const struct policy *p, const struct sockaddr *client)
{
	for (size_t i = 0; i < p->n_allow; i++)
		if (network_has(&p->allow[i], client))
			return true;
	return p->n_allow == 0;
}

bool
policy_has_allow(const struct policy *p)
{
	return p->n_allow > 0;
}

static bool
any_has(const struct rules *rules, const struct target *t)
{
	for (size_t i = 0; i < rules->n; i++)
		if (rule_has(&rules->rule[i], t))
			return true;
	return false;
}

bool
policy_intercepts(const struct policy *p, const char *host)
{
	struct target t;

	target_init(&t, host);
	return any_has(&p->intercept, &t);
}

/* RFC 6761 6.3: names that no resolver may send elsewhere. */
static bool
is_loopback(const struct target *t)
{
	static const struct rule names[] = {
		{ .kind = RULE_HOST, .host = "localhost" },
		{ .kind = RULE_SUFFIX, .host = ".localhost" },
	};

	if (t->is_address)
		return address_is_loopback((const struct sockaddr *)&t->sa);
	return rule_has(&names[0], t) || rule_has(&names[1], t);
}

bool
policy_skips_via(const struct policy *p, const char *host)
{
	struct target t;

	target_init(&t, host);
	return is_loopback(&t) || any_has(&p->no_via, &t);
}

/* Does forward.tunnel_to name t?  With its port said, or with none. */
static bool
is_named(const struct policy *p, const struct target *t, unsigned port)
{
	for (size_t i = 0; i < p->tunnel_to.n; i++) {
		const struct rule *r = &p->tunnel_to.rule[i];

		if ((r->port == 0 || r->port == port) && rule_has(r, t))
			return true;
	}
	return false;
}

/* The address, and no other, that upstream.resolve gives to t. */
static bool
is_resolved_to(const struct policy *p, const struct target *t,
    const struct sockaddr *sa)
{
	for (size_t i = 0; i < p->resolve.n; i++)
		if (rule_has(&p->resolve.rule[i], t) &&
		    network_has(&p->resolved[i], sa))
			return true;
	return false;
}

static bool
is_port_open(const struct policy *p, const struct target *t, unsigned port)
{
	for (size_t i = 0; i < p->n_ports; i++)
		if (p->port[i] == port)
			return true;
	for (size_t i = 0; i < p->tunnel_to.n; i++) {
		const struct rule *r = &p->tunnel_to.rule[i];

		if (r->port == port && rule_has(r, t))
			return true;
	}
	return false;
}

/* "127.1", "0x7f.0.0.1", "2130706433": no address by RFC 3986 3.2.2, but the C
 * library's inet_aton, and so perhaps the other proxy, thinks otherwise.  No
 * top-level domain begins with a digit. */
static bool
is_odd_address(const struct target *t)
{
	const char *dot = strrchr(t->host, '.');
	const char *last = dot ? dot + 1 : t->host;
	struct name n;

	return !t->is_address && last[0] >= '0' && last[0] <= '9' &&
	    name_host(&n, t->host) != 0;
}

enum tunnel_verdict
policy_tunnel(const struct policy *p, const struct origin *o)
{
	struct target t;
	bool is_resolved;

	target_init(&t, o->host);
	is_resolved = any_has(&p->resolve, &t);
	if (p->tunnel == TUNNEL_NONE)
		return TUNNEL_OFF;
	if (p->tunnel == TUNNEL_LISTED && !is_resolved &&
	    !is_named(p, &t, o->port))
		return TUNNEL_UNLISTED;
	if (o->port == 0 || !is_port_open(p, &t, o->port))
		return TUNNEL_PORT;
	if (is_resolved)
		return TUNNEL_YES;
	if (is_odd_address(&t) || (t.is_address &&
	    !policy_reaches(p, o, (const struct sockaddr *)&t.sa)))
		return TUNNEL_ADDRESS;
	return TUNNEL_YES;
}

bool
policy_reaches(const struct policy *p, const struct origin *o,
    const struct sockaddr *sa)
{
	struct target t;

	if (address_is_public(sa))
		return true;
	target_init(&t, o->host);
	if (is_named(p, &t, o->port) || is_resolved_to(p, &t, sa))
		return true;
	for (size_t i = 0; i < p->tunnel_to.n; i++) {
		const struct rule *r = &p->tunnel_to.rule[i];

		if (r->kind == RULE_NETWORK &&
		    (r->port == 0 || r->port == o->port) &&
		    network_has(&r->network, sa))
			return true;
	}
	return false;
}
