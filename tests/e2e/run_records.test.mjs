/* tracetape run: what ends up on the tape, the line that says so, and the hints when
 * nothing does. */
import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test, assert } from './lib/scene.mjs';
import { call, json, response, text, usage } from './lib/api.mjs';
import { chain, official } from './lib/proxy_forward.mjs';
import { nodeOf, nodes, python, script } from './lib/proxy_programs.mjs';
import { api, company, recorder, Running, running, runs, runsSh } from './lib/runs.mjs';
import { secret } from './lib/sdk.mjs';
import { binary, run } from './lib/tape.mjs';
import { poll, signal } from './lib/wait.mjs';

const agent = fileURLToPath(new URL('lib/proxy_agent.mjs', import.meta.url));
const fetches = (path = '/v1/models') => ['-e', `fetch('https://${official}${path}')` +
	'.then(async (r) => console.log(r.status, await r.text()), (e) => console.log(e.cause.code))'];
const node = nodeOf(24);
const ok = (_, conn) => conn.send(json({ ok: true }));

/* For sh: a call that outlives it, with no hand on its output. */
const inBackground = (path) =>
	`"${node}" -e '${fetches(path)[1].replaceAll("'", '"')}' </dev/null >/dev/null 2>&1 &`;

async function records(s) {
	const { out } = await run(s.dir, ['dump', '-o', 'jsonl', '-s', s.store]);
	return out.toString().split('\n').filter(Boolean).map((l) => JSON.parse(l));
}

/* The last thing that run itself says. */
const lastWords = (err) => err.trimEnd().split('\n').filter((l) => l.startsWith('tracetape: '))
	.at(-1);

for (const major of Object.keys(nodes)) test(`an agent on Node ${major} is recorded, traces and ` +
	'all, and told in one line', async (s) => {
	const answers = [
		json(response(1, [call('transfer_to_Weather_agent', {}, 1)]), { n: 1 }),
		json(response(2, [call('get_weather', { city: 'Málaga' }, 2)]), { n: 2 }),
		json(response(3, [text('It is 25°C in Málaga.')]), { n: 3 }),
	];
	await api(s, (request, conn) => conn.send(request.head.target === '/v1/traces/ingest' ?
		'HTTP/1.1 204 No Content\r\n\r\n' : answers.shift()));
	const r = await runs(s, [nodeOf(major), agent], { own: { OPENAI_API_KEY: secret } });
	assert.equal(r.code, 0, r.err);
	assert.equal(r.text, 'It is 25°C in Málaga.\n');
	const total = [1, 2, 3].reduce((n, i) => n + usage(i).total_tokens, 0);
	const cached = [1, 2, 3].reduce((n, i) => n + usage(i).input_tokens_details.cached_tokens, 0);
	const grouped = (n) => String(n).replace(/\B(?=(\d{3})+$)/g, ' ');
	const pattern = `^tracetape: 3 calls, 1 trace, ${grouped(total)} tokens ` +
		`\\(${grouped(cached)} cached\\), \\d+\\.\\d s -> tracetape dump -s ${s.store}$`;
	assert.match(lastWords(r.err), new RegExp(pattern));
	assert.equal(r.err.split('\n').filter((l) => l.startsWith('tracetape:')).length, 1, r.err);
	const all = await records(s);
	assert.equal(all.length, s.upstream.requests.length);
	assert.ok(all.every((x) => x.outcome === 'complete' && /^run-[0-9a-f]{8}$/.test(x.label)));
	assert.equal(new Set(all.map((x) => x.label)).size, 1);
});

test('a label tells the calls of a run from others in a shared store', async (s) => {
	await api(s, ok);
	s.tape = await s.record({ upstream: s.upstream.url, ca: chain().ca,
		args: s.options.slice(4) });
	s.store = s.tape.store;
	s.options = [];
	const first = await runs(s, [node, ...fetches()], { args: ['--label', 'nightly job'] });
	assert.match(first.text, /^200 /);
	assert.match(lastWords(first.err), /^tracetape: 1 call, /);
	const second = await runs(s, [node, ...fetches()]);
	assert.match(lastWords(second.err), /^tracetape: 1 call, /);
	const labels = (await records(s)).map((r) => r.label);
	assert.equal(labels[0], 'nightly job');
	assert.match(labels[1], /^run-[0-9a-f]{8}$/);
	const idle = await runs(s, ['true']);
	assert.match(lastWords(idle.err), /nothing was recorded/);
});

test('calls that failed are mentioned, and usage counts once', async (s) => {
	const answers = [json(response(7, [text('a')])), json(response(7, [text('a')])),
		json({ error: { message: 'no' } }, { status: '429 Too Many Requests' })];
	await api(s, (_, conn) => conn.send(answers.shift()));
	const go = 'for (const m of ["POST", "GET", "POST"]) await (await fetch(' +
		`"https://${official}/v1/responses" + (m === "GET" ? "/resp_7" : ""), { method: m, ` +
		'body: m === "GET" ? undefined : "{}" })).text()';
	const r = await runs(s, [node, '--input-type=module', '-e', go]);
	assert.match(lastWords(r.err), new RegExp('^tracetape: 3 calls \\(1 failed, HTTP 429\\), ' +
		`${String(usage(7).total_tokens).replace(/(\d{3})$/, ' $1')} tokens `));
});

