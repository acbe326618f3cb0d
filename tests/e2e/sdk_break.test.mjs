/* A client that has heard enough stops the bill. */
import { test, assert } from './lib/scene.mjs';
import { stream, streamHead } from './lib/api.mjs';
import { openai } from './lib/sdk.mjs';

test('a client that breaks off mid-stream closes the upstream and is recorded as cancelled',
    async (s) => {
	const events = stream(1, ['One ', 'two ', 'three ']).slice(0, 6);
	await s.start({ answer: async (request, conn) => {
		await conn.send(streamHead(1));
		for (const e of events)
			await conn.send(e);
		await conn.until(() => conn.over, 'the proxy to close the upstream');
	} });
	const { ai } = await openai(s);

	let deltas = 0;
	for await (const e of await ai.responses.create({ model: 'gpt-5.4-mini', input: 'Count.',
		stream: true }))
		if (e.type === 'response.output_text.delta' && ++deltas === 2)
			break;
	await s.upstream.conns[0].until(() => s.upstream.conns[0].over, 'the upstream to be closed');

	const [record] = await s.tape.settled(1);
	assert.equal(record.outcome, 'cancelled');
	assert.equal(record.status, 200);
	assert.equal(record.usage, null);
	assert.ok(record.response.bytes > 0);
	const body = (await s.tape.responseBody(1)).toString();
	assert.match(body, /"delta":"One "/);
	assert.equal(s.upstream.conns.length, 1);
});
