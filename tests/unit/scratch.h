/* scratch.h - a directory for one test, and commands in it.
 *
 * scratch_new makes it and goes there; scratch_free goes back and removes it.
 */
#ifndef TRACETAPE_TESTS_SCRATCH_H
#define TRACETAPE_TESTS_SCRATCH_H

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store/bytes.h"

struct scratch {
	char dir[64];
	int home;
};

static inline int
scratch_remove_one(const char *path, const struct stat *st, int type,
    struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

static inline int
scratch_new(void **state)
{
	struct scratch *s = calloc(1, sizeof(*s));

	snprintf(s->dir, sizeof(s->dir), "/tmp/tracetape-test.XXXXXX");
	s->home = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	*state = s;
	return s->home < 0 || !mkdtemp(s->dir) || chdir(s->dir) < 0;
}

static inline int
scratch_free(void **state)
{
	struct scratch *s = *state;
	int rc = fchdir(s->home);

	close(s->home);
	nftw(s->dir, scratch_remove_one, 16, FTW_DEPTH | FTW_PHYS);
	free(s);
	return rc;
}

/* Runs a shell command, silently.  Its exit status. */
__attribute__((format(printf, 1, 2))) static inline int
scratch_sh(const char *fmt, ...)
{
	char cmd[4096];
	va_list ap;
	int n, status;

	n = snprintf(cmd, sizeof(cmd), "exec >>sh.log 2>&1; ");
	va_start(ap, fmt);
	vsnprintf(cmd + n, sizeof(cmd) - (size_t)n, fmt, ap);
	va_end(ap);
	status = system(cmd);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static inline bool
scratch_has(const char *program)
{
	return scratch_sh("command -v %s", program) == 0;
}

static inline void
scratch_put(const char *name, const void *p, size_t n)
{
	FILE *f = fopen(name, "w");

	if (!f || fwrite(p, 1, n, f) != n || fclose(f) != 0)
		abort();
}

static inline struct bytes
scratch_get(const char *name)
{
	struct bytes b = { 0 };
	FILE *f = fopen(name, "r");
	int c;

	if (!f)
		abort();
	while ((c = getc(f)) != EOF)
		bytes_putc(&b, c);
	fclose(f);
	return b;
}

/* Permission bits, -1: not there. */
static inline int
scratch_mode(const char *name)
{
	struct stat st;

	return lstat(name, &st) < 0 ? -1 : (int)(st.st_mode & 07777);
}

#endif
