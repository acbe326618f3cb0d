#include "tests/unit/check_scene.h"

static struct reader *r;

static int
make_scene(void **state)
{
	if (make_top(state) != 0)
		return -1;
	scene_make();
	r = scene_reader();
	return 0;
}

static int
remove_scene(void **state)
{
	reader_close(r);
	return remove_top(state);
}

static void
a_store_with_every_kind_of_content_is_clean(void **state)
{
	scene_check(r);
	scene_print("clean");
	assert_int_equal(n_found, 0);
	assert_int_equal(totals.exchanges, LAST - 2);
	assert_int_equal(totals.in_flight, 1);
	assert_int_equal(totals.gaps, 1);
	assert_int_equal(totals.lost, 2);
	assert_int_equal(totals.traces, 3);
	assert_int_equal(totals.spans, 3);
	assert_int_equal(totals.bytes, 17 + 50000 + 20003 + 20023 + 11 + 98 + 5 * 2);
}

/* Keys by the numbers of the scene. */
static uint8_t key_bytes[BODY_KEY_LEN];

static struct slice
seq_key(uint64_t seq)
{
	be64_put(key_bytes, seq);
	return (struct slice){ (char *)key_bytes, SEQ_KEY_LEN };
}

static struct slice
body_key(uint64_t seq, unsigned side, uint32_t part)
{
	be64_put(key_bytes, seq);
	key_bytes[8] = (uint8_t)side;
	be32_put(key_bytes + 9, part);
	return (struct slice){ (char *)key_bytes, BODY_KEY_LEN };
}

/* Flips a bit of a value, off from its end when it is negative. */
static void
flip(enum table t, struct slice key, int off)
{
	static uint8_t v[20000];
	size_t n = scene_get(r, t, key, v, sizeof(v));

	v[off < 0 ? n - (size_t)-off : (size_t)off] ^= 1;
	scene_put(r, t, key, v, n);
}

static void
cut(enum table t, struct slice key)
{
	static uint8_t v[20000];
	size_t n = scene_get(r, t, key, v, sizeof(v));

	scene_put(r, t, key, v, n - 1);
}

static void drop_meta(void) { scene_put(r, TABLE_META, SLICE("id"), NULL, 0); }
static void odd_meta(void) { scene_put(r, TABLE_META, SLICE("id"), "x", 1); }
static void odd_created(void) { scene_put(r, TABLE_META, SLICE("created_ns"), "x", 1); }
static void odd_proxy(void) { scene_put(r, TABLE_META, SLICE("proxy"), "\0", 1); }
static void odd_key(void) { scene_put(r, TABLE_EXCHANGE, SLICE("odd"), "", 0); }
static void zero_key(void) { scene_put(r, TABLE_EXCHANGE, seq_key(0), "", 0); }
static void odd_body_key(void) { scene_put(r, TABLE_BODY, SLICE("odd"), "", 0); }
static void odd_side(void) { scene_put(r, TABLE_BODY, body_key(SMALL, 40, 0), "x", 1); }
static void odd_gap_key(void) { scene_put(r, TABLE_GAP, SLICE("odd"), "", 0); }
static void odd_open_key(void) { scene_put(r, TABLE_OPEN, SLICE("odd"), "", 0); }
static void odd_record(void) { cut(TABLE_EXCHANGE, seq_key(SMALL)); }
static void odd_gap(void) { cut(TABLE_GAP, seq_key(GAP)); }
static void drop_open(void) { scene_put(r, TABLE_OPEN, seq_key(FLYING), NULL, 0); }
static void open_ended(void) { scene_put(r, TABLE_OPEN, seq_key(SMALL), "", 0); }
static void open_gone(void) { scene_put(r, TABLE_OPEN, seq_key(GAP), "", 0); }
static void open_value(void) { scene_put(r, TABLE_OPEN, seq_key(FLYING), "x", 1); }

