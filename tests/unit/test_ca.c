#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "certs/ca.h"
#include "certs/ca_files.h"
#include "certs/error.h"
#include "tests/unit/scratch.h"

static const char *const permit[] = {
	"api.openai.com", "*.api.openai.com", "localhost", "127.0.0.1", "::1",
};

enum { N_PERMIT = sizeof(permit) / sizeof(*permit) };

static int
open_ca(struct ca **ca)
{
	return ca_open(ca, "ca", permit, N_PERMIT);
}

/* Makes the CA when it is missing, and does not keep it. */
static void
make_ca(const char *dir)
{
	struct ca *ca;

	assert_int_equal(ca_open(&ca, dir, permit, N_PERMIT), 0);
	ca_unref(ca);
}

/* Both ways of opening what is there must answer this. */
static void
expect_load(int want)
{
	struct ca *loaded, *opened;

	assert_int_equal(ca_load(&loaded, "ca"), want);
	assert_int_equal(loaded == NULL, want != 0);
	assert_int_equal(open_ca(&opened), want);
	assert_int_equal(opened == NULL, want != 0);
	ca_unref(loaded);
	ca_unref(opened);
}

/* Stands in front of libc's: the mode that a file had before its owner was done with
 * it, which nobody could see otherwise. */
static mode_t mode_before;

int
fchmod(int fd, mode_t mode)
{
	struct stat st;

	if (fstat(fd, &st) == 0)
		mode_before |= st.st_mode & 07777;
	return (int)syscall(SYS_fchmod, fd, mode);
}

static void
the_files_are_private_from_their_first_moment(void **state)
{
	mode_t old = umask(0);

	mode_before = 0;
	make_ca("ca");
	umask(old);
	assert_int_equal(mode_before, 0600);
}

static void
the_files_are_private_whatever_the_umask(void **state)
{
	static const mode_t masks[] = { 0, 02, 022, 027, 077 };

	for (size_t i = 0; i < sizeof(masks) / sizeof(*masks); i++) {
		mode_t old = umask(masks[i]);
		struct ca *ca;
		int rc = ca_open(&ca, "deep/er/ca", permit, N_PERMIT);

		umask(old);
		assert_int_equal(rc, 0);
		ca_unref(ca);
		assert_int_equal(scratch_mode("deep"), 0700);
		assert_int_equal(scratch_mode("deep/er/ca"), 0700);
		assert_int_equal(scratch_mode("deep/er/ca/ca.key"), 0600);
		assert_int_equal(scratch_mode("deep/er/ca/ca.pem"), 0644);
		assert_int_equal(scratch_sh("rm -r deep"), 0);
	}
}

static void
the_second_opening_finds_the_first_ones_ca(void **state)
{
	struct ca *a, *b, *c;

	assert_int_equal(ca_load(&a, "ca"), CERTS_NO_CA);
	assert_null(a);
	assert_int_equal(scratch_mode("ca"), -1);
	assert_int_equal(open_ca(&a), 0);
	assert_int_equal(ca_open(&b, "ca/", (const char *[]){ "a.example" }, 1), 0);
	assert_int_equal(ca_load(&c, "ca"), 0);
	assert_memory_equal(ca_sha256(a), ca_sha256(b), 32);
	assert_memory_equal(ca_sha256(a), ca_sha256(c), 32);
	assert_false(ca_permits(b, "a.example"));
	ca_unref(a);
	ca_unref(b);
	ca_unref(c);
}

static void
an_empty_directory_has_no_ca(void **state)
{
	struct ca *ca;

	assert_int_equal(mkdir("ca", 0700), 0);
	assert_int_equal(ca_load(&ca, "ca"), CERTS_NO_CA);
	assert_int_equal(open_ca(&ca), 0);
	ca_unref(ca);
}

static void
two_cas_differ_in_name_key_and_serial(void **state)
{
	struct cert_view v[2];
	struct ca *ca[2];

	assert_int_equal(open_ca(&ca[0]), 0);
	assert_int_equal(ca_rotate(&ca[1], "ca", permit, N_PERMIT), 0);
	for (int i = 0; i < 2; i++)
		assert_int_equal(cert_read(&v[i], ca_der(ca[i]).p,
		    ca_der(ca[i]).len), 0);
	assert_false(slice_eq(v[0].subject, v[1].subject));
	assert_false(slice_eq(v[0].point, v[1].point));
	assert_false(slice_eq(v[0].keyid, v[1].keyid));
	ca_unref(ca[0]);
	assert_int_equal(ca_load(&ca[0], "ca"), 0);
	assert_memory_equal(ca_sha256(ca[0]), ca_sha256(ca[1]), 32);
	ca_unref(ca[0]);
	ca_unref(ca[1]);
}

