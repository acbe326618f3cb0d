#include "proxy/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "proxy/log.h"
#include "store/writer.h"
#include "tests/unit/scratch.h"

#define N(a) (sizeof(a) / sizeof(*(a)))

static struct config c;
static char err[CONFIG_ERROR_MAX];

static int
begin(void **state)
{
	return scratch_new(state) || !config_init(&c);
}

static int
end(void **state)
{
	config_fini(&c);
	return scratch_free(state);
}

static void
put_file(const char *name, const char *text)
{
	scratch_put(name, text, strlen(text));
}

static void
assert_says(const char *word)
{
	if (!strstr(err, word))
		fail_msg("'%s' is not in: %s", word, err);
	assert_null(strchr(err, '\n'));
}

static void
assert_list_equal(const struct config_list *a, const struct config_list *b)
{
	assert_int_equal(a->n, b->n);
	for (size_t i = 0; i < a->n; i++)
		assert_string_equal(a->item[i], b->item[i]);
}

static void
assert_equal(const struct config *a, const struct config *b)
{
	static const size_t texts[] = {
		offsetof(struct config, listen_http), offsetof(struct config, listen_tls),
		offsetof(struct config, tls_cert_file),
		offsetof(struct config, tls_key_file), offsetof(struct config, tls_ca_dir),
		offsetof(struct config, upstream_url),
		offsetof(struct config, upstream_ca_file),
		offsetof(struct config, upstream_via), offsetof(struct config, upstream_dns),
		offsetof(struct config, forward_auth_file),
		offsetof(struct config, store_dir),
	};
	static const size_t lists[] = {
		offsetof(struct config, upstream_resolve),
		offsetof(struct config, upstream_no_via),
		offsetof(struct config, forward_intercept),
		offsetof(struct config, forward_tunnel_to),
		offsetof(struct config, forward_ports),
		offsetof(struct config, forward_allow),
	};
	const size_t numbers = offsetof(struct config, store_commit_ms);

	for (size_t i = 0; i < N(texts); i++)
		assert_string_equal(*(char *const *)((const char *)a + texts[i]),
		    *(char *const *)((const char *)b + texts[i]));
	for (size_t i = 0; i < N(lists); i++)
		assert_list_equal((const void *)((const char *)a + lists[i]),
		    (const void *)((const char *)b + lists[i]));
	assert_int_equal(a->forward_tunnel, b->forward_tunnel);
	assert_memory_equal((const char *)a + numbers, (const char *)b + numbers,
	    sizeof(*a) - numbers);
}

static void
the_defaults_are_those_of_the_readme(void **state)
{
	assert_string_equal(c.listen_http, "127.0.0.1:8787");
	assert_string_equal(c.listen_tls, "");
	assert_string_equal(c.upstream_url, "https://api.openai.com");
	assert_string_equal(c.store_dir, "");
	assert_int_equal(c.upstream_resolve.n, 0);
	assert_int_equal(c.forward_intercept.n, 2);
	assert_string_equal(c.forward_intercept.item[0], "api.openai.com");
	assert_string_equal(c.forward_intercept.item[1], "*.api.openai.com");
	assert_false(c.forward_intercept.is_set);
	assert_int_equal(c.forward_ports.n, 2);
	assert_int_equal(c.forward_tunnel, TUNNEL_ANY);
	assert_int_equal(c.traces, TRACES_FORWARD);
	assert_int_equal(c.store_commit_ms, 50);
	assert_int_equal(c.store_durability, DURABILITY_SYNC);
	assert_int_equal(c.store_parents_bytes, 16 * 1024 * 1024);
	assert_int_equal(c.recorder_max_bytes, 16 * 1024 * 1024);
	assert_int_equal(c.recorder_pause_ms, 2000);
	assert_int_equal(c.idle_ms, 900000);
	assert_int_equal(c.workers, 1);
	assert_int_equal(c.drain_s, 30);
	assert_int_equal(c.on_abort, ON_ABORT_CANCEL);
	assert_int_equal(c.log_level, LOG_INFO);
	assert_true(config_check(&c, err));
}

