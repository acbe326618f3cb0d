/* Another proxy that does not do it: a 502 that says what it answered and what to do. */
import { test, assert, keys } from './lib/scene.mjs';
import { ownError } from './lib/own_error.mjs';
import { run } from './lib/tape.mjs';
import { deadPort, get, listener, name, other } from './lib/via.mjs';

const start = async (s, url, set = {}) => {
	s.tape = await s.record({ upstream: `https://${name}`, set: { [keys.via]: url, ...set } });
};

/* One attempt, one record, the connection to the proxy closed. */
async function refusal(s, proxy, code, status = 502) {
	const error = ownError(await s.ask(get), status);
	assert.equal(error.code, code, error.message);
	assert.match(error.message, new RegExp(`^${name}:443: upstream\\.via 127\\.0\\.0\\.1:\\d+: `));
	const [record, ...more] = await s.tape.settled(1);
	assert.equal(more.length, 0);
	assert.equal(record.status, status);
	if (proxy) {
		assert.equal(proxy.wires.length, 1);
		await proxy.wires[0].rest();
	}
	return error.message;
}

const answers = {
	'407 without credentials': ['HTTP/1.1 407 Proxy Authentication Required\r\n' +
		'Proxy-Authenticate: Basic realm="x"\r\nContent-Length: 0\r\n\r\n',
	/answered 407: it wants a user and password/],
	403: ['HTTP/1.1 403 Forbidden\r\nContent-Length: 4\r\n\r\nnope',
		/answered 403: it does not let this through/],
	'a 503 that goes on for ever': ['HTTP/1.1 503 x\r\n\r\n' + 'x'.repeat(300_000),
		/answered 503: it does not reach the host/],
	'405 of a web server': ['HTTP/1.1 405 No\r\nConnection: close\r\n\r\n<html>',
		/answered 405: it may not be a proxy/],
	'a redirection': ['HTTP/1.1 302 Found\r\nLocation: http://login.test/\r\n\r\n', /answered 302/],
	101: ['HTTP/1.1 101 Switching Protocols\r\n\r\n', /answered 101/],
	'what is no HTTP': ['SSH-2.0-OpenSSH_9.2\r\n', /did not answer as an HTTP proxy/],
	'a TLS alert': ['\x15\x03\x03\x00\x02\x02\x28', /did not answer as an HTTP proxy/],
	'a head without end': ['HTTP/1.1 200 OK\r\nX: ' + 'x'.repeat(40_000),
		/did not answer as an HTTP proxy/],
	'interim answers without end': ['HTTP/1.1 100 Continue\r\n\r\n'.repeat(2000),
		/did not answer as an HTTP proxy/],
};

for (const [what, [text, why]] of Object.entries(answers))
	test(`a 502 says so: ${what}`, async (s) => {
		const proxy = await other(s, (wire) => wire.send(text));
		await start(s, proxy.url);
		assert.match(await refusal(s, proxy, 'upstream_via'), why);
	});

test('credentials that are refused are not told', async (s) => {
	const proxy = await other(s, (wire) => wire.send('HTTP/1.1 407 No\r\n\r\n'));
	await start(s, proxy.url.replace('//', '//user:hunter2@'), { 'log.level': 'debug' });
	const message = await refusal(s, proxy, 'upstream_via');
	assert.match(message, /answered 407: it does not take the user and password/);
	await s.tape.stop();
	const base64 = Buffer.from('user:hunter2').toString('base64');
	assert.ok(!(message + s.tape.log + await s.tape.table()).match(`hunter2|${base64}`));
});

test('a proxy that closes the connection', async (s) => {
	const proxy = await other(s, (wire) => wire.end());
	await start(s, proxy.url);
	assert.match(await refusal(s, proxy, 'upstream_via'), /closed the connection before/);
});

test('a proxy that closes it in the middle of its answer', async (s) => {
	const proxy = await other(s, (wire) => { wire.send('HTTP/1.1 200 OK\r\nVia'); wire.end(); });
	await start(s, proxy.url);
	assert.match(await refusal(s, proxy, 'upstream_via'), /closed the connection before/);
});

test('a proxy that resets it', async (s) => {
	const proxy = await other(s, (wire) => wire.reset());
	await start(s, proxy.url);
	assert.match(await refusal(s, proxy, 'upstream_via'), /closed the connection before/);
});

