#include "tests/unit/store_rows.h"

#include <lmdb.h>

#include "proxy/tape.h"
#include "store/traces.h"

/* ---- keys */

static struct slice
text(const char *s)
{
	return (struct slice){ s, strlen(s) };
}

static struct slice
id_key(uint8_t to[ID_KEY_MAX], struct slice id)
{
	return (struct slice){ (char *)to, id_key_put(to, id) };
}

static void
ids_stand_in_keys_as_they_are_or_as_prefix_and_hash(void **state)
{
	static char id[2][1000];
	uint8_t a[ID_KEY_MAX], b[ID_KEY_MAX];

	memset(id, 'x', sizeof(id));
	for (size_t n = 1; n <= ID_KEY_MAX; n++) {
		struct slice s = { id[0], n };

		assert_true(slice_eq(id_key(a, s), s));
	}
	id[1][900] = 'y';
	for (size_t n = ID_KEY_MAX + 1; n <= sizeof(id[0]); n++) {
		struct slice k = id_key(a, (struct slice){ id[0], n });

		assert_int_equal(k.len, ID_KEY_MAX);
		assert_memory_equal(k.p, id[0], ID_KEY_MAX - 33);
		assert_int_equal((uint8_t)k.p[ID_KEY_MAX - 33], 0xff);
		assert_int_equal(slice_eq(k,
		    id_key(b, (struct slice){ id[1], n })), n <= 900);
		assert_false(slice_eq(k,
		    id_key(b, (struct slice){ id[0], n - 1 })));
	}
	/* printf 'a\0b' | sha256sum */
	assert_true(slice_eq(id_key(a, SLICE("a\0b")),
	    SLICE("a\xff" "59b271ae1bbcb1d31d41929817f4b16f")));
	assert_int_equal(id_key(a, SLICE("\0")).len, 33);
	assert_null(memchr(a, 0, 33));
}

static void
span_keys_sort_by_trace_then_start_then_span(void **state)
{
	static const struct {
		const char *trace;
		int64_t start;
		const char *span;
	} in_order[] = {
		{ "a", 0, "z" }, { "a", 1, "y" }, { "a", 1, "z" }, { "a", 256, "b" },
		{ "a", INT64_MAX, "b" }, { "a", -1, "a" }, { "a\x01", 0, "a" },
		{ "aa", 0, "a" }, { "b", -1, "a" },
	};
	uint8_t key[2][SPAN_KEY_MAX];
	size_t len[2] = { 0, 0 };

	for (unsigned i = 0; i < sizeof(in_order) / sizeof(in_order[0]); i++) {
		size_t trace_len = strlen(in_order[i].trace);
		struct slice span;
		int64_t start;

		len[i & 1] = span_key_put(key[i & 1], text(in_order[i].trace),
		    in_order[i].start, text(in_order[i].span));
		assert_true(span_key_get(key[i & 1], len[i & 1], trace_len,
		    &start, &span));
		assert_true(start == in_order[i].start);
		assert_true(slice_eq(span, text(in_order[i].span)));
		for (size_t n = 0; n < trace_len + 10; n++)
			assert_false(span_key_get(key[i & 1], n, trace_len, &start,
			    &span));
		if (i > 0) {
			MDB_val v[2] = { { len[0], key[0] }, { len[1], key[1] } };
			size_t n = len[0] < len[1] ? len[0] : len[1];
			int c = memcmp(v[i & 1].mv_data, v[~i & 1].mv_data, n);

			assert_true(c > 0 || (c == 0 && len[i & 1] > len[~i & 1]));
		}
	}
}

static void
every_cut_of_an_item_is_refused_or_has_less_text(void **state)
{
	static const uint8_t literal[] = {
		1, 3, 0, 0, 0, 0, 0, 0, 0, 9, 1, 0, 0, 0, 0, 0, 0, '{', '}',
	};
	struct kept_item k = { .raw = SLICE("{}"), .first_seq = 3, .last_seq = 265 };
	struct bytes b = { 0 };

	item_encode(&b, &k);
	assert_int_equal(b.len, sizeof(literal));
	assert_memory_equal(b.p, literal, b.len);
	for (size_t n = 0; n <= b.len; n++) {
		assert_int_equal(item_decode(b.p, n, &k), n < 17 ? -1 : 0);
		if (n >= 17)
			assert_int_equal(k.raw.len, n - 17);
	}
	b.p[0] = 2;
	assert_int_equal(item_decode(b.p, b.len, &k), -1);
	b.p[0] = 1;
	b.p[1] = 255, b.p[2] = 255;		/* first above last */
	assert_int_equal(item_decode(b.p, b.len, &k), -1);
	bytes_fini(&b);
}

