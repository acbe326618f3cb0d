/* An upstream whose name leads back to tracetape: refused at once, asked never. */
import { readFileSync, writeFileSync } from 'node:fs';
import { X509Certificate } from 'node:crypto';
import { join as path } from 'node:path';
import { test, assert, keys } from './lib/scene.mjs';
import { ownError } from './lib/own_error.mjs';
import { Dns } from './lib/proxy_dns.mjs';
import { deadPort, get, ok, ownAddress, plain } from './lib/via.mjs';

/* Connections that tracetape took in all, by its own log. */
const taken = (s) => new Set([...s.tape.log.matchAll(/\bconn=(\d+)/g)].map(([, id]) => id)).size;

/* One request is refused, is one record, and nothing came back to our listeners but,
 * at most, an empty connection that was left at once. */
async function assertLoop(s, why, { empty = 0, ask = () => s.ask(get) } = {}) {
	const began = performance.now();
	const error = ownError(await ask(), 502);
	assert.equal(error.code, 'upstream_loop', error.message);
	assert.match(error.message, why);
	assert.match(error.message, /upstream\.resolve/);
	assert.match(error.message, /upstream\.dns/);
	assert.ok(performance.now() - began < 3000);
	const records = await s.tape.settled(1);
	assert.equal(records.length, 1);
	assert.equal(records[0].outcome, 'upstream');
	await s.tape.stop();
	assert.ok(taken(s) <= 1 + empty, s.tape.log);
}

const listening = /is where this very tracetape listens/;
const certificate = /certificate was made by this very tracetape/;

test('a plain listener', async (s) => {
	const port = await deadPort();
	s.tape = await s.record({ upstream: `http://api.test:${port}`, set: { [keys.resolve]:
		'api.test=127.0.0.1' }, args: ['--listen', `127.0.0.1:${port}`] });
	await assertLoop(s, /^api\.test:\d+: 127\.0\.0\.1:\d+ is where .*api\.test=ADDRESS/);
});

test('0.0.0.0 for a host is this machine', async (s) => {
	const port = await deadPort();
	s.tape = await s.record({ upstream: `http://api.test:${port}`, set: { [keys.resolve]:
		'api.test=0.0.0.0' }, args: ['--listen', `127.0.0.1:${port}`] });
	await assertLoop(s, listening);
});

test('IPv4 in IPv6\'s clothes is IPv4', async (s) => {
	const port = await deadPort();
	s.tape = await s.record({ upstream: `http://api.test:${port}`, set: { [keys.resolve]:
		'api.test=[::ffff:127.0.0.1]' }, args: ['--listen', `127.0.0.1:${port}`] });
	await assertLoop(s, listening);
});

test('the TLS listener, asked for by name', async (s) => {
	const port = await deadPort();
	s.tape = await s.record({ upstream: `https://api.openai.com:${port}`, tlsListen: true,
		set: { [keys.resolve]: 'api.openai.com=127.0.0.1' },
		args: ['--tls-listen', `127.0.0.1:${port}`] });
	await assertLoop(s, listening);
});

test('a client of the TLS listener, whose hosts file led it here, as ours does us', async (s) => {
	const port = await deadPort();
	s.tape = await s.record({ upstream: `https://api.openai.com:${port}`, tlsListen: true,
		set: { [keys.resolve]: `api.openai.com=127.0.0.1:${port}` },
		args: ['--tls-listen', `127.0.0.1:${port}`] });
	const client = await s.tlsClient({ port, ca: readFileSync(s.tape.caPath),
		servername: 'api.openai.com' });
	await assertLoop(s, listening, { ask: () => {
		client.send('GET / HTTP/1.1\r\nHost: api.openai.com\r\nConnection: close\r\n\r\n');
		return client.message();
	} });
});

/* A port that leads to ours: a container's, a load balancer's.  Only the certificate
 * tells. */
