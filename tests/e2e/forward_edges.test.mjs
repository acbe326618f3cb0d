/* Where a forward proxy meets the rest: slow names, slow disks, upgrades, old clients. */
import net from 'node:net';
import { networkInterfaces } from 'node:os';
import { test, assert, keys } from './lib/scene.mjs';
import { ask, bare, connect, connectHead, established, forward, get, inside, official,
	plainOrigin, secure } from './lib/proxy_forward.mjs';
import { Dns } from './lib/proxy_dns.mjs';
import { holdWriter } from './lib/slow_disk.mjs';
import { message } from './lib/http.mjs';
import { ownError } from './lib/own_error.mjs';
import { stuck } from './lib/kernel.mjs';
import { poll } from './lib/wait.mjs';
import { Wire } from './lib/wire.mjs';

const other = 'other.example';

test('a megabyte behind a CONNECT, before it is answered, arrives whole', async (s) => {
	const bytes = Buffer.alloc(1 << 20, 'ab');
	const o = await bare(s, async (w) => { w.got = await w.bytes(bytes.length); });
	await forward(s, { map: { [other]: o.port } });
	const wire = await s.client();
	wire.send(Buffer.concat([Buffer.from(connectHead(`${other}:443`)), bytes]));
	await established(wire);
	await poll(() => o.wires[0]?.got, 'all of it');
	assert.ok(o.wires[0].got.equals(bytes));
});

test('a name server that says nothing is told as such, and a client that leaves is let go',
    async (s) => {
	const dns = await Dns.start(s, {});
	dns.answer = () => { dns.asked.push('slow.example'); return Buffer.alloc(0); };
	await forward(s, { set: { 'upstream.dns': dns.address, [keys.connectMs]: 600 } });
	const leaver = await s.client();
	leaver.send(connectHead('slow.example:443'));
	await poll(() => dns.asked.length, 'the question');
	leaver.reset();
	const error = ownError(await s.ask(connectHead('slow.example:443')), 502);
	assert.equal(error.code, 'upstream_dns');
	assert.match(error.message, /slow\.example.*in time/);
});

test('an upgrade in absolute-form passes, and is recorded for intercepted hosts', async (s) => {
	const agreed = 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n' +
		'Connection: Upgrade\r\n\r\n';
	const echo = () => bare(s, async (w) => {
		w.asked = await w.nextHead();
		await w.send(agreed);
		await w.send(await w.bytes(4));
	});
	const [api, away] = [await echo(), await echo()];
	await forward(s, { map: { [official]: api.port, [other]: away.port } });
	for (const host of [other, official]) {
		const wire = await s.client();
		wire.send(`GET http://${host}/ws HTTP/1.1\r\nHost: ${host}\r\nUpgrade: websocket\r\n` +
			'Connection: Upgrade\r\n\r\n');
		assert.equal((await wire.head()).status, 101);
		wire.send('ping');
		assert.equal((await wire.bytes(4)).toString(), 'ping');
		wire.end();
		await wire.rest();
	}
	assert.equal(away.wires[0].asked.start, 'GET /ws HTTP/1.1');
	assert.match(away.wires[0].asked.get('connection'), /upgrade/i);
	const records = await s.tape.settled(1);
	assert.deepEqual(records.map((r) => [r.host.replace(/:80$/, ''), r.status]), [[official, 101]]);
});

test('a FIN right behind a batch that stays here does not cost its 204', async (s) => {
	await forward(s, { set: { 'proxy.traces': 'local' } });
	const tls = await inside(s);
	tls.send(message('POST /v1/traces/ingest HTTP/1.1', [`Host: ${official}`], '{"data":[]}'));
	tls.end();
	assert.equal((await tls.message()).head.status, 204);
	const [record] = await s.tape.settled(1);
	assert.equal(record.outcome, 'complete');
});

test('a disk that stands still holds up no blind tunnel', async (s) => {
	const o = await bare(s, async (w) => { w.send(await w.bytes(300_000)); });
	await forward(s, { map: { [other]: o.port }, answer: (r, c) => c.send('HTTP/1.1 200 OK\r\n' +
		'Content-Length: 2\r\n\r\nok'), set: { [keys.maxBytes]: '64k', [keys.pauseMs]: -1 } });
	await ask(await inside(s), get());
	const release = await holdWriter(s);
	const recorded = await s.client();
	recorded.send(`POST /v1/files HTTP/1.1\r\nHost: a\r\nContent-Length: ${64 << 20}\r\n\r\n`);
	const upload = recorded.pump(() => Buffer.alloc(1 << 20));
	await stuck(recorded);
	const wire = await connect(s, `${other}:443`);
	wire.send(Buffer.alloc(300_000, 'x'));
	assert.equal((await wire.bytes(300_000)).length, 300_000);
	recorded.reset();
	assert.equal(await upload, false);
	await release();
});

test('HTTP/1.0 without Host is asked for under the name of its URL', async (s) => {
	const origin = await plainOrigin(s);
	await forward(s, { map: { [official]: origin.port } });
	const answer = await s.ask(`GET http://${official}/x HTTP/1.0\r\n\r\n`);
	assert.equal(answer.payload.toString(), 'ok');
	assert.equal(origin.requests[0].head.get('host'), official);
	const tls = await inside(await forward(s, { store: 'second' }));
	assert.equal((await ask(tls, 'GET /x HTTP/1.0\r\n\r\n')).payload.toString(), 'ok');
	assert.equal(s.upstream.requests[0].head.get('host'), official);
});

test('an intercepted host at another port is asked for there', async (s) => {
	await forward(s);
	const tls = await inside(s, { authority: `${official}:8443` });
	assert.equal((await ask(tls, get(`${official}:8443`))).payload.toString(), 'ok');
	const [record] = await s.tape.settled(1);
	assert.equal(record.host, `${official}:8443`);
	assert.equal(s.upstream.requests[0].head.get('host'), `${official}:8443`);
});

for (const [listed, host] of [['localhost', 'localhost'], ['127.0.0.1', '127.0.0.1'],
	['*.internal.example', 'a.b.internal.example']])
	test(`a server of one's own at ${host} is intercepted when it is listed`, async (s) => {
		const origin = await plainOrigin(s);
		await forward(s, { set: { 'forward.intercept': listed }, map: { [host]: origin.port } });
		const wire = await connect(s, `${host}:${origin.port}`);
		assert.equal((await ask(wire, get(host))).payload.toString(), 'ok');
		const [record] = await s.tape.settled(1);
		assert.deepEqual([record.mode, record.scheme, record.host],
		    ['forward', 'http', `${host}:${origin.port}`]);
		const tls = await secure(s, await connect(s, `${host}:443`),
		    { host, servername: host === '127.0.0.1' ? '' : host });
		assert.ok(tls.socket.authorized);
	});

test('a proxy that listens on IPv6 knows itself there', async (s) => {
	if (!Object.values(networkInterfaces()).flat().some((i) => i.address === '::1'))
		return;
	await forward(s, { args: ['--listen', '[::1]:0'] });
	const port = Number(s.tape.out.match(/^listening http:\/\/\[::1\]:(\d+)$/m)[1]);
	const wire = new Wire(net.connect({ port, host: '::1', allowHalfOpen: true }));
	s.atEnd(() => wire.drop());
	wire.send(connectHead(`[::1]:${port}`));
	await established(wire);
	assert.equal((await ask(wire, get('a'))).payload.toString(), 'ok');
	assert.equal((await s.tape.settled(1))[0].mode, 'reverse');
});