/* ---- upserts */

/* One text of an item, as one exchange brings it. */
struct version {
	uint64_t seq;
	const char *raw;
};

static char long_id[2][400];		/* JSON of two spans with long ids */

#define SPAN(id, trace, start, rest) "{\"object\":\"trace.span\",\"id\":\"" id \
	"\",\"trace_id\":\"" trace "\",\"started_at\":" start rest "}"
#define AT(second) "\"2026-11-21T10:00:" second "Z\""

/* The number is the exchange's: the same texts come in several. */
static struct version versions[] = {
	{ 1, "{\"object\":\"trace\",\"id\":\"t1\",\"metadata\":null}" },
	{ 5, "{\"object\":\"trace\",\"id\":\"t1\",\"metadata\":{\"a\":1}}" },
	{ 5, "{\"object\":\"trace\",\"id\":\"t1\",\"metadata\":{\"a\":2}}" },
	{ 9, "{\"object\":\"trace\",\"id\":\"t1\",\"metadata\":null}" },
	{ 4, SPAN("s1", "t1", AT("01"), "") },
	{ 4, SPAN("s2", "t1", AT("02"), ",\"ended_at\":null") },
	{ 6, SPAN("s2", "t1", AT("00"), ",\"ended_at\":" AT("03")) },
	{ 6, SPAN("s2", "t1", "null", "") },
	{ 7, SPAN("s3", "t1", "null", "") },
	{ 8, SPAN("s3", "t1", AT("09"), "") },
	{ 7, SPAN("s4", "t1", AT("01"), "") },
	{ 2, SPAN("s5", "t1", AT("05"), ",\"long\":\"xxxxxxxxxxxxxxxxxxxx\"") },
	{ 3, SPAN("s5", "t1", AT("06"), "") },
	/* The same ids elsewhere are others. */
	{ 2, SPAN("s1", "t2", AT("01"), "") },
	{ 2, SPAN("no-op", "no-op", AT("01"), "") },
	{ 3, SPAN("no-op", "t2", AT("01"), "") },
	{ 3, SPAN("t2", "t2", "\"never\"", "") },
	{ 8, "{\"object\":\"trace\",\"id\":\"t3\"}" },
	/* A 0 in an id, and what would look like its key. */
	{ 4, SPAN("s", "t\\u0000", AT("01"), "") },
	{ 4, SPAN("s\\u0000x", "t", AT("01"), "") },
	{ 4, SPAN("s\\u0000y", "t", AT("01"), "") },
	{ 4, SPAN("s", "t", AT("01"), "") },
	{ 5, long_id[0] },
	{ 6, long_id[1] },
};

enum { N_VERSIONS = sizeof(versions) / sizeof(versions[0]), N_ORDERS = 200 };

static void
make_long_ids(void)
{
	char id[301];

	memset(id, 'i', 300);
	id[300] = '\0';
	for (unsigned i = 0; i < 2; i++) {
		id[299] = (char)('0' + i);
		snprintf(long_id[i], sizeof(long_id[i]),
		    SPAN("%s", "t9", AT("0%u"), ""), id, i);
	}
}

/* A small generator: orders differ from run to run of the loop, not of the test. */
static unsigned
draw(uint64_t *state, unsigned below)
{
	*state = *state * UINT64_C(6364136223846793005) + 1442695040888963407u;
	return (unsigned)(*state >> 33) % below;
}

static void
put_version(struct writer *w, struct item_reader *r, const char *raw, uint64_t seq)
{
	struct ingest_item item;

	item_read(r, text(raw), &item);
	assert_int_not_equal(item.kind, ITEM_ODD);
	assert_int_equal(writer_put_item(w, seq, &item), 0);
}

