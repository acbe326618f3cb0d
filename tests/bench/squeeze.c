/* squeeze.c - what squeezing bodies gives and costs, on a synthetic agent run.
 *
 *   squeeze FILE...		(text to make histories of, 100 kB or more)
 *
 * One hundred turns, each with the whole history: 30 kB of tools and 4 kB new a turn.
 * The same with one system line that changes, with the history compacted at turns 40
 * and 80, with two agents in turns, and the answers as event streams.  For each: raw
 * bytes, squeezed bytes, their sum by ten turns, CPU, and what one context of plain
 * zstd of the same level gives.  Every body is undone again and compared.
 *
 *   cc -O2 -I. -D_GNU_SOURCE tests/bench/squeeze.c build/lib.a -lzstd -lmbedcrypto
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <zstd.h>

#include "store/elements.h"
#include "store/group.h"
#include "store/json.h"
#include "store/parents.h"

enum { TURNS = 100, NEW_BYTES = 4000, TOOLS_BYTES = 30000, SYSTEM_BYTES = 7000 };

static struct bytes text;
static struct bytes rows[2 * TURNS + 1];

enum scene { PLAIN, VOLATILE, COMPACTED, TWO_AGENTS, STREAMS, SCENES };

static const char *const scene_name[SCENES] = {
	"plain", "a line changes", "compacted", "two agents", "event streams"
};

static double
cpu_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void
die(const char *what)
{
	fprintf(stderr, "squeeze: %s\n", what);
	exit(1);
}

static void
read_file(const char *name)
{
	FILE *f = fopen(name, "r");
	char buf[4096];
	size_t n;

	if (!f)
		die(name);
	while ((n = fread(buf, 1, sizeof(buf), f)) > 0)
		bytes_put(&text, buf, n);
	fclose(f);
}

/* Text that turn, agent and purpose tell. */
static struct slice
words(uint64_t which, size_t n)
{
	const size_t at = (size_t)(which * 7919 * NEW_BYTES / 4 % (text.len - n));

	return (struct slice){ (const char *)text.p + at, n };
}

static void
put_item(struct bytes *b, unsigned agent, unsigned turn)
{
	const size_t a = NEW_BYTES / 5 + turn * 37 % 300;

	bytes_printf(b, "{\"type\":\"message\",\"role\":\"assistant\",\"id\":\"msg_%08x\","
	    "\"content\":", (turn + 1) * 2654435761u);
	json_put_string(b, words(turn + 1000 * agent, a));
	bytes_printf(b, "},{\"type\":\"function_call_output\",\"call_id\":\"call_%08x\","
	    "\"output\":", (turn + 7) * 2246822519u);
	json_put_string(b, words(turn + 500 + 1000 * agent, NEW_BYTES - a));
	bytes_puts(b, "}");
}

static void
make_request(struct bytes *b, enum scene scene, unsigned agent, unsigned turn)
{
	unsigned from = 0;

	bytes_clear(b);
	bytes_puts(b, "{\"model\":\"gpt-5\",\"instructions\":");
	json_put_string(b, words(3, SYSTEM_BYTES));
	bytes_puts(b, ",\"input\":[");
	if (scene == VOLATILE)
		bytes_printf(b, "{\"role\":\"system\",\"content\":\"It is turn %u\"},",
		    turn);
	if (scene == COMPACTED && turn >= 40)
		from = turn >= 80 ? 80 : 40;
	if (from) {
		bytes_puts(b, "{\"role\":\"user\",\"content\":");
		json_put_string(b, words(9000 + from, 2000));
		bytes_puts(b, "},");
	}
	for (unsigned i = from; i <= turn; i++) {
		if (i > from)
			bytes_puts(b, ",");
		put_item(b, agent, i);
	}
	bytes_puts(b, "],\"tools\":[{\"type\":\"function\",\"description\":");
	json_put_string(b, words(5, TOOLS_BYTES));
	bytes_puts(b, "}],\"stream\":true}");
}

/* One delta of five bytes an event, as models send them. */
static void
make_stream(struct bytes *b, unsigned turn)
{
	const struct slice all = words(turn, NEW_BYTES / 5);

	bytes_clear(b);
	bytes_printf(b, "event: response.created\ndata: {\"type\":\"response.created\","
	    "\"response\":{\"id\":\"resp_%08x\",\"instructions\":",
	    (turn + 1) * 2654435761u);
	json_put_string(b, words(3, SYSTEM_BYTES));
	bytes_puts(b, "}}\n\n");
	for (size_t i = 0; i < all.len; i += 5) {
		bytes_printf(b, "event: response.output_text.delta\ndata: "
		    "{\"type\":\"response.output_text.delta\",\"item_id\":\"msg_%08x\","
		    "\"output_index\":0,\"content_index\":0,\"delta\":",
		    (turn + 1) * 2246822519u);
		json_put_string(b, (struct slice){ all.p + i, 5 });
		bytes_printf(b, ",\"sequence_number\":%zu}\n\n", i / 5 + 4);
	}
	bytes_puts(b, "event: response.completed\ndata: {}\n\n");
}

