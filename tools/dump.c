#include "tools/dump.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/pick.h"
#include "tools/storedir.h"
#include "tools/verbs.h"

enum {
	LIST = 1 << 0,
	SHOW = 1 << 1,
	RAW = 1 << 2,
	TRACES = 1 << 3,
	TREE = 1 << 4,
	CHECK = 1 << 5,
	ALL = LIST | SHOW | RAW | TRACES | TREE | CHECK,
};

enum { TTY_ROWS = 200 };	/* listed on a terminal without -n */

struct sub {
	const char *name;
	unsigned bit;
	int ids_min;
	int ids_max;
	int (*run)(struct dump *d);
	const char *help;
};

static const char help_list[] =
"usage: tracetape dump [options] [ID...]        list exchanges\n"
"       tracetape dump show [options] ID         one exchange in full\n"
"       tracetape dump raw [options] ID          the exact bytes of a body\n"
"       tracetape dump traces [options]          list traces\n"
"       tracetape dump tree [options] ID         one trace with its calls\n"
"       tracetape dump check [options]           is the store whole?\n"
"\n"
"  -s, --store DIR    the store (else $TRACETAPE_STORE, else\n"
"                     $XDG_DATA_HOME/tracetape, ~/.local/share/tracetape)\n"
"  -n N               the last N exchanges; all by default, 200 on a terminal\n"
"  -f, --follow       then print exchanges as they end\n"
"      --reverse      newest first\n"
"  -o FORMAT          table (default), json (one array), jsonl (one a line)\n"
"  -h, --help\n"
"\n"
"ID is a number of the list, @last, @last~2, or the unique beginning of a\n"
"response id or request id.  Numbers marked \"-\" were not seen.\n"
"Exit status: 0 done, 1 nothing found, 2 usage, 3 store or output failed.\n";

static const char help_show[] =
"usage: tracetape dump show [options] ID\n"
"\n"
"Heads, timing, usage, outcome and decoded bodies of one exchange.\n"
"\n"
"  -s, --store DIR    the store\n"
"      --request      the request's head and body alone\n"
"      --response     the response's\n"
"      --events       a stream as its events, one a line, with the time of each\n"
"      --full         bodies whole, however long\n"
"  -o FORMAT          table (default), or json: the object of dump -o json\n"
"                     with request.body and response.body, decoded\n"
"  -h, --help\n";

static const char help_raw[] =
"usage: tracetape dump raw [options] ID --request|--response\n"
"\n"
"Writes the bytes of a body exactly as they were received, still encoded,\n"
"without chunk framing, to the standard output.\n"
"\n"
"  -s, --store DIR    the store\n"
"      --head         the recorded head instead (secrets are redacted in it)\n"
"  -h, --help\n";

static const char help_traces[] =
"usage: tracetape dump traces [options]\n"
"\n"
"Lists traces, each with the figures of the calls behind its spans.  Calls that\n"
"go on one after the other (by previous_response_id, in a conversation, or with\n"
"the history that they send) and of which nobody sent a trace are listed as\n"
"inferred ones.\n"
"\n"
"  -s, --store DIR    the store\n"
"  -n N               the last N traces; all by default, 200 on a terminal\n"
"      --reverse      newest first\n"
"  -o FORMAT          table (default), json (one array), jsonl (one a line)\n"
"  -h, --help\n";

static const char help_tree[] =
"usage: tracetape dump tree [options] ID\n"
"\n"
"One trace: agents, hand-offs, tools, guardrails, and responses with model,\n"
"tokens, status, failed attempts and the number of their exchange.\n"
"\n"
"ID is that of a trace or its unique beginning, @last, @last~2, or an exchange\n"
"as in dump show, whose trace is meant.\n"
"\n"
"  -s, --store DIR    the store\n"
"  -h, --help\n";

