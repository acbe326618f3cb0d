#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/block.h"
#include "tools/run.h"
#include "tools/run_log.h"
#include "tools/run_summary.h"
#include "tools/run_via.h"
#include "tools/run_why.h"

static void
expect(struct bytes *b, const char *want)
{
	bytes_putc(b, '\0');
	assert_string_equal((char *)b->p, want);
	bytes_clear(b);
}

static void
node_heeds_proxy_variables_from_some_versions_on(void **state)
{
	static const struct { const char *version; bool heeds; } cases[] = {
		{ "v18.20.8", false }, { "v20.20.2", false }, { "v21.7.3", false },
		{ "v22.20.0", false }, { "v22.21.0", true }, { "v22.23.3", true },
		{ "v23.0.0", false }, { "v23.11.1", false }, { "v24.0.0", true },
		{ "v26.10.0", true }, { "v100.0.0", true }, { "", true },
		{ "node", true }, { "v22", true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(run_why_node_heeds(cases[i].version),
		    cases[i].heeds);
}

static void
words_are_quoted_only_when_a_shell_needs_it(void **state)
{
	static const struct { const char *word, *quoted; } cases[] = {
		{ "/tmp/a-b_c.d", "/tmp/a-b_c.d" }, { "", "''" }, { "a b", "'a b'" },
		{ "it's", "'it'\\''s'" }, { "$x", "'$x'" }, { "~", "'~'" },
		{ "a;b", "'a;b'" }, { "\xc3\xa9", "'\xc3\xa9'" },
	};
	struct bytes b = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		run_put_word(&b, cases[i].word);
		expect(&b, cases[i].quoted);
	}
	bytes_fini(&b);
}

static void
labels_are_text_without_colons(void **state)
{
	char longest[64];

	(void)state;
	memset(longest, 'a', 63);
	longest[63] = '\0';
	assert_null(block_label_fault("run-1"));
	assert_null(block_label_fault("an \xc3\xa4 / @"));
	assert_null(block_label_fault(longest));
	assert_non_null(block_label_fault(""));
	assert_non_null(block_label_fault("a:b"));
	assert_non_null(block_label_fault("a\nb"));
	assert_non_null(block_label_fault("\xe2\x80\xae"));
	assert_non_null(block_label_fault("\xff"));
	assert_non_null(block_label_fault("\xc3"));
	assert_non_null(block_label_fault(
	    "0123456789012345678901234567890123456789012345678901234567890123"));
}

static void
no_proxy_becomes_no_via(void **state)
{
	static const struct { const char *no_proxy, *lines; } cases[] = {
		{ NULL, "" }, { "", "" }, { " , ", "" },
		{ "a.example", "no_via = a.example\nno_via = *.a.example\n" },
		{ ".a.example:443", "no_via = a.example\nno_via = *.a.example\n" },
		{ "*.a", "no_via = a\nno_via = *.a\n" },
		{ "10.0.0.0/8", "no_via = 10.0.0.0/8\n" },
		{ "10.1.2.3:80 ::1,fe80::/10",
		    "no_via = 10.1.2.3\nno_via = ::1\nno_via = fe80::/10\n" },
		{ "a_b,a..b,-a,a-,a$b,10.0.0.0/99,[::1],.,..", "" },
		{ "a\nb", "no_via = a\nno_via = *.a\nno_via = b\nno_via = *.b\n" },
	};
	struct bytes b = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_true(run_via_put_no(&b, cases[i].no_proxy));
		expect(&b, cases[i].lines);
	}
	assert_false(run_via_put_no(&b, "a.example,*"));
	bytes_fini(&b);
}

static void
a_long_no_proxy_fits_into_a_configuration(void **state)
{
	struct bytes list = { 0 }, b = { 0 };
	size_t n = 0;

	(void)state;
	for (int i = 0; i < 1000; i++)
		bytes_printf(&list, "host-%d.intern.example,", i);
	bytes_putc(&list, '\0');
	assert_true(run_via_put_no(&b, (char *)list.p));
	for (size_t i = 0; i < b.len; i++)
		n += b.p[i] == '\n';
	assert_int_equal(n, 64);	/* CONFIG_LIST_MAX */
	bytes_fini(&list);
	bytes_fini(&b);
}