static size_t
plain(struct slice raw)
{
	static ZSTD_CCtx *c;
	static char room[ZSTD_COMPRESSBOUND(1 << 20)];

	if (!c)
		c = ZSTD_createCCtx();
	return ZSTD_compressCCtx(c, room, sizeof(room), raw.p, raw.len,
	    SQUEEZE_LEVEL);
}

static int
fetch(void *arg, const struct group_at *at, struct bytes *row, bool *is_raw)
{
	(void)arg;
	*is_raw = false;
	if (at->seq == 0 || at->seq > 2 * TURNS || rows[at->seq].len == 0)
		return 1;
	bytes_put(row, rows[at->seq].p, rows[at->seq].len);
	return 0;
}

struct run {
	struct parents *parents;
	struct squeeze *squeeze;
	struct bytes body;
	uint64_t seq;
	size_t raw, small, plain, keys;
	double ms, plain_ms;
};

/* The streams have no elements: those of their request would tell, here one does. */
static void
add(struct run *r, bool is_stream)
{
	const struct slice raw = bytes_slice(&r->body);
	struct elements e;
	const struct parent *from;
	struct squeeze_prefix prefix;
	struct bytes *row = &rows[++r->seq];
	unsigned depth;
	double began = cpu_ms();

	elements_init(&e);
	if (is_stream)
		e.head = 1;
	else
		elements_feed(&e, raw.p, raw.len);
	from = parents_find(r->parents, &e);
	if (from && from->depth == SQUEEZE_DEPTH_MAX)
		from = NULL;
	if (from)
		prefix = (struct squeeze_prefix){ from->raw, r->seq - from->seq,
		    from->depth };
	bytes_clear(row);
	if (squeeze_put(r->squeeze, raw, from ? &prefix : NULL, row, &depth) != 0)
		die("a body is not squeezed");
	r->keys += depth == 0;
	parents_put(r->parents, &e, &(struct parent){ r->seq, depth, raw },
	    from && depth ? from->seq : 0);
	elements_fini(&e);
	r->ms += cpu_ms() - began;
	began = cpu_ms();
	r->plain += plain(raw);
	r->plain_ms += cpu_ms() - began;
	r->raw += raw.len;
	r->small += row->len;
}

static void
make(struct run *r, enum scene scene, unsigned agent, unsigned turn)
{
	if (scene == STREAMS)
		make_stream(&r->body, turn);
	else
		make_request(&r->body, scene, agent, turn);
}

static double
check(struct run *r, enum scene scene)
{
	const struct group_source source = { fetch, NULL };
	struct group *g = group_new();
	uint64_t seq = 0;
	double ms = 0;

	for (unsigned turn = 0; turn < TURNS; turn++)
		for (unsigned a = 0; a < 1u + (scene == TWO_AGENTS); a++) {
			const struct group_at at = { ++seq, 1, 0 };
			struct slice raw;
			bool is_new;
			double began;

			make(r, scene, a, turn);
			began = cpu_ms();
			if (group_get(g, &source, &at, &raw, &is_new) != 0 ||
			    !slice_eq(raw, bytes_slice(&r->body)))
				die("a body does not come back");
			ms += cpu_ms() - began;
		}
	group_free(g);
	return ms;
}

static void
play(enum scene scene)
{
	struct run r = { .parents = parents_new(PARENTS_BYTES),
	    .squeeze = squeeze_new() };
	size_t last = 0;
	double undo_ms;

	printf("%-14s series, bytes a turn:", scene_name[scene]);
	for (unsigned turn = 0; turn < TURNS; turn++) {
		for (unsigned a = 0; a < 1u + (scene == TWO_AGENTS); a++) {
			make(&r, scene, a, turn);
			add(&r, scene == STREAMS);
		}
		if (turn % 10 == 9) {
			printf(" %zu", (r.small - last) / 10);
			last = r.small;
		}
	}
	undo_ms = check(&r, scene);
	printf("\n%-14s raw %zu kB, squeezed %zu kB (%.2f %%, %.0fx, %zu key frames, "
	    "%.0f ms), plain zstd %zu kB (%.1fx, %.0f ms), undone in %.0f ms\n", "",
	    r.raw / 1000, r.small / 1000, 100.0 * (double)r.small / (double)r.raw,
	    (double)r.raw / (double)r.small, r.keys, r.ms, r.plain / 1000,
	    (double)r.raw / (double)r.plain, r.plain_ms, undo_ms);
	parents_free(r.parents);
	squeeze_free(r.squeeze);
	bytes_fini(&r.body);
}

int
main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		read_file(argv[i]);
	if (text.len < 100000 || text.failed)
		die("needs files of 100 kB in all");
	for (enum scene s = 0; s < SCENES; s++)
		play(s);
	for (size_t i = 0; i < 2 * TURNS + 1; i++)
		bytes_fini(&rows[i]);
	bytes_fini(&text);
	return 0;
}
