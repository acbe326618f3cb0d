#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "certs/ca.h"
#include "certs/error.h"
#include "certs/roots.h"
#include "tests/unit/scratch.h"

/* A certificate, its length right and its content nothing. */
static const char rubbish[] = "-----BEGIN CERTIFICATE-----\nMAMCAQE=\n"
    "-----END CERTIFICATE-----\n";

static int
set_up(void **state)
{
	unsetenv("SSL_CERT_FILE");
	return scratch_new(state);
}

/* Appends a self-signed certificate to file, and keeps it in name.der. */
static void
add_root(const char *name, const char *file)
{
	assert_int_equal(scratch_sh("openssl req -x509 -newkey ec -pkeyopt "
	    "ec_paramgen_curve:P-256 -nodes -keyout k -subj /CN=%s -days 9 -out "
	    "%s.pem && cat %s.pem >>%s && openssl x509 -in %s.pem -outform der "
	    "-out %s.der", name, name, name, file, name, name), 0);
}

static void
expect(const char *extra, size_t n, size_t n_unusable)
{
	const char *bad;
	struct roots *r;

	assert_int_equal(roots_load(&r, extra, &bad), 0);
	assert_null(bad);
	assert_int_equal(roots_n(r), n);
	assert_int_equal(roots_n_unusable(r), n_unusable);
	assert_true(roots_chain(r)->raw.p != NULL);
	roots_free(r);
}

static void
expect_failure(const char *extra, int want, const char *want_bad)
{
	const char *bad;
	struct roots *r;

	assert_int_equal(roots_load(&r, extra, &bad), want);
	assert_null(r);
	assert_string_equal(bad, want_bad);
}

static void
the_systems_roots_are_found(void **state)
{
	const char *bad;
	struct roots *r;
	int rc = roots_load(&r, NULL, &bad);

	if (rc == CERTS_NO_ROOTS)
		skip();
	assert_int_equal(rc, 0);
	assert_non_null(roots_system_file(r));
	assert_true(roots_n(r) > 50);
	roots_free(r);
	roots_free(NULL);
}

static void
the_environment_names_another_file(void **state)
{
	if (!scratch_has("openssl"))
		skip();
	add_root("a", "system");
	add_root("b", "system");
	setenv("SSL_CERT_FILE", "system", 1);
	expect(NULL, 2, 0);
	setenv("SSL_CERT_FILE", "nowhere", 1);
	expect_failure(NULL, ENOENT, "nowhere");
	setenv("SSL_CERT_FILE", ".", 1);
	expect_failure(NULL, EISDIR, ".");
}

static void
an_empty_variable_is_none(void **state)
{
	struct roots *with, *without;
	const char *bad;
	int rc = roots_load(&without, NULL, &bad);

	setenv("SSL_CERT_FILE", "", 1);
	assert_int_equal(roots_load(&with, NULL, &bad), rc);
	if (rc == 0) {
		assert_string_equal(roots_system_file(with),
		    roots_system_file(without));
		roots_free(with);
		roots_free(without);
	}
}

static void
the_operators_file_comes_on_top_as_pem_or_der(void **state)
{
	if (!scratch_has("openssl"))
		skip();
	add_root("a", "system");
	add_root("b", "extra");
	add_root("c", "extra");
	setenv("SSL_CERT_FILE", "system", 1);
	expect("extra", 3, 0);
	expect("b.der", 2, 0);
	assert_int_equal(scratch_sh("openssl x509 -text -in b.pem >text"), 0);
	expect("text", 2, 0);
}

static void
what_mbedtls_cannot_use_is_counted_in_the_systems_file(void **state)
{
	static const char *const permit[] = { "localhost" };
	struct ca *ca;

	if (!scratch_has("openssl"))
		skip();
	add_root("a", "system");
	scratch_put("rubbish", rubbish, strlen(rubbish));
	assert_int_equal(scratch_sh("cat rubbish >>system"), 0);
	add_root("b", "system");
	setenv("SSL_CERT_FILE", "system", 1);
	expect(NULL, 2, 1);
	/* As it is when our own CA is in there. */
	assert_int_equal(ca_open(&ca, "ca", permit, 1), 0);
	ca_unref(ca);
	assert_int_equal(scratch_sh("cat ca/ca.pem >>system"), 0);
	expect(NULL, 2, 2);
}

static void
what_mbedtls_cannot_use_is_an_error_in_the_operators(void **state)
{
	if (!scratch_has("openssl"))
		skip();
	add_root("a", "system");
	add_root("b", "part");
	setenv("SSL_CERT_FILE", "system", 1);
	scratch_put("rubbish", rubbish, strlen(rubbish));
	assert_int_equal(scratch_sh("cat rubbish >>part"), 0);
	expect_failure("part", CERTS_ROOTS_BAD, "part");
	expect_failure("rubbish", CERTS_ROOTS_BAD, "rubbish");
	expect_failure("k", CERTS_ROOTS_BAD, "k");
	expect_failure("nowhere", ENOENT, "nowhere");
	scratch_put("empty", "", 0);
	expect_failure("empty", CERTS_ROOTS_BAD, "empty");
	assert_int_equal(scratch_sh("head -c 200 a.der >cut"), 0);
	expect_failure("cut", CERTS_ROOTS_BAD, "cut");
	setenv("SSL_CERT_FILE", "rubbish", 1);
	expect_failure("a.pem", CERTS_ROOTS_BAD, "rubbish");
}

static void
a_file_without_end_is_refused(void **state)
{
	scratch_put("huge", "", 0);
	assert_int_equal(truncate("huge", 17 * 1024 * 1024), 0);
	expect_failure("huge", CERTS_FILE_LARGE, "huge");
	expect_failure("/dev/zero", EINVAL, "/dev/zero");
}

static void
every_code_has_words(void **state)
{
	for (int rc = CERTS_ROOTS_BAD; rc <= CERTS_NO_CA; rc++) {
		assert_string_not_equal(certs_strerror(rc), "unknown error");
		for (int other = rc + 1; other <= CERTS_NO_CA; other++)
			assert_string_not_equal(certs_strerror(rc),
			    certs_strerror(other));
	}
	assert_string_equal(certs_strerror(0), "success");
	assert_string_equal(certs_strerror(ENOENT), strerror(ENOENT));
	assert_string_not_equal(certs_strerror(MBEDTLS_ERR_PK_ALLOC_FAILED),
	    "unknown error");
	assert_string_equal(certs_strerror(CERTS_ROOTS_BAD - 1), "unknown error");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, scratch_free)

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(the_systems_roots_are_found),
		TEST(the_environment_names_another_file),
		TEST(an_empty_variable_is_none),
		TEST(the_operators_file_comes_on_top_as_pem_or_der),
		TEST(what_mbedtls_cannot_use_is_counted_in_the_systems_file),
		TEST(what_mbedtls_cannot_use_is_an_error_in_the_operators),
		TEST(a_file_without_end_is_refused),
		TEST(every_code_has_words),
	};

	if (mbed_start() != 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
