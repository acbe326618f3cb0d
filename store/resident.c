#include "store/resident.h"

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/types.h>

void
resident_find(struct resident *r, int fd, const char *name)
{
	FILE *maps;
	struct stat st;
	char line[512];

	r->map = NULL;
	r->len = 0;
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
	if (r->map)
		madvise(r->map, n < r->len ? n : r->len, MADV_DONTNEED);
}
