/* The disk may be full: traffic passes, the loss is told, and it ends with the cause. */
import { execFileSync } from 'node:child_process';
import { test, assert } from './lib/scene.mjs';
import { message } from './lib/http.mjs';
import { poll, signal, within } from './lib/wait.mjs';

const get = (path) => `GET /v1/${path} HTTP/1.1\r\nHost: a\r\n\r\n`;
const body = (path) => `answer to ${path} `.repeat(200);
const answering = async (request, conn) => conn.send(message('HTTP/1.1 200 OK',
    ['Content-Type: text/plain'], body(request.head.target)));
const count = (text, word) => text.split(word).length - 1;
const numbers = (from, n) => Array.from({ length: n }, (_, i) => from + i);

/* No page of the store beyond the first two can be written: a full disk. */
function fillDisk(s, isFull) {
	execFileSync('prlimit', ['--pid', String(s.tape.pid),
		`--fsize=${isFull ? 8192 : 'unlimited'}:unlimited`]);
}

/* Asks and holds the answer to the byte; the upstream saw the request, too. */
async function passes(s, path) {
	const before = s.upstream.requests.length;
	const answer = await s.ask(get(path));
	assert.equal(answer.head.status, 200);
	assert.equal(answer.payload.toString(), body(`/v1/${path}`));
	assert.equal(s.upstream.requests.length, before + 1);
	assert.equal(s.upstream.requests.at(-1).head.target, `/v1/${path}`);
}

/* Traffic for longer than several commits take; how many requests that were. */
async function lose(s) {
	const end = performance.now() + 500;
	let n = 0;
	do
		await passes(s, `lost-${n++}`);
	while (performance.now() < end || !s.tape.log.includes('recording fails'));
	return n;
}

/* What the table says of gaps, as lists of numbers. */
async function gaps(s) {
	const { code, out } = await s.tape.dump('-n', '100000');
	assert.equal(code, 0);
	return [...out.toString().matchAll(/^-- (\d+) lost, (?:(\d+) to )?(\d+): (.*)$/gm)]
		.map(([, n, from, to, why]) => {
			assert.equal(why, 'File too large');
			const all = numbers(Number(from ?? to), Number(n));
			assert.equal(all.at(-1), Number(to));
			return all;
		});
}

test('while the store cannot grow traffic passes, and the loss stands as a gap', async (s) => {
	await s.start({ answer: answering });
	await passes(s, 'one');
	await s.tape.settled(1);

	fillDisk(s, true);
	const n = await lose(s);
	assert.equal((await s.tape.records()).filter((r) => r.outcome === 'complete').length, 1);

	fillDisk(s, false);
	await passes(s, 'back');
	await poll(() => s.tape.log.includes('recording goes on'), 'the log to say so');
	await passes(s, 'last');
	await s.tape.until((r) => r.some((x) => x.path === '/v1/last' &&
		x.outcome === 'complete'), 'the last exchange');
	assert.equal(count(s.tape.log, 'recording fails, traffic goes on'), 1);
	assert.equal(count(s.tape.log, 'recording goes on; '), 1);
	const lost = Number(s.tape.log.match(/recording goes on; (\d+) exchanges/)[1]);
	assert.ok(lost >= 1 && lost <= n, `${lost} of ${n} are lost`);
	await holds(s, lost, n + 3);
});

/* Each number up to last is a row or lost, and none is both or neither. */
async function holds(s, lost, last) {
	const { out } = await s.tape.dump('-o', 'jsonl', '-n', '100000');
	const rows = out.toString().split('\n').filter(Boolean).map((l) => JSON.parse(l))
		.filter((x) => x.outcome);
	const missing = (await gaps(s)).flat();
	assert.equal(missing.length, lost);
	assert.deepEqual([...rows.map((x) => x.seq), ...missing].sort((a, b) => a - b),
	    numbers(1, last));
	for (const path of ['one', 'back', 'last']) {
		const x = rows.find((r) => r.path === `/v1/${path}`);
		assert.equal(x.outcome, 'complete');
		assert.equal(x.response.kept, x.response.bytes);
		assert.equal((await s.tape.responseBody(x.seq)).toString(), body(x.path));
	}
}

test('a stream that runs while the disk is full passes whole, and its record is cut',
    async (s) => {
	const piece = Buffer.alloc(32 * 1024, 'abcdefghijklmnop');
	const steps = Array.from({ length: 3 }, signal);
	await s.start({ answer: async (request, conn) => {
		if (request.head.target !== '/v1/stream')
			return answering(request, conn);
		conn.send(`HTTP/1.1 200 OK\r\nContent-Length: ${3 * piece.length}\r\n\r\n`);
		for (const step of steps) {
			await within(step.promise, 'the next step');
			await conn.send(piece);
		}
	} });
	const c = await s.client();
	c.send(get('stream'));
	steps[0].resolve();
	await c.head();
	assert.deepEqual(await c.bytes(piece.length), piece);
	await s.tape.until((r) => r[0]?.response.kept > 0, 'the first piece in the store');
	fillDisk(s, true);
	steps[1].resolve();
	assert.deepEqual(await c.bytes(piece.length), piece);
	await lose(s);
	fillDisk(s, false);
	steps[2].resolve();
	assert.deepEqual(await c.bytes(piece.length), piece);
	const [x] = await s.tape.until((r) => r[0].outcome !== 'in_flight', 'its end');
	assert.equal(x.outcome, 'complete');
	assert.equal(x.response.bytes, 3 * piece.length);
	assert.ok(x.response.kept < x.response.bytes);
	assert.equal(x.response.sha256, null);
	assert.equal((await s.tape.responseBody(1)).length, x.response.kept);
});

test('a trace batch that would be kept here is not taken while the disk is full', async (s) => {
	const post = 'POST /v1/traces/ingest HTTP/1.1\r\nHost: a\r\n' +
		'Content-Length: 11\r\n\r\n{"data":[]}';
	await s.start({ answer: answering, set: { 'proxy.traces': 'local' } });
	assert.equal((await s.ask(post)).head.status, 204);
	await s.tape.settled(1);
	fillDisk(s, true);
	let answer;
	await poll(async () => (answer = await s.ask(post)).head.status !== 204, 'a refusal');
	assert.equal(answer.head.status, 503);
	assert.equal(JSON.parse(answer.payload).error.code, 'not_recorded');
	fillDisk(s, false);
	await poll(async () => (await s.ask(post)).head.status === 204, 'the disk to be back');
	assert.equal(s.upstream.requests.length, 0);
});
