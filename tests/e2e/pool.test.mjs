/* Upstream connections are kept, used again, and not trusted blindly. */
import { test, assert } from './lib/scene.mjs';

const get = 'GET /v1/models HTTP/1.1\r\nHost: a\r\n\r\n';
const ok = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

test('two requests one after another use one upstream connection', async (s) => {
	await s.start({ answer: (r, conn) => conn.send(ok) });
	const c = await s.client();
	for (let k = 0; k < 2; k++) {
		c.send(get);
		assert.equal((await c.message()).payload.toString(), 'ok');
	}
	assert.equal(s.upstream.tcp, 1);
	const [first, second] = await s.tape.settled(2);
	assert.ok(first.timing.tls > 0);
	assert.ok(!second.timing.tls, 'no handshake for the second one');
});

test('another client uses the connection that the first one left', async (s) => {
	await s.start({ answer: (r, conn) => conn.send(ok) });
	for (let k = 0; k < 3; k++)
		assert.equal((await s.ask(get)).payload.toString(), 'ok');
	assert.equal(s.upstream.tcp, 1);
	assert.equal(s.upstream.requests.length, 3);
});

test('an upstream that says close is not kept', async (s) => {
	await s.start({ answer: (r, conn) => conn.send(ok.replace('\r\n\r\n',
		'\r\nConnection: close\r\n\r\n')) });
	const c = await s.client();
	for (let k = 0; k < 2; k++) {
		c.send(get);
		assert.equal((await c.message()).payload.toString(), 'ok');
	}
	assert.equal(s.upstream.tcp, 2);
});

test('a kept connection that the upstream closes is not used again', async (s) => {
	await s.start({ answer: (r, conn) => conn.send(ok) });
	await s.ask(get);
	const [conn] = s.upstream.conns;
	conn.end();
	await conn.until(() => conn.over, 'the proxy to drop its idle connection');
	assert.equal((await s.ask(get)).payload.toString(), 'ok');
	assert.equal(s.upstream.requests.length, 2);
	assert.equal(s.upstream.tcp, 2);
});

for (const [how, request] of [['without a body', get], ['with a small body',
	'POST /v1/responses HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}']]) {
	test(`a request ${how} on a kept connection that dies is sent once more`, async (s) => {
		await s.start({ answer: (r, conn) => {
			if (s.upstream.requests.filter((x) => x.conn === conn).length === 2)
				conn.reset();
			else
				return conn.send(ok);
		} });
		const c = await s.client();
		c.send(get);
		await c.message();
		c.send(request);
		assert.equal((await c.message()).payload.toString(), 'ok');
		assert.equal(s.upstream.requests.length, 3);
		assert.ok(s.upstream.requests[2].wire.equals(s.upstream.requests[1].wire));
		assert.equal(s.upstream.tcp, 2);
		const records = await s.tape.settled(2);
		assert.equal(records.length, 2);
		assert.deepEqual(records.map((r) => r.outcome), ['complete', 'complete']);
	});
}

test('a fresh connection that dies before the answer is not tried again', async (s) => {
	await s.start({ answer: (r, conn) => conn.cut() });
	const answer = await s.ask(get);
	assert.equal(answer.head.status, 502);
	assert.equal(JSON.parse(answer.payload).error.type, 'proxy_error');
	assert.equal(s.upstream.requests.length, 1);
	const [record] = await s.tape.settled(1);
	assert.equal(record.outcome, 'upstream');
});