test('a proxy that answers before it was asked, and refuses', async (s) => {
	const proxy = await listener(s, (wire) => {
		wire.send('HTTP/1.1 403 Forbidden\r\nConnection: close\r\n\r\n');
		wire.end();
	});
	await start(s, `http://127.0.0.1:${proxy.port}`);
	assert.match(await refusal(s, proxy, 'upstream_via'), /answered 403/);
});

test('a proxy that stays silent', async (s) => {
	const proxy = await listener(s, (wire) => wire.rest());
	await start(s, `http://127.0.0.1:${proxy.port}`, { [keys.connectMs]: 300 });
	assert.match(await refusal(s, proxy, 'upstream_timeout', 504), /no answer in time/);
});

test('a proxy that never comes to the end of its answer', async (s) => {
	let going = true;
	const proxy = await other(s, async (wire) => {
		wire.send('HTTP/1.1 200 OK\r\nX: ');
		while (going && !wire.over)
			await new Promise((done) => setTimeout(() => done(wire.send('x')), 20));
	});
	s.atEnd(() => { going = false; });
	await start(s, proxy.url, { [keys.connectMs]: 300 });
	assert.match(await refusal(s, proxy, 'upstream_timeout', 504), /no answer in time/);
});

test('a proxy that opens the tunnel and says nothing in it', async (s) => {
	const proxy = await other(s, (wire) => wire.send('HTTP/1.1 200 OK\r\n\r\n'));
	await start(s, proxy.url, { [keys.handshakeMs]: 300 });
	const error = ownError(await s.ask(get), 504);
	assert.match(error.message, /TLS handshake timed out/);
	assert.equal(proxy.wires[0].received.at(proxy.heads[0].raw.length), 0x16);
});

test('a proxy that opens the tunnel and ends it', async (s) => {
	const proxy = await other(s, (wire) => { wire.send('HTTP/1.1 200 OK\r\n\r\n'); wire.end(); });
	await start(s, proxy.url);
	const error = ownError(await s.ask(get), 502);
	assert.equal(error.code, 'upstream_tls');
});

test('an answer that nobody asked for is not the upstream\'s', async (s) => {
	const proxy = await other(s, (wire) => wire.send('HTTP/1.1 200 OK\r\n\r\n' +
		'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil'));
	s.tape = await s.record({ upstream: `http://${name}`, set: { [keys.via]: proxy.url } });
	const error = ownError(await s.ask(get), 502);
	assert.equal(error.code, 'upstream_via');
	assert.match(error.message, /before it was asked/);
});

test('a proxy that is not there', async (s) => {
	await start(s, `http://127.0.0.1:${await deadPort()}`);
	assert.match(await refusal(s, null, 'upstream_connect'), /refused/i);
});

test('a proxy whose name does not exist', async (s) => {
	await start(s, 'http://no-such-proxy.invalid:3128', { [keys.connectMs]: 3000 });
	const answer = await s.ask(get);
	const error = ownError(answer, answer.head.status === 504 ? 504 : 502);
	assert.match(error.message, /upstream\.via no-such-proxy\.invalid:3128: /);
});

test('tracetape itself as the other proxy is refused, not asked', async (s) => {
	const port = await deadPort();
	s.tape = await s.record({ upstream: `https://${name}`, set: { [keys.via]:
		`http://127.0.0.1:${port}` }, args: ['--listen', `127.0.0.1:${port}`] });
	const error = ownError(await s.ask(get), 502);
	assert.equal(error.code, 'upstream_loop');
	assert.match(error.message, /this very tracetape listens/);
	assert.equal((await s.tape.settled(1)).length, 1);
});

test('an upstream.via that is none ends the start, and is not told', async (s) => {
	for (const url of ['https://user:hunter2@proxy.test', 'http://user:hunter2@proxy.test/path',
		'http://us:er:hunter2%@proxy.test', 'user:hunter2@proxy.test:3128']) {
		const { code, out, err } = await run(s.dir, ['proxy', '--listen', '127.0.0.1:0',
			'--store', `${s.dir}/x`, '--set', `${keys.via}=${url}`]);
		assert.equal(code, 2, url);
		assert.match(err, /upstream\.via.*(give http:|in user and password)/);
		assert.ok(!(out + err).includes('hunter2'), err);
	}
});
