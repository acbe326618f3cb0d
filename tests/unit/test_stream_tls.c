/* A running plain stream that starts TLS: everything that may lie on the way. */
#include "tests/unit/stream_fixture.h"

#define N(a) (sizeof(a) / sizeof(*(a)))

enum { MANY = 300000 };

static struct trust trust;
static struct side d;
static struct pair p;
static const char ask[] = "CONNECT a:443 HTTP/1.1\r\n\r\n";
static const char yes[] = "HTTP/1.1 200 OK\r\n\r\n";

static int
begin(void **state)
{
	if (scratch_new(state))
		return -1;
	trust_new(&trust, "ca");
	pair_new(&p, &trust, "localhost");
	side_new(&d);
	return 0;
}

static int
end(void **state)
{
	side_free(&d);
	pair_free(&p);
	trust_free(&trust);
	return scratch_free(state);
}

/* Gives one half of the pair to the stream; events may not come yet. */
static void
start(struct end *mine)
{
	d.is_calling = true;
	assert_true(stream_start_tls(d.s, mine->tls));
	mine->tls = NULL;
	d.is_calling = false;
	d.n_seen = 0;
}

static void
send_all(const void *from, size_t n)
{
	assert_int_equal(send(d.peer, from, n, MSG_NOSIGNAL), n);
}

/* What the peer has to say so far lies unread in the stream. */
static void
leave_unread(struct end *peer, size_t n)
{
	d.keeps = true;
	assert_true(n <= peer->out.len - peer->off);
	if (n > 0)
		send_all(peer->out.p + peer->off, n);
	peer->off += n;
	while (stream_unread(d.s) < n)
		side_turn(&d);
	d.keeps = false;
}

static void
run(struct end *peer, size_t cut)
{
	for (int i = 0; i < FIXTURE_TURNS && !(side_saw(&d, STREAM_READY) &&
	    tls_is_ready(peer->tls)) && !side_saw(&d, STREAM_ERROR); i++) {
		side_turn(&d);
		if (d.s)
			side_peer_turn(&d, peer, cut);
	}
}

/* The peer's plaintext arrives as it is, and ours at the peer. */
static void
assert_talk(struct end *peer)
{
	assert_int_equal(tls_write(peer->tls, "question", 8), TLS_OK);
	bytes_clear(&d.got);
	bytes_clear(&d.heard);
	while (d.got.len < 8) {
		side_peer_turn(&d, peer, SIZE_MAX);
		side_turn(&d);
	}
	assert_memory_equal(d.got.p, "question", 8);
	stream_write(d.s, "answer", 6);
	while (d.heard.len < 6) {
		side_turn(&d);
		side_peer_turn(&d, peer, SIZE_MAX);
	}
	assert_int_equal(d.heard.len, 6);
	assert_memory_equal(d.heard.p, "answer", 6);
}

static void
a_server_takes_any_part_of_the_hello_that_lies_unread(void **state)
{
	size_t len = 1;

	for (size_t at = 0; at <= len; at += at < 12 ? 1 : 37) {
		assert_int_equal(tls_handshake(p.client.tls), TLS_WANT);
		len = p.client.out.len;
		leave_unread(&p.client, at);
		start(&p.server);
		assert_int_equal(stream_unread(d.s), 0);
		run(&p.client, SIZE_MAX);
		assert_int_equal(d.seen[0], STREAM_READY);
		assert_talk(&p.client);
		end(state);
		begin(state);
	}
}

static void
a_client_begins_by_itself(void **state)
{
	start(&p.client);
	assert_int_equal(stream_queued(d.s), 0);
	run(&p.server, SIZE_MAX);
	assert_int_equal(d.seen[0], STREAM_READY);
	assert_string_equal(tls_version(stream_tls(d.s)),
	    tls_version(p.server.tls));
	assert_talk(&p.server);
}

