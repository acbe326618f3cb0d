#include "tools/storedir.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>

static const struct {
	const char *option;
	const char *store;	/* TRACETAPE_STORE */
	const char *data;	/* XDG_DATA_HOME */
	const char *home;
	const char *dir;
} cases[] = {
	{ "/o", "/s", "/d", "/h", "/o" },
	{ "relative", "/s", "/d", "/h", "relative" },
	{ NULL, "/s", "/d", "/h", "/s" },
	{ "", "/s", "/d", "/h", "/s" },
	{ NULL, NULL, "/d", "/h", "/d/tracetape" },
	{ NULL, "", "/d", "/h", "/d/tracetape" },
	/* The XDG specification: a relative path is to be ignored. */
	{ NULL, NULL, "d", "/h", "/h/.local/share/tracetape" },
	{ NULL, NULL, "", "/h", "/h/.local/share/tracetape" },
	{ NULL, NULL, NULL, "/h", "/h/.local/share/tracetape" },
};

static void
put_env(const char *name, const char *value)
{
	if (value)
		setenv(name, value, 1);
	else
		unsetenv(name);
}

static void
the_first_that_names_a_directory_wins(void **state)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *dir;

		put_env("TRACETAPE_STORE", cases[i].store);
		put_env("XDG_DATA_HOME", cases[i].data);
		put_env("HOME", cases[i].home);
		dir = storedir_find(cases[i].option);
		assert_non_null(dir);
		assert_string_equal(dir, cases[i].dir);
		free(dir);
	}
}

static void
without_home_the_account_has_one(void **state)
{
	char *dir;

	unsetenv("TRACETAPE_STORE");
	unsetenv("XDG_DATA_HOME");
	unsetenv("HOME");
	dir = storedir_find(NULL);
	assert_non_null(dir);
	assert_int_equal(dir[0], '/');
	free(dir);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_that_names_a_directory_wins),
		cmocka_unit_test(without_home_the_account_has_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
