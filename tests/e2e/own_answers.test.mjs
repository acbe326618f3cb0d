/* Our own answers keep to the rules of the request that they answer. */
import net from 'node:net';
import { once } from 'node:events';
import { test, assert, keys } from './lib/scene.mjs';
import { ownError } from './lib/own_error.mjs';

async function withoutUpstream(s) {
	const server = net.createServer().listen(0, '127.0.0.1');
	await once(server, 'listening');
	const { port } = server.address();
	server.close();
	await once(server, 'close');
	s.tape = await s.record({ upstream: `https://localhost:${port}` });
	return s.client();
}

test('our answer to HEAD has no body', async (s) => {
	const c = await withoutUpstream(s);
	c.send('HEAD /v1/models HTTP/1.1\r\nHost: a\r\n\r\n');
	const answer = await c.message('HEAD');
	assert.equal(answer.head.status, 502);
	assert.ok(Number(answer.head.get('content-length')) > 0);
	assert.equal((await c.rest()).length, 0);
});

test('a client that waits for 100 is answered without its body', async (s) => {
	const c = await withoutUpstream(s);
	c.send('POST /v1/files HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n'
		+ 'Content-Length: 1000\r\n\r\n');
	ownError(await c.message(), 502);
});

test('our answer reaches a client that is still sending its body', async (s) => {
	const c = await withoutUpstream(s);
	c.send(`POST /v1/files HTTP/1.1\r\nHost: a\r\nContent-Length: 8000000\r\n\r\n`);
	for (let k = 0; k < 8; k++)
		c.send(Buffer.alloc(1_000_000, 'x'));
	ownError(await c.message(), 502);
});

test('a large request on a kept connection that dies is not sent twice', async (s) => {
	await s.start({ connection: async (conn) => {
		const first = await s.upstream.take(conn);
		if (!first)
			return;
		await conn.send('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
		if (!await conn.nextHead())
			return;
		await conn.bytes(2_000_000);
		conn.reset();
	} });
	const c = await s.client();
	c.send('GET /v1/models HTTP/1.1\r\nHost: a\r\n\r\n');
	await c.message();
	c.send(`POST /v1/files HTTP/1.1\r\nHost: a\r\nContent-Length: 4000000\r\n\r\n`);
	c.send(Buffer.alloc(4_000_000, 'x'));
	ownError(await c.message(), 502);
	assert.equal(s.upstream.conns.length, 1);
	const records = await s.tape.settled(2);
	assert.deepEqual(records.map((r) => [r.status, r.outcome]),
	    [[200, 'complete'], [502, 'upstream']]);
});

test('requests behind one that says close are not served', async (s) => {
	await s.start({ answer: (r, conn) =>
		conn.send('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok') });
	const c = await s.client();
	c.send('GET /1 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'
		+ 'GET /2 HTTP/1.1\r\nHost: a\r\n\r\n');
	assert.equal((await c.message()).payload.toString(), 'ok');
	assert.equal((await c.rest()).length, 0);
	assert.deepEqual(s.upstream.requests.map((r) => r.head.target), ['/1']);
});

test('connections over the limit do not disturb those under it', async (s) => {
	await s.start({ set: { [keys.connections]: 2 }, answer: (r, conn) =>
		conn.send('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok') });
	const get = 'GET /v1/models HTTP/1.1\r\nHost: a\r\n\r\n';
	const [a, b] = [await s.client(), await s.client()];
	for (const c of [a, b]) {
		c.send(get);
		await c.message();
	}
	const more = await s.client();
	more.send(get);
	a.send(get);
	assert.equal((await a.message()).payload.toString(), 'ok');
	a.end();
	b.end();
	const answer = await more.message().catch(() => null);
	assert.ok(!answer || answer.head.status === 200 || answer.head.status === 503);
	assert.equal((await s.ask(get)).payload.toString(), 'ok', 'there is room again');
});