static void
pieces_of_any_size_make_a_handshake(void **state)
{
	static const size_t cuts[] = { 1, 5, 100, 1000 };

	for (size_t i = 0; i < N(cuts); i++) {
		bool is_client = i & 1;

		if (!is_client)
			assert_int_equal(tls_handshake(p.client.tls), TLS_WANT);
		start(is_client ? &p.client : &p.server);
		for (int turn = 0; turn < 20; turn++)
			run(is_client ? &p.server : &p.client, cuts[i]);
		assert_int_equal(d.seen[0], STREAM_READY);
		assert_talk(is_client ? &p.server : &p.client);
		end(state);
		begin(state);
	}
}

/* The head is taken by its reader, what is behind it is TLS; the answer that is
 * queued leaves in the clear. */
static void
plain_bytes_in_front_stay_plain_on_both_sides(void **state)
{
	struct piece *piece;
	const uint8_t *at;
	char plain[sizeof(yes)];

	assert_int_equal(tls_handshake(p.client.tls), TLS_WANT);
	send_all(ask, sizeof(ask) - 1);
	leave_unread(&p.client, p.client.out.len);
	while (stream_unread(d.s) < sizeof(ask) - 1 + p.client.out.len)
		side_turn(&d);
	assert_true(stream_peek(d.s, &piece, &at) >= sizeof(ask) - 1);
	assert_memory_equal(at, ask, sizeof(ask) - 1);
	stream_consume(d.s, sizeof(ask) - 1);
	stream_write(d.s, yes, sizeof(yes) - 1);
	start(&p.server);
	stream_write(d.s, "too early", 9);	/* not READY: dropped */
	side_turn(&d);
	assert_int_equal(recv(d.peer, plain, sizeof(yes) - 1, 0), sizeof(yes) - 1);
	assert_memory_equal(plain, yes, sizeof(yes) - 1);
	run(&p.client, SIZE_MAX);
	assert_talk(&p.client);
}

/* The hello lies across the border of two pieces. */
static void
a_hello_in_two_pieces_is_one(void **state)
{
	static char filler[16 * 1024 - 20];
	struct piece *piece;
	const uint8_t *at;

	d.keeps = true;
	send_all(filler, sizeof(filler));
	assert_int_equal(tls_handshake(p.client.tls), TLS_WANT);
	leave_unread(&p.client, p.client.out.len);
	while (stream_unread(d.s) < sizeof(filler) + p.client.out.len)
		side_turn(&d);
	assert_true(stream_peek(d.s, &piece, &at) > sizeof(filler));
	stream_consume(d.s, sizeof(filler));
	d.keeps = false;
	start(&p.server);
	run(&p.client, SIZE_MAX);
	assert_int_equal(d.seen[0], STREAM_READY);
	assert_talk(&p.client);
}

static void
a_paused_stream_begins_when_it_is_resumed(void **state)
{
	for (int before = 0; before < 2; before++) {
		assert_int_equal(tls_handshake(p.client.tls), TLS_WANT);
		leave_unread(&p.client, p.client.out.len);
		if (before)
			stream_pause(d.s, PAUSE_PEER);
		start(&p.server);
		if (!before)
			stream_pause(d.s, PAUSE_RECORDER);
		for (int i = 0; i < 5; i++)
			side_turn(&d);
		assert_int_equal(recv(d.peer, &(char){ 0 }, 1, 0), -1);
		assert_int_equal(d.n_seen, 0);
		assert_false(stream_is_idle(d.s));
		d.is_calling = true;
		stream_resume(d.s, before ? PAUSE_PEER : PAUSE_RECORDER);
		d.is_calling = false;
		run(&p.client, SIZE_MAX);
		assert_int_equal(d.seen[0], STREAM_READY);
		assert_talk(&p.client);
		assert_true(stream_is_idle(d.s));
		end(state);
		begin(state);
	}
}

