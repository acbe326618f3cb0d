#include "tests/unit/store_fixture.h"

#include "tools/running.h"

enum { WAIT_MS = 20000 };

/* A process that holds the store and has said what it says. */
struct proxy {
	pid_t pid;
	int up[2], down[2];
	const char *http;		/* NULL: says nothing */
	int64_t pid_said;		/* 0: its own */
	unsigned late_ms;
};

static void
say(struct writer *w, const struct proxy *p)
{
	struct bytes row = { 0 };
	struct status s;

	status_init(&s);
	s.pid = p->pid_said ? p->pid_said : getpid();
	s.http = (struct slice){ p->http, strlen(p->http) };
	s.ca_dir = SLICE("/some where/ca");
	status_encode(&row, &s);
	MUST(writer_put_meta(w, STATUS_META, row.p, row.len) == 0);
	MUST(writer_commit(w) == 0);
	bytes_fini(&row);
}

static void
hold(void *arg)
{
	struct proxy *p = arg;
	struct writer *w;
	char c = '.';

	close(p->down[1]);
	MUST(writer_open(&w, dir, &plain, NULL) == 0);
	if (p->late_ms) {
		MUST(write(p->up[1], &c, 1) == 1);
		usleep(p->late_ms * 1000);
	}
	if (p->http)
		say(w, p);
	MUST(p->late_ms || write(p->up[1], &c, 1) == 1);
	MUST(read(p->down[0], &c, 1) == 0);
	writer_close(w);
}

static void
begin(struct proxy *p)
{
	char c;

	assert_int_equal(pipe(p->up), 0);
	assert_int_equal(pipe(p->down), 0);
	p->pid = start(hold, p);
	close(p->up[1]);
	close(p->down[0]);
	assert_int_equal(read(p->up[0], &c, 1), 1);
}

static void
end(struct proxy *p)
{
	close(p->down[1]);
	close(p->up[0]);
	finish(p->pid);
}

static enum running_is
find(struct running *r, int wait_ms)
{
	char err[RUNNING_ERROR_MAX] = "";
	enum running_is is = running_find(r, dir, wait_ms, err);

	assert_int_equal(is == RUNNING_ERROR, err[0] != '\0');
	return is;
}

static void
nobody_records_into_a_store_that_is_not_there(void **state)
{
	struct running r = { 0 };

	(void)state;
	assert_int_equal(find(&r, WAIT_MS), RUNNING_NO);
	assert_int_equal(access(dir, F_OK), -1);
	running_fini(&r);
}

static void
a_proxy_is_found_while_it_holds_the_store_and_not_after(void **state)
{
	struct proxy p = { .http = "127.0.0.1:8787" };
	struct running r = { 0 };

	(void)state;
	begin(&p);
	assert_int_equal(find(&r, 0), RUNNING_YES);
	assert_int_equal(r.status.pid, p.pid);
	assert_string_equal(r.http, "127.0.0.1:8787");
	assert_string_equal(r.tls, "");
	assert_string_equal(r.status.ca_dir.p, "/some where/ca");
	end(&p);
	assert_int_equal(find(&r, WAIT_MS), RUNNING_NO);
	running_fini(&r);
}

static void
a_listener_on_all_addresses_is_reached_on_the_loopback(void **state)
{
	static const struct { const char *bound, *client; } cases[] = {
		{ "0.0.0.0:8787", "127.0.0.1:8787" },
		{ "[::]:8787", "[::1]:8787" },
		{ "10.0.0.0:1", "10.0.0.0:1" },
		{ "[fe80::]:1", "[fe80::]:1" },
		{ "", "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct proxy p = { .http = cases[i].bound };
		struct running r = { 0 };

		begin(&p);
		assert_int_equal(find(&r, 0), RUNNING_YES);
		assert_string_equal(r.http, cases[i].client);
		end(&p);
		running_fini(&r);
	}
}

static void
what_another_one_said_before_does_not_count(void **state)
{
	struct proxy p = { .http = "127.0.0.1:1", .pid_said = 1 };
	struct running r = { 0 };

	(void)state;
	begin(&p);
	assert_int_equal(find(&r, 0), RUNNING_ERROR);
	end(&p);
	assert_int_equal(find(&r, 0), RUNNING_NO);
	running_fini(&r);
}

static void
one_that_is_just_starting_is_waited_for(void **state)
{
	struct proxy p = { .http = "127.0.0.1:1", .late_ms = 100 };
	struct running r = { 0 };

	(void)state;
	begin(&p);
	assert_int_equal(find(&r, WAIT_MS), RUNNING_YES);
	end(&p);
	running_fini(&r);
}

static void
one_that_never_says_where_it_is_is_an_error(void **state)
{
	struct proxy p = { .http = NULL };
	struct running r = { 0 };

	(void)state;
	begin(&p);
	assert_int_equal(find(&r, 50), RUNNING_ERROR);
	end(&p);
	running_fini(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		STORE_TEST(nobody_records_into_a_store_that_is_not_there),
		STORE_TEST(a_proxy_is_found_while_it_holds_the_store_and_not_after),
		STORE_TEST(a_listener_on_all_addresses_is_reached_on_the_loopback),
		STORE_TEST(what_another_one_said_before_does_not_count),
		STORE_TEST(one_that_is_just_starting_is_waited_for),
		STORE_TEST(one_that_never_says_where_it_is_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
