/* Old clients, and clients that say close. */
import { test, assert } from './lib/scene.mjs';

const ok = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

const cases = [
	['an HTTP/1.0 request', 'GET /v1/models HTTP/1.0\r\nHost: a\r\n\r\n', 'HTTP/1.0'],
	['a request that says close', 'GET /v1/models HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n',
		'HTTP/1.1'],
];

for (const [what, bytes, version] of cases) {
	test(`${what} is forwarded as it came and the connection ends behind its answer`,
	    async (s) => {
		await s.start({ answer: (r, conn) => conn.send(ok) });
		const c = await s.client();
		c.send(bytes);
		assert.equal((await c.message()).payload.toString(), 'ok');
		assert.equal((await c.rest()).length, 0);
		assert.equal(s.upstream.requests[0].head.start, `GET /v1/models ${version}`);
		const [record] = await s.tape.settled(1);
		assert.equal(record.outcome, 'complete');
	});
}

test('empty lines before a request are ignored', async (s) => {
	await s.start({ answer: (r, conn) => conn.send(ok) });
	const c = await s.client();
	c.send('\r\n\r\nGET /v1/models HTTP/1.1\r\nHost: a\r\n\r\n');
	assert.equal((await c.message()).payload.toString(), 'ok');
});
