#include "tools/doctor_routes.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "store/reader.h"
#include "tools/canary_wire.h"

enum { LOOK_MS = 20, WAIT_MS = 10000, SETTLE_MS = 3000 };

static void
take_text(char *to, size_t room, struct slice s)
{
	snprintf(to, room, "%.*s", (int)s.len, s.p ? s.p : "");
}

static void
take(struct route_record *r, const struct exchange *x)
{
	r->seq = x->seq;
	r->mode = x->mode;
	r->outcome = x->outcome;
	r->flags = x->flags;
	r->timing = x->timing;
	take_text(r->scheme, sizeof(r->scheme), x->scheme);
	take_text(r->host, sizeof(r->host), x->host);
	take_text(r->tls, sizeof(r->tls), x->tls_upstream);
}

/* Others' calls lie in between, and one that came earlier may be committed later:
 * all since the mark are looked at each time.  0, or a code. */
static int
look(struct reader *reader, uint64_t after, struct route *routes, size_t n)
{
	struct exchange x;
	int rc;

	for (x.seq = after; ; ) {
		rc = reader_next(reader, x.seq, &x);
		if (rc == READER_NONE)
			return 0;
		if (rc != 0 && rc != READER_CORRUPT)
			return rc;
		for (size_t i = 0; rc == 0 && i < n; i++)
			if (slice_eq(x.path, (struct slice){ routes[i].path,
			    strlen(routes[i].path) }))
				take(&routes[i].record, &x);
	}
}

static size_t
n_missing(const struct route *routes, size_t n, bool is_settled)
{
	size_t missing = 0;

	for (size_t i = 0; i < n; i++)
		missing += routes[i].is_recorded && (routes[i].record.seq == 0 ||
		    (is_settled &&
		    routes[i].record.outcome == OUTCOME_IN_FLIGHT));
	return missing;
}

/* Until all are there; and, for a while, until they have ended, which a canary that
 * left an endless answer may not have.  0, or a code. */
static int
await(const struct doctor *d, struct route *routes, size_t n, int64_t wait_ms)
{
	const struct timespec nap = { 0, LOOK_MS * 1000000L };
	int64_t began = wire_now_ns();
	struct reader *reader;
	int rc = reader_open(&reader, d->store);

	if (rc)
		return rc;
	while ((rc = look(reader, d->seen_seq, routes, n)) == 0) {
		int64_t ms = (wire_now_ns() - began) / 1000000;

		if (n_missing(routes, n, ms < SETTLE_MS) == 0 || ms >= wait_ms)
			break;
		nanosleep(&nap, NULL);
	}
	reader_close(reader);
	return rc;
}

/* Appends "connect, ingest". */
static void
put_names(char *to, size_t room, const struct route *routes, size_t n)
{
	size_t len = 0;

	to[0] = '\0';
	for (size_t i = 0; i < n && len < room; i++)
		if (routes[i].is_recorded && routes[i].record.seq == 0)
			len += (size_t)snprintf(to + len, room - len, "%s%s",
			    len ? ", " : "", routes[i].check);
}

static const struct route *
misplaced(const struct route *routes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (routes[i].record.seq > 0 &&
		    routes[i].record.mode != routes[i].mode)
			return &routes[i];
	return NULL;
}

static void
judge(struct finding *f, const struct route *routes, size_t n, int rc,
    int64_t wait_ms)
{
	const struct route *odd = misplaced(routes, n);
	size_t sent = 0;
	char names[128];

	for (size_t i = 0; i < n; i++)
		sent += routes[i].is_recorded;
	finding_set(f, VERDICT_OK, "%zu of %zu canaries are in the store, each as "
	    "it came (query tracetape_canary=...)", sent, sent);
	if (rc) {
		finding_set(f, VERDICT_FAIL, "the store: %s", reader_strerror(rc));
		finding_remedy(f, "`tracetape dump` must work first");
	} else if (sent == 0) {
		finding_set(f, VERDICT_SKIP, "no canary came through");
	} else if (n_missing(routes, n, false) > 0) {
		put_names(names, sizeof(names), routes, n);
		finding_set(f, VERDICT_FAIL, "not in the store after %lld ms: %s",
		    (long long)wait_ms, names);
		finding_remedy(f, "the recorder does not keep up, or the disk is "
		    "full: `df` of the store, and errors in the proxy's log");
	} else if (odd) {
		finding_set(f, VERDICT_FAIL, "%s was recorded as %s, not %s",
		    odd->check, mode_name(odd->record.mode),
		    mode_name(odd->mode));
		finding_remedy(f, "is there another tracetape in between? see "
		    "upstream.url and upstream.via");
	}
}

static void
judge_upstream(struct finding *f, const struct route *r)
{
	const struct route_record *x = &r->record;
	char times[96] = ", over a kept connection";

	if (r->canary.end == CANARY_OWN_ERROR) {
		finding_set(f, VERDICT_FAIL, "%s: %s", x->host, r->canary.code);
		doctor_remedy(f, r->canary.code);
		return;
	}
	if (x->timing.connect >= 0)
		snprintf(times, sizeof(times), ", connected in %lld ms, TLS in "
		    "%lld ms", (long long)x->timing.connect / 1000,
		    (long long)(x->timing.tls < 0 ? 0 : x->timing.tls) / 1000);
	if (x->tls[0])
		finding_set(f, VERDICT_OK, "%s: certificate verified, %s%s",
		    x->host, x->tls, times);
	else
		finding_set(f, VERDICT_INFO, "%s: plain http, nothing is verified",
		    x->host);
}

/* Once for each upstream: a base URL may lead to another one than CONNECT. */
static void
check_upstreams(struct doctor *d, const struct route *routes, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct route_record *x = &routes[i].record;
		struct finding f = { .check = "upstream" };
		bool is_known = routes[i].ask == ASK_INGEST || x->seq == 0;

		for (size_t j = 0; j < i && !is_known; j++)
			is_known = routes[j].record.seq > 0 &&
			    routes[j].ask != ASK_INGEST &&
			    strcmp(routes[j].record.host, x->host) == 0;
		if (is_known)
			continue;
		judge_upstream(&f, &routes[i]);
		report_put(d->report, &f);
	}
}

void
routes_check_records(struct doctor *d, struct route *routes, size_t n)
{
	const int64_t wait_ms = d->timeout_ms < WAIT_MS ? d->timeout_ms : WAIT_MS;
	struct finding f = { .check = "record" };
	int rc = 0;

	if (n_missing(routes, n, false) > 0)
		rc = await(d, routes, n, wait_ms);
	check_upstreams(d, routes, n);
	judge(&f, routes, n, rc, wait_ms);
	report_put(d->report, &f);
}
