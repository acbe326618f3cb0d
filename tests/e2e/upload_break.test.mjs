/* Uploads that do not end the usual way. */
import { test, assert } from './lib/scene.mjs';

const head = (n) => `POST /v1/files HTTP/1.1\r\nHost: a\r\nContent-Length: ${n}\r\n\r\n`;

for (const end of ['end', 'cut', 'reset']) {
	test(`a client that leaves its upload by ${end} takes the upstream with it`, async (s) => {
		await s.start({ answer: () => {} });
		const c = await s.client();
		await c.send(head(1_000_000) + 'x'.repeat(1000));
		const conn = await s.upstream.conn(0);
		await conn.until(() => conn.received.includes('xxx'), 'the first bytes upstream');
		c[end]();
		await conn.until(() => conn.over, 'the upstream to be closed');
		const [record] = await s.tape.settled(1);
		assert.equal(record.outcome, 'cancelled');
		assert.equal(s.upstream.requests.filter((r) => r.whole).length, 0);
		assert.equal((await s.tape.requestBody(1)).length, 1000);
	});
}

test('a chunked upload that is cut reaches the upstream without a last chunk', async (s) => {
	await s.start({ answer: () => {} });
	const c = await s.client();
	await c.send('POST /v1/files HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n'
		+ '4\r\nhalf\r\n');
	const conn = await s.upstream.conn(0);
	await conn.until(() => conn.received.includes('half'), 'the first chunk upstream');
	c.end();
	await conn.until(() => conn.over, 'the upstream to be closed');
	assert.ok(!conn.received.includes('\r\n0\r\n'));
	const [record] = await s.tape.settled(1);
	assert.equal(record.outcome, 'cancelled');
});

test('an answer that comes before the upload is over reaches the client whole', async (s) => {
	const no = 'HTTP/1.1 413 Content Too Large\r\nContent-Length: 7\r\n'
		+ 'Connection: close\r\n\r\ntoo big';
	await s.start({ connection: async (conn) => {
		if (!await conn.nextHead())
			return;
		await conn.bytes(1000);
		await conn.send(no);
	} });
	const c = await s.client();
	c.send(head(50_000_000));
	c.send('x'.repeat(200_000));
	const answer = await c.message();
	assert.equal(answer.head.status, 413);
	assert.equal(answer.payload.toString(), 'too big');
	c.cut();
	const [record] = await s.tape.settled(1);
	assert.equal(record.status, 413);
	assert.equal((await s.tape.responseBody(1)).toString(), 'too big');
});

test('an answer may stream while the request still does', async (s) => {
	await s.start({ connection: async (conn) => {
		if (!await conn.nextHead())
			return;
		conn.send('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n');
		for (let k = 0; k < 20; k++)
			conn.send(`2\r\n${await conn.bytes(2)}\r\n`);
		await conn.send('0\r\n\r\n');
	} });
	const c = await s.client();
	c.send(head(40));
	await c.head();
	for (let k = 0; k < 20; k++) {
		c.send(`${k % 10};`);
		assert.equal((await c.bytes(7)).toString(), `2\r\n${k % 10};\r\n`);
	}
	await c.through('0\r\n\r\n');
	const [record] = await s.tape.settled(1);
	assert.equal(record.outcome, 'complete');
	assert.ok((await s.tape.requestBody(1)).equals(await s.tape.responseBody(1)));
});
