/* SIGTERM and what stands behind a CONNECT; a client that leaves there. */
import { test, assert } from './lib/scene.mjs';
import { ownError } from './lib/own_error.mjs';
import { ask, connectHead, established, forward, get, official, ok, ourCa,
	plainOrigin } from './lib/proxy_forward.mjs';
import { Dns } from './lib/proxy_dns.mjs';
import { poll } from './lib/wait.mjs';

const signalled = (s) => {
	s.tape.kill('SIGTERM');
	return poll(() => s.tape.log.includes('signal 15'), 'the signal to arrive');
};

test('SIGTERM waits for an exchange in a tunnel inside of TLS, silent as it is', async (s) => {
	let answer;
	const origin = await plainOrigin(s, (r, wire) => new Promise((done) => {
		answer = () => done(wire.send(ok));
	}));
	await forward(s, { tlsListen: true, map: { [official]: origin.port },
		set: { 'timeouts.linger_ms': 100 } });
	const c = await s.tlsClient({ ca: ourCa(s), servername: 'localhost',
		checkServerIdentity: () => undefined });
	c.send(connectHead(`${official}:80`));
	await established(c);
	c.send(get());
	await poll(() => answer, 'the request upstream');
	await signalled(s);
	setTimeout(answer, 500);	/* well over linger_ms */
	assert.equal((await c.message()).payload.toString(), 'ok');
	const before = performance.now();
	await s.tape.gone;		/* and the client keeps its side open */
	assert.ok(performance.now() - before < 5000);
	const [record] = await s.tape.records();
	assert.equal(record.outcome, 'complete');
});

test('a CONNECT that is complete after SIGTERM opens nothing', async (s) => {
	await forward(s);
	const c = await s.client();
	c.send(connectHead(`${official}:443`).slice(0, -2));
	await poll(async () => (await ask(await s.client(), get('a'))).head.status === 200,
		'the head to be read');
	await signalled(s);
	c.send('\r\n');
	assert.equal(ownError(await c.message(), 503).code, 'shutting_down');
	c.end();
	await s.tape.gone;
});

/* A client whose tunnel is dialled for a long time. */
async function dialled(s) {
	const dns = await Dns.start(s, {});
	let asked = 0;
	dns.udp.removeAllListeners('message').on('message', () => { asked++; });
	await forward(s, { set: { 'upstream.dns': dns.address, 'timeouts.connect_ms': 60_000 } });
	const c = await s.client();
	c.send(connectHead('silent.example:443'));
	await poll(() => asked > 0, 'the name to be asked for');
	return c;
}

test('a tunnel into which nothing can go is not dialled on', async (s) => {
	const c = await dialled(s);
	c.end();
	assert.equal((await c.rest()).length, 0);
	await poll(() => s.tape.log.includes('before its tunnel was open'), 'the line of its end');
});

test('SIGTERM does not wait for the dial of a tunnel', async (s) => {
	const c = await dialled(s);
	await signalled(s);
	assert.equal(ownError(await c.message(), 503).code, 'shutting_down');
	c.end();
	await s.tape.gone;
});
