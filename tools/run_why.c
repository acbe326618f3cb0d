#include "tools/run_why.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tools/run.h"
#include "tools/run_log.h"

enum { VERSION_WAIT_MS = 5000, VERSION_MAX = 64 };

static const char *
base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* "python3.11" is like "python". */
static bool
is_like(const char *name, const char *const *family, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		size_t len = strlen(family[i]);

		if (strncmp(name, family[i], len) == 0 &&
		    strspn(name + len, "0123456789.-") == strlen(name + len))
			return true;
	}
	return false;
}

bool
run_why_node_heeds(const char *version)
{
	unsigned major, minor;

	if (sscanf(version, "v%u.%u", &major, &minor) != 2)
		return true;
	return major >= 24 || (major == 22 && minor >= 21);
}

static void
ask(const char *program, int to)
{
	int null = open("/dev/null", O_RDWR);

	dup2(null, STDIN_FILENO);
	dup2(to, STDOUT_FILENO);
	dup2(null, STDERR_FILENO);
	execlp(program, program, "--version", (char *)NULL);
	_exit(127);
}

/* The first line that program --version prints; "" when it prints none in time. */
static void
ask_version(const char *program, char version[VERSION_MAX])
{
	int64_t end = run_now_ms() + VERSION_WAIT_MS, left;
	size_t len = 0;
	ssize_t n = 1;
	int fd[2];
	pid_t pid;

	version[0] = '\0';
	if (!run_pipe(fd))
		return;
	pid = fork();
	if (pid == 0)
		ask(program, fd[1]);
	close(fd[1]);
	while (pid > 0 && n > 0 && len < VERSION_MAX - 1 &&
	    (left = end - run_now_ms()) > 0) {
		struct pollfd p = { .fd = fd[0], .events = POLLIN };

		if (poll(&p, 1, (int)left) <= 0)
			continue;
		n = read(fd[0], version + len, VERSION_MAX - 1 - len);
		if (n > 0)
			len += (size_t)n;
	}
	version[len] = '\0';
	version[strcspn(version, "\r\n")] = '\0';
	close(fd[0]);
	if (pid > 0) {
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
}

static const char old_node[] = "knows no proxy variables: those that do are 22.21 "
    "and later 22, and 24 and later; with this one `tracetape run --base-url` "
    "records the calls";

static void
put_node(struct bytes *out, const char *program)
{
	char version[VERSION_MAX];

	ask_version(program, version);
	if (!run_why_node_heeds(version))
		bytes_printf(out, "Node %s %s", version, old_node);
	else
		bytes_puts(out, "did it call the API at all?  A client with a "
		    "dispatcher, agent or base URL of its own, and WebSockets of "
		    "the package ws, heed no proxy variables");
}

/* What else is known of a program by its name. */
static void
put_by_name(struct bytes *out, const char *program)
{
	static const char *const node[] = { "node", "nodejs" };
	static const char *const around_node[] = {
		"npx", "npm", "pnpm", "pnpx", "yarn", "tsx", "ts-node", "next",
	};
	static const char *const python[] = {
		"python", "pypy", "uv", "uvx", "poetry", "pipx", "ipython", "jupyter",
	};
	const char *name = base_name(program);

	if (is_like(name, node, 2))
		put_node(out, program);
	else if (is_like(name, around_node, 8))
		bytes_printf(out, "did it call the API at all?  %s starts a Node "
		    "that must be 22.21 or a later 22, or 24 or later, to know "
		    "proxy variables (`node --version`); `tracetape run "
		    "--base-url` works with each", name);
	else if (is_like(name, (const char *const[]){ "bun", "deno" }, 2))
		bytes_printf(out, "did it call the API at all?  If so, %s may not "
		    "heed HTTPS_PROXY or NODE_EXTRA_CA_CERTS: try `tracetape run "
		    "--base-url`", name);
	else if (is_like(name, python, 8))
		bytes_puts(out, "did it call the API at all?  An http_client of "
		    "its own, or one with trust_env=False, heeds no proxy "
		    "variables: try `tracetape run --base-url`");
	else
		bytes_puts(out, "did it call the API at all?  If so, it may not "
		    "heed HTTPS_PROXY: try `tracetape run --base-url`, and "
		    "`tracetape doctor` for the proxy itself");
}

/* Does the URL name what we listen on? */
static bool
is_elsewhere(const struct run_situation *s)
{
	return s->base_url && !s->has_base_url &&
	    !strstr(s->base_url, s->address) &&
	    !strstr(s->base_url, "api.openai.com");
}

/* Its host alone: the rest may be secret. */
static void
put_host(struct bytes *out, const char *url)
{
	const char *host = strstr(url, "://"), *at;
	size_t len;

	host = host ? host + 3 : url;
	len = strcspn(host, "/?#");
	at = memchr(host, '@', len);
	if (at) {
		len -= (size_t)(at + 1 - host);
		host = at + 1;
	}
	bytes_put(out, host, len);
}

void
run_why_put(struct bytes *out, const struct run_situation *s)
{
	if (s->log->n_distrusted > 0) {
		bytes_puts(out, "the program refused our certificate: it has a "
		    "trust store of its own; `tracetape ca install` prints how "
		    "each of them learns to trust it");
	} else if (is_elsewhere(s)) {
		bytes_puts(out, "OPENAI_BASE_URL leads to ");
		put_host(out, s->base_url);
		bytes_puts(out, ", which is not intercepted: unset it, or add its "
		    "host to forward.intercept");
	} else {
		put_by_name(out, s->argv[0]);
	}
}
