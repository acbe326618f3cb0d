/* on_abort = drain reads on for an answer's usage.  There is no tunnel without a
 * client. */
import { test, assert, keys } from './lib/scene.mjs';

const upgrade = ['GET /v1/responses HTTP/1.1', 'Host: a', 'Upgrade: websocket',
	'Connection: Upgrade', '', ''].join('\r\n');
const agreed = ['HTTP/1.1 101 Switching Protocols', 'Upgrade: websocket',
	'Connection: Upgrade', '', ''].join('\r\n');
const ok = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

test('with on_abort = drain a client that leaves before the 101 ends its exchange',
    async (s) => {
	await s.start({ set: { [keys.onAbort]: 'drain' }, connection: async (conn) => {
		const request = await conn.nextHead();
		if (request?.get('upgrade')) {
			await conn.until(() => s.left, 'the client to leave', 60_000);
			await conn.send(`${agreed}data`);
		} else if (request) {
			await conn.send(ok);
		}
	} });
	const c = await s.client();
	c.send(upgrade);
	const conn = await s.upstream.conn(0);
	await conn.until(() => conn.received.includes('\r\n\r\n'), 'the request upstream');
	c.reset();
	const [record] = await s.tape.settled(1);
	assert.equal(record.outcome, 'cancelled');
	s.left = true;
	await conn.until(() => conn.over, 'the upstream to be left');
	const answer = await s.ask('GET /v1/models HTTP/1.1\r\nHost: a\r\n\r\n');
	assert.equal(answer.payload.toString(), 'ok');
	assert.equal(s.tape.exit, null);
});

test('with on_abort = drain a 101 that crosses with the leaving client does no harm',
    async (s) => {
	await s.start({ set: { [keys.onAbort]: 'drain' }, connection: async (conn) => {
		const request = await conn.nextHead();
		if (!request?.get('upgrade'))
			return request && conn.send(ok);
		const [left] = s.clients.splice(0, 1);
		left.reset();
		await conn.send(`${agreed}data`);
	} });
	s.clients = [];
	for (let k = 0; k < 10; k++) {
		const c = await s.client();
		s.clients.push(c);
		c.send(upgrade);
		await c.until(() => c.closed, 'the client to be gone');
	}
	const records = await s.tape.settled(10);
	assert.deepEqual(new Set(records.map((r) => r.outcome)), new Set(['cancelled']));
	const answer = await s.ask('GET /v1/models HTTP/1.1\r\nHost: a\r\n\r\n');
	assert.equal(answer.payload.toString(), 'ok');
});
