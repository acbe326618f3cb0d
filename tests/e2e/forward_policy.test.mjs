/* Where a tunnel may lead: by list, by port, and never into the network that we stand in
 * unless the operator says so. */
import { networkInterfaces } from 'node:os';
import { test, assert } from './lib/scene.mjs';
import { bare, connect, connectHead, forward, official, plainOrigin, refused,
	tunnelLines } from './lib/proxy_forward.mjs';
import { Dns } from './lib/proxy_dns.mjs';
import { ownError } from './lib/own_error.mjs';
import { poll } from './lib/wait.mjs';

const forbidden = 'forbidden_address';

/* Addresses in many spellings, none of which is a public one. */
const special = ['127.0.0.1:443', '127.255.255.254:443', '127.0.0.1:80', '0.0.0.0:443',
	'10.0.0.1:443', '172.16.0.1:443', '172.31.255.255:443', '192.168.1.1:443',
	'169.254.169.254:80', '169.254.169.254:443', '100.64.0.1:443', '198.18.0.1:443',
	'192.0.0.8:443', '192.0.2.1:443', '224.0.0.1:443', '240.0.0.1:443', '255.255.255.255:443',
	'[::1]:443', '[::]:443', '[0:0:0:0:0:0:0:1]:443', '[::ffff:127.0.0.1]:443',
	'[::ffff:7f00:1]:443', '[::ffff:10.0.0.1]:443', '[::127.0.0.1]:443', '[fe80::1]:443',
	'[fc00::1]:443', '[fd12:3456::1]:443', '[ff02::1]:443', '[64:ff9b::a00:1]:443',
	'[64:ff9b::7f00:1]:443', '[2002:7f00:1::]:443', '[2002:a00:1::1]:443', '[2001:db8::1]:443',
	'localhost:443', 'LOCALHOST:443', 'localhost.:443'];

test('a tunnel to an address that is not public is refused, in every spelling', async (s) => {
	await forward(s);
	for (const authority of special) {
		const error = await refused(s, authority, 403, forbidden);
		assert.match(error.message, /private|loopback|local|public|special/i, authority);
		assert.match(error.message, /tunnel_to/, 'the remedy');
	}
	assert.equal(s.upstream.tcp, 0);
	assert.deepEqual(await s.tape.records(), []);
});

test('numbers that some resolver takes for an address lead nowhere', async (s) => {
	const inner = await bare(s);
	await forward(s, { set: { 'forward.ports': `443 80 ${inner.port}` } });
	for (const host of ['2130706433', '0x7f000001', '0177.0.0.1', '127.1', '127.0.1',
		'0x7f.0.0.1', '017700000001', '127.0.0.1.', '0', '127.0.0.01']) {
		const answer = await s.ask(connectHead(`${host}:${inner.port}`));
		assert.ok(answer.head.status === 400 || answer.head.status === 403 ||
			answer.head.status === 502, `${host}: ${answer.head.start}`);
	}
	assert.equal(inner.wires.length, 0);
});

test('CONNECT to 127.0.0.1:22 and to port 25 is refused for its port', async (s) => {
	await forward(s);
	for (const authority of ['127.0.0.1:22', '8.8.8.8:25', 'mail.example:25', '[::1]:22',
		`other.example:${s.upstream.port}`]) {
		const error = await refused(s, authority, 403, 'tunnel_port');
		assert.match(error.message, /port/i);
		assert.match(error.message, /forward\.ports/);
	}
	assert.equal(s.upstream.tcp, 0);
});

test('a name that resolves to an address that is not public is refused', async (s) => {
	const dns = await Dns.start(s, { 'ten.example': { a: ['10.0.0.1'] },
		'meta.example': { a: ['169.254.169.254'] }, 'home.example': { a: ['127.0.0.1'] },
		'six.example': { aaaa: ['::1'] }, 'mapped.example': { aaaa: ['::ffff:127.0.0.1'] },
		'both.example': { a: ['192.168.0.7'], aaaa: ['fd00::7'] },
		'alias.example': { cname: 'ten.example' } });
	await forward(s, { set: { 'upstream.dns': dns.address } });
	for (const name of Object.keys(dns.zone))
		await refused(s, `${name}:443`, 403, forbidden);
	assert.ok(dns.asked.includes('ten.example'));
});

test('what a name resolves to is judged address by address', async (s) => {
	const inner = await plainOrigin(s);
	const dns = await Dns.start(s, { 'two.example': { a: ['10.0.0.1', '127.0.0.1'] } });
	await forward(s, { set: { 'upstream.dns': dns.address, 'forward.tunnel_to': '127.0.0.1',
		'forward.ports': `443 ${inner.port}` } });
	const wire = await connect(s, `two.example:${inner.port}`);
	wire.send('GET / HTTP/1.1\r\nHost: two.example\r\n\r\n');
	assert.equal((await wire.message()).payload.toString(), 'ok');
});

test('a name that does not exist is told apart from one that is forbidden', async (s) => {
	const dns = await Dns.start(s, {});
	await forward(s, { set: { 'upstream.dns': dns.address } });
	const error = await refused(s, 'nothing.example:443', 502);
	assert.match(error.message, /nothing\.example/);
});

test('tunnel = none refuses every host but the intercepted ones', async (s) => {
	await forward(s, { set: { 'forward.tunnel': 'none' } });
	for (const authority of ['other.example:443', '8.8.8.8:443', '127.0.0.1:22']) {
		const error = await refused(s, authority, 403, 'tunnel_off');
		assert.match(error.message, /forward\.tunnel/);
	}
	await connect(s);
});

