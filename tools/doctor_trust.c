#include "tools/doctor.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "certs/error.h"
#include "certs/pemfile.h"
#include "certs/roots.h"

enum { ROOTS_MAX = 16 * 1024 * 1024 };	/* bytes */

static const struct variable {
	const char *name;
	const char *who;		/* heeds it */
	enum { ADDS, REPLACES } how;	/* its clients' roots */
	enum { FOR_ALL, FOR_NODE, FOR_SOME } need;
} variables[] = {
	{ "NODE_EXTRA_CA_CERTS", "Node", ADDS, FOR_NODE },
	{ "SSL_CERT_FILE", "Python's httpx and openai", REPLACES, FOR_ALL },
	{ "REQUESTS_CA_BUNDLE", "Python's requests", REPLACES, FOR_SOME },
	{ "CURL_CA_BUNDLE", "curl", REPLACES, FOR_SOME },
	{ "GIT_SSL_CAINFO", "git", REPLACES, FOR_SOME },
	{ "CODEX_CA_CERTIFICATE", "codex", ADDS, FOR_SOME },
};

enum { N_VARIABLES = sizeof(variables) / sizeof(variables[0]) };

/* What is in a file of certificates. */
struct contents {
	int rc;				/* could not be read: certs_strerror */
	size_t n;			/* certificates */
	bool has_ours;
	char old[64];			/* another CA of tracetape's, "": none */
};

/* Earlier CAs are not listed anywhere: the name tells. */
static void
note_old(struct contents *c, const uint8_t *der, size_t len)
{
	static const char name[] = "tracetape CA (";
	struct cert_view v;
	char day[sizeof("2026-11-21")] = "";
	uint8_t sum[MBED_SHA256];
	struct tm tm;

	if (cert_read(&v, der, len) != 0 || mbed_sha256(der, len, sum) != 0 ||
	    !memmem(v.subject.p, v.subject.len, name, sizeof(name) - 1))
		return;
	strftime(day, sizeof(day), "%Y-%m-%d", gmtime_r(&v.not_before, &tm));
	snprintf(c->old, sizeof(c->old), "%02X:%02X:%02X:%02X, made %s", sum[0],
	    sum[1], sum[2], sum[3], day);
}

static void
note(struct contents *c, const struct ca *ca, const mbedtls_pem_context *block)
{
	size_t len;
	const uint8_t *der = mbed_pem_data(block, &len);
	struct slice ours = ca_der(ca);

	c->n++;
	if (len == ours.len && memcmp(der, ours.p, len) == 0)
		c->has_ours = true;
	else
		note_old(c, der, len);
}

static void
look_into(struct contents *c, const struct ca *ca, const char *file)
{
	static const char begins[] = "-----BEGIN CERTIFICATE-----";
	struct bytes pem = { 0 };
	const char *at;

	memset(c, 0, sizeof(*c));
	c->rc = pemfile_read(&pem, AT_FDCWD, file, ROOTS_MAX, NULL);
	at = c->rc ? NULL : strstr((const char *)pem.p, begins);
	while (at) {
		mbedtls_pem_context block;
		size_t used = 0;

		mbedtls_pem_init(&block);
		if (mbedtls_pem_read_buffer(&block, begins,
		    "-----END CERTIFICATE-----", (const unsigned char *)at, NULL,
		    0, &used) == 0)
			note(c, ca, &block);
		mbedtls_pem_free(&block);
		at = strstr(at + (used > 0 ? used : sizeof(begins)), begins);
	}
	bytes_fini(&pem);
}

const char *
doctor_trusting_variable(const struct doctor *d)
{
	struct contents c;

	for (size_t i = 0; d->ca && i < N_VARIABLES; i++) {
		const char *file = getenv(variables[i].name);

		if (!file || !*file)
			continue;
		look_into(&c, d->ca, file);
		if (c.has_ours)
			return variables[i].name;
	}
	return NULL;
}

/* Somebody else's roots, in an environment that does not lead to us. */
static bool
is_no_matter(const struct contents *c)
{
	return c->rc == 0 && c->n > 0 && !c->has_ours && !c->old[0];
}