/* Every version at least once, in any order. */
static void
shuffle(uint64_t *rand, unsigned order[2 * N_VERSIONS])
{
	for (unsigned i = 0; i < 2 * N_VERSIONS; i++)
		order[i] = i < N_VERSIONS ? i : draw(rand, N_VERSIONS);
	for (unsigned i = 2 * N_VERSIONS - 1; i > 0; i--) {
		unsigned j = draw(rand, i + 1), swap = order[i];

		order[i] = order[j];
		order[j] = swap;
	}
}

/* Puts them as exchanges bring them that have numbers of their own. */
static void
put_items(uint64_t *rand, const unsigned order[2 * N_VERSIONS])
{
	struct item_reader *reader = item_reader_new();
	struct writer *w = open_writer();

	for (unsigned i = 0; i < 2 * N_VERSIONS; i++) {
		const struct version *v = &versions[order[i]];

		put_version(w, reader, v->raw, v->seq);
		if (draw(rand, 5) == 0)
			assert_int_equal(writer_commit(w), 0);
	}
	assert_int_equal(writer_close(w), 0);
	item_reader_free(reader);
}

static const char batch_head[] = "POST /v1/traces/ingest HTTP/1.1\r\n"
    "Content-Type: application/json\r\n\r\n";

static struct tape *
begin_batch(struct writer *w)
{
	static const struct tape_start start = { .time_ns = 1 };
	struct tape *t = tape_new(&start);

	assert_non_null(t);
	tape_open(t, w);
	assert_int_equal(tape_head(t, w, SIDE_REQUEST_HEAD, text(batch_head), true),
	    0);
	return t;
}

static void
end_batch(struct tape *t, struct writer *w, size_t body_bytes)
{
	const struct tape_end end = { .outcome = OUTCOME_COMPLETE,
		.request = { sizeof(batch_head) - 1, (int64_t)body_bytes, 0, false },
		.response = { -1, -1, -1, false } };

	tape_request_end(t);
	assert_int_equal(tape_save(t, w, &end), 0);
	tape_free(t);
}

/* The body is empty again afterwards. */
static void
send_batch(struct writer *w, uint64_t *rand, struct bytes *body)
{
	struct tape *t = begin_batch(w);

	bytes_puts(body, "]}");
	assert_false(body->failed);
	for (size_t i = 0, n; i < body->len; i += n) {
		n = 1 + draw(rand, 300);
		if (n > body->len - i)
			n = body->len - i;
		assert_int_equal(tape_data(t, w, SIDE_REQUEST_BODY, body->p + i, n,
		    1), 0);
		if (draw(rand, 9) == 0)
			assert_int_equal(writer_commit(w), 0);
	}
	end_batch(t, w, body->len);
	bytes_clear(body);
}

/* Puts them as bodies of any number of items, in pieces of any size. */
static void
put_batches(uint64_t *rand, const unsigned order[2 * N_VERSIONS])
{
	struct writer *w = open_writer();
	struct bytes body = { 0 };

	for (unsigned i = 0; i < 2 * N_VERSIONS; i++) {
		bytes_puts(&body, body.len == 0 ? "{\"data\":[" : ",");
		bytes_puts(&body, versions[order[i]].raw);
		if (draw(rand, 6) == 0)
			send_batch(w, rand, &body);
	}
	if (body.len > 0)
		send_batch(w, rand, &body);
	assert_int_equal(writer_close(w), 0);
	bytes_fini(&body);
}

static void
print_item(struct bytes *b, const struct kept_item *k, bool with_seqs)
{
	bytes_put_slice(b, k->key);
	bytes_printf(b, " %lld ", (long long)k->started_ns);
	if (with_seqs)
		bytes_printf(b, "%llu-%llu ", (unsigned long long)k->first_seq,
		    (unsigned long long)k->last_seq);
	bytes_put_slice(b, k->raw);
	bytes_putc(b, '\n');
}

/* The id of an item, unescaped. */
static struct slice
id_of(struct item_reader *reader, struct bytes *raw, const struct kept_item *k,
    struct slice *trace_id)
{
	struct ingest_item item;

	bytes_clear(raw);
	bytes_put_slice(raw, k->raw);
	item_read(reader, bytes_slice(raw), &item);
	*trace_id = item.trace_id;
	return item.id;
}

