#include "tests/unit/check_scene.h"
#include "tests/unit/run_dump.h"

static const struct ran *
ran(const char *options)
{
	char line[200];

	snprintf(line, sizeof(line), "check -s %s %s", dir, options);
	return sample_run(line);
}

static void
a_clean_store_is_one_line_and_zero(void **state)
{
	scene_make();
	assert_int_equal(ran("")->code, 0);
	assert_string_equal(ran("")->out, "9 exchanges (1 in flight), "
	    "90 162 bytes verified, 3 spans, 1 gap (2 lost), 0 faults\n");
	assert_string_equal(ran("-o text")->err, "");
	assert_string_equal(ran("-o json")->out, "{\"findings\": [], "
	    "\"exchanges\": 9, \"in_flight\": 1, \"bytes\": 90162, \"traces\": 3, "
	    "\"spans\": 3, \"gaps\": 1, \"lost\": 2, \"faults\": 0, \"notes\": 0, "
	    "\"complete\": true}\n");
}

static void
a_fault_is_a_line_that_harms_no_terminal_and_one(void **state)
{
	struct reader *r;

	scene_make();
	r = scene_reader();
	scene_put(r, TABLE_RESPONSE, SLICE("\x1b[2J\xe2\x80\xae\0\0\0\0\0\0\0\0\1"),
	    "\1\1\0", 3);
	reader_close(r);
	assert_int_equal(ran("")->code, 1);
	assert_string_equal(ran("--since 1")->out, "response 1 \\x1b[2J\\u202e: "
	    "its exchange does not name this id; dump check --repair, which would "
	    "make it anew, is not there yet\n9 exchanges (1 in flight), 90 162 bytes "
	    "verified, 3 spans, 1 gap (2 lost), 1 fault\n");
	assert_non_null(strstr(ran("-o json")->out, "{\"what\": \"name_extra\", "
	    "\"fault\": true, \"table\": \"response\", \"seq\": 1, \"side\": null, "
	    "\"key\": \"\\\\x1b[2J\\\\u202e\", "));
	assert_int_equal(ran("--since 2")->code, 0);
}

static void
a_note_is_no_fault_and_zero(void **state)
{
	struct writer *w;

	scene_make();
	w = open_writer();
	scene_open(w, LAST + 3, OUTCOME_INTERRUPTED, SLICE("x"));
	assert_int_equal(writer_close(w), 0);
	assert_int_equal(ran("")->code, 0);
	assert_non_null(strstr(ran("")->out, "note: exchange 12: nothing is stored of it "
	    "(and those up to 13); no fault if the recorder was killed: "));
	assert_non_null(strstr(ran("")->out, ", 0 faults, 1 note\n"));
}

static void
every_fault_has_a_name_of_its_own_words_and_a_remedy(void **state)
{
	for (enum check_what w = 0; w < CHECK_WHAT_N; w++) {
		assert_non_null(check_name(w));
		assert_non_null(check_says(w));
		assert_non_null(check_remedy(w));
		assert_int_equal(check_is_note(w), w == CHECK_LOST || w == CHECK_LEFT);
		for (enum check_what v = 0; v < w; v++) {
			assert_string_not_equal(check_name(v), check_name(w));
			assert_string_not_equal(check_says(v), check_says(w));
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		STORE_TEST(a_clean_store_is_one_line_and_zero),
		STORE_TEST(a_fault_is_a_line_that_harms_no_terminal_and_one),
		STORE_TEST(a_note_is_no_fault_and_zero),
		STORE_TEST(every_fault_has_a_name_of_its_own_words_and_a_remedy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