static void
judge_set(struct finding *f, const struct variable *v, const char *file,
    const struct contents *c)
{
	if (c->rc)
		finding_set(f, VERDICT_FAIL, "%s=%s: %s", v->name, file,
		    certs_strerror(c->rc));
	else if (c->n == 0)
		finding_set(f, VERDICT_FAIL, "%s=%s holds no certificate in PEM",
		    v->name, file);
	else if (!c->has_ours && c->old[0])
		finding_set(f, VERDICT_FAIL, "%s=%s holds another CA of "
		    "tracetape (%s): an earlier one, or another store's", v->name,
		    file, c->old);
	else if (!c->has_ours)
		finding_set(f, VERDICT_FAIL, "%s=%s does not hold our CA: %s will refuse "
		    "the proxy's certificates", v->name, file, v->who);
	else if (c->n == 1 && v->how == REPLACES)
		finding_set(f, VERDICT_WARN, "%s=%s holds our CA alone: %s will "
		    "trust no other host", v->name, file, v->who);
	else
		finding_set(f, VERDICT_OK, "%s holds our CA", v->name);
}

static void
put_remedy(struct finding *f, const struct doctor *d)
{
	finding_remedy(f, "eval \"$(tracetape env%s)\"", d->same_store);
}

static bool
node_trusts_system(void)
{
	const char *use = getenv("NODE_USE_SYSTEM_CA");
	const char *options = getenv("NODE_OPTIONS");

	return (use && strcmp(use, "1") == 0) || (options &&
	    (strstr(options, "--use-system-ca") ||
	    strstr(options, "--use-openssl-ca")));
}

/* What a missing variable means when calls go through the proxy. */
static enum verdict
verdict_on_missing(const struct variable *v, bool has_node, bool is_in_system)
{
	if (v->need == FOR_SOME)
		return is_in_system ? VERDICT_OK : VERDICT_WARN;
	if (v->need == FOR_NODE)
		return !has_node || (is_in_system && node_trusts_system()) ?
		    VERDICT_OK : VERDICT_FAIL;
	return is_in_system ? VERDICT_OK : VERDICT_FAIL;
}

/* SSL_CERT_FILE is not what the system has. */
static bool
check_system(struct doctor *d)
{
	struct finding f = { .check = "system-trust" };
	const char *bad, *old = getenv("SSL_CERT_FILE");
	char *kept = old ? strdup(old) : NULL;
	struct roots *roots = NULL;
	const char *file = NULL;
	struct contents c = { 0 };

	unsetenv("SSL_CERT_FILE");
	if (roots_load(&roots, NULL, &bad) == 0)
		file = roots_system_file(roots);
	if (file)
		look_into(&c, d->ca, file);
	finding_set(&f, VERDICT_INFO, file ? "%s %s our CA%s%s" :
	    "no trust store of the system's was found", file, c.has_ours ?
	    "holds" : "does not hold", c.old[0] ? ", but another one of "
	    "tracetape's, " : "", c.old);
	if (c.old[0])
		finding_remedy(&f, "tracetape ca install%s --system",
		    d->same_store);
	report_put(d->report, &f);
	roots_free(roots);
	if (kept)
		setenv("SSL_CERT_FILE", kept, 1);
	free(kept);
	return c.has_ours;
}

void
doctor_trust(struct doctor *d, bool wants_proxy, bool has_node)
{
	bool is_in_system;

	if (!d->ca)
		return;
	is_in_system = check_system(d);
	for (size_t i = 0; i < N_VARIABLES; i++) {
		const struct variable *v = &variables[i];
		const char *file = getenv(v->name);
		struct finding f = { .check = "trust" };
		struct contents c;

		if (file && *file) {
			look_into(&c, d->ca, file);
			if (!wants_proxy && is_no_matter(&c))
				continue;
			judge_set(&f, v, file, &c);
		} else if (wants_proxy) {
			finding_set(&f, verdict_on_missing(v, has_node,
			    is_in_system), "%s is not set: %s does without", v->name,
			    v->who);
			if (f.verdict > VERDICT_OK)
				finding_set(&f, f.verdict, "%s is not set: %s will "
				    "refuse the proxy's certificates", v->name,
				    v->who);
		} else {
			continue;
		}
		if (f.verdict > VERDICT_OK)
			put_remedy(&f, d);
		report_put(d->report, &f);
	}
}
