/* A pipeline whose client does not read: tracetape holds no more answers for it than
 * its limit. */
import { test, assert } from './lib/scene.mjs';
import { stuck } from './lib/kernel.mjs';

const n = 4000;
const answer = `HTTP/1.1 200 OK\r\nContent-Length: 12000\r\n\r\n${'x'.repeat(12000)}`;
const get = (k) => `GET /v1/models/${k} HTTP/1.1\r\nHost: a.example.of.some.length\r\n\r\n`;

test('a pipeline waits for a client that takes no answers, and then goes on', async (s) => {
	await s.start({ answer: (r, conn) => conn.send(answer) });
	const c = await s.client();
	let got = 0;
	c.socket.pause();
	c.pour((b) => { got += b.length; });
	c.socket.pause();
	c.send(Array.from({ length: n }, (_, k) => get(k)).join(''));
	c.end();
	await stuck(c);
	assert.ok(s.upstream.requests.length < n, 'the upstream is not asked for all');
	c.socket.resume();
	await c.until(() => c.over, 'all answers', 120_000);
	assert.equal(got, n * answer.length + 'Connection: close\r\n'.length);
	assert.deepEqual(s.upstream.requests.map((r) => r.head.target.slice(11)),
	    Array.from({ length: n }, (_, k) => String(k)));
});