test('with --base-url a client that knows no proxy is recorded, and what is lost is told',
    async (s) => {
	await api(s, ok);
	const go = ['-e', 'fetch(process.env.OPENAI_BASE_URL + "/models")' +
		'.then(async (r) => console.log(r.status))'];
	const r = await runs(s, ['env', '-u', 'NODE_USE_ENV_PROXY', '-u', 'HTTPS_PROXY', '-u',
		'https_proxy', node, ...go], { args: ['--base-url'] });
	assert.equal(r.text, '200\n', r.err);
	assert.match(r.err, /traces come only if.*prompt_cache_key.*response_id/);
	assert.match(lastWords(r.err), /^tracetape: 1 call, /);
	const [record] = await records(s);
	assert.equal(record.mode, 'reverse');
	assert.equal(record.path, '/v1/models');
});

test('a call that is still running when CMD ends is waited for', async (s) => {
	const asked = signal();
	await api(s, async (_, conn) => {
		asked.resolve(conn);
	});
	const r = running(s, ['sh', '-c',
		`${inBackground('/v1/responses/resp_1')} echo up; read x; exit 3`]);
	await r.says(/up\n/);
	const conn = await asked.promise;
	r.type('\n');
	setTimeout(() => conn.send(json(response(1, []))), 300);
	const { code, err } = await r.ends();
	assert.equal(code, 3);
	assert.match(lastWords(err), /^tracetape: 1 call, 1 042 tokens/);
	assert.equal((await records(s))[0].outcome, 'complete');
});

test('--wait bounds that', async (s) => {
	const asked = signal();
	await api(s, () => asked.resolve());
	const r = running(s, ['sh', '-c', `${inBackground()} echo up; read x`],
		{ args: ['--wait', '0'] });
	await r.says(/up\n/);
	await asked.promise;
	const { err } = await r.ends('\n');
	assert.match(lastWords(err), /^tracetape: 1 call \(1 failed\), /);
});

/* A program of this name that does nothing but tell its version. */
function fake(s, name, version) {
	const bin = join(s.dir, 'bin');
	mkdirSync(bin, { recursive: true });
	writeFileSync(join(bin, name), `#!/bin/sh\n[ "$1" != --version ] || echo '${version}'\n`);
	chmodSync(join(bin, name), 0o755);
	return { PATH: `${bin}:${process.env.PATH}` };
}

for (const [version, isOld] of [['v20.20.2', true], ['v22.20.0', true], ['v23.11.1', true],
	['v22.21.0', false], ['v24.0.0', false], ['nonsense', false]])
	test(`when nothing came from Node ${version} the hint ${isOld ? 'is' : 'is not'} its age`,
	    async (s) => {
		const r = await runs(s, ['node', 'x.mjs'], { env: fake(s, 'node', version) });
		assert.equal(r.code, 0);
		assert.equal(r.text, '');
		assert.match(lastWords(r.err), isOld ?
			new RegExp(`nothing was recorded: Node ${version} knows no proxy.*--base-url`) :
			/nothing was recorded: did it call the API at all\?/);
	});

for (const [name, hint] of [['npx', /npx starts a Node.*22\.21/], ['python3.11', /trust_env/],
	['bun', /bun may not heed HTTPS_PROXY/], ['my-agent', /may not heed HTTPS_PROXY/]])
	test(`when nothing came from ${name} the hint is for that`, async (s) => {
		const r = await runs(s, [name], { env: fake(s, name, '') });
		assert.match(lastWords(r.err), hint);
	});

test('OPENAI_BASE_URL that leads elsewhere is named, without what may be secret in it',
    async (s) => {
	const r = await runs(s, ['true']);
	assert.doesNotMatch(r.err, /OPENAI_BASE_URL/);
	const elsewhere = await runs(s, ['env', 'true'],
		{ own: { OPENAI_BASE_URL: 'https://user:pass@llm.example/v1?key=abc' } });
	assert.match(lastWords(elsewhere.err), /OPENAI_BASE_URL leads to llm\.example, /);
	assert.doesNotMatch(elsewhere.err, /pass|abc/);
});

test('a program with a trust store of its own is named', async (s) => {
	await api(s, ok);
	const { CURL_CA_BUNDLE: _, ...env } = process.env;
	const r = await runs(s, ['curl', '-sS', '--cacert', chain().ca, '--capath', '/nowhere',
		`https://${official}/v1/models`], { env });
	assert.equal(r.code, 60, r.err);
	assert.match(lastWords(r.err), /refused our certificate: it has a trust store of its own/);
});

