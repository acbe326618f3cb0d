#include "tools/savefile.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "certs/pemfile.h"

static int
write_beside(const char *file, struct slice content)
{
	char *new = NULL;
	int rc;

	/* The number keeps two of us apart; a name that is taken fails. */
	if (asprintf(&new, "%s.%ld.new", file, (long)getpid()) < 0)
		return ENOMEM;
	rc = pemfile_write(AT_FDCWD, new, 0644, content.p, content.len);
	if (rc == 0 && rename(new, file) < 0) {
		rc = errno;
		unlink(new);
	}
	free(new);
	return rc;
}

int
savefile_put(const char *file, enum savefile_how how, struct slice content)
{
	struct stat st;
	char *target;
	int rc;

	if (fstatat(AT_FDCWD, file, &st,
	    how == SAVEFILE_REPLACE ? AT_SYMLINK_NOFOLLOW : 0) < 0)
		return errno == ENOENT ? write_beside(file, content) : errno;
	if (S_ISLNK(st.st_mode))
		return write_beside(file, content);
	if (!S_ISREG(st.st_mode))
		return EINVAL;
	target = how == SAVEFILE_REPLACE ? strdup(file) : realpath(file, NULL);
	if (!target)
		return errno;
	rc = write_beside(target, content);
	free(target);
	return rc;
}

bool
savefile_has(const char *file, struct slice content)
{
	struct bytes now = { 0 };
	bool has = pemfile_read(&now, AT_FDCWD, file, content.len, NULL) == 0 &&
	    slice_eq(bytes_slice(&now), content);

	bytes_fini(&now);
	return has;
}
