/* A kept upstream connection may have gone bad since the loop looked last.  The
 * process is stopped meanwhile, so that it finds all at once. */
import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { test, assert, keys } from './lib/scene.mjs';
import { ports, queues } from './lib/kernel.mjs';
import { poll } from './lib/wait.mjs';

const get = 'GET /v1/models HTTP/1.1\r\nHost: a\r\n\r\n';
const ok = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
const wrong = 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nwrong';

async function stop(s) {
	s.atEnd(() => s.tape.kill('SIGCONT'));
	s.tape.kill('SIGSTOP');
	await poll(() => /^State:\s+T/m.test(readFileSync(`/proc/${s.tape.pid}/status`, 'latin1')),
	    'the process to stand still');
}

/* Resolves when the stopped process has bytes of the peer of wire to read. */
function arrived(local, remote) {
	return poll(() => queues(local, remote)?.rx > 0, 'bytes to arrive');
}

for (const [what, first] of [['an answer without a body', 'HTTP/1.1 204 No Content\r\n\r\n'],
	['an answer with a body', ok]]) {
	test(`bytes that follow ${what} are not taken for the next answer`, async (s) => {
		await s.start({ answer: (r, conn) =>
			conn.send(s.upstream.requests.length === 1 ? first : ok) });
		const c = await s.client();
		c.send(get);
		await c.message();
		await s.tape.settled(1);
		await stop(s);
		c.send(get);
		await arrived(...ports(c).reverse());
		const [kept] = s.upstream.conns;
		kept.send(wrong);
		await arrived(...ports(kept).reverse());
		s.tape.kill('SIGCONT');
		assert.equal((await c.message()).payload.toString(), 'ok');
		assert.equal(s.upstream.conns.length, 2);
		const records = await s.tape.settled(2);
		assert.equal((await s.tape.responseBody(2)).toString(), 'ok');
		assert.equal(records[1].outcome, 'complete');
	});
}

test('a kept connection that died and is too old at once is closed once', async (s) => {
	await s.start({ answer: (r, conn) => conn.send(ok), set: { [keys.poolMs]: 300 } });
	await s.ask(get);
	await s.tape.settled(1);
	await stop(s);
	const [kept] = s.upstream.conns;
	kept.reset();
	await pause(1300);	/* the pool is swept every second */
	s.tape.kill('SIGCONT');
	assert.equal((await s.ask(get)).payload.toString(), 'ok');
	assert.equal(s.tape.exit, null);
});
