/* Another proxy on the way out: asked by name, for every connection but those to
 * upstream.no_via, and nobody but it learns the credentials. */
import { readFileSync, readdirSync } from 'node:fs';
import { join as path } from 'node:path';
import { test, assert, keys } from './lib/scene.mjs';
import { get, join, name, named, ok, other, plain } from './lib/via.mjs';
import { poll } from './lib/wait.mjs';

const lines = (head) => head.raw.toString('latin1').split('\r\n');

/* A TLS upstream that is reached through a proxy alone. */
async function start(s, { set = {}, answer, proxyAnswer, user = '' } = {}) {
	s.upstream = await s.origin({ server: named(s), answer: answer ?? ((r, c) => c.send(ok)) });
	const proxy = await other(s, proxyAnswer ?? ((wire) => join(wire, s.upstream.port)));
	s.tape = await s.record({ upstream: `https://${name}`, set: {
		[keys.via]: proxy.url.replace('//', `//${user}`), ...set } });
	return proxy;
}

test('the upstream is reached by one CONNECT that names it', async (s) => {
	const proxy = await start(s);
	const c = await s.client();
	for (let k = 0; k < 3; k++) {
		c.send(get);
		assert.equal((await c.message()).payload.toString(), 'ok');
	}
	assert.equal(proxy.heads.length, 1);
	assert.deepEqual(lines(proxy.heads[0]), [`CONNECT ${name}:443 HTTP/1.1`,
		`Host: ${name}:443`, 'Proxy-Connection: keep-alive', '', '']);
	const records = await s.tape.settled(3);
	assert.ok(records.every((r) => r.outcome === 'complete' && r.host === `${name}:443`));
	assert.ok(s.upstream.requests.every((r) => !/proxy/i.test(r.head.raw.toString())));
});

test('credentials go to the other proxy and nowhere else', async (s) => {
	const secret = Buffer.from('us er:p@ss:w').toString('base64');
	const proxy = await start(s, { user: 'us%20er:p%40ss%3Aw@', set: { 'log.level': 'debug' } });
	assert.equal((await s.ask(get)).payload.toString(), 'ok');
	assert.equal(proxy.heads[0].get('proxy-authorization'), `Basic ${secret}`);
	await s.tape.settled(1);
	assert.ok(!s.upstream.received.includes(secret));
	await s.tape.stop();
	for (const what of [secret, 'p@ss', 'p%40ss', 'us%20er'])
		assert.ok(!s.tape.log.includes(what), what);
	for (const file of readdirSync(s.tape.store))
		assert.ok(!readFileSync(path(s.tape.store, file)).includes(secret), file);
});

test('an upstream without TLS is reached through a CONNECT too', async (s) => {
	const origin = await plain(s);
	const proxy = await other(s, (wire) => join(wire, origin.port));
	s.tape = await s.record({ upstream: `http://${name}:8080`, set: { [keys.via]: proxy.url } });
	const c = await s.client();
	for (let k = 0; k < 2; k++) {
		c.send(get);
		assert.equal((await c.message()).payload.toString(), 'ok');
	}
	assert.equal(proxy.heads.length, 1);
	assert.equal(proxy.heads[0].start, `CONNECT ${name}:8080 HTTP/1.1`);
	assert.equal(origin.requests.length, 2);
});

test('hosts of no_via, and loopback, are reached without it', async (s) => {
	const proxy = await start(s, { set: { [keys.noVia]: '*.test' } });
	const direct = await s.record({ upstream: `https://${name}:${s.upstream.port}`, store: 'b',
		set: { [keys.via]: proxy.url, [keys.noVia]: '*.test', [keys.resolve]:
			`${name}=127.0.0.1` } });
	s.tape = direct;
	assert.equal((await s.ask(get)).payload.toString(), 'ok');
	const local = await s.origin({ answer: (r, c) => c.send(ok) });
	s.tape = await s.record({ upstream: local.url, store: 'c', set: { [keys.via]: proxy.url } });
	assert.equal((await s.ask(get)).payload.toString(), 'ok');
	assert.equal(proxy.heads.length, 0);
});

