/* upstream.dns: that server is asked, and neither the hosts file nor resolv.conf's. */
import dgram from 'node:dgram';
import { once } from 'node:events';
import net from 'node:net';
import { test, assert, keys } from './lib/scene.mjs';
import { ownError } from './lib/own_error.mjs';
import { Dns } from './lib/proxy_dns.mjs';
import { deadPort, get, listener, ok, plain } from './lib/via.mjs';

const start = (s, host, port, dns, set = {}) => s.record({ upstream: `http://${host}:${port}`,
	set: { [keys.dns]: dns, ...set } }).then((t) => { s.tape = t; });
const body = async (s) => (await s.ask(get)).payload.toString();

test('a name is asked of that server, as it is', async (s) => {
	const dns = await Dns.start(s, { box: { a: ['127.0.0.1'] } });
	const origin = await plain(s);
	await start(s, 'box', origin.port, dns.address);
	assert.equal(await body(s), 'ok');
	assert.ok(dns.asked.length > 0);
	assert.ok(dns.asked.every((n) => n === 'box'), dns.asked.join());
	const [record] = await s.tape.settled(1);
	assert.equal(record.host, `box:${origin.port}`);
});

test('the hosts file says nothing', async (s) => {
	/* Every hosts file leads localhost to 127.0.0.1, where nobody listens here. */
	const dns = await Dns.start(s, { localhost: { a: ['127.0.0.2'] } });
	const origin = await plain(s, { host: '127.0.0.2' });
	await start(s, 'localhost', origin.port, dns.address);
	assert.equal(await body(s), 'ok');
	assert.ok(dns.asked.includes('localhost'));
});

test('upstream.resolve and numbers come first', async (s) => {
	const dns = await Dns.start(s, {});
	const origin = await plain(s);
	await start(s, 'box', origin.port, dns.address, { [keys.resolve]: 'box=127.0.0.1' });
	assert.equal(await body(s), 'ok');
	s.tape = await s.record({ upstream: `http://127.0.0.1:${origin.port}`, store: 'b',
		set: { [keys.dns]: dns.address } });
	assert.equal(await body(s), 'ok');
	assert.deepEqual(dns.asked, []);
});

test('an answer is remembered for a while', async (s) => {
	const dns = await Dns.start(s, { box: { a: ['127.0.0.1'] } });
	const origin = await listener(s, async (wire) => {
		await wire.nextHead();
		wire.send(ok.replace('\r\n', '\r\nConnection: close\r\n'));
		wire.end();
	});
	await start(s, 'box', origin.port, dns.address);
	for (let k = 0; k < 3; k++)
		assert.equal(await body(s), 'ok');
	assert.equal(origin.wires.length, 3);
	assert.ok(dns.asked.length <= 2, dns.asked.join());	/* A and AAAA */
});

test('the next address is tried when the first does not answer', async (s) => {
	const dns = await Dns.start(s, { box: { a: ['127.0.0.9', '127.0.0.2'] } });
	const origin = await plain(s, { host: '127.0.0.2' });
	await start(s, 'box', origin.port, dns.address);
	assert.equal(await body(s), 'ok');
});

test('an IPv6 address leads there too', async (s) => {
	const probe = net.createServer().listen(0, '::1');
	const up = await Promise.race([once(probe, 'listening').then(() => true),
		once(probe, 'error').then(() => false)]);
	probe.close();
	if (!up)
		return;			/* no IPv6 here */
	const dns = await Dns.start(s, { box: { aaaa: ['::1'] } });
	const origin = await plain(s, { host: '::1' });
	await start(s, 'box', origin.port, dns.address);
	assert.equal(await body(s), 'ok');
});

test('a name that the server does not know is an error that names the server', async (s) => {
	const dns = await Dns.start(s, {});
	await start(s, 'nobody.test', 80, dns.address);
	const error = ownError(await s.ask(get), 502);
	assert.equal(error.code, 'upstream_dns');
	assert.match(error.message, /^nobody\.test:80: /);
	assert.match(error.message, new RegExp(`asked upstream\\.dns, ${dns.address}`));
	assert.equal((await s.tape.settled(1)).length, 1);
});

test('a server that is silent, or not there, costs connect_ms and no more', async (s) => {
	const silent = dgram.createSocket('udp4');
	silent.bind(0, '127.0.0.1');
	await once(silent, 'listening');
	s.atEnd(() => silent.close());
	for (const port of [silent.address().port, await deadPort()]) {
		s.tape = await s.record({ upstream: 'http://box.test', store: `s${port}`,
			set: { [keys.dns]: `127.0.0.1:${port}`, [keys.connectMs]: 500 } });
		const error = ownError(await s.ask(get), 502);
		assert.equal(error.code, 'upstream_dns');
		assert.match(error.message, /box\.test:80/);
	}
});

test('junk for an answer is no address', async (s) => {
	const junk = dgram.createSocket('udp4');
	junk.bind(0, '127.0.0.1');
	await once(junk, 'listening');
	s.atEnd(() => junk.close());
	/* Too short; another id; a name that points at itself; more than it says. */
	const replies = [(q) => q.subarray(0, 5), (q) => Buffer.concat([Buffer.from([q[0] ^ 1]),
		q.subarray(1)]), (q) => Buffer.concat([q.subarray(0, 2),
		Buffer.from('8180000100010000000000', 'hex'), Buffer.from([0]),
		Buffer.from('c00cc00c00010001', 'hex')]), (q) => Buffer.concat([q.subarray(0, 2),
		Buffer.from('81800001ffff00000000', 'hex'), q.subarray(12)])];
	let n = 0;
	junk.on('message', (q, from) => junk.send(replies[n++ % replies.length](q), from.port,
		from.address));
	await start(s, 'box.test', 80, `127.0.0.1:${junk.address().port}`,
		{ [keys.connectMs]: 700 });
	for (let k = 0; k < 3; k++)
		assert.equal(ownError(await s.ask(get), 502).code, 'upstream_dns');
	assert.ok(n > 0);
});
