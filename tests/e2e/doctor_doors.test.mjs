/* doctor: proxies that listen elsewhere, intercept other hosts, or show other certificates. */
import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { test, assert, keys } from './lib/scene.mjs';
import { block, doctor, healthy, sick } from './lib/doctor.mjs';
import { chain, forward, official } from './lib/proxy_forward.mjs';
import { program } from './lib/proxy_programs.mjs';
import { binary } from './lib/tape.mjs';
import { deadPort, ownAddress } from './lib/via.mjs';

const verdict = (r, check) => r.of(check).map((c) => c.verdict).join();

test('a listener on all addresses is ours by each of them', async (s) => {
	const port = await deadPort();
	await forward(s, { args: ['--listen', `0.0.0.0:${port}`],
		set: { [keys.allow]: '127.0.0.0/8, 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16' } });
	const env = await block(s);
	const at = (host) => ({ ...env, HTTPS_PROXY: '', https_proxy: `http://${host}:${port}` });
	for (const host of ['127.0.0.1', '127.0.0.5', 'localhost', ownAddress()].filter(Boolean))
		healthy(await doctor(s, at(host)));
	sick(await doctor(s, at('192.0.2.1')), 'https-proxy',
		/leads past tracetape, to 192\.0\.2\.1:/, /tracetape env/);
});

test('another first host than the API', async (s) => {
	await forward(s, { set: { [keys.intercept]: '*.a.example llm.example', [keys.resolve]:
		`llm.example=127.0.0.1:${await deadPort()}` } });
	const r = sick(await doctor(s), 'connect', /^upstream_connect: llm\.example:443/, /./,
		['ingest', 'upstream']);
	assert.equal(verdict(r, 'base-url'), 'ok');
});

test('only suffixes, or nothing, to intercept', async (s) => {
	await forward(s, { set: { [keys.intercept]: '*.example' } });
	let r = healthy(await doctor(s));
	assert.equal(verdict(r, 'connect'), 'skip');
	assert.match(r.of('connect')[0].what, /no single host/);
	await forward(s, { store: 'none', set: { [keys.intercept]: '' } });
	r = healthy(await doctor(s));
	assert.equal(verdict(r, 'ca'), 'warn');
	assert.equal(verdict(r, 'connect'), 'skip');
	assert.equal(verdict(r, 'base-url'), 'ok');
});

test('a TLS listener with a certificate of the operator\'s is a warning', async (s) => {
	const { issuer } = s.chain;
	await forward(s, { tlsListen: true, set: { 'tls.cert_file': issuer.file('good.pem'),
		'tls.key_file': issuer.file('good.key') } });
	const r = healthy(await doctor(s));
	assert.equal(verdict(r, 'tls-listener'), 'warn');
	assert.match(r.of('tls-listener')[0].what, /signed by CN=root: not by our CA/);
	assert.match(r.of('tls-listener')[0].remedy, /tls\.cert_file/);
});

test('a CA whose key others may read', async (s) => {
	await forward(s);
	chmodSync(join(s.tape.caDir, 'ca.key'), 0o644);
	const r = sick(await doctor(s), 'ca', /ca\.key|key/, /tracetape ca show/);
	assert.equal(verdict(r, 'connect'), 'skip');
	chmodSync(join(s.tape.caDir, 'ca.key'), 0o600);
	healthy(await doctor(s));
});

test('a proxy that admits nobody from here', async (s) => {
	await forward(s, { set: { [keys.allow]: '192.0.2.0/24' } });
	sick(await doctor(s), 'connect', /closed without an answer|reset/i, /forward\.allow/,
		['ingest', 'base-url']);
});

test('IPv6', async (s) => {
	const { ca, server } = chain();
	s.upstream = await s.origin({ server, answer: (r, c) => c.send('HTTP/1.1 200 OK\r\n' +
		'Content-Length: 2\r\n\r\nok') });
	try {
		s.tape = await s.record({ upstream: s.upstream.url, ca, set: {
			[keys.resolve]: `${official}=127.0.0.1:${s.upstream.port}` },
			args: ['--listen', '[::1]:0'] });
	} catch (e) {
		assert.match(s.tapes[0].log, /::1/);
		s.tapes[0].expectExit = s.tapes[0].exit;
		return;				/* no IPv6 here */
	}
	healthy(await doctor(s, await block(s)));
});

test('another store has another proxy', async (s) => {
	await forward(s);
	const env = await block(s);
	const r = await program(binary, ['doctor', '-s', join(s.dir, 'elsewhere'), '-o', 'json'], env);
	assert.equal(r.code, 1);
	assert.match(JSON.parse(r.out).checks[0].what, /no proxy records into .*elsewhere/);
	await forward(s, { store: 'second' });
	const other = sick(await doctor(s, env), 'trust', /another store's$/, /tracetape env/);
	assert.equal(verdict(other, 'https-proxy'), 'warn');
	assert.match(other.of('https-proxy')[0].what, /leads past tracetape/);
});
