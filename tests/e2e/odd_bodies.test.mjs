/* Bodies that a reader of the tape could choke on, and the traffic must not. */
import { gzipSync } from 'node:zlib';
import { test, assert } from './lib/scene.mjs';
import { chunkedMessage, message } from './lib/http.mjs';
import { response, text, usage } from './lib/api.mjs';
import { sanitized } from './lib/wait.mjs';

const request = message('POST /v1/responses HTTP/1.1', ['Host: a'], '{"stream":true}');
const sse = ['Content-Type: text/event-stream'];

test('an event of 8 MiB in one line gives up its usage', async (s) => {
	const done = { type: 'response.completed', response: response(1,
		[text('x'.repeat(8 << 20))]) };
	const bytes = Buffer.from(`event: response.completed\ndata: ${JSON.stringify(done)}\n\n`);
	const parts = Array.from({ length: Math.ceil(bytes.length / 50_000) }, (_, k) =>
		bytes.subarray(k * 50_000, (k + 1) * 50_000));
	await s.start({ answer: (r, conn) =>
		conn.send(chunkedMessage('HTTP/1.1 200 OK', sse, parts)) });
	const c = await s.client();
	let got = 0;
	c.send(request);
	await c.head();
	c.pour((b) => { got += b.length; });
	const [record] = await s.tape.settled(1);
	assert.equal(record.outcome, 'complete');
	assert.ok(got > bytes.length);
	assert.deepEqual(record.usage, usage(1));
	assert.equal(record.response.bytes, bytes.length);
});

test('a decompression bomb passes as it is, is marked, and costs no memory', async (s) => {
	const bomb = gzipSync(Buffer.alloc(300 << 20), { level: 9 });
	await s.start({ answer: (r, conn) => conn.send(message('HTTP/1.1 200 OK',
		['Content-Type: application/json', 'Content-Encoding: gzip'], bomb)) });
	const answer = await s.ask(request);
	assert.ok(answer.payload.equals(bomb));
	const [record] = await s.tape.settled(1);
	assert.equal(record.outcome, 'complete');
	assert.ok(record.flags.includes('odd_coding'));
	assert.ok(record.response.decoded <= 256 << 20);
	assert.ok((await s.tape.responseBody(1)).equals(bomb));
	if (!sanitized)
		assert.ok(await s.tape.kB('VmHWM') < 48 * 1024);
});

test('an answer that says gzip and is not is passed as it is and marked', async (s) => {
	await s.start({ answer: (r, conn) => conn.send(message('HTTP/1.1 200 OK',
		['Content-Type: application/json', 'Content-Encoding: gzip'], '{"not":"gzip"}')) });
	assert.equal((await s.ask(request)).payload.toString(), '{"not":"gzip"}');
	const [record] = await s.tape.settled(1);
	assert.ok(record.flags.includes('odd_coding'));
	assert.equal(record.usage, null);
});
