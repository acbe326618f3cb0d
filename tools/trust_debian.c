#include "tools/trust_debian.h"

#include <errno.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tools/savefile.h"

/* Not const: posix_spawn takes its arguments so. */
static char tool[] = "/usr/sbin/update-ca-certificates";

extern char **environ;

/* Other systems have a program of that name that does other things. */
static int
check(void)
{
	if (access("/etc/debian_version", F_OK) < 0)
		return TRUST_NOT_DEBIAN;
	if (access(tool, X_OK) < 0)
		return TRUST_NO_TOOL;
	return geteuid() == 0 ? 0 : TRUST_NOT_ROOT;
}

/* Without --fresh it does not notice a file that changed under the same name, or went:
 * the links by hash, by which OpenSSL finds roots, would stay the old CA's. */
static int
run_tool(bool is_fresh)
{
	char fresh[] = "--fresh", *argv[] = { tool, is_fresh ? fresh : NULL, NULL };
	posix_spawn_file_actions_t to_stderr;
	int rc = posix_spawn_file_actions_init(&to_stderr), status;
	pid_t pid;

	if (rc)
		return rc;
	rc = posix_spawn_file_actions_adddup2(&to_stderr, STDERR_FILENO,
	    STDOUT_FILENO);
	if (rc == 0)
		rc = posix_spawn(&pid, tool, &to_stderr, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&to_stderr);
	if (rc)
		return rc;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return errno;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 :
	    TRUST_TOOL_FAILED;
}

int
trust_debian_install(struct slice pem)
{
	bool was_there = access(TRUST_DEBIAN_FILE, F_OK) == 0;
	int rc = check();

	if (rc == 0)
		rc = savefile_put(TRUST_DEBIAN_FILE, SAVEFILE_REPLACE, pem);
	return rc ? rc : run_tool(was_there);
}

int
trust_debian_uninstall(void)
{
	int rc = check();

	if (rc == 0 && unlink(TRUST_DEBIAN_FILE) < 0)
		rc = errno == ENOENT ? TRUST_ABSENT : errno;
	return rc ? rc : run_tool(true);
}

const char *
trust_debian_strerror(int rc)
{
	switch (rc) {
	case TRUST_NOT_DEBIAN:
		return "this is not Debian or its like: `tracetape ca install` "
		    "without --system prints the commands for others";
	case TRUST_NO_TOOL:
		return "update-ca-certificates is not there: "
		    "apt-get install ca-certificates";
	case TRUST_NOT_ROOT:
		return "changing the system's roots needs root";
	case TRUST_TOOL_FAILED:
		return "update-ca-certificates failed";
	case TRUST_ABSENT:
		return TRUST_DEBIAN_FILE " is not there";
	}
	return strerror(rc);
}
