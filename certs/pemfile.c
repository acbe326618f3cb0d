#include "certs/pemfile.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "certs/error.h"
#include "certs/mbed.h"

/* All room is made before the first byte comes, so that no copy of a key stays
 * behind in memory that realloc has left. */
static int
read_all(struct bytes *b, int fd, size_t max)
{
	uint8_t *to;
	ssize_t n;

	if (!bytes_reserve(b, max + 1))
		return ENOMEM;
	for (size_t got = 0;;) {
		to = bytes_reserve(b, max + 1 - got);
		n = read(fd, to, max + 1 - got);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno;
		if (n == 0) {
			*to = '\0';
			return 0;
		}
		b->len += (size_t)n;
		got += (size_t)n;
		if (got > max)
			return CERTS_FILE_LARGE;
	}
}

int
pemfile_read(struct bytes *b, int dirfd, const char *name, size_t max,
    struct stat *st)
{
	/* Not to wait for a writer, should it be a FIFO. */
	int fd = openat(dirfd, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK), rc = 0;
	struct stat own;

	if (fd < 0)
		return errno;
	if (!st)
		st = &own;
	if (fstat(fd, st) < 0)
		rc = errno;
	else if (S_ISDIR(st->st_mode))
		rc = EISDIR;
	else if (!S_ISREG(st->st_mode))
		rc = EINVAL;
	else if (st->st_size > (off_t)max)
		rc = CERTS_FILE_LARGE;
	else
		rc = read_all(b, fd, (size_t)st->st_size);
	close(fd);
	return rc;
}

static int
write_all(int fd, const uint8_t *p, size_t len)
{
	ssize_t n;

	while (len > 0) {
		n = write(fd, p, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno;
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

int
pemfile_write(int dirfd, const char *name, mode_t mode, const void *p,
    size_t len)
{
	int fd = openat(dirfd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
	    0600);
	int rc;

	if (fd < 0)
		return errno;
	rc = write_all(fd, p, len);
	if (rc == 0 && (fchmod(fd, mode) < 0 || fsync(fd) < 0))
		rc = errno;
	if (close(fd) < 0 && rc == 0)
		rc = errno;
	if (rc)
		unlinkat(dirfd, name, 0);
	return rc;
}

void
pemfile_wipe(struct bytes *b)
{
	if (b->p)
		mbedtls_platform_zeroize(b->p, b->cap);
	bytes_fini(b);
}
