/* A proxy-aware client names us in its request target (RFC 9112 3.2.2). */
import { test, assert } from './lib/scene.mjs';

test('an absolute target of our own authority goes out as a path', async (s) => {
	await s.start({ answer: (r, conn) => conn.send('HTTP/1.1 204 No Content\r\n\r\n') });
	const here = `127.0.0.1:${s.tape.port}`;
	const answer = await s.ask(
		`GET http://${here}/v1/models?a=b HTTP/1.1\r\nHost: ${here}\r\n\r\n`);
	assert.equal(answer.head.status, 204);
	assert.equal(s.upstream.requests[0].head.start, 'GET /v1/models?a=b HTTP/1.1');
	assert.equal(s.upstream.requests[0].head.get('host'), s.upstream.authority);
});
