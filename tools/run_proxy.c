#include "tools/run_proxy.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tools/run_share.h"
#include "tools/run_via.h"

enum {
	SHARE_WAIT_MS = 60000,		/* for the proxy of another run to end */
	LOOK_WAIT_MS = 5000,		/* for one that starts to say where it is */
	START_MS = 30000,
	END_GRACE_MS = 5000,		/* beyond the drain */
	END_LOOK_MS = 10,
	ARGS_OWN_MAX = 24,
	VALUE_MAX = 32,
};

/* What the user says comes later and wins.  A private proxy is for this machine's
 * clients alone; what a configuration says about other listeners and passwords is
 * meant for a proxy that others reach too. */
static const char *const own_args[] = {
	"tracetape", "proxy",
	"--listen", "127.0.0.1:0",
	"--set", "listen.tls=",
	"--set", "forward.auth_file=",
};

enum { N_OWN_ARGS = sizeof(own_args) / sizeof(own_args[0]) };

static char *
lent(const char *s)
{
	return (char *)(uintptr_t)s;	/* exec takes them without const */
}

/* What the environment says about the way out, for RUN_CONFIG_FILE. */
static void
read_way_out(struct bytes *config)
{
	const char *why;
	bool ok = run_via_put(config, &why);

	if (why)
		run_say("the proxy that HTTPS_PROXY names is not used: %s", why);
	else if (!ok)
		run_say("the proxy that HTTPS_PROXY names is not used");
}

static bool
start_keeper(struct run_proxy *p, const char *dir, const struct run_options *o,
    int drain_s)
{
	char *argv[N_OWN_ARGS + ARGS_OWN_MAX + 2 * RUN_OPTIONS_MAX];
	struct bytes config = { 0 };
	char drain[VALUE_MAX];
	size_t n = 0;
	bool ok;

	for (size_t i = 0; i < N_OWN_ARGS; i++)
		argv[n++] = lent(own_args[i]);
	/* The program could reach private hosts without us: it shall with us. */
	if (!o->has_tunnel_rules) {
		argv[n++] = lent("--set");
		argv[n++] = lent("forward.tunnel_to=0.0.0.0/0 ::/0");
	}
	snprintf(drain, sizeof(drain), "proxy.drain_s=%d", drain_s);
	argv[n++] = lent("--set");
	argv[n++] = drain;
	argv[n++] = lent("--store");
	argv[n++] = lent(dir);
	read_way_out(&config);
	if (config.len > 0) {
		argv[n++] = lent("-c");
		argv[n++] = lent(RUN_CONFIG_FILE);
	}
	for (size_t i = 0; i < o->n; i++)
		argv[n++] = lent(o->arg[i]);
	argv[n] = NULL;
	ok = run_keeper_start(&p->keeper, &(struct run_keeper_order){
		.dir = dir,
		.argv = argv,
		.config = config.len > 0 ? bytes_slice(&config) :
		    (struct slice){ NULL, 0 },
		.share = p->share,
	});
	bytes_fini(&config);
	return ok;
}

/* Reads the proxy's stdout until it listens, its stderr meanwhile. */
static bool
await_listening(struct run_proxy *p)
{
	int64_t end = run_now_ms() + START_MS, left;
	char said[1024] = "";
	size_t len = 0;
	ssize_t n = 1;

	while (n > 0 && !strstr(said, "listening http://") &&
	    (left = end - run_now_ms()) > 0) {
		struct pollfd fds[] = {
			{ .fd = p->keeper.out, .events = POLLIN },
			{ .fd = p->log.fd, .events = POLLIN },
		};

		if (poll(fds, 2, (int)left) < 0 && errno != EINTR)
			break;
		run_log_read(&p->log);
		if (!fds[0].revents)
			continue;
		n = read(p->keeper.out, said + len, sizeof(said) - 1 - len);
		if (n > 0)
			said[len += (size_t)n] = '\0';
	}
	return strstr(said, "listening http://") != NULL;
}