static void
it_permits_what_it_was_made_for(void **state)
{
	char text[NAME_TEXT_MAX];
	struct ca *ca;

	make_ca("ca");
	assert_int_equal(ca_load(&ca, "ca"), 0);
	assert_int_equal(ca_n_permitted(ca), 4);
	name_print(ca_permitted(ca, 0), text);
	assert_string_equal(text, "api.openai.com");
	name_print(ca_permitted(ca, 2), text);
	assert_string_equal(text, "127.0.0.1");
	assert_true(ca_permits(ca, "eu.API.openai.com"));
	assert_true(ca_permits(ca, "[::1]"));
	assert_false(ca_permits(ca, "openai.com"));
	assert_false(ca_permits(ca, "127.0.0.2"));
	assert_false(ca_permits(ca, "*"));
	assert_false(ca_permits(ca, ""));
	ca_unref(ca);
}

static void
it_lasts_ten_years_from_an_hour_ago(void **state)
{
	time_t now = time(NULL);
	struct ca *ca;

	assert_int_equal(open_ca(&ca), 0);
	assert_in_range(ca_not_before(ca), now - 3600, now - 3590);
	assert_int_equal(ca_not_after(ca) - ca_not_before(ca) + 1,
	    3652 * 86400);
	ca_unref(ca);
}

static void
a_bad_list_makes_nothing(void **state)
{
	struct ca *ca;

	assert_int_equal(ca_open(&ca, "ca", permit, 0), CERTS_PERMIT);
	assert_int_equal(ca_open(&ca, "ca", (const char *[]){ "*" }, 1),
	    CERTS_PERMIT);
	assert_null(ca);
	assert_int_equal(scratch_mode("ca"), -1);
}

static void
a_key_that_others_may_read_is_refused(void **state)
{
	static const mode_t modes[] = { 0640, 0604, 0660, 0610, 0666, 0620 };

	make_ca("ca");
	for (size_t i = 0; i < sizeof(modes) / sizeof(*modes); i++) {
		assert_int_equal(chmod("ca/ca.key", modes[i]), 0);
		expect_load(CERTS_KEY_SHARED);
	}
	assert_int_equal(chmod("ca/ca.key", 0400), 0);
	expect_load(0);
}

static void
a_directory_that_others_may_change_is_refused(void **state)
{
	static const mode_t modes[] = { 0770, 0707, 0777, 01777 };

	make_ca("ca");
	for (size_t i = 0; i < sizeof(modes) / sizeof(*modes); i++) {
		assert_int_equal(chmod("ca", modes[i]), 0);
		expect_load(CERTS_DIR_SHARED);
	}
	assert_int_equal(chmod("ca", 0755), 0);
	expect_load(0);
}

/* In a child that is not root.  Its result comes back as an exit status. */
static int
as_nobody(int (*what)(void))
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		if (geteuid() == 0 && (setgid(65534) < 0 || setuid(65534) < 0))
			_exit(99);
		_exit(what());
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int
open_and_say_errno(void)
{
	struct ca *ca;
	int rc = open_ca(&ca);

	ca_unref(ca);
	return rc >= 0 ? rc : 200 - (rc + 0x10000);
}

static void
a_directory_that_we_may_not_write_in_says_so(void **state)
{
	assert_int_equal(chmod(".", 0755), 0);
	if (geteuid() == 0)
		assert_int_equal(as_nobody(open_and_say_errno), EACCES);
	assert_int_equal(mkdir("ca", 0555), 0);
	assert_int_equal(as_nobody(open_and_say_errno), EACCES);
}

static void
another_users_directory_and_key_are_refused(void **state)
{
	if (geteuid() != 0)
		skip();
	assert_int_equal(chmod(".", 0755), 0);
	make_ca("ca");
	assert_int_equal(chmod("ca", 0755), 0);
	/* Root's directory, but only root may read the key. */
	assert_int_equal(as_nobody(open_and_say_errno), EACCES);
	assert_int_equal(chown("ca", 1, 1), 0);
	assert_int_equal(as_nobody(open_and_say_errno),
	    200 - (CERTS_DIR_SHARED + 0x10000));
	/* Root itself may use a user's. */
	expect_load(0);
}

