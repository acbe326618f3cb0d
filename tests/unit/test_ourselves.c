#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <unistd.h>

#include "proxy/address.h"
#include "proxy/ourselves.h"

#define N(a) (sizeof(a) / sizeof(*(a)))

static struct sockaddr_storage
at(const char *text)
{
	struct sockaddr_storage sa;
	socklen_t len;

	if (!address_parse(text, &sa, &len))
		fail_msg("%s", text);
	return sa;
}

static void
an_address_is_ours_when_it_reaches_a_listener(void **state)
{
	static const struct {
		const char *listener, *address;
		bool is_ours;
	} cases[] = {
		{ "127.0.0.1:80", "127.0.0.1:80", true },
		{ "127.0.0.1:80", "127.0.0.1:81", false },
		{ "127.0.0.1:80", "127.0.0.2:80", false },
		{ "127.0.0.1:80", "0.0.0.0:80", true },
		{ "127.0.0.1:80", "[::ffff:127.0.0.1]:80", true },
		{ "127.0.0.1:80", "[::1]:80", false },
		{ "127.0.0.1:80", "10.0.0.1:80", false },
		{ "10.0.0.1:80", "10.0.0.1:80", true },
		{ "10.0.0.1:80", "127.0.0.1:80", false },
		{ "10.0.0.1:80", "0.0.0.0:80", false },
		{ "[::1]:80", "[::1]:80", true },
		{ "[::1]:80", "[::]:80", true },
		{ "[::1]:80", "127.0.0.1:80", false },
		{ "[fd00::1]:80", "[fd00::1]:80", true },
		{ "[fd00::1]:80", "[fd00::2]:80", false },
		{ "0.0.0.0:80", "127.0.0.1:80", true },
		{ "0.0.0.0:80", "127.9.9.9:80", true },
		{ "0.0.0.0:80", "0.0.0.0:80", true },
		{ "0.0.0.0:80", "127.0.0.1:8080", false },
		/* Only the connection tells whether this machine has it. */
		{ "0.0.0.0:80", "10.0.0.1:80", false },
		{ "[::]:80", "[::1]:80", true },
		{ "[::]:80", "127.0.0.1:80", true },
		{ "[::]:80", "[2001:db8::1]:80", false },
	};

	for (size_t i = 0; i < N(cases); i++) {
		struct sockaddr_storage l[2] = { at("192.0.2.9:9"),
		    at(cases[i].listener) };
		struct sockaddr_storage sa = at(cases[i].address);

		if (ourselves_at(l, 2, (struct sockaddr *)&sa) !=
		    cases[i].is_ours)
			fail_msg("%s at %s", cases[i].address, cases[i].listener);
		assert_false(ourselves_at(l, 1, (struct sockaddr *)&sa));
		assert_false(ourselves_at(NULL, 0, (struct sockaddr *)&sa));
	}
}

/* A connection to a listener of our own kernel, l. */
static int
connection(int l, struct sockaddr_storage *listener)
{
	struct sockaddr_storage any = at("127.0.0.1:0");
	socklen_t len = sizeof(*listener);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(l, (struct sockaddr *)&any,
	    sizeof(struct sockaddr_in)), 0);
	assert_int_equal(listen(l, 1), 0);
	assert_int_equal(getsockname(l, (struct sockaddr *)listener, &len), 0);
	assert_int_equal(connect(fd, (struct sockaddr *)listener, len), 0);
	return fd;
}

static void
a_connection_is_ours_when_both_its_ends_are_this_machine(void **state)
{
	struct sockaddr_storage l[1];
	int listener = socket(AF_INET, SOCK_STREAM, 0);
	int fd = connection(listener, l);
	unsigned port = address_port((struct sockaddr *)l);

	assert_true(ourselves_answer(l, 1, fd));
	l[0] = at("0.0.0.0:0");
	address_set_port((struct sockaddr *)l, port);
	assert_true(ourselves_answer(l, 1, fd));
	address_set_port((struct sockaddr *)l, port ^ 1);
	assert_false(ourselves_answer(l, 1, fd));
	l[0] = at("127.0.0.2:0");
	address_set_port((struct sockaddr *)l, port);
	assert_false(ourselves_answer(l, 1, fd));
	assert_false(ourselves_answer(NULL, 0, fd));
	close(fd);
	close(listener);
	/* What is no connection is nobody's. */
	fd = open("/dev/null", O_RDONLY);
	assert_false(ourselves_answer(l, 1, fd));
	close(fd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_address_is_ours_when_it_reaches_a_listener),
		cmocka_unit_test(
		    a_connection_is_ours_when_both_its_ends_are_this_machine),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