static void
put_record(uint64_t seq, void (*change)(struct exchange *x))
{
	uint8_t v[2000];
	size_t n = scene_get(r, TABLE_EXCHANGE, seq_key(seq), v, sizeof(v));
	struct bytes b = { 0 };
	struct exchange x;

	assert_int_equal(record_decode(&x, v, n), 0);
	change(&x);
	record_encode(&b, &x);
	scene_put(r, TABLE_EXCHANGE, seq_key(seq), b.p, b.len);
	bytes_fini(&b);
}

static void more(struct exchange *x) { x->request.kept_bytes++; }
static void all_more(struct exchange *x) { x->request.body_bytes = ++x->request.kept_bytes; }
static void no_hash(struct exchange *x) { x->request.has_sha256 = false; }
static void other_hash(struct exchange *x) { x->response.sha256[31] ^= 1; }
static void other_id(struct exchange *x) { x->conversation = SLICE("conv_1x"); }
static void no_conversation(struct exchange *x) { x->conversation.p = NULL; }

static void odd_counts(void) { put_record(PARTS, more); }
static void kept_more(void) { put_record(PARTS, all_more); }
static void kept_more_open(void) { put_record(FLYING, more); }
static void kept_more_packed(void) { put_record(SMALL, all_more); }
static void lose_hash(void) { put_record(PARTS, no_hash); }
static void wrong_hash(void) { put_record(PARTS, other_hash); }
static void unnamed(void) { put_record(SMALL, no_conversation); }

static void
renamed(void)
{
	put_record(SMALL, other_id);
	scene_put(r, TABLE_RESPONSE, SLICE("conv_1\0\0\0\0\0\0\0\0\1"), NULL, 0);
}

static void drop_row(void) { scene_put(r, TABLE_EXCHANGE, seq_key(PARTS), NULL, 0); }
static void drop_first(void) { scene_put(r, TABLE_BODY, body_key(PARTS, 1, 0), NULL, 0); }
static void drop_part(void) { scene_put(r, TABLE_BODY, body_key(PARTS, 1, 2), NULL, 0); }
static void drop_last(void) { scene_put(r, TABLE_BODY, body_key(PARTS, 1, 3), NULL, 0); }
static void drop_open_part(void) { scene_put(r, TABLE_BODY, body_key(FLYING, 1, 0), NULL, 0); }
static void cut_part(void) { cut(TABLE_BODY, body_key(PARTS, 1, 1)); }
static void cut_last(void) { cut(TABLE_BODY, body_key(PARTS, 1, 3)); }
static void part_more(void) { scene_put(r, TABLE_BODY, body_key(PARTS, 1, 4), "x", 1); }
static void empty_part(void) { scene_put(r, TABLE_BODY, body_key(PARTS, 1, 3), "", 0); }
static void flip_part(void) { flip(TABLE_BODY, body_key(PARTS, 1, 2), 777); }
static void drop_head(void) { scene_put(r, TABLE_BODY, body_key(BODILESS, 255, 0), "\1\0\1x", 4); }
static void cut_pack(void) { cut(TABLE_BODY, body_key(SMALL, 255, 0)); }
static void flip_pack(void) { flip(TABLE_BODY, body_key(PACKED, 254, 0), -9); }
static void early_pack(void) { scene_put(r, TABLE_BODY, body_key(FLYING, 255, 0), "\1\3\1x", 4); }
static void side_pack(void) { scene_put(r, TABLE_BODY, body_key(BODILESS, 255, 0), "\1\11\1x", 4); }
static void two_packs(void) { scene_put(r, TABLE_BODY, body_key(PACKED, 255, 0), "\0", 1); }
static void in_both(void) { scene_put(r, TABLE_BODY, body_key(SMALL, 1, 0), "x", 1); }
static void block_and_part(void) { scene_put(r, TABLE_BODY, body_key(DELTA, 1, 0), "x", 1); }
static void drop_block(void) { scene_put(r, TABLE_BODY, body_key(DELTA, 65, 0), NULL, 0); }
static void odd_block(void) { flip(TABLE_BODY, body_key(DELTA, 65, 0), 0); }
static void flip_block(void) { flip(TABLE_BODY, body_key(DELTA, 65, 0), -3); }