struct number {
	const char *assignment;
	size_t field;
	int64_t value;
};

#define F(f) offsetof(struct config, f)

static void
every_kind_of_value_parses(void **state)
{
	static const struct number cases[] = {
		{ "store.commit_ms=1", F(store_commit_ms), 1 },
		{ "recorder.pause_ms=-1", F(recorder_pause_ms), -1 },
		{ "recorder.pause_ms=0", F(recorder_pause_ms), 0 },
		{ "store.parents_bytes=0", F(store_parents_bytes), 0 },
		{ "store.parents_bytes=2m", F(store_parents_bytes), 2 << 20 },
		{ "store.parents_bytes=1g", F(store_parents_bytes), 1 << 30 },
		{ "recorder.max_bytes=65536", F(recorder_max_bytes), 65536 },
		{ "recorder.max_bytes=64k", F(recorder_max_bytes), 65536 },
		{ "recorder.max_bytes=64K", F(recorder_max_bytes), 65536 },
		{ "recorder.max_bytes=3m", F(recorder_max_bytes), 3 << 20 },
		{ "recorder.max_bytes=2g", F(recorder_max_bytes), INT64_C(2) << 30 },
		{ "store.durability=lazy", F(store_durability), DURABILITY_LAZY },
		{ "store.durability=sync", F(store_durability), DURABILITY_SYNC },
		{ "proxy.workers=auto", F(workers), 0 },
		{ "proxy.workers=64", F(workers), 64 },
		{ "proxy.drain_s=0", F(drain_s), 0 },
		{ "proxy.on_abort=drain", F(on_abort), ON_ABORT_DRAIN },
		{ "limits.connections=2147483647", F(connections_max), INT32_MAX },
		{ "forward.tunnel=listed", F(forward_tunnel), TUNNEL_LISTED },
		{ "forward.tunnel=none", F(forward_tunnel), TUNNEL_NONE },
		{ "forward.tunnel=any", F(forward_tunnel), TUNNEL_ANY },
		{ "proxy.traces=local", F(traces), TRACES_LOCAL },
		{ "log.level=error", F(log_level), LOG_ERROR },
		{ "log.level=warn", F(log_level), LOG_WARN },
		{ "log.level=info", F(log_level), LOG_INFO },
		{ "log.level=debug", F(log_level), LOG_DEBUG },
	};

	for (size_t i = 0; i < N(cases); i++) {
		assert_true(config_set(&c, cases[i].assignment, err));
		assert_int_equal(*(int64_t *)((char *)&c + cases[i].field),
		    cases[i].value);
	}
}

struct fault {
	const char *assignment, *remedy;
};