/* Every span is found by its id, where the listing has it. */
static void
must_find(struct reader *r, struct item_reader *reader, const struct kept_item *k)
{
	struct bytes raw = { 0 };
	struct kept_item again;
	struct slice trace_id, id = id_of(reader, &raw, k, &trace_id);
	int64_t started_ns = k->started_ns;

	assert_int_equal(reader_span(r, trace_id, id, &again), 0);
	assert_true(again.started_ns == started_ns);
	assert_true(slice_eq(again.raw, bytes_slice(&raw)));
	assert_int_equal(reader_trace(r, trace_id, &again), 0);
	bytes_fini(&raw);
}

/* ids of the traces, to find them by. */
static const struct slice trace_ids[] = {
	{ "no-op", 5 }, { "t", 1 }, { "t\0", 2 }, { "t1", 2 }, { "t2", 2 },
	{ "t3", 2 }, { "t9", 2 },
};

enum { N_TRACES = sizeof(trace_ids) / sizeof(trace_ids[0]) };

static void
list_spans(struct bytes *b, struct reader *r, struct slice trace, bool with_seqs)
{
	struct item_reader *reader = item_reader_new();
	struct kept_item s, last;
	uint8_t key[ID_KEY_MAX];
	int rc = reader_next_span(r, trace, NULL, &s);

	while (rc == 0) {
		print_item(b, &s, with_seqs);
		last = s;
		memcpy(key, s.key.p, s.key.len);
		last.key.p = (char *)key;
		must_find(r, reader, &s);
		rc = reader_next_span(r, trace, &last, &s);
	}
	assert_int_equal(rc, READER_NONE);
	item_reader_free(reader);
}

static void
list_all(struct bytes *b, bool with_seqs)
{
	struct slice after = { NULL, 0 };
	struct kept_item t;
	struct reader *r;
	unsigned n = 0;
	int rc;

	assert_int_equal(reader_open(&r, dir), 0);
	while ((rc = reader_next_trace(r, after, &t)) == 0) {
		print_item(b, &t, with_seqs);
		after = t.key;		/* lent, and given back */
		n++;
	}
	assert_int_equal(rc, READER_NONE);
	assert_int_equal(n, N_TRACES);
	for (unsigned i = 0; i < N_TRACES; i++)
		list_spans(b, r, trace_ids[i], with_seqs);
	reader_close(r);
	bytes_putc(b, '\0');
	assert_false(b->failed);
}

/* Of t1 and t2. */
static const char spans[] =
    "s2 1795255200000000000 4-6 " SPAN("s2", "t1", AT("00"), ",\"ended_at\":" AT("03"))
    "\n"
    "s1 1795255201000000000 4-4 " SPAN("s1", "t1", AT("01"), "") "\n"
    "s4 1795255201000000000 7-7 " SPAN("s4", "t1", AT("01"), "") "\n"
    "s5 1795255205000000000 2-3 " SPAN("s5", "t1", AT("05"),
    ",\"long\":\"xxxxxxxxxxxxxxxxxxxx\"") "\n"
    "s3 1795255209000000000 7-8 " SPAN("s3", "t1", AT("09"), "") "\n"
    "no-op 1795255201000000000 3-3 " SPAN("no-op", "t2", AT("01"), "") "\n"
    "s1 1795255201000000000 2-2 " SPAN("s1", "t2", AT("01"), "") "\n"
    "t2 -1 3-3 " SPAN("t2", "t2", "\"never\"", "") "\n";

/* Up to the key with a hash, which sorts last. */
static const char traces[] =
    "no-op -1 2-2 \n"
    "t -1 4-4 \n"
    "t1 -1 1-9 {\"object\":\"trace\",\"id\":\"t1\",\"metadata\":{\"a\":2}}\n"
    "t2 -1 2-3 \n"
    "t3 -1 8-8 {\"object\":\"trace\",\"id\":\"t3\"}\n"
    "t9 -1 5-6 \n"
    "t\xff";

