/* dump -f against a writer that goes on, damaged rows, and bodies of size. */
#include "tools/dump.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <lmdb.h>
#include <poll.h>
#include <signal.h>

#include "tests/unit/run_dump.h"
#include "tests/unit/sample_store.h"

enum { WAIT_MS = 20000 };

struct follower {
	pid_t pid;
	FILE *out;
};

/* No reader may be in this process: it holds the writer. */
static struct follower
follow(const char *format, const char *n)
{
	struct follower f;
	int fd[2];

	assert_int_equal(pipe(fd), 0);
	fflush(NULL);
	f.pid = fork();
	assert_true(f.pid >= 0);
	if (f.pid == 0) {
		char *argv[] = { (char *)(uintptr_t)"dump",
			(char *)(uintptr_t)"-f", (char *)(uintptr_t)"-o",
			(char *)(uintptr_t)format, (char *)(uintptr_t)"-n",
			(char *)(uintptr_t)n, NULL };

		dup2(fd[1], STDOUT_FILENO);
		close(fd[0]);
		close(fd[1]);
		_exit(cmd_dump(6, argv));
	}
	close(fd[1]);
	f.out = fdopen(fd[0], "r");
	setvbuf(f.out, NULL, _IONBF, 0);
	return f;
}

static const char *
next_line(struct follower *f)
{
	static char line[8192];
	struct pollfd p = { .fd = fileno(f->out), .events = POLLIN };

	assert_int_equal(poll(&p, 1, WAIT_MS), 1);
	return fgets(line, sizeof(line), f->out) ? line : "";
}

static void
expect_seq(struct follower *f, uint64_t seq)
{
	char want[32];

	snprintf(want, sizeof(want), "{\"seq\":%d,", (int)seq);
	assert_memory_equal(next_line(f), want, strlen(want));
}

static void
put(struct writer *w, uint64_t seq, enum outcome outcome, int64_t end)
{
	struct exchange x;

	sample_begin(&x, seq, "GET", "/v1/models");
	x.outcome = outcome;
	x.timing.end = end;
	assert_int_equal(writer_put_exchange(w, &x), 0);
}

