/* What may have been done already is not asked for twice (RFC 9110 9.2.2). */
import { setTimeout as pause } from 'node:timers/promises';
import { test, assert } from './lib/scene.mjs';
import { ownError } from './lib/own_error.mjs';

const get = 'GET /v1/models HTTP/1.1\r\nHost: a\r\n\r\n';
const post = 'POST /v1/responses HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}';
const ok = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

/* Sends request over a connection that was kept; what the upstream does with it is
 * `second`, and anything that comes on another connection is served. */
async function onKept(s, request, second) {
	await s.start({ answer: async (r, conn) => {
		const nth = s.upstream.requests.filter((x) => x.conn === conn).length;
		if (conn === s.upstream.conns[0] && nth === 2)
			await second(conn);
		else
			await conn.send(ok);
	} });
	await s.ask(get);
	const c = await s.client();
	c.send(request);
	return c.message();
}

/* More than the time in which a death says that it was dead before. */
const late = async (conn) => {
	await pause(1300);
	conn.reset();
};
const unasked = (conn) => conn.send('HTTP/1.1 101 Switching Protocols\r\n'
	+ 'Upgrade: x\r\nConnection: upgrade\r\n\r\n');
const half = async (conn) => {
	await conn.send('HTTP/1.1 200 OK\r\nContent-Le');
	conn.cut();
};

for (const [what, request, second] of [
	['a POST whose kept connection dies late', post, late],
	['a POST that is answered with an unasked 101', post, unasked],
	['a GET that is answered with an unasked 101', get, unasked],
	['a POST whose answer ends inside its head', post, half],
]) {
	test(`${what} is not sent again`, async (s) => {
		ownError(await onKept(s, request, second), 502);
		assert.equal(s.upstream.requests.length, 2);
		const records = await s.tape.settled(2);
		assert.deepEqual(records.map((r) => r.outcome), ['complete', 'upstream']);
	});
}

for (const [what, request, version] of [['a POST', post, '1.1'], ['a GET', get, '1.1'],
	['a POST of an HTTP/1.0 client', post, '1.0']]) {
	test(`${what} whose kept connection dies behind a 1xx is not sent again`, async (s) => {
		await s.start({ answer: async (r, conn) => {
			if (s.upstream.requests.length !== 2) {
				await conn.send(ok);
				return;
			}
			await conn.send('HTTP/1.1 102 Processing\r\n\r\n');
			conn.end();	/* behind it, so that both are read in order */
		} });
		await s.ask(get);
		const c = await s.client();
		c.send(request.replace('HTTP/1.1', `HTTP/${version}`));
		let answer = await c.message();
		if (version === '1.1') {
			assert.equal(answer.head.status, 102);
			answer = await c.message();
		}
		ownError(answer, 502);
		assert.equal(s.upstream.requests.length, 2);
	});
}

test('a GET whose kept connection dies late is sent once more', async (s) => {
	assert.equal((await onKept(s, get, late)).payload.toString(), 'ok');
	assert.equal(s.upstream.requests.length, 3);
	const records = await s.tape.settled(2);
	assert.deepEqual(records.map((r) => r.outcome), ['complete', 'complete']);
	assert.ok(records[1].flags.includes('retried'), records[1].flags);
});

test('a POST whose kept connection dies at once is sent once more', async (s) => {
	const answer = await onKept(s, post, (conn) => conn.reset());
	assert.equal(answer.payload.toString(), 'ok');
	assert.equal(s.upstream.requests.length, 3);
});
