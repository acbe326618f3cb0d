/* An HTTP/1.0 request need not have a Host; what goes on has the upstream's. */
import { test, assert } from './lib/scene.mjs';

const ok = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

for (const [what, bytes] of [['GET', 'GET /v1/models HTTP/1.0\r\n\r\n'],
	['POST', 'POST /v1/responses HTTP/1.0\r\nContent-Length: 2\r\n\r\n{}']]) {
	test(`an HTTP/1.0 ${what} without Host goes up with one`, async (s) => {
		await s.start({ answer: (r, conn) => conn.send(ok) });
		assert.equal((await s.ask(bytes)).payload.toString(), 'ok');
		const [{ head }] = s.upstream.requests;
		assert.deepEqual(head.all('host'), [s.upstream.authority]);
		assert.equal(head.start, bytes.slice(0, bytes.indexOf('\r\n')));
		const [record] = await s.tape.settled(1);
		assert.equal(record.outcome, 'complete');
	});
}
