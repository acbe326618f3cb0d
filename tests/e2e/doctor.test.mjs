/* doctor: every door of a healthy proxy, and set-ups that are broken in the proxy or
 * behind it; each is named, with what to do. */
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, assert, keys } from './lib/scene.mjs';
import { block, doctor, doctorText, healthy, sick } from './lib/doctor.mjs';
import { chain, forward, official, ok } from './lib/proxy_forward.mjs';
import { program } from './lib/proxy_programs.mjs';
import { Dns } from './lib/proxy_dns.mjs';
import { binary, run } from './lib/tape.mjs';
import { deadPort, listener } from './lib/via.mjs';

const routes = ['connect', 'ingest', 'base-url'];
const unauthorized = '{"error":{"message":"Missing bearer","type":"invalid_request_error"}}';
const refusal = (r, c) => c.send('HTTP/1.1 401 Unauthorized\r\nContent-Type: application/json\r\n' +
	`Content-Length: ${unauthorized.length}\r\n\r\n${unauthorized}`);

test('a healthy set-up passes, and every door has been proven', async (s) => {
	await forward(s, { tlsListen: true, answer: refusal });
	const r = healthy(await doctor(s, await block(s)));
	for (const check of ['proxy', 'ca', ...routes, 'tls-listener', 'record', 'https-proxy',
		'no-proxy', 'node'])
		assert.deepEqual(r.of(check).map((c) => c.verdict), ['ok'], check);
	assert.ok(r.of('upstream').every((c) => c.verdict === 'ok' && /verified/.test(c.what)));
	assert.equal(r.of('upstream').length, 2);	/* api.openai.com, localhost */
	assert.ok(r.of('trust').length >= 6);
	assert.ok(r.of('trust').every((c) => c.verdict === 'ok'), JSON.stringify(r.of('trust')));
	assert.match(r.of('connect')[0].what, /answered 401/);
	const records = await s.tape.settled(4);
	assert.deepEqual(records.map((x) => x.mode).sort(),
		['forward', 'forward', 'redirected', 'reverse']);
	assert.ok(records.every((x) => x.outcome === 'complete' && x.status === 401));
	assert.ok(records.filter((x) => x.mode === 'forward').every((x) => x.label === 'doctor'));
	assert.ok(records.every((x) => /\?tracetape_canary=[0-9a-f]{32}-\d$/.test(x.path)));
});

test('canaries carry no credentials, and no cookie', async (s) => {
	await forward(s, { answer: refusal });
	healthy(await doctor(s, { ...await block(s), OPENAI_API_KEY: 'sk-secret-1' }));
	assert.equal(s.upstream.requests.length, 3);
	for (const { head } of s.upstream.requests)
		for (const name of ['authorization', 'cookie', 'proxy-authorization', 'api-key'])
			assert.equal(head.get(name), undefined);
	assert.ok(!s.upstream.received.includes('sk-secret-1'));
});

test('a shell that knows nothing of the proxy is a warning', async (s) => {
	await forward(s);
	const r = healthy(await doctor(s));
	assert.equal(r.of('https-proxy')[0].verdict, 'warn');
	assert.match(r.of('https-proxy')[0].remedy, /eval "\$\(tracetape env -s .*\)"/);
	sick(await doctor(s, {}, ['--strict']), 'https-proxy', /--strict/, /tracetape env/,
		['trust', 'node']);
});

test('the text has a line per check, and the remedy under it', async (s) => {
	await forward(s, { set: { [keys.resolve]: `${official}=127.0.0.1:${await deadPort()}` } });
	const { code, out } = await doctorText(s, await block(s));
	assert.equal(code, 1);
	assert.match(out, /^ok {4}proxy /m);
	assert.match(out, /^FAIL {2}connect .*upstream_connect.*\n {6}=> .*outbound TCP 443/m);
	assert.match(out, /^FAIL {2}ingest .*\n {6}=> as above$/m);
	assert.match(out, /^ok {4}base-url /m);
	assert.match(out, /\n\d of \d+ checks failed\n$/);
});

test('under run the private proxy and its block are healthy', async (s) => {
	const { ca, server } = chain();
	s.upstream = await s.origin({ server, answer: refusal });
	const r = await program(binary, ['run', '-s', join(s.dir, 'store'), '--upstream',
		s.upstream.url, '--upstream-ca', ca, '--set',
		`upstream.resolve=${official}=127.0.0.1:${s.upstream.port}`, '--', binary, 'doctor',
		'-s', join(s.dir, 'store'), '-o', 'json'],
		{ HOME: s.dir, NODE_USE_ENV_PROXY: '1', PATH: '/nonexistent' });
	assert.equal(r.code, 0, r.out + r.err);
	const { checks } = JSON.parse(r.out);
	for (const check of [...routes, 'https-proxy', 'no-proxy', 'record'])
		assert.equal(checks.find((c) => c.check === check).verdict, 'ok', check);
	assert.equal(checks.find((c) => c.check === 'node').verdict, 'skip');
});

