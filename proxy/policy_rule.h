/* policy_rule.h - one item of a list of hosts, and the host that it is asked about. */
#ifndef TRACETAPE_PROXY_POLICY_RULE_H
#define TRACETAPE_PROXY_POLICY_RULE_H

#include <stdbool.h>
#include <stddef.h>

#include "proxy/network.h"
#include "proxy/origin.h"

enum { RULE_WHY_MAX = NETWORK_WHY_MAX };

struct rule {
	enum { RULE_HOST, RULE_SUFFIX, RULE_NETWORK } kind;
	char host[ORIGIN_HOST_MAX];	/* lower case; of *.suffix: ".suffix" */
	struct network network;		/* also a single address */
	unsigned port;			/* 0: none is said */
};

/* What a list may hold besides host, *.suffix and address. */
enum { RULE_MAY_NETWORK = 1, RULE_MAY_PORT = 2 };

/* "a.b", "*.b", "10.0.0.0/8", "::1"; with a port "a.b:1", "10.0.0.0/8:1",
 * "[fd00::/8]:1".  False: why (RULE_WHY_MAX bytes) says what to give. */
bool rule_parse(struct rule *r, const char *item, unsigned may, char *why);

struct target {
	char host[ORIGIN_HOST_MAX];	/* lower case, bare; "": too long */
	bool is_address;
	struct sockaddr_storage sa;	/* then */
};

void target_init(struct target *t, const char *host);

/* The port apart. */
bool rule_has(const struct rule *r, const struct target *t);

#endif