/* Waits for the keeper's end, reading on what its proxy says; false: it goes on. */
static bool
reap(struct run_proxy *p, int wait_ms)
{
	const struct timespec nap = { 0, END_LOOK_MS * 1000000L };
	int64_t end = run_now_ms() + wait_ms;
	pid_t got;

	while ((got = waitpid(p->keeper.pid, NULL, WNOHANG)) == 0 ||
	    (got < 0 && errno == EINTR)) {
		if (run_now_ms() >= end)
			return false;
		run_log_read(&p->log);
		nanosleep(&nap, NULL);
	}
	run_log_read(&p->log);
	return true;
}

/* It did not start, or another run was faster. */
static void
drop_keeper(struct run_proxy *p)
{
	kill(p->keeper.pid, SIGTERM);
	if (!reap(p, END_GRACE_MS)) {
		kill(p->keeper.pid, SIGKILL);
		reap(p, END_GRACE_MS);
	}
	run_log_close(&p->log);
	p->is_ours = false;
}

static int
start(struct run_proxy *p, const char *dir, const struct run_options *o,
    int drain_s)
{
	char err[RUNNING_ERROR_MAX];

	if (!start_keeper(p, dir, o, drain_s)) {
		run_say("cannot start a proxy: %s", strerror(errno));
		return RUN_TROUBLE;
	}
	p->is_ours = true;
	run_log_init(&p->log, p->keeper.err);
	p->log.is_starting = true;
	if (!await_listening(p))
		drop_keeper(p);
	close(p->keeper.out);
	if (running_find(&p->is, dir, LOOK_WAIT_MS, err) == RUNNING_YES) {
		p->log.is_starting = false;
		return 0;
	}
	if (p->is_ours)
		drop_keeper(p);
	run_say("the proxy does not start: %s", p->log.error[0] ? p->log.error :
	    "it says nothing");
	return RUN_TROUBLE;
}

/* A proxy that was there knows nothing of our options. */
static int
check_options(const struct run_proxy *p, const char *dir,
    const struct run_options *o)
{
	struct slice is = p->is.status.upstream;

	if (o->n == 0)
		return 0;
	if (o->upstream && (is.len != strlen(o->upstream) ||
	    memcmp(is.p, o->upstream, is.len) != 0)) {
		run_say("process %lld records into %s already, with the upstream "
		    "%s: give another store with -s DIR",
		    (long long)p->is.status.pid, dir, is.p ? is.p : "?");
		return RUN_TROUBLE;
	}
	if (o->n > (o->upstream ? 2 : 0))
		run_say("process %lld records into %s already: options for a "
		    "proxy of our own do not count",
		    (long long)p->is.status.pid, dir);
	return 0;
}

int
run_proxy_get(struct run_proxy *p, const char *dir,
    const struct run_options *o, int drain_s)
{
	char err[RUNNING_ERROR_MAX];
	int rc;

	memset(p, 0, sizeof(*p));
	run_log_init(&p->log, -1);
	rc = run_share(&p->share, dir, SHARE_WAIT_MS);
	if (rc) {
		run_say("store %s: %s", dir, run_share_strerror(rc));
		return RUN_TROUBLE;
	}
	switch (running_find(&p->is, dir, LOOK_WAIT_MS, err)) {
	case RUNNING_YES:
		return check_options(p, dir, o);
	case RUNNING_NO:
		rc = start(p, dir, o, drain_s);
		return rc || p->is_ours ? rc : check_options(p, dir, o);
	default:
		run_say("%s", err);
		return RUN_TROUBLE;
	}
}

void
run_proxy_end(struct run_proxy *p, int drain_s)
{
	int wait_ms = drain_s * 1000 + END_GRACE_MS;

	if (p->is_ours && run_share_is_last(p->share)) {
		kill(p->keeper.pid, SIGTERM);
		if (!reap(p, wait_ms)) {
			run_say("the proxy does not end: it is left to itself");
			kill(p->keeper.pid, SIGKILL);
		}
	}
	run_log_close(&p->log);
	if (p->share >= 0)
		close(p->share);
	p->share = -1;
	running_fini(&p->is);
}
