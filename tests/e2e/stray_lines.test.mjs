/* Empty lines behind a request are no request (RFC 9112 2.2). */
import { setTimeout as pause } from 'node:timers/promises';
import { test, assert, keys } from './lib/scene.mjs';
import { sanitized } from './lib/wait.mjs';

const post = 'POST /v1/responses HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}';
const ok = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
const limit = sanitized ? 1200 : 400;

for (const stray of ['\r\n', '\r\n\r\n\r\n']) {
	test(`${stray.length / 2} empty lines behind a request begin no head that could be late`,
	    async (s) => {
		await s.start({ answer: (r, conn) => conn.send(ok), set: { [keys.headMs]: limit } });
		const c = await s.client();
		c.send(post + stray);
		assert.equal((await c.message()).payload.toString(), 'ok');
		await pause(2 * limit);
		assert.equal(c.over, false);
		c.send(post);
		assert.equal((await c.message()).payload.toString(), 'ok');
		assert.equal((await s.tape.settled(2)).length, 2);
	});
}

test('a FIN behind empty lines ends the connection at once', async (s) => {
	await s.start({ answer: (r, conn) => conn.send(ok) });
	const c = await s.client();
	c.send(`${post}\r\n`);
	assert.equal((await c.message()).payload.toString(), 'ok');
	c.send('\r\n');
	c.end();
	assert.equal((await c.rest()).length, 0);
	assert.equal(c.error, null);
	assert.equal((await s.tape.settled(1)).length, 1);
});

test('a FIN that comes with the request and its empty line ends it behind the answer',
    async (s) => {
	await s.start({ answer: (r, conn) => conn.send(ok) });
	const c = await s.client();
	c.send(`${post}\r\n`);
	c.end();
	assert.equal((await c.message()).payload.toString(), 'ok');
	assert.equal((await c.rest()).length, 0);
	assert.equal(c.error, null);
	const [record] = await s.tape.settled(1);
	assert.equal(record.outcome, 'complete');
});

test('empty lines do not keep an idle connection open', async (s) => {
	await s.start({ answer: (r, conn) => conn.send(ok), set: { [keys.keepaliveMs]: limit } });
	const c = await s.client();
	const from = performance.now();
	while (!c.over && performance.now() - from < 20 * limit) {
		c.send('\r\n');
		await pause(limit / 10);
	}
	assert.ok(c.over, 'still open');
	assert.equal(c.received.length, 0);
});
