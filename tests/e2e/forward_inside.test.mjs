/* What may be said inside a tunnel to an intercepted host, and what becomes of it. */
import { test, assert, keys } from './lib/scene.mjs';
import { ask, chain, connect, forward, get, inside, official, secure } from
	'./lib/proxy_forward.mjs';
import { Issuer } from './lib/certs.mjs';
import { message } from './lib/http.mjs';
import { ownError } from './lib/own_error.mjs';
import { join } from 'node:path';

const begun = 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nbegun';
const batch = message('POST /v1/traces/ingest HTTP/1.1', [`Host: ${official}`], '{"data":[]}');
const call = message('POST /v1/responses HTTP/1.1', [`Host: ${official}`], '{}');

test('a whole URL of the same host is as good as its path', async (s) => {
	await forward(s);
	const tls = await inside(s);
	const answer = await ask(tls, `GET https://${official}/v1/models HTTP/1.1\r\n` +
		`Host: ${official}\r\n\r\n`);
	if (answer.head.status === 200)
		assert.equal(s.upstream.requests[0].head.get('host'), official);
	else
		ownError(answer, 400);
});

test('a whole URL of another host goes to nobody but the one of the tunnel', async (s) => {
	const other = await s.origin({ server: chain().server, answer: (r, c) => c.send('no') });
	await forward(s, { map: { 'other.example': other.port } });
	for (const url of ['https://other.example/', 'http://other.example/', 'http://127.0.0.1/']) {
		const tls = await inside(s);
		tls.send(`GET ${url} HTTP/1.1\r\nHost: other.example\r\n\r\n`);
		await tls.head();
	}
	assert.equal(other.tcp, 0);
});

