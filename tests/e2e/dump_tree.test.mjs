/* A real agent through the proxy: its trace, joined with its calls, as dump tells it. */
import { fileURLToPath } from 'node:url';
import { test, assert } from './lib/scene.mjs';
import { call, json, plain, response, text } from './lib/api.mjs';
import { forward } from './lib/proxy_forward.mjs';
import { nodeOf, proxied, script, succeeds } from './lib/proxy_programs.mjs';
import { secret } from './lib/sdk.mjs';

const agent = fileURLToPath(new URL('lib/proxy_agent.mjs', import.meta.url));
const sdk = new URL('./node_modules/', import.meta.url);
const id = (n) => response(n, []).id;

const slow = plain(JSON.stringify({ error: { message: 'slow down', type: 'requests',
	param: null, code: 'rate_limit_exceeded' } }), { status: '429 Too Many Requests', n: 9,
	more: ['retry-after-ms: 1'] });
const wrong = plain(JSON.stringify({ error: { message: 'no such model', type:
	'invalid_request_error', param: 'model', code: 'model_not_found' } }),
	{ status: '400 Bad Request', n: 9 });

/* The API: these answers in this order, and 204 for every batch. */
function api(answers) {
	const left = [...answers];
	return (request, conn) => conn.send(request.head.target === '/v1/traces/ingest' ?
		'HTTP/1.1 204 No Content\r\n\r\n' : left.shift());
}

async function runs(s, file, more = {}) {
	return succeeds(nodeOf(24), [file], { ...await proxied(s), OPENAI_API_KEY: secret, ...more });
}

/* The lines of `dump tree`, without their times: [indent, text]. */
async function tree(s, of, ...args) {
	const { code, out, err } = await s.tape.dump('tree', of, ...args);
	assert.equal(code, 0, err);
	const all = out.toString().split('\n');
	const lines = all.slice(all.indexOf('') + 1).filter(Boolean).map((l) => {
		const [, indent, what] = l.match(/^.{19}( *)(.*)$/);
		return [indent.length, what];
	});
	return { head: all.slice(0, all.indexOf('')), lines, out: out.toString() };
}

async function traces(s, ...args) {
	const { code, out, err } = await s.tape.dump('traces', '-o', 'jsonl', ...args);
	assert.equal(code, 0, err);
	return out.toString().split('\n').filter(Boolean).map((l) => JSON.parse(l));
}

/* Where each line stands, its first and its last word. */
const ends = (lines) => lines.map(([indent, what]) =>
	[indent, what.match(/^\w+/)[0], what.match(/\S+$/)[0]]);

const handOff = [json(response(1, [call('transfer_to_Weather_agent', {}, 1)]), { n: 1 })];
const tool = [json(response(2, [call('get_weather', { city: 'Málaga' }, 2)]), { n: 2 })];
const answer = [json(response(3, [text('It is 25°C in Málaga.')]), { n: 3 })];

test('an agent is one trace whose every call is joined by its response id', async (s) => {
	await forward(s, { answer: api([...handOff, slow, slow, ...tool, ...answer]) });
	assert.equal(await runs(s, agent), 'It is 25°C in Málaga.\n');
	const records = await s.tape.settled(s.upstream.requests.length);
	const seq = (r) => `#${r.seq}`;
	const [one, ...rest] = records.filter((r) => r.path === '/v1/responses').map(seq);
	const { lines, head, out } = await tree(s, '@last');
	assert.equal(head[0], 'Weather desk');
	assert.match(head[1], /^trace_[0-9a-f]{32}  group group_1$/);
	assert.match(head[2], /5 calls \(2 failed attempts\)  3006 in \(1542 cached\), 126 out/);
	const shape = lines.map(([indent, what]) => [indent / 2, what]);
	const tokens = (n) => `${1000 + n} in (${512 + n} cached), ${40 + n} out (${4 + n} reasoning)`;
	assert.deepEqual(shape, [
		[0, 'task Agent workflow'],
		[1, 'agent Triage'],
		[2, 'turn 1 Triage'],
		[3, `response ${one}  gpt-5.4-mini  ${tokens(1)}  ${id(1)}`],
		[3, 'handoff Triage -> Weather agent'],
		[1, 'agent Weather agent'],
		[2, 'turn 2 Weather agent'],
		[3, `response ${rest[2]}  gpt-5.4-mini  ${tokens(2)}  ${id(2)}`],
		[4, `attempt ${rest[0]}  gpt-5.4-mini  429 rate_limit_exceeded`],
		[4, `attempt ${rest[1]}  gpt-5.4-mini  429 rate_limit_exceeded`],
		[3, 'tool get_weather'],
		[2, 'turn 3 Weather agent'],
		[3, `response ${rest[3]}  gpt-5.4-mini  ${tokens(3)}  ${id(3)}`],
	], out);
	assert.doesNotMatch(out, /no span names|by time|no exchange|have not come/);
});

