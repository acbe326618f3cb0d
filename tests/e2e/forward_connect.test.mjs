/* CONNECT to an intercepted host, as every client asks for it. */
import { test, assert } from './lib/scene.mjs';
import { ask, connect, connectHead, established, forward, get, inside, official, ourCa,
	pipelined, plainOrigin, secure } from './lib/proxy_forward.mjs';
import { taken } from './lib/kernel.mjs';

const authority = `${official}:443`;

/* What passed is one recorded exchange, as the client meant it. */
async function isRecorded(s, { scheme = 'https', host = official, n = 1 } = {}) {
	const records = await s.tape.settled(n);
	assert.equal(records.length, n);
	for (const r of records) {
		assert.equal(r.mode, 'forward');
		assert.equal(r.scheme, scheme);
		assert.equal(r.host.replace(/:\d+$/, ''), host);
		assert.equal(r.outcome, 'complete');
		assert.equal(r.path, '/v1/models');
		assert.equal(r.status, 200);
	}
	return records;
}

async function works(s, wire) {
	const answer = await ask(wire, get());
	assert.equal(answer.payload.toString(), 'ok');
	assert.equal(s.upstream.requests[0].head.get('host'), official);
	return isRecorded(s);
}

const heads = {
	'with Host and port, as curl and httpx': [[`Host: ${authority}`, 'Accept: */*',
		'User-Agent: curl/7.88.1', 'Proxy-Connection: Keep-Alive']],
	'with Host without port, connection: close and proxy-connection, as Node': [[
		`host: ${official}`, 'connection: close', 'proxy-connection: keep-alive']],
	'with HTTP/1.0 and no line at all, as urllib3': [[], '1.0'],
	'with HTTP/1.0 and Host': [[`Host: ${authority}`], '1.0'],
	'with connection: keep-alive': [[`Host: ${authority}`, 'Connection: keep-alive']],
	'with Content-Length: 0': [[`Host: ${authority}`, 'Content-Length: 0']],
	'with a Host that names another': [['Host: evil.example:443']],
	'with an empty Host': [['Host:']],
	'with credentials that nobody asked for': [[`Host: ${authority}`,
		'Proxy-Authorization: Basic dXNlcjpwYXNz']],
};

for (const [what, [lines, version]] of Object.entries(heads)) {
	test(`CONNECT ${what} opens a tunnel that is recorded`, async (s) => {
		await forward(s);
		const wire = await connect(s, authority, lines, version);
		const tls = await secure(s, wire);
		assert.ok(tls.socket.authorized);
		await works(s, tls);
		const seen = s.upstream.received.toString();
		assert.doesNotMatch(seen, /CONNECT|evil|proxy-/i);
	});
}

test('a host in capitals or with a final dot is the same host', async (s) => {
	await forward(s);
	for (const spelling of ['API.OpenAI.com:443', 'api.openai.com.:443']) {
		const tls = await inside(s, { authority: spelling });
		assert.equal((await ask(tls, get())).payload.toString(), 'ok');
	}
	await isRecorded(s, { n: 2 });
});

const cuts = {
	'in one segment with the ClientHello': (b) => [b],
	'and the ClientHello byte by byte': (b) => Array.from(b, (x) => Buffer.from([x])),
	'and the ClientHello cut behind its first byte': (b) => {
		const at = b.indexOf('\r\n\r\n') + 5;
		return [b.subarray(0, at), b.subarray(at)];
	},
	'cut before its last byte': (b) => {
		const at = b.indexOf('\r\n\r\n') + 3;
		return [b.subarray(0, at), b.subarray(at)];
	},
};

for (const [what, cut] of Object.entries(cuts)) {
	test(`CONNECT ${what} works`, async (s) => {
		await forward(s);
		await works(s, await pipelined(s, connectHead(authority), cut));
	});
}

test('a tunnel waits for a client that thinks before it speaks', async (s) => {
	await forward(s);
	const wire = await connect(s);
	await taken(wire);
	assert.equal(s.upstream.requests.length, 0);
	await works(s, await secure(s, wire));
});

