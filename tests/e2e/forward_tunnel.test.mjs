/* Hosts that are not intercepted: a tunnel of bytes, which nobody looks into. */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { test, assert, keys } from './lib/scene.mjs';
import { bare, chain, connect, connectHead, established, forward, get, ask, official, pipelined,
	secure, tunnelLines } from './lib/proxy_forward.mjs';
import { Sum, blocks, sumOf, MiB } from './lib/bulk.mjs';
import { stuck } from './lib/kernel.mjs';
import { poll, sanitized } from './lib/wait.mjs';
import { rawBytes } from './lib/proxy_captures.mjs';

const other = 'other.example';
const authority = `${other}:443`;

/* A proxy with other.example behind it, played by script(wire). */
async function tunnels(s, script, options = {}) {
	const o = await bare(s, script);
	await forward(s, { map: { [other]: o.port }, ...options });
	return o;
}

/* The one line that the log has of a tunnel that ended. */
const line = (s) => poll(() => tunnelLines(s.tape.log)[0], 'the line of the tunnel');

test('TLS of another host passes untouched, with its own certificate, and is not recorded',
    async (s) => {
	const secondary = await s.origin({ server: chain().server,
		answer: (r, conn) => conn.send('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nhers') });
	await forward(s, { map: { [other]: secondary.port } });
	const wire = await connect(s, authority);
	const ca = readFileSync(chain().ca);
	const tls = await secure(s, wire, { ca, servername: other });
	assert.equal(tls.socket.getPeerCertificate().issuer.CN, 'root');
	assert.equal((await ask(tls, get(other))).payload.toString(), 'hers');
	tls.end();
	await line(s);
	assert.deepEqual(await s.tape.records(), []);
	assert.equal(s.upstream.tcp, 0);
});

test('every byte passes as it is, both ways, and is counted', async (s) => {
	const [up, down] = [randomBytes(300_000), randomBytes(500_000)];
	const o = await tunnels(s, async (w) => {
		const sending = w.send(down);
		w.got = await w.rest();
		await sending;
		w.end();
	});
	const wire = await connect(s, authority);
	wire.send(up);
	assert.ok((await wire.bytes(down.length)).equals(down));
	wire.end();
	assert.equal((await wire.rest()).length, 0);
	assert.ok(o.wires[0].got.equals(up));
	assert.deepEqual(await line(s), { host: authority, up: up.length, down: down.length });
});

test('bytes behind a CONNECT in one segment are the first of the tunnel', async (s) => {
	const o = await tunnels(s, async (w) => w.send(await w.bytes(5)));
	const wire = await s.client();
	wire.send(`${connectHead(authority)}hello`);
	await established(wire);
	assert.equal((await wire.bytes(5)).toString(), 'hello');
	assert.equal(o.wires[0].received.toString(), 'hello');
});

test('a ClientHello pipelined behind CONNECT reaches the other host', async (s) => {
	const secondary = await s.origin({ server: chain().server,
		answer: (r, conn) => conn.send('HTTP/1.1 204 No Content\r\n\r\n') });
	await forward(s, { map: { [other]: secondary.port } });
	const tls = await pipelined(s, connectHead(authority), (b) => [b],
		{ ca: readFileSync(chain().ca), servername: other });
	assert.equal((await ask(tls, get(other))).head.status, 204);
});

test('a server that speaks first is heard', async (s) => {
	await tunnels(s, (w) => w.send('220 ready\r\n'));
	const wire = await connect(s, authority);
	assert.equal((await wire.bytes(11)).toString(), '220 ready\r\n');
});

test('a half-close of the client passes, and the answer still comes', async (s) => {
	await tunnels(s, async (w) => {
		const asked = await w.rest();
		await w.send(`you said ${asked}`);
		w.end();
	});
	const wire = await connect(s, authority);
	wire.send('everything');
	wire.end();
	assert.equal((await wire.rest()).toString(), 'you said everything');
	assert.deepEqual(await line(s), { host: authority, up: 10, down: 19 });
});

test('a half-close of the server passes, and the client still speaks', async (s) => {
	const o = await tunnels(s, async (w) => {
		await w.send('bye');
		w.end();
		w.got = (await w.rest()).toString();
	});
	const wire = await connect(s, authority);
	assert.equal((await wire.rest()).toString(), 'bye');
	await wire.send('one more thing');
	wire.end();
	await poll(() => o.wires[0].got, 'the last word');
	assert.equal(o.wires[0].got, 'one more thing');
});

test('a FIN right behind the CONNECT and its bytes is a half-close too', async (s) => {
	await tunnels(s, async (w) => {
		const asked = await w.rest();
		await w.send(asked);
		w.end();
	});
	const wire = await s.client();
	wire.send(`${connectHead(authority)}hello`);
	wire.end();
	await established(wire);
	assert.equal((await wire.rest()).toString(), 'hello');
});

