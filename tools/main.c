#include <stdio.h>
#include <string.h>

#include "tools/verbs.h"

#ifndef TRACETAPE_VERSION
#define TRACETAPE_VERSION "0.1.0"
#endif

static const struct verb {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *does;
} verbs[] = {
	{ "proxy", cmd_proxy, "record: forward API calls unchanged, keep them" },
	{ "run", cmd_run, "run a program so that its calls and traces are recorded" },
	{ "env", cmd_env, "print the variables that send a shell's programs through it" },
	{ "doctor", cmd_doctor, "prove each way through the proxy, and say what is amiss" },
	{ "ca", cmd_ca, "our certificate authority: make, show, trust, rotate it" },
	{ "dump", cmd_dump, "show what is on the tape" },
};

enum { N_VERBS = sizeof(verbs) / sizeof(verbs[0]) };

static void
usage(FILE *out)
{
	fprintf(out, "usage: tracetape VERB [options]\n\n");
	for (size_t i = 0; i < N_VERBS; i++)
		fprintf(out, "  %-8s %s\n", verbs[i].name, verbs[i].does);
	fprintf(out, "\n`tracetape VERB --help` says more; "
	    "`tracetape --version` says which one this is.\n");
}

int
main(int argc, char **argv)
{
	if (argc < 2) {
		usage(stderr);
		return 2;
	}
	for (size_t i = 0; i < N_VERBS; i++)
		if (strcmp(argv[1], verbs[i].name) == 0)
			return verbs[i].run(argc - 1, argv + 1);
	if (strcmp(argv[1], "--version") == 0) {
		printf("tracetape %s\n", TRACETAPE_VERSION);
		return 0;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0) {
		usage(stdout);
		return 0;
	}
	fprintf(stderr, "tracetape: no verb '%s'; `tracetape --help` lists them\n",
	    argv[1]);
	return 2;
}
