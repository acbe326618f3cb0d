#include "proxy/auth.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <mbedtls/base64.h>

#include "proxy/config.h"
#include "tests/unit/guard.h"
#include "tests/unit/scratch.h"

#define N(a) (sizeof(a) / sizeof(*(a)))

enum { VALUE_MAX = 16 * 1024 };

static struct auth *auth;
static char err[CONFIG_ERROR_MAX], label[AUTH_LABEL_MAX];

static int
end(void **state)
{
	auth_free(auth);
	auth = NULL;
	return scratch_free(state);
}

static bool
read_text(const void *text, size_t len)
{
	auth_free(auth);
	unlink("users");
	scratch_put("users", text, len);
	assert_int_equal(chmod("users", 0600), 0);
	strcpy(err, "");
	auth = auth_read("users", err);
	return auth != NULL;
}

static void
put_users(const char *text)
{
	if (!read_text(text, strlen(text)))
		fail_msg("%s", err);
}

/* Every byte of label may be written, and each is written anew. */
static enum auth_verdict
check(const struct auth *a, const char *value, size_t len)
{
	char *p = guard_put(value, len);

	memset(label, 'x', sizeof(label));
	return auth_check(a, (struct slice){ p, len }, label);
}

static const char *
basic(const void *credentials, size_t len)
{
	static char value[VALUE_MAX] = "Basic ";
	size_t n;

	assert_int_equal(mbedtls_base64_encode((uint8_t *)value + 6,
	    sizeof(value) - 6, &n, credentials, len), 0);
	return value;
}

static enum auth_verdict
check_basic(const struct auth *a, const char *credentials)
{
	const char *value = basic(credentials, strlen(credentials));

	return check(a, value, strlen(value));
}

static void
without_a_file_the_name_is_a_label(void **state)
{
	static const struct {
		const char *credentials, *label;
	} cases[] = {
		{ "alice:secret", "alice" },
		{ "alice:", "alice" },
		{ "a:b:c:d", "a" },
		{ ":secret", "" },
		{ ":", "" },
		{ "no colon", "" },
		{ "b\xc3\xbc" "cher:x", "b\xc3\xbc" "cher" },
		{ "two words:x", "two words" },
		{ "a\nb\x01\x7f" "c\r\t:x", "abc" },
		{ "a\xc2\x85" "b\xc2\x9b:x", "ab" },		/* C1 */
		{ "a\xff\xfe" "b\xc3:x", "ab" },		/* no UTF-8 */
		{ "\xc0\xaf" "a\xed\xa0\x80\xf4\x90\x80\x80:x", "a" },
		{ "\xf0\x9f\x98\x80:x", "\xf0\x9f\x98\x80" },
		{ "alice:\x01\xff", "alice" },
	};

	for (size_t i = 0; i < N(cases); i++) {
		assert_int_equal(check_basic(NULL, cases[i].credentials), AUTH_OK);
		assert_string_equal(label, cases[i].label);
	}
}

static void
what_is_broken_labels_nothing_and_passes_no_file(void **state)
{
	static const char *const bad[] = {
		"", " ", "Basic", "Basic ", "Basic  ", "Basic\tYTpi", "BasicYTpi",
		"Bearer YTpi", "Digest username=\"a\"", "Basi YTpi", "XBasic YTpi",
		"Basic YTpi YTpi", "Basic YTpi,", "Basic YTp", "Basic YTpi=",
		"Basic YTpi==", "Basic YTpi====", "Basic ====", "Basic YQ=", "Basic =",
		"Basic Y=pi", "Basic YTp!", "Basic YT-_", "Basic YT\npi", "Basic YTpi\n",
		"Basic YTpi\r\n", "Basic: YTpi", "Basic \"YTpi\"", "Basic a:b",
		"Basic YWI=", "Basic YTp\xc3\xa9", "Basic YTp",
	};

	put_users("a:b\n");
	for (size_t i = 0; i < N(bad); i++) {
		assert_int_equal(check(NULL, bad[i], strlen(bad[i])), AUTH_OK);
		assert_string_equal(label, "");
		if (check(auth, bad[i], strlen(bad[i])) != AUTH_WRONG)
			fail_msg("passed: %s", bad[i]);
		assert_string_equal(label, "");
	}
	/* NUL, in the value and in what it decodes to. */
	assert_int_equal(check(auth, "Basic YTpi\0", 11), AUTH_WRONG);
	assert_int_equal(check(auth, "Basic YQA6Yg==", 14), AUTH_WRONG);
	assert_int_equal(check(auth, "Basic YTpiAA==", 14), AUTH_WRONG);
}

