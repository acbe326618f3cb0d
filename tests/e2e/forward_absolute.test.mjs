/* Absolute-form: the whole URL in the request line, as httpx, curl and Node 26 ask a proxy for
 * http:. */
import { test, assert } from './lib/scene.mjs';
import { ownError } from './lib/own_error.mjs';
import { ask, forward, official, plainOrigin } from './lib/proxy_forward.mjs';
import { rawBytes } from './lib/proxy_captures.mjs';

const url = `http://${official}/v1/models`;
const request = (target, host, ...lines) =>
	[`GET ${target} HTTP/1.1`, `Host: ${host}`, ...lines, '', ''].join('\r\n');

/* A plain api.openai.com and a plain other.example behind the proxy. */
async function plain(s, options = {}) {
	s.official = await plainOrigin(s);
	s.other = await plainOrigin(s);
	return forward(s, { map: { [official]: s.official.port, 'other.example': s.other.port,
		'upstream.test': s.other.port }, ...options });
}

test('an intercepted host is recorded, and is asked for a path under its own name', async (s) => {
	await plain(s);
	const answer = await s.ask(request(`${url}?a=%20b`, official, 'x-One: 1',
		'Proxy-Connection: keep-alive', 'Proxy-Authorization: Basic bGFiZWw6eA=='));
	assert.equal(answer.payload.toString(), 'ok');
	const { head } = s.official.requests[0];
	assert.equal(head.start, 'GET /v1/models?a=%20b HTTP/1.1');
	assert.equal(head.get('host'), official);
	assert.equal(head.get('x-one'), '1');
	assert.deepEqual(head.lines.filter((l) => /^proxy-/i.test(l.name)), []);
	const [record] = await s.tape.settled(1);
	assert.equal(record.mode, 'forward');
	assert.equal(record.scheme, 'http');
	assert.equal(record.path, '/v1/models?a=%20b');
	assert.equal(record.label, 'label');
	assert.equal(record.outcome, 'complete');
});

const spellings = {
	'http://api.openai.com': '/', 'http://api.openai.com/': '/', 'http://api.openai.com?a': '/?a',
	'HTTP://API.OPENAI.COM/x': '/x', 'http://api.openai.com:80/x': '/x',
	'http://api.openai.com./x': '/x',
};

for (const [target, path] of Object.entries(spellings)) {
	test(`${target} is ${path} of the host`, async (s) => {
		await plain(s);
		const [, host] = target.match(/\/\/([^/?]*)/);
		const answer = await s.ask(request(target, host));
		assert.equal(answer.head.status, 200, answer.payload.toString());
		assert.equal(s.official.requests[0].head.target, path);
		assert.equal(s.official.requests[0].head.get('host'), host);
	});
}

test('other hosts are forwarded and not recorded', async (s) => {
	await plain(s);
	const answer = await s.ask('POST http://other.example/a HTTP/1.1\r\nHost: other.example\r\n' +
		'Content-Length: 5\r\n\r\nhello');
	assert.equal(answer.payload.toString(), 'ok');
	assert.equal(s.other.requests[0].head.start, 'POST /a HTTP/1.1');
	assert.equal(s.other.requests[0].payload.toString(), 'hello');
	await s.ask(request(url, official));
	const records = await s.tape.settled(1);
	assert.equal(records.length, 1);
	assert.equal(records[0].seq, 1);
});

test('one connection serves hosts in turn', async (s) => {
	await plain(s);
	const c = await s.client();
	for (const [target, host] of [[url, official], ['http://other.example/', 'other.example'],
		['/v1/models', 'a'], [url, official]])
		assert.equal((await ask(c, request(target, host))).payload.toString(), 'ok');
	assert.equal(s.official.requests.length, 2);
	assert.equal(s.other.requests.length, 1);
	assert.equal(s.upstream.requests.length, 1);
	const records = await s.tape.settled(3);
	assert.deepEqual(records.map((r) => r.mode), ['forward', 'reverse', 'forward']);
});

test('a Host that names another than the target reaches nobody', async (s) => {
	await plain(s);
	const answer = await s.ask(request(url, 'evil.example'));
	for (const { head } of [...s.official.requests, ...s.other.requests])
		assert.equal(head.get('host'), official);
	if (!s.official.requests.length)
		assert.equal(answer.head.status, 400);
});

const odd = ['http://', 'http:///x', 'http://user@api.openai.com/', 'http://u:p@api.openai.com/x',
	'http://api.openai.com:0/', 'http://api.openai.com:99999/', 'http://api.openai.com:x/',
	'http://[::1/', 'http://api..openai.com/', 'ftp://api.openai.com/', 'http:/api.openai.com/',
	'http://api.openai.com\\@other.example/', 'http://api.openai.com/#fragment', '://x/'];

test('a target that is no http URL is refused with 400', async (s) => {
	await plain(s);
	for (const target of odd) {
		const answer = await s.ask(request(target, official));
		assert.equal(answer?.head.status, 400, `${target}: ${answer?.head.start}`);
		ownError(answer, 400);
	}
	assert.equal(s.official.wires.length + s.other.wires.length + s.upstream.tcp, 0);
});

test('https in a request line is never answered by sending it in the clear', async (s) => {
	await forward(s);
	const answer = await s.ask(request(`https://${official}/v1/models`, official));
	const passed = s.upstream.requests.length;
	assert.equal(answer.head.status, passed ? 200 : 400);
	assert.ok(s.upstream.conns.every((c) => c.socket.encrypted));
});

test('httpx of the captures is served as it asked', async (s) => {
	await plain(s);
	const answer = await s.ask(rawBytes('23-conn05.c2s'));
	assert.equal(answer.payload.toString(), 'ok');
	const seen = s.other.requests[0];
	assert.equal(seen.head.start, 'POST /v1/responses HTTP/1.1');
	assert.equal(seen.head.get('host'), 'upstream.test');
	assert.equal(seen.payload.toString(), '{"model": "m", "input": "x", "tools": []}');
	assert.deepEqual(await s.tape.records(), []);
});

test('an upload behind Expect: 100-continue is let in by the upstream', async (s) => {
	const origin = await plainOrigin(s);
	await forward(s, { map: { [official]: origin.port } });
	const c = await s.client();
	c.send(`POST ${url} HTTP/1.1\r\nHost: ${official}\r\nExpect: 100-continue\r\n` +
		'Content-Length: 5\r\n\r\n');
	c.send('hello');
	const final = await c.message();
	assert.ok(final.head.status === 200 || final.head.status === 100);
	assert.equal(origin.requests[0].payload.toString(), 'hello');
});
