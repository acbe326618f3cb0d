/* Who leaves is noticed, also while nothing is read from them because the other
 * side takes no more. */
import { test, assert } from './lib/scene.mjs';
import { stuck } from './lib/kernel.mjs';
import { signal, within } from './lib/wait.mjs';

const MiB = 1 << 20;
const upload = `POST /v1/files HTTP/1.1\r\nHost: a\r\nContent-Length: ${64 * MiB}\r\n\r\n`;
const upgrade = ['GET /v1/responses HTTP/1.1', 'Host: a', 'Upgrade: websocket',
	'Connection: Upgrade', '', ''].join('\r\n');
const agreed = ['HTTP/1.1 101 Switching Protocols', 'Upgrade: websocket',
	'Connection: Upgrade', '', ''].join('\r\n');

/* An upstream that reads one head, says `say`, and reads no more. */
async function unreading(s, say) {
	await s.start({ connection: async (conn) => {
		if (!await conn.nextHead())
			return;
		conn.socket.pause();
		await conn.send(say);
	} });
	return s.client();
}

test('a client that resets its upload is noticed while the upstream takes no more',
    async (s) => {
	const c = await unreading(s, '');
	c.send(upload);
	c.send(Buffer.alloc(64 * MiB, 'x'));
	await stuck(c);
	c.reset();
	const [record] = await s.tape.settled(1);
	assert.equal(record.outcome, 'cancelled');
});

test('a client that resets its tunnel is noticed while the upstream takes no more',
    async (s) => {
	const c = await unreading(s, agreed);
	c.send(upgrade);
	assert.equal((await c.head()).status, 101);
	c.send(Buffer.alloc(64 * MiB, 'x'));
	await stuck(c);
	c.reset();
	const [record] = await s.tape.settled(1);
	assert.equal(record.outcome, 'cancelled');
});

test('an upstream that resets its tunnel ends it while it takes no more', async (s) => {
	const c = await unreading(s, agreed);
	c.send(upgrade);
	assert.equal((await c.head()).status, 101);
	c.send(Buffer.alloc(64 * MiB, 'x'));
	await stuck(c);
	s.upstream.conns[0].reset();
	const [record] = await s.tape.settled(1);
	assert.equal(record.outcome, 'upstream');
	await c.until(() => c.over, 'the client to see the end');
});

for (const [what, request, head] of [
	['a tunnel', upgrade, agreed],
	['an answer', upload.replace(/Content-Length: \d+/, 'Content-Length: 0'),
		`HTTP/1.1 200 OK\r\nContent-Length: ${64 * MiB}\r\n\r\n`],
]) {
	test(`an upstream that resets ${what} is noticed while the client takes no more`,
	    async (s) => {
		const sending = signal();
		await s.start({ connection: async (conn) => {
			if (!await conn.nextHead())
				return;
			await conn.send(head);
			conn.send(Buffer.alloc(64 * MiB, 'x'));
			sending.resolve();
		} });
		const c = await s.client();
		c.socket.pause();
		c.send(request);
		await within(sending.promise, 'the request upstream');
		const [conn] = s.upstream.conns;
		await stuck(conn);
		conn.reset();
		const [record] = await s.tape.settled(1);
		assert.equal(record.outcome, 'upstream');
	});
}
