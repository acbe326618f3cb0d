/* doctor: what the environment makes of programs that are started in it. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, assert, keys } from './lib/scene.mjs';
import { block, doctor, doctorText, healthy, nodeThat, nodeVersion, sick } from './lib/doctor.mjs';
import { forward, official } from './lib/proxy_forward.mjs';

const without = (env, ...names) => Object.fromEntries(Object.entries(env)
	.filter(([k]) => !names.includes(k)));

/* NO_PROXY that takes the API away from the proxy, as this or that client reads it. */
const taken = [official, 'API.OpenAI.com', `${official}.`, '.openai.com', '*.openai.com', '*',
	'openai.com', 'com', `${official}:443`, `localhost,${official}`, `a.test ${official}`];
const left = ['localhost', '127.0.0.1,::1', `${official}:8443`, 'eu.other.test', 'notopenai.com',
	'10.0.0.0/8', ' , '];

test('NO_PROXY that covers the API', async (s) => {
	await forward(s);
	const env = await block(s);
	for (const value of taken)
		for (const name of ['no_proxy', 'NO_PROXY'])
			sick(await doctor(s, { ...without(env, 'no_proxy', 'NO_PROXY'), [name]: value }),
				'no-proxy', new RegExp(`^${name} has '`), /tracetape env.* leaves it out/);
	for (const value of left)
		healthy(await doctor(s, { ...env, no_proxy: value, NO_PROXY: official }));
	sick(await doctor(s, { NO_PROXY: official }), 'no-proxy', /api\.openai\.com is reached past/,
		/NO_PROXY/);
});

/* HTTPS_PROXY. */
test('the lower case of HTTPS_PROXY wins', async (s) => {
	await forward(s);
	const env = await block(s);
	const other = 'http://me:hush@other.test:3128';
	const r = sick(await doctor(s, { ...env, https_proxy: other }), 'https-proxy',
		/but https_proxy, which wins, to other\.test:3128/, /export https_proxy=/);
	assert.ok(!r.out.includes('hush'));
	healthy(await doctor(s, { ...env, HTTPS_PROXY: other }));
	healthy(await doctor(s, { ...env, https_proxy: '' }));
});