static void
odd_depth(void)
{
	static uint8_t v[20000];
	size_t n = scene_get(r, TABLE_BODY, body_key(DELTA, 65, 0), v, sizeof(v));

	assert_int_equal(v[5], 1);
	v[5] = 2;
	scene_put(r, TABLE_BODY, body_key(DELTA, 65, 0), v, n);
}

/* The pack of SMALL ends with the response's times: 1, 300, 1, 5. */
static void other_times(void) { flip(TABLE_BODY, body_key(SMALL, 255, 0), -2); }
static void
odd_times(void)
{
	static uint8_t v[20000];
	size_t n = scene_get(r, TABLE_BODY, body_key(SMALL, 255, 0), v, sizeof(v));

	v[n - 1] |= 0x80;
	scene_put(r, TABLE_BODY, body_key(SMALL, 255, 0), v, n);
}

#define SPAN_1 "trace_1\0\x18\xba\x11\xe6\xe4\xb8\x80\0" "span_1"

static void drop_trace(void) { scene_put(r, TABLE_TRACE, SLICE("trace_1"), NULL, 0); }
static void drop_spanid(void) { scene_put(r, TABLE_SPANID, SLICE("span_2\0trace_4"), NULL, 0); }
static void drop_claim(void) { scene_put(r, TABLE_BY_RESPONSE, SLICE("resp_2\0span_2"), NULL, 0); }
static void odd_claim(void) { scene_put(r, TABLE_BY_RESPONSE, SLICE("resp_1\0"), "x", 1); }
static void odd_claim_value(void) { scene_put(r, TABLE_BY_RESPONSE, SLICE("resp_9\0s"), "", 0); }
static void odd_spanid(void) { scene_put(r, TABLE_SPANID, SLICE("span_1"), "x", 1); }
static void odd_spanid_value(void) { cut(TABLE_SPANID, SLICE("span_1\0trace_1")); }
static void odd_start(void) { flip(TABLE_SPANID, SLICE("span_1\0trace_1"), 0); }
static void odd_trace(void) { scene_put(r, TABLE_TRACE, SLICE("trace_3"), "x", 1); }
static void odd_trace_key(void) { scene_put(r, TABLE_TRACE, SLICE("a\0b"), "x", 1); }
static void odd_span_key(void) { scene_put(r, TABLE_SPAN, SLICE("trace_1"), "x", 1); }
static void odd_text(void) { flip(TABLE_TRACE, SLICE("trace_1"), 17); }
static void other_text(void) { flip(TABLE_TRACE, SLICE("trace_1"), -3); }

static void
put_trace(const char *id, uint64_t first, uint64_t last)
{
	struct kept_item k = { .first_seq = first, .last_seq = last, .raw = SLICE("") };
	struct bytes b = { 0 };

	item_encode(&b, &k);
	scene_put(r, TABLE_TRACE, (struct slice){ id, strlen(id) }, b.p, b.len);
	bytes_fini(&b);
}

static void item_seq(void) { put_trace("trace_3", GAP, BATCH); }
static void trace_seqs(void) { put_trace("trace_1", PACKED, PACKED); }

static void
drop_span(void)
{
	uint8_t key[SPAN_KEY_MAX];

	scene_put(r, TABLE_SPAN, (struct slice){ (char *)key, span_key_put(key,
	    SLICE("trace_2"), -1, SLICE("span_1")) }, NULL, 0);
}

/* Of the row of span_1 in trace_2, which has no start, the text; or one more row of it,
 * at another start. */
static void
change_span(bool is_text)
{
	uint8_t v[400], key[SPAN_KEY_MAX];
	struct slice at = { (char *)key, span_key_put(key, SLICE("trace_2"), -1,
	    SLICE("span_1")) };
	size_t n = scene_get(r, TABLE_SPAN, at, v, sizeof(v));

	if (is_text)
		v[17] = '[';
	else
		at.len = span_key_put(key, SLICE("trace_2"), 7, SLICE("span_1"));
	scene_put(r, TABLE_SPAN, at, v, n);
}

static void odd_span_text(void) { change_span(true); }
static void
other_start(void)
{
	change_span(false);
	drop_span();
	scene_put(r, TABLE_SPANID, SLICE("span_1\0trace_2"), "\7\0\0\0\0\0\0\0", 8);
}