test('plain HTTP inside CONNECT is recorded, as Node 22 and 24 ask for http:', async (s) => {
	const origin = await plainOrigin(s);
	await forward(s, { map: { [official]: origin.port } });
	const wire = await connect(s, `${official}:80`, [`host: ${official}:80`,
		'connection: close']);
	for (let k = 0; k < 2; k++)
		assert.equal((await ask(wire, get(`${official}:80`))).payload.toString(), 'ok');
	assert.equal(origin.requests.length, 2);
	assert.equal(origin.requests[0].head.get('host'), `${official}:80`);
	await isRecorded(s, { scheme: 'http', n: 2 });
});

test('plain HTTP behind CONNECT in one segment is recorded', async (s) => {
	const origin = await plainOrigin(s);
	await forward(s, { map: { [official]: origin.port } });
	const wire = await s.client();
	wire.send(connectHead(`${official}:80`) + get());
	await established(wire);
	assert.equal((await wire.message()).payload.toString(), 'ok');
	await isRecorded(s, { scheme: 'http' });
});

test('CONNECT to our own listener is the base URL inside a tunnel', async (s) => {
	await forward(s);
	const here = `127.0.0.1:${s.tape.port}`;
	const wire = await connect(s, here, [`host: ${here}`, 'connection: close']);
	assert.equal((await ask(wire, get(here))).payload.toString(), 'ok');
	assert.equal(s.upstream.requests[0].head.get('host'), s.upstream.authority);
	const [record] = await s.tape.settled(1);
	assert.equal(record.mode, 'reverse');
});

test('requests follow each other in a tunnel, and tunnels do not mix', async (s) => {
	await forward(s, { answer: (r, conn) => conn.send(
		`HTTP/1.1 200 OK\r\nContent-Length: ${r.payload.length}\r\n\r\n${r.payload}`) });
	const tunnels = await Promise.all([1, 2, 3].map(() => inside(s)));
	await Promise.all(tunnels.map(async (t, i) => {
		for (let k = 0; k < 4; k++) {
			const body = `{"tunnel":${i},"request":${k}}`;
			const answer = await ask(t, `POST /v1/responses HTTP/1.1\r\nHost: ${official}\r\n` +
				`Content-Length: ${body.length}\r\n\r\n${body}`);
			assert.equal(answer.payload.toString(), body);
		}
	}));
	const records = await s.tape.settled(12);
	assert.equal(records.length, 12);
	assert.ok(records.every((r) => r.mode === 'forward' && r.outcome === 'complete'));
});

test('the upstream is whom CONNECT named, whatever Host says inside', async (s) => {
	const other = await plainOrigin(s);
	await forward(s, { map: { 'evil.example': other.port } });
	const tls = await inside(s);
	await ask(tls, get('evil.example'));
	assert.equal(other.wires.length, 0);
	if (s.upstream.requests.length)
		assert.equal(s.upstream.requests[0].head.get('host'), 'evil.example');
});

test('the leaf is for the name in CONNECT when TLS asks for none', async (s) => {
	await forward(s);
	const tls = await inside(s, { servername: '', checkServerIdentity: () => undefined });
	assert.match(tls.socket.getPeerCertificate().subjectaltname, /DNS:api\.openai\.com/);
	await works(s, tls);
});

test('inside a tunnel only HTTP/1.1 is agreed on', async (s) => {
	await forward(s);
	const both = await inside(s, { ALPNProtocols: ['h2', 'http/1.1'] });
	assert.equal(both.socket.alpnProtocol, 'http/1.1');
	const none = await inside(s);
	assert.ok(!none.socket.alpnProtocol);
	await assert.rejects(inside(s, { ALPNProtocols: ['h2'] }));
	for (const version of ['TLSv1.2', 'TLSv1.3'].filter((v) => v !== 'TLSv1.3' ||
		both.socket.getProtocol() === v)) {
		const one = await inside(s, { minVersion: version, maxVersion: version });
		assert.equal((await ask(one, get())).payload.toString(), 'ok');
	}
	await assert.rejects(inside(s, { minVersion: 'TLSv1', maxVersion: 'TLSv1.1',
		ciphers: 'DEFAULT@SECLEVEL=0' }));
});

