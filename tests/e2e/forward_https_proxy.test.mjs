/* HTTPS_PROXY=https://...: the proxy itself is reached by TLS, and what it intercepts is TLS
 * inside of TLS. */
import { test, assert } from './lib/scene.mjs';
import { ask, bare, connectHead, established, forward, get, official, ourCa,
	overTls } from './lib/proxy_forward.mjs';
import { message } from './lib/http.mjs';
import { nodeOf, nodes, proxied, succeeds } from './lib/proxy_programs.mjs';

const authority = `${official}:443`;

/* A TLS connection to the proxy, as a client has that names it in its variables. */
const outer = (s) => s.tlsClient({ ca: ourCa(s), servername: 'localhost' });

test('CONNECT over TLS opens a tunnel that is recorded', async (s) => {
	await forward(s, { tlsListen: true });
	const wire = await outer(s);
	wire.send(connectHead(authority));
	await established(wire);
	const tls = await overTls(s, wire);
	assert.ok(tls.socket.authorized);
	for (let k = 0; k < 3; k++)
		assert.equal((await ask(tls, get())).payload.toString(), 'ok');
	assert.equal(s.upstream.requests[0].head.get('host'), official);
	const records = await s.tape.settled(3);
	assert.ok(records.every((r) => r.mode === 'forward' && r.outcome === 'complete'));
});

test('CONNECT over TLS to another host is blind', async (s) => {
	const { port } = await bare(s, async (w) => w.send(await w.bytes(5)));
	await forward(s, { tlsListen: true, map: { 'other.example': port } });
	const wire = await outer(s);
	wire.send(`${connectHead('other.example:443')}hello`);
	await established(wire);
	assert.equal((await wire.bytes(5)).toString(), 'hello');
	assert.deepEqual(await s.tape.records(), []);
});

test('a large body passes TLS inside of TLS whole, both ways', async (s) => {
	const body = Buffer.alloc(3_000_000, 'x');
	await forward(s, { tlsListen: true, answer: (r, c) => c.send(Buffer.concat([Buffer.from(
		`HTTP/1.1 200 OK\r\nContent-Length: ${r.payload.length}\r\n\r\n`), r.payload])) });
	const wire = await outer(s);
	wire.send(connectHead(authority));
	await established(wire);
	const tls = await overTls(s, wire);
	const answer = await ask(tls, message('POST /v1/files HTTP/1.1', [`Host: ${official}`], body));
	assert.ok(answer.payload.equals(body));
	const [record] = await s.tape.settled(1);
	assert.equal(record.request.bytes, body.length);
});

test('a client that leaves TLS inside of TLS leaves nothing behind', async (s) => {
	await forward(s, { tlsListen: true, answer: (r, c) => c.send(
		'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nbegun') });
	for (let k = 0; k < 4; k++) {
		const wire = await outer(s);
		wire.send(connectHead(authority));
		await established(wire);
		if (k > 1) {
			const tls = await overTls(s, wire);
			tls.send(get());
			await tls.head();
			const conn = await s.upstream.conn(k - 2);
			wire.drop();
			await conn.until(() => conn.over, 'the upstream to be told');
		} else {
			wire.drop();
		}
	}
	const records = await s.tape.settled(2);
	assert.deepEqual(records.map((r) => r.outcome), ['cancelled', 'cancelled']);
});

test('Node and curl use a proxy that they reach by TLS', async (s) => {
	await forward(s, { tlsListen: true });
	const env = await proxied(s);
	const proxy = `https://agent:x@localhost:${s.tape.tlsPort}`;
	const over = { ...env, HTTPS_PROXY: proxy, https_proxy: proxy,
		NODE_EXTRA_CA_CERTS: s.tape.caPath };
	const url = `https://${official}/v1/models`;
	const majors = Object.keys(nodes);
	for (const major of majors)
		assert.equal(await succeeds(nodeOf(major), ['-e',
			'fetch(process.argv[1]).then((r) => r.text()).then(console.log)', url], over), 'ok\n');
	assert.equal(await succeeds('curl', ['-sSf', '--proxy-cacert', s.tape.caPath, url], over),
	    'ok');
	const records = await s.tape.settled(majors.length + 1);
	assert.ok(records.every((r) => r.mode === 'forward' && r.label === 'agent'));
});
