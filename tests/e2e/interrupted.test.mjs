/* A recorder that died leaves what it had, marked as such. */
import { test, assert } from './lib/scene.mjs';
import { within } from './lib/wait.mjs';

test('after kill -9 the store opens, tells what was interrupted, and goes on', async (s) => {
	await s.start({ answer: async (r, conn) => {
		if (r.head.target === '/v1/hang') {
			await conn.send('HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nabc');
			await conn.until(() => conn.over, 'the end');
		} else {
			await conn.send('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
		}
	} });
	await s.ask('GET /v1/models HTTP/1.1\r\nHost: a\r\n\r\n');
	const c = await s.client();
	c.send('GET /v1/hang HTTP/1.1\r\nHost: a\r\n\r\n');
	await c.through('abc');
	const running = await s.tape.until((r) => r.length === 2, 'the exchange in flight');
	assert.deepEqual(running.map((r) => r.outcome), ['complete', 'in_flight']);
	s.tape.expectExit = { code: null, signal: 'SIGKILL' };
	s.tape.kill('SIGKILL');
	await within(s.tape.gone, 'the end');

	const [first] = await s.tape.records();
	assert.equal(first.outcome, 'complete');
	s.tape = await s.record({});
	const left = await s.tape.records();
	assert.deepEqual(left.map((r) => r.outcome), ['complete', 'interrupted']);
	await s.ask('GET /v1/models HTTP/1.1\r\nHost: a\r\n\r\n');
	const all = await s.tape.settled(3);
	assert.deepEqual(all.map((r) => r.seq), [1, 2, 3]);
	assert.equal(all[2].outcome, 'complete');
});