test('what comes right behind the answer is the beginning of the stream', async (s) => {
	/* An origin that speaks first, in one packet with the answer. */
	const proxy = await other(s, async (wire) => {
		wire.send('HTTP/1.1 100 Wait\r\n\r\nHTTP/1.0 200 OK\r\nVia: 1.0 x\r\n\r\n220 hello\r\n');
		assert.equal((await wire.bytes(6)).toString(), 'QUIT\r\n');
		wire.send('221 bye\r\n');
		wire.end();
	});
	s.tape = await s.record({ upstream: `https://${name}`, set: { [keys.via]: proxy.url } });
	const c = await s.client();
	c.send('CONNECT mail.test:443 HTTP/1.1\r\nHost: mail.test:443\r\n\r\n');
	assert.equal((await c.head()).status, 200);
	assert.equal((await c.bytes(11)).toString(), '220 hello\r\n');
	c.send('QUIT\r\n');
	assert.equal((await c.rest()).toString(), '221 bye\r\n');
	assert.equal(proxy.heads[0].start, 'CONNECT mail.test:443 HTTP/1.1');
});

test('a tunnel to an address is judged here, though the other proxy would connect', async (s) => {
	const proxy = await other(s, (wire) => wire.send('HTTP/1.1 200 OK\r\n\r\n'));
	s.tape = await s.record({ upstream: `https://${name}`, set: { [keys.via]: proxy.url } });
	for (const host of ['10.0.0.1:443', '169.254.169.254:80', '[fd00::1]:443', '[::1]:443']) {
		const c = await s.client();
		c.send(`CONNECT ${host} HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
		assert.equal((await c.message()).head.status, 403, host);
	}
	assert.equal(proxy.heads.length, 0);
});

test('an answer may come byte by byte', async (s) => {
	await start(s, { proxyAnswer: async (wire) => {
		for (const b of 'HTTP/1.1 200 Connection established\r\nX-Slow: yes\r\n\r\n') {
			await wire.send(b);
			await new Promise(setImmediate);
		}
		await join(wire, s.upstream.port, null);
	} });
	assert.equal((await s.ask(get)).payload.toString(), 'ok');
});

test('a connection that the other proxy drops while idle is made anew', async (s) => {
	const proxy = await start(s);
	assert.equal((await s.ask(get)).payload.toString(), 'ok');
	for (const w of proxy.wires)
		w.cut();
	assert.equal((await s.ask(get)).payload.toString(), 'ok');
	assert.equal(proxy.heads.length, 2);
});

test('the upstream is verified behind the other proxy as anywhere', async (s) => {
	const proxy = await other(s, (wire) => join(wire, s.upstream.port));
	s.upstream = await s.origin({ answer: (r, c) => c.send(ok) });	/* for localhost */
	s.tape = await s.record({ upstream: `https://${name}`, set: { [keys.via]: proxy.url } });
	const answer = await s.ask(get);
	assert.equal(answer.head.status, 502);
	const { error } = JSON.parse(answer.payload);
	assert.equal(error.code, 'upstream_certificate');
	assert.match(error.message, /for another name/);
	assert.doesNotMatch(error.message, /upstream\.via/);
	assert.equal(s.upstream.requests.length, 0);
});

test('a client that leaves while the other proxy is silent leaves nothing behind', async (s) => {
	const proxy = await start(s, { proxyAnswer: (wire) => wire.rest() });
	const c = await s.client();
	c.send(get);
	await poll(() => proxy.heads.length, 'the CONNECT');
	c.reset();
	await proxy.wires[0].rest();
	const [record] = await s.tape.settled(1);
	assert.equal(record.outcome, 'cancelled');
});
