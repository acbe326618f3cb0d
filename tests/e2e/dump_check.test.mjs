/* dump check: a store is whole, also while it is written, and after its recorder died. */
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { test, assert } from './lib/scene.mjs';
import { json, plain, response, text } from './lib/api.mjs';
import { message } from './lib/http.mjs';
import { accepted, batch, span, spanId, trace } from './lib/items.mjs';
import { poll, within } from './lib/wait.mjs';

const head = (path) => [`POST ${path} HTTP/1.1`, ['Host: a', 'Content-Type: application/json']];
const ask = (path, body) => message(...head(path), body);
const turns = (n) => JSON.stringify({ model: 'gpt-5.4-mini', input: Array.from({ length: n },
	(_, k) => ({ role: 'user', content: `turn ${k} `.repeat(200) })) });

/* What was found, and the totals. */
async function check(s, expected = 0, ...args) {
	const { code, out, err } = await s.tape.dump('check', '-o', 'json', ...args);
	const told = `${err}\n${out}`.slice(0, 4000);
	assert.equal(code, expected, told);
	const all = JSON.parse(out.toString());
	assert.equal(all.faults, all.findings.filter((f) => f.fault).length);
	assert.equal(all.notes, all.findings.filter((f) => !f.fault).length);
	assert.equal(all.complete, true);
	return all;
}

/* Answers by path. */
let answered = 0;
async function answer(request, conn) {
	const path = request.head.target;
	const n = ++answered;
	if (path === '/v1/traces/ingest')
		return conn.send(accepted);
	if (path === '/v1/responses')
		return conn.send(json(response(n, [text('yes')]), { n }));
	if (path === '/v1/gzip')
		return conn.send(plain(gzipSync('x'.repeat(50_000)), { n,
			more: ['Content-Encoding: gzip'] }));
	if (path === '/v1/hang') {
		await conn.send('HTTP/1.1 200 OK\r\nContent-Length: 60000\r\n\r\nabc');
		return conn.until(() => conn.over, 'the end');
	}
	return conn.send(plain(randomBytes(Number(path.split('/').at(-1))), { n }));
}

const one = (s, k) => [
	() => s.ask(ask('/v1/responses', turns(k % 20 + 1))),
	() => s.ask(ask('/v1/responses', turns(k % 20 + 2))),
	() => s.ask(ask('/v1/bytes/100', 'small')),
	() => s.ask(ask('/v1/bytes/300000', randomBytes(200_000))),
	() => s.ask(ask('/v1/gzip', gzipSync(turns(3)))),
	() => s.ask('GET /v1/bytes/0 HTTP/1.1\r\nHost: a\r\n\r\n'),
	() => s.ask(batch([trace(k), span(k, 2), span(k, 1, { parent_id: spanId(2) })])),
];

/* Some of everything, until stop.over. */
async function traffic(s, stop, k = 0) {
	for (; !stop.over; k++)
		await one(s, k)[k % 7]().catch((e) => { if (!stop.over) throw e; });
}

/* An exchange in flight, whose answer has begun. */
async function hang(s) {
	const c = await s.client();
	c.send('GET /v1/hang HTTP/1.1\r\nHost: a\r\n\r\n');
	await c.through('abc');
	return c;
}

test('a store with some of everything is clean', async (s) => {
	await s.start({ answer });
	for (let k = 0; k < 21; k++)
		await one(s, k)[k % 7]();
	const cancelled = await hang(s);
	await s.tape.until((r) => r.length === 22, 'the one in flight');
	const during = await check(s);
	assert.equal(during.in_flight, 1);
	cancelled.cut();
	await s.tape.settled(22);
	const all = await check(s);
	assert.deepEqual(all.findings, []);
	assert.equal(all.exchanges, 22);
	assert.equal(all.traces, 3);
	assert.equal(all.spans, 6);
	assert.ok(all.bytes > 3 * 500_000, `${all.bytes} bytes`);
	assert.equal((await check(s, 0, '--since', '20')).exchanges, 3);
	const { out } = await s.tape.dump('check');
	assert.match(out.toString(),
	    /^22 exchanges, [\d ]+ bytes verified, 6 spans, 0 gaps, 0 faults\n$/);
});

test('no check of a store that is being written finds anything', async (s) => {
	await s.start({ answer });
	const stop = {};
	const clients = [0, 1, 2, 3].map((k) => traffic(s, stop, k));
	let last;
	try {
		for (let i = 0; i < 20; i++) {
			last = await check(s);
			assert.deepEqual(last.findings, []);
		}
	} finally {
		stop.over = true;
		await Promise.all(clients);
	}
	assert.ok(last.exchanges > 20, `${last.exchanges} exchanges`);
});

