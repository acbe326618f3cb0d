/* Head lines go out as they came: order, case, spacing and duplicates. */
import { test, assert } from './lib/scene.mjs';

const kept = ['x-First:no space', 'X-first:   three', 'ACCEPT: */*', 'X-Empty:', 'Cookie: a=1',
	'cookie: b=2', 'X-Tab:\tvalue', 'X-Latin: caf\xe9', 'Content-Length: 2', 'tE: trailers'];
const dropped = ['Connection: keep-alive, X-Named', 'X-Named: gone', 'Keep-Alive: timeout=5',
	'Proxy-Connection: keep-alive', 'Proxy-Authorization: Basic eDp5'];
const answered = ['date: Sat, 21 Nov 2026 10:03:38 GMT', 'Set-Cookie: a=1', 'X-B:  2 ',
	'set-cookie: b=2', 'SERVER: x', 'Content-Length: 2'];
const ended = ['Connection: X-Gone', 'X-Gone: yes', 'Keep-Alive: timeout=5'];

test('lines that end with a hop are dropped and no other line changes but Host', async (s) => {
	await s.start({ answer: (r, conn) => conn.send(['HTTP/1.1 200 Fine and good',
		...answered.slice(0, 3), ...ended, ...answered.slice(3), '', 'ok'].join('\r\n')) });
	const c = await s.client();
	c.send(['POST /v1/responses?a=%20b&c HTTP/1.1', ...kept.slice(0, 4), 'hOST: proxy.example',
		...dropped, ...kept.slice(4), '', '{}'].join('\r\n'));
	const answer = await c.message();

	const { head } = s.upstream.requests[0];
	assert.equal(head.start, 'POST /v1/responses?a=%20b&c HTTP/1.1');
	const lines = head.lines.map((l) => l.text);
	const host = lines.findIndex((l) => /^host:/i.test(l));
	assert.equal(host, 4, 'Host stays in its place');
	assert.equal(head.lines[host].value, s.upstream.authority);
	lines.splice(host, 1);
	assert.deepEqual(lines.filter((l) => l !== 'tE: trailers'),
	    kept.filter((l) => l !== 'tE: trailers'));

	assert.equal(answer.head.start, 'HTTP/1.1 200 Fine and good');
	assert.deepEqual(answer.head.lines.map((l) => l.text), answered);
	assert.equal(answer.payload.toString(), 'ok');
});
