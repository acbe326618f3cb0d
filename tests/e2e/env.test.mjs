/* tracetape env: the block of variables, for eval. */
import { execFileSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, assert } from './lib/scene.mjs';
import { json } from './lib/api.mjs';
import { chain, forward, official } from './lib/proxy_forward.mjs';
import { environmentOf, Running } from './lib/runs.mjs';
import { binary, run } from './lib/tape.mjs';

const names = ['HTTPS_PROXY', 'https_proxy', 'NODE_USE_ENV_PROXY', 'NO_PROXY', 'no_proxy',
	'NODE_EXTRA_CA_CERTS', 'REQUESTS_CA_BUNDLE', 'CURL_CA_BUNDLE', 'GIT_SSL_CAINFO',
	'CODEX_CA_CERTIFICATE', 'SSL_CERT_FILE', 'TRACETAPE_PROXY'];
const none = { SSL_CERT_FILE: '', REQUESTS_CA_BUNDLE: '', CURL_CA_BUNDLE: '',
	GIT_SSL_CAINFO: '', CODEX_CA_CERTIFICATE: '' };

const has = (shell) => {
	try {
		execFileSync(shell, ['-c', 'true']);
		return true;
	} catch {
		return false;
	}
};

/* `tracetape env` on the scene's store. */
const env = (s, args = [], own = {}) => new Running(s, binary, ['env', '-s', s.tape.store,
	...args], { env: none, own }).ends();

test('without a proxy nothing is printed, and the shell still works', async (s) => {
	const store = join(s.dir, 'none');
	const r = await run(s.dir, ['env', '-s', store]);
	assert.equal(r.code, 1);
	assert.equal(r.out.toString(), '');
	assert.match(r.err, /no proxy records into .*none: start one with `tracetape proxy`/);
	assert.equal(existsSync(store), false);
	const sh = await new Running(s, 'sh', ['-ec',
		`eval "$(${binary} env -s '${store}')"; echo fine`]).ends();
	assert.equal(sh.text, 'fine\n');
});

test('a proxy that has ended counts no more', async (s) => {
	await s.start();
	assert.equal((await env(s)).code, 0);
	await s.tape.stop();
	const r = await env(s);
	assert.equal(r.code, 1);
	assert.equal(r.text, '');
});

/* How each shell takes it in. */
const shells = {
	sh: (cmd) => `eval "$(${cmd})"`,
	dash: (cmd) => `eval "$(${cmd})"`,
	bash: (cmd) => `eval "$(${cmd})"`,
	zsh: (cmd) => `eval "$(${cmd})"`,
	fish: (cmd) => `${cmd} | source`,
};

for (const [shell, takes] of Object.entries(shells))
	has(shell) && test(`${shell} reads the block, whatever is in it`, async (s) => {
		const odd = `st'ore "a" $HOME \`x\` \\n \\' é`;
		await s.start({ store: odd });
		const cmd = `"$T" env -s "$S" --shell ${shell}`;
		const r = await new Running(s, shell, ['-c', `${takes(cmd)}; env -0`], { env: none,
			own: { T: binary, S: s.tape.store, NO_PROXY: `a'b.example` } }).ends();
		assert.equal(r.code, 0, r.err);
		const got = Object.fromEntries(r.text.split('\0').map((l) => [l.split('=')[0],
			l.slice(l.indexOf('=') + 1)]));
		assert.equal(got.NODE_EXTRA_CA_CERTS, s.tape.caPath);
		assert.equal(got.SSL_CERT_FILE, join(s.tape.caDir, 'bundle.pem'));
		assert.equal(got.NO_PROXY, `a'b.example,127.0.0.1,localhost`);
		assert.equal(got.HTTPS_PROXY, s.tape.url);
		const { text } = await env(s, ['--json'], { NO_PROXY: `a'b.example` });
		const object = JSON.parse(text);
		assert.deepEqual(Object.keys(object).sort(), [...names].sort());
		for (const name of names)
			assert.equal(got[name], object[name], name);
	});

