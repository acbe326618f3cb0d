/* Redirected: the name api.openai.com leads to our TLS listener, which tells by SNI. */
import { connect as tcpConnect } from 'node:net';
import { test, assert } from './lib/scene.mjs';
import { ask, chain, connectHead, forward, get, official, ok,
	ourCa } from './lib/proxy_forward.mjs';
import { program } from './lib/proxy_programs.mjs';

const start = (s, options = {}) => forward(s, { tlsListen: true, ...options });

/* A client whose name server lies to it. */
const redirected = (s, servername = official, more = {}) =>
	s.tlsClient({ ca: ourCa(s), servername, ...more });

test('SNI of an intercepted host is that host, and its Host line stays', async (s) => {
	await start(s);
	const c = await redirected(s);
	assert.ok(c.socket.authorized);
	assert.equal(c.socket.getPeerCertificate().subjectaltname, `DNS:${official}`);
	for (let k = 0; k < 2; k++)
		assert.equal((await ask(c, get())).payload.toString(), 'ok');
	assert.equal(s.upstream.requests[0].head.get('host'), official);
	const records = await s.tape.settled(2);
	for (const r of records) {
		assert.equal(r.mode, 'redirected');
		assert.equal(r.scheme, 'https');
		assert.equal(r.host.replace(/:443$/, ''), official);
		assert.equal(r.outcome, 'complete');
	}
});

test('SNI has no case', async (s) => {
	await start(s);
	const c = await redirected(s, 'API.OpenAI.COM');
	assert.equal((await ask(c, get())).payload.toString(), 'ok');
	assert.equal((await s.tape.settled(1))[0].mode, 'redirected');
});

test('each regional host goes to itself', async (s) => {
	const region = 'eu.api.openai.com';
	const eu = await s.origin({ server: chain().server,
		answer: (r, conn) => conn.send(ok.replace('ok', 'eu')) });
	await start(s, { map: { [region]: eu.port } });
	assert.equal((await ask(await redirected(s, region), get(region))).payload.toString(), 'eu');
	assert.equal((await ask(await redirected(s), get())).payload.toString(), 'ok');
	const records = await s.tape.settled(2);
	assert.deepEqual(records.map((r) => r.host.replace(/:443$/, '')), [region, official]);
});

test('any other SNI, and none, is the base URL', async (s) => {
	await start(s);
	for (const [name, more] of [['localhost', {}], ['', { host: '127.0.0.1' }]]) {
		const c = await redirected(s, name, more);
		assert.equal((await ask(c, get('whatever'))).payload.toString(), 'ok');
	}
	for (const { head } of s.upstream.requests)
		assert.equal(head.get('host'), s.upstream.authority);
	const records = await s.tape.settled(2);
	assert.deepEqual(records.map((r) => r.mode), ['reverse', 'reverse']);
});

test('the listener is no relay to hosts that SNI or Host name', async (s) => {
	const evil = await s.origin({ server: chain().server, answer: (r, conn) => conn.send(ok) });
	await start(s, { map: { 'other.example': evil.port } });
	await assert.rejects(redirected(s, 'other.example'));
	const c = await redirected(s);
	const answer = await ask(c, get('other.example'));
	assert.ok(answer);
	assert.equal(evil.tcp, 0);
	for (const { head } of s.upstream.requests)
		assert.equal(head.method, 'GET');
});

test('a redirected client is no proxy client', async (s) => {
	await start(s);
	const c = await redirected(s);
	const answer = await ask(c, connectHead('other.example:443'));
	assert.ok(!answer || answer.head.status >= 400, answer?.head.start);
	assert.equal(s.upstream.requests.length, 0);
});

test('a list of its own is heeded', async (s) => {
	await start(s, { set: { 'forward.intercept': 'llm.example' } });
	for (const [name, more] of [['', { host: '127.0.0.1' }], [official, {}]]) {
		const c = await redirected(s, name, more);
		assert.equal((await ask(c, get('a'))).payload.toString(), 'ok');
	}
	const records = await s.tape.settled(2);
	assert.deepEqual(records.map((r) => r.mode), ['reverse', 'reverse']);
});

test('ALPN and versions are as at every other door', async (s) => {
	await start(s);
	const c = await redirected(s, official, { ALPNProtocols: ['h2', 'http/1.1'] });
	assert.equal(c.socket.alpnProtocol, 'http/1.1');
	await assert.rejects(redirected(s, official, { ALPNProtocols: ['h2'] }));
	await assert.rejects(redirected(s, official, { maxVersion: 'TLSv1.1', minVersion: 'TLSv1',
		ciphers: 'DEFAULT@SECLEVEL=0' }));
});

test('curl whose hosts file was edited needs no more than the CA', async (s) => {
	await start(s);
	const at = `${official}:443:127.0.0.1:${s.tape.tlsPort}`;
	const r = await program('curl', ['-sS', '--noproxy', '*', '--cacert', s.tape.caPath,
		'--connect-to', at, `https://${official}/v1/models`]);
	assert.equal(r.out, 'ok', r.err);
	assert.equal(s.upstream.requests[0].head.get('host'), official);
	assert.equal((await s.tape.settled(1))[0].mode, 'redirected');
});

test('a connection that says nothing, or half a ClientHello, harms nobody', async (s) => {
	await start(s, { set: { 'timeouts.handshake_ms': 300 } });
	const silent = tcpConnect(s.tape.tlsPort, '127.0.0.1');
	silent.on('error', () => {});
	s.atEnd(() => silent.destroy());
	const half = await s.client({ port: s.tape.tlsPort });
	half.send(Buffer.from([0x16, 3, 1, 2, 0, 1, 0]));
	await half.until(() => half.over, 'the time limit');
	assert.equal((await ask(await redirected(s), get())).payload.toString(), 'ok');
});
