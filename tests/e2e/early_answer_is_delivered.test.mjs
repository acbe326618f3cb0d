/* What the upstream has answered reaches a client that reads late, whatever that
 * client does meanwhile. */
import { setTimeout as pause } from 'node:timers/promises';
import { test, assert, keys } from './lib/scene.mjs';
import { fill } from './lib/kernel.mjs';
import { chunk } from './lib/http.mjs';
import { poll, sanitized } from './lib/wait.mjs';

const limit = sanitized ? 1000 : 400;
const part = (n) => chunk(`${n};${'x'.repeat(60_000)}`);

/* A client that has sent `request` and does not read, and tracetape with more of its
 * answer than the kernel takes; gives the body as the upstream sent it. */
async function lateReader(s, request, set) {
	await s.start({ connection: async (conn) => { await conn.nextHead(); }, set });
	const c = await s.client();
	c.socket.pause();
	c.send(request);
	const conn = await s.upstream.conn(0);
	await poll(() => conn.received.includes('\r\n\r\n'), 'the request upstream');
	await conn.send('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n');
	const body = await fill(conn, c, part);
	await conn.send('0\r\n\r\n');
	await s.tape.settled(1);
	return { c, body: Buffer.concat([body, Buffer.from('0\r\n\r\n')]) };
}

test('an early answer to a slow upload reaches a client that reads it after linger_ms',
    async (s) => {
	const { c, body } = await lateReader(s,
	    'POST /v1/files HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n',
	    { [keys.lingerMs]: limit });
	for (let k = 0; k < 24; k++) {
		c.send('y'.repeat(1000));
		await pause(limit / 8);
	}
	c.socket.resume();
	assert.ok((await c.message()).wire.equals(body));
	assert.equal((await c.rest()).length, 0);
	assert.equal(c.error, null);
});

test('an answer reaches a client that ends inside its next head', async (s) => {
	const { c, body } = await lateReader(s, 'GET /v1/models HTTP/1.1\r\nHost: a\r\n\r\n',
	    { 'log.level': 'debug' });
	await c.send('GET /v1/mod');
	c.end();
	await poll(() => / -> (LINGER|CLOSED)/.test(s.tape.log), 'the FIN to be seen');
	c.socket.resume();
	assert.ok((await c.message()).wire.equals(body));
	assert.equal((await c.rest()).length, 0);
	assert.equal(c.error, null);
});

test('an answer reaches a client whose next head is late', async (s) => {
	const { c, body } = await lateReader(s, 'GET /v1/models HTTP/1.1\r\nHost: a\r\n\r\n',
	    { [keys.headMs]: limit });
	await c.send('GET /v1/mod');
	await pause(2 * limit);
	c.socket.resume();
	assert.ok((await c.message()).wire.equals(body));
	assert.equal((await c.message()).head.status, 408);
	assert.equal((await c.rest()).length, 0);
});
