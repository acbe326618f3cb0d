/* Nothing is held back: each event passes before the next one exists. */
import { test, assert } from './lib/scene.mjs';
import { event, lastChunk, response, streamHead, text, usage } from './lib/api.mjs';
import { signal, within } from './lib/wait.mjs';

const n = 200;
const delta = (k) => event('response.output_text.delta', { sequence_number: k,
	output_index: 0, content_index: 0, item_id: 'msg_1', delta: `word${k} ` });

test(`the client holds event k before the upstream sends k+1, for ${n} events`, async (s) => {
	const held = Array.from({ length: n }, signal);
	await s.start({ answer: async (request, conn) => {
		conn.send(streamHead(1));
		for (let k = 0; k < n; k++) {
			conn.send(delta(k));
			await within(held[k].promise, `event ${k} at the client`);
		}
		conn.send(event('response.completed', { sequence_number: n,
			response: response(1, [text('done')]) }));
		await conn.send(lastChunk);
	} });

	const c = await s.client();
	c.send('POST /v1/responses HTTP/1.1\r\nHost: a\r\nContent-Length: 15\r\n\r\n{"stream":true}');
	assert.equal((await c.head()).status, 200);
	for (let k = 0; k < n; k++) {
		const want = delta(k);
		assert.deepEqual(await c.bytes(want.length), want);
		held[k].resolve();
	}
	await c.through('0\r\n\r\n');
	const [record] = await s.tape.settled(1);
	assert.equal(record.outcome, 'complete');
	assert.deepEqual(record.usage, usage(1));
});