static void
the_scheme_is_read_without_case_and_blanks_may_be_many(void **state)
{
	static const char *const good[] = { "Basic YTpi", "basic YTpi", "BASIC YTpi",
	    "bAsIc    YTpi", "Basic YTpi  ", "Basic YTpi\t" };

	put_users("a:b\n");
	for (size_t i = 0; i < N(good); i++) {
		assert_int_equal(check(auth, good[i], strlen(good[i])), AUTH_OK);
		assert_string_equal(label, "a");
	}
}

static void
no_value_is_missing_only_where_there_is_a_file(void **state)
{
	struct slice none = { NULL, 0 };

	put_users("a:b\n");
	memset(label, 'x', sizeof(label));
	assert_int_equal(auth_check(auth, none, label), AUTH_MISSING);
	assert_string_equal(label, "");
	assert_int_equal(auth_check(NULL, none, label), AUTH_OK);
	assert_string_equal(label, "");
	assert_int_equal(auth_check(auth, SLICE(""), label), AUTH_WRONG);
}

static void
a_file_admits_its_names_with_their_passwords_alone(void **state)
{
	static const struct {
		const char *credentials;
		enum auth_verdict verdict;
	} cases[] = {
		{ "alice:s3cret", AUTH_OK },
		{ "bob:with:colons:", AUTH_OK },
		{ "carol: blanks # kept ", AUTH_OK },
		{ "d\xc3\xa9:\xe9 latin", AUTH_OK },
		{ "eve:last", AUTH_OK },
		{ "alice:s3cre", AUTH_WRONG },
		{ "alice:s3crett", AUTH_WRONG },
		{ "alice:S3cret", AUTH_WRONG },
		{ "Alice:s3cret", AUTH_WRONG },
		{ "alice:", AUTH_WRONG },
		{ "alice", AUTH_WRONG },
		{ ":s3cret", AUTH_WRONG },
		{ "bob:with", AUTH_WRONG },
		{ "bob:with:colons", AUTH_WRONG },
		{ "carol:blanks # kept", AUTH_WRONG },
		{ "alice:last", AUTH_WRONG },
		{ "mallory:s3cret", AUTH_WRONG },
		{ "#no:body", AUTH_WRONG },
		{ "alice:s3cret\n", AUTH_WRONG },
		{ "alice\x01:s3cret", AUTH_WRONG },
		{ "d\xe9:\xe9 latin", AUTH_WRONG },
	};

	put_users("\xef\xbb\xbf# the team\n\nalice:s3cret\r\n#no:body\n"
	    "bob:with:colons:\ncarol: blanks # kept \n\r\n"
	    "d\xc3\xa9:\xe9 latin\neve:last");
	for (size_t i = 0; i < N(cases); i++) {
		const char *said = cases[i].credentials;

		if (check_basic(auth, said) != cases[i].verdict)
			fail_msg("%s: not %d", said, cases[i].verdict);
		if (cases[i].verdict != AUTH_OK)
			assert_string_equal(label, "");
		else
			assert_memory_equal(label, said, strcspn(said, ":"));
	}
}