test('tunnel = listed lets through what is listed, by name, suffix, address, network, port',
    async (s) => {
	const { port, wires } = await bare(s, (w) => w.send('hello'));
	await forward(s, { map: { 'other.example': port, 'a.b.example': port, 'not.example': port },
		set: { 'forward.tunnel': 'listed',
			'forward.tunnel_to': `other.example *.b.example 127.0.0.1:${port}` } });
	for (const authority of ['other.example:443', 'OTHER.example:443', 'a.b.example:443',
		`127.0.0.1:${port}`]) {
		const wire = await connect(s, authority);
		assert.equal((await wire.bytes(5)).toString(), 'hello');
		wire.cut();
	}
	for (const authority of ['b.example:443', 'another.example:443', 'xother.example:443',
		'other.example.evil.example:443', '127.0.0.2:443', '8.8.8.8:443'])
		await refused(s, authority, 403, 'tunnel_not_listed');
	assert.equal(wires.length, 4);
});

test('a listed network is reached at the ports that are allowed', async (s) => {
	const { port } = await bare(s, (w) => w.send('hello'));
	await forward(s, { set: { 'forward.tunnel_to': '127.0.0.0/8',
		'forward.ports': `443 ${port}` } });
	for (const host of ['127.0.0.1', 'localhost'])
		assert.equal((await (await connect(s, `${host}:${port}`)).bytes(5)).toString(), 'hello');
	await refused(s, `127.0.0.1:${port === 65535 ? port - 1 : port + 1}`, 403, 'tunnel_port');
	await refused(s, '10.0.0.1:443', 403, forbidden);
});

test('an IPv6 address that is listed is reached, in any spelling', async (s) => {
	if (!Object.values(networkInterfaces()).flat().some((i) => i.address === '::1'))
		return;
	const { port } = await bare(s, (w) => w.send('hello'), '::1');
	await forward(s, { set: { 'forward.tunnel_to': '[::1]', 'forward.ports': `443 ${port}` } });
	for (const host of ['[::1]', '[0:0:0:0:0:0:0:1]', '[0::0:1]'])
		assert.equal((await (await connect(s, `${host}:${port}`)).bytes(5)).toString(), 'hello');
	await refused(s, `[::2]:${port}`, 403, forbidden);
});

test('a host that the operator maps elsewhere counts as listed', async (s) => {
	const { port } = await bare(s, (w) => w.send('hello'));
	await forward(s, { map: { 'other.example': port }, set: { 'forward.tunnel': 'listed' } });
	assert.equal((await (await connect(s, 'other.example:443')).bytes(5)).toString(), 'hello');
});

test('an intercepted host is never a blind tunnel, whatever the tunnels are', async (s) => {
	await forward(s, { set: { 'forward.tunnel': 'listed',
		'forward.tunnel_to': official } });
	const wire = await connect(s);
	wire.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
	await wire.until(() => wire.over || wire.received.length > 60, 'an answer of our own');
	assert.equal(s.upstream.requests.filter((r) => !r.head).length, 0);
	assert.equal(tunnelLines(s.tape.log).length, 0);
});

test('absolute-form is under the same rules', async (s) => {
	const inner = await plainOrigin(s);
	const dns = await Dns.start(s, { 'ten.example': { a: ['10.0.0.1'] } });
	await forward(s, { set: { 'upstream.dns': dns.address } });
	const cases = [['http://127.0.0.1/', forbidden], ['http://[::1]/', forbidden],
		['http://169.254.169.254/latest/meta-data/', forbidden],
		['http://[::ffff:10.0.0.1]/', forbidden], ['http://ten.example/', forbidden],
		[`http://127.0.0.1:${inner.port}/`, 'tunnel_port'], ['http://8.8.8.8:25/', 'tunnel_port']];
	for (const [url, code] of cases) {
		const [, host] = url.match(/\/\/([^/]*)/);
		const answer = await s.ask(`GET ${url} HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
		assert.equal(ownError(answer, 403).code, code, url);
	}
	assert.equal(inner.wires.length, 0);
});

test('a refusal is one line in the log, with the host and the reason', async (s) => {
	await forward(s);
	await refused(s, '169.254.169.254:80', 403, forbidden);
	const line = await poll(() => s.tape.log.split('\n').find((l) =>
		l.includes('169.254.169.254')), 'the line');
	assert.match(line, /forbidden|refused/i);
});

test('what is not a list, a port or a network is refused at the start', async (s) => {
	for (const [key, value] of [['forward.tunnel', 'some'], ['forward.ports', '0'],
		['forward.ports', '65536'], ['forward.ports', 'https'],
		['forward.tunnel_to', '10.0.0.0/33'], ['forward.tunnel_to', 'a b!'],
		['forward.allow', 'everybody'], ['forward.allow', '10.0.0.0/99'],
		['forward.intercept', 'a..b'], ['forward.intercept', '*'], ['upstream.dns', 'nowhere:x']]) {
		await assert.rejects(forward(s, { set: { [key]: value } }), /ended at once/,
		    `${key}=${value}`);
		const tape = s.tapes.at(-1);
		assert.equal(tape.exit.code, 2, `${key}=${value}`);
		assert.ok(tape.log.includes(key), `${key}=${value}: ${tape.log}`);
		tape.expectExit = tape.exit;
	}
});