static const char help_check[] =
"usage: tracetape dump check [options]\n"
"\n"
"Reads all of the store and says, a line for each fault, what is not as it should\n"
"be: rows that do not decode, bodies whose SHA-256 is another one, parts that are\n"
"missing, tables that do not agree, files that others may read.  Changes nothing,\n"
"and may run while the store is being written.\n"
"\n"
"  -s, --store DIR    the store\n"
"      --since SEQ    only exchanges from this number on, and what they brought\n"
"  -o FORMAT          text (default), or json: one object\n"
"  -h, --help\n"
"\n"
"Exit status: 0 no fault, 1 faults found, 2 usage, 3 cannot be opened or read.\n";

static const struct sub subs[] = {
	{ "list", LIST, 0, INT32_MAX, dump_list, help_list },
	{ "show", SHOW, 1, 1, dump_show, help_show },
	{ "raw", RAW, 1, 1, dump_raw, help_raw },
	{ "traces", TRACES, 0, 0, dump_traces, help_traces },
	{ "tree", TREE, 1, 1, dump_tree, help_tree },
	{ "check", CHECK, 0, 0, dump_check, help_check },
};

enum {
	OPT_REVERSE = 256,
	OPT_REQUEST,
	OPT_RESPONSE,
	OPT_HEAD,
	OPT_FULL,
	OPT_EVENTS,
	OPT_SINCE,
};

/* An option that takes no value sets its flag. */
struct known {
	const char *name;
	int has_arg;
	int c;
	unsigned subs;
	unsigned flag;
};

static const struct known known[] = {
	{ "store", required_argument, 's', ALL, 0 },
	{ "output", required_argument, 'o', LIST | SHOW | TRACES | CHECK, 0 },
	{ "number", required_argument, 'n', LIST | TRACES, 0 },
	{ "since", required_argument, OPT_SINCE, CHECK, 0 },
	{ "help", no_argument, 'h', ALL, 0 },
	{ "follow", no_argument, 'f', LIST, DUMP_FOLLOW },
	{ "reverse", no_argument, OPT_REVERSE, LIST | TRACES, DUMP_REVERSE },
	{ "request", no_argument, OPT_REQUEST, SHOW | RAW, DUMP_REQUEST },
	{ "response", no_argument, OPT_RESPONSE, SHOW | RAW, DUMP_RESPONSE },
	{ "head", no_argument, OPT_HEAD, RAW, DUMP_HEAD },
	{ "full", no_argument, OPT_FULL, SHOW, DUMP_FULL },
	{ "events", no_argument, OPT_EVENTS, SHOW, DUMP_EVENTS },
};

enum { KNOWN_N = sizeof(known) / sizeof(known[0]) };

static const char short_options[] = "+:s:o:n:hf";

int
dump_fail(int code, const char *fmt, ...)
{
	struct bytes b = { 0 };
	char *s = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&s, fmt, ap) < 0)
		s = NULL;
	va_end(ap);
	if (s)
		term_put(&b, (struct slice){ s, strlen(s) });
	fflush(stdout);
	fprintf(stderr, "tracetape dump: %.*s\n", (int)b.len,
	    (const char *)b.p);
	bytes_fini(&b);
	free(s);
	return code;
}

int
dump_reader_failed(const struct dump *d, int rc)
{
	if (rc == READER_NO_STORE)
		return dump_fail(DUMP_STORE, "no store in %s: record with "
		    "'tracetape proxy', or name another with -s DIR", d->dir);
	return dump_fail(DUMP_STORE, "cannot read the store in %s: %s", d->dir,
	    reader_strerror(rc));
}

