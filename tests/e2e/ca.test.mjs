/* The verb `ca`: what it makes, openssl, curl and node trust; what it replaces, they do not. */
import { execFile } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync,
	symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import tls from 'node:tls';
import { X509Certificate } from 'node:crypto';
import { test, assert } from './lib/scene.mjs';
import { Issuer } from './lib/certs.mjs';
import { run } from './lib/tape.mjs';

const mode = (file) => (statSync(file).mode & 0o777).toString(8);
const begin = '-----BEGIN CERTIFICATE-----';
const certificates = (pem) => pem.toString().split(begin).length - 1;

/* A program to its end: { code, out, err }. */
const program = (file, args, env = {}) => new Promise((done) => {
	execFile(file, args, { env: { PATH: process.env.PATH, ...env }, timeout: 30_000 },
		(e, out, err) => done({ code: e ? e.code ?? null : 0, out, err }));
});

/* tracetape ca with a store of the scene's and system's roots of its own. */
function caOf(s) {
	const roots = new Issuer(join(s.dir, 'roots')).root('one').root('two');
	const system = join(s.dir, 'system.pem');
	writeFileSync(system, ['one', 'two'].map((n) => readFileSync(roots.file(`${n}.pem`)))
		.join(''));
	const dir = join(s.dir, 'tape', 'ca');
	const place = ['-s', join(s.dir, 'tape')];
	const ca = (...args) => run(s.dir, ['ca', ...args.slice(0, 1), ...(args.length ? place : []),
		...args.slice(1)], { env: { SSL_CERT_FILE: system, ...ca.env } });
	const ok = async (...args) => {
		const r = await ca(...args);
		assert.equal(r.code, 0, r.err);
		return r.out.toString();
	};
	ca.env = {};
	return { ca, ok, dir, system, roots, pem: join(dir, 'ca.pem'), key: join(dir, 'ca.key'),
		bundle: join(dir, 'bundle.pem') };
}

const show = async (c) => JSON.parse(await c.ok('show', '-o', 'json'));

test('init makes a private key and a CA that openssl accepts, and only once', async (s) => {
	const c = caOf(s);
	const first = await c.ok('init');
	assert.equal(mode(c.dir), '700');
	assert.equal(mode(c.key), '600');
	const { out } = await program('openssl', ['x509', '-in', c.pem, '-noout', '-fingerprint',
		'-sha256']);
	const sum = out.trim().split('=')[1];
	assert.equal(first, `certificate  ${c.pem}\nsha256       ${sum}\n`);
	assert.equal(await c.ok('init'), first);
	const v = await program('openssl', ['verify', '-x509_strict', '-check_ss_sig', '-CAfile',
		c.pem, c.pem]);
	assert.equal(v.code, 0, v.err);
});

test('init knows when a host needs another CA', async (s) => {
	const c = caOf(s);
	await c.ok('init', '--permit', 'llm.example');
	await c.ok('init', '--permit', 'a.llm.example', '--permit', 'us.api.openai.com');
	const outside = await c.ca('init', '--permit', 'other.example');
	assert.equal(outside.code, 1);
	assert.match(outside.err, /ca rotate/);
	const wrong = await c.ca('init', '--permit', 'a b');
	assert.equal(wrong.code, 2);
});

test('show says the same as the certificate, as text, JSON and PEM', async (s) => {
	const c = caOf(s);
	await c.ok('init');
	const pem = await c.ok('show', '-o', 'pem');
	assert.equal(pem, readFileSync(c.pem, 'utf8'));
	const x = new X509Certificate(pem);
	const j = await show(c);
	assert.equal(j.sha256, x.fingerprint256);
	assert.equal(`CN=${j.subject}`, x.subject.replaceAll('\\', ''));
	assert.equal(Date.parse(j.not_before), Date.parse(x.validFrom));
	assert.equal(Date.parse(j.not_after), Date.parse(x.validTo));
	assert.deepEqual(j.permitted, ['api.openai.com', 'localhost', '127.0.0.1', '::1']);
	assert.deepEqual([j.certificate, j.key, j.bundle], [c.pem, c.key, c.bundle]);
	assert.equal(j.bundle_is_current, true);
	const text = await c.ok('show');
	for (const part of [j.subject, j.sha256, j.not_before, j.not_after, ...j.permitted, c.pem])
		assert.ok(text.includes(part), part);
});

