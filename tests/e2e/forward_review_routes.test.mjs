/* One connection, several ways in: what is asked of one way holds for all of them, and
 * what one request was allowed does not pass to the next. */
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import net from 'node:net';
import tls from 'node:tls';
import { test, assert } from './lib/scene.mjs';
import { ownError } from './lib/own_error.mjs';
import { ask, chain, connectHead, established, forward, get, inside, official, ok, plainOrigin,
	secure } from './lib/proxy_forward.mjs';
import { ownAddress } from './lib/via.mjs';
import { Wire } from './lib/wire.mjs';

const password = `Proxy-Authorization: Basic ${Buffer.from('alice:secret').toString('base64')}`;

function authFile(s) {
	const file = join(s.dir, 'people');
	writeFileSync(file, 'alice:secret\n', { mode: 0o600 });
	return file;
}

const portOf = (s, scheme) =>
	Number(s.tape.out.match(new RegExp(`^listening ${scheme}://0\\.0\\.0\\.0:(\\d+)$`, 'm'))[1]);

/* A tracetape on all addresses that wants a password, and a client that is not known to
 * be on this machine. */
async function fromElsewhere(s, scheme = 'http') {
	await forward(s, { tlsListen: true, args: ['--listen', '0.0.0.0:0', '--tls-listen',
		'0.0.0.0:0'], set: { 'forward.auth_file': authFile(s) } });
	const socket = net.connect({ host: ownAddress(), port: portOf(s, scheme),
		allowHalfOpen: true });
	await once(socket, 'connect');
	const wire = new Wire(socket);
	s.atEnd(() => wire.drop());
	return wire;
}

const elsewhere = ownAddress() ? test : (sentence) => console.log(`# no network: ${sentence}`);

elsewhere('by SNI no path and no absolute URL gets past the password', async (s) => {
	for (const target of ['/v1/models', `https://${official}/v1/models`]) {
		const wire = await fromElsewhere(s, 'https');
		const socket = tls.connect({ socket: wire.socket, servername: official,
			rejectUnauthorized: false });
		const c = new Wire(socket, wire.tcp);
		await once(socket, 'secureConnect');
		const answer = await ask(c, get(official, target));
		assert.equal(ownError(answer, 403).code, 'password_needed', target);
		c.cut();
		await s.tape.stop();
		assert.equal(s.upstream.tcp, 0);
	}
});

elsewhere('the password of a CONNECT to ourselves is that of what comes in it', async (s) => {
	const wire = await fromElsewhere(s);
	const us = `${ownAddress()}:${portOf(s, 'http')}`;
	wire.send(connectHead(us, [`Host: ${us}`, password]));
	await established(wire);
	assert.equal((await ask(wire, get(us))).payload.toString(), 'ok');
	const [record] = await s.tape.settled(1);
	assert.equal(record.mode, 'reverse');
	assert.equal(record.label, 'alice');
});

elsewhere('an absolute URL of our own needs the password, and takes it', async (s) => {
	const wire = await fromElsewhere(s);
	const us = `${ownAddress()}:${portOf(s, 'http')}`;
	const head = (...lines) => [`GET http://${us}/v1/models HTTP/1.1`, `Host: ${us}`,
		...lines, '', ''].join('\r\n');
	wire.send(head(password));
	assert.equal((await wire.message()).payload.toString(), 'ok');
	wire.send(head());
	ownError(await wire.message(), 407);
	const records = await s.tape.settled(1);
	assert.deepEqual(records.map((r) => [r.mode, r.label]), [['reverse', 'alice']]);
});

test('TLS in a CONNECT to ourselves is refused where there is no certificate', async (s) => {
	await forward(s, { set: { 'forward.intercept': '' } });
	for (const first of ['\x16\x03\x01\x00\x05hello', get('a')]) {
		const wire = await s.client();
		wire.send(connectHead(`127.0.0.1:${s.tape.port}`));
		await established(wire);
		wire.send(first);
		if (first.startsWith('GET'))
			assert.equal((await wire.message()).payload.toString(), 'ok');
		else
			assert.equal((await wire.rest()).length, 0);
	}
});

