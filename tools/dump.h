/* dump.h - the verb that shows what is on the tape.
 *
 * Sub-verbs stand in a table in dump.c, as the options do, each option with the
 * sub-verbs that know it: a new one is a row in each and a file of its own.
 *
 * Exit:   DUMP_OK, DUMP_NONE, DUMP_USAGE, DUMP_STORE.
 * Output: data on d->out, everything else on stderr, one line per fault.
 */
#ifndef TRACETAPE_TOOLS_DUMP_H
#define TRACETAPE_TOOLS_DUMP_H

#include "store/reader.h"
#include "tools/term.h"

enum {
	DUMP_OK = 0,
	DUMP_NONE = 1,		/* nothing found, or by dump_check something */
	DUMP_USAGE = 2,
	DUMP_STORE = 3,		/* the store, or writing the output, failed */
};

enum {
	DUMP_BODY_MAX = 64 * 1024,	/* bytes of a body shown without --full */
	DUMP_HEX_MAX = 512,		/* ... of one that is no text */
	DUMP_EVENT_MAX = 4096,		/* ... of one event */
	DUMP_INDENT = 2,
};

enum dump_format {
	DUMP_TABLE,
	DUMP_JSON,
	DUMP_JSONL,
	DUMP_TEXT,
};

enum {
	DUMP_REVERSE = 1 << 0,
	DUMP_FOLLOW = 1 << 1,
	DUMP_REQUEST = 1 << 2,
	DUMP_RESPONSE = 1 << 3,
	DUMP_HEAD = 1 << 4,
	DUMP_FULL = 1 << 5,
	DUMP_EVENTS = 1 << 6,
};

struct dump {
	const char *store;	/* the option's value, NULL: not given */
	enum dump_format format;
	unsigned flags;
	int64_t n;		/* -n; -1: not given */
	uint64_t since;		/* --since; 0: not given */
	char **ids;
	int n_ids;

	char *dir;		/* where the store is */
	struct reader *reader;
	struct term term;
	FILE *out;
};

/* The sub-verbs; d is ready and its store is open. */
int dump_list(struct dump *d);
int dump_show(struct dump *d);
int dump_raw(struct dump *d);
int dump_traces(struct dump *d);
int dump_tree(struct dump *d);
int dump_check(struct dump *d);

/* Who gets what dump_follow sees.  Nonzero ends it with that code. */
struct dump_follower {
	int (*exchange)(void *arg, const struct exchange *x);
	int (*pause)(void *arg);	/* nothing more for the moment */
	void *arg;
};

/* Tells of exchanges as they end, those that end between two looks in the order of
 * their ends, until SIGINT, SIGTERM or until nobody reads the output any more.
 * after: tells of those above it.  open, n: and of these, which were in flight. */
int dump_follow(struct dump *d, uint64_t after, const uint64_t *open, size_t n,
    const struct dump_follower *f);

/* Writes the JSON object of x to d->out, without a line end: the fields of design
 * 8.1, described in dump_json.c; with the decoded bodies in it if asked.  x must
 * not be lent by d->reader.  0, or a reader's code. */
int dump_json(struct dump *d, const struct exchange *x, bool with_bodies);

/* Prints a decoded body for reading: JSON indented, an event stream rebuilt to its
 * message or, with --events, as its events, anything that is no text in hex.
 * Within DUMP_BODY_MAX unless --full.  0, or a reader's code. */
int dump_body(struct dump *d, const struct exchange *x, bool is_request);
int dump_events(struct dump *d, const struct exchange *x);

/* A line about what is shown, not part of it. */
void dump_note(struct dump *d, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* From the last byte sent to the first byte of the answer, us, never negative (an
 * answer may come before the request is whole); -1: one of them is not there. */
int64_t dump_wait(const struct timing *t);

/* Finds what an ID means; says on stderr what is wrong with it.  DUMP_OK, or the
 * code to exit with. */
int dump_pick(struct dump *d, const char *id, uint64_t *seq);

/* One line on stderr, "tracetape dump: ..."; what is recorded in it is made
 * harmless.  Returns DUMP_STORE, DUMP_USAGE, ... as given. */
int dump_fail(int code, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* ... for a reader's rc. */
int dump_reader_failed(const struct dump *d, int rc);

#endif
