/* After 101 the connection is two byte streams, and the tape keeps both. */
import { randomBytes } from 'node:crypto';
import { test, assert } from './lib/scene.mjs';

const ask = ['GET /v1/responses HTTP/1.1', 'Host: a', 'Upgrade: websocket',
	'Connection: Upgrade', 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
	'Sec-WebSocket-Version: 13', '', ''].join('\r\n');
const agreed = ['HTTP/1.1 101 Switching Protocols', 'Upgrade: websocket',
	'Connection: Upgrade', 'Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=', '', '',
].join('\r\n');

async function tunnel(s, afterwards) {
	await s.start({ connection: async (conn) => {
		const head = await conn.nextHead();
		if (!head)
			return;
		conn.asked = head;
		await afterwards(conn);
	} });
	const c = await s.client();
	c.send(ask);
	return c;
}

test('an upgraded connection carries bytes unchanged both ways, half-close included',
    async (s) => {
	const [up, down, early, late] = [300_000, 300_000, 1000, 70_000].map((n) => randomBytes(n));
	const c = await tunnel(s, async (conn) => {
		await conn.send(Buffer.concat([Buffer.from(agreed), early]));
		const sending = conn.send(down);
		conn.got = await conn.rest();
		await sending;
		await conn.send(late);
		conn.end();
	});
	const head = await c.head();
	assert.equal(head.raw.toString(), agreed);
	c.send(up);
	assert.ok((await c.bytes(early.length)).equals(early));
	assert.ok((await c.bytes(down.length)).equals(down));
	c.end();
	assert.ok((await c.rest()).equals(late), 'what came after the half-close');
	const [conn] = s.upstream.conns;
	assert.ok(conn.got.equals(up));
	assert.equal(conn.asked.get('upgrade'), 'websocket');
	assert.match(conn.asked.get('connection'), /upgrade/i);

	const [record] = await s.tape.settled(1);
	assert.equal(record.status, 101);
	assert.equal(record.outcome, 'complete');
	assert.ok((await s.tape.requestBody(1)).equals(up));
	assert.ok((await s.tape.responseBody(1)).equals(Buffer.concat([early, down, late])));
});

test('an upstream that is done first lets the client go on sending', async (s) => {
	const c = await tunnel(s, async (conn) => {
		await conn.send(`${agreed}bye`);
		conn.end();
		conn.got = await conn.rest();
	});
	await c.head();
	assert.equal((await c.rest()).toString(), 'bye');
	await c.send('one more thing');
	c.end();
	const [conn] = s.upstream.conns;
	await conn.until(() => conn.over, 'the end of the tunnel');
	assert.ok(conn.received.toString().endsWith('\r\n\r\none more thing'));
	await s.tape.settled(1);
});

test('an upgrade that is declined is an answer as any other', async (s) => {
	await s.start({ answer: (r, conn) =>
		conn.send('HTTP/1.1 426 Upgrade Required\r\nContent-Length: 2\r\n\r\nno') });
	const c = await s.client();
	c.send(ask);
	assert.equal((await c.message()).payload.toString(), 'no');
	c.send('GET /v1/models HTTP/1.1\r\nHost: a\r\n\r\n');
	assert.equal((await c.message()).head.status, 426);
	const records = await s.tape.settled(2);
	assert.deepEqual(records.map((r) => r.status), [426, 426]);
});

test('a peer that leaves a tunnel takes the other side with it', async (s) => {
	const c = await tunnel(s, async (conn) => {
		await conn.send(agreed);
		await conn.until(() => conn.over, 'the tunnel to go');
	});
	await c.head();
	c.reset();
	const [conn] = s.upstream.conns;
	await conn.until(() => conn.over, 'the tunnel to go');
	const [record] = await s.tape.settled(1);
	assert.equal(record.outcome, 'cancelled');
});