test('the bundle is the system\'s roots and ours, and is replaced as a whole', async (s) => {
	const c = caOf(s);
	await c.ok('init');
	const pem = await c.ok('bundle');
	assert.equal(certificates(pem), 3);
	assert.ok(pem.startsWith(readFileSync(c.system, 'utf8')));
	assert.ok(pem.endsWith(readFileSync(c.pem, 'utf8')));
	for (const cert of [c.pem, c.roots.file('one.pem'), c.roots.file('two.pem')]) {
		const file = join(s.dir, 'out.pem');
		assert.equal(await c.ok('bundle', '-o', file), '');
		const v = await program('openssl', ['verify', '-CAfile', file, '-no-CApath', cert]);
		assert.equal(v.code, 0, v.err);
		assert.equal(mode(file), '644');
	}
	assert.equal(readFileSync(c.bundle, 'utf8'), pem);
	/* The system's roots change. */
	writeFileSync(c.system, readFileSync(c.roots.file('one.pem')));
	assert.equal((await show(c)).bundle_is_current, false);
	assert.equal(await c.ok('bundle', '--write'), `${c.bundle}\n`);
	assert.equal(certificates(readFileSync(c.bundle)), 2);
	assert.deepEqual(readdirSync(c.dir).filter((f) => f.endsWith('.new')), []);
});

test('a bundle made from a bundle of ours trusts our CA once', async (s) => {
	const c = caOf(s);
	await c.ok('init');
	const pem = await c.ok('bundle');
	c.ca.env = { SSL_CERT_FILE: c.bundle };
	assert.equal(await c.ok('bundle'), pem);
	await c.ok('rotate', '--yes');
	const after = await c.ok('bundle');
	assert.equal(certificates(after), 3);
	assert.ok(after.endsWith(readFileSync(c.pem, 'utf8')));
	assert.equal(readFileSync(c.bundle, 'utf8'), after);
	/* What is not there yet, and our CA alone, stand for the system's. */
	for (const file of [join(s.dir, 'none.pem'), c.pem]) {
		c.ca.env = { SSL_CERT_FILE: file };
		const r = await c.ca('bundle');
		assert.ok(r.code === 0 ? certificates(r.out) > 1 : /no trusted roots/.test(r.err), r.err);
	}
});

test('a bundle is not written over what is no file, nor from half a file of roots', async (s) => {
	const c = caOf(s);
	await c.ok('init');
	const device = await c.ca('bundle', '-o', '/dev/null');
	assert.equal(device.code, 2);
	assert.ok(statSync('/dev/null').isCharacterDevice());
	assert.equal((await c.ca('bundle', '-o', join(s.dir, 'no', 'such'))).code, 3);
	const real = join(s.dir, 'real.pem');
	writeFileSync(real, 'old');
	symlinkSync(real, join(s.dir, 'link.pem'));
	await c.ok('bundle', '-o', join(s.dir, 'link.pem'));
	assert.equal(certificates(readFileSync(real)), 3);
	writeFileSync(c.system, `${begin}\nMII`);
	const half = await c.ca('bundle', '-o', real);
	assert.equal(half.code, 3);
	assert.match(half.err, /system\.pem/);
	assert.equal(certificates(readFileSync(real)), 3);
});

test('curl and node trust the TLS listener with what ca hands out, and not without', async (s) => {
	const c = caOf(s);
	await c.ok('init');
	await s.start({ tlsListen: true, args: ['--ca-dir', c.dir],
		answer: (r, conn) => conn.send('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok') });
	const url = `https://localhost:${s.tape.tlsPort}/v1/models`;
	const curl = (...more) => program('curl', ['-sS', '--noproxy', '*', '--resolve',
		`localhost:${s.tape.tlsPort}:127.0.0.1`, ...more, url]);
	assert.deepEqual([(await curl('--cacert', c.bundle)).out, (await curl('--cacert', c.pem)).out],
		['ok', 'ok']);
	assert.equal((await curl('--cacert', c.system)).code, 60);
	const script = 'fetch(process.argv[1]).then((r) => r.text()).then((t) => console.log(t))';
	const fetched = (env) => program(process.execPath, ['-e', script, url], env);
	/* The commands of `ca install` do as they stand. */
	const exported = (await c.ok('install', 'node')).match(/^export (\w+)=(.*)$/m);
	assert.deepEqual(exported.slice(1), ['NODE_EXTRA_CA_CERTS', c.pem]);
	assert.equal((await fetched({ [exported[1]]: exported[2] })).out, 'ok\n');
	assert.notEqual((await fetched({})).code, 0);
});

