#include "tools/doctor_routes.h"

#include <stdio.h>
#include <string.h>

static const char ingest_body[] = "{\"data\":[]}";

static const struct route all_routes[] = {
	{ "connect", DOOR_CONNECT, ASK_MODELS, .mode = MODE_FORWARD },
	{ "ingest", DOOR_CONNECT, ASK_INGEST, .mode = MODE_FORWARD },
	{ "base-url", DOOR_PLAIN, ASK_MODELS, .mode = MODE_REVERSE },
	{ "tls-listener", DOOR_TLS, ASK_MODELS, .mode = MODE_REDIRECTED },
};

enum { N_ROUTES = sizeof(all_routes) / sizeof(all_routes[0]) };

/* One flight's texts. */
struct flight {
	struct bytes connect;
	struct bytes request;
};

static bool
wants_password(const struct doctor *d)
{
	return slice_eq(d->running.status.auth, SLICE("file"));
}

/* The same for all of one examination, so that one can be told from another. */
static bool
make_paths(struct route *routes)
{
	uint8_t nonce[ROUTE_NONCE_BYTES];
	char hex[2 * ROUTE_NONCE_BYTES + 1];
	struct mbed_rng rng;
	int rc = mbed_rng_init(&rng, "tracetape canary");

	if (rc == 0)
		rc = mbed_rng_fill(&rng, nonce, sizeof(nonce));
	mbed_rng_fini(&rng);
	for (size_t i = 0; i < sizeof(nonce); i++)
		snprintf(hex + 2 * i, 3, "%02x", rc ? 0 : nonce[i]);
	for (size_t i = 0; i < N_ROUTES; i++)
		snprintf(routes[i].path, sizeof(routes[i].path),
		    "%s?tracetape_canary=%s-%zu", routes[i].ask == ASK_INGEST ?
		    "/v1/traces/ingest" : "/v1/models", hex, i);
	return rc == 0;
}

static void
put_request(struct bytes *out, const struct route *r, const char *host)
{
	bytes_printf(out, "%s %s HTTP/1.1\r\nHost: %s\r\n"
	    "User-Agent: tracetape-doctor\r\nAccept: application/json\r\n"
	    "Connection: close\r\n", r->ask == ASK_INGEST ? "POST" : "GET",
	    r->path, host);
	if (r->ask == ASK_INGEST)
		bytes_printf(out, "Content-Type: application/json\r\n"
		    "OpenAI-Beta: traces=v1\r\nContent-Length: %zu\r\n\r\n%s",
		    strlen(ingest_body), ingest_body);
	else
		bytes_puts(out, "\r\n");
}

/* Where nobody needs a password the name is a label: the tape tells canaries apart. */
static void
put_connect(struct bytes *out, const struct doctor *d)
{
	struct via v = { .auth = "ZG9jdG9yOng=" };	/* doctor:x */
	struct origin o = { .port = 443, .is_tls = true };

	if (wants_password(d))
		memcpy(v.auth, d->proxy.auth, sizeof(v.auth));
	snprintf(o.host, sizeof(o.host), "%s", d->host);
	via_request(out, &v, &o);
	explicit_bzero(&v, sizeof(v));
}

static void
fly(struct doctor *d, struct route *r, mbedtls_x509_crt *roots)
{
	const bool is_plain = r->door == DOOR_PLAIN;
	struct canary_plan plan = {
		.address = r->door == DOOR_TLS ? d->running.tls : d->running.http,
		.sni = is_plain ? NULL : d->host,
		.roots = roots,
		.method = r->ask == ASK_INGEST ? SLICE("POST") : SLICE("GET"),
		.timeout_ms = d->timeout_ms,
	};
	struct flight t = { 0 };

	put_request(&t.request, r, is_plain ? d->running.http : d->host);
	if (r->door == DOOR_CONNECT) {
		put_connect(&t.connect, d);
		plan.connect = bytes_slice(&t.connect);
	}
	plan.request = bytes_slice(&t.request);
	if (t.request.failed || t.connect.failed)
		r->canary = (struct canary){ .end = CANARY_TROUBLE,
		    .why = "no memory" };
	else
		canary_fly(&r->canary, &plan);
	if (t.connect.p)
		explicit_bzero(t.connect.p, t.connect.len);
	bytes_fini(&t.connect);
	bytes_fini(&t.request);
	r->is_recorded = r->canary.end == CANARY_ANSWERED ||
	    (r->canary.end == CANARY_OWN_ERROR &&
	    strcmp(r->canary.code, "password_needed") != 0);
}

static void
judge_answer(struct finding *f, const struct doctor *d, const struct route *r)
{
	const struct canary *c = &r->canary;
	const char *target = r->ask == ASK_INGEST ? "POST /v1/traces/ingest" :
	    "GET /v1/models";
	const bool is_local = slice_eq(d->running.status.traces, SLICE("local"));
	char in[ORIGIN_HOST_MAX + 64];

	if (r->door == DOOR_PLAIN)
		snprintf(in, sizeof(in), "http://%s", d->running.http);
	else
		snprintf(in, sizeof(in), "%s %s, certificate by our CA",
		    r->door == DOOR_CONNECT ? "CONNECT" : "SNI", d->host);
	finding_set(f, VERDICT_OK, "%s; %s answered %d in %lld ms%s", in, target,
	    c->status, (long long)c->ms, r->ask == ASK_INGEST && is_local ?
	    ", by the proxy itself" : "");
	if (r->ask != ASK_INGEST)
		return;
	if (is_local && c->status != 204) {
		f->verdict = VERDICT_FAIL;
		finding_remedy(f, "proxy.traces = local should have answered 204: "
		    "see the proxy's log");
	} else if (c->status == 404 || c->status == 405) {
		f->verdict = VERDICT_WARN;
		finding_remedy(f, "this upstream takes no traces: unset them with "
		    "OPENAI_AGENTS_DISABLE_TRACING=1, or keep them here with --set "
		    "proxy.traces=local");
	}
}

