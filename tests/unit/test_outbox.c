#include "proxy/outbox.h"

#include <sys/socket.h>

#include "tests/unit/trust_fixture.h"

static uint32_t dice;

static uint32_t
roll(uint32_t n)
{
	dice = dice * 1664525 + 1013904223;
	return (dice >> 8) % n;
}

/* The byte at off of the stream that is sent. */
static uint8_t
at(uint64_t off)
{
	return (uint8_t)((off * 7 + off / 251) % 253);
}

struct sockets {
	int us, peer;
};

static struct sockets
sockets_new(void)
{
	int fd[2], small = 4096;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK |
	    SOCK_CLOEXEC, 0, fd), 0);
	assert_int_equal(setsockopt(fd[0], SOL_SOCKET, SO_SNDBUF, &small,
	    sizeof(small)), 0);
	return (struct sockets){ fd[0], fd[1] };
}

static void
sockets_free(struct sockets s)
{
	close(s.us);
	close(s.peer);
}

static void
put(struct outbox *o, uint64_t off, size_t n)
{
	uint8_t *p = malloc(n + 1);

	for (size_t i = 0; i < n; i++)
		p[i] = at(off + i);
	outbox_put(o, p, n);
	free(p);
}

/* Reads what the peer has, at most max bytes, and compares it. */
static size_t
read_plain(int fd, uint64_t off, size_t max)
{
	uint8_t buf[4096];
	size_t got = 0;

	while (got < max) {
		ssize_t n = recv(fd, buf, max - got < sizeof(buf) ? max - got :
		    sizeof(buf), 0);

		if (n <= 0)
			break;
		for (ssize_t i = 0; i < n; i++)
			assert_int_equal(buf[i], at(off + got + (size_t)i));
		got += (size_t)n;
	}
	return got;
}

static void
an_empty_outbox_is_empty(void **state)
{
	struct sockets s = sockets_new();
	struct outbox o = { 0 };

	assert_int_equal(outbox_len(&o), 0);
	assert_int_equal(outbox_send(&o, s.us), OUTBOX_EMPTY);
	outbox_put(&o, "", 0);
	assert_int_equal(outbox_send(&o, s.us), OUTBOX_EMPTY);
	outbox_close(&o);
	outbox_rest(&o);
	assert_int_equal(outbox_send(&o, s.us), OUTBOX_EMPTY);
	assert_int_equal(read_plain(s.peer, 0, 1), 0);
	outbox_fini(&o);
	sockets_free(s);
}

static void
what_is_put_is_sent_in_order_whatever_the_socket_takes(void **state)
{
	static const uint32_t sizes[] = { 1, 100, 5000, 40000 };

	for (uint32_t seed = 1; seed <= 30; seed++) {
		struct sockets s = sockets_new();
		struct outbox o = { 0 };
		uint64_t in = 0, out = 0, sent = 0;

		dice = seed;
		for (int step = 0; step < 400; step++) {
			size_t n = roll(sizes[roll(4)]);

			if (in - out < 200000 && roll(2)) {
				put(&o, in, n);
				in += n;
			} else if (roll(2)) {
				enum outbox_result rc = outbox_send(&o, s.us);

				assert_int_equal(rc, outbox_len(&o) ?
				    OUTBOX_BLOCKED : OUTBOX_EMPTY);
				sent = in - outbox_len(&o);
			} else if (roll(9) == 0) {
				outbox_rest(&o);
			} else {
				out += read_plain(s.peer, out, n + 1);
			}
			assert_true(out <= sent);
			assert_int_equal(outbox_len(&o), in - sent);
		}
		while (outbox_send(&o, s.us) == OUTBOX_BLOCKED)
			out += read_plain(s.peer, out, SIZE_MAX);
		out += read_plain(s.peer, out, SIZE_MAX);
		assert_int_equal(out, in);
		outbox_rest(&o);
		assert_int_equal(o.out.cap, 0);
		outbox_fini(&o);
		sockets_free(s);
	}
}

static void
a_long_queue_takes_no_more_memory_than_twice_what_waits(void **state)
{
	struct sockets s = sockets_new();
	struct outbox o = { 0 };
	uint64_t in = 0, out = 0;

	/* 64 KiB always wait, while 16 MiB pass: sent bytes are let go of. */
	while (in < 16 * 1024 * 1024) {
		while (outbox_len(&o) < 65536) {
			put(&o, in, 9000);
			in += 9000;
		}
		assert_int_equal(outbox_send(&o, s.us), OUTBOX_BLOCKED);
		assert_true(o.out.cap <= 4 * (65536 + 9000));
		out += read_plain(s.peer, out, SIZE_MAX);
	}
	outbox_fini(&o);
	sockets_free(s);
}

static void
memory_is_given_back_after_a_burst_but_not_after_each_message(void **state)
{
	struct sockets s = sockets_new();
	struct outbox o = { 0 };
	uint64_t out = 0;

	put(&o, 0, 1000);
	assert_int_equal(outbox_send(&o, s.us), OUTBOX_EMPTY);
	assert_true(o.out.cap > 0);
	put(&o, 1000, 500000);
	while (outbox_send(&o, s.us) == OUTBOX_BLOCKED)
		out += read_plain(s.peer, out, SIZE_MAX);
	assert_int_equal(o.out.cap, 0);
	outbox_fini(&o);
	sockets_free(s);
}

