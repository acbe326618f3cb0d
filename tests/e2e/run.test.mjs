/* tracetape run: CMD is run as if by hand, and what it calls is recorded. */
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, assert } from './lib/scene.mjs';
import { environmentOf, gone, isAlive, recorder, Running, running, runs, runsSh } from
	'./lib/runs.mjs';
import { binary, run } from './lib/tape.mjs';
import { poll } from './lib/wait.mjs';

for (const code of [0, 1, 7, 125, 255])
	test(`CMD's exit status ${code} is that of run`, async (s) => {
		const r = await runsSh(s, `exit ${code}`);
		assert.deepEqual([r.code, r.signal], [code, null], r.err);
		assert.equal(r.text, '');
	});

for (const signal of ['SIGTERM', 'SIGKILL', 'SIGSEGV', 'SIGINT'])
	test(`when CMD dies of ${signal} so does run, without a core`, async (s) => {
		const r = await new Running(s, 'sh', ['-c', `ulimit -c unlimited; exec ${binary} run ` +
			`-s store sh -c 'ulimit -c 0; kill -${signal.slice(3)} $$'`]).ends();
		assert.deepEqual([r.code, r.signal], [null, signal], r.err);
		assert.deepEqual(readdirSync(s.dir).filter((f) => f.startsWith('core')), []);
	});

test('a signal that run gets goes to CMD', async (s) => {
	for (const signal of ['TERM', 'HUP', 'USR1', 'USR2']) {
		const r = running(s, ['sh', '-c',
			`trap 'echo got; exit 9' ${signal}; echo up; while read x; do :; done`]);
		await r.says(/up\n/);
		r.kill(`SIG${signal}`);
		await r.says(/got\n/);
		assert.equal((await r.ends()).code, 9);
	}
});

test('SIGINT and SIGQUIT do not end run while CMD lives', async (s) => {
	const r = running(s, ['sh', '-c', 'echo up; read x; echo $x; exit 4']);
	await r.says(/up\n/);
	r.kill('SIGINT');
	r.kill('SIGQUIT');
	r.type('on\n');
	await r.says(/on\n/);
	assert.equal((await r.ends()).code, 4);
});

test('^C ends CMD and run, and not the proxy under them', async (s) => {
	const r = running(s, ['sh', '-c', 'echo up; read x'], { detached: true });
	await r.says(/up\n/);
	const proxy = recorder(s);
	process.kill(-r.pid, 'SIGINT');
	const { signal, err } = await r.ends();
	assert.equal(signal, 'SIGINT');
	assert.match(err, /nothing was recorded/);
	assert.equal(isAlive(proxy), false);
});

test('CMD has the signals that run was given: ignored ones stay ignored', async (s) => {
	const ask = 'grep -E "^Sig(Ign|Blk)" /proc/self/status';
	const plain = execFileSync('sh', ['-c', `trap "" HUP USR1; exec sh -c '${ask}'`]).toString();
	const { text } = await new Running(s, 'sh', ['-c',
		`trap "" HUP USR1; exec ${binary} run -s '${join(s.dir, 'store')}' sh -c '${ask}'`]).ends();
	assert.equal(text, plain);
});

test('stdin, stdout and stderr of CMD are its own, byte for byte', async (s) => {
	const input = randomBytes(3_000_000);
	const r = await runs(s, ['sh', '-c', 'printf "a\\0b" >&2; exec cat'], { input });
	assert.equal(r.code, 0);
	assert.ok(r.out.equals(input));
	assert.ok(r.err.startsWith('a\0b'), r.err);
	for (const line of r.err.slice(3).split('\n').filter(Boolean))
		assert.match(line, /^tracetape: /);
});

test('CMD gets no file of ours', async (s) => {
	const list = ['sh', '-c', 'ls /proc/self/fd'];
	const plain = await new Running(s, list[0], list.slice(1)).ends();
	assert.equal((await runs(s, list)).text, plain.text);
});

