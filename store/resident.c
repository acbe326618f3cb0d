#include "store/resident.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/types.h>

/* Of the file's end that stays cached for those who look at what was just recorded. */
static const size_t cache_bytes = (size_t)8 << 20;

void
resident_find(struct resident *r, int fd, const char *name)
{
	FILE *maps;
	struct stat st;
	char line[512];

	*r = (struct resident){ .fd = fd };
	if (fstat(fd, &st) != 0 || !(maps = fopen("/proc/self/maps", "re")))
		return;
	while (!r->map && fgets(line, sizeof(line), maps)) {
		uintptr_t begin, end;
		uintmax_t inode;

		if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR
		    " %*s %*s %*s %" SCNuMAX, &begin, &end, &inode) != 3 ||
		    inode != (uintmax_t)st.st_ino || !strstr(line, name))
			continue;
		r->map = (void *)begin;
		r->len = end - begin;
	}
	fclose(maps);
}

void
resident_drop(const struct resident *r, size_t n)
{
	if (!r->map)
		return;
	madvise(r->map, n < r->len ? n : r->len, MADV_DONTNEED);
#ifdef POSIX_FADV_DONTNEED
	if (n > cache_bytes)
		(void)posix_fadvise(r->fd, 0, (off_t)(n - cache_bytes),
		    POSIX_FADV_DONTNEED);
#endif
}
