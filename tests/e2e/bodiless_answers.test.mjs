/* Answers whose lengths speak of a body that does not come (RFC 9112 6.3). */
import { test, assert } from './lib/scene.mjs';

const cases = [
	['HEAD', 'HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n\r\n'],
	['HEAD', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n'],
	['POST', 'HTTP/1.1 204 No Content\r\nX-Lab: a\r\n\r\n'],
	['GET', 'HTTP/1.1 304 Not Modified\r\nContent-Length: 99\r\nETag: "x"\r\n\r\n'],
	['GET', 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'],
	['GET', 'HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nend'],
];

test('HEAD, 204 and 304 have no body and the connections live on', async (s) => {
	const left = cases.map(([, answer]) => answer);
	await s.start({ answer: (request, conn) => conn.send(left.shift()) });
	const c = await s.client();
	for (const [method, answer] of cases) {
		c.send(`${method} /v1/models HTTP/1.1\r\nHost: a\r\n${
			method === 'POST' ? 'Content-Length: 0\r\n' : ''}\r\n`);
		assert.equal((await c.bytes(answer.length)).toString(), answer);
	}
	assert.equal(c.received.toString(), cases.map(([, answer]) => answer).join(''));
	assert.equal(s.upstream.tcp, 1);
	const records = await s.tape.settled(cases.length);
	assert.deepEqual(records.map((r) => r.outcome), cases.map(() => 'complete'));
	assert.deepEqual(records.map((r) => r.response.bytes), [0, 0, 0, 0, 0, 3]);
});
