/* Nobody may keep us waiting for ever. */
import net from 'node:net';
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { test, assert, keys } from './lib/scene.mjs';
import { ownError } from './lib/own_error.mjs';
import { sanitized } from './lib/wait.mjs';

const get = 'GET /v1/models HTTP/1.1\r\nHost: a\r\n\r\n';
const ok = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
const limit = sanitized ? 1500 : 500;

test('a head that stays unfinished ends the connection in time', async (s) => {
	await s.start({ answer: () => {}, set: { [keys.headMs]: limit } });
	const c = await s.client();
	c.send('GET /v1/models HTTP/1.1\r\nHost: a\r\nX-Slow: ');
	ownError(await c.message(), 408);
	assert.equal((await c.rest()).length, 0);
	assert.equal(s.upstream.tcp, 0);
});

test('a head that trickles in ends the connection in time', async (s) => {
	await s.start({ answer: () => {}, set: { [keys.headMs]: limit } });
	const c = await s.client();
	const from = performance.now();
	c.send('GET /v1/models HTTP/1.1\r\nHost: a\r\nX-Slow: ');
	while (!c.over && performance.now() - from < 20 * limit) {
		c.send('x');
		await pause(limit / 10);
	}
	assert.ok(c.over, 'still open');
	assert.equal(s.upstream.tcp, 0);
});

test('an idle connection is closed in time and without a word', async (s) => {
	await s.start({ answer: (r, conn) => conn.send(ok), set: { [keys.keepaliveMs]: limit } });
	const c = await s.client();
	c.send(get);
	await c.message();
	assert.equal((await c.rest()).length, 0);
	assert.equal(c.error, null);
});

test('an upstream that does not answer in time gives a 504', async (s) => {
	await s.start({ answer: (r, conn) => conn.until(() => conn.over, 'the proxy to give up'),
		set: { [keys.idleMs]: limit } });
	const error = ownError(await s.ask(get), 504);
	assert.match(error.message, /idle_ms|time/i);
	const [record] = await s.tape.settled(1);
	assert.equal(record.outcome, 'timeout');
	assert.equal(record.status, 504);
});

test('an answer that stalls is cut, not completed', async (s) => {
	const head = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n';
	await s.start({ answer: async (r, conn) => {
		await conn.send(`${head}4\r\nhalf\r\n`);
		await conn.until(() => conn.over, 'the proxy to give up');
	}, set: { [keys.idleMs]: limit } });
	const c = await s.client();
	c.send(get);
	await c.until(() => c.closed || c.ended, 'the end');
	assert.equal(c.received.toString(), `${head}4\r\nhalf\r\n`);
	const [record] = await s.tape.settled(1);
	assert.equal(record.outcome, 'timeout');
	assert.equal((await s.tape.responseBody(1)).toString(), 'half');
});

test('a slow stream is not cut while bytes still come', async (s) => {
	await s.start({ answer: async (r, conn) => {
		conn.send('HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n');
		for (const b of 'abcdef') {
			await pause(limit / 3);
			await conn.send(b);
		}
	}, set: { [keys.idleMs]: limit } });
	const answer = await s.ask(get);
	assert.equal(answer.payload.toString(), 'abcdef');
	const [record] = await s.tape.settled(1);
	assert.equal(record.outcome, 'complete');
});

test('an upstream that never finishes its handshake gives a 504', async (s) => {
	const server = net.createServer((c) => s.atEnd(() => c.destroy())).listen(0, '127.0.0.1');
	await once(server, 'listening');
	s.atEnd(() => server.close());
	s.tape = await s.record({ upstream: `https://localhost:${server.address().port}`,
		set: { [keys.handshakeMs]: limit } });
	ownError(await s.ask(get), 504);
	const [record] = await s.tape.settled(1);
	assert.equal(record.outcome, 'timeout');
});