int
dump_pick(struct dump *d, const char *id, uint64_t *seq)
{
	struct bytes names = { 0 };
	int rc = pick(d->reader, id, seq, &names);
	int code = DUMP_OK;

	if (rc == READER_NONE)
		code = dump_fail(DUMP_NONE, "%s: no such exchange in %s", id,
		    d->dir);
	else if (rc == PICK_AMBIGUOUS)
		code = dump_fail(DUMP_NONE, "%s: several ids begin so: %.*s", id,
		    (int)names.len, (const char *)names.p);
	else if (rc == PICK_SHORT)
		code = dump_fail(DUMP_USAGE, "%s: not a number, and too short "
		    "to begin an id: give %d characters or more", id,
		    PICK_PREFIX_MIN);
	else if (rc == PICK_MALFORMED)
		code = dump_fail(DUMP_USAGE, "%s: not an id: write @last, or "
		    "@last~2 for two before it", id);
	else if (rc != 0)
		code = dump_reader_failed(d, rc);
	bytes_fini(&names);
	return code;
}

static int
parse_format(struct dump *d, const char *s)
{
	static const char *const names[] = { "table", "json", "jsonl", "text" };

	for (int i = 0; i <= DUMP_TEXT; i++) {
		if (strcmp(s, names[i]) == 0) {
			d->format = (enum dump_format)i;
			return DUMP_OK;
		}
	}
	return dump_fail(DUMP_USAGE, "-o %s: not a format: table, json or jsonl",
	    s);
}

static int
parse_n(struct dump *d, const char *s)
{
	char *end;

	errno = 0;
	d->n = strtoll(s, &end, 10);
	if (errno != 0 || end == s || *end != '\0' || d->n < 0)
		return dump_fail(DUMP_USAGE, "-n %s: not a number", s);
	return DUMP_OK;
}

static int
parse_since(struct dump *d, const char *s)
{
	char *end;

	errno = 0;
	d->since = strtoull(s, &end, 10);
	if (errno != 0 || *s < '0' || *s > '9' || *end != '\0')
		return dump_fail(DUMP_USAGE, "--since %s: not the number of an "
		    "exchange", s);
	return DUMP_OK;
}

static const struct known *
find_known(int c)
{
	for (size_t i = 0; i < KNOWN_N; i++)
		if (known[i].c == c)
			return &known[i];
	return NULL;
}

static int
parse_value(struct dump *d, int c)
{
	switch (c) {
	case 's':
		d->store = optarg;
		return DUMP_OK;
	case 'o':
		return parse_format(d, optarg);
	case 'n':
		return parse_n(d, optarg);
	case OPT_SINCE:
		return parse_since(d, optarg);
	}
	return DUMP_OK;
}

/* Reads one run of options; *used collects the subs that all of them fit. */
static int
parse_run(struct dump *d, int argc, char **argv, unsigned *fit, bool *help)
{
	struct option longs[KNOWN_N + 1] = { { 0 } };
	int c, code = DUMP_OK;

	for (size_t i = 0; i < KNOWN_N; i++)
		longs[i] = (struct option){ known[i].name, known[i].has_arg,
		    NULL, known[i].c };
	while (code == DUMP_OK &&
	    (c = getopt_long(argc, argv, short_options, longs, NULL)) != -1) {
		const struct known *k = find_known(c);

		if (!k)
			return dump_fail(DUMP_USAGE, c == ':' ?
			    "%s needs a value; see tracetape dump --help" :
			    "%s: no such option; see tracetape dump --help",
			    argv[optind - 1]);
		*fit &= k->subs;
		d->flags |= k->flag;
		*help |= c == 'h';
		code = parse_value(d, c);
		if (*fit == 0 && code == DUMP_OK)
			code = dump_fail(DUMP_USAGE, "--%s does not go with the "
			    "options before it", k->name);
	}
	return code;
}