static void
orders_give_the_same(bool as_batches)
{
	struct bytes first = { 0 }, b = { 0 };
	unsigned order[2 * N_VERSIONS];
	uint64_t rand = 42;

	make_long_ids();
	for (unsigned i = 0; i < N_ORDERS; i++) {
		snprintf(dir, sizeof(dir), "%s/store%u", top, i);
		shuffle(&rand, order);
		(as_batches ? put_batches : put_items)(&rand, order);
		bytes_clear(&b);
		list_all(&b, !as_batches);
		if (i == 0)
			bytes_put_slice(&first, bytes_slice(&b));
		if (strcmp((char *)b.p, (char *)first.p) != 0)
			print_error("order %u:\n%s", i, (char *)b.p);
		assert_string_equal((char *)b.p, (char *)first.p);
		assert_int_equal(remove_top(NULL), 0);
		assert_int_equal(mkdir(top, 0755), 0);
	}
	if (!as_batches) {
		assert_memory_equal(first.p, traces, strlen(traces));
		assert_non_null(strstr((char *)first.p, spans));
	}
	bytes_fini(&first);
	bytes_fini(&b);
}

static void
any_order_and_duplication_gives_the_same_tables(void **state)
{
	orders_give_the_same(false);
}

static void
any_batching_and_any_pieces_give_the_same_items(void **state)
{
	orders_give_the_same(true);
}

static void
odd_items_are_no_rows(void **state)
{
	static const struct ingest_item odd = { .kind = ITEM_ODD,
		.id = { "x", 1 }, .trace_id = { "x", 1 }, .raw = { "{}", 2 } };
	struct writer *w = open_writer();
	struct kept_item k;
	struct reader *r;

	assert_int_equal(writer_put_item(w, 1, &odd), 0);
	assert_int_equal(writer_pending(w), 0);
	writer_close(w);
	assert_int_equal(reader_open(&r, dir), 0);
	assert_int_equal(reader_next_trace(r, (struct slice){ 0 }, &k), READER_NONE);
	assert_int_equal(reader_trace(r, SLICE("x"), &k), READER_NONE);
	assert_int_equal(reader_trace(r, SLICE(""), &k), READER_NONE);
	assert_int_equal(reader_next_span(r, SLICE("x"), NULL, &k), READER_NONE);
	assert_int_equal(reader_span(r, SLICE("x"), SLICE("x"), &k), READER_NONE);
	assert_int_equal(reader_span(r, SLICE("x"), SLICE(""), &k), READER_NONE);
	reader_close(r);
}

static void
an_item_of_4_mib_is_kept_whole(void **state)
{
	struct item_reader *reader = item_reader_new();
	struct writer *w = open_writer();
	struct bytes raw = { 0 };
	struct ingest_item item;
	struct kept_item k;
	struct reader *r;

	bytes_puts(&raw, "{\"object\":\"trace\",\"id\":\"t\",\"x\":\"");
	while (raw.len < 4194302)
		bytes_putc(&raw, 'a' + (int)(raw.len % 26));
	bytes_puts(&raw, "\"}");
	item_read(reader, bytes_slice(&raw), &item);
	assert_int_equal(writer_put_item(w, 1, &item), 0);
	assert_true(writer_pending(w) > raw.len);
	writer_close(w);
	assert_int_equal(reader_open(&r, dir), 0);
	assert_int_equal(reader_trace(r, SLICE("t"), &k), 0);
	assert_true(slice_eq(k.raw, bytes_slice(&raw)));
	reader_close(r);
	bytes_fini(&raw);
	item_reader_free(reader);
}

/* ---- other stores */

/* Does something to a table behind the writer's back: value NULL drops it. */
static void
alter(const char *table, struct slice key, const struct slice *value)
{
	MDB_val k = { key.len, (void *)key.p }, v;
	MDB_env *env;
	MDB_txn *txn;
	MDB_dbi dbi;

	assert_int_equal(mdb_env_create(&env), 0);
	mdb_env_set_maxdbs(env, 8);
	mdb_env_set_mapsize(env, (size_t)64 << 20);
	assert_int_equal(mdb_env_open(env, dir, 0, 0600), 0);
	assert_int_equal(mdb_txn_begin(env, NULL, 0, &txn), 0);
	assert_int_equal(mdb_dbi_open(txn, table, 0, &dbi), 0);
	if (value) {
		v = (MDB_val){ value->len, (void *)value->p };
		assert_int_equal(mdb_put(txn, dbi, &k, &v, 0), 0);
	} else {
		assert_int_equal(mdb_drop(txn, dbi, 1), 0);
	}
	assert_int_equal(mdb_txn_commit(txn), 0);
	mdb_env_close(env);
}