test('the beginning of HTTP/2 is refused at once', async (s) => {
	await forward(s);
	const tls = await inside(s);
	const answer = await ask(tls, 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
	assert.ok(!answer || answer.head.status >= 400);
	assert.equal(s.upstream.tcp, 0);
});

test('smuggling is refused inside a tunnel as outside', async (s) => {
	await forward(s);
	for (const lines of [['Content-Length: 3', 'Transfer-Encoding: chunked'],
		['Content-Length: 3', 'Content-Length: 4'], ['Transfer-Encoding : chunked']]) {
		const tls = await inside(s);
		ownError(await ask(tls, ['POST /v1/responses HTTP/1.1', `Host: ${official}`, ...lines, '',
			'abc'].join('\r\n')), 400);
	}
	assert.equal(s.upstream.requests.length, 0);
});

test('an upstream whose certificate does not hold is not spoken to, and the client is told',
    async (s) => {
	const bad = new Issuer(join(s.dir, 'bad')).root('root').leaf('other', 'root',
		{ san: `DNS:${official}` });
	await forward(s, { server: bad.server('other') });
	const error = ownError(await ask(await inside(s), get()), 502);
	assert.equal(error.code, 'upstream_certificate');
	assert.equal(s.upstream.requests.length, 0);
});

test('who says close gets its answer and the end', async (s) => {
	await forward(s);
	for (const [version, line] of [['1.1', 'Connection: close'], ['1.0', 'Accept: */*']]) {
		const tls = await inside(s);
		assert.equal((await ask(tls, [`GET /v1/models HTTP/${version}`, `Host: ${official}`, line,
			'', ''].join('\r\n'))).payload.toString(), 'ok');
		assert.equal((await tls.rest()).length, 0);
		assert.ok(!tls.error);
	}
});

test('a pipeline of batches and calls is answered in its order', async (s) => {
	await forward(s, { set: { 'proxy.traces': 'local' } });
	const tls = await inside(s);
	tls.send(Buffer.concat([batch, call, batch, batch, call]));
	const statuses = [];
	for (let k = 0; k < 5; k++)
		statuses.push((await tls.message()).head.status);
	assert.deepEqual(statuses, [204, 200, 204, 204, 200]);
	const records = await s.tape.settled(5);
	assert.deepEqual(records.map((r) => r.status), statuses);
	assert.equal(s.upstream.requests.length, 2);
});

test('a thousand batches in one pipeline are a thousand answers', async (s) => {
	await forward(s, { set: { 'proxy.traces': 'local' } });
	const tls = await inside(s);
	const n = 1000;
	tls.send(Buffer.concat(Array(n).fill(batch)));
	for (let k = 0; k < n; k++)
		assert.equal((await tls.message()).head.status, 204);
	assert.equal((await s.tape.settled(n)).length, n);
});

test('a tunnel in which nothing is said ends after its time, with and without TLS', async (s) => {
	await forward(s, { set: { [keys.keepaliveMs]: 300, [keys.handshakeMs]: 300 } });
	const silent = await connect(s);
	const half = await connect(s);
	half.send(Buffer.from([0x16, 3, 1, 2, 0, 1]));
	const quiet = await inside(s);
	for (const wire of [silent, half, quiet])
		await wire.until(() => wire.over || wire.socket.destroyed, 'the time limit');
	assert.equal(s.upstream.tcp, 0);
});

test('idle tunnels do not hold up the end of the proxy', async (s) => {
	await forward(s);
	await connect(s);
	const tls = await inside(s);
	assert.equal((await ask(tls, get())).payload.toString(), 'ok');
	const began = performance.now();
	await s.tape.stop();
	assert.ok(performance.now() - began < 10_000);
});

test('a live call in a tunnel is finished before the proxy ends', async (s) => {
	const gate = Promise.withResolvers();
	await forward(s, { answer: async (r, c) => {
		await c.send('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nha');
		await gate.promise;
		await c.send('lf');
	} });
	const tls = await inside(s);
	tls.send(get());
	await tls.through('ha');
	s.tape.kill('SIGTERM');
	gate.resolve();
	await tls.through('lf');
	await s.tape.gone;
	assert.equal((await s.tape.records())[0].outcome, 'complete');
});

test('many tunnels at once, over two workers, each get their own answer', async (s) => {
	await forward(s, { set: { [keys.workers]: 2 }, answer: (r, c) => c.send(
		message('HTTP/1.1 200 OK', [], r.head.target)) });
	await Promise.all(Array.from({ length: 40 }, async (_, i) => {
		const tls = await inside(s);
		for (let k = 0; k < 3; k++)
			assert.equal((await ask(tls, get(official, `/${i}/${k}`))).payload.toString(),
			    `/${i}/${k}`);
		tls.drop();
	}));
	const records = await s.tape.settled(120);
	assert.equal(new Set(records.map((r) => r.path)).size, 120);
	assert.ok(records.every((r) => r.outcome === 'complete' && r.mode === 'forward'));
});

test('a client that leaves a tunnel in the middle of a call cancels it upstream', async (s) => {
	await forward(s, { answer: (r, c) => c.send(begun) });
	const tls = await inside(s);
	tls.send(get());
	await tls.head();
	const conn = await s.upstream.conn(0);
	tls.drop();
	await conn.until(() => conn.over, 'the upstream to be told');
	const [record] = await s.tape.settled(1);
	assert.equal(record.outcome, 'cancelled');
});

test('TLS is resumed inside a second tunnel', async (s) => {
	await forward(s);
	const sessions = [];
	const one = await secure(s, await connect(s), { maxVersion: 'TLSv1.2' });
	one.socket.on('session', (x) => sessions.push(x));
	await ask(one, get());
	const session = sessions[0] ?? one.socket.getSession();
	const two = await secure(s, await connect(s), { session, maxVersion: 'TLSv1.2' });
	assert.equal((await ask(two, get())).payload.toString(), 'ok');
	assert.ok(two.socket.isSessionReused());
});

const answers = {
	'with lines of its hop': 'HTTP/1.1 200 Fine\r\nConnection: keep-alive\r\n' +
		'Keep-Alive: timeout=5\r\nSet-Cookie: a=1\r\nset-cookie: b=2\r\n' +
		'Content-Length: 2\r\n\r\nok',
	'that says close': 'HTTP/1.1 200 OK\r\nConnection: close\r\n' +
		'Content-Length: 2\r\n\r\nok',
	'behind early hints': 'HTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n' +
		'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok',
	'in chunks': 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-T\r\n\r\n' +
		'1;a=b\r\no\r\n01\r\nk\r\n0\r\nX-T: 1\r\n\r\n',
};

for (const [what, bytes] of Object.entries(answers)) {
	test(`an answer ${what} is the same bytes inside the tunnel`, async (s) => {
		await forward(s, { answer: (r, c) => c.send(bytes) });
		const tls = await inside(s);
		tls.send(get());
		assert.equal((await tls.bytes(bytes.length)).toString(), bytes);
		assert.equal(tls.received.length, bytes.length);
		assert.equal((await s.tape.settled(1))[0].outcome, 'complete');
	});
}
