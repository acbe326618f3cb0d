/* Proxy-Authorization: a label for whoever gives one, a password where one is asked for;
 * and who may speak to us at all. */
import { chmodSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { join } from 'node:path';
import net from 'node:net';
import { test, assert } from './lib/scene.mjs';
import { ownError } from './lib/own_error.mjs';
import { ask, bare, chain, connectHead, established, forward, get, inside, official,
	secure } from './lib/proxy_forward.mjs';
import { run } from './lib/tape.mjs';
import { Wire } from './lib/wire.mjs';

const authority = `${official}:443`;
const password = 'PASSWORD-0123456789-of-alice';
const basic = (text) => `Proxy-Authorization: Basic ${Buffer.from(text).toString('base64')}`;

function authFile(s, text = `# people\n\nalice:${password}\nbob:with:colons\nmälis:pässword\n`) {
	const file = join(s.dir, 'people');
	writeFileSync(file, text, { mode: 0o600 });
	return file;
}

const guarded = async (s, options = {}) =>
	forward(s, { ...options, set: { 'forward.auth_file': authFile(s), ...options.set } });

async function labelOf(s, lines) {
	const before = (await s.tape.records()).length;
	const tls = await inside(s, { lines: [`Host: ${authority}`, ...lines] });
	assert.equal((await ask(tls, get())).payload.toString(), 'ok');
	return (await s.tape.settled(before + 1)).at(-1).label;
}

test('the user name in the proxy URL labels what passes, with no password asked', async (s) => {
	await forward(s);
	assert.equal(await labelOf(s, [basic('agent-7:x')]), 'agent-7');
	assert.equal(await labelOf(s, [basic('only-a-name:')]), 'only-a-name');
	assert.equal(await labelOf(s, [basic('mälis:x')]), 'mälis');
	assert.equal(await labelOf(s, ['proxy-authorization: basic YWdlbnQ6']), 'agent');
});

test('credentials that make no sense label nothing and hinder nobody', async (s) => {
	await forward(s);
	for (const line of ['Proxy-Authorization: Basic ***', 'Proxy-Authorization: Basic',
		'Proxy-Authorization: Bearer token', 'Proxy-Authorization:', basic(':x'),
		basic('no colon')]) {
		const label = await labelOf(s, [line]);
		assert.ok(!label || label === 'no colon', `${line}: ${label}`);
	}
});

test('a label is short and cannot steer a terminal', async (s) => {
	await forward(s);
	const long = await labelOf(s, [basic(`${'ä'.repeat(500)}:x`)]);
	assert.ok(Buffer.byteLength(long) < 64 && /^ä+$/.test(long), long);
	await labelOf(s, [basic('\x1b[31mred\x07\r\n:x')]);
	const table = await s.tape.table();
	assert.ok(!table.includes('\x1b'), JSON.stringify(table));
	assert.ok(!s.tape.log.includes('\x1b'));
});

const wrong = {
	nothing: [], 'a wrong password': [basic('alice:wrong')], 'no password': [basic('alice:')],
	'a longer password': [basic(`alice:${password}x`)],
	'an unknown name': [basic(`eve:${password}`)],
	'another scheme': [`Proxy-Authorization: Bearer ${password}`],
	'broken base64': ['Proxy-Authorization: Basic !!!!'],
	'a name in capitals': [basic(`ALICE:${password}`)],
	'the password for an upstream': [`Authorization: Basic ${
		Buffer.from(`alice:${password}`).toString('base64')}`],
	'a comment for a name': [basic('# people:')],
};

for (const [what, lines] of Object.entries(wrong)) {
	test(`with an auth_file, ${what} is answered with 407`, async (s) => {
		const { wires, port } = await bare(s);
		await guarded(s, { map: { 'other.example': port } });
		for (const to of [authority, 'other.example:443']) {
			const answer = await s.ask(connectHead(to, [`Host: ${to}`, ...lines]));
			ownError(answer, 407);
			assert.match(answer.head.get('proxy-authenticate'), /^Basic realm=/i);
		}
		const absolute = await s.ask(['GET http://other.example/ HTTP/1.1',
			'Host: other.example', ...lines, '', ''].join('\r\n'));
		ownError(absolute, 407);
		assert.equal(s.upstream.tcp + wires.length, 0);
	});
}

test('the right password opens, and its name is the label', async (s) => {
	await guarded(s);
	assert.equal(await labelOf(s, [basic(`alice:${password}`)]), 'alice');
	assert.equal(await labelOf(s, [basic('bob:with:colons')]), 'bob');
	assert.equal(await labelOf(s, [basic('mälis:pässword')]), 'mälis');
});

test('after a 407 the same connection may try again, or is closed', async (s) => {
	await guarded(s);
	let wire = await s.client();
	wire.send(connectHead(authority));
	const answer = await wire.message();
	assert.equal(answer.head.status, 407);
	if (/close/i.test(answer.head.get('connection') ?? '')) {
		assert.equal((await wire.rest()).length, 0);
		wire = await s.client();
	}
	wire.send(connectHead(authority, ['Host: a', basic(`alice:${password}`)]));
	await established(wire);
	assert.equal((await ask(await secure(s, wire), get())).payload.toString(), 'ok');
});

function filesOf(dir) {
	return readdirSync(dir, { recursive: true }).map((f) => join(dir, f))
		.filter((f) => statSync(f).isFile());
}

test('no password reaches the upstream, the store or the log', async (s) => {
	await guarded(s, { set: { 'log.level': 'debug' } });
	const right = basic(`alice:${password}`);
	await labelOf(s, [right]);
	await s.ask(['GET http://api.openai.com/v1/models HTTP/1.1', `Host: ${official}`, right, '',
		''].join('\r\n'));
	await s.ask(connectHead(authority, ['Host: a', basic(`alice:${password}-wrong`)]));
	await s.tape.stop();
	const secrets = [password, right.slice(right.lastIndexOf(' ') + 1).slice(0, 40)];
	const places = { log: s.tape.log, out: s.tape.out,
		upstream: s.upstream.received, records: JSON.stringify(await s.tape.records()) };
	for (const file of filesOf(s.tape.store))
		places[file] = readFileSync(file);
	for (const [where, bytes] of Object.entries(places))
		for (const secret of secrets)
			assert.ok(!Buffer.from(bytes).includes(secret), `${where} holds ${secret}`);
});

test('an auth_file that is not there, shared or broken is named at the start', async (s) => {
	const cases = [['not there', (f) => `${f}.none`],
		['shared', (f) => { chmodSync(f, 0o644); return f; }],
		['without a colon', () => authFile(s, `alice:a\n${password}\n`)],
		['without a name', () => authFile(s, `:${password}\n`)]];
	for (const [what, make] of cases) {
		const file = make(authFile(s));
		const r = await run(s.dir, ['proxy', '--listen', '127.0.0.1:0', '--store',
			join(s.dir, 'store'), '--set', `forward.auth_file=${file}`]);
		assert.equal(r.code, 2, `${what}: ${r.err}`);
		assert.ok(r.err.includes(file), `${what}: ${r.err}`);
		assert.ok(!r.err.includes(password), `${what}: ${r.err}`);
		assert.equal(r.err.trimEnd().split('\n').length, 1, `one line: ${r.err}`);
		chmodSync(authFile(s), 0o600);
	}
});

/* A connection from an address of the loopback network. */
async function from(s, localAddress, port = s.tape.port) {
	const socket = net.connect({ port, host: '127.0.0.1', localAddress, allowHalfOpen: true });
	const wire = new Wire(socket);
	s.atEnd(() => wire.drop());
	await once(socket, 'connect');
	return wire;
}

test('forward.allow says who may speak to us', async (s) => {
	await forward(s, { set: { 'forward.allow': '127.0.0.5/32 127.1.0.0/16' } });
	for (const address of ['127.0.0.5', '127.1.2.3']) {
		const wire = await from(s, address);
		wire.send(connectHead(authority));
		await established(wire);
	}
	for (const request of [connectHead(authority), get('a'),
		`GET http://${official}/ HTTP/1.1\r\nHost: ${official}\r\n\r\n`]) {
		const wire = await from(s, '127.0.0.6');
		wire.send(request);
		const answer = await wire.message();
		assert.ok(!answer || answer.head.status === 403, answer?.head.start);
	}
	assert.equal(s.upstream.requests.length, 0);
});

const everywhere = ['0.0.0.0:0', '[::]:0'];

test('a listener that others reach needs auth_file or allow', async (s) => {
	for (const option of ['--listen', '--tls-listen'])
		for (const address of everywhere) {
			const r = await run(s.dir, ['proxy', '--listen', '127.0.0.1:0', option, address,
				'--store', join(s.dir, 'store')], { ms: 5000 });
			assert.equal(r.code, 2, `${option} ${address}: ${r.err}`);
			assert.match(r.err, /forward\.(allow|auth_file)/);
			assert.equal(r.out.toString(), '');
		}
	s.upstream = await s.origin({ server: chain().server, answer: () => {} });
	for (const set of [{ 'forward.allow': '127.0.0.0/8' }, { 'forward.auth_file': authFile(s) }]) {
		const t = await s.record({ ca: chain().ca, set: { 'listen.http': everywhere[0], ...set },
			args: ['--listen', everywhere[0]], store: `store-${Object.keys(set)[0]}` });
		assert.match(t.out, /^listening http:\/\/0\.0\.0\.0:\d+$/m);
	}
});
