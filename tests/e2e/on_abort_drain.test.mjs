/* on_abort = drain: the client is gone, the usage is still wanted. */
import { setTimeout as pause } from 'node:timers/promises';
import { test, assert, keys } from './lib/scene.mjs';
import { event, lastChunk, response, streamHead, usage } from './lib/api.mjs';
import { signal, within } from './lib/wait.mjs';

test('with on_abort = drain a stream is read on for its usage after the client left',
    async (s) => {
	const left = signal();
	await s.start({ set: { [keys.onAbort]: 'drain' }, answer: async (r, conn) => {
		await conn.send(streamHead(1));
		await conn.send(event('response.output_text.delta', { delta: 'Hello' }));
		await within(left.promise, 'the client to leave');
		for (let k = 0; k < 5; k++) {	/* the proxy cannot overlook it by now */
			await pause(20);
			await conn.send(event('response.output_text.delta', { delta: ', world' }));
		}
		conn.send(event('response.completed', { response: response(1, []) }));
		await conn.send(lastChunk);
	} });
	const c = await s.client();
	c.send('POST /v1/responses HTTP/1.1\r\nHost: a\r\nContent-Length: 15\r\n\r\n{"stream":true}');
	await c.through('Hello');
	c.reset();
	await c.until(() => c.closed, 'the client to be gone');
	left.resolve();
	const [record] = await s.tape.settled(1);
	assert.equal(record.outcome, 'cancelled');
	assert.deepEqual(record.usage, usage(1));
});
