#include "tools/storedir.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char storedir_remedy[] =
    "no directory for the store: give -s DIR or set TRACETAPE_STORE";

static const char *
env(const char *name)
{
	const char *s = getenv(name);

	return s && *s ? s : NULL;
}

static const char *
home(void)
{
	const char *dir = env("HOME");
	const struct passwd *pw = dir ? NULL : getpwuid(getuid());

	return pw ? pw->pw_dir : dir;
}

char *
storedir_find(const char *option)
{
	const char *dir = option && *option ? option : env("TRACETAPE_STORE");
	const char *data = env("XDG_DATA_HOME");
	char *out = NULL;

	if (dir)
		return strdup(dir);
	/* The XDG specification: relative paths in its variables are ignored. */
	if (data && data[0] == '/')
		return asprintf(&out, "%s/tracetape", data) < 0 ? NULL : out;
	dir = home();
	if (!dir)
		return NULL;
	return asprintf(&out, "%s/.local/share/tracetape", dir) < 0 ? NULL : out;
}