/* The certificate that was shown is not of the CA that d knows. */
static void
judge_stranger(struct finding *f, const struct doctor *d, const struct route *r)
{
	if (r->door == DOOR_TLS && !strstr(r->canary.why, "tracetape CA (")) {
		finding_set(f, VERDICT_WARN, "%s: not by our CA, so tls.cert_file "
		    "is in use, and clients redirected here by name will refuse it",
		    r->canary.why);
		finding_remedy(f, "leave tls.cert_file and tls.key_file out, unless "
		    "the listener is only for base URLs");
		return;
	}
	finding_set(f, VERDICT_FAIL, "%s, which is not the CA on disk (%s)",
	    r->canary.why, d->ca_dir ? d->ca_dir : d->running.status.ca_dir.p);
	finding_remedy(f, "the CA was made anew after the proxy had started, or it "
	    "is another one: start the proxy again%s", d->ca_dir ? ", or leave "
	    "--ca-dir out" : "");
}

static void
judge(struct finding *f, const struct doctor *d, const struct route *r)
{
	const struct canary *c = &r->canary;

	finding_set(f, VERDICT_FAIL, "%s", c->why);
	switch (c->end) {
	case CANARY_ANSWERED:
		judge_answer(f, d, r);
		break;
	case CANARY_OWN_ERROR:
		finding_set(f, strcmp(c->code, "password_needed") == 0 ?
		    VERDICT_SKIP : VERDICT_FAIL, "%s: %s", c->code, c->why);
		doctor_remedy(f, c->code);
		break;
	case CANARY_NO_TUNNEL:
		finding_set(f, VERDICT_FAIL, "CONNECT %s was refused with %d: %s",
		    d->host, c->status, c->why);
		doctor_remedy(f, c->code);
		break;
	case CANARY_NO_LISTENER:
		finding_remedy(f, "the proxy says that it listens there: is it in "
		    "another container, or behind a firewall of this machine?");
		break;
	case CANARY_UNTRUSTED:
		judge_stranger(f, d, r);
		break;
	case CANARY_CERTIFICATE:
		finding_remedy(f, "look at this machine's clock, then start the "
		    "proxy again: it makes new ones");
		break;
	case CANARY_TIMEOUT:
		finding_remedy(f, "see the proxy's log for what it waits for; "
		    "--timeout S waits longer than %lld s",
		    (long long)((d->timeout_ms + 999) / 1000));
		break;
	case CANARY_BROKEN:
		finding_remedy(f, "see the proxy's log; forward.allow, where it is "
		    "set, must list this machine, too");
		break;
	case CANARY_TROUBLE:
		finding_remedy(f, "see to memory and file descriptors here");
		break;
	}
}

/* NULL, or why a route cannot be tried; *remedy may stay NULL. */
static const char *
obstacle(const struct doctor *d, const struct route *r, const char **remedy)
{
	*remedy = NULL;
	if (!(r->door == DOOR_TLS ? d->running.tls : d->running.http)[0]) {
		return r->door == DOOR_TLS ? "the proxy has no TLS listener, which "
		    "only clients need that are redirected here by name" :
		    "the proxy has no plain listener (--listen 127.0.0.1:8787)";
	}
	if (r->door == DOOR_PLAIN)
		return NULL;
	if (!d->host[0])
		return "forward.intercept names no single host";
	if (!d->ca)
		return "without a CA there is nothing to verify (see ca)";
	if (r->door == DOOR_CONNECT && wants_password(d) && !d->proxy.auth[0]) {
		*remedy = "export HTTPS_PROXY=http://NAME:PASSWORD@ADDRESS:PORT of "
		    "this proxy, and run doctor again";
		return "the proxy wants a password (forward.auth_file)";
	}
	return NULL;
}

static void
try(struct doctor *d, struct route *r, mbedtls_x509_crt *roots)
{
	struct finding f = { .check = r->check };
	const char *remedy, *why = obstacle(d, r, &remedy);

	if (why) {
		finding_set(&f, VERDICT_SKIP, "%s", why);
		finding_remedy(&f, "%s", remedy ? remedy : "");
	} else {
		fly(d, r, roots);
		judge(&f, d, r);
	}
	report_put(d->report, &f);
}

void
doctor_routes(struct doctor *d)
{
	struct route routes[N_ROUTES];
	mbedtls_x509_crt roots;

	memcpy(routes, all_routes, sizeof(routes));
	mbedtls_x509_crt_init(&roots);
	d->seen_seq = running_newest(d->store);
	if (!make_paths(routes) || (d->ca &&
	    mbed_crt_add(&roots, ca_der(d->ca).p, ca_der(d->ca).len) != 0)) {
		struct finding f = { .check = "connect" };

		finding_set(&f, VERDICT_FAIL, "mbedTLS has no random numbers, or "
		    "cannot read our CA");
		report_put(d->report, &f);
	} else {
		for (size_t i = 0; i < N_ROUTES; i++)
			try(d, &routes[i], &roots);
		routes_check_records(d, routes, N_ROUTES);
	}
	mbedtls_x509_crt_free(&roots);
}
