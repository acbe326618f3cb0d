/* load.mjs - one run of wrk against a peer, and what it cost whom. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { cpuSeconds, machineSeconds } from './proc.mjs';
import { served } from './peers.mjs';

const script = fileURLToPath(new URL('post.lua', import.meta.url));

/* How long a run goes before the window in which CPU is counted, and after it:
 * handshakes are a question of their own. */
const leadMs = 1000;
const tailMs = 700;

/* Those that run, so that whoever breaks off can end them. */
export const live = new Set();

function start(url, connections, seconds, env) {
	const p = spawn('wrk', ['-t1', `-c${connections}`, `-d${seconds}s`, '--timeout', '30s',
		'-s', script, `${url}/v1/responses`],
	    { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
	p.said = '';
	p.complained = '';
	p.stdout.on('data', (s) => { p.said += s; });
	p.stderr.on('data', (s) => { p.complained += s; });
	p.gone = once(p, 'close');
	live.add(p);
	p.gone.then(() => live.delete(p));
	return p;
}

async function result(p, what) {
	const [code] = await p.gone;
	const line = p.said.split('\n').find((l) => l.startsWith('{'));
	if (code !== 0 || !line)
		throw new Error(`wrk on ${what}: exit ${code}: ${p.said}${p.complained}`);
	const r = JSON.parse(line);
	if (!r.requests || Object.values(r.errors).some((n) => n))
		throw new Error(`wrk on ${what}: ${line}`);
	return r;
}

async function account(pids, upstream, wrk) {
	const count = await served(upstream);
	if (wrk.exitCode !== null)
		throw new Error('wrk ended before its run was measured: the machine is too busy');
	return { at: performance.now(), count, peer: cpuSeconds(pids),
		upstream: cpuSeconds(upstream.pids), wrk: cpuSeconds([wrk.pid]),
		...machineSeconds() };
}

/* The steady part of the run: rates per second, CPU seconds per 10 000 requests,
 * and the share of the machine that belonged to nobody here. */
function between(a, b, cores) {
	const s = (b.at - a.at) / 1000;
	const n = b.count - a.count - 1;	/* without the question itself */
	const per10k = (name) => (b[name] - a[name]) / n * 10_000;
	const ours = ['peer', 'upstream', 'wrk'].reduce((sum, k) => sum + b[k] - a[k], 0);
	return { rate: n / s, cpu: per10k('peer'), upstreamCpu: per10k('upstream'),
		wrkCpu: per10k('wrk'),
		others: Math.max(0, b.busy - a.busy - ours) / s / cores,
		stolen: (b.stolen - a.stolen) / s / cores };
}

/* Loads url for so many seconds.  pids are the peer's, none for a direct run. */
export async function load({ name, url, pids }, o) {
	const began = cpuSeconds(pids);
	const wrk = start(url, o.connections, o.seconds, { BENCH_BODY: o.body });
	await pause(leadMs);
	const a = await account(pids, o.upstream, wrk);
	await pause(o.seconds * 1000 - leadMs - tailMs);
	const b = await account(pids, o.upstream, wrk);
	const r = await result(wrk, `${name}, ${o.connections} connections`);
	return { ...between(a, b, o.cores), p50: r.p50, p99: r.p99, requests: r.requests,
		wholeCpu: (cpuSeconds(pids) - began) / r.requests * 10_000 };
}

/* Sends exactly n requests and waits for their answers. */
export async function loadExactly({ name, url }, n, { connections, body }) {
	const wrk = start(url, connections, 600, { BENCH_BODY: body, BENCH_EXACTLY: String(n) });
	await new Promise((done, fail) => {
		wrk.stderr.on('data', () => wrk.complained.includes('all answered') && done());
		wrk.gone.then(() => fail(new Error(`wrk ended early: ${wrk.complained}`)));
	});
	/* An interrupt is how wrk is told that its time is over. */
	wrk.kill('SIGINT');
	const r = await result(wrk, name);
	if (r.requests !== n)
		throw new Error(`wrk completed ${r.requests} requests instead of ${n}`);
	return r;
}
