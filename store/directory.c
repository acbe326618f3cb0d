#include "store/directory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define KEY_FILE "key"
#define KEY_TEMPORARY "key.tmp"

enum { OTHERS = S_IRWXG | S_IRWXO };

char *
directory_path(const char *dir, const char *name)
{
	char *path;

	return asprintf(&path, "%s/%s", dir, name) < 0 ? NULL : path;
}

/* Makes path and its parents; path is changed and restored. */
static int
make_all(char *path)
{
	char *slash = strrchr(path, '/');
	int rc = 0;

	if (mkdir(path, 0700) == 0)	/* less the umask, which may be all */
		return chmod(path, 0700) == 0 ? 0 : errno;
	if (errno == EEXIST)
		return 0;
	if (errno != ENOENT || !slash || slash == path)
		return errno;
	*slash = '\0';
	rc = make_all(path);
	*slash = '/';
	if (rc)
		return rc;
	if (mkdir(path, 0700) != 0)
		return errno == EEXIST ? 0 : errno;
	return chmod(path, 0700) == 0 ? 0 : errno;
}

static bool
is_empty(int dir)
{
	int copy = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = copy < 0 ? NULL : fdopendir(copy);
	struct dirent *e;
	bool empty = d != NULL;

	while (empty && (e = readdir(d)))
		empty = strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0;
	if (d)
		closedir(d);
	else if (copy >= 0)
		close(copy);
	return empty;
}

static bool
is_store(int dir)
{
	return faccessat(dir, "data.mdb", F_OK, AT_SYMLINK_NOFOLLOW) == 0 &&
	    faccessat(dir, KEY_FILE, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static int
check(int dir)
{
	struct stat st;

	if (fstat(dir, &st) != 0)
		return errno;
	if (st.st_uid != geteuid())
		return DIRECTORY_OWNER;
	if ((st.st_mode & OTHERS) == 0)
		return 0;
	if (!is_empty(dir) && !is_store(dir))
		return DIRECTORY_WIDE;
	return fchmod(dir, 0700) == 0 ? 0 : errno;
}

int
directory_make(const char *dir)
{
	size_t len = strlen(dir);
	char *path;
	int fd, rc;

	if (len == 0)
		return ENOENT;
	if (!(path = strdup(dir)))
		return ENOMEM;
	while (len > 1 && path[len - 1] == '/')
		path[--len] = '\0';
	rc = make_all(path);
	free(path);
	if (rc)
		return rc;
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return errno;
	rc = check(fd);
	close(fd);
	return rc;
}

/* Root reading a user's store must not leave files there that the user's own
 * recorder cannot open. */
static int
give_to_owner(int fd, const char *dir)
{
	struct stat st;

	if (geteuid() != 0)
		return 0;
	if (stat(dir, &st) != 0)
		return errno;
	return fchown(fd, st.st_uid, st.st_gid) == 0 ? 0 : errno;
}

static int
check_file(int fd)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return errno;
	if (!S_ISREG(st.st_mode))
		return EINVAL;
	if ((st.st_mode & 07777) != 0600 && fchmod(fd, 0600) != 0)
		return errno;
	return 0;
}

int
directory_make_file(const char *dir, const char *name)
{
	const int flags = O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
	char *path = directory_path(dir, name);
	int fd, rc = 0;

	if (!path)
		return ENOMEM;
	fd = open(path, flags | O_CREAT | O_EXCL, 0600);
	if (fd >= 0)
		rc = give_to_owner(fd, dir);
	else if (errno == EEXIST)
		fd = open(path, flags);
	if (fd < 0)
		rc = errno;
	if (rc == 0)
		rc = check_file(fd);
	if (fd >= 0)
		close(fd);
	free(path);
	return rc;
}

int
directory_sync(const char *dir)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int rc = 0;

	if (fd < 0)
		return errno;
	if (fsync(fd) != 0)
		rc = errno;
	close(fd);
	return rc;
}

/* ENOENT: there is none. */
static int
read_key(const char *path, uint8_t key[DIRECTORY_KEY_LEN])
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct stat st;
	int rc = DIRECTORY_KEY;

	if (fd < 0)
		return errno == ENOENT ? ENOENT : DIRECTORY_KEY;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
	    st.st_uid == geteuid() && (st.st_mode & OTHERS) == 0 &&
	    st.st_size == DIRECTORY_KEY_LEN &&
	    read(fd, key, DIRECTORY_KEY_LEN) == DIRECTORY_KEY_LEN)
		rc = 0;
	close(fd);
	return rc;
}

static int
write_key(const char *path, const uint8_t key[DIRECTORY_KEY_LEN])
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	ssize_t n;
	int rc = 0;

	if (fd < 0)
		return errno;
	if (fchmod(fd, 0600) != 0)
		rc = errno;
	else if ((n = write(fd, key, DIRECTORY_KEY_LEN)) != DIRECTORY_KEY_LEN)
		rc = n < 0 ? errno : ENOSPC;
	else if (fsync(fd) != 0)
		rc = errno;
	if (close(fd) != 0 && rc == 0)
		rc = errno;
	return rc;
}

static int
make_key(const char *dir, const char *path, uint8_t key[DIRECTORY_KEY_LEN])
{
	char *temporary = directory_path(dir, KEY_TEMPORARY);
	int rc = 0;

	if (!temporary)
		return ENOMEM;
	if (getentropy(key, DIRECTORY_KEY_LEN) != 0)
		rc = errno;
	else if (unlink(temporary) != 0 && errno != ENOENT)
		rc = errno;
	else if ((rc = write_key(temporary, key)) == 0 &&
	    rename(temporary, path) != 0)
		rc = errno;
	if (rc == 0)
		rc = directory_sync(dir);
	free(temporary);
	return rc;
}

int
directory_key(const char *dir, uint8_t key[DIRECTORY_KEY_LEN])
{
	char *path = directory_path(dir, KEY_FILE);
	int rc;

	if (!path)
		return ENOMEM;
	rc = read_key(path, key);
	if (rc == ENOENT)
		rc = make_key(dir, path, key);
	free(path);
	return rc;
}
