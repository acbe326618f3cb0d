/* Small truths of a record: of an answer that is our own, and of the first byte. */
import net from 'node:net';
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { test, assert } from './lib/scene.mjs';

const get = 'GET /v1/models HTTP/1.1\r\nHost: a\r\n\r\n';

async function deadPort() {
	const server = net.createServer().listen(0, '127.0.0.1');
	await once(server, 'listening');
	const { port } = server.address();
	server.close();
	await once(server, 'close');
	return port;
}

test('our answer to HEAD is recorded without a body', async (s) => {
	s.tape = await s.record({ upstream: `https://localhost:${await deadPort()}` });
	await s.ask(get.replace('GET', 'HEAD'), 'HEAD');
	await s.ask(get);
	const [head, other] = await s.tape.settled(2);
	assert.equal(head.status, 502);
	assert.equal(head.response.bytes, 0);
	assert.equal((await s.tape.responseBody(head.seq)).length, 0);
	assert.ok(other.response.bytes > 0);
});

test('first_byte is the first byte of a head that comes in pieces', async (s) => {
	await s.start({ answer: async (r, conn) => {
		await conn.send('HTTP/1.1 200 OK\r\n');
		await pause(400);
		await conn.send('Content-Length: 2\r\n\r\nok');
	} });
	await s.ask(get);
	const [{ timing: t }] = await s.tape.settled(1);
	assert.ok(t.total - t.first_byte >= 390, JSON.stringify(t));
});

test('first_byte is the final answer\'s, not an interim one\'s', async (s) => {
	await s.start({ answer: async (r, conn) => {
		await conn.send('HTTP/1.1 103 Early Hints\r\n\r\n');
		await pause(400);
		await conn.send('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
	} });
	const c = await s.client();
	c.send(get);
	assert.equal((await c.message()).head.status, 103);
	assert.equal((await c.message()).payload.toString(), 'ok');
	const [{ timing: t }] = await s.tape.settled(1);
	assert.ok(t.first_byte >= 390, JSON.stringify(t));
});
