#include "tools/savefile.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <dirent.h>
#include <string.h>

#include "tests/unit/scratch.h"

static void
expect(const char *file, const char *content)
{
	assert_true(savefile_has(file, (struct slice){ content, strlen(content) }));
}

/* Files in the directory, dot and dot-dot apart. */
static int
count(void)
{
	DIR *d = opendir(".");
	int n = -2;

	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

static void
a_file_is_made_and_replaced_and_nothing_else_stays(void **state)
{
	mode_t old = umask(077);

	assert_int_equal(savefile_put("f", SAVEFILE_FOLLOW, SLICE("one")), 0);
	expect("f", "one");
	assert_int_equal(scratch_mode("f"), 0644);
	chmod("f", 0600);
	assert_int_equal(savefile_put("f", SAVEFILE_REPLACE, SLICE("two")), 0);
	umask(old);
	expect("f", "two");
	assert_int_equal(scratch_mode("f"), 0644);
	assert_int_equal(count(), 1);
}

static void
who_reads_the_old_file_reads_it_to_its_end(void **state)
{
	char got[8] = "";
	int fd;

	savefile_put("f", SAVEFILE_FOLLOW, SLICE("old"));
	fd = open("f", O_RDONLY);
	savefile_put("f", SAVEFILE_FOLLOW, SLICE("newer"));
	assert_int_equal(read(fd, got, sizeof(got)), 3);
	assert_string_equal(got, "old");
	close(fd);
}

static void
a_link_is_followed_only_when_that_is_meant(void **state)
{
	scratch_put("target", "kept", 4);
	assert_int_equal(symlink("target", "link"), 0);
	assert_int_equal(savefile_put("link", SAVEFILE_REPLACE, SLICE("new")), 0);
	expect("target", "kept");
	expect("link", "new");
	assert_int_equal(unlink("link") | symlink("target", "link"), 0);
	assert_int_equal(savefile_put("link", SAVEFILE_FOLLOW, SLICE("new")), 0);
	expect("target", "new");
	assert_int_equal(readlink("link", (char[8]){ 0 }, 8), 6);
}

static void
what_is_no_file_is_left_alone(void **state)
{
	static const enum savefile_how ways[] = { SAVEFILE_FOLLOW, SAVEFILE_REPLACE };

	assert_int_equal(mkdir("dir", 0700) | mkfifo("fifo", 0600), 0);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(savefile_put("dir", ways[i], SLICE("x")), EINVAL);
		assert_int_equal(savefile_put("fifo", ways[i], SLICE("x")), EINVAL);
		assert_int_equal(savefile_put("/dev/null", ways[i], SLICE("x")),
		    EINVAL);
		assert_int_equal(savefile_put("no/f", ways[i], SLICE("x")), ENOENT);
		assert_int_equal(savefile_put("dir/", ways[i], SLICE("x")), EINVAL);
		assert_int_equal(savefile_put("", ways[i], SLICE("x")), ENOENT);
	}
	assert_int_equal(count(), 2);
}

static void
a_file_has_its_content_and_no_more_or_less(void **state)
{
	scratch_put("f", "abc", 3);
	assert_true(savefile_has("f", SLICE("abc")));
	assert_false(savefile_has("f", SLICE("ab")));
	assert_false(savefile_has("f", SLICE("abcd")));
	assert_false(savefile_has("f", SLICE("abd")));
	assert_false(savefile_has("f", SLICE("")));
	assert_false(savefile_has("none", SLICE("")));
	scratch_put("f", "", 0);
	assert_true(savefile_has("f", SLICE("")));
}

#define IN_SCRATCH(f) cmocka_unit_test_setup_teardown(f, scratch_new, scratch_free)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		IN_SCRATCH(a_file_is_made_and_replaced_and_nothing_else_stays),
		IN_SCRATCH(who_reads_the_old_file_reads_it_to_its_end),
		IN_SCRATCH(a_link_is_followed_only_when_that_is_meant),
		IN_SCRATCH(what_is_no_file_is_left_alone),
		IN_SCRATCH(a_file_has_its_content_and_no_more_or_less),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
