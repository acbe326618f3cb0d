/* A second handshake with the same upstream is cheap. */
import { test, assert } from './lib/scene.mjs';

for (const maxVersion of ['TLSv1.2', 'TLSv1.3']) {
	test(`the TLS session with an upstream is resumed, up to ${maxVersion}`, async (s) => {
		await s.start({ tls: { maxVersion }, answer: async (r, conn) => {
			await conn.send('HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok');
			conn.end();
		} });
		for (let k = 0; k < 3; k++) {
			const answer = await s.ask('GET /v1/models HTTP/1.1\r\nHost: a\r\n\r\n');
			assert.equal(answer.payload.toString(), 'ok');
		}
		assert.equal(s.upstream.tcp, 3);
		assert.deepEqual(s.upstream.conns.map((c) => c.session), [false, true, true]);
		const records = await s.tape.settled(3);
		assert.deepEqual(records.map((r) => r.flags.includes('tls_resumed')), [false, true, true]);
	});
}
