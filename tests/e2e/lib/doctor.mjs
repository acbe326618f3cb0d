/* doctor.mjs - `tracetape doctor` in an environment of which every variable is the test's. */
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import assert from 'node:assert/strict';
import { program } from './proxy_programs.mjs';
import { binary, fault } from './tape.mjs';

/* A directory whose `node` is this shell script. */
export function nodeThat(s, text) {
	const dir = join(s.dir, `bin-${Math.random().toString(36).slice(2)}`);
	mkdirSync(dir);
	writeFileSync(join(dir, 'node'), `#!/bin/sh\n${text}\n`);
	chmodSync(join(dir, 'node'), 0o755);
	return dir;
}

export const nodeVersion = (s, version) => nodeThat(s, `echo v${version}`);

const system = '/usr/bin:/bin';

/* The variables of `tracetape env` for the scene's proxy, and a Node that knows them. */
export async function block(s, env = {}) {
	const r = await program(binary, ['env', '--json', '-s', s.tape.store],
		{ HOME: s.dir, ...env });
	assert.equal(r.code, 0, r.err);
	return { PATH: `${nodeVersion(s, '24.5.0')}:${system}`, ...JSON.parse(r.out) };
}

/* Runs it: { code, out, err, checks, of(check) }. */
export async function doctor(s, env = {}, args = []) {
	const store = s.tape?.store ?? join(s.dir, 'store');
	const all = { PATH: `${nodeVersion(s, '24.5.0')}:${system}`, HOME: s.dir, ...env };
	const r = await program(binary, ['doctor', '-s', store, '-o', 'json', ...args], all);
	assert.equal(fault(r.err), null);
	const said = r.out.startsWith('{') ? JSON.parse(r.out) : { checks: [] };
	if (r.code === 0 || r.code === 1)
		assert.equal(said.verdict, r.code ? 'fail' : 'ok', r.out);
	return { ...r, checks: said.checks,
		of: (check) => said.checks.filter((c) => c.check === check) };
}

/* The same as people see it. */
export async function doctorText(s, env = {}, args = []) {
	const r = await program(binary, ['doctor', '-s', s.tape.store, ...args],
		{ PATH: `${nodeVersion(s, '24.5.0')}:${system}`, HOME: s.dir, ...env });
	assert.equal(fault(r.err), null);
	return r;
}

const verdicts = (r) => r.checks.map((c) => `${c.verdict} ${c.check}: ${c.what}`).join('\n');

/* Exit 0, and nothing to do. */
export function healthy(r) {
	assert.equal(r.code, 0, verdicts(r) + r.err);
	assert.deepEqual(r.checks.filter((c) => c.verdict === 'fail'), []);
	return r;
}

/* Exit 1 because check, and only those in also, fail; what and remedy match. */
export function sick(r, check, what, remedy, also = []) {
	assert.equal(r.code, 1, verdicts(r) + r.err);
	const failed = r.checks.filter((c) => c.verdict === 'fail');
	const named = failed.filter((c) => c.check === check);
	assert.ok(named.some((c) => what.test(c.what) && remedy.test(c.remedy)),
		`${check} ${what} ${remedy}\n${JSON.stringify(r.checks, null, 1)}`);
	for (const c of failed) {
		assert.ok([check, ...also].includes(c.check), JSON.stringify(c));
		assert.ok(c.remedy && !c.remedy.includes('\n'), JSON.stringify(c));
	}
	return r;
}