static void
every_prefix_of_a_value_is_wrong(void **state)
{
	const char *value;

	put_users("alice:s3cret\n");
	value = basic("alice:s3cret", 12);
	for (size_t n = 0; n < strlen(value); n++)
		assert_int_equal(check(auth, value, n), AUTH_WRONG);
	assert_int_equal(check(auth, value, strlen(value)), AUTH_OK);
}

static void
every_prefix_of_a_value_labels_with_a_prefix_of_the_name(void **state)
{
	static const char name[] = "na\xc3\xafve";
	const char *value = basic("na\xc3\xafve:x", 8);

	for (size_t n = 0; n <= strlen(value); n++) {
		assert_int_equal(check(NULL, value, n), AUTH_OK);
		assert_memory_equal(label, name, strlen(label));
	}
	assert_string_equal(label, name);
}

static void
every_changed_byte_of_a_value_is_wrong(void **state)
{
	char value[64];
	size_t len;

	put_users("alice:s3cret\n");
	len = strlen(strcpy(value, basic("alice:s3cret", 12)));
	for (size_t i = 6; i < len; i++)
		for (int c = 0; c < 256; c++) {
			char was = value[i];

			value[i] = (char)c;
			if (value[i] != was)
				assert_int_equal(check(auth, value, len), AUTH_WRONG);
			value[i] = was;
		}
}

/* A label of n bytes before a character of 1 to 4. */
static void
a_label_is_cut_between_characters(void **state)
{
	static const char *const chars[] = { "e", "\xc3\xa9", "\xe2\x82\xac",
	    "\xf0\x9f\x98\x80" };
	char text[200];

	for (size_t n = 0; n < 100; n++)
		for (size_t i = 0; i < N(chars); i++) {
			size_t len = strlen(chars[i]), fits = n + len;

			memset(text, 'a', n);
			strcpy(text + n, chars[i]);
			strcat(text, ":x");
			assert_int_equal(check_basic(NULL, text), AUTH_OK);
			if (fits >= AUTH_LABEL_MAX)
				fits = n < AUTH_LABEL_MAX ? n : AUTH_LABEL_MAX - 1;
			assert_int_equal(strlen(label), fits);
			assert_memory_equal(label, text, fits);
		}
}

static void
credentials_have_a_bound(void **state)
{
	static char text[6000];
	const char *value;

	for (size_t n = 4000; n < 4200; n++) {
		memset(text, 'p', n);
		memcpy(text, "a:", 2);
		value = basic(text, n);
		assert_int_equal(check(NULL, value, strlen(value)), AUTH_OK);
		assert_string_equal(label, n <= 4096 ? "a" : "");
	}
	memset(text, 'p', 4096);
	memcpy(text, "a:", 2);
	text[4096] = '\0';
	put_users(text);
	assert_int_equal(check_basic(auth, text), AUTH_OK);
}

struct fault {
	const char *text, *said;
};

static void
a_bad_line_is_named_and_not_shown(void **state)
{
	static const struct fault cases[] = {
		{ "", "nobody is in it" },
		{ "\n\r\n# a:b\n", "nobody is in it" },
		{ "s3cret\n", "users:1: no colon" },
		{ "a:b\n\n#\ns3cret", "users:4: no colon" },
		{ " \n", "users:1: no colon" },
		{ ":s3cret\n", "users:1: name or password is empty" },
		{ "s3cret:\n", "users:1: name or password is empty" },
		{ "s3cret:\r\n", "users:1: name or password is empty" },
		{ "a:s3cret\na:other\n", "users:2: the name stands" },
		{ "a\x01:s3cret\n", "users:1: the name has control" },
		{ "a\xc2\x80:s3cret\n", "users:1: the name has control" },
		{ "a\xe9:s3cret\n", "users:1: the name has control" },
		{ "a:s3cret\x1b\n", "users:1: the password has control" },
		{ "a:s3cret\r\r\n", "users:1: the password has control" },
	};

	for (size_t i = 0; i < N(cases); i++) {
		if (read_text(cases[i].text, strlen(cases[i].text)))
			fail_msg("passed: %s", cases[i].text);
		if (!strstr(err, cases[i].said) || strstr(err, "s3cret") ||
		    !strstr(err, "forward.auth_file"))
			fail_msg("%s: %s", cases[i].text, err);
	}
	assert_false(read_text("a:b\0c\n", 6));
	assert_false(read_text("a\0:b\n", 5));
	assert_false(read_text("\0\n", 2));
}

