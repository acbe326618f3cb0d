#include "tools/doctor.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tools/canary_wire.h"

enum { NAP_MS = 5, SAID_MAX = 256 };

/* In a process group of its own: a script's children end with it.  0 or an errno. */
static int
start(pid_t *pid, int out)
{
	char *argv[] = { (char *)"node", (char *)"--version", NULL };
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	int rc = posix_spawn_file_actions_init(&files);

	if (rc)
		return rc;
	if ((rc = posix_spawnattr_init(&attr)) != 0) {
		posix_spawn_file_actions_destroy(&files);
		return rc;
	}
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETPGROUP);
	rc = posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null",
	    O_RDONLY, 0);
	if (rc == 0)
		rc = posix_spawn_file_actions_adddup2(&files, out, STDOUT_FILENO);
	if (rc == 0)
		rc = posix_spawn_file_actions_addopen(&files, STDERR_FILENO,
		    "/dev/null", O_WRONLY, 0);
	if (rc == 0)
		rc = posix_spawnp(pid, argv[0], &files, &attr, argv, environ);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&files);
	return rc;
}

static int64_t
ms_left(int64_t until_ns)
{
	int64_t left = (until_ns - wire_now_ns()) / 1000000;

	return left > 0 ? left : 0;
}

/* What it says, NUL-terminated, until it is silent or the time is over. */
static void
listen_to(int fd, char said[SAID_MAX], int64_t until_ns)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	size_t len = 0;
	ssize_t n = 1;

	while (n > 0 && len < SAID_MAX - 1) {
		int ready = poll(&p, 1, (int)ms_left(until_ns));

		if (ready < 0 && errno == EINTR)
			continue;
		if (ready <= 0)
			break;
		n = read(fd, said + len, SAID_MAX - 1 - len);
		len += n > 0 ? (size_t)n : 0;
	}
	said[len] = '\0';
}

static void
end(pid_t pid, int64_t until_ns)
{
	const struct timespec nap = { 0, NAP_MS * 1000000L };

	while (waitpid(pid, NULL, WNOHANG) == 0) {
		if (ms_left(until_ns) == 0) {
			kill(-pid, SIGKILL);
			waitpid(pid, NULL, 0);
			return;
		}
		nanosleep(&nap, NULL);
	}
}

/* HTTPS_PROXY is heeded, if one asks for it, from 22.21 and 24.0 on; 23 never learnt
 * it. */
static bool
knows_proxies(unsigned major, unsigned minor)
{
	return major >= 24 || (major == 22 && minor >= 21);
}

void
doctor_node_find(struct doctor_node *n, int64_t timeout_ms)
{
	int64_t until_ns = wire_now_ns() + timeout_ms * 1000000;
	unsigned major, minor, patch;
	char said[SAID_MAX];
	pid_t pid;
	int fd[2], rc;

	memset(n, 0, sizeof(*n));
	n->is = NODE_ODD;
	if (pipe2(fd, O_CLOEXEC) != 0)
		return;
	rc = start(&pid, fd[1]);
	close(fd[1]);
	if (rc == 0) {
		listen_to(fd[0], said, until_ns);
		end(pid, until_ns);
	}
	close(fd[0]);
	if (rc == ENOENT)
		n->is = NODE_ABSENT;
	if (rc || sscanf(said, "v%4u.%4u.%4u", &major, &minor, &patch) != 3)
		return;
	n->is = knows_proxies(major, minor) ? NODE_GOOD : NODE_OLD;
	snprintf(n->version, sizeof(n->version), "%u.%u.%u", major, minor, patch);
}

static bool
asks_for_proxy(void)
{
	const char *use = getenv("NODE_USE_ENV_PROXY");
	const char *options = getenv("NODE_OPTIONS");

	return (use && strcmp(use, "1") == 0) ||
	    (options && strstr(options, "--use-env-proxy"));
}

static void
judge_good(struct finding *f, const struct doctor_node *n, bool wants_proxy,
    bool has_base_url)
{
	finding_set(f, VERDICT_OK, "Node %s knows proxy variables", n->version);
	if (!wants_proxy || asks_for_proxy())
		return;
	finding_set(f, has_base_url ? VERDICT_WARN : VERDICT_FAIL, "Node %s heeds "
	    "HTTPS_PROXY only with NODE_USE_ENV_PROXY=1, which is not set",
	    n->version);
	finding_remedy(f, "export NODE_USE_ENV_PROXY=1");
}

void
doctor_node(struct doctor *d, const struct doctor_node *n, bool wants_proxy,
    bool has_base_url)
{
	struct finding f = { .check = "node" };

	switch (n->is) {
	case NODE_ABSENT:
		finding_set(&f, VERDICT_SKIP, "no `node` on PATH");
		break;
	case NODE_ODD:
		finding_set(&f, VERDICT_WARN, "`node --version` does not tell its "
		    "version");
		finding_remedy(&f, "Node must be 22.21 or newer, but not 23, for "
		    "HTTPS_PROXY to be heeded: see `command -v node`");
		break;
	case NODE_OLD:
		finding_set(&f, has_base_url ? VERDICT_WARN : VERDICT_FAIL,
		    "Node %s, the first on PATH, does not know HTTPS_PROXY: its "
		    "traces%s go past tracetape", n->version, has_base_url ? "" :
		    " and calls");
		finding_remedy(&f, "use --base-url (`tracetape run%s --base-url -- "
		    "COMMAND`: calls, no traces), or a newer Node: 22.21, 24 or "
		    "later", d->same_store);
		break;
	case NODE_GOOD:
		judge_good(&f, n, wants_proxy, has_base_url);
		break;
	}
	report_put(d->report, &f);
}
