/* ca_files.h - the directory of a CA: who may touch it, one at a time, and two files
 * that change together.
 *
 * Order: key and certificate are first written beside the real ones and then
 *        renamed, the key before the certificate.  So a lone new certificate
 *        means that the key is already in its place, and the next program
 *        finishes the renaming; anything else that is new never counted.
 * Errors: int rc for certs_strerror.
 */
#ifndef TRACETAPE_CERTS_CA_FILES_H
#define TRACETAPE_CERTS_CA_FILES_H

#include "store/bytes.h"

enum { CA_FILE_MAX = 64 * 1024 };	/* bytes of each */

struct ca_files {
	int dirfd;
	int lockfd;		/* -1: the directory may not be written in */
};

enum ca_files_how { CA_FILES_EXISTING, CA_FILES_MAKE };

/* Opens and locks; waits for who has the lock.  MAKE makes the directory, and
 * those above it, when it is missing; otherwise that is CERTS_NO_CA. */
int ca_files_open(struct ca_files *f, const char *dir, enum ca_files_how how);
void ca_files_close(struct ca_files *f);

/* 0: both are there.  CERTS_NO_CA, CERTS_CA_HALF. */
int ca_files_find(const struct ca_files *f);

/* Appends each, NUL-terminated beyond len.  key is secret: pemfile_wipe it. */
int ca_files_read(const struct ca_files *f, struct bytes *key,
    struct bytes *cert);

/* Puts both in the place of what is there. */
int ca_files_write(const struct ca_files *f, struct slice key,
    struct slice cert);

#endif
