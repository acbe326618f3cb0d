/* replay.c - runs a fuzz target over files, without a fuzzer.
 *
 *   fuzz_LEAF FILE|DIRECTORY...
 *
 * So that what once broke a leaf is tried by every compiler, in every
 * `make test`.  Each input is copied to memory of exactly its length, for the
 * sanitizer to see a byte read too much.  The empty input is always tried.
 */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv) __attribute__((weak));

/* The input at work, for whoever reads the core or the assertion's stack. */
static const char *volatile at_work;
static unsigned long n_inputs;

static void
die(const char *path)
{
	fprintf(stderr, "replay: %s: %s\n", path, strerror(errno));
	exit(2);
}

static void
replay_bytes(const char *name, const void *p, size_t len)
{
	uint8_t *copy = malloc(len ? len : 1);

	if (!copy)
		die(name);
	memcpy(copy, p, len);
	at_work = name;
	/* For the empty input a pointer past the room, which may not be read. */
	if (LLVMFuzzerTestOneInput(len ? copy : copy + 1, len) != 0) {
		fprintf(stderr, "replay: %s: refused by the target\n", name);
		exit(1);
	}
	free(copy);
	n_inputs++;
}

static void
replay_file(const char *path, size_t size)
{
	FILE *f = fopen(path, "rb");
	char *p = malloc(size + 1);

	if (!f || !p || fread(p, 1, size, f) != size)
		die(path);
	fclose(f);
	fprintf(stderr, "%s\n", path);
	replay_bytes(path, p, size);
	free(p);
}

static void
replay_path(const char *path)
{
	struct dirent **names;
	struct stat st;
	char inner[PATH_MAX];
	int n;

	if (stat(path, &st) != 0)
		die(path);
	if (!S_ISDIR(st.st_mode)) {
		replay_file(path, (size_t)st.st_size);
		return;
	}
	n = scandir(path, &names, NULL, alphasort);
	if (n < 0)
		die(path);
	for (int i = 0; i < n; i++) {
		snprintf(inner, sizeof(inner), "%s/%s", path, names[i]->d_name);
		if (names[i]->d_name[0] != '.')
			replay_path(inner);
		free(names[i]);
	}
	free(names);
}

int
main(int argc, char **argv)
{
	if (LLVMFuzzerInitialize)
		LLVMFuzzerInitialize(&argc, &argv);
	replay_bytes("(empty)", "", 0);
	for (int i = 1; i < argc; i++)
		replay_path(argv[i]);
	printf("%lu inputs\n", n_inputs);
	return 0;
}
