/* A client that is done sending may still want its answer; one that leaves later
 * does not. */
import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { test, assert } from './lib/scene.mjs';
import { signal, within } from './lib/wait.mjs';

const post = 'POST /v1/responses HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}';
const ok = 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nlater';

test('a FIN right behind the request is a half-close and the answer still comes', async (s) => {
	const go = signal();
	await s.start({ answer: async (r, conn) => {
		await within(go.promise, 'the test');
		await conn.send(ok);
	} });
	const c = await s.client();
	c.send(post);
	c.end();
	await pause(400);	/* longer than any doubt about the FIN lasts */
	assert.equal(s.upstream.conns[0].over, false);
	go.resolve();
	assert.equal((await c.message()).payload.toString(), 'later');
	assert.equal((await c.rest()).length, 0);
	assert.ok(c.ended);
	const [record] = await s.tape.settled(1);
	assert.equal(record.outcome, 'complete');
});

test('a FIN while the answer is awaited means that the client left', async (s) => {
	const came = signal();
	await s.start({ answer: async (r, conn) => {
		came.resolve();
		await conn.until(() => conn.over, 'the proxy to cancel');
	} });
	const c = await s.client();
	c.send(post);
	await within(came.promise, 'the request upstream');
	await pause(400);	/* past the 250 ms in which a FIN is a half-close */
	c.end();
	const conn = await s.upstream.conn(0);
	await conn.until(() => conn.over, 'the upstream to be cancelled');
	const [record] = await s.tape.settled(1);
	assert.equal(record.outcome, 'cancelled');
});

test('a RST right behind the request means that the client left', async (s) => {
	const came = signal();
	await s.start({ answer: async (r, conn) => {
		came.resolve();
		await conn.until(() => conn.over, 'the proxy to cancel');
	} });
	const c = await s.client();
	c.send(post);
	await within(came.promise, 'the request upstream');
	c.reset();
	const conn = await s.upstream.conn(0);
	await conn.until(() => conn.over, 'the upstream to be cancelled');
	const [record] = await s.tape.settled(1);
	assert.equal(record.outcome, 'cancelled');
});

test('a FIN in the middle of the answer means that the client left', async (s) => {
	await s.start({ answer: async (r, conn) => {
		await conn.send('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n');
		await conn.until(() => conn.over, 'the proxy to cancel');
	} });
	const c = await s.client();
	c.send(post);
	await c.through('one\r\n');
	c.end();
	const [conn] = s.upstream.conns;
	await conn.until(() => conn.over, 'the upstream to be cancelled');
	const [record] = await s.tape.settled(1);
	assert.equal(record.outcome, 'cancelled');
	assert.equal((await s.tape.responseBody(1)).toString(), 'one');
});

test('TLS that ends without close_notify is no half-close, however soon', async (s) => {
	const came = signal();
	await s.start({ tlsListen: true, answer: async (r, conn) => {
		came.resolve();
		await conn.until(() => conn.over, 'the proxy to cancel');
	} });
	const c = await s.tlsClient({ ca: readFileSync(s.tape.caPath), servername: 'localhost' });
	c.send(post);
	await within(came.promise, 'the request upstream');
	c.tcp.end();
	const conn = await s.upstream.conn(0);
	await conn.until(() => conn.over, 'the upstream to be cancelled');
	const [record] = await s.tape.settled(1);
	assert.equal(record.outcome, 'cancelled');
});
