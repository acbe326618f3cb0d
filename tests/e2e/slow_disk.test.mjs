/* The disk may hang: traffic does not wait for it until memory would grow. */
import { createHash } from 'node:crypto';
import { test, assert, keys } from './lib/scene.mjs';
import { chunk } from './lib/http.mjs';
import { holdWriter } from './lib/slow_disk.mjs';
import { poll, sanitized, signal, within } from './lib/wait.mjs';

const MiB = 1 << 20;
const get = 'GET /v1/models HTTP/1.1\r\nHost: a\r\n\r\n';
const head = (n) => `HTTP/1.1 200 OK\r\nContent-Length: ${n}\r\n\r\n`;
const block = Buffer.alloc(64 * 1024, 'abcdefghijklmnop');
const big = 48 * MiB;
const whole = () => {
	const h = createHash('sha256');
	for (let n = 0; n < big / block.length; n++)
		h.update(block);
	return h.digest('hex');
};

test('while the disk hangs each piece of an answer passes at once', async (s) => {
	const n = 40;
	const held = Array.from({ length: n }, signal);
	await s.start({ answer: async (r, conn) => {
		conn.send('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n');
		for (let k = 0; k < n; k++) {
			conn.send(chunk(block));
			await within(held[k].promise, `piece ${k} at the client`);
		}
		await conn.send('0\r\n\r\n');
	}, set: { [keys.maxBytes]: 4 * MiB } });
	const release = await holdWriter(s);
	const c = await s.client();
	c.send(get);
	await c.head();
	for (let k = 0, at; k < n; k++) {
		at = performance.now();
		await c.bytes(chunk(block).length);
		assert.ok(performance.now() - at < (sanitized ? 1500 : 500), `piece ${k} was held up`);
		held[k].resolve();
	}
	await c.through('0\r\n\r\n');
	assert.equal((await s.tape.records()).filter((r) => r.outcome === 'complete').length, 0);
	await release();
	const [record] = await s.tape.settled(1);
	assert.equal(record.outcome, 'complete');
	assert.equal((await s.tape.responseBody(1)).length, n * block.length);
});

/* A big answer while the disk hangs; passed() is what the client has. */
async function flood(s, pauseMs) {
	await s.start({ answer: async (r, conn) => {
		conn.send(head(big));
		await conn.pump((n) => n < big / block.length ? block : null);
	}, set: { [keys.maxBytes]: 4 * MiB, [keys.pauseMs]: pauseMs } });
	const release = await holdWriter(s);
	const c = await s.client();
	c.send(get);
	await c.head();
	const hash = createHash('sha256');
	let bytes = 0;
	c.pour((b) => { bytes += b.length; hash.update(b); });
	return { release, passed: () => bytes, sum: () => hash.digest('hex') };
}

test('with pause_ms = -1 traffic waits at the bound and nothing is lost', async (s) => {
	const { release, passed, sum } = await flood(s, -1);
	await poll(() => passed() >= MiB, 'the first MiB');
	let before = -1;
	await poll(async () => {
		const same = passed() === before;
		before = passed();
		await new Promise((r) => setTimeout(r, 300));
		return same && passed() === before;
	}, 'traffic to come to rest');
	assert.ok(passed() < 16 * MiB, `${passed()} bytes passed a bound of 4 MiB`);
	await release();
	await poll(() => passed() === big, 'the rest', 60_000);
	assert.equal(sum(), whole());
	const [record] = await s.tape.settled(1);
	assert.equal(record.outcome, 'complete');
	assert.equal(record.response.sha256, whole());
	assert.equal(record.response.kept, big);
});

for (const pauseMs of [0, 200]) {
	test(`with pause_ms = ${pauseMs} traffic goes on and the record says that it is cut`,
	    async (s) => {
		const { release, passed, sum } = await flood(s, pauseMs);
		await poll(() => passed() === big, 'all of it, while the disk hangs', 60_000);
		assert.equal(sum(), whole());
		if (!sanitized)
			assert.ok(await s.tape.kB('VmHWM') < 48 * 1024, 'memory while the disk hangs');
		await release();
		const [record] = await s.tape.settled(1);
		assert.equal(record.response.bytes, big);
		assert.ok(record.response.kept < big);
		assert.equal(record.response.sha256, null);
		assert.equal((await s.tape.responseBody(1)).length, record.response.kept);
	});
}