/* Options may stand anywhere: before the sub-verb, before and after the IDs. */
static int
parse(struct dump *d, int argc, char **argv, const struct sub **sub, bool *help)
{
	unsigned fit = ALL;
	bool is_first = true, is_rest = false;
	int code;

	*sub = &subs[0];
	optind = 0;
	opterr = 0;
	while ((code = parse_run(d, argc, argv, &fit, help)) == DUMP_OK) {
		is_rest |= strcmp(argv[optind - 1], "--") == 0;
		if (optind >= argc)
			break;
		for (size_t i = 0; is_first && !is_rest &&
		    i < sizeof(subs) / sizeof(subs[0]); i++)
			if (strcmp(argv[optind], subs[i].name) == 0)
				*sub = &subs[i];
		if (!is_first || strcmp(argv[optind], (*sub)->name) != 0)
			d->ids[d->n_ids++] = argv[optind];
		is_first = false;
		optind++;
	}
	if (code == DUMP_OK && !(fit & (*sub)->bit))
		code = dump_fail(DUMP_USAGE, "an option does not go with '%s'; "
		    "see tracetape dump %s --help", (*sub)->name, (*sub)->name);
	return code;
}

/* What no table of options can say. */
static int
check(struct dump *d, const struct sub *sub)
{
	unsigned both = DUMP_REQUEST | DUMP_RESPONSE;

	if (d->n_ids < sub->ids_min || d->n_ids > sub->ids_max)
		return dump_fail(DUMP_USAGE, sub->bit == CHECK ?
		    "%s takes no ID: it looks at all of the store" :
		    sub->ids_max == 0 ? "%s takes no ID: see dump tree" :
		    "%s takes one ID, such as @last", sub->name);
	if (sub->bit == CHECK ? d->format == DUMP_JSONL : d->format == DUMP_TEXT)
		return dump_fail(DUMP_USAGE, "%s has no such format: -o %s",
		    sub->name, sub->bit == CHECK ? "text or json" :
		    "table, json or jsonl");
	if (sub->bit == RAW && ((d->flags & both) == 0 ||
	    (d->flags & both) == both))
		return dump_fail(DUMP_USAGE,
		    "raw needs either --request or --response");
	if ((d->flags & DUMP_FOLLOW) && (d->flags & DUMP_REVERSE))
		return dump_fail(DUMP_USAGE, "-f cannot go with --reverse");
	if ((d->flags & DUMP_FOLLOW) && d->format == DUMP_JSON)
		return dump_fail(DUMP_USAGE, "-f never ends an array: "
		    "use -o jsonl");
	if (d->n_ids > 0 && ((d->flags & DUMP_FOLLOW) || d->n >= 0))
		return dump_fail(DUMP_USAGE, "-f and -n cannot go with IDs");
	return DUMP_OK;
}

static int
run(struct dump *d, const struct sub *sub)
{
	int code, rc;

	d->dir = storedir_find(d->store);
	if (!d->dir)
		return dump_fail(DUMP_USAGE, "%s", storedir_remedy);
	rc = reader_open(&d->reader, d->dir);
	if (rc != 0)
		return dump_reader_failed(d, rc);
	d->out = stdout;
	term_look(&d->term, STDOUT_FILENO);
	if (d->n < 0 && d->term.width > 0 && d->format == DUMP_TABLE)
		d->n = TTY_ROWS;
	code = sub->run(d);
	reader_close(d->reader);
	if ((fflush(stdout) != 0 || ferror(stdout)) && code == DUMP_OK)
		code = dump_fail(DUMP_STORE, "cannot write the output: %s",
		    strerror(errno));
	return code;
}

int
cmd_dump(int argc, char **argv)
{
	struct dump d = { .n = -1 };
	const struct sub *sub;
	bool help = false;
	int code;

	/* A reader that has seen enough (head, less) ends us without a word. */
	signal(SIGPIPE, SIG_DFL);
	d.ids = calloc((size_t)argc + 1, sizeof(*d.ids));
	if (!d.ids)
		return dump_fail(DUMP_STORE, "no memory");
	code = parse(&d, argc, argv, &sub, &help);
	if (code == DUMP_OK && help)
		fputs(sub->help, stdout);
	else if (code == DUMP_OK && (code = check(&d, sub)) == DUMP_OK)
		code = run(&d, sub);
	free(d.ids);
	free(d.dir);
	return code;
}
