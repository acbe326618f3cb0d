/* A streamed call of the real SDK. */
import { test, assert } from './lib/scene.mjs';
import { lastChunk, stream, streamHead, usage } from './lib/api.mjs';
import { answering } from './lib/answering.mjs';
import { openai, sameInThreeViews } from './lib/sdk.mjs';

test('a streamed call of the SDK is the same in all three views, usage included', async (s) => {
	const words = ['The ', 'weather ', 'in Málaga ', 'is fine. ', '\u{1f31e}'];
	const script = answering([Buffer.concat([streamHead(7), ...stream(7, words), lastChunk])]);
	await s.start(script);
	const { ai, relay } = await openai(s);

	const events = [];
	for await (const e of await ai.responses.create({ model: 'gpt-5.4-mini', input: 'Weather?',
		stream: true }))
		events.push(e);
	assert.deepEqual(events.map((e) => e.sequence_number), events.map((_, i) => i));
	assert.equal(events.map((e) => e.delta ?? '').join(''), words.join(''));

	const [record] = await s.tape.settled(1);
	assert.equal(record.outcome, 'complete');
	assert.equal(record.response_id, events.at(-1).response.id);
	assert.deepEqual(record.usage, usage(7));
	assert.ok(record.timing.first_byte <= record.timing.first_token);
	assert.ok(record.timing.first_token <= record.timing.total);
	const [client] = await relay.exchanges();
	await sameInThreeViews(s, { client, upstream: s.upstream.requests[0],
		answered: script.answered[0], record });

	const shown = await s.tape.show(1);
	assert.match(shown, /The weather in Málaga is fine\./);
	assert.match(await s.tape.show(1, '--events'), /response\.output_text\.delta/);
});
