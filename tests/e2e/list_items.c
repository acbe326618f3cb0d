/* list_items.c - the traces and spans of a store, as one JSON array.
 *
 *	list_items STORE
 *
 * Each as {"key","first","last","started_ns","item"}, a trace before its spans; item
 * is the text as it is kept, or null.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "store/json.h"
#include "store/reader.h"

static void
check(int rc, const char *what)
{
	if (rc == 0 || rc == READER_NONE)
		return;
	fprintf(stderr, "list_items: %s: %s\n", what, reader_strerror(rc));
	exit(1);
}

static void
print(const struct kept_item *k)
{
	struct bytes b = { 0 };

	json_put_string(&b, k->key);
	printf("{\"key\":%.*s,\"first\":%" PRIu64 ",\"last\":%" PRIu64
	    ",\"started_ns\":\"%" PRId64 "\",\"item\":", (int)b.len, (char *)b.p,
	    k->first_seq, k->last_seq, k->started_ns);
	if (k->raw.len > 0)
		fwrite(k->raw.p, 1, k->raw.len, stdout);
	else
		fputs("null", stdout);
	puts("},");
	bytes_fini(&b);
}

/* Of a row that was lent, what is needed to go on after it. */
struct place {
	struct kept_item item;
	struct bytes key;
};

static void
stay(struct place *at, const struct kept_item *k)
{
	at->item = *k;
	bytes_clear(&at->key);
	bytes_put_slice(&at->key, k->key);
	at->item.key = bytes_slice(&at->key);
}

/* trace is a key; for the ids of these tests that is the id. */
static void
list_spans(struct reader *r, struct slice trace)
{
	struct place at = { 0 };
	struct kept_item s;
	int rc = reader_next_span(r, trace, NULL, &s);

	while (rc == 0) {
		print(&s);
		stay(&at, &s);
		rc = reader_next_span(r, trace, &at.item, &s);
	}
	check(rc, "spans");
	bytes_fini(&at.key);
}

int
main(int argc, char **argv)
{
	struct place at = { 0 };
	struct kept_item t;
	struct reader *r;
	int rc;

	check(argc == 2 ? reader_open(&r, argv[1]) : READER_NO_STORE, "open");
	putchar('[');
	while ((rc = reader_next_trace(r, at.item.key, &t)) == 0) {
		print(&t);
		stay(&at, &t);
		list_spans(r, at.item.key);
	}
	check(rc, "traces");
	puts("null]");
	bytes_fini(&at.key);
	reader_close(r);
	return 0;
}
