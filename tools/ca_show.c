#include "tools/ca.h"

#include <string.h>

#include "certs/der.h"
#include "certs/oids.h"
#include "store/json.h"
#include "tools/bundle.h"
#include "tools/term.h"

enum {
	FINGERPRINT_ROOM = 32 * 3 + 1,
	TIME_ROOM = sizeof("2026-11-21T12:00:00Z"),
	PRINTABLE_STRING = 0x13,	/* X.680 8.4 */
};

static void
format_sha256(char text[FINGERPRINT_ROOM], const struct ca *ca)
{
	const uint8_t *sum = ca_sha256(ca);

	for (size_t i = 0; i < 32; i++)
		snprintf(text + 3 * i, 4, "%02X:", sum[i]);
	text[32 * 3 - 1] = '\0';	/* the last colon */
}

static void
format_time(char text[TIME_ROOM], time_t t)
{
	struct tm tm;

	gmtime_r(&t, &tm);
	strftime(text, TIME_ROOM, "%Y-%m-%dT%H:%M:%SZ", &tm);
}

/* The common name; a CA of the operator's own making may have none. */
static struct slice
common_name(const struct ca *ca)
{
	struct slice whole = ca_der(ca), none = SLICE("");
	struct cert_view v;
	struct der name, one, pair;

	if (cert_read(&v, whole.p, whole.len) != 0)
		return none;
	one = der_over(v.subject.p, v.subject.len);
	name = der_take(&one, DER_SEQUENCE);
	while (!der_is_at_end(&name)) {
		one = der_take(&name, DER_SET);
		pair = der_take(&one, DER_SEQUENCE);
		if (pair.failed)
			return none;
		if (!der_oid_is(&pair, OID_COMMON_NAME))
			continue;
		one = der_take(&pair, der_next_is(&pair, PRINTABLE_STRING) ?
		    PRINTABLE_STRING : DER_UTF8_STRING);
		return one.failed ? none : der_rest(&one);
	}
	return none;
}

static void
print_line(const char *what, struct slice value)
{
	struct bytes line = { 0 };

	term_put(&line, value);
	printf("%-12s %.*s\n", what, (int)line.len, (const char *)line.p);
	bytes_fini(&line);
}

static void
print_text_line(const char *what, const char *value)
{
	print_line(what, (struct slice){ value, strlen(value) });
}

void
ca_print_brief(const struct ca_order *o, const struct ca *ca)
{
	char sum[FINGERPRINT_ROOM];

	format_sha256(sum, ca);
	print_text_line("certificate", o->cert);
	print_text_line("sha256", sum);
}

static void
print_permitted(const struct ca *ca)
{
	struct bytes list = { 0 };
	char text[NAME_TEXT_MAX];

	for (size_t i = 0; i < ca_n_permitted(ca); i++) {
		const struct name *n = ca_permitted(ca, i);

		name_print(n, text);
		bytes_printf(&list, "%s%s%s", i ? ", " : "", text,
		    n->kind == NAME_DNS ? " and below" : "");
	}
	print_line("permitted", bytes_slice(&list));
	bytes_fini(&list);
}

static const char *
validity_remark(const struct ca *ca)
{
	time_t now = time(NULL);

	if (now > ca_not_after(ca))
		return " (expired: run `tracetape ca rotate`)";
	return now < ca_not_before(ca) ? " (not valid yet: is the clock right?)" :
	    "";
}

static int
show_text(const struct ca_order *o, const struct ca *ca)
{
	char from[TIME_ROOM], to[TIME_ROOM], sum[FINGERPRINT_ROOM];

	format_time(from, ca_not_before(ca));
	format_time(to, ca_not_after(ca));
	format_sha256(sum, ca);
	print_line("subject", common_name(ca));
	print_text_line("sha256", sum);
	printf("%-12s %s to %s%s\n", "valid", from, to, validity_remark(ca));
	print_permitted(ca);
	print_text_line("certificate", o->cert);
	print_text_line("key", o->key);
	if (bundle_is_current(ca, o->bundle))
		print_text_line("bundle", o->bundle);
	else
		print_text_line("bundle", "missing or out of date: "
		    "`tracetape ca bundle --write` makes it");
	return CA_DONE;
}

static void
put_member(struct bytes *out, const char *name, struct slice value)
{
	bytes_printf(out, "%s\"%s\":", out->p[out->len - 1] == '{' ? "" : ",",
	    name);
	json_put_string(out, value);
}

static void
put_text_member(struct bytes *out, const char *name, const char *value)
{
	put_member(out, name, (struct slice){ value, strlen(value) });
}

static void
put_permitted(struct bytes *out, const struct ca *ca)
{
	char text[NAME_TEXT_MAX];

	bytes_puts(out, ",\"permitted\":[");
	for (size_t i = 0; i < ca_n_permitted(ca); i++) {
		name_print(ca_permitted(ca, i), text);
		bytes_puts(out, i ? "," : "");
		json_put_string(out, (struct slice){ text, strlen(text) });
	}
	bytes_puts(out, "]");
}

static int
show_json(const struct ca_order *o, const struct ca *ca)
{
	char from[TIME_ROOM], to[TIME_ROOM], sum[FINGERPRINT_ROOM];
	struct bytes out = { 0 };
	bool failed;

	format_time(from, ca_not_before(ca));
	format_time(to, ca_not_after(ca));
	format_sha256(sum, ca);
	if (!bytes_reserve(&out, 1024))
		return ca_fail(CA_TROUBLE, "no memory");
	bytes_puts(&out, "{");
	put_member(&out, "subject", common_name(ca));
	put_text_member(&out, "sha256", sum);
	put_text_member(&out, "not_before", from);
	put_text_member(&out, "not_after", to);
	put_permitted(&out, ca);
	put_text_member(&out, "certificate", o->cert);
	put_text_member(&out, "key", o->key);
	put_text_member(&out, "bundle", o->bundle);
	bytes_printf(&out, ",\"bundle_is_current\":%s}\n",
	    bundle_is_current(ca, o->bundle) ? "true" : "false");
	failed = out.failed;
	if (!failed)
		fwrite(out.p, 1, out.len, stdout);
	bytes_fini(&out);
	return failed ? ca_fail(CA_TROUBLE, "no memory") : CA_DONE;
}

static int
show_pem(const struct ca_order *o, const struct ca *ca)
{
	struct slice pem = ca_pem(ca);

	fwrite(pem.p, 1, pem.len, stdout);
	return CA_DONE;
}

static const struct {
	const char *name;
	int (*show)(const struct ca_order *o, const struct ca *ca);
} formats[] = {
	{ "text", show_text },
	{ "pem", show_pem },
	{ "json", show_json },
};

int
ca_show(struct ca_order *o)
{
	const char *format = o->output ? o->output : "text";
	struct ca *ca;
	int rc;

	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		if (strcmp(formats[i].name, format) != 0)
			continue;
		if ((rc = ca_load(&ca, o->dir)) != 0)
			return ca_fail_rc(o, NULL, rc);
		rc = formats[i].show(o, ca);
		ca_unref(ca);
		return rc;
	}
	return ca_fail(CA_USAGE, "-o %s: not a format: text, pem or json",
	    format);
}
