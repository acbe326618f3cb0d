/* Content codings pass untouched and are seen through by the record. */
import { brotliCompressSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { test, assert } from './lib/scene.mjs';
import { fields, response, text, usage } from './lib/api.mjs';
import { chunkedMessage } from './lib/http.mjs';
import { answering } from './lib/answering.mjs';
import { openai, sameInThreeViews } from './lib/sdk.mjs';

const body = JSON.stringify(response(3, [text('Compressed hello.')]), null, 2);
const coders = { gzip: gzipSync, br: brotliCompressSync, zstd: zstdCompressSync };

function coded(name) {
	const bytes = coders[name](body);
	const mid = bytes.length >> 1;
	return chunkedMessage('HTTP/1.1 200 OK', ['Content-Type: application/json', ...fields(3),
		`Content-Encoding: ${name}`], [bytes.subarray(0, mid), bytes.subarray(mid)]);
}

test('a gzip answer reaches the SDK as it came and its usage is recorded', async (s) => {
	const script = answering([coded('gzip')]);
	await s.start(script);
	const { ai, relay } = await openai(s);

	const answer = await ai.responses.create({ model: 'gpt-5.4-mini', input: 'Say hello.' });
	assert.equal(answer.output_text, 'Compressed hello.');
	const [record] = await s.tape.settled(1);
	assert.equal(record.response.encoding, 'gzip');
	assert.deepEqual(record.usage, usage(3));
	assert.equal(record.response_id, answer.id);
	const [client] = await relay.exchanges();
	await sameInThreeViews(s, { client, upstream: s.upstream.requests[0],
		answered: script.answered[0], record });
	assert.match(await s.tape.show(1), /Compressed hello\./);
});

for (const name of ['br', 'zstd']) {
	test(`a ${name} answer is recorded as it came and its usage is read`, async (s) => {
		await s.start(answering([coded(name)]));
		const answer = await s.ask(`GET /v1/responses/resp_x HTTP/1.1\r\nHost: a\r\n`
			+ `Accept-Encoding: ${name}\r\n\r\n`);
		assert.deepEqual(answer.payload, coders[name](body));
		const [record] = await s.tape.settled(1);
		assert.equal(record.response.encoding, name);
		assert.deepEqual(record.usage, usage(3));
		assert.deepEqual(await s.tape.responseBody(1), answer.payload);
	});
}
