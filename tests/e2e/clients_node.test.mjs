/* Node's fetch and the SDK on it, version by version, with nothing but variables set. */
import { fileURLToPath } from 'node:url';
import { test, assert } from './lib/scene.mjs';
import { json, lastChunk, response, stream, streamHead, text } from './lib/api.mjs';
import { chain, forward, official, plainOrigin, tunnelLines } from './lib/proxy_forward.mjs';
import { nodeOf, nodes, program, proxied, succeeds } from './lib/proxy_programs.mjs';
import { poll } from './lib/wait.mjs';

const here = fileURLToPath(new URL('.', import.meta.url));

/* Prints what each URL answers; concurrently, and the first one twice. */
const fetching = `
const [, ...urls] = process.argv;
const one = async (u) => {
	const r = await fetch(u, { method: 'POST', body: JSON.stringify({ u }),
		headers: { 'content-type': 'application/json' } });
	return r.status + ' ' + await r.text();
};
const all = [await one(urls[0]), ...await Promise.all(urls.map(one))];
console.log(all.join('\\n'));
`;

const sdk = `
import OpenAI from 'openai';
const ai = new OpenAI({ apiKey: 'sk-x', maxRetries: 0 });
const r = await ai.responses.create({ model: 'gpt-5.4-mini', input: 'hi' });
console.log(r.output_text);
let all = '';
for await (const e of await ai.responses.create({ model: 'm', input: 'hi', stream: true }))
	if (e.type === 'response.output_text.delta')
		all += e.delta;
console.log(all);
`;

for (const major of Object.keys(nodes)) {
	test(`fetch on Node ${major}: intercepted hosts are recorded, others pass`, async (s) => {
		const other = await s.origin({ server: chain().server,
			answer: (r, c) => c.send('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nother') });
		await forward(s, { map: { 'other.example': other.port } });
		const env = await proxied(s);
		const url = `https://${official}/v1/models`;
		const out = await succeeds(nodeOf(major), ['--input-type=module', '-e', fetching, url,
			'https://other.example/', url], { ...env, NODE_EXTRA_CA_CERTS: env.SSL_CERT_FILE });
		assert.equal(out, '200 ok\n200 ok\n200 other\n200 ok\n');
		for (const { head, payload } of s.upstream.requests) {
			assert.equal(head.get('host'), official);
			assert.deepEqual(head.lines.filter((l) => /^proxy-/i.test(l.name)), []);
			assert.deepEqual(JSON.parse(payload), { u: url });
		}
		const records = await s.tape.settled(3);
		assert.equal(records.length, 3);
		assert.ok(records.every((r) => r.mode === 'forward' && r.outcome === 'complete'));
		await poll(() => tunnelLines(s.tape.log).length === 1, 'the line of the other tunnel');
	});

	test(`fetch of http: on Node ${major} is recorded, however it asks`, async (s) => {
		const origin = await plainOrigin(s);
		await forward(s, { map: { [official]: origin.port } });
		const url = `http://${official}/v1/models`;
		const out = await succeeds(nodeOf(major), ['--input-type=module', '-e', fetching, url, url],
		    await proxied(s));
		assert.equal(out, '200 ok\n200 ok\n200 ok\n');
		for (const { head } of origin.requests) {
			assert.equal(head.start, 'POST /v1/models HTTP/1.1');
			assert.equal(head.get('host'), official);
		}
		const records = await s.tape.settled(3);
		assert.ok(records.every((r) => r.mode === 'forward' && r.scheme === 'http'));
	});

	test(`the SDK on Node ${major}: JSON and a stream`, async (s) => {
		const answers = [[json(response(1, [text('Hello there.')]))],
			[streamHead(2), ...stream(2, ['Hel', 'lo ', 'again.']), lastChunk]];
		await forward(s, { answer: async (r, c) => {
			for (const b of answers.shift())
				await c.send(b);
		} });
		const out = await succeeds(nodeOf(major), ['--input-type=module', '-e', sdk],
		    await proxied(s, { user: 'sdk:x@' }), { cwd: here });
		assert.equal(out, 'Hello there.\nHello again.\n');
		const records = await s.tape.settled(2);
		assert.deepEqual(records.map((r) => r.response_id), [1, 2].map((n) => response(n, []).id));
		assert.ok(records.every((r) => r.mode === 'forward' && r.label === 'sdk'));
		assert.equal(records[1].usage.total_tokens, 1044);
	});
}

test('a Node that does not trust our CA fails by itself, and the log guesses why', async (s) => {
	await forward(s);
	const { NODE_EXTRA_CA_CERTS: _, ...env } = await proxied(s);
	const r = await program(nodeOf(24), ['--input-type=module', '-e', fetching,
		`https://${official}/`], env);
	assert.notEqual(r.code, 0);
	assert.match(r.err, /certificate/);
	assert.equal(s.upstream.requests.length, 0);
	assert.deepEqual(await s.tape.records(), []);
	const line = await poll(() => s.tape.log.match(/.*trust our CA.*/)?.[0], 'a line about it');
	assert.match(line, /warn conn=1 client=127\.0\.0\.1/);
});

test('a refusal reaches a fetch as a failed connection, and the log says why', async (s) => {
	await forward(s, { set: { 'forward.tunnel': 'none' } });
	const r = await program(nodeOf(24), ['--input-type=module', '-e', fetching,
		'https://other.example/'], await proxied(s));
	assert.notEqual(r.code, 0);
	assert.match(await poll(() => s.tape.log.match(/.*other\.example.*/)?.[0], 'the line'),
	    /tunnel/);
});