static void
other_claim(void)
{
	scene_put(r, TABLE_BY_RESPONSE, SLICE("resp_2\0span_2"), "trace_0", 7);
}

#define NAME_1 SLICE("resp_1\0\0\0\0\0\0\0\0\1")

static void drop_name(void) { scene_put(r, TABLE_RESPONSE, NAME_1, NULL, 0); }
static void odd_name(void) { scene_put(r, TABLE_RESPONSE, NAME_1, "\2\1\3", 3); }
static void other_role(void) { scene_put(r, TABLE_RESPONSE, NAME_1, "\1\2\3", 3); }
static void odd_name_key(void) { scene_put(r, TABLE_RESPONSE, SLICE("resp_1"), "\1\1\0", 3); }
static void
name_more(void)
{
	scene_put(r, TABLE_RESPONSE, SLICE("resp_x\0\0\0\0\0\0\0\0\1"), "\1\1\0", 3);
}
static void
name_open(void)
{
	scene_put(r, TABLE_RESPONSE, SLICE("resp_x\0\0\0\0\0\0\0\0\7"), "\1\1\0", 3);
}

static void wide_dir(void) { assert_int_equal(chmod(dir, 0750), 0); }
static void
wide_file(void)
{
	char path[160];

	snprintf(path, sizeof(path), "%s/key", dir);
	assert_int_equal(chmod(path, 0604), 0);
}

