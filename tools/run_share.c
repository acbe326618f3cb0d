#include "tools/run_share.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "store/directory.h"
#include "store/lockfile.h"

/* -1: errno. */
static int
open_lock(const char *dir)
{
	char *path = directory_path(dir, RUN_LOCK);
	int fd;

	if (!path) {
		errno = ENOMEM;
		return -1;
	}
	fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	free(path);
	return fd;
}

int
run_share(int *fd, const char *dir, int wait_ms)
{
	int rc = directory_make(dir);

	*fd = -1;
	if (rc == 0)
		rc = directory_make_file(dir, RUN_LOCK);
	if (rc)
		return rc;
	*fd = open_lock(dir);
	if (*fd < 0)
		return errno;
	rc = lockfile_lock(*fd, LOCK_SH, wait_ms);
	if (rc) {
		close(*fd);
		*fd = -1;
	}
	return rc;
}

/* A change of kind gives the shared lock up first, so a keeper may get it before
 * us; then it ends its proxy by itself. */
bool
run_share_is_last(int fd)
{
	return flock(fd, LOCK_EX | LOCK_NB) == 0;
}

int
run_share_alone(const char *dir)
{
	int fd = open_lock(dir);

	if (fd < 0)
		return errno;
	while (flock(fd, LOCK_EX) != 0)
		if (errno != EINTR)
			return errno;
	return 0;
}

const char *
run_share_strerror(int rc)
{
	switch (rc) {
	case DIRECTORY_WIDE:
		return "others may look into the directory, which holds more than "
		    "a store";
	case DIRECTORY_OWNER:
		return "the directory is another user's";
	case EWOULDBLOCK:
		return "the proxy of another run does not end";
	}
	return strerror(rc);
}