static const struct fault faults[] = {
	{ "store.commit_ms=", "give milliseconds" },
	{ "store.commit_ms=0", "give milliseconds" },
	{ "store.commit_ms=-5", "give milliseconds" },
	{ "store.commit_ms=5ms", "give milliseconds" },
	{ "store.commit_ms=5k", "give milliseconds" },
	{ "store.commit_ms=1.5", "give milliseconds" },
	{ "store.commit_ms=0x10", "give milliseconds" },
	{ "store.commit_ms=99999999999999999999", "give milliseconds" },
	{ "recorder.pause_ms=-2", "give milliseconds" },
	{ "recorder.pause_ms=never", "give milliseconds" },
	{ "store.parents_bytes=-1", "0 to 1g" },
	{ "store.parents_bytes=1025m", "0 to 1g" },
	{ "recorder.max_bytes=65535", "64k or more" },
	{ "recorder.max_bytes=63k", "64k or more" },
	{ "recorder.max_bytes=-1g", "64k or more" },
	{ "recorder.max_bytes=16mb", "64k or more" },
	{ "recorder.max_bytes=16t", "64k or more" },
	{ "recorder.max_bytes=16 m", "64k or more" },
	{ "recorder.max_bytes=m", "64k or more" },
	{ "recorder.max_bytes=9007199254740992k", "64k or more" },
	{ "recorder.max_bytes=8589934592g", "64k or more" },
	{ "store.durability=", "sync lazy" },
	{ "store.durability=syn", "sync lazy" },
	{ "store.durability=SYNC", "sync lazy" },
	{ "store.durability=sync lazy", "sync lazy" },
	{ "proxy.workers=0", "1 to 64, or auto" },
	{ "proxy.workers=65", "1 to 64, or auto" },
	{ "proxy.workers=-1", "1 to 64, or auto" },
	{ "proxy.workers=AUTO", "1 to 64, or auto" },
	{ "proxy.drain_s=-1", "seconds, 0 or more" },
	{ "proxy.drain_s=2147483648", "seconds, 0 or more" },
	{ "limits.connections=0", "1 or more" },
	{ "limits.pool=2147483648", "1 or more" },
	{ "log.level=trace", "error warn info debug" },
	{ "upstream.resolve=a", "host=address[:port]" },
	{ "upstream.resolve==1.2.3.4", "host=address[:port]" },
	{ "upstream.resolve=a=", "host=address[:port]" },
	{ "upstream.resolve=a=localhost", "in numbers" },
	{ "upstream.resolve=a=1.2.3.4:65536", "in numbers" },
	{ "upstream.resolve=a=1.2.3.4 b=::1", "in numbers" },
	{ "upstream.dns=localhost", "in numbers" },
	{ "upstream.dns=::1", "[2001:db8::1]:53" },
	{ "upstream.dns=1.2.3.4:x", "in numbers" },
	{ "upstream.dns=1.2.3.4 ", "in numbers" },
	{ "listen.http=8787", "127.0.0.1:8787" },
	{ "listen.http=localhost:8787", "127.0.0.1:8787" },
	{ "listen.tls=:443", "[::1]:8787" },
	{ "listen.tls=*:443", "[::1]:8787" },
	{ "forward.ports=0", "1 to 65535" },
	{ "forward.ports=65536", "1 to 65535" },
	{ "forward.ports=443 80 x", "1 to 65535" },
	{ "forward.ports=-1", "1 to 65535" },
	{ "forward.ports=+1", "1 to 65535" },
	{ "forward.ports=1-5", "1 to 65535" },
	{ "forward.ports=https", "1 to 65535" },
	{ "forward.tunnel=all", "any listed none" },
	{ "forward.tunnel=", "any listed none" },
	{ "proxy.traces=off", "forward local" },
};

static void
a_bad_value_is_named_with_its_remedy_and_changes_nothing(void **state)
{
	struct config fresh;
	char name[64];

	assert_true(config_init(&fresh));
	for (size_t i = 0; i < N(faults); i++) {
		if (config_set(&c, faults[i].assignment, err))
			fail_msg("passed: %s", faults[i].assignment);
		snprintf(name, sizeof(name), "%.*s",
		    (int)strcspn(faults[i].assignment, "="), faults[i].assignment);
		assert_says("--set");
		assert_says(name);
		assert_says(faults[i].remedy);
	}
	assert_equal(&c, &fresh);
	config_fini(&fresh);
}

static void
an_unknown_key_is_an_error_that_says_where_keys_are_listed(void **state)
{
	static const char *const bad[] = { "nosuch=1", "store.nosuch=1", "=1",
	    "store.=1", ".dir=1", "store.dir.x=1", "STORE.DIR=x", " store.dir=x",
	    "store.dir =x", "store=1" };

	for (size_t i = 0; i < N(bad); i++) {
		assert_false(config_set(&c, bad[i], err));
		assert_says("unknown key");
		assert_says("README.md");
	}
}

