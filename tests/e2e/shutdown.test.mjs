/* SIGTERM: what runs may finish, then the end. */
import net from 'node:net';
import { once } from 'node:events';
import { test, assert, keys } from './lib/scene.mjs';
import { poll, signal, within } from './lib/wait.mjs';
import { bare, connect, forward } from './lib/proxy_forward.mjs';

const get = 'GET /v1/models HTTP/1.1\r\nHost: a\r\n\r\n';

async function refusesConnections(port) {
	const c = net.connect({ port, host: '127.0.0.1' });
	return Promise.race([once(c, 'connect').then(() => { c.destroy(); return false; }),
		once(c, 'error').then(() => true)]).catch(() => true);
}

test('SIGTERM lets the exchange in flight finish, takes no new one, and exits 0', async (s) => {
	const go = signal();
	await s.start({ answer: async (r, conn) => {
		await conn.send('HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nabc');
		await within(go.promise, 'the test');
		await conn.send('def');
	} });
	const c = await s.client();
	c.send(get);
	await c.through('abc');
	s.tape.kill('SIGTERM');
	await poll(() => refusesConnections(s.tape.port), 'the listener to close');
	assert.equal(s.tape.exit, null);
	go.resolve();
	await c.through('def');
	assert.deepEqual(await within(s.tape.gone, 'the exit'), { code: 0, signal: null });
	const [record] = await s.tape.records();
	assert.equal(record.outcome, 'complete');
	assert.equal((await s.tape.responseBody(1)).toString(), 'abcdef');
});

test('SIGTERM closes idle connections at once', async (s) => {
	await s.start({ answer: (r, conn) => conn.send('HTTP/1.1 204 No Content\r\n\r\n') });
	const c = await s.client();
	c.send(get);
	await c.message();
	const untouched = await s.client();
	s.tape.kill('SIGTERM');
	assert.deepEqual(await within(s.tape.gone, 'the exit'), { code: 0, signal: null });
	await untouched.until(() => untouched.over, 'the end');
});

test('an exchange that does not finish in drain_s is ended and marked', async (s) => {
	await s.start({ answer: async (r, conn) => {
		await conn.send('HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nabc');
		await conn.until(() => conn.over, 'the end');
	}, set: { [keys.drainS]: 1 } });
	const c = await s.client();
	c.send(get);
	await c.through('abc');
	s.tape.kill('SIGTERM');
	assert.deepEqual(await within(s.tape.gone, 'the exit'), { code: 0, signal: null });
	const [record] = await s.tape.records();
	assert.equal(record.outcome, 'interrupted');
	assert.equal((await s.tape.responseBody(1)).toString(), 'abc');
});

test('SIGTERM does not wait for a blind tunnel in which nothing moves', async (s) => {
	const o = await bare(s, (w) => w.send('hello'));
	await forward(s, { map: { 'other.example': o.port },
		set: { [keys.drainS]: 3600, [keys.lingerMs]: 50 } });
	const wire = await connect(s, 'other.example:443');
	await wire.through('hello');
	s.tape.kill('SIGTERM');
	assert.deepEqual(await within(s.tape.gone, 'the exit'), { code: 0, signal: null });
	await wire.until(() => wire.over, 'the end of the tunnel');
});

test('a tunnel that has lost a side is kept for idle_ms', async (s) => {
	const o = await bare(s, (w) => w.until(() => w.closed, 'the proxy to close'));
	await forward(s, { map: { 'other.example': o.port }, set: { [keys.idleMs]: 50 } });
	const wire = await connect(s, 'other.example:443');
	wire.end();
	await poll(() => /tunnel is idle/.test(s.tape.log), 'the end of the tunnel');
});
