/* run_dump.h - runs dump as a shell would, and keeps what it said. */
#ifndef TRACETAPE_TESTS_RUN_DUMP_H
#define TRACETAPE_TESTS_RUN_DUMP_H

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tools/verbs.h"

/* What a run of dump gave.  Output may hold NULs: len is what counts. */
struct ran {
	int code;
	size_t len;
	char out[256 * 1024];
	char err[4096];
};

static inline size_t
ran_read(FILE *f, char *to, size_t cap)
{
	size_t n;

	rewind(f);
	n = fread(to, 1, cap - 1, f);
	to[n] = '\0';
	fclose(f);
	return n;
}

/* Runs `dump line...`, words apart by one space, in a child: a process opens a
 * store once. */
static inline const struct ran *
sample_run(const char *line)
{
	static struct ran r;
	char words[512], *argv[32] = { (char *)(uintptr_t)"dump" };
	FILE *out = tmpfile(), *err = tmpfile();
	int argc = 1, status;
	pid_t pid;

	snprintf(words, sizeof(words), "%s", line);
	for (char *s = strtok(words, " "); s; s = strtok(NULL, " "))
		argv[argc++] = s;
	fflush(NULL);
	pid = fork();
	assert(pid >= 0 && out && err);
	if (pid == 0) {
		dup2(fileno(out), STDOUT_FILENO);
		dup2(fileno(err), STDERR_FILENO);
		exit(cmd_dump(argc, argv));
	}
	assert(waitpid(pid, &status, 0) == pid);
	r.code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
	r.len = ran_read(out, r.out, sizeof(r.out));
	ran_read(err, r.err, sizeof(r.err));
	return &r;
}

#endif
