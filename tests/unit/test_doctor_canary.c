#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "tools/canary.h"
#include "tools/canary_wire.h"

/* A server of one connection: it reads a head, says first, and then again until nobody
 * listens; with no `again` it closes, or is silent. */
struct script {
	const char *first;
	const char *again;
	bool is_silent;
};

static void
say(int fd, const char *text)
{
	if (send(fd, text, strlen(text), MSG_NOSIGNAL) < 0)
		_exit(0);
}

static void
serve(int listener, const struct script *s)
{
	int fd = accept(listener, NULL, NULL);
	char in[4096];

	alarm(20);
	if (recv(fd, in, sizeof(in), 0) > 0)
		say(fd, s->first);
	while (s->again)
		say(fd, s->again);
	/* Until the client has left. */
	while (s->is_silent && recv(fd, in, sizeof(in), 0) > 0)
		;
	close(fd);
	_exit(0);
}

static pid_t
start(const struct script *s, char address[32])
{
	struct sockaddr_in sa = { .sin_family = AF_INET };
	socklen_t len = sizeof(sa);
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	pid_t pid;

	sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(fd, (struct sockaddr *)&sa, len), 0);
	assert_int_equal(listen(fd, 1), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&sa, &len), 0);
	snprintf(address, 32, "127.0.0.1:%u", ntohs(sa.sin_port));
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		serve(fd, s);
	close(fd);
	return pid;
}

