/* Expect: 100-continue is between client and upstream; we carry it. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { writeFileSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { test, assert } from './lib/scene.mjs';

const ask = (n) => 'POST /v1/files HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n'
	+ `Content-Length: ${n}\r\n\r\n`;
const interim = 'HTTP/1.1 100 Continue\r\nX-Lab: one\r\n\r\n';
const ok = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

test('the upstream sees Expect before the body and its 100 reaches the client', async (s) => {
	await s.start({ connection: async (conn) => {
		const head = await conn.nextHead();
		assert.equal(head.get('expect'), '100-continue');
		assert.equal(conn.received.length, head.raw.length, 'body before the 100');
		await conn.send(interim);
		assert.equal((await conn.body(head)).payload.toString(), 'hello');
		await conn.send(ok);
	} });
	const c = await s.client();
	c.send(ask(5));
	assert.equal((await c.head()).raw.toString(), interim);
	c.send('hello');
	assert.equal((await c.message()).payload.toString(), 'ok');
	const [record] = await s.tape.settled(1);
	assert.equal(record.status, 200);
	assert.ok(record.response.head.startsWith(interim));
	assert.equal((await s.tape.requestBody(1)).toString(), 'hello');
});

test('a final answer instead of 100 reaches a client that has sent no body', async (s) => {
	const no = 'HTTP/1.1 401 Unauthorized\r\nContent-Length: 4\r\n\r\nnone';
	await s.start({ connection: async (conn) => {
		if (await conn.nextHead())
			await conn.send(no);
	} });
	const c = await s.client();
	c.send(ask(1000));
	const answer = await c.message();
	assert.equal(answer.head.status, 401);
	assert.equal(answer.payload.toString(), 'none');
	c.end();
	const [record] = await s.tape.settled(1);
	assert.equal(record.status, 401);
	assert.equal(record.request.bytes, 0);
});

test('103 and other interim answers pass before the final one', async (s) => {
	const hints = 'HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\n\r\n';
	await s.start({ answer: (r, conn) => conn.send(hints + interim + ok) });
	const c = await s.client();
	c.send('GET /v1/models HTTP/1.1\r\nHost: a\r\n\r\n');
	assert.equal((await c.bytes(hints.length + interim.length)).toString(), hints + interim);
	assert.equal((await c.message()).payload.toString(), 'ok');
	const [record] = await s.tape.settled(1);
	assert.equal(record.status, 200);
});

test('curl uploads 2 MB behind Expect', async (s) => {
	let got;
	await s.start({ connection: async (conn) => {
		const head = await conn.nextHead();
		if (!head)
			return;
		await conn.send(interim);
		got = await conn.body(head);
		await conn.send(ok);
	} });
	const file = join(s.dir, 'upload');
	const bytes = randomBytes(2_000_000);
	writeFileSync(file, bytes);
	const { stdout } = await promisify(execFile)('curl', ['-sS', '--noproxy', '*',
		'-H', 'Expect: 100-continue', '--data-binary', `@${file}`, `${s.tape.url}/v1/files`]);
	assert.equal(stdout, 'ok');
	assert.ok(got.payload.equals(bytes));
	const [record] = await s.tape.settled(1);
	assert.equal(record.request.bytes, bytes.length);
	assert.ok((await s.tape.requestBody(1)).equals(bytes));
});
