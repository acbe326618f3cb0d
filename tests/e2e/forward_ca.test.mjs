/* The CA that a forward proxy makes for itself: what it signs, who accepts it, who may not. */
import { X509Certificate } from 'node:crypto';
import { chmodSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import tls from 'node:tls';
import { once } from 'node:events';
import { test, assert } from './lib/scene.mjs';
import { ask, chain, connect, forward, get, inside, official } from './lib/proxy_forward.mjs';
import { program, proxied, python, script, succeeds } from './lib/proxy_programs.mjs';
import { run } from './lib/tape.mjs';

/* The leaf that a client inside a tunnel is shown, in a file. */
async function leafOf(s, servername = official) {
	const t = await inside(s, { authority: `${servername}:443`, servername });
	const { raw } = t.socket.getPeerCertificate(true);
	const file = join(s.dir, `leaf-${servername}.pem`);
	writeFileSync(file, new X509Certificate(raw).toString());
	t.drop();
	return { file, raw, x: new X509Certificate(raw) };
}

test('openssl accepts CA and leaf by the strict rules', async (s) => {
	await forward(s);
	const { file } = await leafOf(s);
	const ca = s.tape.caPath;
	await succeeds('openssl', ['verify', '-x509_strict', '-check_ss_sig', '-CAfile', ca, ca]);
	await succeeds('openssl', ['verify', '-x509_strict', '-purpose', 'sslserver', '-policy_check',
		'-verify_hostname', official, '-no-CAfile', '-no-CApath', '-CAfile', ca, file]);
	const leaf = await succeeds('openssl', ['x509', '-in', file, '-noout', '-text']);
	for (const part of [/Version: 3/, /ecdsa-with-SHA256/, /ASN1 OID: prime256v1/,
		/X509v3 Basic Constraints: critical\s+CA:FALSE/,
		/X509v3 Key Usage: critical\s+Digital Signature/,
		/X509v3 Extended Key Usage: *\s+TLS Web Server Authentication\n/,
		/X509v3 Subject Alternative Name:.*\s+DNS:api\.openai\.com\n/,
		/X509v3 Subject Key Identifier:/, /X509v3 Authority Key Identifier:/])
		assert.match(leaf, part);
	const text = await succeeds('openssl', ['x509', '-in', ca, '-noout', '-text']);
	for (const part of [/X509v3 Basic Constraints: critical\s+CA:TRUE, pathlen:0/,
		/X509v3 Key Usage: critical\s+Certificate Sign/, /X509v3 Name Constraints: critical/,
		/DNS:api\.openai\.com/])
		assert.match(text, part);
});

test('the leaf has a random serial of 128 bits, at most 197 days, an hour in the past',
    async (s) => {
	await forward(s);
	const [a, b] = [await leafOf(s), await leafOf(s, 'us.api.openai.com')];
	for (const { x } of [a, b]) {
		const [from, to] = [Date.parse(x.validFrom), Date.parse(x.validTo)];
		assert.ok(to - from <= 197 * 86_400_000, `${(to - from) / 86_400_000} days`);
		const past = (Date.now() - from) / 1000;
		assert.ok(past > 3500 && past < 3900, `${past} s in the past`);
		assert.ok(x.serialNumber.length >= 26 && x.serialNumber.length <= 40, x.serialNumber);
		assert.ok(/^[0-7]/.test(x.serialNumber.padStart(40, '0')), 'positive');
	}
	assert.notEqual(a.x.serialNumber, b.x.serialNumber);
	const again = await leafOf(s);
	assert.ok(again.raw.equals(a.raw), 'minted once');
	assert.equal(b.x.subjectAltName, 'DNS:us.api.openai.com');
});

test('GnuTLS accepts CA and leaf', async (s) => {
	await forward(s);
	const { file } = await leafOf(s);
	await succeeds('certtool', ['--verify', '--load-ca-certificate', s.tape.caPath,
		'--verify-hostname', official, '--verify-purpose', '1.3.6.1.5.5.7.3.1', '--infile', file]);
	await succeeds('certtool', ['--verify-chain', '--infile',
		script(s, 'chain.pem', readFileSync(file, 'utf8') + readFileSync(s.tape.caPath, 'utf8'))]);
});

const checker = `
import sys, datetime
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, ExtensionOID as oid
load = lambda f: x509.load_pem_x509_certificate(open(f, "rb").read())
ca, leaf = load(sys.argv[1]), load(sys.argv[2])
known = lambda c: {e.oid: e for e in c.extensions}
for c in (ca, leaf):
    assert c.version == x509.Version.v3
    assert not [e for e in c.extensions if isinstance(e.value, x509.UnrecognizedExtension)]
    ca.public_key().verify(c.signature, c.tbs_certificate_bytes, ec.ECDSA(hashes.SHA256()))
    assert c.issuer == ca.subject and c.serial_number.bit_length() <= 159
    skid = x509.SubjectKeyIdentifier.from_public_key(c.public_key())
    assert len(known(c)[oid.SUBJECT_KEY_IDENTIFIER].value.digest) >= 8, skid
c, l = known(ca), known(leaf)
assert c[oid.BASIC_CONSTRAINTS].critical and c[oid.BASIC_CONSTRAINTS].value.ca
assert c[oid.BASIC_CONSTRAINTS].value.path_length == 0
assert c[oid.KEY_USAGE].critical and c[oid.KEY_USAGE].value.key_cert_sign
names = c[oid.NAME_CONSTRAINTS]
assert names.critical and names.value.permitted_subtrees and not names.value.excluded_subtrees
assert "api.openai.com" in [n.value for n in names.value.permitted_subtrees
    if isinstance(n, x509.DNSName)]
assert not l[oid.BASIC_CONSTRAINTS].value.ca
assert list(l[oid.EXTENDED_KEY_USAGE].value) == [ExtendedKeyUsageOID.SERVER_AUTH]
assert l[oid.SUBJECT_ALTERNATIVE_NAME].value.get_values_for_type(x509.DNSName) == [sys.argv[3]]
assert l[oid.AUTHORITY_KEY_IDENTIFIER].value.key_identifier == \\
    c[oid.SUBJECT_KEY_IDENTIFIER].value.digest
try:
    from cryptography.x509 import verification as v
except ImportError:
    v = None
if v:
    b = v.PolicyBuilder().store(v.Store([ca])).time(datetime.datetime.now(datetime.timezone.utc)
        .replace(tzinfo=None))
    assert b.build_server_verifier(x509.DNSName(sys.argv[3])).verify(leaf, [])
print("accepted")
`;

test('python3-cryptography reads every extension and accepts CA and leaf', async (s) => {
	await forward(s);
	const { file } = await leafOf(s);
	const out = await succeeds(python, [script(s, 'check.py', checker), s.tape.caPath, file,
		official]);
	assert.equal(out, 'accepted\n');
});

/* What somebody makes who has stolen the key. */
async function forged(s, host) {
	const at = (suffix) => join(s.dir, `forged.${suffix}`);
	writeFileSync(at('ext'), `subjectAltName=DNS:${host}\nextendedKeyUsage=serverAuth\n`);
	await succeeds('openssl', ['req', '-new', '-newkey', 'ec', '-pkeyopt',
		'ec_paramgen_curve:P-256', '-nodes', '-subj', `/CN=${host}`, '-keyout', at('key'),
		'-out', at('csr')]);
	await succeeds('openssl', ['x509', '-req', '-in', at('csr'), '-CA', s.tape.caPath, '-CAkey',
		join(s.tape.caDir, 'ca.key'), '-set_serial', '77', '-days', '9', '-extfile', at('ext'),
		'-out', at('pem')]);
	return { file: at('pem'), key: readFileSync(at('key')), cert: readFileSync(at('pem')) };
}

test('a leaf for example.com under our CA is refused by openssl, node, curl, wget, Python',
    async (s) => {
	await forward(s);
	const { file, key, cert } = await forged(s, 'example.com');
	const server = tls.createServer({ key, cert }, (c) => {
		c.on('error', () => {});
		c.end('HTTP/1.1 204 No Content\r\n\r\n');
	}).on('tlsClientError', () => {});
	server.listen(0, '127.0.0.1');
	await once(server, 'listening');
	s.atEnd(() => server.close());
	/* The blind tunnel leads to it, so that each client believes it speaks to example.com. */
	const { port } = server.address();
	const t = await s.record({ upstream: s.upstream.url, ca: chain().ca, store: 'second',
		args: ['--ca-dir', s.tape.caDir],
		set: { 'upstream.resolve': `example.com=127.0.0.1:${port}` } });
	const { caDir, caPath } = s.tape;
	const env = await proxied({ dir: s.dir,
		tape: { port: t.port, store: t.store, caDir, caPath } });
	const url = 'https://example.com/';
	const said = {
		openssl: await program('openssl', ['verify', '-CAfile', s.tape.caPath, file]),
		node: await program(process.execPath, ['-e', `fetch("${url}")
			.catch((e) => { console.error(e.cause); process.exit(1); })`], env),
		curl: await program('curl', ['-sS', url], env),
		wget: await program('wget', ['-nv', '-O-', '--tries=1', `--ca-certificate=${caPath}`,
			url], env),
		httpx: await program(python, ['-c', `import httpx; httpx.get("${url}")`], env),
	};
	const why = /permitted subtree|constraint|CERT_|certificate/i;
	for (const [who, r] of Object.entries(said)) {
		assert.notEqual(r.code, 0, who);
		assert.match(r.out + r.err, why, who);
	}
	await connect(s);
});

test('a host outside of what the CA may speak for is named at the start, with the remedy',
    async (s) => {
	await forward(s);
	await s.tape.stop();
	const args = ['proxy', '--listen', '127.0.0.1:0', '--store', s.tape.store, '--ca-dir',
		s.tape.caDir, '--set', 'forward.intercept=api.openai.com llm.example'];
	const r = await run(s.dir, args, { ms: 5000 });
	assert.equal(r.code, 2, r.err);
	assert.match(r.err, /llm\.example/);
	assert.match(r.err, /ca rotate/);
	assert.match((await run(s.dir, ['ca', 'rotate', '--yes', '--permit', 'llm.example', '-s',
		s.tape.store, '--ca-dir', s.tape.caDir])).out.toString(), /sha256/);
	s.tape = await s.record({ ca: chain().ca, set: {
		'forward.intercept': 'api.openai.com llm.example',
		'upstream.resolve': `llm.example=127.0.0.1:${s.upstream.port}` } });
	const tls1 = await inside(s, { authority: 'llm.example:443', servername: 'llm.example' });
	assert.equal((await ask(tls1, get('llm.example'))).payload.toString(), 'ok');
	const [record] = await s.tape.settled(1);
	assert.equal(record.host.replace(/:\d+$/, ''), 'llm.example');
});

test('a CA made at the first start speaks for what is intercepted then', async (s) => {
	await forward(s, { set: { 'forward.intercept': 'llm.example' }, map: { 'llm.example': 1 } });
	await inside(s, { authority: 'llm.example:443', servername: 'llm.example' });
});

test('the CA lies in the store when no place is named, and its key is for nobody else',
    async (s) => {
	await forward(s, { set: { 'log.level': 'debug' } });
	const store = join(s.dir, 'alone');
	const umask = ['sh', '-c', 'umask 0; exec "$@"', 'sh'];
	const t = await s.record({ ca: chain().ca, store: 'alone', wrap: umask,
		set: { 'log.level': 'debug' } });
	for (const dir of [s.tape.caDir, t.caDir]) {
		assert.equal((statSync(dir).mode & 0o777).toString(8), '700', dir);
		assert.equal((statSync(join(dir, 'ca.key')).mode & 0o777).toString(8), '600', dir);
	}
	await run(s.dir, ['proxy', '--listen', '127.0.0.1:0', '--store', join(s.dir, 'own'), '--set',
		'upstream.url=https://localhost:1'], { ms: 1500 });
	assert.ok(existsSync(join(s.dir, 'own', 'ca', 'ca.key')));
	assert.equal((statSync(join(s.dir, 'own', 'ca', 'ca.key')).mode & 0o777).toString(8), '600');
	assert.ok(existsSync(store));
});

test('the key is in no log, no output and no other file', async (s) => {
	await forward(s, { set: { 'log.level': 'debug' } });
	await ask(await inside(s), get());
	await s.tape.settled(1);
	const pem = readFileSync(join(s.tape.caDir, 'ca.key'), 'utf8');
	const lines = pem.split('\n').filter((l) => /^[^-]/.test(l));
	const der = Buffer.from(lines.join(''), 'base64');
	/* The private scalar is the first 32-byte string of the structure. */
	const scalar = der.subarray(der.indexOf(Buffer.from([4, 32])) + 2).subarray(0, 32);
	const places = { log: s.tape.log, out: s.tape.out,
		show: (await run(s.dir, ['ca', 'show', '--ca-dir', s.tape.caDir])).out,
		dump: JSON.stringify(await s.tape.records()) };
	await s.tape.stop();
	for (const dir of [s.tape.store, s.tape.caDir])
		for (const f of readdirSync(dir, { recursive: true }).map((n) => join(dir, n)))
			if (statSync(f).isFile() && !f.endsWith('ca.key'))
				places[f] = readFileSync(f);
	for (const [where, bytes] of Object.entries(places))
		for (const secret of [...lines, der, scalar, scalar.toString('hex')])
			assert.ok(!Buffer.from(bytes).includes(secret), `${where} holds the key`);
});

test('a key that others may read is refused at the start', async (s) => {
	await forward(s);
	await s.tape.stop();
	chmodSync(join(s.tape.caDir, 'ca.key'), 0o644);
	const r = await run(s.dir, ['proxy', '--listen', '127.0.0.1:0', '--store', s.tape.store,
		'--ca-dir', s.tape.caDir], { ms: 5000 });
	assert.ok(r.code === 2 || r.code === 3, `exit ${r.code}`);
	assert.match(r.err, /ca\.key/);
});

test('with nothing to intercept and no TLS listener, no CA is made', async (s) => {
	await forward(s, { set: { 'forward.intercept': '' } });
	assert.ok(!existsSync(join(s.tape.caDir, 'ca.key')));
});
