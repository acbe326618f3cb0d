/* run_child.h - the program that is run: started with the block of variables, sent the
 * signals that we get, waited for.
 *
 * Its stdin, stdout and stderr are ours, and it is of our process group: ^C and ^Z from
 * a terminal reach it without us.  SIGINT and SIGQUIT we ignore meanwhile, as a
 * shell does; SIGTERM and others that were sent to us are sent on to it.
 */
#ifndef TRACETAPE_TOOLS_RUN_CHILD_H
#define TRACETAPE_TOOLS_RUN_CHILD_H

#include "tools/block.h"
#include "tools/run_log.h"

/* Runs argv to its end, reading l meanwhile.  0 and its wait status; an errno: it
 * could not be started. */
int run_child(char **argv, const struct block *b, struct run_log *l, int *status);

/* Ends us as the program ended: its exit status, or its signal (without a core). */
_Noreturn void run_child_end_as(int status);

#endif