test('a reset of the client is a reset for the server', async (s) => {
	const o = await tunnels(s, () => {});
	const wire = await connect(s, authority);
	await wire.send('x');
	const server = await poll(() => o.wires[0]?.received.length && o.wires[0], 'the byte');
	wire.reset();
	await server.until(() => server.closed, 'the end of the connection');
	assert.equal(server.error?.code, 'ECONNRESET');
	await line(s);
});

test('a reset of the server is a reset for the client', async (s) => {
	const o = await tunnels(s, async (w) => { await w.bytes(1); w.reset(); });
	const wire = await connect(s, authority);
	await wire.send('x');
	await wire.until(() => wire.closed, 'the end of the connection');
	assert.equal(wire.error?.code, 'ECONNRESET');
	assert.equal(o.wires.length, 1);
	await line(s);
});

test('what was sent before a client left arrives', async (s) => {
	const o = await tunnels(s, async (w) => { w.got = (await w.rest()).length; w.end(); });
	const wire = await connect(s, authority);
	await wire.send(randomBytes(200_000));
	wire.end();
	await poll(() => o.wires[0]?.got !== undefined, 'the end');
	assert.equal(o.wires[0].got, 200_000);
});

test('a peer that does not read holds up the other and nobody else', async (s) => {
	const o = await tunnels(s, (w) => w.socket.pause());
	const wire = await connect(s, authority);
	await poll(() => o.wires[0], 'the connection');
	o.wires[0].socket.pause();
	const flood = wire.pump((k) => k < 256 && randomBytes(65536));
	await stuck(wire);
	const second = await connect(s);
	assert.equal((await ask(await secure(s, second), get())).payload.toString(), 'ok');
	o.wires[0].reset();
	assert.equal(await flood, false);
	await line(s);
});

test('a tunnel that nobody uses ends after timeouts.tunnel_ms', async (s) => {
	await tunnels(s, () => {}, { set: { [keys.tunnelMs]: 300 } });
	const wire = await connect(s, authority);
	await wire.until(() => wire.over, 'the end');
	await line(s);
});

test('an origin that refuses is a 502 with a reason, and no tunnel', async (s) => {
	const o = await bare(s);
	await forward(s, { map: { [other]: 1 } });
	const answer = await s.ask(connectHead(authority));
	assert.equal(answer.head.status, 502);
	assert.match(JSON.parse(answer.payload).error.message, /refused/i);
	assert.equal(o.wires.length, 0);
	assert.deepEqual(await s.tape.records(), []);
});

test('a client that leaves while its tunnel is dialled harms nobody', async (s) => {
	await tunnels(s, (w) => w.send('x'));
	for (let k = 0; k < 20; k++) {
		const wire = await s.client();
		await wire.send(connectHead(authority));
		if (k % 2)
			wire.reset();
		else
			wire.cut();
	}
	const wire = await connect(s, authority);
	assert.equal((await wire.bytes(1)).toString(), 'x');
});

test('tunnels end when the proxy is told to stop, after their time', async (s) => {
	await tunnels(s, (w) => w.send('x'), { set: { [keys.drainS]: 0 } });
	const wire = await connect(s, authority);
	await wire.bytes(1);
	s.tape.kill('SIGTERM');
	await wire.until(() => wire.over, 'the end');
	await s.tape.gone;
});

const n = sanitized ? 32 : 100;	/* MiB */

test(`${n} MiB each way at once pass whole and cost no memory`, async (s) => {
	const want = sumOf(n);
	const up = new Sum();
	await tunnels(s, async (w) => {
		w.pour(up.take);
		await w.pump(blocks(n));
		await w.until(() => up.bytes === n * MiB || w.over, 'the upload', 120_000);
		w.end();
	});
	const before = await s.tape.kB('VmHWM');
	const down = new Sum();
	const wire = await connect(s, authority);
	wire.pour(down.take);
	await wire.pump(blocks(n));
	await wire.until(() => wire.over, 'the download', 120_000);
	wire.end();
	assert.equal(up.hex(), want);
	assert.equal(down.hex(), want);
	assert.deepEqual(await line(s), { host: authority, up: n * MiB, down: n * MiB });
	const grown = await s.tape.kB('VmHWM') - before;
	if (!sanitized)
		assert.ok(grown < 8 * 1024, `${grown} kB more`);
});

test('captures of real clients pass a blind tunnel byte for byte', async (s) => {
	for (const name of ['04-conn01.c2s', '23-conn03.c2s', '30-conn01.c2s']) {
		const bytes = rawBytes(name);
		const end = bytes.indexOf('\r\n\r\n') + 4;
		const o = await bare(s, async (w) => { w.got = await w.rest(); w.end(); });
		const t = await s.record({ upstream: s.upstream?.url ?? 'https://localhost:1',
			ca: chain().ca, store: `store-${name}`,
			set: { 'forward.intercept': 'nobody.example',
				'upstream.resolve': `${official}=127.0.0.1:${o.port}` } });
		const wire = await s.client({ port: t.port });
		wire.send(bytes);
		wire.end();
		await established(wire);
		await wire.rest();
		assert.ok(o.wires[0].got.equals(bytes.subarray(end)));
	}
});