test('TLS in a CONNECT to ourselves has the certificate of our own listener', async (s) => {
	const { cert, key } = chain().server;
	const files = { cert: join(s.dir, 'cert.pem'), key: join(s.dir, 'key.pem') };
	writeFileSync(files.cert, cert);
	writeFileSync(files.key, key, { mode: 0o600 });
	await forward(s, { tlsListen: true, set: { 'forward.intercept': '',
		'tls.cert_file': files.cert, 'tls.key_file': files.key } });
	const wire = await s.client();
	wire.send(connectHead(`127.0.0.1:${s.tape.tlsPort}`));
	await established(wire);
	const c = await secure(s, wire, { ca: readFileSync(chain().ca), servername: 'localhost' });
	assert.equal((await ask(c, get('localhost'))).payload.toString(), 'ok');
});

test('a refused URL of a host that is not intercepted is not recorded', async (s) => {
	await forward(s, { set: { 'forward.auth_file': authFile(s) } });
	const absolute = (host, line) => [`GET http://${host}/private-path HTTP/1.1`, line,
		'X-Private: yes', '', ''].join('\r\n');
	ownError(await s.ask(absolute('private.example', 'Host: private.example')), 407);
	ownError(await s.ask(absolute('private.example', 'Host: other.example')), 400);
	ownError(await s.ask(absolute(official, `Host: ${official}`)), 407);
	const records = await s.tape.settled(1);
	assert.deepEqual(records.map((r) => [r.status, r.path]), [[407, '/private-path']]);
});

test('an upstream that was told Connection: close is not asked again', async (s) => {
	const origin = await plainOrigin(s, (r, wire) => wire.send(ok));
	await forward(s, { map: { [official]: origin.port } });
	const requests = [get().replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n'),
		get().replace('HTTP/1.1', 'HTTP/1.0'), get(), get()];
	for (const [n, request] of requests.entries()) {
		const wire = await s.client();
		wire.send(connectHead(`${official}:80`));
		await established(wire);
		const answer = await ask(wire, request);
		assert.equal(answer.payload.toString(), 'ok');
		wire.cut();
		await s.tape.settled(n + 1);
	}
	assert.equal(origin.wires.length, 3, 'only the last found a connection to use again');
});

test('a private upstream is not reached over the connections of the base URL', async (s) => {
	const origin = await plainOrigin(s);
	const authority = `localhost:${origin.port}`;
	s.tape = await s.record({ upstream: `http://${authority}`, ca: chain().ca,
		set: { 'forward.ports': String(origin.port) } });
	const absolute = `GET http://${authority}/private HTTP/1.1\r\nHost: ${authority}\r\n\r\n`;
	for (let k = 0; k < 2; k++) {
		assert.equal(ownError(await s.ask(absolute), 403).code, 'forbidden_address');
		assert.equal((await s.ask(get('a'))).payload.toString(), 'ok');
	}
	assert.equal(origin.wires.length, 1, 'the base URL keeps its connection');
});

elsewhere('who knows no password leaves nothing in the store', async (s) => {
	await (await fromElsewhere(s)).end();
	const host = ownAddress();
	const lines = ['X-Stranger: yes', '', ''];
	const requests = [[403, ['GET /v1/models HTTP/1.1', 'Host: a']],
		[407, [`GET http://${official}/v1/models HTTP/1.1`, `Host: ${official}`]],
		[407, ['GET http://other.example/ HTTP/1.1', 'Host: other.example']],
		[405, ['TRACE / HTTP/1.1', 'Host: a']], [400, ['GET /  HTTP/1.1', 'Host: a']]];
	for (const [status, head] of requests) {
		const wire = new Wire(net.connect({ host, port: portOf(s, 'http'),
			allowHalfOpen: true }));
		s.atEnd(() => wire.drop());
		wire.send([...head, ...lines].join('\r\n'));
		ownError(await wire.message(), status);
	}
	const wire = new Wire(net.connect({ host, port: portOf(s, 'http') }));
	s.atEnd(() => wire.drop());
	wire.send([`GET http://${official}/v1/known HTTP/1.1`, `Host: ${official}:80`, password, '',
		''].join('\r\n'));
	await wire.message();
	const records = await s.tape.settled(1);
	assert.deepEqual(records.map((r) => [r.path, r.label]), [['/v1/known', 'alice']]);
});