static const struct damage {
	const char *name;
	void (*make)(void);
	enum check_what what;
	const char *table;
	uint64_t seq;
} damages[] = {
#define D(make, what, table, seq) { #make, make, what, table, seq }
	D(wide_dir, CHECK_FILE_MODE, "file", 0),
	D(wide_file, CHECK_FILE_MODE, "file", 0),
	D(drop_meta, CHECK_META_MISSING, "meta", 0),
	D(odd_meta, CHECK_VALUE, "meta", 0),
	D(odd_created, CHECK_VALUE, "meta", 0),
	D(odd_proxy, CHECK_VALUE, "meta", 0),
	D(odd_key, CHECK_KEY, "exchange", 0),
	D(zero_key, CHECK_KEY, "exchange", 0),
	D(odd_body_key, CHECK_KEY, "body", 0),
	D(odd_side, CHECK_KEY, "body", SMALL),
	D(odd_gap_key, CHECK_KEY, "gap", 0),
	D(odd_open_key, CHECK_KEY, "open", 0),
	D(odd_record, CHECK_VALUE, "exchange", SMALL),
	D(odd_gap, CHECK_VALUE, "gap", GAP),
	D(drop_open, CHECK_OPEN_MISSING, "exchange", FLYING),
	D(open_ended, CHECK_OPEN_ENDED, "open", SMALL),
	D(open_gone, CHECK_OPEN_ENDED, "open", GAP),
	D(open_value, CHECK_VALUE, "open", FLYING),
	D(odd_counts, CHECK_COUNTS, "exchange", PARTS),
	D(lose_hash, CHECK_NO_HASH, "exchange", PARTS),
	D(wrong_hash, CHECK_HASH, "body", PARTS),
	D(kept_more, CHECK_KEPT, "body", PARTS),
	D(kept_more_open, CHECK_KEPT, "body", FLYING),
	D(kept_more_packed, CHECK_KEPT, "body", SMALL),
	D(drop_row, CHECK_ORPHAN, "body", PARTS),
	D(drop_first, CHECK_PART_MISSING, "body", PARTS),
	D(drop_part, CHECK_PART_MISSING, "body", PARTS),
	D(drop_last, CHECK_KEPT, "body", PARTS),
	D(drop_open_part, CHECK_PART_MISSING, "body", FLYING),
	D(cut_part, CHECK_PART_LENGTH, "body", PARTS),
	D(cut_last, CHECK_KEPT, "body", PARTS),
	D(part_more, CHECK_PART_LENGTH, "body", PARTS),
	D(empty_part, CHECK_PART_LENGTH, "body", PARTS),
	D(flip_part, CHECK_HASH, "body", PARTS),
	D(drop_head, CHECK_HEAD_MISSING, "body", BODILESS),
	D(cut_pack, CHECK_PACK, "body", SMALL),
	D(flip_pack, CHECK_PACK, "body", PACKED),
	D(early_pack, CHECK_PACK_EARLY, "body", FLYING),
	D(side_pack, CHECK_PACK, "body", BODILESS),
	D(two_packs, CHECK_TWICE, "body", PACKED),
	D(in_both, CHECK_TWICE, "body", SMALL),
	D(block_and_part, CHECK_TWICE, "body", DELTA),
	D(drop_block, CHECK_KEPT, "body", DELTA),
	D(odd_block, CHECK_BLOCK, "body", DELTA),
	D(odd_depth, CHECK_PREFIX, "body", DELTA),
	D(flip_block, CHECK_UNREADABLE, "body", DELTA),
	D(other_times, CHECK_TIMES_SUM, "body", SMALL),
	D(odd_times, CHECK_TIMES, "body", SMALL),
	D(drop_trace, CHECK_NO_TRACE, "span", 0),
	D(odd_trace, CHECK_VALUE, "trace", 0),
	D(odd_trace_key, CHECK_KEY, "trace", 0),
	D(odd_text, CHECK_ITEM, "trace", 0),
	D(other_text, CHECK_ITEM_ID, "trace", 0),
	D(item_seq, CHECK_ITEM_SEQ, "trace", 0),
	D(trace_seqs, CHECK_TRACE_SEQS, "span", 0),
	D(odd_span_key, CHECK_KEY, "span", 0),
	D(odd_span_text, CHECK_ITEM, "span", 0),
	D(other_start, CHECK_ITEM_START, "span", 0),
	D(drop_span, CHECK_NO_SPAN, "spanid", 0),
	D(drop_spanid, CHECK_NO_SPANID, "span", 0),
	D(odd_spanid, CHECK_KEY, "spanid", 0),
	D(odd_spanid_value, CHECK_VALUE, "spanid", 0),
	D(odd_start, CHECK_NO_SPAN, "spanid", 0),
	D(drop_claim, CHECK_NO_CLAIM, "span", 0),
	D(other_claim, CHECK_CLAIM_OTHER, "span", 0),
	D(odd_claim, CHECK_KEY, "by_response", 0),
	D(odd_claim_value, CHECK_VALUE, "by_response", 0),
	D(drop_name, CHECK_NO_NAME, "exchange", SMALL),
	D(odd_name, CHECK_VALUE, "response", SMALL),
	D(odd_name_key, CHECK_KEY, "response", 0),
	D(other_role, CHECK_NAME_OTHER, "response", SMALL),
	D(name_more, CHECK_NAME_EXTRA, "response", SMALL),
	D(name_open, CHECK_NAME_EXTRA, "response", FLYING),
	D(unnamed, CHECK_NAME_EXTRA, "response", SMALL),
	D(renamed, CHECK_NO_NAME, "exchange", SMALL),
#undef D
};

/* damage by damage, each in a store of its own */
static void
every_kind_of_fault_is_named_once_and_nothing_else_is(void **state)
{
	int wrong = 0;

	for (size_t i = 0; i < sizeof(damages) / sizeof(damages[0]); i++) {
		const struct damage *d = &damages[i];

		reader_close(r);
		snprintf(dir, sizeof(dir), "%s/store%zu", top, i);
		scene_make();
		r = scene_reader();
		d->make();
		scene_check(r);
		if (n_found != 1 || found[0].what != d->what ||
		    found[0].seq != d->seq || strcmp(found[0].table, d->table) != 0 ||
		    totals.faults != 1) {
			fprintf(stderr, "%s: %zu found, not one %s\n", d->name,
			    n_found, check_name(d->what));
			scene_print(d->name);
			wrong++;
		}
	}
	assert_int_equal(wrong, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    a_store_with_every_kind_of_content_is_clean, make_scene,
		    remove_scene),
		cmocka_unit_test_setup_teardown(
		    every_kind_of_fault_is_named_once_and_nothing_else_is, make_scene,
		    remove_scene),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