test('CMD and its arguments need no --, and keep their options', async (s) => {
	const r = await run(s.dir, ['run', '-s', join(s.dir, 'store'), 'printf', '%s,', '-s', '--',
		"a b'c"]);
	assert.equal(r.out.toString(), "-s,--,a b'c,");
});

test('a CMD that is not there or cannot be run is told as a shell tells it', async (s) => {
	const file = join(s.dir, 'plain');
	writeFileSync(file, '');
	for (const [cmd, code, words] of [['no-such-command', 127, /No such file/],
		[join(s.dir, 'nothing/here'), 127, /No such file/], [file, 126, /denied/],
		[s.dir, 126, /denied/]]) {
		const r = await runs(s, [cmd, 'x']);
		assert.equal(r.code, code, r.err);
		assert.match(r.err, words);
		assert.ok(r.err.includes(`tracetape: ${cmd}: `));
		assert.equal(isAlive(recorder(s)), false);
	}
});

test('wrong usage exits 2 and starts nothing', async (s) => {
	for (const args of [[], ['--nonsense', 'true'], ['--wait', '-1', 'true'],
		['--wait', 'soon', 'true'], ['--label', 'a:b', 'true'], ['--label', '', 'true'],
		['--set', 'no.key=1', 'true'], ['-c', '/no/such/file', 'true'],
		['--set', 'proxy.workers=many', 'true']]) {
		const r = await run(s.dir, ['run', '-s', join(s.dir, 'store'), ...args]);
		assert.equal(r.code, 2, `${args}: ${r.err}`);
		assert.match(r.err, /tracetape/);
		assert.equal(existsSync(join(s.dir, 'store')), false, String(args));
	}
	assert.match((await run(s.dir, ['run', '--help'])).out.toString(), /^usage: tracetape run /);
});

test('a proxy that does not start is told, and CMD is not run', async (s) => {
	const r = await runsSh(s, 'echo ran', { args: ['--upstream-ca', '/no/such/file'] });
	assert.equal(r.code, 3);
	assert.equal(r.text, '');
	assert.match(r.err, /the proxy does not start: .*\/no\/such\/file/);
	const wide = join(s.dir, 'wide');
	execFileSync('sh', ['-c', `mkdir ${wide}; chmod 755 ${wide}; touch ${wide}/letter`]);
	const w = await run(s.dir, ['run', '-s', wide, 'echo', 'ran']);
	assert.equal(w.code, 3);
	assert.match(w.err, /holds more than a store/);
	assert.equal(w.out.toString(), '');
});

for (const signal of ['SIGKILL', 'SIGABRT'])
	test(`a run that ${signal} ends leaves no proxy behind`, async (s) => {
		const r = running(s, ['sh', '-c', 'echo up; read x']);
		await r.says(/up\n/);
		const proxy = recorder(s);
		assert.ok(isAlive(proxy));
		r.kill(signal);
		await gone(proxy);
	});

test('a proxy does not outlive a keeper that is killed', async (s) => {
	const r = running(s, ['sh', '-c', 'echo up; read x']);
	await r.says(/up\n/);
	const proxy = recorder(s);
	const [, parent] = readFileSync(`/proc/${proxy}/stat`, 'latin1').split(') ')[1].split(' ');
	const keeper = Number(parent);
	assert.notEqual(keeper, r.pid);
	process.kill(keeper, 'SIGKILL');
	await gone(proxy);
	r.type('\n');
	assert.equal((await r.ends()).code, 0);
});

test('two runs of a store share a proxy, which ends with the last of them', async (s) => {
	const say = ['sh', '-c', 'echo $HTTPS_PROXY; read x'];
	const first = running(s, say);
	const [, one] = await first.says(/@(127.*)\n/);
	const second = running(s, say);
	const [, two] = await second.says(/@(127.*)\n/);
	assert.equal(two, one);
	assert.notEqual(second.text, first.text);	// the labels
	const proxy = recorder(s);
	assert.equal((await first.ends('\n')).code, 0);
	assert.ok(isAlive(proxy));
	const third = running(s, say);
	assert.equal((await third.says(/@(127.*)\n/))[1], one);
	assert.equal((await second.ends('\n')).code, 0);
	assert.ok(isAlive(proxy));
	assert.equal((await third.ends('\n')).code, 0);
	await gone(proxy);
});

