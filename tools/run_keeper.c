#include "tools/run_keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif
#ifdef __APPLE__
#include <mach-o/dyld.h>
#endif

#include "tools/run.h"
#include "tools/run_share.h"

enum {
	CONFIG_FD = 3,		/* RUN_CONFIG_FILE */
	FDS_ASIDE = 16,		/* where none of 0 to 3 is */
	FDS_MAX = 65536,
	EXIT_NO_PROGRAM = 3,
};

/* Of the keeper, for its signal handlers. */
static volatile sig_atomic_t proxy_pid, is_told;

static void
tell_proxy(void)
{
	/* A second signal would end it at once. */
	if (!is_told && proxy_pid > 0) {
		is_told = 1;
		kill((pid_t)proxy_pid, SIGTERM);
	}
}

static void
on_term(int sig)
{
	int saved = errno;

	(void)sig;
	tell_proxy();
	errno = saved;
}

static void
on_child(int sig)
{
	int saved = errno, status;

	(void)sig;
	if (waitpid((pid_t)proxy_pid, &status, WNOHANG) == (pid_t)proxy_pid)
		_exit(WIFEXITED(status) ? WEXITSTATUS(status) :
		    128 + WTERMSIG(status));
	errno = saved;
}

static void
run_ourselves(char **argv)
{
#if defined(__linux__)
	execv("/proc/self/exe", argv);
#elif defined(__APPLE__)
	char path[4096];
	uint32_t room = sizeof(path);

	if (_NSGetExecutablePath(path, &room) == 0)
		execv(path, argv);
#endif
	execvp(argv[0], argv);
}

/* The new numbers of fd[0..n), in this order, are 0 to n - 1; -1 leaves one out. */
static bool
place(int *fd, int n)
{
	for (int i = 0; i < n; i++)
		if (fd[i] >= 0 &&
		    (fd[i] = fcntl(fd[i], F_DUPFD_CLOEXEC, FDS_ASIDE)) < 0)
			return false;
	for (int i = 0; i < n; i++)
		if (fd[i] >= 0 && dup2(fd[i], i) < 0)
			return false;
	return true;
}

/* Whoever started us may have left more open, and wait for its end. */
static void
close_from(int first)
{
	struct rlimit rl;
	int end = FDS_MAX;

	if (getrlimit(RLIMIT_NOFILE, &rl) == 0 && rl.rlim_cur < FDS_MAX)
		end = (int)rl.rlim_cur;
	for (int fd = first; fd < end; fd++)
		close(fd);
}

static void
become_proxy(char **argv, int fd[CONFIG_FD + 1], pid_t keeper,
    const sigset_t *mask)
{
	signal(SIGTERM, SIG_DFL);
	signal(SIGINT, SIG_DFL);
	signal(SIGHUP, SIG_DFL);
	signal(SIGCHLD, SIG_DFL);
	sigprocmask(SIG_SETMASK, mask, NULL);
#ifdef __linux__
	prctl(PR_SET_PDEATHSIG, SIGTERM);
#endif
	/* It may have died before that. */
	if (getppid() != keeper)
		_exit(EXIT_NO_PROGRAM);
	if (place(fd, CONFIG_FD + 1)) {
		close_from(fd[CONFIG_FD] < 0 ? CONFIG_FD : CONFIG_FD + 1);
		run_ourselves(argv);
	}
	_exit(EXIT_NO_PROGRAM);
}

static void
handle(int sig, void (*on)(int))
{
	struct sigaction sa = { .sa_handler = on };

	sigfillset(&sa.sa_mask);	/* one handler at a time */
	sigaction(sig, &sa, NULL);
}

/* Never returns: the proxy's end is its end. */
static void
keep(const struct run_keeper_order *o, int fd[CONFIG_FD + 1])
{
	int nowhere[3] = { fd[0], fd[0], fd[0] };
	const pid_t self = getpid();
	sigset_t all, none;

	close(o->share);
	setsid();
	sigemptyset(&none);
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	handle(SIGTERM, on_term);
	handle(SIGCHLD, on_child);
	signal(SIGHUP, SIG_IGN);
	proxy_pid = fork();
	if (proxy_pid == 0)
		become_proxy(o->argv, fd, self, &none);
	if (proxy_pid < 0)
		_exit(EXIT_NO_PROGRAM);
	place(nowhere, 3);
	close_from(3);
	sigprocmask(SIG_SETMASK, &none, NULL);
	run_share_alone(o->dir);
	sigprocmask(SIG_SETMASK, &all, NULL);
	tell_proxy();
	sigprocmask(SIG_SETMASK, &none, NULL);
	for (;;)
		pause();
}

static void
close_pair(int fd[2])
{
	if (fd[0] >= 0)
		close(fd[0]);
	if (fd[1] >= 0)
		close(fd[1]);
	fd[0] = fd[1] = -1;
}

/* A pipe that holds config and its end.  A missing one gives -1. */
static bool
pipe_config(int fd[2], struct slice config)
{
	fd[0] = fd[1] = -1;
	if (!config.p)
		return true;
	if (!run_pipe(fd))
		return false;
	if (write(fd[1], config.p, config.len) != (ssize_t)config.len)
		return false;
	close(fd[1]);
	fd[1] = -1;
	return true;
}

bool
run_keeper_start(struct run_keeper *k, const struct run_keeper_order *o)
{
	int out[2] = { -1, -1 }, err[2] = { -1, -1 }, config[2] = { -1, -1 };
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	bool ok = null >= 0 && run_pipe(out) && run_pipe(err) &&
	    pipe_config(config, o->config);

	k->pid = ok ? fork() : -1;
	if (k->pid == 0) {
		int fd[CONFIG_FD + 1] = { null, out[1], err[1], config[0] };

		close(out[0]);
		close(err[0]);
		keep(o, fd);
	}
	ok = k->pid > 0;
	if (ok) {
		k->out = out[0];
		k->err = err[0];
		out[0] = err[0] = -1;
	}
	close_pair(out);
	close_pair(err);
	close_pair(config);
	if (null >= 0)
		close(null);
	return ok;
}