static void
a_store_from_before_there_were_traces_has_none(void **state)
{
	static const char *const tables[] = { "trace", "span", "spanid" };
	struct item_reader *reader = item_reader_new();
	struct kept_item k;
	struct writer *w;
	struct reader *r;

	writer_close(open_writer());
	for (unsigned i = 0; i < 3; i++)
		alter(tables[i], (struct slice){ 0 }, NULL);
	assert_int_equal(reader_open(&r, dir), 0);
	assert_int_equal(reader_next_trace(r, (struct slice){ 0 }, &k), READER_NONE);
	assert_int_equal(reader_next_span(r, SLICE("t"), NULL, &k), READER_NONE);
	assert_int_equal(reader_span(r, SLICE("t"), SLICE("s"), &k), READER_NONE);
	reader_close(r);
	w = open_writer();
	put_version(w, reader, SPAN("s", "t", AT("01"), ""), 1);
	writer_close(w);
	assert_int_equal(reader_open(&r, dir), 0);
	assert_int_equal(reader_span(r, SLICE("t"), SLICE("s"), &k), 0);
	reader_close(r);
	item_reader_free(reader);
}

static void
damaged_rows_are_told_do_not_end_a_listing_and_heal(void **state)
{
	static const struct slice bad = { "\7", 1 };
	struct item_reader *reader = item_reader_new();
	struct writer *w = open_writer();
	uint8_t key[SPAN_KEY_MAX];
	struct slice at = { (char *)key, 0 };
	struct kept_item k;
	struct reader *r;

	for (int i = 0; i < 2; i++) {
		put_version(w, reader, SPAN("s1", "t1", AT("01"), ""), 1);
		put_version(w, reader, SPAN("s2", "t1", AT("02"), ""), 1);
		put_version(w, reader, SPAN("s", "t2", AT("01"), ""), 1);
		writer_close(w);
		assert_int_equal(reader_open(&r, dir), 0);
		assert_int_equal(reader_trace(r, SLICE("t1"), &k), 0);
		assert_int_equal(reader_span(r, SLICE("t1"), SLICE("s1"), &k), 0);
		assert_int_equal(reader_span(r, SLICE("t2"), SLICE("s"), &k), 0);
		reader_close(r);
		if (i == 1)
			break;
		alter("trace", SLICE("t1"), &bad);
		at.len = span_key_put(key, SLICE("t1"), k.started_ns, SLICE("s1"));
		alter("span", at, &bad);
		at.len = spanid_key_put(key, SLICE("s"), SLICE("t2"));
		alter("spanid", at, &bad);
		assert_int_equal(reader_open(&r, dir), 0);
		assert_int_equal(reader_next_trace(r, (struct slice){ 0 }, &k),
		    READER_CORRUPT);
		assert_true(slice_eq(k.key, SLICE("t1")));
		assert_int_equal(reader_next_trace(r, k.key, &k), 0);
		assert_true(slice_eq(k.key, SLICE("t2")));
		assert_int_equal(reader_next_span(r, SLICE("t1"), NULL, &k),
		    READER_CORRUPT);
		assert_true(slice_eq(k.key, SLICE("s1")));
		assert_int_equal(reader_next_span(r, SLICE("t1"), &k, &k), 0);
		assert_true(slice_eq(k.key, SLICE("s2")));
		assert_int_equal(reader_span(r, SLICE("t2"), SLICE("s"), &k),
		    READER_CORRUPT);
		reader_close(r);
		w = open_writer();
	}
	item_reader_free(reader);
}

/* ---- on their way in */

static int
feed(struct tape *t, struct writer *w, const char *piece)
{
	return tape_data(t, w, SIDE_REQUEST_BODY, piece, strlen(piece), 1);
}

