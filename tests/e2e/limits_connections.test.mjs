/* limits.connections is a limit: who is over it waits until one leaves. */
import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { test, assert, keys } from './lib/scene.mjs';
import { poll } from './lib/wait.mjs';

const get = 'GET /v1/models HTTP/1.1\r\nHost: a\r\n\r\n';
const ok = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
const served = (clients) => clients.filter((c) => c.received.length > 0);

async function askAll(s, n) {
	const clients = [];
	for (let k = 0; k < n; k++) {
		const c = await s.client();
		c.send(get);
		clients.push(c);
	}
	return clients;
}

for (const workers of [1, 2]) {
	test(`no more clients than limits.connections are served at once, ${workers} workers`,
	    async (s) => {
		await s.start({ answer: (r, conn) => conn.send(ok),
			set: { [keys.connections]: 3, [keys.workers]: workers } });
		const clients = await askAll(s, 12);
		await poll(() => served(clients).length === 3, 'three to be served');
		await pause(500);	/* it looks for room every 100 ms */
		assert.equal(served(clients).length, 3);
		assert.equal(s.upstream.requests.length, 3);
	});
}

test('a client over limits.connections is served as soon as another leaves', async (s) => {
	await s.start({ answer: (r, conn) => conn.send(ok), set: { [keys.connections]: 3 } });
	const clients = await askAll(s, 6);
	for (let k = 3; k <= 6; k++) {
		await poll(() => served(clients).length === k, `${k} to be served`);
		served(clients).find((c) => !c.closed).cut();
	}
	await s.tape.settled(6);
});

test('the soft limit of open files is raised to what limits.connections needs', async (s) => {
	await s.start({ answer: (r, conn) => conn.send(ok),
		wrap: ['prlimit', '--nofile=256:4096'] });
	const limits = readFileSync(`/proc/${s.tape.pid}/limits`, 'latin1');
	const [, soft] = limits.match(/^Max open files\s+(\d+)/m);
	assert.ok(soft >= 2 * 1024, `${soft} files`);
	const clients = await askAll(s, 300);
	await poll(() => served(clients).length === 300, 'all to be served');
	assert.ok(!s.tape.log.includes('accept:'), s.tape.log);
});
