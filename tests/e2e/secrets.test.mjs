/* Credentials pass, and stay nowhere. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test, assert } from './lib/scene.mjs';

const words = ['bearer', 'basic', 'cookie', 'setcookie', 'apikey', 'xapikey', 'trailer']
	.map((w) => `SECRET-of-${w}-0123456789abcdef`);
const [bearer, basic, cookie, setCookie, apiKey, xApiKey, trailer] = words;

const request = ['POST /v1/responses HTTP/1.1', 'Host: a', `aUTHORIZATION: Bearer ${bearer}`,
	`Proxy-Authorization: Basic ${basic}`, `Cookie: session=${cookie}; b=2`,
	`api-key: ${apiKey}`, `X-API-Key:${xApiKey}`, 'Transfer-Encoding: chunked', '', '2', '{}',
	'0', `Cookie: ${trailer}`, '', ''].join('\r\n');
const answer = ['HTTP/1.1 200 OK', `Set-Cookie: id=${setCookie}; HttpOnly`, 'Content-Length: 2',
	'', '{}'].join('\r\n');

function files(dir) {
	return readdirSync(dir, { withFileTypes: true }).flatMap((f) => {
		const path = join(dir, f.name);
		return f.isDirectory() ? [path, ...files(path)] : [path];
	});
}

function findsNone(where, bytes) {
	for (const word of words)
		assert.ok(!Buffer.from(bytes).includes(word), `${where} holds "${word}"`);
}

test('no credential reaches the store, the log or any output of dump', async (s) => {
	await s.start({ answer: (r, conn) => conn.send(answer), args: ['--set', 'log.level=debug'] });
	const c = await s.client();
	c.send(request.replace(`Cookie: ${trailer}`, `X-Trailer: a\r\nSet-Cookie: ${trailer}`));
	const got = await c.message();
	if (got.head.status === 400) {
		/* A trailer that authenticates may be refused; then without it. */
		c.cut();
		const again = await s.client();
		again.send(request.replace(`Cookie: ${trailer}\r\n`, ''));
		assert.equal((await again.message()).head.get('set-cookie'), `id=${setCookie}; HttpOnly`);
	}
	const seen = s.upstream.received.toString();
	for (const word of [bearer, cookie, apiKey, xApiKey])
		assert.ok(seen.includes(word), `the upstream lacks ${word}`);

	const records = await s.tape.until((r) => r.some((x) => x.outcome === 'complete'), 'it');
	findsNone('dump -o jsonl', JSON.stringify(records));
	for (const args of [[], ['-o', 'json'], ...records.flatMap(({ seq }) =>
	    [['show', String(seq)], ['show', String(seq), '-o', 'json']])])
		findsNone(`dump ${args.join(' ')}`, (await s.tape.dump(...args)).out);
	const { head } = records.find((x) => x.outcome === 'complete').request;
	assert.match(head, /^aUTHORIZATION: Bearer <redacted [0-9a-f]{16}>$/m);
	assert.match(head, /^X-API-Key:\s?<redacted [0-9a-f]{16}>$/m);

	await s.tape.stop();
	findsNone('the log', s.tape.log);
	for (const path of files(s.tape.store).filter((p) => statSync(p).isFile()))
		findsNone(path, readFileSync(path));
});

test('equal credentials have equal hashes within a store, and others in another', async (s) => {
	const get = (key) => `GET / HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${key}\r\n\r\n`;
	const hash = (r) => r.request.head.match(/<redacted ([0-9a-f]{16})>/)[1];
	await s.start({ answer: (r, conn) => conn.send('HTTP/1.1 204 No Content\r\n\r\n') });
	for (const key of ['one', 'two', 'one'])
		await s.ask(get(key));
	const [a, b, c] = (await s.tape.settled(3)).map(hash);
	assert.equal(a, c);
	assert.notEqual(a, b);
	s.tape = await s.record({ store: 'other' });
	await s.ask(get('one'));
	assert.notEqual(hash((await s.tape.settled(1))[0]), a);
});

test('the store is for its owner alone', async (s) => {
	await s.start({ tlsListen: true,
		answer: (r, conn) => conn.send('HTTP/1.1 204 No Content\r\n\r\n'),
		wrap: ['sh', '-c', 'umask 0; exec "$0" "$@"'] });
	await s.ask('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
	await s.tape.settled(1);
	const mode = (path) => (statSync(path).mode & 0o777).toString(8);
	assert.equal(mode(s.tape.store), '700');
	for (const path of [...files(s.tape.store), join(s.tape.caDir, 'ca.key')])
		assert.equal(mode(path), statSync(path).isDirectory() ? '700' : '600', path);
	assert.equal(mode(s.tape.caDir), '700');
});