/* A leaf that somebody makes who has stolen ca.key, as node:tls wants it. */
async function stolenLeaf(s, c, host) {
	const at = (suffix) => join(s.dir, `${host}.${suffix}`);
	writeFileSync(at('ext'), `subjectAltName=DNS:${host}\nextendedKeyUsage=serverAuth\n`);
	for (const args of [['req', '-new', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256',
		'-nodes', '-subj', `/CN=${host}`, '-keyout', at('key'), '-out', at('csr')],
	['x509', '-req', '-in', at('csr'), '-CA', c.pem, '-CAkey', c.key, '-set_serial', '77',
		'-days', '9', '-extfile', at('ext'), '-out', at('pem')]]) {
		const r = await program('openssl', args);
		assert.equal(r.code, 0, r.err);
	}
	return { file: at('pem'), server: { key: readFileSync(at('key')),
		cert: readFileSync(at('pem')) } };
}

const constraint = /permitted subtree violation|violates the signer's constraints/;
/* Why each client refuses the server that shows leaf; '' when it does not. */
async function refusals(s, c, host, leaf) {
	const server = tls.createServer(leaf.server, (socket) => {
		socket.on('error', () => {});
		socket.once('data', () => socket.end('HTTP/1.1 204 No Content\r\n\r\n'));
	}).on('tlsClientError', () => {});
	await new Promise((done) => server.listen(0, '127.0.0.1', done));
	s.atEnd(() => server.close());
	const { port } = server.address();
	const said = async (...args) => {
		const r = await program(...args);
		return r.code === 0 ? '' : r.out + r.err;
	};
	return {
		openssl: await said('openssl', ['verify', '-CAfile', c.pem, leaf.file]),
		curl: await said('curl', ['-sS', '--noproxy', '*', '--cacert', c.pem, '--resolve',
			`${host}:${port}:127.0.0.1`, `https://${host}:${port}/`]),
		gnutls: await said('certtool', ['--verify', '--load-ca-certificate', c.pem, '--infile',
			leaf.file]),
		node: await s.tlsClient({ port, ca: readFileSync(c.pem), servername: host })
			.then(() => '', (e) => e.message),
	};
}

test('a stolen key speaks for no other host: openssl, curl, GnuTLS, Node', async (s) => {
	const c = caOf(s);
	await c.ok('init');
	const own = await refusals(s, c, 'us.api.openai.com',
		await stolenLeaf(s, c, 'us.api.openai.com'));
	assert.deepEqual(own, { openssl: '', curl: '', gnutls: '', node: '' });
	for (const host of ['example.com', 'openai.com', 'notapi.openai.com'])
		for (const [client, why] of Object.entries(await refusals(s, c, host,
			await stolenLeaf(s, c, host))))
			assert.match(why, constraint, `${client} ${host}`);
});

test('the proxy and ca find the same CA, by option, store and configuration', async (s) => {
	const c = caOf(s);
	const conf = join(s.dir, 'tape.conf');
	const other = join(s.dir, 'other');
	writeFileSync(conf, `[tls]\nca_dir = ${other}\n`);
	await c.ok('init');
	await c.ok('init', '-c', conf);
	const one = await show(c);
	const two = JSON.parse(await c.ok('show', '-c', conf, '-o', 'json'));
	assert.equal(two.certificate, join(other, 'ca.pem'));
	assert.notEqual(two.sha256, one.sha256);
	const three = JSON.parse(await c.ok('show', '-o', 'json', '-c', conf, '--ca-dir', c.dir));
	assert.equal(three.sha256, one.sha256);
	const four = JSON.parse(await c.ok('show', '-o', 'json', '-s', join(s.dir, 'tape')));
	assert.equal(four.sha256, one.sha256);
	await s.start({ tlsListen: true, args: ['-c', conf, '--ca-dir', other],
		answer: (r, conn) => conn.send('HTTP/1.1 204 No Content\r\n\r\n') });
	await s.tlsClient({ ca: readFileSync(join(other, 'ca.pem')), servername: 'localhost' });
	await assert.rejects(s.tlsClient({ ca: readFileSync(c.pem), servername: 'localhost' }));
});

