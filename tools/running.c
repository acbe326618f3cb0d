#include "tools/running.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "store/lockfile.h"
#include "store/reader.h"

enum { LOOK_MS = 20 };

/* 0, READER_NONE while there is no row, or a code. */
static int
read_row(struct running *r, const char *dir)
{
	struct reader *reader;
	struct slice row;
	int rc = reader_open(&reader, dir);

	if (rc)
		return rc;
	rc = reader_meta(reader, STATUS_META, &row);
	if (rc == 0 && !status_decode(&r->status, &r->hold, row))
		rc = READER_CORRUPT;
	reader_close(reader);
	return rc;
}

/* A listener on all addresses is reached on the loopback of its family. */
static bool
set_address(char to[RUNNING_ADDRESS_MAX], struct slice bound)
{
	static const struct { const char *any, *loopback; } wild[] = {
		{ "0.0.0.0:", "127.0.0.1:" }, { "[::]:", "[::1]:" },
	};
	const char *text = bound.p ? bound.p : "", *front = "";
	int n;

	for (size_t i = 0; i < sizeof(wild) / sizeof(wild[0]); i++) {
		if (strncmp(text, wild[i].any, strlen(wild[i].any)) == 0) {
			text += strlen(wild[i].any);
			front = wild[i].loopback;
		}
	}
	n = snprintf(to, RUNNING_ADDRESS_MAX, "%s%s", front, text);
	return n >= 0 && n < RUNNING_ADDRESS_MAX;
}

/* RUNNING_NO also while the holder has not said yet where it is: *rc then tells
 * why, and *holder who. */
static enum running_is
look(struct running *r, const char *dir, int *rc, long *holder)
{
	*rc = 0;
	*holder = lockfile_holder(dir, LOCKFILE_WRITER);
	if (*holder == 0)
		return RUNNING_NO;
	*rc = read_row(r, dir);
	if (*rc == 0 && r->status.pid != *holder)
		*rc = READER_NONE;
	/* It may have gone while we read. */
	if (lockfile_holder(dir, LOCKFILE_WRITER) != *holder)
		*holder = 0;
	if (*holder == 0 || *rc != 0)
		return RUNNING_NO;
	return set_address(r->http, r->status.http) &&
	    set_address(r->tls, r->status.tls) ? RUNNING_YES : RUNNING_ERROR;
}

enum running_is
running_find(struct running *r, const char *dir, int wait_ms,
    char err[RUNNING_ERROR_MAX])
{
	const struct timespec nap = { 0, LOOK_MS * 1000000L };
	enum running_is is;
	long holder;
	int rc;

	for (;;) {
		is = look(r, dir, &rc, &holder);
		if (is != RUNNING_NO || holder == 0)
			break;
		if (wait_ms <= 0 || (rc != READER_NONE && rc != READER_BUSY &&
		    rc != READER_NO_STORE))
			break;
		nanosleep(&nap, NULL);
		wait_ms -= LOOK_MS;
	}
	if (is == RUNNING_ERROR)
		snprintf(err, RUNNING_ERROR_MAX, "process %ld records into %s, "
		    "but on an address that is too long", holder, dir);
	if (is != RUNNING_NO || holder == 0)
		return is;
	if (rc == READER_NONE || rc == READER_NO_STORE)
		snprintf(err, RUNNING_ERROR_MAX, "process %ld records into %s, "
		    "but has not said where it listens", holder, dir);
	else
		snprintf(err, RUNNING_ERROR_MAX, "store %s: %s", dir,
		    reader_strerror(rc));
	return RUNNING_ERROR;
}

void
running_fini(struct running *r)
{
	bytes_fini(&r->hold);
	memset(r, 0, sizeof(*r));
}

uint64_t
running_newest(const char *dir)
{
	struct reader *r;
	struct exchange x;
	uint64_t seq = 0;

	if (reader_open(&r, dir) != 0)
		return 0;
	if (reader_prev(r, UINT64_MAX, &x) == 0)
		seq = x.seq;
	reader_close(r);
	return seq;
}
