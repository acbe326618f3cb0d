/* Both listeners at once; the TLS one proves itself with a certificate of our CA. */
import { readFileSync } from 'node:fs';
import { test, assert } from './lib/scene.mjs';

const get = 'GET /v1/models HTTP/1.1\r\nHost: a\r\n\r\n';
const ok = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
const start = (s, more) =>
	s.start({ tlsListen: true, answer: (r, conn) => conn.send(ok), ...more });

test('the http and the https listener serve the same upstream and record both', async (s) => {
	await start(s);
	const ca = readFileSync(s.tape.caPath);
	const c = await s.tlsClient({ ca, servername: 'localhost', ALPNProtocols: ['h2', 'http/1.1'] });
	assert.ok(c.socket.authorized);
	assert.equal(c.socket.alpnProtocol, 'http/1.1');
	for (let k = 0; k < 2; k++) {
		c.send(get);
		assert.equal((await c.message()).payload.toString(), 'ok');
	}
	assert.equal((await s.ask(get)).payload.toString(), 'ok');
	const records = await s.tape.settled(3);
	assert.deepEqual(records.map((r) => r.outcome), ['complete', 'complete', 'complete']);
});

test('a client that connects by address is served by a certificate for it', async (s) => {
	await start(s);
	const c = await s.tlsClient({ ca: readFileSync(s.tape.caPath), host: '127.0.0.1' });
	assert.ok(c.socket.authorized);
	assert.match(c.socket.getPeerCertificate().subjectaltname, /127\.0\.0\.1/);
	c.send(get);
	assert.equal((await c.message()).payload.toString(), 'ok');
});

test('a client that does not trust our CA sends nothing and harms nobody', async (s) => {
	await start(s);
	await assert.rejects(s.tlsClient({ ca: readFileSync(s.chain.ca), servername: 'localhost' }));
	assert.equal((await s.ask(get)).payload.toString(), 'ok');
});

test('TLS 1.1 and a client that only speaks h2 are refused', async (s) => {
	await start(s);
	const ca = readFileSync(s.tape.caPath);
	for (const odd of [{ minVersion: 'TLSv1', maxVersion: 'TLSv1.1',
		ciphers: 'DEFAULT@SECLEVEL=0' }, { ALPNProtocols: ['h2'] }])
		await assert.rejects(s.tlsClient({ ca, servername: 'localhost', ...odd }));
	assert.equal((await s.ask(get)).payload.toString(), 'ok');
});

test('the CA survives a restart', async (s) => {
	await start(s);
	const before = readFileSync(s.tape.caPath, 'utf8');
	await s.tape.stop();
	s.tape = await s.record({ tlsListen: true });
	assert.equal(readFileSync(s.tape.caPath, 'utf8'), before);
});

test('the https side ends a cut stream without close_notify or with too few bytes', async (s) => {
	await start(s, { answer: async (r, conn) => {
		await conn.send('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n');
		conn.cut();
	} });
	const c = await s.tlsClient({ ca: readFileSync(s.tape.caPath), servername: 'localhost' });
	c.send(get);
	await c.until(() => c.over || c.error, 'the end');
	assert.ok(!c.received.includes('0\r\n\r\n'));
	const [record] = await s.tape.settled(1);
	assert.equal(record.outcome, 'upstream');
});

test('bytes that are no TLS end the connection', async (s) => {
	await start(s);
	const c = await s.client({ port: s.tape.tlsPort });
	c.send(get);
	await c.until(() => c.over, 'the end');
	assert.equal(s.upstream.tcp, 0);
});