/* The six set-ups that must be told apart: no proxy, ... */
test('no proxy', async (s) => {
	await forward(s);
	const env = await block(s);
	await s.tape.stop();
	sick(await doctor(s, env), 'https-proxy', /where no proxy of this store listens/,
		/tracetape proxy -s \S+ --listen 127\.0\.0\.1:\d+/, ['proxy']);
	sick(await doctor(s), 'proxy', /no proxy records into/, /tracetape proxy -s /);
	rmSync(s.tape.store, { recursive: true });
	sick(await doctor(s), 'proxy', /no proxy records into/, /tracetape run -s /);
});

/* ... the wrong CA, ... */
test('a CA that was made anew while the proxy ran', async (s) => {
	await forward(s, { tlsListen: true });
	const env = await block(s);
	const { code } = await run(s.dir, ['ca', 'rotate', '--yes', '--ca-dir', s.tape.caDir]);
	assert.equal(code, 0);
	sick(await doctor(s, env), 'connect', /signed by .*tracetape CA .*not the CA on disk/,
		/start the proxy again/, ['ingest', 'tls-listener', 'trust']);
});

test('variables that still name an earlier CA', async (s) => {
	await forward(s);
	const env = await block(s);
	const old = join(s.dir, 'old.pem');
	const { out } = await run(s.dir, ['ca', 'show', '-o', 'pem', '--ca-dir', s.tape.caDir]);
	writeFileSync(old, out);
	await s.tape.stop();
	await run(s.dir, ['ca', 'rotate', '--yes', '--ca-dir', s.tape.caDir]);
	await forward(s, { args: ['--listen', `127.0.0.1:${s.tape.port}`] });
	const now = await block(s);
	const r = sick(await doctor(s, { ...now, NODE_EXTRA_CA_CERTS: old }), 'trust',
		/^NODE_EXTRA_CA_CERTS=\S+ holds another CA of tracetape \(.*: an earlier one/,
		/eval "\$\(tracetape env/);
	assert.equal(r.of('connect')[0].verdict, 'ok');
	assert.equal(env.NODE_EXTRA_CA_CERTS, now.NODE_EXTRA_CA_CERTS);
	healthy(await doctor(s, now));
});

test('the CA of somebody else, or none, where ours is needed', async (s) => {
	await forward(s);
	const env = await block(s);
	const variables = { NODE_EXTRA_CA_CERTS: /Node/, SSL_CERT_FILE: /httpx/,
		REQUESTS_CA_BUNDLE: /requests/, CURL_CA_BUNDLE: /curl/, GIT_SSL_CAINFO: /git/ };
	for (const [name, who] of Object.entries(variables)) {
		const r = sick(await doctor(s, { ...env, [name]: chain().ca }), 'trust',
			new RegExp(`^${name}=\\S+ does not hold our CA`), /tracetape env/);
		assert.match(r.of('trust').find((c) => c.verdict === 'fail').what, who);
	}
	sick(await doctor(s, { ...env, SSL_CERT_FILE: join(s.dir, 'none') }), 'trust',
		/^SSL_CERT_FILE=\S+none: No such file/, /tracetape env/);
	sick(await doctor(s, { ...env, CURL_CA_BUNDLE: '/dev/zero' }), 'trust',
		/^CURL_CA_BUNDLE=\/dev\/zero/, /tracetape env/);
	writeFileSync(join(s.dir, 'junk'), '-----BEGIN CERTIFICATE-----\nAAAA\n'.repeat(3));
	sick(await doctor(s, { ...env, CURL_CA_BUNDLE: join(s.dir, 'junk') }), 'trust',
		/holds no certificate/, /tracetape env/);
});

test('--ca-dir of another CA', async (s) => {
	await forward(s);
	await run(s.dir, ['ca', 'init', '--ca-dir', join(s.dir, 'other-ca')]);
	sick(await doctor(s, {}, ['--ca-dir', join(s.dir, 'other-ca')]), 'connect',
		/not the CA on disk \(.*other-ca\)/, /leave --ca-dir out/, ['ingest']);
	sick(await doctor(s, {}, ['--ca-dir', join(s.dir, 'nowhere')]), 'ca', /nowhere: there is no CA/,
		/leave --ca-dir out/);
});

/* ... an upstream whose certificate is bad, ... */
test('an upstream with a certificate that nobody vouches for', async (s) => {
	await forward(s, { server: s.chain.server });
	const r = sick(await doctor(s, await block(s)), 'connect',
		/^upstream_certificate: .*not signed by a trusted CA/, /--upstream-ca/,
		['ingest', 'base-url', 'upstream']);
	assert.match(r.of('upstream')[0].what, /^api\.openai\.com:443: upstream_certificate/);
	assert.equal(r.of('record')[0].verdict, 'ok');
});

/* ... and names that do not resolve. */
test('a name server that does not know the upstream, or is silent', async (s) => {
	const dns = await Dns.start(s, {});
	for (const at of [dns.address, `127.0.0.1:${await deadPort()}`]) {
		s.tape = await s.record({ upstream: `https://${official}`, store: at.replace(':', '-'),
			set: { [keys.dns]: at, [keys.connectMs]: 500 } });
		sick(await doctor(s), 'connect', /^upstream_dns: /, /upstream\.dns=/,
			['ingest', 'base-url', 'upstream']);
	}
});

test('an upstream that leads back to us', async (s) => {
	const port = await deadPort();
	s.tape = await s.record({ upstream: `https://${official}`, tlsListen: true, set: {
		[keys.resolve]: `${official}=127.0.0.1:${port}` },
		args: ['--tls-listen', `127.0.0.1:${port}`] });
	sick(await doctor(s), 'connect', /^upstream_loop: /, /leads back to tracetape/,
		['ingest', 'base-url', 'tls-listener', 'upstream']);
});

const failing = {
	'that does not listen': ['upstream_connect', async () => deadPort(), /outbound TCP 443/],
	'that says nothing': ['upstream_timeout', async (s) => (await listener(s, () => {})).port,
		/firewall/],
	'that speaks no TLS': ['upstream_tls', async (s) => (await listener(s, (w) =>
		w.send('HTTP/1.1 400 Bad Request\r\n\r\n'))).port, /speaks no TLS/],
};

for (const [what, [code, at, remedy]] of Object.entries(failing)) {
	test(`an upstream ${what}`, async (s) => {
		const port = await at(s);
		s.tape = await s.record({ upstream: `https://${official}`, set: {
			[keys.resolve]: `${official}=127.0.0.1:${port}`, [keys.handshakeMs]: 300 } });
		sick(await doctor(s), 'connect', new RegExp(`^${code}: `), remedy,
			['ingest', 'base-url', 'upstream']);
	});
}

test('another proxy on the way that refuses', async (s) => {
	const via = await listener(s, async (w) => {
		await w.nextHead();
		w.send('HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n');
		w.end();
	});
	s.tape = await s.record({ upstream: `https://${official}`, set: {
		[keys.via]: `http://me:hushhush@127.0.0.1:${via.port}` } });
	const r = sick(await doctor(s), 'connect', /^upstream_via: /, /upstream\.via/,
		['ingest', 'base-url', 'upstream']);
	assert.ok(!r.out.includes('hushhush'));
});

test('trace batches that stay here are answered by the proxy', async (s) => {
	await forward(s, { set: { [keys.traces]: 'local' } });
	const r = healthy(await doctor(s, await block(s)));
	assert.match(r.of('ingest')[0].what, /answered 204 .*by the proxy itself/);
	assert.ok(s.upstream.requests.every(({ head }) => head.method === 'GET'));
});

test('an upstream that knows no traces is a warning', async (s) => {
	await forward(s, { answer: (r, c) => c.send(r.head.method === 'POST' ?
		'HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n' : ok) });
	const r = healthy(await doctor(s, await block(s)));
	assert.equal(r.of('ingest')[0].verdict, 'warn');
});

test('a proxy that stands still', async (s) => {
	await forward(s);
	s.tape.kill('SIGSTOP');
	try {
		sick(await doctor(s, {}, ['--timeout', '0.5']), 'connect', /no answer in time/,
			/log/, ['ingest', 'base-url']);
	} finally {
		s.tape.kill('SIGCONT');
	}
});

test('usage and trouble have their own exit codes', async (s) => {
	await forward(s);
	for (const args of [['--timeout', 'x'], ['--timeout', '0'], ['--timeout', 'nan'],
		['-o', 'yaml'], ['extra'], ['--nope']])
		assert.equal((await doctor(s, {}, args)).code, 2, args.join(' '));
	const r = await doctorText(s, {}, ['--help']);
	assert.equal(r.code, 0);
	assert.match(r.out, /Exit status/);
	const full = await program('/bin/sh', ['-c', `exec "${binary}" doctor -s "${s.tape.store}"` +
		' >/dev/full'], { HOME: s.dir });
	assert.equal(full.code, 3);
	assert.match(full.err, /cannot write/);
});