static void
a_ca_that_we_may_only_read_works(void **state)
{
	make_ca("ca");
	assert_int_equal(unlink("ca/ca.lock"), 0);
	assert_int_equal(chmod(".", 0755), 0);
	if (geteuid() == 0) {
		assert_int_equal(chown("ca/ca.key", 65534, 65534), 0);
		assert_int_equal(chown("ca", 65534, 65534), 0);
	}
	assert_int_equal(chmod("ca", 0500), 0);
	assert_int_equal(as_nobody(open_and_say_errno), 0);
	assert_int_equal(scratch_mode("ca/ca.lock"), -1);
}

static void
what_is_no_directory_says_so(void **state)
{
	struct ca *ca;

	scratch_put("ca", "x", 1);
	expect_load(ENOTDIR);
	assert_int_equal(ca_open(&ca, "ca/below", permit, N_PERMIT), ENOTDIR);
	assert_int_equal(ca_open(&ca, "", permit, N_PERMIT), ENOENT);
	assert_int_equal(ca_open(&ca, "/proc/nowhere/ca", permit, N_PERMIT),
	    ENOENT);
}

static void
one_file_without_the_other_is_refused_and_kept(void **state)
{
	make_ca("ca");
	assert_int_equal(rename("ca/ca.key", "key"), 0);
	expect_load(CERTS_CA_HALF);
	assert_int_equal(scratch_mode("ca/ca.pem"), 0644);
	assert_int_equal(rename("key", "ca/ca.key"), 0);
	expect_load(0);
	assert_int_equal(unlink("ca/ca.pem"), 0);
	expect_load(CERTS_CA_HALF);
	assert_int_equal(scratch_mode("ca/ca.key"), 0600);
}

static void
the_key_of_another_ca_is_refused(void **state)
{
	make_ca("ca");
	make_ca("other");
	assert_int_equal(rename("other/ca.key", "ca/ca.key"), 0);
	expect_load(CERTS_CA_MISMATCH);
}

static void
rotating_mends_whatever_is_there(void **state)
{
	struct ca *ca;

	assert_int_equal(ca_rotate(&ca, "ca", permit, N_PERMIT), 0);
	ca_unref(ca);
	assert_int_equal(unlink("ca/ca.pem"), 0);
	scratch_put("ca/ca.key", "rubbish", 7);
	assert_int_equal(ca_rotate(&ca, "ca", permit, N_PERMIT), 0);
	ca_unref(ca);
	expect_load(0);
	assert_int_equal(scratch_mode("ca/ca.key"), 0600);
}

static void
damaged_files_are_named(void **state)
{
	static const struct {
		const char *file;
		struct slice content;
		int want;
	} cases[] = {
		{ "ca/ca.key", SLICE(""), CERTS_KEY_BAD },
		{ "ca/ca.key", SLICE("\0\0\0\0"), CERTS_KEY_BAD },
		{ "ca/ca.key", SLICE("-----BEGIN EC PRIVATE KEY-----\n"),
		    CERTS_KEY_BAD },
		{ "ca/ca.key", SLICE("-----BEGIN EC PRIVATE KEY-----\nAAAA\n"
		    "-----END EC PRIVATE KEY-----\n"), CERTS_KEY_BAD },
		{ "ca/ca.pem", SLICE(""), CERTS_CERT_BAD },
		{ "ca/ca.pem", SLICE("hello"), CERTS_CERT_BAD },
		{ "ca/ca.pem", SLICE("-----BEGIN CERTIFICATE-----\n"
		    "-----END CERTIFICATE-----\n"), CERTS_CERT_BAD },
		{ "ca/ca.pem", SLICE("-----BEGIN CERTIFICATE-----\nMAA=\n"
		    "-----END CERTIFICATE-----\n"), CERTS_CERT_BAD },
		{ "ca/ca.pem", SLICE("-----BEGIN CERTIFICATE-----\n****\n"
		    "-----END CERTIFICATE-----\n"), CERTS_CERT_BAD },
	};

	make_ca("ca");
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct bytes good = scratch_get(cases[i].file);

		scratch_put(cases[i].file, cases[i].content.p,
		    cases[i].content.len);
		expect_load(cases[i].want);
		scratch_put(cases[i].file, good.p, good.len);
		bytes_fini(&good);
	}
	expect_load(0);
}

static void
files_too_large_and_directories_in_their_place_are_refused(void **state)
{
	make_ca("ca");
	assert_int_equal(truncate("ca/ca.pem", CA_FILE_MAX + 1), 0);
	expect_load(CERTS_CERT_BAD);
	assert_int_equal(truncate("ca/ca.key", CA_FILE_MAX + 1), 0);
	expect_load(CERTS_KEY_BAD);
	assert_int_equal(unlink("ca/ca.key"), 0);
	assert_int_equal(mkdir("ca/ca.key", 0700), 0);
	expect_load(EISDIR);
	assert_int_equal(rmdir("ca/ca.key"), 0);
	assert_int_equal(mkfifo("ca/ca.key", 0600), 0);
	expect_load(EINVAL);
}