static void
a_peer_that_is_gone_breaks_it_without_a_signal(void **state)
{
	struct sockets s = sockets_new();
	struct outbox o = { 0 };

	close(s.peer);
	outbox_put(&o, "x", 1);
	assert_int_equal(outbox_send(&o, s.us), OUTBOX_BROKEN);
	assert_int_equal(outbox_send(&o, s.us), OUTBOX_BROKEN);
	assert_int_equal(outbox_len(&o), 1);
	outbox_fini(&o);
	close(s.us);
}

static void
want_of_memory_fails_and_is_not_forgotten_by_sending(void **state)
{
	struct sockets s = sockets_new();
	struct outbox o = { 0 };

	outbox_put(&o, "x", 1);
	o.out.failed = true;	/* as bytes_put does */
	assert_int_equal(outbox_send(&o, s.us), OUTBOX_FAILED);
	assert_int_equal(outbox_send(&o, s.us), OUTBOX_FAILED);
	assert_int_equal(read_plain(s.peer, 0, 1), 0);
	outbox_fini(&o);
	sockets_free(s);
}

/* An outbox of a client whose server reads from the other end of s. */
static void
open_tls(struct pair *p, struct outbox *o)
{
	pair_new(p, &trust, "localhost");
	assert_true(shake_hands(p, SIZE_MAX));
	memset(o, 0, sizeof(*o));
	o->tls = p->client.tls;
	tls_set_out(p->client.tls, &o->out);
}

static enum tls_result
read_tls(struct pair *p, int fd, uint64_t *off, size_t max)
{
	static uint8_t wire[4096], buf[16384];
	enum tls_result rc;
	ssize_t len = recv(fd, wire, max < sizeof(wire) ? max : sizeof(wire), 0);
	size_t n;

	if (len > 0)
		tls_feed(p->server.tls, wire, (size_t)len);
	while ((rc = tls_read(p->server.tls, buf, sizeof(buf), &n)) == TLS_OK) {
		for (size_t i = 0; i < n; i++)
			assert_int_equal(buf[i], at(*off + i));
		*off += n;
	}
	return rc;
}

static void
over_tls_what_is_put_is_sent_in_order(void **state)
{
	static const uint32_t sizes[] = { 2, 300, OUTBOX_RECORD, 40000 };

	for (uint32_t seed = 1; seed <= 12; seed++) {
		struct sockets s = sockets_new();
		struct outbox o;
		struct pair p;
		uint64_t in = 0, out = 0;

		dice = seed;
		open_tls(&p, &o);
		for (int step = 0; step < 300; step++) {
			size_t n = roll(sizes[roll(4)]) + roll(2);

			if (in - out < 200000 && roll(2)) {
				put(&o, in, n);
				in += n;
			} else if (roll(2)) {
				enum outbox_result rc = outbox_send(&o, s.us);

				assert_int_equal(rc, outbox_len(&o) ?
				    OUTBOX_BLOCKED : OUTBOX_EMPTY);
			} else {
				(void)read_tls(&p, s.peer, &out, n + 1);
			}
			assert_true(o.plain.len <= OUTBOX_RECORD);
		}
		outbox_close(&o);
		while (outbox_send(&o, s.us) == OUTBOX_BLOCKED)
			(void)read_tls(&p, s.peer, &out, 4096);
		while (read_tls(&p, s.peer, &out, 4096) == TLS_WANT)
			continue;
		assert_int_equal(out, in);
		assert_int_equal(read_tls(&p, s.peer, &out, 1), TLS_EOF);
		outbox_fini(&o);
		pair_free(&p);
		sockets_free(s);
	}
}

static void
a_head_and_the_start_of_its_body_share_a_record(void **state)
{
	struct sockets s = sockets_new();
	struct outbox o;
	struct pair p;
	uint8_t wire[1024];
	ssize_t n;

	open_tls(&p, &o);
	outbox_put(&o, "HTTP/1.1 200 OK\r\n\r\n", 19);
	outbox_put(&o, "body", 4);
	assert_int_equal(outbox_len(&o), 23);
	assert_int_equal(outbox_send(&o, s.us), OUTBOX_EMPTY);
	n = recv(s.peer, wire, sizeof(wire), 0);
	assert_true(n > 5);
	assert_int_equal(wire[0], 23);		/* application data */
	assert_int_equal(5 + wire[3] * 256 + wire[4], n);
	outbox_fini(&o);
	pair_free(&p);
	sockets_free(s);
}

#define T(f) cmocka_unit_test_setup_teardown(f, begin, end)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_outbox_is_empty),
		cmocka_unit_test(what_is_put_is_sent_in_order_whatever_the_socket_takes),
		cmocka_unit_test(a_long_queue_takes_no_more_memory_than_twice_what_waits),
		cmocka_unit_test(memory_is_given_back_after_a_burst_but_not_after_each_message),
		cmocka_unit_test(a_peer_that_is_gone_breaks_it_without_a_signal),
		cmocka_unit_test(want_of_memory_fails_and_is_not_forgotten_by_sending),
		T(over_tls_what_is_put_is_sent_in_order),
		T(a_head_and_the_start_of_its_body_share_a_record),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
