/* Heads have limits, each with its own status. */
import { test, assert } from './lib/scene.mjs';
import { ownError } from './lib/own_error.mjs';

const lines = (n) => Array.from({ length: n }, (_, i) => `X-${i}: v`);
const get = (...more) => ['GET /v1/models HTTP/1.1', 'Host: a', ...more, '', ''].join('\r\n');
const ok = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

const refused = [
	['a start line over 32 KiB', `GET /${'a'.repeat(33 * 1024)} HTTP/1.1\r\nHost: a\r\n\r\n`, 414],
	['a start line that does not end', `GET /${'a'.repeat(40 * 1024)}`, 414],
	['a head over 64 KiB', get(...lines(100).map((l) => l + 'x'.repeat(700))), 431],
	['one line over 64 KiB', get(`X-Long: ${'x'.repeat(66 * 1024)}`), 431],
	['a head over 64 KiB that does not end', get().slice(0, -2) + `X: ${'x'.repeat(70_000)}`, 431],
	['more than 128 lines', get(...lines(128)), 431],
];

const served = [
	['a start line just under 32 KiB', get().replace('models',
		'a'.repeat(32 * 1024 - 32))],
	['a head just under 64 KiB', get(...lines(60).map((l) => l + 'x'.repeat(1000)))],
	['128 lines', get(...lines(127))],
];

test('requests over a limit are answered with its status and go nowhere', async (s) => {
	await s.start({ answer: (r, conn) => conn.send(ok) });
	for (const [name, bytes, status] of refused) {
		const c = await s.client();
		c.send(bytes);
		ownError(await c.message(), status);
		assert.equal((await c.rest()).length, 0, name);
	}
	assert.equal(s.upstream.tcp, 0);
});

test('requests just under a limit are served', async (s) => {
	await s.start({ answer: (r, conn) => conn.send(ok) });
	for (const [name, bytes] of served)
		assert.equal((await s.ask(bytes)).payload.toString(), 'ok', name);
	const records = await s.tape.settled(served.length);
	assert.deepEqual(records.map((r) => r.status), [200, 200, 200]);
});
