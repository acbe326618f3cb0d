/* An upstream may be plain HTTP, such as a gateway on the same machine. */
import net from 'node:net';
import { once } from 'node:events';
import { test, assert } from './lib/scene.mjs';
import { Wire } from './lib/wire.mjs';

test('an http:// upstream is served without TLS and closed cleanly where it closes',
    async (s) => {
	const server = net.createServer(async (socket) => {
		const conn = new Wire(socket);
		s.atEnd(() => conn.drop());
		const r = await conn.message();
		s.host = r?.head.get('host');
		await conn.send('HTTP/1.1 200 OK\r\n\r\nuntil close');
		conn.end();
	}).listen(0, '127.0.0.1');
	await once(server, 'listening');
	s.atEnd(() => server.close());
	const { port } = server.address();
	s.tape = await s.record({ upstream: `http://127.0.0.1:${port}`, ca: null });
	const answer = await s.ask('GET /v1/models HTTP/1.1\r\nHost: a\r\n\r\n');
	assert.equal(answer.payload.toString(), 'until close');
	assert.ok(answer.whole);
	assert.equal(s.host, `127.0.0.1:${port}`);
	const [record] = await s.tape.settled(1);
	assert.equal(record.outcome, 'complete');
	assert.equal(record.scheme, 'http');
});
