/* What names no host and port is refused before anybody is asked for it. */
import { test, assert } from './lib/scene.mjs';
import { ask, connectHead, forward, get, inside, official, refused } from './lib/proxy_forward.mjs';
import { ownError } from './lib/own_error.mjs';

const odd = ['api.openai.com', 'api.openai.com:', 'api.openai.com:0', 'api.openai.com:99999',
	'api.openai.com:65536', 'api.openai.com:443443443443443443443', 'api.openai.com:+443',
	'api.openai.com:-1', 'api.openai.com:443a', 'api.openai.com:0x1bb', ':443', ':',
	'user@api.openai.com:443', 'user:password@api.openai.com:443', 'api.openai.com:443/',
	'api.openai.com:443/v1/models', 'api.openai.com/v1:443', 'api.openai.com:443?a=b',
	'api.openai.com:443#a', 'https://api.openai.com:443', 'https://api.openai.com/', '/', '*',
	'api..openai.com:443', '.api.openai.com:443', 'api.openai.com:443:443', '::1:443',
	'[::1:443', '::1]:443', '[]:443', '[::1]', '[api.openai.com]:443', '[::1]443',
	'[::g]:443', 'api.openai.com%00.example:443', 'api.openai.com\\@other.example:443',
	`${'a'.repeat(64)}.example:443`, `${'a.'.repeat(200)}example:443`, 'api_\x80.example:443'];

test('CONNECT to an odd authority is refused with 400', async (s) => {
	await forward(s);
	const others = [];
	await Promise.all(odd.map(async (authority) => {
		const c = await s.client();
		c.send(connectHead(authority, ['Host: a']));
		const answer = await c.message();
		if (answer?.head.status !== 400)
			others.push(`${authority}: ${answer?.head.start}`);
		else
			ownError(answer, 400);
		c.cut();
	}));
	assert.deepEqual(others, []);
	assert.equal(s.upstream.tcp, 0);
	assert.equal((await ask(await inside(s), get())).payload.toString(), 'ok');
});

const heads = {
	'no target': 'CONNECT  HTTP/1.1\r\nHost: a\r\n\r\n',
	'neither target nor version': 'CONNECT\r\nHost: a\r\n\r\n',
	'no version': `CONNECT ${official}:443\r\nHost: a\r\n\r\n`,
	'a space in its target': 'CONNECT api.openai.com :443 HTTP/1.1\r\nHost: a\r\n\r\n',
	'two Host lines': connectHead(`${official}:443`, ['Host: a', 'Host: b']),
	'a folded line': connectHead(`${official}:443`, ['Host: a', ' b']),
	'bare line feeds': `CONNECT ${official}:443 HTTP/1.1\nHost: a\n\n`,
	'two lengths': connectHead(`${official}:443`, ['Host: a', 'Content-Length: 1',
		'Content-Length: 2']),
	'a NUL in its target': `CONNECT ${official}\0:443 HTTP/1.1\r\nHost: a\r\n\r\n`,
};

for (const [what, head] of Object.entries(heads)) {
	test(`a CONNECT with ${what} is refused with 400`, async (s) => {
		await forward(s);
		ownError(await s.ask(head), 400);
		assert.equal(s.upstream.tcp, 0);
	});
}

test('a CONNECT with a body is no tunnel whose first bytes are in doubt', async (s) => {
	await forward(s);
	for (const line of ['Content-Length: 5', 'Transfer-Encoding: chunked']) {
		const answer = await s.ask(`${connectHead(`${official}:443`, ['Host: a', line])}hello`);
		ownError(answer, 400);
	}
	assert.equal(s.upstream.tcp, 0);
});

test('a CONNECT with a head without end is refused by name', async (s) => {
	await forward(s);
	for (const lines of [[`X-Long: ${'x'.repeat(70_000)}`],
		Array.from({ length: 200 }, (_, i) => `X-${i}: y`)])
		ownError(await s.ask(connectHead(`${official}:443`, ['Host: a', ...lines])), 431);
	assert.equal(s.upstream.tcp, 0);
});

test('an authority is a target for CONNECT alone', async (s) => {
	await forward(s);
	ownError(await s.ask(`GET ${official}:443 HTTP/1.1\r\nHost: a\r\n\r\n`), 400);
	assert.equal(s.upstream.tcp, 0);
});

test('what is refused says so in words of ours, and closes or keeps its promise', async (s) => {
	await forward(s);
	const error = await refused(s, 'api.openai.com:0', 400);
	assert.ok(error.message.length > 10, error.message);
	assert.equal(error.head.get('connection')?.toLowerCase(), 'close');
});
