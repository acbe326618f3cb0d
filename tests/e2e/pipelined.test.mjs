/* Requests sent in one go are answered in order. */
import { test, assert } from './lib/scene.mjs';

const n = 5;
const request = (k) => `POST /v1/echo/${k} HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n#${k}`;

test('pipelined requests are served and recorded in order', async (s) => {
	await s.start({ answer: (r, conn) => {
		const body = `answer to ${r.payload}`;
		return conn.send(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
	} });
	const c = await s.client();
	c.send(Array.from({ length: n }, (_, k) => request(k)).join(''));
	for (let k = 0; k < n; k++)
		assert.equal((await c.message()).payload.toString(), `answer to #${k}`);
	assert.deepEqual(s.upstream.requests.map((r) => r.head.target),
	    Array.from({ length: n }, (_, k) => `/v1/echo/${k}`));
	const records = await s.tape.settled(n);
	assert.deepEqual(records.map((r) => [r.seq, r.path, r.outcome]),
	    Array.from({ length: n }, (_, k) => [k + 1, `/v1/echo/${k}`, 'complete']));
});

test('a client that pipelines and then is done sending gets every answer', async (s) => {
	await s.start({ answer: (r, conn) =>
		conn.send(`HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n${r.payload}`) });
	const c = await s.client();
	c.send(request(1) + request(2) + request(3));
	c.end();
	for (const k of [1, 2, 3])
		assert.equal((await c.message()).payload.toString(), `#${k}`);
	assert.equal((await c.rest()).length, 0);
	const records = await s.tape.settled(3);
	assert.deepEqual(records.map((r) => r.outcome), ['complete', 'complete', 'complete']);
});
