/* Bodies far larger than memory: they pass, they are kept, they cost no memory. */
import { test, assert, keys } from '../lib/scene.mjs';
import { blocks, GiB, MiB, rawSum, Sum, sumOf } from '../lib/bulk.mjs';
import { poll, sanitized } from '../lib/wait.mjs';

const n = sanitized ? 256 : 2048;	/* MiB */
const want = sumOf(n);
const maxKb = 48 * 1024;
const minutes = 600_000;
/* The disk of the machine that tests may be slower than loopback: wait for it. */
const set = { [keys.pauseMs]: -1 };

async function holdsToMemory(s, size = n) {
	const kB = await s.tape.kB('VmHWM');
	console.log(`# ${size} MiB: at most ${(kB / 1024).toFixed(1)} MiB resident`);
	if (!sanitized)
		assert.ok(kB < maxKb, `${kB} kB resident`);
}

async function isRecorded(s, side, other) {
	const [record] = await s.tape.settled(1);
	assert.equal(record.outcome, 'complete');
	assert.equal(record[side].bytes, n * MiB);
	assert.equal(record[side].kept, n * MiB);
	assert.equal(record[side].sha256, want);
	assert.equal(record[other].bytes, 2);
	assert.deepEqual(await rawSum(s.tape, 1, `--${side}`), { code: 0, bytes: n * MiB, hex: want });
}

test(`an upload of ${n} MiB passes in bounded memory and is recorded whole`, async (s) => {
	const sum = new Sum();
	await s.start({ set, connection: async (conn) => {
		if (!await conn.nextHead())
			return;
		conn.pour(sum.take);
		await conn.until(() => sum.bytes === n * MiB || conn.over, 'the upload', minutes);
		await conn.send('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
	} });
	const c = await s.client();
	const from = performance.now();
	c.send(`POST /v1/files HTTP/1.1\r\nHost: a\r\nContent-Length: ${n * MiB}\r\n\r\n`);
	assert.ok(await c.pump(blocks(n)));
	assert.equal((await c.message()).payload.toString(), 'ok');
	console.log(`# ${(n / (performance.now() - from) * 1000).toFixed()} MiB/s up`);
	assert.equal(sum.hex(), want);
	await holdsToMemory(s);
	await isRecorded(s, 'request', 'response');
});

test(`a download of ${n} MiB passes in bounded memory and is recorded whole`, async (s) => {
	await s.start({ set, answer: async (r, conn) => {
		conn.send(`HTTP/1.1 200 OK\r\nContent-Length: ${n * MiB}\r\n\r\n`);
		await conn.pump(blocks(n));
	} });
	const c = await s.client();
	const from = performance.now();
	c.send('POST /v1/files HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}');
	await c.head();
	const sum = new Sum();
	c.pour(sum.take);
	await c.until(() => sum.bytes === n * MiB || c.over, 'the download', minutes);
	console.log(`# ${(n / (performance.now() - from) * 1000).toFixed()} MiB/s down`);
	assert.equal(sum.hex(), want);
	await holdsToMemory(s);
	await isRecorded(s, 'response', 'request');
});

test('a slow reader of 1 GiB slows its upstream and costs no memory', async (s) => {
	const all = sanitized ? 128 : GiB / MiB;
	let sent = 0;
	await s.start({ set, answer: async (r, conn) => {
		conn.send(`HTTP/1.1 200 OK\r\nContent-Length: ${all * MiB}\r\n\r\n`);
		const each = blocks(all);
		await conn.pump((k) => { sent = k; return each(k); });
	} });
	const c = await s.client();
	c.send('GET /v1/files/1 HTTP/1.1\r\nHost: a\r\n\r\n');
	await c.head();
	const sum = new Sum();
	c.pour(sum.take);
	for (let stop = 0; stop < 5; stop++) {
		c.socket.pause();
		let last;
		await poll(async () => {
			const was = sent;
			await new Promise((r) => setTimeout(r, 500));
			last = sent;
			return was === last;
		}, 'the upstream to be held back', 60_000);
		assert.ok(last * MiB - sum.bytes < 48 * MiB, `${last} MiB sent, ${sum.bytes} bytes read`);
		const target = sum.bytes + (all * MiB >> 3);
		c.socket.resume();
		await c.until(() => sum.bytes >= target, 'an eighth more', minutes);
	}
	await c.until(() => sum.bytes === all * MiB || c.over, 'the rest', minutes);
	assert.equal(sum.hex(), sumOf(all));
	await holdsToMemory(s, all);
	const [record] = await s.tape.settled(1);
	assert.equal(record.outcome, 'complete');
	assert.equal(record.response.kept, all * MiB);
});
