/* A stream that was cut reaches the client cut: never with a clean end. */
import { test, assert } from './lib/scene.mjs';
import { event, streamHead } from './lib/api.mjs';
import { signal, within } from './lib/wait.mjs';

const part = event('response.output_text.delta', { delta: 'half a th' });
const lengthHead = 'HTTP/1.1 200 OK\r\nContent-Length: 4096\r\n\r\n';
const closeHead = 'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n';
const request = 'GET /v1/responses/resp_1?stream=true HTTP/1.1\r\nHost: a\r\n\r\n';

/* Sends head and data, waits until the client has them, then ends by `end`. */
async function cut(s, head, data, end) {
	const have = signal();
	await s.start({ answer: async (request, conn) => {
		await conn.send(head);
		await conn.send(data);
		await within(have.promise, 'the first part at the client');
		conn[end]();
	} });
	const c = await s.client();
	c.send(request);
	await c.through(data);
	have.resolve();
	const more = await c.rest();
	await c.until(() => c.closed || c.ended, 'the end');
	const [record] = await s.tape.settled(1);
	return { c, more, record, all: c.received };
}

for (const end of ['cut', 'reset', 'end']) {
	test(`a chunked answer whose upstream leaves by ${end} has no last chunk`, async (s) => {
		const { more, record, all } = await cut(s, streamHead(1), part, end);
		assert.equal(more.length, 0);
		assert.ok(!all.includes('\r\n0\r\n'));
		assert.equal(record.outcome, 'upstream');
		assert.equal(record.status, 200);
	});

	test(`an answer with a length whose upstream leaves by ${end} stays short`, async (s) => {
		const { more, record } = await cut(s, Buffer.from(lengthHead), Buffer.from('short'), end);
		assert.equal(more.length, 0);
		assert.equal(record.outcome, 'upstream');
		assert.equal(record.response.bytes, 5);
		assert.equal((await s.tape.responseBody(1)).toString(), 'short');
	});
}

for (const end of ['cut', 'reset']) {
	test(`an answer until close whose upstream leaves by ${end} is not closed cleanly`,
	    async (s) => {
		const { c, record } = await cut(s, Buffer.from(closeHead), Buffer.from('some'), end);
		assert.equal(c.error?.code, 'ECONNRESET');
		assert.equal(record.outcome, 'upstream');
	});
}

test('an answer until close that its upstream ends is closed cleanly', async (s) => {
	const { c, record } = await cut(s, Buffer.from(closeHead), Buffer.from('all of it'), 'end');
	assert.equal(c.error, null);
	assert.ok(c.ended);
	assert.equal(record.outcome, 'complete');
	assert.equal((await s.tape.responseBody(1)).toString(), 'all of it');
});
