#include "certs/ca_files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "certs/ca.h"
#include "certs/error.h"
#include "certs/pemfile.h"

#define LOCK_FILE "ca.lock"
#define NEW_KEY CA_KEY_FILE ".new"
#define NEW_CERT CA_CERT_FILE ".new"

static int
make_dir(const char *dir)
{
	return mkdir(dir, 0700) == 0 || errno == EEXIST ? 0 : errno;
}

static int
make_dirs(const char *dir)
{
	char *path = strdup(dir);
	int rc = 0;

	if (!path)
		return ENOMEM;
	for (char *p = path + 1; *path && *p; p++) {
		if (*p != '/')
			continue;
		*p = '\0';
		/* What exists need not be ours to write in: "/", "/home". */
		if (access(path, F_OK) < 0 && (rc = make_dir(path)) != 0)
			break;
		*p = '/';
	}
	free(path);
	return rc ? rc : make_dir(dir);
}

/* Root may work in a user's directory (sudo); a user only in his own. */
static bool
is_foreign(const struct stat *st)
{
	return st->st_uid != geteuid() && geteuid() != 0;
}

static int
check_dir(int dirfd)
{
	struct stat st;

	if (fstat(dirfd, &st) < 0)
		return errno;
	if ((st.st_mode & 022) != 0 || (is_foreign(&st) && st.st_uid != 0))
		return CERTS_DIR_SHARED;
	return 0;
}

/* A directory that we may not write in is read without a lock: whoever can change
 * it does so with renames, and a mixed pair is noticed. */
static int
take_lock(struct ca_files *f)
{
	f->lockfd = openat(f->dirfd, LOCK_FILE, O_RDWR | O_CREAT | O_CLOEXEC,
	    0600);
	if (f->lockfd < 0)
		return errno == EACCES || errno == EROFS ? 0 : errno;
	while (flock(f->lockfd, LOCK_EX) < 0)
		if (errno != EINTR)
			return errno;
	return 0;
}

static bool
exists(const struct ca_files *f, const char *name)
{
	struct stat st;

	return fstatat(f->dirfd, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

static int
move(const struct ca_files *f, const char *from, const char *to)
{
	return renameat(f->dirfd, from, f->dirfd, to) < 0 ? errno : 0;
}

/* The certificate first: alone it would mean something else. */
static void
drop_new(const struct ca_files *f)
{
	unlinkat(f->dirfd, NEW_CERT, 0);
	unlinkat(f->dirfd, NEW_KEY, 0);
}

/* Puts right what a program left that died with the lock. */
static int
recover(const struct ca_files *f)
{
	if (f->lockfd < 0)
		return 0;
	if (exists(f, NEW_CERT) && !exists(f, NEW_KEY))
		return move(f, NEW_CERT, CA_CERT_FILE);
	drop_new(f);
	return 0;
}

int
ca_files_open(struct ca_files *f, const char *dir, enum ca_files_how how)
{
	int rc = how == CA_FILES_MAKE ? make_dirs(dir) : 0;

	f->dirfd = f->lockfd = -1;
	if (rc)
		return rc;
	f->dirfd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (f->dirfd < 0)
		return errno == ENOENT ? CERTS_NO_CA : errno;
	rc = check_dir(f->dirfd);
	if (rc == 0)
		rc = take_lock(f);
	if (rc == 0)
		rc = recover(f);
	if (rc)
		ca_files_close(f);
	return rc;
}

void
ca_files_close(struct ca_files *f)
{
	if (f->lockfd >= 0)
		close(f->lockfd);
	if (f->dirfd >= 0)
		close(f->dirfd);
	f->dirfd = f->lockfd = -1;
}

int
ca_files_find(const struct ca_files *f)
{
	bool key = exists(f, CA_KEY_FILE), cert = exists(f, CA_CERT_FILE);

	if (key && cert)
		return 0;
	return key || cert ? CERTS_CA_HALF : CERTS_NO_CA;
}

int
ca_files_read(const struct ca_files *f, struct bytes *key, struct bytes *cert)
{
	struct stat st;
	int rc = pemfile_read(key, f->dirfd, CA_KEY_FILE, CA_FILE_MAX, &st);

	if (rc)
		return rc == CERTS_FILE_LARGE ? CERTS_KEY_BAD : rc;
	if ((st.st_mode & 077) != 0 || is_foreign(&st))
		return CERTS_KEY_SHARED;
	rc = pemfile_read(cert, f->dirfd, CA_CERT_FILE, CA_FILE_MAX, NULL);
	return rc == CERTS_FILE_LARGE ? CERTS_CERT_BAD : rc;
}

static int
sync_dir(const struct ca_files *f)
{
	return fsync(f->dirfd) < 0 ? errno : 0;
}

int
ca_files_write(const struct ca_files *f, struct slice key, struct slice cert)
{
	int rc = pemfile_write(f->dirfd, NEW_KEY, 0600, key.p, key.len);

	if (rc == 0)
		rc = pemfile_write(f->dirfd, NEW_CERT, 0644, cert.p, cert.len);
	if (rc == 0)
		rc = move(f, NEW_KEY, CA_KEY_FILE);
	if (rc) {
		drop_new(f);
		return rc;
	}
	rc = sync_dir(f);
	if (rc == 0)
		rc = move(f, NEW_CERT, CA_CERT_FILE);
	return rc ? rc : sync_dir(f);
}