test('rotate needs a word, keeps the hosts, and what trusted the old CA refuses', async (s) => {
	const c = caOf(s);
	await c.ok('init', '--permit', 'llm.example');
	const old = await show(c);
	const oldPem = readFileSync(c.pem);
	const silent = await c.ca('rotate');
	assert.equal(silent.code, 2);
	assert.match(silent.err, /--yes/);
	assert.equal((await show(c)).sha256, old.sha256);
	const r = await c.ca('rotate', '--yes', '--permit', 'two.example');
	assert.equal(r.code, 0, r.err);
	assert.match(r.err, /Clients must trust the new CA/);
	const now = await show(c);
	assert.ok(r.out.toString().includes(now.sha256));
	assert.notEqual(now.sha256, old.sha256);
	assert.deepEqual(now.permitted, [...old.permitted, 'two.example']);
	assert.equal(now.bundle_is_current, true);
	assert.equal(mode(c.key), '600');
	await s.start({ tlsListen: true, args: ['--ca-dir', c.dir],
		answer: (q, conn) => conn.send('HTTP/1.1 204 No Content\r\n\r\n') });
	await s.tlsClient({ ca: readFileSync(c.pem), servername: 'localhost' });
	await assert.rejects(s.tlsClient({ ca: oldPem, servername: 'localhost' }));
});

test('a CA that is broken, shared or not there is named, and rotate mends it', async (s) => {
	const c = caOf(s);
	for (const args of [['show'], ['bundle'], ['install'], ['rotate', '--yes']]) {
		const r = await c.ca(...args);
		assert.equal(r.code, 1, args.join(' '));
		assert.match(r.err, /ca init/);
		assert.equal(r.out.length, 0);
	}
	assert.ok(!existsSync(c.dir));
	await c.ok('init');
	chmodSync(c.key, 0o640);
	const shared = await c.ca('show');
	assert.equal(shared.code, 3);
	assert.match(shared.err, /ca\.key/);
	writeFileSync(c.key, 'nothing');
	assert.equal((await c.ca('init')).code, 3);
	await c.ok('rotate', '--yes');
	assert.equal(mode(c.key), '600');
	rmSync(c.key);
	assert.match((await c.ca('bundle')).err, /only one is there/);
});

test('nothing that ca prints holds the key', async (s) => {
	const c = caOf(s);
	let all = '';
	for (const args of [['init'], ['show'], ['show', '-o', 'json'], ['show', '-o', 'pem'],
		['bundle'], ['install'], ['uninstall'], ['init']]) {
		const r = await c.ca(...args);
		assert.equal(r.code, 0, r.err);
		all += r.out + r.err;
	}
	const secret = readFileSync(c.key, 'utf8').split('\n').filter((l) => /^[^-]/.test(l));
	assert.ok(secret.length > 1);
	for (const line of secret)
		assert.ok(!all.includes(line));
	assert.ok(!readFileSync(c.bundle, 'utf8').includes('PRIVATE'));
});

test('install prints commands that a shell takes as they stand', async (s) => {
	const c = caOf(s);
	const odd = join(s.dir, 'it\'s $HOME `x`');
	mkdirSync(odd);
	await c.ok('init', '--ca-dir', join(odd, 'ca'));
	const text = await c.ok('install', '--ca-dir', join(odd, 'ca'), 'node', 'python', 'requests',
		'curl');
	const { out } = await program('sh', ['-c', `${text}\nls "$NODE_EXTRA_CA_CERTS" ` +
		'"$SSL_CERT_FILE" "$REQUESTS_CA_BUNDLE" "$CURL_CA_BUNDLE"'], { LC_ALL: 'C' });
	assert.equal(out.split('\n').filter((l) => l.startsWith(odd)).length, 4);
	for (const what of ['install', 'uninstall']) {
		const all = await c.ok(what, '--ca-dir', join(odd, 'ca'));
		assert.equal((await program('sh', ['-n', '-c', all])).code, 0);
		for (const store of ['debian', 'fedora', 'macos', 'firefox', 'java', 'git'])
			assert.ok(all.includes(`# ${store}: `), store);
	}
	const unknown = await c.ca('install', 'netscape', '--ca-dir', join(odd, 'ca'));
	assert.equal(unknown.code, 2);
	assert.match(unknown.err, /debian fedora/);
});

test('what ca does not know is wrong usage', async (s) => {
	const c = caOf(s);
	await c.ok('init');
	for (const args of [[], ['make'], ['show', 'x'], ['show', '--yes'], ['show', '-o', 'xml'],
		['bundle', '--write', '-o', 'x'], ['init', '--system'], ['install', '--nope'],
		['install', '--system', 'node'], ['uninstall', '--system', 'node'],
		['show', '-c', join(s.dir, 'none.conf')]]) {
		const r = await c.ca(...args);
		assert.equal(r.code, 2, args.join(' '));
		assert.equal(r.out.length, 0);
		assert.ok(r.err.length > 0);
	}
	assert.match(await c.ok('--help'), /^usage: tracetape ca/);
	assert.match(await c.ok('show', '--help'), /^usage: tracetape ca/);
});
