/* proxy_programs.mjs - real clients as processes, with the proxy in their environment. */
import { execFile } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import assert from 'node:assert/strict';
import { chain } from './proxy_forward.mjs';
import { run } from './tape.mjs';

const modules = fileURLToPath(new URL('../node_modules/', import.meta.url));

/* Node by its major version: npm's package `node`, under an alias of ours. */
export const nodes = { 22: 'node22', 24: 'node', 26: 'node26' };
export const nodeOf = (major) => join(modules, nodes[major], 'bin', 'node');

/* The system's own Python has the system's packages. */
export const python = existsSync('/usr/bin/python3') ? '/usr/bin/python3' : 'python3';

/* A program to its end, with nothing of this process' environment but PATH:
 * { code, out, err }. */
export function program(file, args, env = {}, { input, cwd, ms = 60_000 } = {}) {
	return new Promise((done) => {
		const p = execFile(file, args, { env: { PATH: process.env.PATH, LC_ALL: 'C.UTF-8',
			...env }, cwd, timeout: ms, maxBuffer: 64 << 20 }, (e, out, err) =>
			done({ code: e ? e.code ?? e.signal : 0, out, err }));
		p.stdin.on('error', () => {});
		p.stdin.end(input);
	});
}

/* The same; a failure is the test's. */
export async function succeeds(file, args, env, more) {
	const r = await program(file, args, env, more);
	assert.equal(r.code, 0, `${file} ${args.join(' ')}: ${r.out}${r.err}`);
	return r.out;
}

/* What `tracetape ca bundle` gives on a machine whose roots are those of our upstreams. */
export async function bundleOf(s) {
	const file = join(s.dir, 'bundle.pem');
	const r = await run(s.dir, ['ca', 'bundle', '-s', s.tape.store, '--ca-dir', s.tape.caDir,
		'-o', file], { env: { SSL_CERT_FILE: chain().ca } });
	assert.equal(r.code, 0, r.err);
	return file;
}

/* The variable block of design section 3, for the scene's proxy. */
export async function proxied(s, { user = '', more = {} } = {}) {
	const url = `http://${user}127.0.0.1:${s.tape.port}`;
	const bundle = await bundleOf(s);
	return { HTTPS_PROXY: url, https_proxy: url, HTTP_PROXY: url, http_proxy: url,
		NODE_USE_ENV_PROXY: '1', NODE_EXTRA_CA_CERTS: s.tape.caPath, SSL_CERT_FILE: bundle,
		REQUESTS_CA_BUNDLE: bundle, CURL_CA_BUNDLE: bundle, GIT_SSL_CAINFO: bundle,
		HOME: s.dir, ...more };
}

/* A script in the scene's directory. */
export function script(s, name, text) {
	const file = join(s.dir, name);
	writeFileSync(file, text);
	return file;
}