static void
fly(struct canary *c, const struct script *s, struct slice connect)
{
	char address[32];
	pid_t pid = start(s, address);
	const struct canary_plan plan = {
		.address = address,
		.connect = connect,
		.method = SLICE("GET"),
		.request = SLICE("GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
		.timeout_ms = 500,
	};
	int64_t began = wire_now_ns();

	canary_fly(c, &plan);
	assert_true(wire_now_ns() - began < (int64_t)10 * 1000000000);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

#define OWN "{\"error\":{\"message\":\"m\",\"type\":\"proxy_error\",\"code\":\"c\"}}"
#define HINT "HTTP/1.1 103 Early Hints\r\n\r\n"

static const struct {
	struct script script;
	enum canary_end end;
	int status;
} answers[] = {
	{ { .first = "HTTP/1.1 204 No Content\r\n\r\n", .is_silent = true },
	    CANARY_ANSWERED, 204 },
	{ { .first = "HTTP/1.1 401 No\r\nContent-Length: 2\r\n\r\n{}" }, CANARY_ANSWERED, 401 },
	{ { .first = "HTTP/1.0 200 OK\r\n\r\nuntil the end" }, CANARY_ANSWERED, 200 },
	{ { .first = HINT HINT "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n" },
	    CANARY_ANSWERED, 200 },
	{ { .first = "HTTP/1.1 502 No\r\n\r\n" OWN }, CANARY_OWN_ERROR, 502 },
	{ { .first = "HTTP/1.1 200 OK\r\n\r\n" OWN }, CANARY_ANSWERED, 200 },
	/* A whole error, but nobody closes. */
	{ { .first = "HTTP/1.1 502 No\r\n\r\n" OWN, .is_silent = true },
	    CANARY_OWN_ERROR, 502 },
	/* Without end. */
	{ { .first = "HTTP/1.1 500 No\r\n\r\n", .again = "xxxxxxxxxxxxxxxx" },
	    CANARY_ANSWERED, 500 },
	{ { .first = "HTTP/1.1 500 No\r\nTransfer-Encoding: chunked\r\n\r\n",
	    .again = "2\r\n{}\r\n" }, CANARY_ANSWERED, 500 },
	{ { .first = HINT, .again = HINT }, CANARY_BROKEN, -1 },
	{ { .first = "HTTP/1.1 200 OK\r\n", .again = "a: b\r\n" }, CANARY_BROKEN, -1 },
	{ { .first = "H", .again = "x" }, CANARY_BROKEN, -1 },
	/* Not at all. */
	{ { .first = "" }, CANARY_BROKEN, -1 },
	{ { .first = "HTTP/1.1 200 OK\r\nContent-Le" }, CANARY_BROKEN, -1 },
	{ { .first = "", .is_silent = true }, CANARY_TIMEOUT, -1 },
	{ { .first = "HTTP/1.1 200 OK\r\n", .is_silent = true }, CANARY_TIMEOUT, -1 },
	{ { .first = "HTTP/1.1 200 OK\nA: b\n\n" }, CANARY_BROKEN, -1 },
	{ { .first = "SSH-2.0-OpenSSH\r\n" }, CANARY_BROKEN, -1 },
	{ { .first = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n" },
	    CANARY_BROKEN, -1 },
};

static void
every_answer_ends_in_time_and_is_named(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		struct canary c;

		fly(&c, &answers[i].script, (struct slice){ NULL, 0 });
		if (c.end != answers[i].end || c.status != answers[i].status)
			fail_msg("answer %zu: end %d status %d, \"%s\"", i, c.end,
			    c.status, c.why);
		assert_true((c.why[0] == '\0') == (c.end == CANARY_ANSWERED));
	}
}

static const struct {
	struct script script;
	enum canary_end end;
	int status;
} tunnels[] = {
	{ { .first = "HTTP/1.1 407 No\r\nContent-Length: 60\r\n\r\n" OWN },
	    CANARY_NO_TUNNEL, 407 },
	{ { .first = "HTTP/1.1 403 No\r\n\r\n", .again = "xxxx" }, CANARY_NO_TUNNEL, 403 },
	{ { .first = "HTTP/1.1 101 Odd\r\n\r\n" }, CANARY_NO_TUNNEL, 101 },
	{ { .first = "HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 200 OK\r\n\r\n" },
	    CANARY_NO_TUNNEL, 200 },
	{ { .first = "HTTP/1.1 200 OK\r\n\r\n" }, CANARY_BROKEN, -1 },
	{ { .first = "HTTP/1.1 200 OK\r\n\r\n", .is_silent = true }, CANARY_TIMEOUT, -1 },
	{ { .first = "" }, CANARY_BROKEN, -1 },
};

static void
only_a_clean_2xx_is_a_tunnel(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(tunnels) / sizeof(tunnels[0]); i++) {
		struct canary c;

		fly(&c, &tunnels[i].script,
		    SLICE("CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n"));
		if (c.end != tunnels[i].end || c.status != tunnels[i].status)
			fail_msg("tunnel %zu: end %d status %d, \"%s\"", i, c.end,
			    c.status, c.why);
	}
}

static void
an_own_error_has_its_code_and_words(void **state)
{
	static const struct script s = { .first = "HTTP/1.1 504 No\r\n\r\n"
	    "{\"error\":{\"code\":\"upstream_timeout\",\"type\":\"proxy_error\","
	    "\"message\":\"a\\u001b[2J\"}}" };
	struct canary c;

	(void)state;
	fly(&c, &s, (struct slice){ NULL, 0 });
	assert_int_equal(c.end, CANARY_OWN_ERROR);
	assert_string_equal(c.code, "upstream_timeout");
	assert_string_equal(c.why, "a\x1b[2J");
}

static void
nobody_there_is_no_listener(void **state)
{
	static const char *const addresses[] = { "127.0.0.1:1", "[::1]:1", "", "a:80" };
	struct canary c;

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		const struct canary_plan plan = { .address = addresses[i],
		    .method = SLICE("GET"), .request = SLICE("GET / HTTP/1.1\r\n\r\n"),
		    .timeout_ms = 500 };

		canary_fly(&c, &plan);
		/* Where there is no IPv6 there is no socket either. */
		assert_true(c.end == CANARY_NO_LISTENER ||
		    (i == 1 && c.end == CANARY_TROUBLE));
		assert_true(c.why[0] != '\0');
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_answer_ends_in_time_and_is_named),
		cmocka_unit_test(only_a_clean_2xx_is_a_tunnel),
		cmocka_unit_test(an_own_error_has_its_code_and_words),
		cmocka_unit_test(nobody_there_is_no_listener),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