test('the store of a killed recorder has no fault, before and after its next start', async (s) => {
	await s.start({ answer });
	for (let i = 0; i < 3; i++) {
		const stop = {};
		const clients = [0, 1, 2, 3].map((k) => traffic(s, stop, k));
		await hang(s);
		const n = (await s.tape.records()).length;
		await s.tape.until((r) => r.length > n + 20, '20 more exchanges');
		s.tape.expectExit = { code: null, signal: 'SIGKILL' };
		stop.over = true;
		s.tape.kill('SIGKILL');
		await within(s.tape.gone, 'the end');
		await Promise.all(clients);
		assert.ok((await check(s)).in_flight > 0);
		s.tape = await s.record({});
		const next = await check(s);
		assert.equal(next.in_flight, 0);
		assert.deepEqual(next.findings, []);	/* no number without a word */
	}
});

/* No page of the store beyond the first two can be written: a full disk. */
function fillDisk(s, isFull) {
	execFileSync('prlimit', ['--pid', String(s.tape.pid),
		`--fsize=${isFull ? 8192 : 'unlimited'}:unlimited`]);
}

test('what a full disk took away is gaps, cut records, and heads that check misses', async (s) => {
	await s.start({ answer });
	for (let k = 0; k < 7; k++)
		await one(s, k)[k]();
	await s.tape.settled(7);
	const c = await hang(s);
	await s.tape.until((r) => r.length === 8, 'the one in flight');
	fillDisk(s, true);
	for (let k = 0; k < 7 || !s.tape.log.includes('recording fails'); k++)
		await one(s, k)[k % 7]();
	assert.deepEqual((await check(s)).findings, []);
	fillDisk(s, false);
	for (let k = 0; k < 7; k++)
		await one(s, k)[k]();
	await poll(() => s.tape.log.includes('recording goes on'), 'the log to say so');
	c.cut();
	await s.tape.until((r) => r[7].outcome !== 'in_flight', 'its end');
	/* What began in a lost batch and ended later has no head, and its row does not say so:
	 * that is for check to tell. */
	const { out } = await s.tape.dump('check', '-o', 'json');
	const { findings, lost } = JSON.parse(out.toString());
	assert.deepEqual(findings.filter((f) => f.what !== 'head_missing'), []);
	assert.ok(lost > 0);
});

test('a byte of a body that changed on the disk is found, and its exchange named', async (s) => {
	await s.start({ answer });
	const body = randomBytes(50_000);
	await s.ask(ask('/v1/bytes/100', 'one'));
	await s.ask(ask('/v1/bytes/100', body));
	await s.tape.settled(2);
	await s.tape.stop();
	const file = join(s.tape.store, 'data.mdb');
	const bytes = readFileSync(file);
	const at = bytes.indexOf(body.subarray(20_000, 20_100));
	assert.ok(at > 0);
	bytes[at] ^= 4;
	writeFileSync(file, bytes);
	chmodSync(join(s.tape.store, 'key'), 0o640);
	const { findings } = await check(s, 1);
	assert.deepEqual(findings.map((f) => [f.what, f.table, f.seq, f.side, f.key]), [
		['file_mode', 'file', null, null, 'key'],
		['hash', 'body', 2, 'request body', null],
	]);
	const { code, out } = await s.tape.dump('check');
	assert.equal(code, 1);
	assert.deepEqual(out.toString().split('\n'), [
		'file key: others than its owner have rights to it (mode 0640); chmod go= it; ' +
		    'think of who may have read it',
		'body 2 request body: not the bytes that were received: SHA-256 differs ' +
		    '(50000 bytes); do not trust it; what is gone cannot be made again: ' +
		    'record the call once more if it matters',
		'2 exchanges, 203 bytes verified, 0 spans, 0 gaps, 2 faults', '',
	]);
});

test('what cannot be opened is trouble, not a fault', async (s) => {
	await s.start({ answer });
	for (const wrong of [['--since', 'x'], ['-o', 'jsonl'], ['--reverse'], ['7']])
		assert.equal((await s.tape.dump('check', ...wrong)).code, 2, wrong.join(' '));
	assert.equal((await s.tape.dump('list', '-o', 'text')).code, 2);
	s.tape.store = join(s.dir, 'nowhere');
	const missing = await s.tape.dump('check');
	assert.equal(missing.code, 3);
	assert.match(missing.err, /^tracetape dump: no store in /);
});