test('a client that does not trust our CA says nothing, and nobody is asked', async (s) => {
	await forward(s);
	const wire = await connect(s);
	await assert.rejects(secure(s, wire, { ca: [] }));
	await wire.until(() => wire.over || wire.socket.destroyed, 'the end');
	assert.equal(s.upstream.requests.length, 0);
	await works(s, await inside(s));
});

test('bytes in a tunnel that are neither TLS nor HTTP end it', async (s) => {
	await forward(s);
	const wire = await connect(s);
	wire.send(Buffer.from([0, 1, 2, 3, 255, 254, 13, 10, 13, 10]));
	await wire.until(() => wire.over, 'the end');
	assert.equal(s.upstream.requests.length, 0);
	assert.equal((await ask(await inside(s), get())).payload.toString(), 'ok');
});

test('a proxy inside the tunnel is not to be had', async (s) => {
	await forward(s);
	const tls = await inside(s);
	const answer = await ask(tls, connectHead('other.example:443'));
	assert.ok(answer.head.status >= 400, answer.head.start);
	assert.equal(s.upstream.requests.length, 0);
});

test('an upstream that is not reached is told inside the tunnel', async (s) => {
	await forward(s, { map: { [official]: 1 } });
	const tls = await inside(s);
	const answer = await ask(tls, get());
	assert.ok(answer, 'an answer that the SDK can show');
	assert.equal(answer.head.status, 502);
	assert.equal(JSON.parse(answer.payload).error.type, 'proxy_error');
	const [record] = await s.tape.settled(1);
	assert.equal(record.mode, 'forward');
	assert.equal(record.outcome, 'upstream');
});

test('CONNECT may follow a request on the same connection', async (s) => {
	await forward(s);
	const wire = await s.client();
	assert.equal((await ask(wire, get('a'))).payload.toString(), 'ok');
	wire.send(connectHead(authority));
	await established(wire);
	const tls = await secure(s, wire, { ca: ourCa(s) });
	assert.equal((await ask(tls, get())).payload.toString(), 'ok');
	const records = await s.tape.settled(2);
	assert.deepEqual(records.map((r) => r.mode), ['reverse', 'forward']);
});

test('a WebSocket inside a tunnel passes and is recorded', async (s) => {
	const agreed = 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n' +
		'Connection: Upgrade\r\n\r\n';
	await forward(s, { connection: async (conn) => {
		await conn.nextHead();
		await conn.send(agreed);
		await conn.send(await conn.bytes(4));
		conn.end();
	} });
	const tls = await inside(s);
	tls.send(`GET /v1/responses HTTP/1.1\r\nHost: ${official}\r\nUpgrade: websocket\r\n` +
		'Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n' +
		'Sec-WebSocket-Version: 13\r\n\r\n');
	assert.equal((await tls.head()).raw.toString(), agreed);
	tls.send('ping');
	assert.equal((await tls.bytes(4)).toString(), 'ping');
	tls.end();
	const [record] = await s.tape.settled(1);
	assert.equal(record.mode, 'forward');
	assert.equal(record.status, 101);
});

test('a stream inside a tunnel is passed on event by event', async (s) => {
	const gates = [0, 1, 2].map(() => Promise.withResolvers());
	await forward(s, { answer: async (r, conn) => {
		await conn.send('HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n' +
			'Transfer-Encoding: chunked\r\n\r\n');
		for (const [i, gate] of gates.entries()) {
			await conn.send(`9\r\ndata: ${i}\n\n\r\n`);
			await gate.promise;
		}
		await conn.send('0\r\n\r\n');
	} });
	const tls = await inside(s);
	tls.send(get());
	await tls.head();
	for (const [i, gate] of gates.entries()) {
		await tls.through(`data: ${i}`);
		gate.resolve();
	}
	await tls.through('0\r\n\r\n');
	await isRecorded(s);
});

test('a cut answer is cut inside the tunnel too', async (s) => {
	await forward(s, { answer: async (r, conn) => {
		await conn.send('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n');
		conn.cut();
	} });
	const tls = await inside(s);
	tls.send(get());
	await tls.until(() => tls.over || tls.error, 'the end');
	assert.ok(!tls.received.includes('0\r\n\r\n'));
	const [record] = await s.tape.settled(1);
	assert.equal(record.outcome, 'upstream');
});
