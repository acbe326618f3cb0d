#include "tools/trust.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "tests/unit/scratch.h"

static const struct trust_files plain = {
	"/usr/bin/tracetape", "/ca", "/ca/ca.pem", "/ca/bundle.pem"
};

static const struct {
	const char *text;
	const char *quoted;
} words[] = {
	{ "/a/b-c_d.pem", "/a/b-c_d.pem" },
	{ "", "''" },
	{ "a b", "'a b'" },
	{ "~", "'~'" },
	{ "it's", "'it'\\''s'" },
	{ "$(x)`y`\"z\"\\\n*", "'$(x)`y`\"z\"\\\n*'" },
	{ "-rf", "-rf" },
	{ "\xc3\xa9", "'\xc3\xa9'" },
};

static char *
text_of(struct bytes *b)
{
	bytes_putc(b, '\0');
	assert_false(b->failed);
	return (char *)b->p;
}

static void
a_word_is_quoted_when_a_shell_would_touch_it(void **state)
{
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		struct bytes b = { 0 };

		trust_quote(&b, words[i].text);
		assert_string_equal(text_of(&b), words[i].quoted);
		bytes_fini(&b);
	}
}

/* Bytes 1 to 255 each in a word, and the shell gives them back. */
static void
a_shell_reads_back_what_was_quoted(void **state)
{
	struct bytes script = { 0 }, got;
	char word[256];

	for (int c = 1; c < 256; c++)
		word[c - 1] = (char)c;
	word[255] = '\0';
	bytes_puts(&script, "printf %s ");
	trust_quote(&script, word);
	scratch_put("script", script.p, script.len);
	assert_int_equal(scratch_sh("sh ./script >out"), 0);
	got = scratch_get("out");
	assert_int_equal(got.len, 255);
	assert_memory_equal(got.p, word, 255);
	bytes_fini(&got);
	bytes_fini(&script);
}

static void
a_store_is_found_by_its_name_alone(void **state)
{
	struct bytes b = { 0 };

	assert_false(trust_put(&b, "netscape", TRUST_ADD, &plain));
	assert_false(trust_put(&b, "", TRUST_ADD, &plain));
	assert_int_equal(b.len, 0);
	assert_true(trust_put(&b, "curl", TRUST_ADD, &plain));
	assert_non_null(strstr(text_of(&b),
	    "\nexport CURL_CA_BUNDLE=/ca/bundle.pem\n"));
	bytes_fini(&b);
}

static void
every_store_of_the_list_has_commands_both_ways(void **state)
{
	struct bytes names = { 0 }, all = { 0 }, one;
	char *name, *save = NULL;
	size_t total = 0;

	trust_put_names(&names);
	for (name = strtok_r(text_of(&names), " ", &save); name;
	    name = strtok_r(NULL, " ", &save)) {
		for (int what = TRUST_ADD; what <= TRUST_REMOVE; what++) {
			one = (struct bytes){ 0 };
			assert_true(trust_put(&one, name, what, &plain));
			total += what == TRUST_ADD ? one.len + 1 : 0;
			assert_non_null(strchr(text_of(&one), '\n'));
			/* All letters behind % were known. */
			assert_true(!strchr((char *)one.p, '%') ||
			    strcmp(name, "firefox") == 0);
			bytes_fini(&one);
		}
	}
	assert_true(trust_put(&all, NULL, TRUST_ADD, &plain));
	assert_int_equal(all.len, total - 1);
	bytes_fini(&names);
	bytes_fini(&all);
}

static void
shell_variables_keep_their_percent_sign(void **state)
{
	struct bytes b = { 0 };

	trust_put(&b, "firefox", TRUST_ADD, &plain);
	assert_non_null(strstr(text_of(&b), "sql:\"${db%/*}\" "));
	bytes_fini(&b);
}

#define IN_SCRATCH(f) cmocka_unit_test_setup_teardown(f, scratch_new, scratch_free)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_word_is_quoted_when_a_shell_would_touch_it),
		IN_SCRATCH(a_shell_reads_back_what_was_quoted),
		cmocka_unit_test(a_store_is_found_by_its_name_alone),
		cmocka_unit_test(every_store_of_the_list_has_commands_both_ways),
		cmocka_unit_test(shell_variables_keep_their_percent_sign),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