static void
what_is_not_tls_is_an_error_that_comes_later(void **state)
{
	for (int unread = 0; unread < 2; unread++) {
		bytes_put(&p.client.out, "GET / HTTP/1.1\r\n\r\n", 18);
		leave_unread(&p.client, unread ? 18 : 0);
		start(&p.server);
		if (!unread)
			send_all(p.client.out.p, 18);
		for (int i = 0; i < 5; i++)
			side_turn(&d);
		assert_int_equal(d.n_seen, 1);
		assert_int_equal(d.seen[0], STREAM_ERROR);
		assert_non_null(strstr(stream_error(d.s), "handshake failed"));
		end(state);
		begin(state);
	}
}

static void
a_fin_before_the_handshake_is_done_is_an_error(void **state)
{
	/* Seen before the start, seen behind the hello, or later. */
	for (int when = 0; when < 3; when++) {
		assert_int_equal(tls_handshake(p.client.tls), TLS_WANT);
		if (when != 2)
			leave_unread(&p.client, p.client.out.len);
		if (when == 0)
			shutdown(d.peer, SHUT_WR);
		for (int i = 0; i < 3; i++)
			side_turn(&d);
		assert_int_equal(side_saw(&d, STREAM_EOF), when == 0);
		start(&p.server);
		if (when != 0)
			shutdown(d.peer, SHUT_WR);
		for (int i = 0; i < 5; i++)
			side_turn(&d);
		assert_int_equal(d.n_seen, 1);
		assert_int_equal(d.seen[0], STREAM_ERROR);
		assert_string_equal(stream_error(d.s), strerror(ECONNRESET));
		end(state);
		begin(state);
	}
}

static void
a_peer_that_has_gone_is_an_error(void **state)
{
	start(&p.client);
	close(d.peer);
	d.peer = -1;
	for (int i = 0; i < 5 && !side_saw(&d, STREAM_ERROR); i++)
		side_turn(&d);
	assert_true(side_saw(&d, STREAM_ERROR));
}

static void
a_stream_that_takes_no_more_fails_at_once(void **state)
{
	shutdown(stream_fd(d.s), SHUT_WR);
	stream_write(d.s, "x", 1);
	side_turn(&d);
	assert_true(side_saw(&d, STREAM_BROKEN));
	start(&p.client);
	side_turn(&d);
	assert_int_equal(d.n_seen, 1);
	assert_int_equal(d.seen[0], STREAM_ERROR);
	assert_string_equal(stream_error(d.s), strerror(EPIPE));
}

static void
it_may_be_freed_at_any_moment(void **state)
{
	/* Before the loop turns, paused or not; in READY; in ERROR; in DATA. */
	for (int when = 0; when < 5; when++) {
		assert_int_equal(tls_handshake(p.client.tls), TLS_WANT);
		leave_unread(&p.client, p.client.out.len);
		if (when == 3) {
			assert_int_equal(tls_handshake(p.server.tls), TLS_WANT);
			tls_feed(p.server.tls, "junkjunk", 8);
			tls_handshake(p.server.tls);
		}
		start(&p.server);
		if (when == 1)
			stream_pause(d.s, PAUSE_PEER);
		if (when < 2) {
			stream_free(d.s);
			d.s = NULL;
			side_turn(&d);
			assert_int_equal(d.n_seen, 0);
		} else {
			d.frees = when < 4;
			run(&p.client, SIZE_MAX);
			assert_int_equal(d.seen[0], when == 3 ? STREAM_ERROR :
			    STREAM_READY);
			assert_int_equal(!d.s, when < 4);
		}
		if (when == 4) {
			d.frees = true;
			assert_int_equal(tls_write(p.client.tls, "x", 1), TLS_OK);
			while (d.s) {
				side_peer_turn(&d, &p.client, SIZE_MAX);
				side_turn(&d);
			}
		}
		end(state);
		begin(state);
	}
}