test('a program that looks at our certificate late, and says nothing, is named too', async (s) => {
	await api(s, ok);
	const r = await runsSh(s, `unset NODE_EXTRA_CA_CERTS; exec '${process.execPath}' -e ` +
		`'fetch("https://${official}/v1/models").catch(() => process.exit(9))'`);
	assert.equal(r.code, 9, r.err);
	assert.match(lastWords(r.err), /refused our certificate: it has a trust store of its own/);
});

test('a tunnel that is refused is told at once, and once', async (s) => {
	await api(s, ok);
	const r = await runsSh(s, 'curl -sS https://other.example:25/; ' +
		'curl -sS https://other.example:25/');
	assert.equal(r.err.match(/refused a tunnel: other\.example:25: the port/g).length, 1, r.err);
});

test('private hosts, which a program reaches without a proxy, it reaches with one', async (s) => {
	await api(s, ok);
	const other = await s.origin({ server: chain().server, answer: ok });
	const args = ['--set', `forward.ports=443 ${other.port}`];
	const curl = ['curl', '-sS', '--noproxy', '', '--cacert', chain().ca,
		`https://localhost:${other.port}/`];
	const r = await runs(s, curl, { args });
	assert.equal(r.code, 0, r.err);
	const strict = await runs(s, curl, { args: [...args, '--set', 'forward.tunnel=listed'] });
	assert.equal(strict.code, 56);
	assert.match(strict.err, /refused a tunnel/);
});

test('python and curl trust what they are given', async (s) => {
	await api(s, ok);
	const url = `https://${official}/v1/models`;
	const r = await runsSh(s, `curl -sS ${url}; ${python} -c "import urllib.request as u; ` +
		`print(u.urlopen('${url}').status)"`);
	assert.match(r.text, /"ok": true[^]*200\n$/, r.err);
	assert.match(lastWords(r.err), /^tracetape: 2 calls, /);
});

test('the way out through a company\'s proxy is kept, and its password is told to nobody',
    async (s) => {
	await api(s, ok);
	const way = await company(s, () => s.upstream.port);
	const options = s.options.slice(2, 4);		/* no address: the other proxy knows it */
	s.options = options;
	const r = running(s, [node, '-e', 'process.stdin.once("data", () => {' +
		`${fetches()[1]}; process.stdin.destroy() }); console.log("up")`], {
		args: ['--upstream', `https://${official}`],
		own: { HTTPS_PROXY: `http://user:geheim@127.0.0.1:${way.port}` } });
	await r.says(/up\n/);
	const proxy = recorder(s);
	assert.doesNotMatch(readFileSync(`/proc/${proxy}/cmdline`, 'latin1'), /geheim/);
	for (const f of readdirSync(s.store, { recursive: true, withFileTypes: true }))
		if (f.isFile())
			assert.equal(readFileSync(join(f.parentPath, f.name)).includes('geheim'), false);
	r.type('\n');
	const { text: said, err } = await r.ends();
	assert.match(said, /200/, err);
	assert.doesNotMatch(err, /geheim/);
	assert.match(way.heads[0], /^CONNECT api\.openai\.com:443 HTTP\/1\.1\r\n/);
	const basic = Buffer.from('user:geheim').toString('base64');
	assert.ok(way.heads[0].includes(`Basic ${basic}\r\n`));
	assert.equal((await records(s)).length, 1);
});

test('a proxy in the environment that is gone, or of no use, is told and not used', async (s) => {
	await api(s, ok);
	for (const [proxy, why] of [['http://127.0.0.1:1', /nobody listens there/],
		['socks5://user:geheim@h:1', /is not used: /]]) {
		const r = await runs(s, [node, ...fetches()], { own: { https_proxy: proxy } });
		assert.match(r.text, /^200/, r.err);
		assert.match(r.err, why);
		assert.doesNotMatch(r.err, /geheim/);
	}
});

test('a shell with the block of another store records here, and here alone', async (s) => {
	await api(s, ok);
	const other = await s.record({ upstream: s.upstream.url, ca: chain().ca, store: 'other' });
	const r = await new Running(s, 'sh', ['-c', `eval "$("$T" env -s "$S")"; exec "$T" run -s ` +
		`here "$@" ${node} "$X"`, 'sh', ...s.options], { own: { T: binary, S: other.store,
		X: script(s, 'x.mjs', fetches()[1]) } }).ends();
	assert.match(r.text, /^200/, r.err);
	assert.match(lastWords(r.err), /^tracetape: 1 call, .* dump -s here$/);
	assert.equal((await other.records()).length, 0);
});

test('a proxy that dies under CMD is told at once', async (s) => {
	const r = running(s, ['sh', '-c', 'echo up; read x; exit 6']);
	await r.says(/up\n/);
	process.kill(recorder(s), 'SIGKILL');
	await poll(() => /the proxy has ended/.test(r.err), 'word of its end');
	assert.equal((await r.ends('\n')).code, 6);
});

test('traces that stay here are told loudly', async (s) => {
	await api(s, ok);
	const r = await runs(s, ['true'], { args: ['--set', 'proxy.traces=local'] });
	assert.match(r.err, /proxy\.traces = local: traces are kept here and NOT sent/);
});
