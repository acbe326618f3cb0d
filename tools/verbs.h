/* verbs.h - what `tracetape VERB` runs: each in the file of its name.
 *
 * argv[0] is the verb.  The result is the exit code: 0 done, 1 nothing found or
 * differs, 2 usage, 3 store or network trouble.
 */
#ifndef TRACETAPE_TOOLS_VERBS_H
#define TRACETAPE_TOOLS_VERBS_H

int cmd_ca(int argc, char **argv);
int cmd_doctor(int argc, char **argv);
int cmd_dump(int argc, char **argv);
int cmd_env(int argc, char **argv);
int cmd_proxy(int argc, char **argv);
int cmd_run(int argc, char **argv);

#endif
