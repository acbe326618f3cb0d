/* doctor_routes.h - the canaries of one examination: what was sent through which door,
 * what came back, and what the store has of it.
 */
#ifndef TRACETAPE_TOOLS_DOCTOR_ROUTES_H
#define TRACETAPE_TOOLS_DOCTOR_ROUTES_H

#include "store/exchange.h"
#include "tools/canary.h"
#include "tools/doctor.h"

enum { ROUTE_PATH_MAX = 96, ROUTE_NONCE_BYTES = 16 };

/* What the store has of one; missing numbers are -1. */
struct route_record {
	uint64_t seq;			/* 0: it is not there */
	enum mode mode;
	enum outcome outcome;
	uint32_t flags;
	char scheme[8];
	char host[ORIGIN_AUTHORITY_MAX];
	char tls[16];			/* of the upstream; "": none */
	struct timing timing;
};

struct route {
	const char *check;		/* as the report calls it */
	enum route_door { DOOR_CONNECT, DOOR_PLAIN, DOOR_TLS } door;
	enum route_ask { ASK_MODELS, ASK_INGEST } ask;
	enum mode mode;			/* that the record must have */
	bool is_recorded;		/* it was let in: the store must have it */
	char path[ROUTE_PATH_MAX];	/* with the nonce */
	struct canary canary;
	struct route_record record;
};

/* Waits until the store has all routes with is_recorded, and reports that, and what
 * the records say of the upstreams. */
void routes_check_records(struct doctor *d, struct route *routes, size_t n);

#endif
