/* lockfile.h - locks between processes, as flock on a file of the store.
 *
 * Why not LMDB's lock or fcntl's: those belong to the process, and any close of
 * the file drops them.  flock belongs to the descriptor, and ends with it,
 * however the process ends.
 */
#ifndef TRACETAPE_STORE_LOCKFILE_H
#define TRACETAPE_STORE_LOCKFILE_H

#include <stdbool.h>

#define LOCKFILE_WRITER "writer.lock"
#define LOCKFILE_OPEN "open.lock"

/* Takes the lock dir/name, waiting up to wait_ms.  make: the file is made, 0600,
 * if need be, and our process id written into it.  *fd holds the lock, or is -1.
 * 0, EWOULDBLOCK: another one has it, or an errno. */
int lockfile_take(int *fd, const char *dir, const char *name, bool make,
    int wait_ms);

/* flock, for up to wait_ms.  how: LOCK_EX or LOCK_SH.  0, EWOULDBLOCK or an errno. */
int lockfile_lock(int fd, int how, int wait_ms);

void lockfile_drop(int fd);	/* safe on -1 */

/* The process that holds dir/name, as it says itself; 0: nobody, or unknown. */
long lockfile_holder(const char *dir, const char *name);

#endif