static void
what_is_no_assignment_is_refused(void **state)
{
	char text[1000];

	assert_false(config_set(&c, "", err));
	assert_says("section.key=value");
	assert_false(config_set(&c, "store.dir", err));
	assert_says("section.key=value");
	memset(text, 'k', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	text[600] = '=';
	assert_false(config_set(&c, text, err));
	assert_true(strlen(err) < CONFIG_ERROR_MAX);
}

static void
text_is_taken_as_it_is_and_may_be_long(void **state)
{
	char text[5000] = "store.dir=";

	assert_true(config_set(&c, "store.dir= a=b;c #d ", err));
	assert_string_equal(c.store_dir, " a=b;c #d ");
	memset(text + 10, 'p', sizeof(text) - 11);
	assert_true(config_set(&c, text, err));
	assert_string_equal(c.store_dir, text + 10);
	assert_true(config_set(&c, "listen.http=", err));
	assert_string_equal(c.listen_http, "");
}

static void
an_error_is_whole_however_long_the_value(void **state)
{
	static const char *const keys[] = { "store.commit_ms", "log.level",
	    "upstream.dns", "forward.ports", "upstream.resolve" };
	char text[6000];

	for (size_t i = 0; i < N(keys); i++) {
		size_t n = (size_t)snprintf(text, sizeof(text), "%s=", keys[i]);

		memset(text + n, '7', sizeof(text) - n - 1);
		text[sizeof(text) - 1] = '\0';
		assert_false(config_set(&c, text, err));
		assert_says(keys[i]);
		assert_says("777...: give ");
		assert_true(strlen(err) < CONFIG_ERROR_MAX - 1);
	}
}

static void
an_explicit_list_takes_the_place_of_the_default_and_then_grows(void **state)
{
	assert_true(config_set(&c, "forward.intercept=a.example", err));
	assert_int_equal(c.forward_intercept.n, 1);
	assert_string_equal(c.forward_intercept.item[0], "a.example");
	assert_true(c.forward_intercept.is_set);
	assert_true(config_set(&c, "forward.intercept=b.example", err));
	assert_int_equal(c.forward_intercept.n, 2);
	assert_string_equal(c.forward_intercept.item[0], "a.example");
	assert_string_equal(c.forward_intercept.item[1], "b.example");
}

static void
an_empty_value_empties_a_list_whatever_came_before(void **state)
{
	static const char *const empty[] = { "forward.intercept=",
	    "forward.intercept= ", "forward.intercept=,, \t," };

	for (size_t i = 0; i < N(empty); i++) {
		assert_true(config_set(&c, empty[i], err));
		assert_int_equal(c.forward_intercept.n, 0);
		assert_true(c.forward_intercept.is_set);
		assert_true(config_set(&c, "forward.intercept=a b", err));
		assert_int_equal(c.forward_intercept.n, 2);
	}
	assert_true(config_set(&c, empty[0], err));
	assert_int_equal(c.forward_intercept.n, 0);
}

static void
items_stand_between_commas_and_blanks(void **state)
{
	static const char *const same[] = { "forward.ports=1,2,3",
	    "forward.ports=1 2 3", "forward.ports=, 1 ,2,,\t3 ," };
	static const char *const ports[] = { "1", "2", "3" };

	for (size_t i = 0; i < N(same); i++) {
		assert_true(config_set(&c, "forward.ports=", err));
		assert_true(config_set(&c, same[i], err));
		assert_int_equal(c.forward_ports.n, 3);
		for (size_t j = 0; j < N(ports); j++)
			assert_string_equal(c.forward_ports.item[j], ports[j]);
	}
}

static void
hosts_that_are_resolved_are_kept_in_lower_case(void **state)
{
	assert_true(config_set(&c, "upstream.resolve=API.Example=[2001:DB8::1]:2", err));
	assert_string_equal(c.upstream_resolve.item[0],
	    "api.example=[2001:db8::1]:2");
}

static void
a_list_grows_up_to_its_limit(void **state)
{
	char text[1000] = "forward.ports=";

	for (int i = 0; i < CONFIG_LIST_MAX; i++) {
		snprintf(text, sizeof(text), "upstream.resolve=h%d=127.0.0.1:%d", i, i);
		assert_true(config_set(&c, text, err));
	}
	assert_int_equal(c.upstream_resolve.n, CONFIG_LIST_MAX);
	assert_string_equal(c.upstream_resolve.item[0], "h0=127.0.0.1:0");
	assert_string_equal(c.upstream_resolve.item[15], "h15=127.0.0.1:15");
	assert_string_equal(c.upstream_resolve.item[63], "h63=127.0.0.1:63");
	assert_false(config_set(&c, "upstream.resolve=h=1.2.3.4", err));
	assert_says("upstream.resolve = h=1.2.3.4: give at most 64 of them");
	assert_int_equal(c.upstream_resolve.n, CONFIG_LIST_MAX);
	/* The default does not count. */
	strcpy(text, "forward.ports=");
	for (int i = 0; i < CONFIG_LIST_MAX; i++)
		strcat(text, "1,");
	assert_true(config_set(&c, text, err));
	assert_int_equal(c.forward_ports.n, CONFIG_LIST_MAX);
	strcat(text, "1");
	assert_true(config_set(&c, "forward.ports=", err));
	assert_false(config_set(&c, text, err));
	assert_int_equal(c.forward_ports.n, 0);
}

static void
a_file_is_read_over_the_defaults_and_set_over_the_file(void **state)
{
	put_file("a.conf", "; a comment\n# another\n\n[store]\ndir = /x/y z\n"
	    "commit_ms=7\n[upstream]\nurl : http://localhost:1\n"
	    "resolve = a=1.2.3.4\nresolve = b=[::1]:2\n\n[log]\nlevel = debug\n");
	assert_true(config_read(&c, "a.conf", err));
	assert_string_equal(c.store_dir, "/x/y z");
	assert_int_equal(c.store_commit_ms, 7);
	assert_string_equal(c.upstream_url, "http://localhost:1");
	assert_int_equal(c.upstream_resolve.n, 2);
	assert_string_equal(c.upstream_resolve.item[1], "b=[::1]:2");
	assert_int_equal(c.log_level, LOG_DEBUG);
	assert_int_equal(c.head_ms, 30000);
	assert_true(config_set(&c, "store.commit_ms=8", err));
	assert_int_equal(c.store_commit_ms, 8);
	assert_true(config_set(&c, "upstream.resolve=c=1.2.3.4", err));
	assert_int_equal(c.upstream_resolve.n, 3);
	assert_true(config_set(&c, "upstream.resolve=", err));
	assert_int_equal(c.upstream_resolve.n, 0);
}

static void
windows_line_ends_and_no_last_line_end_are_fine(void **state)
{
	put_file("a.conf", "\xef\xbb\xbf[store]\r\ncommit_ms = 7\r\ndir = /x");
	assert_true(config_read(&c, "a.conf", err));
	assert_int_equal(c.store_commit_ms, 7);
	assert_string_equal(c.store_dir, "/x");
}

static void
faults_in_a_file_name_the_file(void **state)
{
	static const struct {
		const char *text, *said;
	} cases[] = {
		{ "[store]\ndir\n", "bad.conf:2:" },
		{ "[store\ndir = x\n", "bad.conf:1:" },
		{ "[store]\n\n\n= x y z\nlevel\n", "bad.conf:" },
		{ "[store]\nnosuch = 1\n", "store.nosuch" },
		{ "[store]\nnosuch = 1\n", "bad.conf" },
		{ "[nosuch]\ndir = 1\n", "nosuch.dir" },
		{ "dir = 1\n", "unknown key" },
		{ "[store]\ncommit_ms = soon\n", "store.commit_ms = soon: give" },
		{ "[store]\ncommit_ms = 0\nnosuch = 1\n", "commit_ms = 0" },
		{ "[forward]\nports = 1\nports = 2 x\n", "bad.conf:3: forward.ports = x" },
		{ "[upstream]\nresolve = a=1.2.3.4\nresolve = b\n", "bad.conf:3:" },
	};

	for (size_t i = 0; i < N(cases); i++) {
		put_file("bad.conf", cases[i].text);
		assert_false(config_read(&c, "bad.conf", err));
		assert_says(cases[i].said);
	}
	assert_false(config_read(&c, "none.conf", err));
	assert_says("none.conf: No such file");
}

static void
a_bad_value_in_a_file_names_its_line(void **state)
{
	put_file("bad.conf", "[store]\n\ncommit_ms = soon\n");
	assert_false(config_read(&c, "bad.conf", err));
	assert_says("bad.conf:3");
	put_file("bad.conf", "[store]\nnosuch = 1\n");
	assert_false(config_read(&c, "bad.conf", err));
	assert_says("bad.conf:2");
}

static void
an_indented_line_is_a_line_of_its_own(void **state)
{
	put_file("a.conf", "[store]\n  dir = /x\n  commit_ms = 7\n");
	assert_true(config_read(&c, "a.conf", err));
	assert_string_equal(c.store_dir, "/x");
	assert_int_equal(c.store_commit_ms, 7);
}

static void
a_long_line_is_taken_whole_or_refused(void **state)
{
	for (size_t n = 150; n < 450; n++) {
		char text[600] = "[store]\ndir = ";

		memset(text + 14, 'p', n);
		strcpy(text + 14 + n, "\n");
		put_file("a.conf", text);
		if (!config_read(&c, "a.conf", err))
			continue;
		text[14 + n] = '\0';
		assert_string_equal(c.store_dir, text + 14);
	}
}

static void
a_long_comment_is_no_fault(void **state)
{
	char text[600];

	memset(text, 'c', sizeof(text));
	text[0] = ';';
	strcpy(text + 400, "\n[store]\ncommit_ms = 7\n");
	put_file("a.conf", text);
	assert_true(config_read(&c, "a.conf", err));
	assert_int_equal(c.store_commit_ms, 7);
}

static void
a_directory_is_no_file(void **state)
{
	assert_false(config_read(&c, ".", err));
	assert_says(".: ");
}

static void
what_does_not_go_together_is_told(void **state)
{
	assert_true(config_set(&c, "listen.http=", err));
	assert_false(config_check(&c, err));
	assert_says("listen.tls");
	assert_true(config_set(&c, "listen.tls=127.0.0.1:0", err));
	assert_true(config_check(&c, err));
	assert_true(config_set(&c, "tls.cert_file=a", err));
	assert_false(config_check(&c, err));
	assert_says("tls.key_file");
	assert_true(config_set(&c, "tls.key_file=b", err));
	assert_true(config_check(&c, err));
	assert_true(config_set(&c, "tls.cert_file=", err));
	assert_false(config_check(&c, err));
	assert_true(config_set(&c, "tls.key_file=", err));
	assert_true(config_set(&c, "upstream.resolve=a=[::1]:2", err));
	assert_true(config_check(&c, err));
}

static void
a_listener_that_others_reach_demands_to_be_told_who(void **state)
{
	static const char *const open[] = { "0.0.0.0:8787", "[::]:0", "10.0.0.1:8787",
	    "192.0.2.1", "[fe80::1]:1", "[::ffff:10.0.0.1]:1", "8.8.8.8:1" };
	static const char *const ours[] = { "127.0.0.1:0", "127.1.2.3:80", "[::1]:1",
	    "[::ffff:127.0.0.1]:1" };
	static const char *const listeners[] = { "listen.http", "listen.tls" };
	static const char *const remedies[] = { "forward.auth_file", "forward.allow" };
	char text[64];

	for (size_t i = 0; i < 2 * N(open); i++) {
		config_fini(&c);
		assert_true(config_init(&c));
		snprintf(text, sizeof(text), "%s=%s", listeners[i % 2], open[i / 2]);
		assert_true(config_set(&c, text, err));
		assert_false(config_check(&c, err));
		assert_says(listeners[i % 2]);
		assert_says(open[i / 2]);
		assert_says("forward.auth_file");
		assert_says("forward.allow");
		snprintf(text, sizeof(text), "%s=10.0.0.0/8", remedies[i / 2 % 2]);
		assert_true(config_set(&c, text, err));
		assert_true(config_check(&c, err));
	}
	config_fini(&c);
	assert_true(config_init(&c));
	for (size_t i = 0; i < 2 * N(ours); i++) {
		snprintf(text, sizeof(text), "%s=%s", listeners[i % 2], ours[i / 2]);
		assert_true(config_set(&c, text, err));
		assert_true(config_check(&c, err));
	}
}

/* The sample, with its keys switched on or as it is. */
static void
put_sample(const char *name, bool is_on)
{
	FILE *in = tmpfile(), *out = fopen(name, "w");
	char line[512];

	assert_true(in && out);
	config_print_sample(in);
	rewind(in);
	while (fgets(line, sizeof(line), in)) {
		char *eq = strstr(line, " = ");
		bool is_key = line[0] == ';' && eq &&
		    !memchr(line + 2, ' ', (size_t)(eq - line - 2));

		if (is_on && is_key)
			fputs(line + 2, out);
		else
			fputs(line, out);
	}
	fclose(in);
	assert_int_equal(fclose(out), 0);
}

static void
the_printed_sample_parses_back_to_the_defaults(void **state)
{
	struct config fresh;

	for (int is_on = 0; is_on < 2; is_on++) {
		put_sample("sample.conf", is_on);
		/* Nothing stays as it was by chance. */
		assert_true(config_init(&fresh));
		if (is_on)
			assert_true(config_set(&fresh, "store.commit_ms=1234", err) &&
			    config_set(&fresh, "log.level=debug", err) &&
			    config_set(&fresh, "upstream.resolve=a=1.2.3.4", err) &&
			    config_set(&fresh, "store.dir=/x", err));
		if (!config_read(&fresh, "sample.conf", err))
			fail_msg("%s", err);
		assert_equal(&fresh, &c);
		config_fini(&fresh);
	}
}

static void
no_time_makes_nanoseconds_overflow(void **state)
{
	static const char *const keys[] = { "store.commit_ms", "recorder.pause_ms",
	    "timeouts.head_ms", "timeouts.handshake_ms", "timeouts.connect_ms",
	    "timeouts.idle_ms", "timeouts.tunnel_ms", "timeouts.keepalive_ms",
	    "timeouts.linger_ms", "timeouts.pool_ms" };
	char text[64];

	for (size_t i = 0; i < N(keys); i++) {
		snprintf(text, sizeof(text), "%s=9223372036854775807", keys[i]);
		if (config_set(&c, text, err))
			fail_msg("passed: %s", text);
	}
}

#define T(f) cmocka_unit_test_setup_teardown(f, begin, end)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(the_defaults_are_those_of_the_readme),
		T(every_kind_of_value_parses),
		T(a_bad_value_is_named_with_its_remedy_and_changes_nothing),
		T(an_unknown_key_is_an_error_that_says_where_keys_are_listed),
		T(what_is_no_assignment_is_refused),
		T(text_is_taken_as_it_is_and_may_be_long),
		T(an_error_is_whole_however_long_the_value),
		T(an_explicit_list_takes_the_place_of_the_default_and_then_grows),
		T(an_empty_value_empties_a_list_whatever_came_before),
		T(items_stand_between_commas_and_blanks),
		T(hosts_that_are_resolved_are_kept_in_lower_case),
		T(a_list_grows_up_to_its_limit),
		T(a_file_is_read_over_the_defaults_and_set_over_the_file),
		T(windows_line_ends_and_no_last_line_end_are_fine),
		T(faults_in_a_file_name_the_file),
		T(a_bad_value_in_a_file_names_its_line),
		T(an_indented_line_is_a_line_of_its_own),
		T(a_long_line_is_taken_whole_or_refused),
		T(a_long_comment_is_no_fault),
		T(a_directory_is_no_file),
		T(what_does_not_go_together_is_told),
		T(a_listener_that_others_reach_demands_to_be_told_who),
		T(the_printed_sample_parses_back_to_the_defaults),
		T(no_time_makes_nanoseconds_overflow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
