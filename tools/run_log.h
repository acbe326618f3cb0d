/* run_log.h - what a private proxy says on its stderr: read so that it never waits for
 * us, looked at for what the user should know.
 *
 * Its errors, and the tunnels that it refused, are passed on at once; the rest is not.
 */
#ifndef TRACETAPE_TOOLS_RUN_LOG_H
#define TRACETAPE_TOOLS_RUN_LOG_H

#include <stdbool.h>
#include <stddef.h>

enum { RUN_LINE_MAX = 1200 };

struct run_log {
	int fd;				/* -1: closed, or none */
	bool is_starting;		/* errors are kept, not passed on */
	unsigned n_distrusted;		/* clients that refused our certificate */
	char error[RUN_LINE_MAX];	/* the last error of a start, "" */
	unsigned n_refused;		/* tunnels, as far as they were told */
	char refused[RUN_LINE_MAX];	/* why the last of them was, "" */
	char line[RUN_LINE_MAX];	/* the one that is coming */
	size_t len;
};

/* Takes fd, which may be -1, and makes it non-blocking. */
void run_log_init(struct run_log *l, int fd);
void run_log_close(struct run_log *l);

/* Reads all there is; at the end of it closes fd. */
void run_log_read(struct run_log *l);

#endif
