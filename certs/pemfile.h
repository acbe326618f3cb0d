/* pemfile.h - small files of certificates and keys, as a whole: read with a bound, made
 * with care for who may read them.
 *
 * Errors: 0, errno values, CERTS_FILE_LARGE.
 * Names:  relative to dirfd, which may be AT_FDCWD.
 */
#ifndef TRACETAPE_CERTS_PEMFILE_H
#define TRACETAPE_CERTS_PEMFILE_H

#include <sys/stat.h>

#include "store/bytes.h"

/* Appends the content of a regular file of at most max bytes; b->p[b->len] is NUL
 * afterwards, as mbedTLS wants PEM.  *st, unless NULL, is of the file read. */
int pemfile_read(struct bytes *b, int dirfd, const char *name, size_t max,
    struct stat *st);

/* Makes the file, which must not exist, and syncs it.  Until it has all its
 * bytes nobody else may read it, whatever the umask; then it has mode. */
int pemfile_write(int dirfd, const char *name, mode_t mode, const void *p,
    size_t len);

/* bytes_fini for what was secret. */
void pemfile_wipe(struct bytes *b);

#endif