static int
code_of(struct follower *f)
{
	int status;

	fclose(f->out);
	assert_int_equal(waitpid(f->pid, &status, 0), f->pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static void
exchanges_come_as_they_end_and_in_that_order(void **state)
{
	struct writer *w = sample_open();
	struct follower f;

	put(w, 1, OUTCOME_IN_FLIGHT, -1);
	put(w, 2, OUTCOME_COMPLETE, 10);
	put(w, 3, OUTCOME_IN_FLIGHT, -1);
	assert_int_equal(writer_commit(w), 0);
	f = follow("jsonl", "10");
	expect_seq(&f, 2);
	/* Both end between two looks: 3 began later and ended first. */
	put(w, 1, OUTCOME_COMPLETE, 9000000);
	put(w, 3, OUTCOME_CANCELLED, 1000);
	assert_int_equal(writer_commit(w), 0);
	expect_seq(&f, 3);
	expect_seq(&f, 1);
	put(w, 4, OUTCOME_COMPLETE, 5);
	assert_int_equal(writer_commit(w), 0);
	expect_seq(&f, 4);
	assert_int_equal(kill(f.pid, SIGINT), 0);
	assert_int_equal(code_of(&f), 0);
	assert_int_equal(writer_close(w), 0);
	sample_remove();
}

static void
what_was_in_flight_before_the_last_n_is_not_forgotten(void **state)
{
	struct writer *w = sample_open();
	struct follower f;

	put(w, 1, OUTCOME_IN_FLIGHT, -1);
	put(w, 2, OUTCOME_COMPLETE, 10);
	put(w, 3, OUTCOME_COMPLETE, 10);
	assert_int_equal(writer_commit(w), 0);
	f = follow("jsonl", "1");
	expect_seq(&f, 3);
	put(w, 1, OUTCOME_COMPLETE, 20);
	assert_int_equal(writer_commit(w), 0);
	expect_seq(&f, 1);
	assert_int_equal(kill(f.pid, SIGINT), 0);
	assert_int_equal(code_of(&f), 0);
	assert_int_equal(writer_close(w), 0);
	sample_remove();
}

static void
it_ends_when_nobody_reads_any_more(void **state)
{
	struct writer *w = sample_open();
	struct follower f;

	put(w, 1, OUTCOME_COMPLETE, 10);
	assert_int_equal(writer_commit(w), 0);
	f = follow("table", "10");
	assert_non_null(strstr(next_line(&f), "outcome"));
	/* Nothing more is recorded: it must notice by itself. */
	assert_int_equal(code_of(&f), 0);
	assert_int_equal(writer_close(w), 0);
	sample_remove();
}

/* ---- damage */

/* Writes over the row of seq with bytes that are no record. */
static void
damage(uint64_t seq)
{
	MDB_env *env;
	MDB_txn *txn;
	MDB_dbi dbi;
	uint8_t key[8];
	MDB_val k = { 8, key }, v = { 4, (void *)(uintptr_t)"oops" };

	be64_put(key, seq);
	assert_int_equal(mdb_env_create(&env), 0);
	assert_int_equal(mdb_env_set_maxdbs(env, 16), 0);
	assert_int_equal(mdb_env_open(env, sample_dir, 0, 0600), 0);
	assert_int_equal(mdb_txn_begin(env, NULL, 0, &txn), 0);
	assert_int_equal(mdb_dbi_open(txn, "exchange", 0, &dbi), 0);
	assert_int_equal(mdb_put(txn, dbi, &k, &v, 0), 0);
	assert_int_equal(mdb_txn_commit(txn), 0);
	mdb_env_close(env);
}

static void
one_damaged_row_does_not_hide_the_others(void **state)
{
	static const char *const lines[] = { "-o jsonl", "-o jsonl --reverse" };
	struct writer *w = sample_open();

	for (uint64_t seq = 1; seq < 5; seq++)
		put(w, seq, OUTCOME_COMPLETE, 1);
	assert_int_equal(writer_close(w), 0);
	damage(2);
	damage(4);
	for (size_t i = 0; i < 2; i++) {
		const struct ran *r = sample_run(lines[i]);

		assert_non_null(strstr(r->out, "{\"seq\":1,"));
		assert_non_null(strstr(r->out, "{\"seq\":3,"));
		assert_int_equal(r->code, 3);
		assert_non_null(strstr(r->err, "2 exchanges"));
	}
	assert_int_equal(sample_run("2")->code, 3);
	assert_int_equal(sample_run("show @last")->code, 0);
	sample_remove();
}

static void
raw_notices_bytes_that_are_not_those_that_came(void **state)
{
	struct writer *w = sample_open();
	struct exchange x;
	const struct ran *r;

	sample_begin(&x, 1, "POST", "/");
	x.outcome = OUTCOME_COMPLETE;
	sample_message(w, &x, true, "POST / HTTP/1.1\r\n\r\n", SLICE("true"));
	sample_put(w, 1, SIDE_REQUEST_BODY, "fals", 4);
	assert_int_equal(writer_put_exchange(w, &x), 0);
	sample_begin(&x, 2, "POST", "/");
	x.outcome = OUTCOME_COMPLETE;
	x.request.kept_bytes = x.request.body_bytes = 9;
	sample_put(w, 2, SIDE_REQUEST_BODY, "short", 5);
	assert_int_equal(writer_put_exchange(w, &x), 0);
	assert_int_equal(writer_close(w), 0);
	r = sample_run("raw 1 --request");
	assert_int_equal(r->code, 3);
	assert_non_null(strstr(r->err, "SHA-256"));
	r = sample_run("raw 2 --request");
	assert_string_equal(r->out, "short");
	assert_int_equal(r->code, 3);
	assert_non_null(strstr(r->err, "5 of 9 bytes"));
	sample_remove();
}

/* ---- size */

/* A JSON body of one string of n bytes. */
static void
put_big(struct writer *w, uint64_t seq, size_t n)
{
	char *big = malloc(n);
	struct exchange x;

	assert_non_null(big);
	memset(big, 'x', n);
	memcpy(big, "{\"a\":\"", 6);
	memcpy(big + n - 2, "\"}", 2);
	sample_begin(&x, seq, "POST", "/v1/responses");
	x.outcome = OUTCOME_COMPLETE;
	x.request.type = SLICE("application/json");
	sample_message(w, &x, true, "POST / HTTP/1.1\r\n\r\n",
	    (struct slice){ big, n });
	assert_int_equal(writer_put_exchange(w, &x), 0);
	free(big);
}

static void
a_long_body_is_cut_with_a_hint_and_whole_on_demand(void **state)
{
	struct writer *w = sample_open();
	const struct ran *r;

	put_big(w, 1, 2 * DUMP_BODY_MAX);
	assert_int_equal(writer_close(w), 0);
	r = sample_run("show 1 --request");
	assert_true(r->len < DUMP_BODY_MAX + 1024);
	assert_non_null(strstr(r->out,
	    "[cut here; the whole has 131 072 bytes (128.0 KiB)]"));
	assert_non_null(strstr(r->out, "tracetape dump raw 1 --request"));
	r = sample_run("show 1 --request --full");
	assert_true(r->len > 2 * DUMP_BODY_MAX);
	assert_null(strstr(r->out, "[cut"));
	sample_remove();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(exchanges_come_as_they_end_and_in_that_order),
		cmocka_unit_test(
		    what_was_in_flight_before_the_last_n_is_not_forgotten),
		cmocka_unit_test(it_ends_when_nobody_reads_any_more),
		cmocka_unit_test(one_damaged_row_does_not_hide_the_others),
		cmocka_unit_test(raw_notices_bytes_that_are_not_those_that_came),
		cmocka_unit_test(
		    a_long_body_is_cut_with_a_hint_and_whole_on_demand),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