static void
a_file_holds_so_many_users_and_no_more(void **state)
{
	struct bytes b = { 0 };

	for (int i = 0; i < AUTH_USERS_MAX; i++)
		bytes_printf(&b, "user%d:pass%d\n", i, i);
	assert_true(read_text(b.p, b.len));
	assert_int_equal(check_basic(auth, "user4095:pass4095"), AUTH_OK);
	assert_int_equal(check_basic(auth, "user4095:pass4094"), AUTH_WRONG);
	bytes_puts(&b, "one:more\n");
	assert_false(read_text(b.p, b.len));
	assert_non_null(strstr(err, "users:4097: too many"));
	bytes_clear(&b);
	bytes_puts(&b, "a:");
	for (int i = 0; i < 4095; i++)
		bytes_putc(&b, 'p');
	assert_false(read_text(b.p, b.len));
	assert_non_null(strstr(err, "too long"));
	bytes_fini(&b);
}

static void
a_file_for_others_to_read_is_refused(void **state)
{
	static const mode_t bad[] = { 0640, 0604, 0620, 0602, 0610, 0601, 0666, 0644 };

	put_users("a:b\n");
	for (size_t i = 0; i < N(bad); i++) {
		assert_int_equal(chmod("users", bad[i]), 0);
		assert_null(auth_read("users", err));
		assert_non_null(strstr(err, "chmod 600"));
		assert_non_null(strstr(err, "users"));
	}
	assert_int_equal(chmod("users", 0400), 0);
	auth_free(auth);
	assert_non_null(auth = auth_read("users", err));
}

static void
a_file_of_another_user_is_refused(void **state)
{
	if (geteuid() != 0)
		skip();
	put_users("a:b\n");
	assert_int_equal(chown("users", 12345, -1), 0);
	assert_null(auth_read("users", err));
	assert_non_null(strstr(err, "chown"));
}

static void
what_is_no_file_is_refused_without_waiting(void **state)
{
	assert_null(auth_read("none", err));
	assert_non_null(strstr(err, "none: No such file"));
	assert_null(auth_read(".", err));
	assert_non_null(strstr(err, "directory"));
	assert_int_equal(mkfifo("fifo", 0600), 0);
	assert_null(auth_read("fifo", err));
	assert_non_null(strstr(err, "no file"));
	put_users("a:b\n");
	assert_int_equal(truncate("users", 64 * 1024 * 1024), 0);
	assert_null(auth_read("users", err));
	assert_non_null(strstr(err, "users"));
	auth_free(NULL);
}

#define T(f) cmocka_unit_test_setup_teardown(f, scratch_new, end)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(without_a_file_the_name_is_a_label),
		T(what_is_broken_labels_nothing_and_passes_no_file),
		T(the_scheme_is_read_without_case_and_blanks_may_be_many),
		T(no_value_is_missing_only_where_there_is_a_file),
		T(a_file_admits_its_names_with_their_passwords_alone),
		T(every_prefix_of_a_value_is_wrong),
		T(every_prefix_of_a_value_labels_with_a_prefix_of_the_name),
		T(every_changed_byte_of_a_value_is_wrong),
		T(a_label_is_cut_between_characters),
		T(credentials_have_a_bound),
		T(a_bad_line_is_named_and_not_shown),
		T(a_file_holds_so_many_users_and_no_more),
		T(a_file_for_others_to_read_is_refused),
		T(a_file_of_another_user_is_refused),
		T(what_is_no_file_is_refused_without_waiting),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
