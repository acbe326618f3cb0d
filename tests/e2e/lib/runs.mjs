/* runs.mjs - `tracetape run` as a user types it, and what it leaves behind. */
import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { once } from 'node:events';
import assert from 'node:assert/strict';
import { chain, official } from './proxy_forward.mjs';
import { binary, environment, fault } from './tape.mjs';
import { deadlineMs, poll, within } from './wait.mjs';

/* A process under way: { pid, out, err, ended } and what it says so far. */
export class Running {
	#out = [];
	err = '';

	/* own: what the user has in his environment, such as HTTPS_PROXY. */
	constructor(s, file, args, { env = {}, own = {}, detached = false } = {}) {
		mkdirSync(join(s.dir, 'data'), { recursive: true });
		const p = spawn(file, args, { env: { ...environment(s.dir, env), ...own }, detached,
			cwd: s.dir });
		this.process = p;
		this.pid = p.pid;
		p.stdin.on('error', () => {});
		p.stdout.on('data', (b) => this.#out.push(b));
		p.stderr.setEncoding('latin1').on('data', (t) => { this.err += t; });
		this.gone = new Promise((done, fail) => {
			p.on('error', fail);
			p.on('close', (code, signal) => {
				this.exit = { code, signal };
				done();
			});
		});
		s.atEnd(() => this.exit || p.kill('SIGKILL'));
	}

	get out() { return Buffer.concat(this.#out); }
	get text() { return this.out.toString(); }
	type(bytes) { this.process.stdin.write(bytes); }
	kill(signal) { this.process.kill(signal); }

	/* Resolves when stdout has a whole line that matches. */
	async says(pattern) {
		return poll(() => {
			const match = this.text.match(pattern);
			assert.ok(match || !this.exit, `ended: ${JSON.stringify(this.exit)} ${this.err}`);
			return match;
		}, () => `${pattern} on stdout; there is ${this.text}${this.err}`);
	}

	/* To its end: { code, signal, out, text, err }. */
	async ends(input) {
		this.process.stdin.end(input);
		await within(this.gone, `the end of ${this.process.spawnargs.join(' ')}`,
			3 * deadlineMs);
		assert.equal(fault(this.err), null, this.err);
		return { ...this.exit, out: this.out, text: this.text, err: this.err };
	}
}

/* An upstream that plays api.openai.com, and the options that lead there. */
export async function api(s, answer) {
	s.upstream = await s.origin({ server: chain().server, answer });
	s.store ??= join(s.dir, 'store');
	s.options = ['--upstream', s.upstream.url, '--upstream-ca', chain().ca,
		'--set', `upstream.resolve=${official}=127.0.0.1:${s.upstream.port}`];
	return s;
}

/* `tracetape run` with options of the scene, under way. */
export function running(s, cmd, { args = [], ...more } = {}) {
	s.store ??= join(s.dir, 'store');
	return new Running(s, binary, ['run', '-s', s.store, ...(s.options ?? []), ...args, '--',
		...cmd], more);
}

/* ... to its end. */
export const runs = (s, cmd, { input, ...more } = {}) => running(s, cmd, more).ends(input);

/* `tracetape run -- sh -c TEXT`. */
export const runsSh = (s, text, more) => runs(s, ['sh', '-c', text], more);

export function isAlive(pid) {
	try {
		process.kill(pid, 0);
	} catch (e) {
		if (e.code === 'ESRCH')
			return false;
		throw e;
	}
	/* One that nobody has waited for yet is dead all the same. */
	return !/^\d+ \(.*\) Z/.test(statOf(pid));
}

function statOf(pid) {
	try {
		return readFileSync(`/proc/${pid}/stat`, 'latin1');
	} catch {
		return '0 () Z';
	}
}

/* The process that records into the scene's store, as its lock says. */
export const recorder = (s) => Number(readFileSync(join(s.store, 'writer.lock'), 'latin1'));

export const gone = (pid) => poll(() => !isAlive(pid), `the end of process ${pid}`);

/* The environment that `env` printed, as an object. */
export const environmentOf = (text) => Object.fromEntries(text.split('\n').filter(Boolean)
	.map((l) => [l.slice(0, l.indexOf('=')), l.slice(l.indexOf('=') + 1)]));

/* A relay that is a company's proxy: it keeps the heads of what it is asked. */
export async function company(s, to) {
	const net = await import('node:net');
	const heads = [];
	const server = net.createServer((socket) => {
		socket.on('error', () => {});
		socket.once('data', (head) => {
			heads.push(head.toString('latin1'));
			const up = net.connect(to(), '127.0.0.1', () => {
				socket.write('HTTP/1.1 200 OK\r\n\r\n');
				socket.pipe(up).pipe(socket);
			});
			up.on('error', () => socket.destroy());
			socket.on('close', () => up.destroy());
		});
	});
	server.listen(0, '127.0.0.1');
	await once(server, 'listening');
	s.atEnd(() => server.close());
	return { heads, port: server.address().port };
}
