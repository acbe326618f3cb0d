/* idle_ms is about connections on which nothing moves.  A slow reader moves bytes;
 * who reads nothing at all, or drips a head, does not. */
import { setTimeout as pause } from 'node:timers/promises';
import { test, assert, keys } from './lib/scene.mjs';
import { fill } from './lib/kernel.mjs';
import { ownError } from './lib/own_error.mjs';
import { poll, sanitized, within } from './lib/wait.mjs';
import { chunk } from './lib/http.mjs';

const MiB = 1 << 20;
const get = 'GET /v1/files/f/content HTTP/1.1\r\nHost: a\r\n\r\n';
const chunked = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n';
const limit = sanitized ? 1500 : 600;
const part = chunk(Buffer.alloc(60_000, 'x'));
const closed = (s) => poll(() => s.tape.log.includes('closed in='), 'the connection to end');

test('a client that reads slowly but steadily is not cut by idle_ms', async (s) => {
	await s.start({ answer: async (r, conn) => {
		await conn.send(`HTTP/1.1 200 OK\r\nContent-Length: ${12 * MiB}\r\n\r\n`);
		await conn.send(Buffer.alloc(12 * MiB, 'x'));
	}, set: { [keys.idleMs]: limit } });
	const c = await s.client();
	const from = performance.now();
	let got = 0;
	c.send(get);
	await c.head();
	c.pour((b) => {
		got += b.length;
		if (performance.now() - from > 5 * limit)
			return;
		c.socket.pause();	/* a read is 64 KiB at most */
		setTimeout(() => c.socket.resume(), limit / 8);
	});
	await c.until(() => got === 12 * MiB || c.over, 'all of it');
	assert.equal(got, 12 * MiB);
	assert.ok(performance.now() - from > 5 * limit);
	const [record] = await s.tape.settled(1);
	assert.equal(record.outcome, 'complete');
});

test('a client that reads nothing of a live answer is cut by idle_ms', async (s) => {
	await s.start({ connection: async (conn) => { await conn.nextHead(); },
		set: { [keys.idleMs]: limit } });
	const c = await s.client();
	c.socket.pause();
	c.send(get);
	const conn = await s.upstream.conn(0);
	await poll(() => conn.received.includes('\r\n\r\n'), 'the request upstream');
	await conn.send(chunked);
	await fill(conn, c, () => part);
	const [record] = await s.tape.settled(1);
	assert.equal(record.outcome, 'timeout');
	await closed(s);
});

test('an idle connection whose client never reads its answer is ended', async (s) => {
	await s.start({ connection: async (conn) => { await conn.nextHead(); },
		set: { [keys.idleMs]: limit, [keys.keepaliveMs]: limit } });
	const c = await s.client();
	c.socket.pause();
	c.send(get);
	const conn = await s.upstream.conn(0);
	await poll(() => conn.received.includes('\r\n\r\n'), 'the request upstream');
	await conn.send(chunked);
	await fill(conn, c, () => part);
	await conn.send('0\r\n\r\n');
	const [record] = await s.tape.settled(1);
	assert.equal(record.outcome, 'complete');
	await closed(s);
});

test('a client that has read slowly is not waited for longer than linger_ms', async (s) => {
	const size = 6 * MiB;
	await s.start({ answer: async (r, conn) => {
		await conn.send(`HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\n\r\n`);
		await conn.send(Buffer.alloc(size, 'x'));
	}, set: { [keys.lingerMs]: limit } });
	const c = await s.client();
	let got = 0;
	c.send(get.replace('Host: a', 'Host: a\r\nConnection: close'));
	await c.head();
	c.pour((b) => {
		got += b.length;
		c.socket.pause();
		setTimeout(() => c.socket.resume(), limit / 16);
	});
	await c.until(() => c.over, 'all of it');
	assert.equal(got, size);
	await closed(s);		/* though we do not close our side */
});

test('a response head that drips in is cut by idle_ms', async (s) => {
	await s.start({ answer: async (r, conn) => {
		conn.send('HTTP/1.1 200 OK\r\nX: ');
		while (!conn.over) {
			conn.send('x');
			await pause(limit / 10);
		}
	}, set: { [keys.idleMs]: limit } });
	ownError(await within(s.ask(get), 'an answer'), 504);
	const [record] = await s.tape.settled(1);
	assert.equal(record.outcome, 'timeout');
});
