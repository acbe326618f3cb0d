/* growth.mjs - agents that send their whole history with every turn, and how the store
 * grows by it. */
import { readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { strict as assert } from 'node:assert';
import { json, lastChunk, response, stream, streamHead, text } from './api.mjs';

/* Code and prose as people write it: our own. */
const root = fileURLToPath(new URL('../../../store/', import.meta.url));
const prose = readdirSync(root).filter((f) => /\.(c|h|md)$/.test(f)).sort()
	.map((f) => readFileSync(join(root, f), 'utf8')).join('\n');
export const words = (n, length) => {
	const at = (n * 7919 * 31) % (prose.length - length);
	return prose.slice(at, at + length);
};

export const tools = Array.from({ length: 8 }, (_, i) => ({ type: 'function', name: `tool_${i}`,
	description: words(i + 1000, 2300), parameters: { type: 'object', required: ['path'],
		properties: { path: { type: 'string', description: words(i + 2000, 100) } },
		additionalProperties: false }, strict: true }));

const item = (agent, n) => [
	{ role: 'assistant', content: words(n * 2 + agent * 5000, 600 + (n * 37) % 200) },
	{ type: 'function_call', call_id: `call_${agent}_${n}`, name: 'tool_1',
		arguments: JSON.stringify({ path: `src/${n}.c` }) },
	{ type: 'function_call_output', call_id: `call_${agent}_${n}`,
		output: words(n * 2 + 1 + agent * 5000, 2800) },
];

export function history(agent, n, from = 0) {
	const input = [{ role: 'user', content: `Task ${agent}: ${words(77 + agent + from, 300)}` }];
	for (let i = from; i <= n; i++)
		input.push(...item(agent, i));
	return input;
}

const spoken = (n) => words(n * 3 + 9000, 600).match(/[^]{1,6}/g);
export const answers = {
	json: (n) => json(response(n, [text(spoken(n).join(''))]), { n }),
	sse: (n) => Buffer.concat([streamHead(n), ...stream(n, spoken(n)), lastChunk]),
};

const size = (s) => statSync(join(s.tape.store, 'data.mdb')).size;

/* Bodies as they went, and what the file has grown to, after each ten turns. */
export function watch(s) {
	const w = { sent: [], raw: 0, series: [], empty: size(s) };
	w.turn = async (n) => {
		if (n % 10 !== 0)
			return;
		await s.tape.settled(w.sent.length);
		w.series.push(size(s) - w.empty);
	};
	return w;
}

export async function everyBodyIsBack(s, w) {
	const records = await s.tape.settled(w.sent.length);
	for (let i = 0; i < records.length; i += 4)
		await Promise.all(records.slice(i, i + 4).map(async (r) => {
			const [asked, got] = await Promise.all([s.tape.requestBody(r.seq),
				s.tape.responseBody(r.seq)]);
			assert.ok(asked.equals(w.sent[r.seq - 1].request), `request ${r.seq}`);
			assert.ok(got.equals(w.sent[r.seq - 1].response), `response ${r.seq}`);
		}));
	return records;
}

export function growsByWhatIsNew(w, name, most) {
	const grown = w.series.at(-1);
	const steps = w.series.map((v, i) => Math.round((v - (w.series[i - 1] ?? 0)) / 10));
	console.log(`${name}: ${(w.raw / 1e6).toFixed(1)} MB of bodies, file grown by ${
		(grown / 1e3).toFixed(0)} kB (${(100 * grown / w.raw).toFixed(2)} %); a turn, by ten: ${
		steps.join(' ')}`);
	assert.ok(grown < most * w.raw, `${grown} bytes of ${w.raw}`);
	const early = w.series[5] - w.series[1];
	const late = w.series[9] - w.series[5];
	assert.ok(late < 1.5 * early + 65536, `turns 21 to 60: ${early}, 61 to 100: ${late}`);
}

/* An upstream that answers at once; what it got and said is noted. */
export function answering(w, make) {
	let n = 0;
	return async (request, conn) => {
		const bytes = make(++n);
		w().sent.push({ request: request.payload, response: payload(bytes) });
		w().raw += request.payload.length + w().sent.at(-1).response.length;
		await conn.send(bytes);
	};
}

/* Of a chunked message. */
function payload(bytes) {
	let at = bytes.indexOf('\r\n\r\n') + 4;
	const parts = [];
	for (;;) {
		const end = bytes.indexOf('\r\n', at);
		const n = parseInt(bytes.subarray(at, end).toString(), 16);
		if (n === 0)
			return Buffer.concat(parts);
		parts.push(bytes.subarray(end + 2, end + 2 + n));
		at = end + 4 + n;
	}
}