async function behindRelay(s, more = {}) {
	const port = await deadPort();
	const relay = await s.relay({ port });
	const at = new URL(relay.url).port;
	s.tape = await s.record({ upstream: `https://api.openai.com:${at}`, tlsListen: true,
		set: { [keys.resolve]: 'api.openai.com=127.0.0.1' },
		args: ['--tls-listen', `127.0.0.1:${port}`], ...more });
	return relay;
}

test('another address that leads to the TLS listener', async (s) => {
	const relay = await behindRelay(s);
	await assertLoop(s, certificate, { empty: 1 });
	assert.equal(relay.conns.length, 1);
});

test('the same when our CA is among the trusted', async (s) => {
	await behindRelay(s);
	await s.tape.stop();
	/* As it is it would not load: mbedTLS does not know critical name constraints. */
	const der = Buffer.from(new X509Certificate(readFileSync(s.tape.caPath)).raw);
	const at = der.indexOf(Buffer.from('0603551d1e0101ff', 'hex'));
	assert.ok(at > 0);
	der[at + 7] = 0;
	const ca = path(s.dir, 'trusted.der');
	writeFileSync(ca, der);
	await behindRelay(s, { ca });
	await assertLoop(s, certificate, { empty: 1 });
});

for (const [wild, host] of [['0.0.0.0', '127.0.0.1'], ['0.0.0.0', '127.0.0.7'],
	['[::]', '127.0.0.1'], ['[::]', '[::1]'], ['0.0.0.0', ownAddress()],
	['[::]', ownAddress()]]) {
	if (!host)
		continue;
	const is = /^127|::1/.test(host) ? host : 'this machine\'s own address';
	test(`a listener on ${wild} is reached as ${is}`, async (s) => {
		const port = await deadPort();
		s.tape = await s.record({ upstream: `http://api.test:${port}`, set: {
			[keys.resolve]: `api.test=${host}`, [keys.allow]: '127.0.0.0/8' },
			args: ['--listen', `${wild}:${port}`] });
		s.tape.port = port;
		await assertLoop(s, listening, { empty: 1 });
	});
}

test('an address of the name that is not ours is taken', async (s) => {
	const dns = await Dns.start(s, { 'api.test': { a: ['127.0.0.1', '127.0.0.2'] } });
	const origin = await plain(s, { host: '127.0.0.2' });
	s.tape = await s.record({ upstream: `http://api.test:${origin.port}`, set: { [keys.dns]:
		dns.address }, args: ['--listen', `127.0.0.1:${origin.port}`] });
	for (let k = 0; k < 3; k++)
		assert.equal((await s.ask(get)).payload.toString(), 'ok');
	assert.equal(origin.requests.length, 3);
	await s.tape.stop();
	assert.equal(taken(s), 3);
});

test('another port of this machine is no loop', async (s) => {
	const origin = await plain(s);
	s.tape = await s.record({ upstream: `http://api.test:${origin.port}`, set: {
		[keys.resolve]: 'api.test=127.0.0.1', [keys.allow]: '127.0.0.0/8' },
		args: ['--listen', '0.0.0.0:0'] });
	const at = s.tape.out.match(/^listening http:\/\/0\.0\.0\.0:(\d+)$/m);
	s.tape.port = Number(at[1]);
	assert.equal((await s.ask(get)).payload.toString(), 'ok');
});

test('another tracetape in front of the upstream is no loop', async (s) => {
	/* It has a CA of its own, of the same name. */
	const behind = await s.origin({ answer: (r, c) => c.send(ok) });
	const first = await s.record({ upstream: behind.url, tlsListen: true, store: 'first' });
	const der = Buffer.from(new X509Certificate(readFileSync(first.caPath)).raw);
	der[der.indexOf(Buffer.from('0603551d1e0101ff', 'hex')) + 7] = 0;
	const ca = path(s.dir, 'first.der');
	writeFileSync(ca, der);
	s.tape = await s.record({ upstream: `https://localhost:${first.tlsPort}`, ca,
		tlsListen: true });
	assert.equal((await s.ask(get)).payload.toString(), 'ok');
});
