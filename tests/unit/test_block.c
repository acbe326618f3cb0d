#include "tools/block.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "certs/ca.h"
#include "certs/error.h"
#include "tests/unit/scratch.h"
#include "tools/bundle.h"
#include "tools/cadir.h"

#define HOSTS "api.openai.com *.api.openai.com"

static const char *const names[] = {
	"HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "NO_PROXY",
	"no_proxy", "NODE_USE_ENV_PROXY", "NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE",
	"REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "GIT_SSL_CAINFO",
	"CODEX_CA_CERTIFICATE", "OPENAI_BASE_URL", BLOCK_PROXY, BLOCK_VIA,
	"ALL_PROXY",
};

enum { N_NAMES = sizeof(names) / sizeof(names[0]) };

static int
make_root(const char *name)
{
	return scratch_sh("openssl req -x509 -newkey ec -pkeyopt "
	    "ec_paramgen_curve:P-256 -nodes -days 9 -subj /CN=%s "
	    "-keyout %s.key -out %s.pem", name, name, name);
}

/* A directory of its own with a CA in it, the system's roots, and none of the
 * variables set. */
static int
setup(void **state)
{
	struct ca *ca;
	int rc = scratch_new(state);

	for (size_t i = 0; i < N_NAMES; i++)
		unsetenv(names[i]);
	if (rc || cadir_open(&ca, "the ca", NULL, 0) != 0)
		return -1;
	ca_unref(ca);
	setenv("SSL_CERT_FILE", "company.pem", 1);
	return make_root("company") + make_root("more");
}

static int
teardown(void **state)
{
	unsetenv("SSL_CERT_FILE");
	return scratch_free(state);
}

static struct block
make(const char *user, bool has_base_url)
{
	const struct block_wish w = {
		.address = "127.0.0.1:8787",
		.user = user,
		.ca_dir = "the ca",
		.intercept = SLICE(HOSTS),
		.has_base_url = has_base_url,
	};
	char err[BLOCK_ERROR_MAX];
	struct block b;

	if (!block_make(&b, &w, err))
		fail_msg("%s", err);
	return b;
}

static void
expect(const struct block *b, const char *name, const char *want)
{
	const char *got = block_get(b, name);

	if (!got || !want)
		assert_ptr_equal(got, want);
	else
		assert_string_equal(got, want);
}

/* dir/name of the scratch directory, lent. */
static const char *
in(const struct scratch *s, const char *name)
{
	static char path[160];

	snprintf(path, sizeof(path), "%s/%s", s->dir, name);
	return path;
}

static void
the_block_is_what_clients_need(void **state)
{
	struct block b = make("run-1:x", false);

	expect(&b, "HTTPS_PROXY", "http://run-1:x@127.0.0.1:8787");
	expect(&b, "https_proxy", "http://run-1:x@127.0.0.1:8787");
	expect(&b, "NO_PROXY", "127.0.0.1,localhost");
	expect(&b, "no_proxy", "127.0.0.1,localhost");
	expect(&b, "NODE_USE_ENV_PROXY", "1");
	expect(&b, "NODE_EXTRA_CA_CERTS", in(*state, "the ca/ca.pem"));
	for (size_t i = 8; i < 13; i++)
		expect(&b, names[i], in(*state, "the ca/bundle.pem"));
	expect(&b, "HTTP_PROXY", NULL);
	expect(&b, "http_proxy", NULL);
	expect(&b, "OPENAI_BASE_URL", NULL);
	expect(&b, BLOCK_PROXY, "127.0.0.1:8787");
	expect(&b, BLOCK_VIA, NULL);
	block_fini(&b);
}

static void
the_base_url_is_set_only_when_it_is_wished(void **state)
{
	struct block b = make(NULL, true);

	(void)state;
	expect(&b, "OPENAI_BASE_URL", "http://127.0.0.1:8787/v1");
	expect(&b, "HTTPS_PROXY", "http://127.0.0.1:8787");
	block_fini(&b);
}

static bool
has(const char *file, const struct bytes *part)
{
	struct bytes b = scratch_get(file);
	bool is = memmem(b.p, b.len, part->p, part->len) != NULL;

	bytes_fini(&b);
	return is;
}

