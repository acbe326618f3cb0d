/* A tape can be watched while it runs. */
import { spawn } from 'node:child_process';
import { test, assert } from './lib/scene.mjs';
import { binary } from './lib/tape.mjs';
import { poll } from './lib/wait.mjs';

test('dump -f prints exchanges as they end', async (s) => {
	await s.start({ answer: (r, conn) => conn.send('HTTP/1.1 204 No Content\r\n\r\n') });
	const ask = (k) => s.ask(`GET /v1/models/${k} HTTP/1.1\r\nHost: a\r\n\r\n`);
	await ask(1);
	await s.tape.settled(1);
	const p = spawn(binary, ['dump', '-f', '-o', 'jsonl', '-s', s.tape.store],
	    { stdio: ['ignore', 'pipe', 'inherit'] });
	s.atEnd(() => p.kill('SIGKILL'));
	let out = '';
	p.stdout.on('data', (d) => { out += d; });
	const seen = () => out.split('\n').slice(0, -1).map((l) => JSON.parse(l).path);
	await poll(() => seen().length === 1, 'the first line');
	await ask(2);
	await poll(() => seen().length === 2, 'the second line');
	await ask(3);
	await poll(() => seen().length === 3, 'the third line');
	assert.deepEqual(seen(), [1, 2, 3].map((k) => `/v1/models/${k}`));
});
