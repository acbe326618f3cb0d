/* The program of a user, unchanged, through HTTPS_PROXY and under `tracetape run`: model calls
 * and traces arrive, and the upstream cannot tell. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test, assert } from './lib/scene.mjs';
import { call, json, response, text } from './lib/api.mjs';
import { chain, forward, official } from './lib/proxy_forward.mjs';
import { nodeOf, nodes, proxied, succeeds } from './lib/proxy_programs.mjs';
import { secret } from './lib/sdk.mjs';
import { binary, run } from './lib/tape.mjs';

const at = (name) => fileURLToPath(new URL(`lib/${name}`, import.meta.url));
const agent = at('proxy_agent.mjs');

/* The API: three model calls, and 204 for every batch. */
function api() {
	const reasoning = { id: 'rs_1', type: 'reasoning', summary: [] };
	const answers = [
		json(response(1, [call('transfer_to_Weather_agent', {}, 1)]), { n: 1 }),
		json(response(2, [reasoning, call('get_weather', { city: 'Málaga' }, 2)]), { n: 2 }),
		json(response(3, [text('It is 25°C in Málaga.')]), { n: 3 }),
	];
	return (request, conn) => conn.send(request.head.target === '/v1/traces/ingest' ?
		'HTTP/1.1 204 No Content\r\nx-request-id: req_ingest\r\n\r\n' : answers.shift());
}

/* Runs the agent to its end, behind a command if need be; what the SDK itself counted. */
async function runs(s, major, env, before = []) {
	const counted = join(s.dir, 'counted.json');
	const imports = [at('proxy_count.mjs'), ...(env.DIRECT_PORT ? [at('proxy_direct.mjs')] : [])];
	const [file, ...args] = [...before, nodeOf(major), agent];
	const out = await succeeds(file, args, { HOME: s.dir, OPENAI_API_KEY: secret,
		NODE_OPTIONS: imports.map((f) => `--import=${f}`).join(' '), COUNT_FILE: counted, ...env });
	assert.equal(out, 'It is 25°C in Málaga.\n');
	return JSON.parse(readFileSync(counted));
}

const itemsOf = (bodies) => bodies.flatMap((b) => JSON.parse(b).data);

/* Random ids become their order of appearance, times go. */
function normal(text) {
	const seen = new Map();
	const named = (id) => {
		if (!seen.has(id))
			seen.set(id, `id${seen.size}`);
		return seen.get(id);
	};
	return text.replace(/\b(trace|span)_[0-9a-f]{24,32}\b/g, named)
		.replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'TIME');
}

/* What the upstream got, in an order that does not depend on who was faster. */
function seenBy(upstream) {
	const calls = upstream.requests.filter((r) => r.head.target === '/v1/responses');
	const batches = upstream.requests.filter((r) => r.head.target === '/v1/traces/ingest');
	assert.equal(calls.length + batches.length, upstream.requests.length);
	return {
		calls: calls.map((r) => r.head.raw.toString() + r.wire.toString()),
		/* A slow run exports in two batches what a quick one does in one. */
		batches: [...new Set(batches.map((r) => r.head.raw.toString()
			.replace(/^content-length: \d+\r\n/im, '')))],
		items: normal(JSON.stringify(itemsOf(batches.map((r) => r.payload)))),
	};
}

/* All that went up is recorded: the calls, and each trace and span that the SDK counted. */
function allRecorded(records, batches, counted) {
	for (const r of records) {
		assert.equal(r.mode, 'forward');
		assert.equal(r.host.replace(/:443$/, ''), official);
		assert.equal(r.outcome, 'complete');
	}
	const calls = records.filter((r) => r.path === '/v1/responses');
	assert.deepEqual(calls.map((r) => r.response_id), [1, 2, 3].map((n) => response(n, []).id));
	const items = itemsOf(batches);
	const ids = (object) => items.filter((i) => i.object === object).map((i) => i.id).sort();
	assert.deepEqual(ids('trace.span'), counted.spans.sort());
	assert.deepEqual(ids('trace'), counted.traces.sort());
	assert.ok(counted.spans.length >= 10, `${counted.spans.length} spans`);
}

/* The batches of records, as sent. */
const batchesOf = (s, store, records) => Promise.all(records.filter((r) =>
	r.path === '/v1/traces/ingest').map(async (r) =>
	(await run(s.dir, ['dump', 'raw', String(r.seq), '--request', '-s', store])).out));

const direct = async (s, major) => {
	const upstream = await s.origin({ server: chain().server, answer: api() });
	await runs(s, major, { DIRECT_PORT: String(upstream.port), NODE_EXTRA_CA_CERTS: chain().ca });
	return seenBy(upstream);
};

for (const major of Object.keys(nodes)) {
	test(`an agent on Node ${major} is recorded, traces and all, and its upstream cannot tell`,
	    async (s) => {
		const without = await direct(s, major);
		await forward(s, { answer: api() });
		const counted = await runs(s, major, await proxied(s));
		assert.deepEqual(seenBy(s.upstream), without);
		const records = await s.tape.settled(s.upstream.requests.length);
		assert.equal(records.length, s.upstream.requests.length);
		allRecorded(records, await batchesOf(s, s.tape.store, records), counted);
	});

	test(`the same agent on Node ${major} under tracetape run`, async (s) => {
		const without = await direct(s, major);
		const upstream = await s.origin({ server: chain().server, answer: api() });
		const store = join(s.dir, 'store');
		const counted = await runs(s, major, {}, [binary, 'run', '-s', store, '--upstream-ca',
			chain().ca, '--set', `upstream.resolve=${official}=127.0.0.1:${upstream.port}`, '--']);
		assert.deepEqual(seenBy(upstream), without);
		const { out } = await run(s.dir, ['dump', '-o', 'jsonl', '-s', store]);
		const records = out.toString().split('\n').filter(Boolean).map((l) => JSON.parse(l))
			.sort((a, b) => a.seq - b.seq);
		assert.equal(records.length, upstream.requests.length);
		allRecorded(records, await batchesOf(s, store, records), counted);
	});
}

test('an agent whose proxy URL names it is labelled by that name', async (s) => {
	await forward(s, { answer: api() });
	await runs(s, 24, await proxied(s, { user: 'agent-7:x@' }));
	const records = await s.tape.settled(s.upstream.requests.length);
	assert.ok(records.length >= 4);
	for (const r of records)
		assert.equal(r.label, 'agent-7');
	assert.ok(!s.upstream.received.includes('roxy-'));
});

test('traces that stay here cost the agent nothing', async (s) => {
	await forward(s, { answer: api(), set: { 'proxy.traces': 'local' } });
	const counted = await runs(s, 24, await proxied(s));
	assert.equal(s.upstream.requests.length, 3);
	const records = await s.tape.settled(4);
	const batches = records.filter((r) => r.path === '/v1/traces/ingest');
	const items = itemsOf(await Promise.all(batches.map((r) => s.tape.requestBody(r.seq))));
	assert.equal(items.length, counted.spans.length + counted.traces.length);
});
