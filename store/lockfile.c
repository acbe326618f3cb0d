#include "store/lockfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "store/directory.h"

enum { RETRY_MS = 5, PID_TEXT_MAX = 32 };

static int
open_file(int *fd, const char *dir, const char *name, bool make)
{
	char *path;
	int rc = make ? directory_make_file(dir, name) : 0;

	if (rc)
		return rc;
	if (!(path = directory_path(dir, name)))
		return ENOMEM;
	*fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	rc = *fd < 0 ? errno : 0;
	free(path);
	return rc;
}

static int
write_pid(int fd)
{
	char text[PID_TEXT_MAX];
	int n = snprintf(text, sizeof(text), "%ld\n", (long)getpid());

	if (ftruncate(fd, 0) != 0 || pwrite(fd, text, (size_t)n, 0) != n)
		return errno ? errno : EIO;
	return 0;
}

/* flock has no time limit of its own, and a signal would end a blocking one for
 * the whole process; waits here are rare and short, so asking again will do. */
int
lockfile_lock(int fd, int how, int wait_ms)
{
	const struct timespec nap = { 0, RETRY_MS * 1000000L };

	while (flock(fd, how | LOCK_NB) != 0) {
		if (errno == EINTR)
			continue;
		if (errno != EWOULDBLOCK || wait_ms <= 0)
			return errno;
		nanosleep(&nap, NULL);
		wait_ms -= RETRY_MS;
	}
	return 0;
}

int
lockfile_take(int *fd, const char *dir, const char *name, bool make,
    int wait_ms)
{
	int rc = open_file(fd, dir, name, make);

	if (rc) {
		*fd = -1;
		return rc;
	}
	rc = lockfile_lock(*fd, LOCK_EX, wait_ms);
	/* A full disk must not keep the recorder from starting: the lock holds
	 * without its text. */
	if (rc == 0 && make)
		(void)write_pid(*fd);
	if (rc) {
		close(*fd);
		*fd = -1;
	}
	return rc;
}

void
lockfile_drop(int fd)
{
	if (fd >= 0)
		close(fd);
}

long
lockfile_holder(const char *dir, const char *name)
{
	char text[PID_TEXT_MAX] = { 0 };
	long pid = 0;
	int fd;

	if (open_file(&fd, dir, name, false) != 0)
		return 0;
	if (flock(fd, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK &&
	    pread(fd, text, sizeof(text) - 1, 0) > 0)
		pid = strtol(text, NULL, 10);
	close(fd);
	return pid > 0 ? pid : 0;
}