static void
roots_that_were_named_stay_trusted(void **state)
{
	struct bytes our = scratch_get("the ca/ca.pem");
	struct bytes company = scratch_get("company.pem");
	struct bytes more = scratch_get("more.pem");
	const char *file;
	struct block b;

	(void)state;
	setenv("REQUESTS_CA_BUNDLE", "more.pem", 1);
	setenv("NODE_EXTRA_CA_CERTS", "more.pem", 1);
	b = make(NULL, false);
	file = block_get(&b, "SSL_CERT_FILE");
	assert_true(has(file, &our) && has(file, &company) && !has(file, &more));
	file = block_get(&b, "REQUESTS_CA_BUNDLE");
	assert_true(has(file, &our) && !has(file, &company) && has(file, &more));
	expect(&b, "NODE_EXTRA_CA_CERTS", file);
	assert_true(has("more.pem", &more) && !has("more.pem", &our));
	block_fini(&b);
	bytes_fini(&our);
	bytes_fini(&company);
	bytes_fini(&more);
}

static void
a_block_within_a_block_is_the_same(void **state)
{
	struct block outer, inner;

	(void)state;
	setenv("CURL_CA_BUNDLE", "company.pem", 1);
	setenv("NO_PROXY", "intern.example,*", 1);
	setenv("HTTPS_PROXY", "http://corp:3128", 1);
	outer = make("a:x", true);
	assert_true(block_set(&outer));
	inner = make("a:x", true);
	assert_int_equal(inner.n, outer.n);
	for (size_t i = 0; i < outer.n; i++)
		expect(&inner, outer.var[i].name, outer.var[i].value);
	expect(&inner, BLOCK_VIA, "http://corp:3128");
	expect(&inner, "NO_PROXY", "intern.example,127.0.0.1,localhost");
	block_fini(&inner);
	block_fini(&outer);
}

