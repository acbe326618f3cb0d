/* An upstream that speaks ambiguously is not passed on. */
import { test, assert } from './lib/scene.mjs';
import { ownError } from './lib/own_error.mjs';

const head = (...lines) => ['HTTP/1.1 200 OK', ...lines, '', ''].join('\r\n');

const table = [
	['a length and chunked', `${head('Content-Length: 5', 'Transfer-Encoding: chunked')}0\r\n\r\n`,
		/content-length/i],
	['two lengths', `${head('Content-Length: 5', 'Content-Length: 6')}hello`, /content-length/i],
	['a folded line', head('X: a', ' b', 'Content-Length: 0'), /fold/i],
	['a bare LF', 'HTTP/1.1 200 OK\nContent-Length: 0\n\n', /LF/],
	['a space before the colon', `${head('Content-Length : 5')}hello`, /colon/i],
	['no HTTP at all', 'SSH-2.0-OpenSSH_9.2\r\n\r\n', /RFC 9112/],
	['HTTP/2.0', 'HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n', /version/i],
	['a bad status', 'HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n', /RFC 9112/],
	['101 unasked', 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n',
		/unasked/i],
	['too large a head', head(`X: ${'x'.repeat(70_000)}`), /64 KiB/],
];

test('an answer that breaks a rule becomes a 502 that names it', async (s) => {
	let next;
	await s.start({ answer: (r, conn) => conn.send(next) });
	for (const [name, bytes, rule] of table) {
		next = bytes;
		const error = ownError(await s.ask('GET /v1/models HTTP/1.1\r\nHost: a\r\n\r\n'), 502);
		assert.match(error.message, rule, name);
	}
	const records = await s.tape.settled(table.length);
	assert.deepEqual(records.map((r) => r.status), table.map(() => 502));
	assert.equal(s.upstream.tcp, table.length, 'no such connection is kept');
});

test('bytes behind an answer are not taken for the next one', async (s) => {
	await s.start({ answer: (r, conn) => conn.send(s.upstream.requests.length === 1
		? 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'
			+ 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil'
		: 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngood') });
	const c = await s.client();
	c.send('GET /1 HTTP/1.1\r\nHost: a\r\n\r\n');
	assert.equal((await c.message()).payload.toString(), 'ok');
	c.send('GET /2 HTTP/1.1\r\nHost: a\r\n\r\n');
	assert.equal((await c.message()).payload.toString(), 'good');
});

test('a chunk that breaks a rule cuts the answer', async (s) => {
	await s.start({ answer: (r, conn) =>
		conn.send(`${head('Transfer-Encoding: chunked')}4\r\ngood\r\nXX\r\nbad\r\n0\r\n\r\n`) });
	const c = await s.client();
	c.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
	await c.until(() => c.over || c.error, 'the end');
	assert.ok(!c.received.includes('0\r\n\r\n'));
	const [record] = await s.tape.settled(1);
	assert.equal(record.outcome, 'upstream');
	assert.equal((await s.tape.responseBody(1)).toString(), 'good');
});
