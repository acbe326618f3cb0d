/* tape.mjs - a tracetape process on a store of its own, and dump to look inside. */
import { execFile, spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { caFile } from './keys.mjs';
import { poll, within } from './wait.mjs';

const root = fileURLToPath(new URL('../../../', import.meta.url));
export const binary = resolve(root, process.env.TRACETAPE ?? 'build/tracetape');
const faults = /(ERROR|WARNING): \w+Sanitizer|runtime error:|LeakSanitizer|Assertion .* failed/;

/* Nothing of the user's own settings may reach the program under test. */
export function environment(dir, extra) {
	const env = { ...process.env, HOME: dir, XDG_DATA_HOME: join(dir, 'data'),
		XDG_CONFIG_HOME: join(dir, 'config'), ...extra };
	for (const name of Object.keys(env))
		if (/^(TRACETAPE_STORE|OPENAI_.*|.*_proxy|NODE_EXTRA_CA_CERTS)$/i.test(name))
			delete env[name];
	return env;
}

/* Says what the sanitizers found, or null. */
export function fault(text) {
	return faults.test(text) ? text : null;
}

/* Runs the binary to its end: { code, signal, out (Buffer), err }. */
export function run(dir, args, { env = {}, wrap = [], ms = 60_000 } = {}) {
	const [file, ...rest] = [...wrap, binary, ...args];
	return new Promise((done, fail) => {
		execFile(file, rest, { env: environment(dir, env), timeout: ms,
			encoding: 'buffer', maxBuffer: 1 << 30 }, (e, out, err) => {
			const text = err.toString('latin1');
			if (fault(text))
				fail(new Error(`${args.join(' ')}: ${text}`));
			else
				done({ code: e ? e.code ?? null : 0, signal: e?.signal ?? null,
					out, err: text });
		});
	});
}

export class Tape {
	log = '';
	out = '';
	exit = null;		/* { code, signal } once it is gone */

	/* dir is the scene's; the store is dir/store unless said otherwise. */
	constructor(dir, { store = 'store', set = {}, upstream, ca, tls = false, args = [],
		env = {}, wrap = [] }) {
		this.dir = dir;
		this.store = join(dir, store);
		this.caDir = join(dir, `${store}-ca`);
		this.expectExit = { code: 0, signal: null };
		mkdirSync(join(dir, 'data'), { recursive: true });
		this.command = [...wrap, binary, 'proxy', '--listen', '127.0.0.1:0',
			...(tls ? ['--tls-listen', '127.0.0.1:0'] : []),
			'--upstream', upstream, ...(ca ? ['--upstream-ca', ca] : []),
			'--ca-dir', this.caDir, '--store', this.store,
			...Object.entries(set).flatMap(([k, v]) => ['--set', `${k}=${v}`]), ...args];
		this.listeners = tls ? 2 : 1;
		this.env = environment(dir, env);
	}

	/* Resolves when every listener has said that it is ready. */
	async start() {
		const [file, ...args] = this.command;
		const p = spawn(file, args, { env: this.env, stdio: ['ignore', 'pipe', 'pipe'] });
		this.process = p;
		this.gone = new Promise((done) => p.on('close', (code, signal) => {
			this.exit = { code, signal };
			done(this.exit);
		}));
		p.on('error', (e) => { this.log += e; });
		p.stderr.setEncoding('latin1').on('data', (s) => { this.log += s; });
		p.stdout.setEncoding('latin1').on('data', (s) => { this.out += s; });
		await poll(() => {
			if (this.exit)
				throw new Error(`tracetape ended at once: ${JSON.stringify(this.exit)}`);
			return this.out.split('\n').length > this.listeners;
		}, 'the "listening" lines', 20_000);
		this.port = this.#portOf('http');
		this.tlsPort = this.#portOf('https');
		this.url = `http://127.0.0.1:${this.port}`;
		return this;
	}

	#portOf(scheme) {
		const m = this.out.match(new RegExp(`^listening ${scheme}://127\\.0\\.0\\.1:(\\d+)$`, 'm'));
		return m && Number(m[1]);
	}

	get pid() { return this.process.pid; }
	get caPath() { return join(this.caDir, caFile); }

	kill(signal) { this.process.kill(signal); }

	/* Ends it the polite way and holds it to what was expected. */
	async stop() {
		if (!this.process)
			return;
		if (!this.exit)
			this.kill('SIGTERM');
		const exit = await within(this.gone, 'tracetape to end after SIGTERM', 30_000)
			.catch((e) => { this.kill('SIGKILL'); throw e; });
		if (fault(this.log))
			throw new Error('a sanitizer spoke up');
		const { code, signal } = this.expectExit;
		if (exit.code !== code || exit.signal !== signal)
			throw new Error(`tracetape ended with ${JSON.stringify(exit)}`);
	}

	/* tracetape dump ARGS on this store. */
	dump(...args) {
		return run(this.dir, ['dump', ...args, '-s', this.store]);
	}

	async #dumped(...args) {
		const { code, out, err } = await this.dump(...args);
		if (code !== 0)
			throw new Error(`dump ${args.join(' ')}: exit ${code}: ${err}`);
		return out;
	}

	/* All exchanges, oldest first. */
	async records() {
		const { out } = await this.dump('-o', 'jsonl');
		return out.toString().split('\n').filter(Boolean).map((l) => JSON.parse(l))
			.sort((a, b) => a.seq - b.seq);
	}

	/* The exchanges, as soon as test(records) is true of them. */
	async until(test, what) {
		let last = [];
		return poll(async () => {
			last = await this.records();
			return test(last) && last;
		}, () => `${what}; the store has ${JSON.stringify(last, null, 1).slice(0, 4000)}`);
	}

	/* The exchanges, as soon as there are n and none is in flight. */
	settled(n) {
		return this.until((r) => r.length >= n && r.every((x) => x.outcome !== 'in_flight'),
		    `${n} exchanges that have ended`);
	}

	requestBody(seq) { return this.#dumped('raw', String(seq), '--request'); }
	responseBody(seq) { return this.#dumped('raw', String(seq), '--response'); }
	async show(seq, ...args) {
		return (await this.#dumped('show', String(seq), ...args)).toString();
	}
	async table() { return (await this.#dumped()).toString(); }

	/* A line of /proc/PID/status in kB, such as VmHWM. */
	async kB(name) {
		const { readFile } = await import('node:fs/promises');
		const text = await readFile(`/proc/${this.pid}/status`, 'latin1');
		return Number(text.match(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm'))[1]);
	}
}
