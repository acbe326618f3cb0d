/* items.mjs - trace batches as clients send them, and what the store made of them. */
import { execFile, execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { poll } from './wait.mjs';

const root = fileURLToPath(new URL('../../../', import.meta.url));

/* A program that lists a store's items, made once per test file. */
let made = null;
function lister() {
	if (made)
		return made;
	const dir = mkdtempSync(join(tmpdir(), 'tracetape-e2e-'));
	process.on('exit', () => rmSync(dir, { recursive: true, force: true }));
	const binary = join(dir, 'list_items');
	const store = readdirSync(join(root, 'store')).filter((name) => name.endsWith('.c'));
	execFileSync(process.env.CC ?? 'cc', ['-std=c11', '-D_GNU_SOURCE', '-pthread', `-I${root}`,
		'-o', binary, join(root, 'tests/e2e/list_items.c'),
		...store.map((name) => join(root, 'store', name)),
		...['lmdb', 'mbedcrypto', 'z', 'brotlidec', 'zstd', 'pcre2-8'].map((l) => `-l${l}`)]);
	return (made = binary);
}

/* What the tables trace and span have: { key, first, last, started_ns, item }. */
export async function items(scene) {
	const { stdout } = await promisify(execFile)(lister(), [scene.tape.store],
		{ maxBuffer: 1 << 28 });
	return JSON.parse(stdout).slice(0, -1);
}

/* The same, as soon as test() of them is true. */
export function itemsUntil(scene, test, what) {
	return poll(async () => {
		const all = await items(scene);
		return test(all) && all;
	}, what);
}

const hex = (n, digits) => n.toString(16).padStart(digits, '0');
export const traceId = (n) => `trace_${hex(n, 32)}`;
export const spanId = (n) => `span_${hex(n, 24)}`;

export const trace = (n, more = {}) => ({ object: 'trace', id: traceId(n),
	workflow_name: 'Málaga', group_id: null, metadata: null, ...more });

/* The n-th span of a trace, begun in second n. */
export const span = (of, n, more = {}) => ({ object: 'trace.span', id: spanId(n),
	trace_id: traceId(of), parent_id: null,
	started_at: new Date(Date.UTC(2026, 10, 21, 10, 0, n)).toISOString(),
	ended_at: new Date(Date.UTC(2026, 10, 21, 10, 0, n + 1)).toISOString(),
	span_data: { type: 'custom', name: `n${n}`, data: {} }, error: null, ...more });

/* A request that brings them, as bytes. */
export function batch(all, { path = '/v1/traces/ingest', code = (b) => b, more = [] } = {}) {
	const body = code(Buffer.from(JSON.stringify({ data: all })));
	return Buffer.concat([Buffer.from([`POST ${path} HTTP/1.1`, 'Host: a',
		'Content-Type: application/json', 'Authorization: Bearer sk-none',
		'OpenAI-Beta: traces=v1', `Content-Length: ${body.length}`, ...more, '', '']
		.join('\r\n')), body]);
}

export const accepted = Buffer.from('HTTP/1.1 204 No Content\r\n\r\n');