/* The writer dies behind a commit in the middle of a batch. */
static void
half_a_batch(void *arg)
{
	struct writer *w = open_writer();
	struct tape *t = begin_batch(w);

	MUST(tape_seq(t) == 1);
	MUST(feed(t, w, "{\"data\":[{\"object\":\"trace\",\"id\":\"t\"},") == 0);
	MUST(feed(t, w, SPAN("s", "t", AT("01"), "") ",{\"object\":\"tr") == 0);
	MUST(writer_commit(w) == 0);
	_exit(0);
}

static void
what_came_of_a_batch_outlives_a_crash_and_keeps_its_exchange(void **state)
{
	struct kept_item k;
	struct exchange x;
	struct writer *w;
	struct reader *r;

	elsewhere(half_a_batch, NULL);
	w = open_writer();
	assert_int_equal(writer_next_seq(w), 2);
	writer_close(w);
	assert_int_equal(reader_open(&r, dir), 0);
	assert_int_equal(reader_get(r, 1, &x), 0);
	assert_int_equal(x.outcome, OUTCOME_INTERRUPTED);
	assert_int_equal(x.endpoint, ENDPOINT_INGEST);
	assert_int_equal(reader_trace(r, SLICE("t"), &k), 0);
	assert_true(k.first_seq == 1 && k.last_seq == 1);
	assert_int_equal(reader_span(r, SLICE("t"), SLICE("s"), &k), 0);
	reader_close(r);
}

static void
a_batch_whose_items_fail_is_cut_and_has_no_hole(void **state)
{
	static const char first[] = "{\"data\":[{\"object\":\"trace\",\"id\":\"a\"},";
	const struct writer_options small = { 1 << 20, DURABILITY_LAZY, 0 };
	struct bytes big = { 0 };
	struct writer *w;
	struct tape *t;
	struct exchange x;
	struct kept_item k;
	struct reader *r;

	assert_int_equal(writer_open(&w, dir, &small, NULL), 0);
	t = begin_batch(w);
	assert_int_equal(feed(t, w, first), 0);
	assert_int_equal(tape_save(t, w, NULL), 0);
	assert_int_equal(writer_commit(w), 0);
	tape_committed(t);
	bytes_puts(&big, "{\"object\":\"trace\",\"id\":\"b\",\"x\":\"");
	while (big.len < 2 << 20)
		bytes_puts(&big, "0123456789abcdef");
	bytes_puts(&big, "\"},");
	bytes_putc(&big, '\0');
	assert_int_equal(feed(t, w, (char *)big.p), MDB_MAP_FULL);
	tape_lost(t);
	/* The disk is back. */
	assert_int_equal(feed(t, w, "{\"object\":\"trace\",\"id\":\"c\"}]}"), 0);
	end_batch(t, w, big.len + 60);
	assert_int_equal(writer_close(w), 0);
	assert_int_equal(reader_open(&r, dir), 0);
	assert_int_equal(reader_get(r, 1, &x), 0);
	assert_int_equal(x.request.kept_bytes, strlen(first));
	assert_false(x.request.has_sha256);
	assert_int_equal(x.items.traces, 3);
	assert_int_equal(reader_trace(r, SLICE("a"), &k), 0);
	assert_int_equal(reader_trace(r, SLICE("b"), &k), READER_NONE);
	assert_int_equal(reader_trace(r, SLICE("c"), &k), 0);
	reader_close(r);
	bytes_fini(&big);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ids_stand_in_keys_as_they_are_or_as_prefix_and_hash),
		cmocka_unit_test(span_keys_sort_by_trace_then_start_then_span),
		cmocka_unit_test(every_cut_of_an_item_is_refused_or_has_less_text),
		STORE_TEST(any_order_and_duplication_gives_the_same_tables),
		STORE_TEST(any_batching_and_any_pieces_give_the_same_items),
		STORE_TEST(odd_items_are_no_rows),
		STORE_TEST(an_item_of_4_mib_is_kept_whole),
		STORE_TEST(a_store_from_before_there_were_traces_has_none),
		STORE_TEST(damaged_rows_are_told_do_not_end_a_listing_and_heal),
		STORE_TEST(
		    what_came_of_a_batch_outlives_a_crash_and_keeps_its_exchange),
		STORE_TEST(a_batch_whose_items_fail_is_cut_and_has_no_hole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
