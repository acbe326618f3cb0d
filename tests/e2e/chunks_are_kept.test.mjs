/* Chunk boundaries, extensions and trailers go out as they came, both ways. */
import { test, assert } from './lib/scene.mjs';

const up = '5;a=1;b="x;y"\r\nhello\r\n00001;\tz = "q\\""\r\n!\r\n000\r\n'
	+ 'X-Checksum: abc\r\nx-second:  two \r\n\r\n';
const down = 'A;name=value\r\n0123456789\r\n1\r\n-\r\n0;last\r\nServer-Timing: total;dur=1\r\n\r\n';
const request = 'POST /v1/files HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n'
	+ `Trailer: X-Checksum\r\n\r\n${up}`;
const answer = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: Server-Timing\r\n\r\n'
	+ down;

async function exchange(s, send, bytes) {
	await s.start({ answer: (r, conn) => send(conn, answer) });
	const c = await s.client();
	send(c, bytes);
	const got = await c.message();
	assert.equal(got.wire.toString(), down);
	assert.equal(s.upstream.requests[0].wire.toString(), up);
	const [record] = await s.tape.settled(1);
	assert.equal(record.outcome, 'complete');
	assert.equal((await s.tape.requestBody(1)).toString(), 'hello!');
	assert.equal((await s.tape.responseBody(1)).toString(), '0123456789-');
	return c;
}

test('trailers and chunk extensions pass byte for byte', async (s) => {
	const c = await exchange(s, (wire, bytes) => wire.send(bytes), request);
	assert.equal(c.received.toString(), answer);
});

test('messages that come byte by byte pass the same', async (s) => {
	await exchange(s, async (wire, bytes) => {
		for (const b of Buffer.from(bytes))
			await wire.send(Buffer.of(b));
	}, request);
});
