/* A trailer that authenticates is refused, in however many pieces it comes; no part
 * of it is kept.  Other trailers pass. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test, assert } from './lib/scene.mjs';
import { taken } from './lib/kernel.mjs';
import { ownError } from './lib/own_error.mjs';

const ok = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
const begun = 'Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n';
const request = `POST /v1/responses HTTP/1.1\r\nHost: a\r\n${begun}`;
const answer = `HTTP/1.1 200 OK\r\n${begun}`;
const words = ['sk-SECRETONE', 'SECRETTWO'];

/* The secret is cut in its name and in its value. */
const split = (name) => [`X-Before: 1\r\n${name.slice(0, 3)}`,
	`${name.slice(3)}: Bearer ${words[0]}`, `${words[1]}\r\n`, '\r\n'];

/* Each piece is read before the next one is sent. */
async function sendPieces(wire, pieces) {
	for (const piece of pieces) {
		if (wire.over || !await wire.send(piece))
			return;
		await taken(wire).catch((e) => { if (!wire.over) throw e; });
	}
}

function files(dir) {
	return readdirSync(dir).map((f) => join(dir, f)).flatMap((path) =>
		(statSync(path).isDirectory() ? files(path) : [path]));
}

async function keepsNone(s) {
	const holds = (bytes) => words.find((w) => Buffer.from(bytes).includes(w));
	for (const { seq } of await s.tape.records())
		assert.equal(holds((await s.tape.dump('show', String(seq))).out), undefined);
	await s.tape.stop();
	assert.equal(holds(s.tape.log), undefined, 'the log');
	for (const path of files(s.tape.store))
		assert.equal(holds(readFileSync(path)), undefined, path);
}

for (const name of ['x-api-key', 'API-Key', 'Authorization', 'Cookie']) {
	test(`a ${name} trailer of a request that comes in pieces is refused and not kept`,
	    async (s) => {
		await s.start({ answer: (r, conn) => conn.send(ok),
			args: ['--set', 'log.level=debug'] });
		const c = await s.client();
		const sending = sendPieces(c, [request, ...split(name)]);
		ownError(await c.message(), 400);
		c.cut();
		await sending;
		const [record] = await s.tape.settled(1);
		assert.equal(record.outcome, 'refused');
		assert.ok(!s.upstream.received.includes(words[1]));
		await keepsNone(s);
	});
}

for (const name of ['x-api-key', 'API-Key', 'Set-Cookie']) {
	test(`a ${name} trailer of an answer that comes in pieces cuts it and is not kept`,
	    async (s) => {
		await s.start({ answer: (r, conn) => sendPieces(conn, [answer, ...split(name)]),
			args: ['--set', 'log.level=debug'] });
		const c = await s.client();
		c.send('GET /v1/models HTTP/1.1\r\nHost: a\r\n\r\n');
		await c.until(() => c.over, 'the end');
		assert.ok(c.received.includes('2\r\nab\r\n'));
		assert.ok(!c.received.includes('\r\n0\r\n') ||
		    !c.received.toString().endsWith('\r\n\r\n'), 'it looks whole');
		assert.ok(!words.some((w) => c.received.includes(w)));
		const [record] = await s.tape.settled(1);
		assert.equal(record.outcome, 'upstream');
		await keepsNone(s);
	});
}

test('other trailers that come in pieces pass both ways', async (s) => {
	const pieces = ['X-Chec', 'ksum: 0123', '4567\r\nX-Api-Keys', ': 2\r\n\r', '\n'];
	await s.start({ answer: (r, conn) => sendPieces(conn, [answer, ...pieces]) });
	const c = await s.client();
	await sendPieces(c, [request, ...pieces]);
	const trailer = 'X-Checksum: 01234567\r\nX-Api-Keys: 2\r\n';
	assert.equal((await c.message()).trailer, trailer);
	assert.equal(s.upstream.requests[0].trailer, trailer);
	const [record] = await s.tape.settled(1);
	assert.equal(record.outcome, 'complete');
});
