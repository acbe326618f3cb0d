/* SIGTERM waits for those who still read their answer, and for nobody else. */
import net from 'node:net';
import { test, assert, keys } from './lib/scene.mjs';
import { chunk } from './lib/http.mjs';
import { fill } from './lib/kernel.mjs';
import { poll, within } from './lib/wait.mjs';

const get = 'GET /v1/models HTTP/1.1\r\nHost: a\r\n\r\n';
const part = (n) => chunk(`${n};${'x'.repeat(60_000)}`);

function refuses(port) {
	return new Promise((done) => {
		const c = net.connect({ port, host: '127.0.0.1' });
		c.on('connect', () => { c.destroy(); done(false); });
		c.on('error', () => done(true));
	});
}

test('SIGTERM waits for a client that has not read its answer, and no longer', async (s) => {
	await s.start({ connection: async (conn) => { await conn.nextHead(); },
		set: { [keys.drainS]: 600 } });
	const c = await s.client();
	c.socket.pause();
	c.send(get);
	const conn = await s.upstream.conn(0);
	await poll(() => conn.received.includes('\r\n\r\n'), 'the request upstream');
	await conn.send('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n');
	const body = await fill(conn, c, part);
	await conn.send('0\r\n\r\n');
	await s.tape.settled(1);
	s.tape.kill('SIGTERM');
	await poll(() => refuses(s.tape.port), 'the listener to close');
	assert.equal(s.tape.exit, null);
	c.socket.resume();
	assert.ok((await c.message()).wire.equals(Buffer.concat([body, Buffer.from('0\r\n\r\n')])));
	assert.equal((await c.rest()).length, 0);
	assert.equal(c.error, null);
	c.end();
	assert.deepEqual(await within(s.tape.gone, 'the exit'), { code: 0, signal: null });
});

test('SIGTERM does not wait for a client that has read its answer and stays', async (s) => {
	await s.start({ answer: (r, conn) =>
		conn.send('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'),
	set: { [keys.drainS]: 600 } });
	const c = await s.client();
	c.send(get);
	await c.message();
	s.tape.kill('SIGTERM');
	assert.deepEqual(await within(s.tape.gone, 'the exit'), { code: 0, signal: null });
	assert.equal((await c.rest()).length, 0);
	assert.equal(c.error, null);
});