test('the form is guessed from $SHELL', async (s) => {
	await s.start();
	assert.match((await env(s, [], { SHELL: '/usr/bin/fish' })).text, /^set -gx HTTPS_PROXY '/);
	assert.match((await env(s, [], { SHELL: '/bin/zsh' })).text, /^export HTTPS_PROXY='/);
	assert.match((await env(s, ['--shell', 'sh'], { SHELL: 'fish' })).text, /^export /);
});

test('the variables are those of the proxy that is up', async (s) => {
	await s.start();
	const { text } = await env(s, ['--json', '--base-url', '--label', 'my shell'],
		{ NO_PROXY: 'intern.example,openai.com,*' });
	const v = JSON.parse(text);
	assert.equal(v.HTTPS_PROXY, `http://my%20shell:x@127.0.0.1:${s.tape.port}`);
	assert.equal(v.https_proxy, v.HTTPS_PROXY);
	assert.equal(v.OPENAI_BASE_URL, `${s.tape.url}/v1`);
	assert.equal(v.NODE_USE_ENV_PROXY, '1');
	assert.equal(v.NO_PROXY, 'intern.example,127.0.0.1,localhost');
	assert.equal(v.HTTP_PROXY, undefined);
});

test('a shell with the block records, and labels', async (s) => {
	await forward(s, { answer: (_, conn) => conn.send(json({ ok: true })) });
	const r = await new Running(s, 'sh', ['-c', `eval "$("$T" env -s "$S" --label shell)"; ` +
		`eval "$("$T" env -s "$S" --label shell)"; curl -sS https://${official}/v1/models`],
	{ env: none, own: { T: binary, S: s.tape.store } }).ends();
	assert.match(r.text, /"ok": true/, r.err);
	const [record] = await s.tape.settled(1);
	assert.equal(record.label, 'shell');
	assert.equal(record.mode, 'forward');
});

test('a proxy that wants a password gets the one that the user has', async (s) => {
	const file = join(s.dir, 'users');
	writeFileSync(file, 'me:geheim\n', { mode: 0o600 });
	await s.start({ set: { 'forward.auth_file': file } });
	const without = await env(s);
	assert.equal(without.code, 3);
	assert.equal(without.text, '');
	assert.match(without.err, /wants a password: export HTTPS_PROXY=http:\/\/NAME:PASSWORD@127/);
	const url = `http://me:geheim@127.0.0.1:${s.tape.port}`;
	const { text } = await env(s, ['--json'], { HTTPS_PROXY: `${url}/` });
	assert.equal(JSON.parse(text).HTTPS_PROXY, url);
	const other = await env(s, [], { HTTPS_PROXY: 'http://me:geheim@127.0.0.1:1' });
	assert.equal(other.code, 3);
});

test('roots that the user names stay in what is named instead', async (s) => {
	await s.start();
	const { text } = await env(s, ['--json'], { SSL_CERT_FILE: chain().ca,
		REQUESTS_CA_BUNDLE: chain().ca });
	const v = JSON.parse(text);
	for (const name of ['SSL_CERT_FILE', 'REQUESTS_CA_BUNDLE'])
		for (const ca of [chain().ca, s.tape.caPath])
			execFileSync('openssl', ['verify', '-no-CApath', '-CAfile', v[name], ca]);
});

test('wrong usage exits 2', async (s) => {
	for (const args of [['--shell', 'tcsh'], ['--label', 'a:b'], ['more'], ['--nonsense'],
		['-c', '/no/such/file']]) {
		const r = await run(s.dir, ['env', ...args]);
		assert.equal(r.code, 2, r.err);
		assert.equal(r.out.toString(), '');
		assert.match(r.err, /tracetape env: /);
	}
	assert.match((await run(s.dir, ['env', '--help'])).out.toString(), /^usage: eval /);
});

test('the environment that run gives is the one that env prints', async (s) => {
	await s.start();
	const { text } = await env(s, ['--json', '--label', 'same']);
	const r = await new Running(s, binary, ['run', '-s', s.tape.store, '--label', 'same', 'env'],
		{ env: none }).ends();
	const got = environmentOf(r.text);
	for (const [name, value] of Object.entries(JSON.parse(text)))
		assert.equal(got[name], value, name);
});
