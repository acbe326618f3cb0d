/* A half-close stays one however long the upstream takes to be reached. */
import net from 'node:net';
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { test, assert } from './lib/scene.mjs';
import { signal, within } from './lib/wait.mjs';

const ok = 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nlater';

/* A listener whose connections reach the upstream once `go` says so. */
async function slowDoor(s, go) {
	const server = net.createServer({ allowHalfOpen: true }, async (a) => {
		s.atEnd(() => a.destroy());
		a.on('error', () => {});
		await go;
		const b = net.connect({ port: s.upstream.port, host: '127.0.0.1' });
		s.atEnd(() => b.destroy());
		b.on('error', () => {});
		a.pipe(b).pipe(a);
	}).listen(0, '127.0.0.1');
	await once(server, 'listening');
	s.atEnd(() => server.close());
	return server;
}

for (const [what, request] of [
	['GET', 'GET /v1/models HTTP/1.1\r\nHost: a\r\n\r\n'],
	['POST', 'POST /v1/responses HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}'],
]) {
	test(`a half-closed ${what} is answered though the upstream is slow to be reached`,
	    async (s) => {
		const go = signal();
		s.upstream = await s.origin({ answer: (r, conn) => conn.send(ok) });
		const door = await slowDoor(s, go.promise);
		const dialled = once(door, 'connection');
		s.tape = await s.record({ upstream: `https://localhost:${door.address().port}` });
		const c = await s.client();
		c.send(request);
		c.end();
		await within(dialled, 'the dial');
		await pause(600);	/* past the 250 ms in which a FIN is a half-close */
		assert.equal(c.over, false);
		go.resolve();
		assert.equal((await c.message()).payload.toString(), 'later');
		assert.equal((await c.rest()).length, 0);
		const [record] = await s.tape.settled(1);
		assert.equal(record.outcome, 'complete');
	});
}
