/* The SDK's own retries are seen as what they are: two exchanges. */
import { test, assert } from './lib/scene.mjs';
import { retryCount } from './lib/keys.mjs';
import { json, plain, response, text } from './lib/api.mjs';
import { answering } from './lib/answering.mjs';
import { openai, sameInThreeViews } from './lib/sdk.mjs';

const tooMany = JSON.stringify({ error: { message: 'Rate limit reached.', type: 'requests',
	param: null, code: 'rate_limit_exceeded' } });

test('a 429 that the SDK retries gives two records with their retry counts', async (s) => {
	const script = answering([
		plain(tooMany, { status: '429 Too Many Requests', n: 1, more: ['retry-after-ms: 20'] }),
		json(response(2, [text('At last.')]), { n: 2 }),
	]);
	await s.start(script);
	const { ai, relay } = await openai(s, { maxRetries: 2 });

	const answer = await ai.responses.create({ model: 'gpt-5.4-mini', input: 'Hello.' });
	assert.equal(answer.output_text, 'At last.');
	const records = await s.tape.settled(2);
	assert.deepEqual(records.map((r) => r.status), [429, 200]);
	assert.deepEqual(records.map((r) => r.seq), [1, 2]);
	assert.deepEqual(records.map(retryCount), [0, 1]);
	assert.equal(records[0].usage, null);
	const seen = await relay.exchanges();
	assert.equal(seen.length, 2);
	for (const [i, record] of records.entries())
		await sameInThreeViews(s, { client: seen[i], upstream: s.upstream.requests[i],
			answered: script.answered[i], record });
});
