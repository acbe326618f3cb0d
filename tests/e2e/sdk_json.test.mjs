/* A JSON call of the real SDK: what it gets, and the same bytes in three views. */
import { test, assert } from './lib/scene.mjs';
import { json, response, text, usage } from './lib/api.mjs';
import { openai, sameInThreeViews } from './lib/sdk.mjs';
import { answering } from './lib/answering.mjs';

test('a JSON call of the SDK is the same in all three views', async (s) => {
	const script = answering([json(response(1, [text('Hello, Málaga.')]))]);
	await s.start(script);
	const { ai, relay } = await openai(s);

	const answer = await ai.responses.create({ model: 'gpt-5.4-mini', input: 'Say hello.' });
	assert.equal(answer.output_text, 'Hello, Málaga.');
	assert.equal(answer._request_id, 'req_00000000000000000000000000000001');

	const [record, ...more] = await s.tape.settled(1);
	assert.equal(more.length, 0);
	assert.equal(record.seq, 1);
	assert.equal(record.mode, 'reverse');
	assert.equal(record.method, 'POST');
	assert.equal(record.path, '/v1/responses');
	assert.equal(record.status, 200);
	assert.equal(record.outcome, 'complete');
	assert.equal(record.model, 'gpt-5.4-mini');
	assert.equal(record.response_id, answer.id);
	assert.equal(record.request_id, answer._request_id);
	assert.deepEqual(record.usage, usage(1));
	const [client] = await relay.exchanges();
	await sameInThreeViews(s, { client, upstream: s.upstream.requests[0],
		answered: script.answered[0], record });
});
