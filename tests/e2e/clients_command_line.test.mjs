/* curl, wget, Debian's httpx and Python's own urllib, with nothing but variables set. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, assert } from './lib/scene.mjs';
import { chain, forward, official, plainOrigin } from './lib/proxy_forward.mjs';
import { program, proxied, python, script, succeeds } from './lib/proxy_programs.mjs';
import { poll } from './lib/wait.mjs';

const https = `https://${official}/v1/responses`;
const http = `http://${official}/v1/responses`;

/* An API that echoes bodies, https and http, and another host. */
async function echoing(s, options = {}) {
	const reply = (r) => `HTTP/1.1 200 OK\r\nContent-Length: ${r.payload.length + 5}\r\n\r\n` +
		`${r.head.method.padEnd(4)}:${r.payload.toString('latin1')}`;
	const answer = (r, c) => c.send(reply(r));
	s.other = await s.origin({ server: chain().server, answer });
	return forward(s, { answer, map: { 'other.example': s.other.port }, ...options });
}

async function recorded(s, n, more = {}) {
	const records = await s.tape.settled(n);
	assert.equal(records.length, n);
	for (const r of records) {
		assert.equal(r.mode, 'forward');
		assert.equal(r.outcome, 'complete');
		for (const [k, v] of Object.entries(more))
			assert.equal(r[k], v);
	}
	return records;
}

/* The http: side: its own proxy, since a host is mapped to one port. */
async function plain(s) {
	s.plain = await plainOrigin(s);
	return forward(s, { map: { [official]: s.plain.port } });
}

test('curl', async (s) => {
	await echoing(s);
	const env = await proxied(s, { user: 'curl:x@' });
	assert.equal(await succeeds('curl', ['-sSf', https, https], env), 'GET :GET :');
	assert.equal(await succeeds('curl', ['-sSf', '-d', 'body', https], env), 'POST:body');
	assert.equal(await succeeds('curl', ['-sSf', '--tlsv1.2', '--tls-max', '1.2', https], env),
	    'GET :');
	assert.equal(await succeeds('curl', ['-sSf', '--proxy1.0', env.https_proxy, https], env),
	    'GET :');
	assert.equal(await succeeds('curl', ['-sSf', 'https://other.example/'], env), 'GET :');
	await recorded(s, 5, { scheme: 'https', label: 'curl' });
	assert.equal(s.other.requests.length, 1);
});

test('curl uploads 2 MB behind Expect: 100-continue', async (s) => {
	await echoing(s);
	const file = join(s.dir, 'upload');
	writeFileSync(file, Buffer.alloc(2_000_000, 'u'));
	const out = await succeeds('curl', ['-sSf', '-H', 'Expect: 100-continue', '--data-binary',
		`@${file}`, https], await proxied(s));
	assert.equal(out.length, 2_000_005);
	const [record] = await recorded(s, 1);
	assert.equal(record.request.bytes, 2_000_000);
});

test('curl asks for http: in absolute-form, and through a tunnel when told to', async (s) => {
	await plain(s);
	const env = await proxied(s);
	assert.equal(await succeeds('curl', ['-sSf', http, http], env), 'okok');
	assert.equal(await succeeds('curl', ['-sSf', '--proxytunnel', http], env), 'ok');
	await recorded(s, 3, { scheme: 'http' });
	for (const { head } of s.plain.requests)
		assert.equal(head.start, 'GET /v1/responses HTTP/1.1');
});

test('curl says why it was refused', async (s) => {
	await echoing(s, { set: { 'forward.tunnel': 'none' } });
	const env = await proxied(s);
	const out = await succeeds('curl', ['-s', '-o', '/dev/null', '-w', '%{http_connect}',
		'https://other.example/'], env).catch((e) => e.message);
	assert.match(out, /403/);
});

test('curl that does not trust our CA is refused by itself, and is named in the log', async (s) => {
	await echoing(s);
	const { https_proxy } = await proxied(s);
	const r = await program('curl', ['-sS', https], { https_proxy, SSL_CERT_FILE: chain().ca });
	assert.equal(r.code, 60, r.err);
	const line = await poll(() => s.tape.log.split('\n').find((l) => /alert|certificate|trust/i
		.test(l)), 'a line about it');
	assert.match(line, /client=127\.0\.0\.1/);
	assert.equal(s.upstream.requests.length, 0);
});

test('wget', async (s) => {
	await echoing(s);
	const env = await proxied(s, { user: 'wget:x@' });
	const wget = (...args) => succeeds('wget', ['-q', '-O', '-', '--tries=1',
		`--ca-certificate=${env.SSL_CERT_FILE}`, ...args], env);
	assert.equal(await wget(https), 'GET :');
	assert.equal(await wget('--post-data=body', https), 'POST:body');
	assert.equal(await wget('https://other.example/'), 'GET :');
	await recorded(s, 2, { scheme: 'https', label: 'wget' });
});

test('wget asks for http: in absolute-form', async (s) => {
	await plain(s);
	assert.equal(await succeeds('wget', ['-q', '-O', '-', '--tries=1', http], await proxied(s)),
	    'ok');
	await recorded(s, 1, { scheme: 'http' });
});

const httpx = `
import sys, httpx
with httpx.Client(http2=False) as c:
    for _ in range(2):
        r = c.post(sys.argv[1], json={"input": "hi"})
        assert r.status_code == 200 and r.http_version == "HTTP/1.1"
        print(r.text)
    with c.stream("GET", sys.argv[1]) as r:
        print("".join(r.iter_text()))
    for url in sys.argv[2:]:
        print(c.get(url).text)
`;

test('Debian\'s httpx', async (s) => {
	await echoing(s);
	const env = await proxied(s, { user: 'httpx:x@' });
	const out = await succeeds(python, [script(s, 'client.py', httpx), https,
		'https://other.example/'], env);
	const posted = 'POST:{"input":"hi"}';	/* older ones put a blank into it */
	assert.equal(out.replaceAll(': "', ':"'), `${posted}\n${posted}\nGET :\nGET :\n`);
	await recorded(s, 3, { scheme: 'https', label: 'httpx' });
	for (const { head } of s.upstream.requests)
		assert.match(head.get('user-agent'), /^python-httpx/);
});

test('Debian\'s httpx asks for http: in absolute-form', async (s) => {
	await plain(s);
	await succeeds(python, [script(s, 'client.py', httpx), http], await proxied(s));
	await recorded(s, 3, { scheme: 'http' });
});

const asyncHttpx = `
import asyncio, sys, httpx
async def main():
    async with httpx.AsyncClient() as c:
        r = await asyncio.gather(*[c.post(sys.argv[1], content=b"%d" % i) for i in range(8)])
        print([x.text for x in r])
asyncio.run(main())
`;

test('httpx with eight calls at once', async (s) => {
	await echoing(s);
	const out = await succeeds(python, [script(s, 'client.py', asyncHttpx), https],
	    await proxied(s));
	assert.equal(out.trim(), `[${[0, 1, 2, 3, 4, 5, 6, 7].map((i) => `'POST:${i}'`).join(', ')}]`);
	await recorded(s, 8);
});

const urllib = `
import sys, urllib.request
for url in sys.argv[1:]:
    print(urllib.request.urlopen(url, timeout=30).read().decode())
`;

test('urllib, which asks for a tunnel in HTTP/1.0 without a line', async (s) => {
	await echoing(s);
	const out = await succeeds(python, [script(s, 'client.py', urllib), https,
		'https://other.example/'], await proxied(s));
	assert.equal(out, 'GET :\nGET :\n');
	await recorded(s, 1);
});
