/* git over https: through a blind tunnel, a listed one, and as a client that is recorded. */
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, assert } from './lib/scene.mjs';
import { chain, forward, tunnelLines } from './lib/proxy_forward.mjs';
import { gitServer } from './lib/proxy_git.mjs';
import { program, proxied, succeeds } from './lib/proxy_programs.mjs';
import { poll } from './lib/wait.mjs';

const who = { GIT_AUTHOR_NAME: 'a', GIT_AUTHOR_EMAIL: 'a@example', GIT_COMMITTER_NAME: 'a',
	GIT_COMMITTER_EMAIL: 'a@example', GIT_CONFIG_NOSYSTEM: '1', GIT_TERMINAL_PROMPT: '0' };

/* A server of one bare repository, and what git needs to reach it through the proxy. */
async function repository(s, options = {}) {
	const root = join(s.dir, 'repositories');
	mkdirSync(root);
	await succeeds('git', ['init', '-q', '--bare', '-b', 'main', join(root, 'r.git')], who);
	const server = await gitServer(s, chain().server, root);
	await forward(s, { map: { 'git.example': server.port }, ...options });
	const env = { ...await proxied(s), ...who, HOME: s.dir };
	return { server, env, url: 'https://git.example/r.git' };
}

/* Clones, commits, pushes and clones again: the bytes that came back. */
async function roundTrip(s, { url, env }) {
	const git = (dir, ...args) => succeeds('git', ['-C', dir, ...args], env);
	const [one, two] = [join(s.dir, 'one'), join(s.dir, 'two')];
	await git(s.dir, 'clone', '-q', url, one);
	/* More than http.postBuffer: git sends it in chunks. */
	const bytes = randomBytes(3 << 20);
	writeFileSync(join(one, 'file'), bytes);
	await git(one, 'add', 'file');
	await git(one, 'commit', '-q', '-m', 'a file');
	await git(one, 'push', '-q', 'origin', 'HEAD:main');
	await git(s.dir, 'clone', '-q', '-b', 'main', url, two);
	assert.ok(readFileSync(join(two, 'file')).equals(bytes));
}

test('git clones and pushes through a blind tunnel', async (s) => {
	const r = await repository(s);
	await roundTrip(s, r);
	assert.deepEqual(await s.tape.records(), []);
	const lines = await poll(() => tunnelLines(s.tape.log).length > 2 && tunnelLines(s.tape.log),
	    'the lines of its tunnels');
	assert.ok(lines.every(({ host }) => host === 'git.example:443'));
	assert.ok(lines.some(({ up }) => up > 3 << 20) && lines.some(({ down }) => down > 3 << 20));
});

test('git works through a listed tunnel, and not when it is not listed', async (s) => {
	const listed = { 'forward.tunnel': 'listed' };
	const r = await repository(s, { set: { ...listed, 'forward.tunnel_to': '*.example' } });
	await roundTrip(s, r);
	const asked = r.server.requests.length;
	s.tape = await s.record({ upstream: s.upstream.url, ca: chain().ca, store: 'unlisted',
		set: { ...listed, 'forward.tunnel_to': 'other.example' } });
	const refused = await program('git', ['clone', '-q', r.url, join(s.dir, 'three')],
	    { ...await proxied(s), ...who });
	assert.notEqual(refused.code, 0);
	assert.match(refused.err, /403/);
	assert.ok(!existsSync(join(s.dir, 'three', 'file')));
	assert.equal(r.server.requests.length, asked);
});

test('git is recorded when its host is intercepted, gzip and chunks and all', async (s) => {
	const r = await repository(s, { set: { 'forward.intercept': 'git.example' } });
	await roundTrip(s, r);
	const records = await s.tape.settled(r.server.requests.length);
	assert.equal(records.length, r.server.requests.length);
	assert.deepEqual(records.map((x) => `${x.method} ${x.path}`), r.server.requests);
	assert.ok(records.every((x) => x.mode === 'forward' && x.outcome === 'complete'));
	assert.ok(records.some((x) => x.request.bytes > 3 << 20));
});
