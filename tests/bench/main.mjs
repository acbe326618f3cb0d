/* main.mjs - runs every measurement once and writes build/bench/bench.{md,json}.
 *
 * BENCH_ROUNDS rounds of BENCH_SECONDS seconds per peer and number of connections.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, release } from 'node:os';
import { join } from 'node:path';
import { goodChain } from '../e2e/lib/certs.mjs';
import { Tape } from '../e2e/lib/tape.mjs';
import { firstEvents, startEvents } from './first_event.mjs';
import { live, load } from './load.mjs';
import { growth } from './memory.mjs';
import { answerBody, requestBody } from './payload.mjs';
import { startProxy, startUpstream } from './peers.mjs';
import { checkRecords, countRecords } from './records.mjs';
import { markdown } from './report.mjs';

const dir = join(process.cwd(), 'build/bench');
const rounds = Number(process.env.BENCH_ROUNDS ?? 5);
const seconds = Number(process.env.BENCH_SECONDS ?? 5);
const requestBytes = 4096;
const answerBytes = 2048;
const streams = 200;
const running = new Set();

async function started(promise) {
	const p = await promise;
	running.add(p);
	return p;
}

async function stopped(p) {
	running.delete(p);
	await p.stop();
}

function text(file, ...args) {
	return execFileSync(file, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).trim();
}

/* The versions that the program was compiled with. */
function versions() {
	const names = 'MBEDTLS_VERSION_STRING MDB_VERSION_MAJOR MDB_VERSION_MINOR MDB_VERSION_PATCH';
	const probe = `#include <mbedtls/version.h>\n#include <lmdb.h>\n${names}\n`;
	const said = execFileSync(process.env.CC ?? 'cc', ['-E', '-P', '-'],
	    { input: probe, encoding: 'utf8' }).trim().split('\n').pop();
	const [mbed, ...lmdb] = said.trim().split(' ');
	const nginx = execFileSync('sh', ['-c', 'nginx -v 2>&1'], { encoding: 'utf8' });
	return `Mbed TLS ${mbed.replace(/"/g, '')}, LMDB ${lmdb.join('.')}, ` +
		`nginx ${nginx.trim().split('/')[1]}, Node ${process.versions.node}`;
}

function machine() {
	const dirty = text('git', 'status', '--porcelain', '-uno') ? ' and changes' : '';
	return { cpu: cpus()[0].model, cores: cpus().length, kernel: release(),
		versions: versions(), commit: text('git', 'rev-parse', '--short=12', 'HEAD') + dirty };
}

/* A tracetape that has recorded nothing yet. */
async function freshTape(store, upstream, ca) {
	rmSync(join(dir, store), { recursive: true, force: true });
	const t = new Tape(dir, { store, upstream: upstream.url, ca, tls: true });
	running.add(t);
	await t.start();
	return t;
}

const asPeer = (t) => ({ name: 'tracetape', url: `https://localhost:${t.tlsPort}`,
	pids: [t.pid] });

/* One round: every peer at every number of connections, beginning with another
 * peer each time; the tape's records are counted at its end. */
async function round(i, fixed, o) {
	const tape = await freshTape('store', o.upstream, o.ca);
	const peers = [...fixed, asPeer(tape)];
	const result = {};
	const runs = [];
	for (const connections of [1, 32]) {
		const got = {};
		for (let k = 0; k < peers.length; k++) {
			const p = peers[(i + k) % peers.length];
			got[p.name] = await load(p, { ...o, connections });
		}
		result[connections] = Object.fromEntries(peers.map((p) => [p.name, got[p.name]]));
		runs.push({ requests: got.tracetape.requests, connections });
	}
	await stopped(tape);
	const seen = await countRecords(tape);
	return { result, seen, completed: checkRecords(seen, runs) };
}

async function loads(fixed, o) {
	const all = { load: { 1: [], 32: [] },
		counted: { completed: 0, complete: 0, others: 0 } };
	for (let i = 0; i < rounds; i++) {
		const r = await round(i, fixed, o);
		for (const c of Object.keys(all.load))
			all.load[c].push(r.result[c]);
		all.counted.completed += r.completed;
		all.counted.complete += r.seen.complete;
		all.counted.others += r.seen.others;
		const x = r.result[32];
		console.error(`bench: round ${i + 1} of ${rounds}: CPU ÷ nginx ` +
		    `${(x.tracetape.cpu / x.nginx.cpu).toFixed(2)} at 32 connections`);
	}
	return all;
}

async function memories(o) {
	const tape = await freshTape('store', o.upstream, o.ca);
	const m = await growth(tape, asPeer(tape), o.body, requestBytes + answerBytes);
	await stopped(tape);
	return m;
}

async function streamsOf(origin, nginx, o) {
	const tape = await freshTape('store', origin, o.ca);
	const trusted = [o.ca, tape.caPath].map((f) => readFileSync(f));
	const samples = await firstEvents([{ name: 'direct', url: origin.url },
		{ name: 'nginx', url: nginx.url }, asPeer(tape)], trusted, streams);
	await stopped(tape);
	return samples;
}

async function measure() {
	if (!(rounds >= 1 && seconds >= 3))
		throw new Error('BENCH_ROUNDS is 1 or more, BENCH_SECONDS 3 or more');
	rmSync(dir, { recursive: true, force: true });
	mkdirSync(dir, { recursive: true });
	const { ca, issuer } = goodChain(join(dir, 'certs'));
	const body = join(dir, 'request.json');
	writeFileSync(body, requestBody(requestBytes));
	const upstream = await started(startUpstream(join(dir, 'upstream'), issuer,
	    answerBody(answerBytes)));
	const origin = await started(startEvents(issuer));
	const nginx = await started(startProxy(join(dir, 'nginx'), issuer, upstream.port,
	    origin.port));
	const o = { upstream, ca, body, seconds, cores: cpus().length };
	const fixed = [{ name: 'direct', url: upstream.url, pids: [] },
		{ name: 'nginx', url: nginx.url, pids: nginx.pids }];
	return { date: new Date().toISOString().slice(0, 16).replace('T', ' ') + ' UTC',
		machine: machine(), rounds, seconds, ...await loads(fixed, o),
		memory: await memories(o), events: await streamsOf(origin, nginx, o) };
}

/* Ends what still runs, the last first; a signal ends us too. */
async function cleanUp() {
	for (const wrk of live)
		wrk.kill('SIGKILL');
	for (const p of [...running].reverse())
		await stopped(p).catch((e) => console.error(`bench: ${e.message}`));
	rmSync(join(dir, 'store'), { recursive: true, force: true });
}

for (const [name, code] of [['SIGINT', 130], ['SIGTERM', 143], ['SIGHUP', 129]])
	process.once(name, () => cleanUp().then(() => process.exit(code)));

try {
	const r = await measure();
	const md = markdown(r);
	writeFileSync(join(dir, 'bench.json'), JSON.stringify(r, null, '\t'));
	writeFileSync(join(dir, 'bench.md'), md);
	process.stdout.write(md);
} catch (e) {
	console.error(`bench: ${e.stack}`);
	process.exitCode = 1;
} finally {
	await cleanUp();
}
