/* The times that a record tells are those that were. */
import { setTimeout as pause } from 'node:timers/promises';
import { test, assert } from './lib/scene.mjs';
import { event, lastChunk, response, streamHead } from './lib/api.mjs';

test('connect, wait, first token and total are told apart', async (s) => {
	await s.start({ answer: async (r, conn) => {
		await pause(120);
		conn.send(streamHead(1));
		conn.send(event('response.created', { response: response(1, [], { usage: null }) }));
		await pause(120);
		conn.send(event('response.output_text.delta', { delta: 'a' }));
		await pause(120);
		conn.send(event('response.completed', { response: response(1, []) }));
		await conn.send(lastChunk);
	} });
	const before = Date.now();
	const began = performance.now();
	await s.ask('POST /v1/responses HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}');
	const took = performance.now() - began;
	const [{ timing: t, time, time_ns }] = await s.tape.settled(1);
	assert.ok(Math.abs(Number(BigInt(Math.round(time_ns)) / 1_000_000n) - before) < 5000);
	assert.ok(Math.abs(Date.parse(time) - before) < 5000);
	assert.ok(t.connect >= 0 && t.tls > 0);
	assert.ok(t.first_byte >= 119, `first_byte ${t.first_byte}`);
	assert.ok(t.first_token >= t.first_byte + 110, `first_token ${t.first_token}`);
	assert.ok(t.total >= t.first_token + 110, `total ${t.total}`);
	assert.ok(t.total <= took + 5, `total ${t.total}, the client saw ${took}`);
	assert.ok(t.sent <= t.first_byte);
});
