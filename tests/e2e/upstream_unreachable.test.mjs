/* No upstream: an answer that says so. */
import net from 'node:net';
import { once } from 'node:events';
import { test, assert, keys } from './lib/scene.mjs';
import { ownError } from './lib/own_error.mjs';

const get = 'GET /v1/models HTTP/1.1\r\nHost: a\r\n\r\n';

/* A port where nobody listens. */
async function deadPort() {
	const server = net.createServer().listen(0, '127.0.0.1');
	await once(server, 'listening');
	const { port } = server.address();
	server.close();
	await once(server, 'close');
	return port;
}

test('an upstream that refuses the connection gives a 502 that says so', async (s) => {
	const port = await deadPort();
	s.tape = await s.record({ upstream: `https://localhost:${port}` });
	const error = ownError(await s.ask(get), 502);
	assert.match(error.message, /refused/i);
	const [record] = await s.tape.settled(1);
	assert.equal(record.outcome, 'upstream');
	assert.equal(record.status, 502);
	assert.equal(record.host, `localhost:${port}`);
});

test('an upstream whose name does not exist gives an answer that says so', async (s) => {
	s.tape = await s.record({ upstream: 'https://no-such-host.invalid:443',
		set: { [keys.connectMs]: 3000 } });
	const answer = await s.ask(get);
	/* 504 where no name server answers at all, as on a machine without network. */
	const error = ownError(answer, answer.head.status === 504 ? 504 : 502);
	assert.match(error.message, /no-such-host\.invalid/);
	assert.match(error.message, /DNS|name|resolve/i);
	const [record] = await s.tape.settled(1);
	assert.equal(record.status, answer.head.status);
});

test('an upstream that speaks no TLS gives a 502', async (s) => {
	const server = net.createServer((c) => c.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
	server.on('connection', (c) => c.on('error', () => {}));
	server.listen(0, '127.0.0.1');
	await once(server, 'listening');
	s.atEnd(() => server.close());
	s.tape = await s.record({ upstream: `https://localhost:${server.address().port}` });
	const error = ownError(await s.ask(get), 502);
	assert.match(error.message, /TLS|SSL/i);
});

test('a client can go on after an upstream was not reached', async (s) => {
	s.tape = await s.record({ upstream: `https://localhost:${await deadPort()}` });
	for (let k = 0; k < 3; k++)
		ownError(await s.ask(get), 502);
	const records = await s.tape.settled(3);
	assert.deepEqual(records.map((r) => r.seq), [1, 2, 3]);
});