/* Sampled: each try costs a verification. */
static void
a_changed_character_in_the_certificate_is_noticed(void **state)
{
	struct bytes pem;
	struct ca *ca;

	make_ca("ca");
	pem = scratch_get("ca/ca.pem");
	for (size_t i = 28; i < pem.len - 30; i += 5) {
		uint8_t was = pem.p[i];

		if (was == '\n')
			continue;
		pem.p[i] = was == 'A' ? 'B' : 'A';
		scratch_put("ca/ca.pem", pem.p, pem.len);
		assert_int_not_equal(ca_load(&ca, "ca"), 0);
		assert_null(ca);
		pem.p[i] = was;
	}
	bytes_fini(&pem);
}

static void
every_cut_of_the_certificate_is_refused(void **state)
{
	struct cert_view v;
	struct slice der;
	struct ca *ca;

	assert_int_equal(open_ca(&ca), 0);
	der = ca_der(ca);
	assert_int_equal(cert_read(&v, der.p, der.len), 0);
	for (size_t n = 0; n < der.len; n++) {
		uint8_t *copy = test_malloc(n ? n : 1);

		memcpy(copy, der.p, n);
		assert_int_equal(cert_read(&v, copy, n), CERTS_CERT_BAD);
		test_free(copy);
	}
	ca_unref(ca);
}