static void
without_a_session_it_stays_plain(void **state)
{
	assert_false(stream_start_tls(d.s, NULL));
	assert_null(stream_tls(d.s));
	send_all("plain", 5);
	while (d.got.len < 5)
		side_turn(&d);
	stream_write(d.s, "yes", 3);
	side_turn(&d);
	assert_int_equal(recv(d.peer, d.scratch, 9, 0), 3);
}

/* The reading side keeps to STREAM_HIGH, also in TLS that was started late. */
static void
much_data_passes_and_unread_bytes_stay_bounded(void **state)
{
	static uint8_t in[MANY];
	size_t most = 0;

	for (size_t i = 0; i < sizeof(in); i++)
		in[i] = (uint8_t)(i * 31 + i / 253);
	assert_int_equal(tls_handshake(p.client.tls), TLS_WANT);
	leave_unread(&p.client, p.client.out.len);
	start(&p.server);
	run(&p.client, SIZE_MAX);
	assert_int_equal(tls_write(p.client.tls, in, sizeof(in)), TLS_OK);
	tls_close(p.client.tls);
	d.keeps = true;
	while (!stream_at_eof(d.s)) {
		side_peer_turn(&d, &p.client, SIZE_MAX);
		for (int i = 0; i < 3; i++)
			side_turn(&d);
		if (stream_unread(d.s) > most)
			most = stream_unread(d.s);
		side_take(&d);
	}
	assert_in_range(most, STREAM_HIGH / 2, 2 * STREAM_HIGH + 16384);
	assert_int_equal(d.got.len, sizeof(in));
	assert_memory_equal(d.got.p, in, sizeof(in));
	assert_true(stream_eof_is_clean(d.s));
	assert_true(side_saw(&d, STREAM_EOF));
	/* Half-closed: the other direction goes on. */
	stream_write(d.s, "late", 4);
	side_turn(&d);
	assert_true(recv(d.peer, d.scratch, sizeof(d.scratch), 0) > 4);
}

static void
a_fin_without_goodbye_is_a_truncation(void **state)
{
	assert_int_equal(tls_handshake(p.client.tls), TLS_WANT);
	leave_unread(&p.client, p.client.out.len);
	start(&p.server);
	run(&p.client, SIZE_MAX);
	assert_talk(&p.client);
	shutdown(d.peer, SHUT_WR);
	side_turn(&d);
	assert_true(stream_at_eof(d.s));
	assert_false(stream_eof_is_clean(d.s));
}

/* Told from inside the DATA that brings it, as a reader of heads does. */
static void
on_hello(void *arg, enum stream_event ev)
{
	struct side *side = arg;

	assert_int_equal(ev, STREAM_DATA);
	stream_give(side->s, side_on_event, side);
	start(&p.server);
}

static void
it_may_be_started_by_the_bytes_that_begin_it(void **state)
{
	stream_give(d.s, on_hello, &d);
	assert_int_equal(tls_handshake(p.client.tls), TLS_WANT);
	run(&p.client, SIZE_MAX);
	assert_int_equal(d.seen[0], STREAM_READY);
	assert_talk(&p.client);
}

#define T(f) cmocka_unit_test_setup_teardown(f, begin, end)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_server_takes_any_part_of_the_hello_that_lies_unread),
		T(a_client_begins_by_itself),
		T(pieces_of_any_size_make_a_handshake),
		T(plain_bytes_in_front_stay_plain_on_both_sides),
		T(a_hello_in_two_pieces_is_one),
		T(a_paused_stream_begins_when_it_is_resumed),
		T(what_is_not_tls_is_an_error_that_comes_later),
		T(a_fin_before_the_handshake_is_done_is_an_error),
		T(a_peer_that_has_gone_is_an_error),
		T(a_stream_that_takes_no_more_fails_at_once),
		T(it_may_be_freed_at_any_moment),
		T(without_a_session_it_stays_plain),
		T(much_data_passes_and_unread_bytes_stay_bounded),
		T(a_fin_without_goodbye_is_a_truncation),
		T(it_may_be_started_by_the_bytes_that_begin_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