test('the list of traces has the dashboard\'s fields, and the figures of the calls', async (s) => {
	await forward(s, { answer: api([...handOff, slow, ...tool, ...answer]) });
	await runs(s, agent);
	await s.tape.settled(s.upstream.requests.length);
	const [t, ...others] = await traces(s);
	assert.deepEqual(others, []);
	assert.match(t.id, /^trace_[0-9a-f]{32}$/);
	assert.equal(t.object, 'trace');
	assert.equal(t.workflow_name, 'Weather desk');
	assert.equal(t.group_id, 'group_1');
	assert.deepEqual(t.metadata, { customer: 'acme' });
	assert.deepEqual(t.first_5_agents, ['Triage', 'Weather agent']);
	assert.equal(t.handoff_count, 1);
	assert.equal(t.tool_count, 1);
	assert.ok(Date.parse(t.created_at) >= Date.parse(t.started_at));
	assert.equal(t.duration_ms, Date.parse(t.ended_at) - Date.parse(t.started_at));
	assert.equal(t.inferred, false);
	assert.equal(t.exchanges, 4);
	assert.equal(t.calls, 4);
	assert.equal(t.attempts, 1);
	assert.equal(t.errors, 0);
	assert.ok(t.spans >= 10);
	assert.deepEqual(t.usage, { input_tokens: 3006, cached_tokens: 1542, cache_write_tokens: 0,
		output_tokens: 126, reasoning_tokens: 18, total_tokens: 3132 });
	assert.equal(t.unmatched_spans + t.unmatched_calls, 0);
	const { out } = await s.tape.dump('traces');
	assert.match(out.toString(), /trace_\w+ +Weather desk .* 4 +3006 +1542 +126 +0 +group_1\n$/);
	/* A trace is found by its beginning, a response and an exchange by their trace. */
	const whole = (await tree(s, t.id)).out;
	for (const of of [t.id.slice(0, 12), id(2), '1', '@last~0'])
		assert.equal((await tree(s, of)).out, whole);
	assert.equal((await s.tape.dump('tree', '@last~1')).code, 1);
	assert.equal((await s.tape.dump('tree', 'trace_none')).code, 1);
});

test('a call that failed for good is joined by time, with its error', async (s) => {
	await forward(s, { answer: api([...handOff, slow, wrong]) });
	const file = script(s, 'failing.mjs', `
		process.once('uncaughtException', () => {});
		await import(${JSON.stringify(`file://${agent}`)}).catch((e) => console.log(e.status));`);
	assert.equal(await runs(s, file), '400\n');
	const records = await s.tape.settled(s.upstream.requests.length);
	const calls = records.filter((r) => r.path === '/v1/responses').map((r) => `#${r.seq}`);
	const { lines, out } = await tree(s, '@last');
	const failed = lines.findIndex(([, what]) => what.includes('joined by time'));
	assert.match(lines[failed][1], new RegExp(
		`^response ${calls[2]}  gpt-5.4-mini  400 model_not_found  joined by time  error`), out);
	assert.equal(lines[failed + 1][1],
		`attempt ${calls[1]}  gpt-5.4-mini  429 rate_limit_exceeded`);
	assert.ok((await traces(s))[0].errors >= 1);
});

test('calls without a trace are inferred from what they go on after', async (s) => {
	const chained = (n, previous) => json(response(n, [text('yes')],
		{ previous_response_id: previous }), { n });
	await forward(s, { answer: api([chained(1, null), chained(2, id(1)), slow, chained(3, id(2)),
		chained(4, id(2)), chained(5, null)]) });
	const file = script(s, 'chain.mjs', `
		import OpenAI from ${JSON.stringify(new URL('openai/index.mjs', sdk).href)};
		const client = new OpenAI();
		const ask = (previous_response_id) => client.responses.create({ model: 'gpt-5.4-mini',
			input: 'go on', previous_response_id });
		const one = await ask();
		const two = await ask(one.id);
		await ask(two.id);
		await ask(two.id);
		await ask();`);
	await runs(s, file);
	await s.tape.settled(s.upstream.requests.length);
	const all = await traces(s);
	assert.deepEqual(all.map((t) => [t.id, t.inferred, t.spans, t.calls, t.attempts]),
		[[id(1), true, 0, 5, 1]]);
	const { lines, head, out } = await tree(s, '@last');
	assert.match(head[0], /^inferred/);
	assert.deepEqual(ends(lines), [[0, 'call', id(1)], [0, 'call', id(2)], [2, 'call', id(3)],
		[4, 'attempt', 'rate_limit_exceeded'], [2, 'call', id(4)]], out);
	assert.equal((await tree(s, id(3))).out, out);
});

test('an agent whose traces nobody saw is inferred from the history it sends', async (s) => {
	await forward(s, { answer: api([slow, ...handOff, ...tool, slow, ...answer,
		...handOff, ...tool, ...answer]) });
	for (let i = 0; i < 2; i++)
		await runs(s, agent, { OPENAI_AGENTS_DISABLE_TRACING: '1' });
	await s.tape.settled(8);
	const all = await traces(s);
	assert.deepEqual(all.map((t) => [t.inferred, t.calls, t.attempts, t.usage.input_tokens]),
		[[true, 5, 2, 3006], [true, 3, 0, 3006]]);
	const { lines, out } = await tree(s, '@last~1');
	assert.deepEqual(ends(lines), [[0, 'call', id(1)], [2, 'attempt', 'rate_limit_exceeded'],
		[0, 'call', id(2)], [0, 'call', id(3)], [2, 'attempt', 'rate_limit_exceeded']], out);
	assert.equal((await tree(s, '3')).out, out);
});