/* Whatever comes of it: within bounds, and an answer. */
static void
every_changed_bit_of_the_certificate_is_survived(void **state)
{
	struct name names[8];
	struct cert_view v;
	uint8_t *copy;
	struct ca *ca;
	size_t len, n;

	assert_int_equal(open_ca(&ca), 0);
	len = ca_der(ca).len;
	copy = test_malloc(len);
	memcpy(copy, ca_der(ca).p, len);
	for (size_t bit = 0; bit < len * 8; bit++) {
		copy[bit / 8] ^= (uint8_t)(1 << bit % 8);
		if (cert_read(&v, copy, len) == 0 && v.constraints.p)
			cert_read_permitted(&v, names, 8, &n);
		copy[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	test_free(copy);
	ca_unref(ca);
}

static void
what_a_dead_program_left_is_put_right(void **state)
{
	/* It died while it wrote the new pair: that never counted. */
	assert_int_equal(mkdir("ca", 0700), 0);
	scratch_put("ca/ca.key.new", "half a k", 8);
	make_ca("ca");
	assert_int_equal(scratch_mode("ca/ca.key.new"), -1);
	scratch_put("ca/ca.key.new", "key", 3);
	scratch_put("ca/ca.pem.new", "cert", 4);
	expect_load(0);
	assert_int_equal(scratch_mode("ca/ca.key.new"), -1);
	assert_int_equal(scratch_mode("ca/ca.pem.new"), -1);
	/* It died between the two renames, of the first CA ... */
	assert_int_equal(rename("ca/ca.pem", "ca/ca.pem.new"), 0);
	expect_load(0);
	/* ... and of another one. */
	make_ca("other");
	assert_int_equal(rename("other/ca.key", "ca/ca.key"), 0);
	assert_int_equal(rename("other/ca.pem", "ca/ca.pem.new"), 0);
	expect_load(0);
	assert_int_equal(scratch_mode("ca/ca.pem.new"), -1);
	assert_int_equal(scratch_mode("ca/ca.pem"), 0644);
}

/* Each writes the fingerprint that it got into the pipe. */
static void
open_and_tell(int go, int tell)
{
	struct ca *ca;
	char c;

	if (read(go, &c, 1) != 0 || open_ca(&ca) != 0 ||
	    write(tell, ca_sha256(ca), 32) != 32)
		_exit(1);
	_exit(0);
}

static void
programs_that_start_together_get_the_same_ca(void **state)
{
	enum { N = 8 };
	uint8_t first[32], got[32];
	int go[2], tell[2], status;

	assert_int_equal(pipe(go), 0);
	assert_int_equal(pipe(tell), 0);
	for (int i = 0; i < N; i++) {
		pid_t pid = fork();

		assert_true(pid >= 0);
		if (pid == 0) {
			close(go[1]);
			open_and_tell(go[0], tell[1]);
		}
	}
	close(go[0]);
	close(go[1]);		/* now all of them go */
	close(tell[1]);
	assert_int_equal(read(tell[0], first, 32), 32);
	for (int i = 1; i < N; i++) {
		assert_int_equal(read(tell[0], got, 32), 32);
		assert_memory_equal(got, first, 32);
	}
	close(tell[0]);
	for (int i = 0; i < N; i++) {
		assert_true(wait(&status) > 0);
		assert_int_equal(status, 0);
	}
}

static void
a_ca_without_name_constraints_is_refused(void **state)
{
	if (!scratch_has("openssl"))
		skip();
	make_ca("ca");
	assert_int_equal(scratch_sh("openssl req -x509 -new -key ca/ca.key -sha256 "
	    "-subj /CN=free -days 9 -out ca/ca.pem"), 0);
	expect_load(CERTS_CA_FOREIGN);
}

static void
a_key_that_is_not_p256_is_refused(void **state)
{
	if (!scratch_has("openssl"))
		skip();
	make_ca("ca");
	assert_int_equal(scratch_sh("openssl ecparam -genkey -name secp384r1 -noout "
	    "-out ca/ca.key"), 0);
	expect_load(CERTS_KEY_BAD);
	assert_int_equal(scratch_sh("openssl genrsa -out ca/ca.key 2048"), 0);
	expect_load(CERTS_KEY_BAD);
}

static void
openssl_reads_in_it_what_we_wrote(void **state)
{
	static const char *const lines[] = {
		"Basic Constraints: critical", "CA:TRUE, pathlen:0",
		"Key Usage: critical", "Certificate Sign, CRL Sign",
		"TLS Web Server Authentication", "Name Constraints: critical",
		"DNS:api.openai.com", "DNS:localhost",
		"IP:127.0.0.1/255.255.255.255", "CN = \"tracetape CA (",
		"Subject Key Identifier", "ecdsa-with-SHA256", "prime256v1",
	};

	if (!scratch_has("openssl"))
		skip();
	make_ca("ca");
	assert_int_equal(scratch_sh("openssl x509 -text -noout -nameopt "
	    "oneline,-esc_msb -in ca/ca.pem >text"), 0);
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++)
		if (scratch_sh("grep -F '%s' text", lines[i]) != 0)
			fail_msg("%s", lines[i]);
	assert_int_equal(scratch_sh("grep Excluded text"), 1);
	assert_int_equal(scratch_sh("openssl verify -x509_strict -check_ss_sig "
	    "-CAfile ca/ca.pem ca/ca.pem"), 0);
}

static void
the_pem_that_it_hands_out_is_its_certificate_alone(void **state)
{
	struct bytes pem;
	struct ca *ca;

	make_ca("ca");
	pem = scratch_get("ca/ca.pem");
	assert_int_equal(scratch_sh("cat ca/ca.key >>ca/ca.pem"), 0);
	assert_int_equal(ca_load(&ca, "ca"), 0);
	assert_true(slice_eq(ca_pem(ca), bytes_slice(&pem)));
	bytes_fini(&pem);
	ca_unref(ca);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, scratch_new, scratch_free)

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(the_files_are_private_from_their_first_moment),
		TEST(the_files_are_private_whatever_the_umask),
		TEST(the_second_opening_finds_the_first_ones_ca),
		TEST(an_empty_directory_has_no_ca),
		TEST(two_cas_differ_in_name_key_and_serial),
		TEST(it_permits_what_it_was_made_for),
		TEST(it_lasts_ten_years_from_an_hour_ago),
		TEST(a_bad_list_makes_nothing),
		TEST(a_key_that_others_may_read_is_refused),
		TEST(a_directory_that_others_may_change_is_refused),
		TEST(a_directory_that_we_may_not_write_in_says_so),
		TEST(another_users_directory_and_key_are_refused),
		TEST(a_ca_that_we_may_only_read_works),
		TEST(what_is_no_directory_says_so),
		TEST(one_file_without_the_other_is_refused_and_kept),
		TEST(the_key_of_another_ca_is_refused),
		TEST(rotating_mends_whatever_is_there),
		TEST(damaged_files_are_named),
		TEST(files_too_large_and_directories_in_their_place_are_refused),
		TEST(a_changed_character_in_the_certificate_is_noticed),
		TEST(every_cut_of_the_certificate_is_refused),
		TEST(every_changed_bit_of_the_certificate_is_survived),
		TEST(what_a_dead_program_left_is_put_right),
		TEST(programs_that_start_together_get_the_same_ca),
		TEST(a_ca_without_name_constraints_is_refused),
		TEST(a_key_that_is_not_p256_is_refused),
		TEST(openssl_reads_in_it_what_we_wrote),
		TEST(the_pem_that_it_hands_out_is_its_certificate_alone),
	};

	if (mbed_start() != 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
