/* run.h - what the parts of the verb run share. */
#ifndef TRACETAPE_TOOLS_RUN_H
#define TRACETAPE_TOOLS_RUN_H

#include <stdbool.h>
#include <stdint.h>

enum { RUN_NOTHING = 1, RUN_USAGE = 2, RUN_TROUBLE = 3, RUN_ERROR_MAX = 768 };

/* "tracetape: ..." on stderr, one line in one write; controls are escaped. */
void run_say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* A pipe that no program we start gets.  false: errno. */
bool run_pipe(int fd[2]);

/* Milliseconds of a clock that only goes on. */
int64_t run_now_ms(void);

#endif