test('runs that start together end up with one proxy', async (s) => {
	const all = Array.from({ length: 5 }, () => running(s, ['sh', '-c',
		'echo $HTTPS_PROXY; read x']));
	const said = await Promise.all(all.map((r) => r.says(/@(127.*)\n/)));
	assert.equal(new Set(said.map((m) => m[1])).size, 1);
	const proxy = recorder(s);
	for (const r of all)
		assert.equal((await r.ends('\n')).code, 0, r.err);
	await gone(proxy);
});

test('a proxy that records into the store is used, and goes on', async (s) => {
	await s.start();
	s.store = s.tape.store;
	const { text, code } = await runs(s, ['env']);
	assert.equal(code, 0);
	const env = environmentOf(text);
	assert.match(env.HTTPS_PROXY, /^http:\/\/run-[0-9a-f]{8}:x@127\.0\.0\.1:\d+$/);
	assert.ok(env.HTTPS_PROXY.endsWith(`:${s.tape.port}`));
	assert.equal(env.NODE_EXTRA_CA_CERTS, s.tape.caPath);
	assert.equal(s.tape.exit, null);
	assert.equal(recorder(s), s.tape.pid);
});

test('a proxy with another upstream than was asked for is not used', async (s) => {
	await s.start();
	s.store = s.tape.store;
	const other = await runsSh(s, 'echo ran', { args: ['--upstream', 'https://other.example'] });
	assert.equal(other.code, 3);
	assert.equal(other.text, '');
	assert.match(other.err, /give another store/);
	const same = await runsSh(s, 'echo ran', { args: ['--upstream', s.upstream.url] });
	assert.equal(same.text, 'ran\n');
	const more = await runsSh(s, 'echo ran', { args: ['--set', 'proxy.drain_s=1'] });
	assert.equal(more.text, 'ran\n');
	assert.match(more.err, /do not count/);
});

test('spaces and quotes in paths and labels are no trouble', async (s) => {
	s.store = join(s.dir, `a "b" 'c' $d \\e é`);
	const { text, err, code } = await runs(s, ['env', '-0'], { args: ['--label', "an 'ä' / @"] });
	assert.equal(code, 0, err);
	const env = environmentOf(text.replaceAll('\0', '\n'));
	assert.equal(env.NODE_EXTRA_CA_CERTS, join(s.store, 'ca', 'ca.pem'));
	assert.ok(existsSync(env.SSL_CERT_FILE));
	assert.equal(decodeURIComponent(new URL(env.HTTPS_PROXY).username), "an 'ä' / @");
});

test('what the user has in his environment is passed on', async (s) => {
	const { text } = await runs(s, ['env'], { env: { MINE: '1', HTTP_PROXY: 'http://h:1',
		NO_PROXY: 'a.example,openai.com' } });
	const env = environmentOf(text);
	assert.equal(env.MINE, '1');
	assert.equal(env.HOME, s.dir);
	assert.equal(env.OPENAI_BASE_URL, undefined);
});

test('the store of a configuration is the store', async (s) => {
	const file = join(s.dir, 'conf');
	writeFileSync(file, `[store]\ndir = ${s.dir}/here\n[listen]\ntls = 127.0.0.1:1\n`);
	const r = await run(s.dir, ['run', '-c', file, 'true']);
	assert.equal(r.code, 0, r.err);
	assert.ok(existsSync(join(s.dir, 'here', 'data.mdb')));
	await poll(() => !existsSync(join(s.dir, 'store')), 'no other store');
});
