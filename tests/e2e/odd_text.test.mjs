/* Bytes that are no text still give JSON that every parser takes. */
import { test, assert } from './lib/scene.mjs';

const strict = new TextDecoder('utf-8', { fatal: true });

test('heads and bodies that are not UTF-8 come out as valid JSON and whole in raw', async (s) => {
	const answer = 'HTTP/1.1 200 OK\r\nX-B: \xff\xfe\r\nContent-Length: 3\r\n\r\n\xff\x00\xfe';
	await s.start({ answer: (r, conn) => conn.send(answer) });
	const got = await s.ask('POST /v1/files HTTP/1.1\r\nHost: a\r\nX-A: caf\xe9 \x80\r\n'
		+ 'Content-Length: 2\r\n\r\n\xc3\x28');
	assert.equal(got.head.get('x-b'), '\xff\xfe');
	assert.ok(s.upstream.received.includes(Buffer.from('X-A: caf\xe9 \x80', 'latin1')));
	await s.tape.settled(1);
	for (const args of [['-o', 'jsonl'], ['-o', 'json'], ['show', '1', '-o', 'json']])
		JSON.parse(strict.decode((await s.tape.dump(...args)).out));
	for (const args of [[], ['show', '1']])
		strict.decode((await s.tape.dump(...args)).out);
	assert.deepEqual(await s.tape.requestBody(1), Buffer.from('\xc3\x28', 'latin1'));
	assert.deepEqual(await s.tape.responseBody(1), Buffer.from('\xff\x00\xfe', 'latin1'));
});