static void
forget_proxies(void)
{
	static const char *const names[] = {
		"https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "no_proxy",
		"NO_PROXY",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		unsetenv(names[i]);
}

static void
the_way_out_is_what_clients_would_take(void **state)
{
	static const struct { const char *name, *value, *config; } cases[] = {
		{ "HTTPS_PROXY", "http://u:p@h:3128",
		    "[upstream]\nvia = http://u:p@h:3128\n" },
		{ "https_proxy", "h:3128", "[upstream]\nvia = http://h:3128\n" },
		{ "ALL_PROXY", "http://h/", "[upstream]\nvia = http://h/\n" },
		{ "HTTPS_PROXY", "", "" },
	};
	struct bytes b = { 0 };
	const char *why;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		forget_proxies();
		setenv(cases[i].name, cases[i].value, 1);
		assert_true(run_via_put(&b, &why));
		assert_null(why);
		expect(&b, cases[i].config);
	}
	forget_proxies();
	setenv("https_proxy", "http://lower", 1);
	setenv("HTTPS_PROXY", "http://upper", 1);
	setenv("NO_PROXY", "a", 1);
	assert_true(run_via_put(&b, &why));
	expect(&b, "[upstream]\nvia = http://lower\nno_via = a\nno_via = *.a\n");
	setenv("no_proxy", "*", 1);
	assert_true(run_via_put(&b, &why));
	expect(&b, "");
	forget_proxies();
	bytes_fini(&b);
}

static void
a_way_out_that_is_of_no_use_is_told_without_its_url(void **state)
{
	static const char *const urls[] = {
		"socks5://u:geheim@h:1", "https://u:geheim@h:1", "http://",
		"http://u:geheim@h\n[store]\ndir = /x",
	};
	char longer[400] = "http://geheim@";
	struct bytes b = { 0 };
	const char *why;

	(void)state;
	memset(longer + 14, 'h', sizeof(longer) - 15);
	for (size_t i = 0; i <= sizeof(urls) / sizeof(urls[0]); i++) {
		forget_proxies();
		setenv("HTTPS_PROXY", i < 4 ? urls[i] : longer, 1);
		assert_false(run_via_put(&b, &why));
		assert_non_null(why);
		assert_null(strstr(why, "geheim"));
		assert_int_equal(b.len, 0);
	}
	forget_proxies();
	bytes_fini(&b);
}

/* What the lines of a log make of l; it is read from a pipe. */
static void
read_log(struct run_log *l, const char *text, bool is_starting)
{
	int fd[2];

	assert_true(run_pipe(fd));
	run_log_init(l, fd[0]);
	l->is_starting = is_starting;
	for (const char *p = text; *p; p++) {
		assert_int_equal(write(fd[1], p, 1), 1);
		run_log_read(l);
	}
	assert_true(l->fd >= 0);
	close(fd[1]);
	run_log_read(l);
	assert_int_equal(l->fd, -1);
}

static void
a_log_is_read_for_what_matters(void **state)
{
	struct run_log l;
	char longer[5000];

	(void)state;
	read_log(&l, "2026-11-21T16:01:03.005Z warn conn=1 TLS with the client failed: "
	    "A fatal alert message was received\n"
	    "2026-11-21T16:01:03.005Z info conn=1 closed why=\"TLS with the client "
	    "failed: alert\"\n"
	    "warn TLS with the client failed: alert\n", false);
	assert_int_equal(l.n_distrusted, 1);
	read_log(&l, "2026-11-21T16:01:03.005Z error one\n"
	    "tracetape proxy: store x: no\n2026 info error x\nother\n", true);
	assert_string_equal(l.error, "store x: no");
	read_log(&l, "2026-11-21T16 warn conn=1 answered status=403 code=tunnel_port "
	    "why=\"h:25: no\"\n", false);
	assert_int_equal(l.n_refused, 1);
	assert_string_equal(l.refused, "h:25: no");
	memset(longer, 'x', sizeof(longer));
	memcpy(longer, "tracetape proxy: ", 17);
	memcpy(longer + sizeof(longer) - 2, "\n", 2);
	read_log(&l, longer, true);
	assert_true(strlen(l.error) > 1000 && strlen(l.error) < RUN_LINE_MAX);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(node_heeds_proxy_variables_from_some_versions_on),
		cmocka_unit_test(words_are_quoted_only_when_a_shell_needs_it),
		cmocka_unit_test(labels_are_text_without_colons),
		cmocka_unit_test(no_proxy_becomes_no_via),
		cmocka_unit_test(a_long_no_proxy_fits_into_a_configuration),
		cmocka_unit_test(the_way_out_is_what_clients_would_take),
		cmocka_unit_test(a_way_out_that_is_of_no_use_is_told_without_its_url),
		cmocka_unit_test(a_log_is_read_for_what_matters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
