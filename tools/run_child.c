#include "tools/run_child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif

#include "tools/run.h"

/* SIGCHLD wakes us; the others are for the program. */
static const int caught[] = {
	SIGCHLD, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2, SIGALRM, SIGCONT,
};
static const int ignored[] = { SIGINT, SIGQUIT };

enum {
	N_CAUGHT = sizeof(caught) / sizeof(caught[0]),
	N_IGNORED = sizeof(ignored) / sizeof(ignored[0]),
};

/* What the signals did before, for the program and for us afterwards. */
struct before {
	struct sigaction caught[N_CAUGHT], ignored[N_IGNORED];
	sigset_t mask;
};

static int wake[2] = { -1, -1 };	/* signals come out of a pipe */

static void
on_signal(int sig)
{
	int saved = errno;
	unsigned char c = (unsigned char)sig;

	(void)!write(wake[1], &c, 1);
	errno = saved;
}

/* nohup and the like have signals ignored: that is for the program, too. */
static void
take_signals(struct before *b)
{
	struct sigaction sa = { .sa_handler = on_signal, .sa_flags = SA_RESTART };
	struct sigaction ignore = { .sa_handler = SIG_IGN };
	sigset_t ours;

	sigfillset(&sa.sa_mask);
	sigemptyset(&ours);
	for (int i = 0; i < N_CAUGHT; i++) {
		sigaddset(&ours, caught[i]);
		sigaction(caught[i], NULL, &b->caught[i]);
		if (b->caught[i].sa_handler != SIG_IGN || caught[i] == SIGCHLD)
			sigaction(caught[i], &sa, NULL);
	}
	for (int i = 0; i < N_IGNORED; i++)
		sigaction(ignored[i], &ignore, &b->ignored[i]);
	/* Whoever started us may have left them blocked. */
	sigprocmask(SIG_UNBLOCK, &ours, &b->mask);
}

static void
give_signals_back(const struct before *b)
{
	for (int i = 0; i < N_CAUGHT; i++)
		sigaction(caught[i], &b->caught[i], NULL);
	for (int i = 0; i < N_IGNORED; i++)
		sigaction(ignored[i], &b->ignored[i], NULL);
	sigprocmask(SIG_SETMASK, &b->mask, NULL);
}

/* In the child: does not return. */
static void
become(char **argv, const struct block *b, const struct before *before, int told)
{
	int err = ENOMEM;

	give_signals_back(before);
	if (block_set(b)) {
		execvp(argv[0], argv);
		err = errno;
	}
	(void)!write(told, &err, sizeof(err));
	_exit(127);
}

/* The errno of an exec that failed; 0: the pipe closed, the program runs. */
static int
exec_result(int fd)
{
	int err = 0;
	ssize_t n;

	do
		n = read(fd, &err, sizeof(err));
	while (n < 0 && errno == EINTR);
	return n == (ssize_t)sizeof(err) ? err : 0;
}

static int
start(char **argv, const struct block *b, const struct before *before, pid_t *pid)
{
	int told[2], err;

	if (!run_pipe(told))
		return errno;
	*pid = fork();
	if (*pid == 0)
		become(argv, b, before, told[1]);
	err = *pid < 0 ? errno : 0;
	close(told[1]);
	if (*pid > 0 && (err = exec_result(told[0])))
		waitpid(*pid, NULL, 0);
	close(told[0]);
	return err;
}

static void
pass_on(pid_t pid)
{
	unsigned char sig[64];
	ssize_t n = read(wake[0], sig, sizeof(sig));

	for (ssize_t i = 0; i < n; i++)
		if (sig[i] != SIGCHLD)
			kill(pid, sig[i]);
}

/* The keeper of a proxy is a child of ours, too. */
static int
attend(pid_t pid, struct run_log *l)
{
	int status;

	while (waitpid(pid, &status, WNOHANG) != pid) {
		struct pollfd fds[] = {
			{ .fd = wake[0], .events = POLLIN },
			{ .fd = l->fd, .events = POLLIN },
		};

		if (poll(fds, 2, -1) < 0)
			continue;
		if (fds[0].revents)
			pass_on(pid);
		if (fds[1].revents)
			run_log_read(l);
		if (fds[1].revents && l->fd < 0)
			run_say("the proxy has ended: calls fail from here on");
	}
	return status;
}

int
run_child(char **argv, const struct block *b, struct run_log *l, int *status)
{
	struct before before;
	pid_t pid = -1;
	int err;

	if (!run_pipe(wake))
		return errno;
	/* A handler must never wait for us. */
	fcntl(wake[1], F_SETFL, O_NONBLOCK);
	fcntl(wake[0], F_SETFL, O_NONBLOCK);
	take_signals(&before);
	err = start(argv, b, &before, &pid);
	if (err == 0)
		*status = attend(pid, l);
	give_signals_back(&before);
	close(wake[0]);
	close(wake[1]);
	return err;
}

static void
no_core(void)
{
	const struct rlimit none = { 0, 0 };

	setrlimit(RLIMIT_CORE, &none);
#ifdef __linux__
	/* A limit does not stop a core that is piped to a program (core(5)). */
	prctl(PR_SET_DUMPABLE, 0);
#endif
}

_Noreturn void
run_child_end_as(int status)
{
	sigset_t set;
	int sig;

	if (WIFEXITED(status))
		exit(WEXITSTATUS(status));
	sig = WTERMSIG(status);
	no_core();
	fflush(NULL);
	signal(sig, SIG_DFL);
	sigemptyset(&set);
	sigaddset(&set, sig);
	kill(getpid(), sig);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	exit(128 + sig);
}