test('HTTPS_PROXY in all the ways it is written', async (s) => {
	await forward(s, { tlsListen: true });
	const env = without(await block(s), 'https_proxy');
	const { port, tlsPort } = s.tape;
	for (const url of [`http://127.0.0.1:${port}/`, `http://localhost:${port}`,
		`HTTP://me:x@127.0.0.1:${port}`, `https://localhost:${tlsPort}`])
		healthy(await doctor(s, { ...env, HTTPS_PROXY: url }));
	for (const url of [`127.0.0.1:${port}`, `socks5://127.0.0.1:${port}`, 'http://', 'http://a b'])
		sick(await doctor(s, { ...env, HTTPS_PROXY: url }), 'https-proxy',
			/^HTTPS_PROXY is not http:\/\/\[NAME/, /tracetape env/);
	for (const url of [`http://127.0.0.1:${tlsPort}`, `https://127.0.0.1:${port}`,
		`http://127.0.0.2:${port}`, 'http://corp.test:3128'])
		sick(await doctor(s, { ...env, HTTPS_PROXY: url }), 'https-proxy',
			/leads past tracetape, to/, /upstream\.via=/);
});

test('an environment that is set by half fails', async (s) => {
	await forward(s);
	const env = await block(s);
	const only = { PATH: env.PATH, HTTPS_PROXY: env.HTTPS_PROXY };
	const r = sick(await doctor(s, only), 'trust', /^NODE_EXTRA_CA_CERTS is not set: Node will/,
		/tracetape env/, ['node']);
	assert.deepEqual(r.of('trust').map((c) => c.verdict),
		['fail', 'fail', 'warn', 'warn', 'warn', 'warn']);
	sick(await doctor(s, without(env, 'HTTPS_PROXY', 'https_proxy')), 'https-proxy',
		/not set, though \w+ names our CA/, /tracetape env/);
	sick(await doctor(s, without(env, 'NODE_USE_ENV_PROXY')), 'node',
		/only with NODE_USE_ENV_PROXY=1/, /export NODE_USE_ENV_PROXY=1/);
	healthy(await doctor(s, { ...without(env, 'NODE_USE_ENV_PROXY'), PATH: '/nonexistent' }));
});

test('an earlier CA in a bundle is named by fingerprint and day', async (s) => {
	await forward(s);
	const env = await block(s);
	const one = readFileSync(s.tape.caPath, 'utf8');
	await s.tape.stop();
	await forward(s, { store: 'another' });
	const bundle = join(s.dir, 'mixed.pem');
	writeFileSync(bundle, readFileSync('/etc/ssl/certs/ca-certificates.crt', 'utf8') + one);
	const now = await block(s);
	sick(await doctor(s, { ...now, SSL_CERT_FILE: bundle }), 'trust',
		/^SSL_CERT_FILE=\S+ holds .* \(([0-9A-F]{2}:){3}[0-9A-F]{2}, made \d{4}-\d\d-\d\d\)/,
		/tracetape env/);
	healthy(await doctor(s, { ...now, SSL_CERT_FILE: s.tape.caPath }));	/* a warning */
	assert.notEqual(env.SSL_CERT_FILE, now.SSL_CERT_FILE);
});

/* Node. */
test('a Node that knows no proxy', async (s) => {
	await forward(s);
	const env = await block(s);
	const at = (version) => ({ ...env, PATH: `${nodeVersion(s, version)}:${env.PATH}` });
	for (const version of ['20.1.0', '18.20.4', '22.20.9', '23.11.0'])
		sick(await doctor(s, at(version)), 'node', new RegExp(`^Node ${version},`),
			/use --base-url .* or a newer Node/);
	for (const version of ['22.21.0', '24.0.0', '26.3.1'])
		healthy(await doctor(s, at(version)));
	const base = { ...at('20.1.0'), OPENAI_BASE_URL: `${s.tape.url}/v1` };
	assert.equal(healthy(await doctor(s, base)).of('node')[0].verdict, 'warn');
});

test('a node that is none, hangs, or floods', async (s) => {
	await forward(s);
	const env = await block(s);
	for (const text of ['echo hello', 'exit 1', 'sleep 1000 & sleep 1000', 'yes v24', 'echo v24',
		'exec >&-; sleep 1000', 'echo v99999999999999999999.1.1']) {
		const began = performance.now();
		const r = healthy(await doctor(s, { ...env, PATH: `${nodeThat(s, text)}:${env.PATH}` },
			['--timeout', '1']));
		assert.equal(r.of('node')[0].verdict, 'warn', text);
		assert.ok(performance.now() - began < 20_000);
	}
});

/* OPENAI_BASE_URL and tracing. */
test('OPENAI_BASE_URL', async (s) => {
	await forward(s);
	const env = await block(s);
	for (const url of [`${s.tape.url}/v1`, `${s.tape.url}/v1/`, `https://${official}/v1`,
		`https://eu.${official}/v1`])
		healthy(await doctor(s, { ...env, OPENAI_BASE_URL: url }));
	const bad = [['http://127.0.0.1:9/v1', /127\.0\.0\.1:9, whose calls are not/, /unset OPENAI/],
		['https://me:hush@llm.example/v1?key=hush', /leads to llm\.example:443/,
			/forward\.intercept=/],
		[`http://${official}/v1`, /plain http/, /unset/], [s.tape.url, /but not to \/v1/, /\/v1$/],
		['llm', /is not http/, /unset/]];
	for (const [url, what, remedy] of bad) {
		const r = sick(await doctor(s, { ...env, OPENAI_BASE_URL: url }), 'openai-base-url',
			what, remedy);
		assert.ok(!r.out.includes('hush'));
	}
	const r = healthy(await doctor(s, { OPENAI_BASE_URL: `${s.tape.url}/v1` }));
	assert.match(r.of('https-proxy')[0].what, /trace batches do not/);
	healthy(await doctor(s, { OPENAI_BASE_URL: 'https://llm.example/v1' }));
});

test('tracing that is switched off is a warning', async (s) => {
	await forward(s);
	const env = await block(s);
	for (const [more, n] of [[{ OPENAI_AGENTS_DISABLE_TRACING: '1' }, 1], [{ NODE_ENV: 'test' }, 1],
		[{ OPENAI_AGENTS_DISABLE_TRACING: 'TRUE', NODE_ENV: 'test' }, 2],
		[{ OPENAI_AGENTS_DISABLE_TRACING: '0', NODE_ENV: 'production' }, 0]]) {
		const r = healthy(await doctor(s, { ...env, ...more }));
		assert.deepEqual(r.of('traces').map((c) => c.verdict), Array(n).fill('warn'));
	}
});

/* Passwords. */
test('a proxy with passwords is asked with the one of HTTPS_PROXY', async (s) => {
	const file = join(s.dir, 'users');
	writeFileSync(file, 'ann:s3cr3t\n', { mode: 0o600 });
	await forward(s, { set: { [keys.authFile]: file } });
	const skipped = healthy(await doctor(s));
	for (const check of ['connect', 'ingest']) {
		assert.equal(skipped.of(check)[0].verdict, 'skip');
		assert.match(skipped.of(check)[0].remedy, /HTTPS_PROXY=http:\/\/NAME:PASSWORD@/);
	}
	const with_ = (user) => ({ HTTPS_PROXY: `http://${user}@127.0.0.1:${s.tape.port}` });
	const env = await block(s, with_('ann:s3cr3t'));
	const r = healthy(await doctor(s, env));
	assert.equal(r.of('connect')[0].verdict, 'ok');
	const wrong = sick(await doctor(s, { ...env, https_proxy: with_('ann:wr0ng').HTTPS_PROXY }),
		'connect', /refused with 407: wrong name or password/, /forward\.auth_file/, ['ingest']);
	const text = await doctorText(s, env);
	for (const said of [r.out, wrong.out, text.out, text.err])
		assert.doesNotMatch(said, /s3cr3t|wr0ng|YW5u/);
});