static void
the_way_out_outlives_blocks(void **state)
{
	static const struct { const char *proxy, *block, *before, *out; } cases[] = {
		{ "http://corp:1", NULL, NULL, "http://corp:1" },
		{ "http://a:x@127.0.0.1:1", "127.0.0.1:1", NULL, NULL },
		{ "http://a:x@127.0.0.1:1/", "127.0.0.1:1", "", NULL },
		{ "http://127.0.0.1:1", "127.0.0.1:1", "http://corp", "http://corp" },
		{ "http://127.0.0.1:12", "127.0.0.1:1", NULL, "http://127.0.0.1:12" },
		{ "http://127.0.0.1:1", "", NULL, "http://127.0.0.1:1" },
		{ "corp:1", "127.0.0.1:1", NULL, "corp:1" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		setenv("HTTPS_PROXY", cases[i].proxy, 1);
		setenv(BLOCK_PROXY, cases[i].block ? cases[i].block : "", 1);
		setenv(BLOCK_VIA, cases[i].before ? cases[i].before : "", 1);
		if (cases[i].out)
			assert_string_equal(block_way_out(), cases[i].out);
		else
			assert_null(block_way_out());
	}
	unsetenv("HTTPS_PROXY");
	assert_null(block_way_out());
	setenv("ALL_PROXY", "http://all", 1);
	assert_string_equal(block_way_out(), "http://all");
}

static void
files_that_cannot_be_read_are_replaced(void **state)
{
	struct block b;

	setenv("REQUESTS_CA_BUNDLE", "/no/such/file", 1);
	setenv("NODE_EXTRA_CA_CERTS", "", 1);
	setenv("GIT_SSL_CAINFO", "the ca", 1);
	b = make(NULL, false);
	expect(&b, "REQUESTS_CA_BUNDLE", in(*state, "the ca/bundle.pem"));
	expect(&b, "GIT_SSL_CAINFO", in(*state, "the ca/bundle.pem"));
	expect(&b, "NODE_EXTRA_CA_CERTS", in(*state, "the ca/ca.pem"));
	block_fini(&b);
}

static void
a_proxy_without_a_ca_changes_no_trust(void **state)
{
	const struct block_wish w = { .address = "[::1]:1" };
	char err[BLOCK_ERROR_MAX];
	struct block b;

	(void)state;
	assert_true(block_make(&b, &w, err));
	expect(&b, "HTTPS_PROXY", "http://[::1]:1");
	expect(&b, "SSL_CERT_FILE", NULL);
	expect(&b, "NODE_EXTRA_CA_CERTS", NULL);
	block_fini(&b);
}

static void
a_ca_that_is_not_there_is_an_error_with_its_directory(void **state)
{
	const struct block_wish w = { .address = "[::1]:1", .ca_dir = "none" };
	char err[BLOCK_ERROR_MAX];
	struct block b;

	(void)state;
	assert_false(block_make(&b, &w, err));
	assert_non_null(strstr(err, "CA in none: "));
	assert_int_equal(b.n, 0);
}

static void
no_proxy_keeps_what_does_not_go_past_us(void **state)
{
	static const struct { const char *theirs, *ours; } cases[] = {
		{ NULL, "127.0.0.1,localhost" },
		{ "", "127.0.0.1,localhost" },
		{ " , ,", "127.0.0.1,localhost" },
		{ "*", "127.0.0.1,localhost" },
		{ "*:443,*:8080", "*:8080,127.0.0.1,localhost" },
		{ "localhost", "localhost,127.0.0.1" },
		{ "LOCALHOST,127.0.0.1", "LOCALHOST,127.0.0.1" },
		{ "a.example, .b.example c.example",
		    "a.example,.b.example,c.example,127.0.0.1,localhost" },
		{ "api.openai.com", "127.0.0.1,localhost" },
		{ "API.OpenAI.com.", "127.0.0.1,localhost" },
		{ "api.openai.com:443", "127.0.0.1,localhost" },
		{ "api.openai.com:8443", "api.openai.com:8443,127.0.0.1,localhost" },
		{ "openai.com,.openai.com,*.openai.com,com,.com",
		    "127.0.0.1,localhost" },
		{ "us.api.openai.com,*.api.openai.com", "127.0.0.1,localhost" },
		{ "xapi.openai.com,nai.com,platform.openai.com",
		    "xapi.openai.com,nai.com,platform.openai.com,127.0.0.1,localhost" },
		{ "::1,[::1],fe80::/10,10.0.0.0/8",
		    "::1,[::1],fe80::/10,10.0.0.0/8,127.0.0.1,localhost" },
	};
	struct bytes b = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		bytes_clear(&b);
		block_put_no_proxy(&b, cases[i].theirs, SLICE(HOSTS));
		bytes_putc(&b, '\0');
		assert_string_equal((char *)b.p, cases[i].ours);
	}
	bytes_fini(&b);
}

static void
an_exact_host_does_not_take_those_below_it(void **state)
{
	struct bytes b = { 0 };

	(void)state;
	block_put_no_proxy(&b, "us.api.openai.com", SLICE("api.openai.com"));
	bytes_putc(&b, '\0');
	assert_string_equal((char *)b.p, "us.api.openai.com,127.0.0.1,localhost");
	bytes_fini(&b);
}

static void
a_label_fits_into_a_url(void **state)
{
	struct bytes b = { 0 };

	(void)state;
	block_put_user(&b, "run-1.a_~ /@%\xc3\xa9");
	bytes_putc(&b, '\0');
	assert_string_equal((char *)b.p, "run-1.a_~%20%2F%40%25%C3%A9:x");
	bytes_fini(&b);
}

#define BLOCK_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		BLOCK_TEST(the_block_is_what_clients_need),
		BLOCK_TEST(the_base_url_is_set_only_when_it_is_wished),
		BLOCK_TEST(roots_that_were_named_stay_trusted),
		BLOCK_TEST(a_block_within_a_block_is_the_same),
		BLOCK_TEST(the_way_out_outlives_blocks),
		BLOCK_TEST(files_that_cannot_be_read_are_replaced),
		BLOCK_TEST(a_proxy_without_a_ca_changes_no_trust),
		BLOCK_TEST(a_ca_that_is_not_there_is_an_error_with_its_directory),
		cmocka_unit_test(no_proxy_keeps_what_does_not_go_past_us),
		cmocka_unit_test(an_exact_host_does_not_take_those_below_it),
		cmocka_unit_test(a_label_fits_into_a_url),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
