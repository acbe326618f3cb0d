/* An answer that ends with its connection: what came of it is delivered whole, and
 * that it was cut is told behind the last byte. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import net from 'node:net';
import { test, assert, keys } from './lib/scene.mjs';
import { poll, sanitized, within } from './lib/wait.mjs';

const size = 4 << 20;
const get = 'GET /v1/files/f/content HTTP/1.1\r\nHost: a\r\n\r\n';
const limit = sanitized ? 1000 : 400;

/* An upstream whose answer has no length and ends by `end`. */
const untilClose = (end) => ({ tlsListen: true, set: { [keys.lingerMs]: limit },
	answer: async (r, conn) => {
		await conn.send('HTTP/1.1 200 OK\r\n\r\n');
		await conn.send(Buffer.alloc(size, 'z'));
		/* cut() would take back what has not left. */
		if (end === 'cut')
			conn.tcp.end();
		else
			conn.end();
	} });

/* Reads on for much longer than linger_ms; gives how much came. */
async function readSlowly(c) {
	let got = 0;
	c.send(get);
	await c.head();
	c.pour((b) => {
		got += b.length;
		c.socket.pause();
		setTimeout(() => c.socket.resume(), limit / 16);
	});
	await c.until(() => c.over, 'the end');
	return got;
}

/* As readSlowly, over a plain connection of its own: what Node has read ahead of a
 * paused stream is lost when a RST comes, and none of that is here. */
async function plainSlowly(s) {
	let bytes = Buffer.alloc(0), got = 0, headLen = 0, error = null;
	const socket = net.connect({ port: s.tape.port, host: '127.0.0.1', onread: {
		buffer: Buffer.alloc(65536),
		callback: (n, b) => {
			if (headLen === 0) {
				bytes = Buffer.concat([bytes, b.subarray(0, n)]);
				headLen = bytes.indexOf('\r\n\r\n') + 4;
			}
			got += n;
			setTimeout(() => socket.resume(), limit / 16);
			return false;
		} } });
	s.atEnd(() => socket.destroy());
	socket.on('error', (e) => { error = e.code; });
	const gone = once(socket, 'close').catch(() => once(socket, 'close'));
	socket.write(get);
	await within(gone, 'the end');
	return { got: got - headLen, error };
}

test('a plain client that reads slowly gets all of a cut answer and then a RST', async (s) => {
	await s.start(untilClose('cut'));
	assert.deepEqual(await plainSlowly(s), { got: size, error: 'ECONNRESET' });
	const [record] = await s.tape.settled(1);
	assert.equal(record.outcome, 'upstream');
	assert.equal(record.response.bytes, size);
});

test('a plain client that reads slowly gets all of a whole answer and then a FIN', async (s) => {
	await s.start(untilClose('end'));
	assert.deepEqual(await plainSlowly(s), { got: size, error: null });
	const [record] = await s.tape.settled(1);
	assert.equal(record.outcome, 'complete');
});

/* The types of TLS records, in order (RFC 5246 6.2.1). */
function recordTypes(bytes) {
	const types = [];
	for (let at = 0; at + 5 <= bytes.length; at += 5 + bytes.readUInt16BE(at + 3))
		types.push(bytes[at]);
	return types;
}

for (const [end, what, goodbye] of [['cut', 'a cut', false], ['end', 'a whole', true]]) {
	test(`a TLS client gets all of ${what} answer, ${goodbye ? 'and' : 'but no'} close_notify`,
	    async (s) => {
		await s.start(untilClose(end));
		const relay = await s.relay({ port: s.tape.tlsPort });
		/* In TLS 1.2 an alert is seen from outside. */
		const c = await s.tlsClient({ port: relay.server.address().port,
			ca: readFileSync(s.tape.caPath), servername: 'localhost', maxVersion: 'TLSv1.2' });
		assert.equal(await readSlowly(c), size);
		const [{ b, down }] = relay.conns;
		await poll(() => b.readableEnded || b.destroyed, 'the end of the connection');
		const types = recordTypes(Buffer.concat(down));
		assert.equal(types.at(-1) === 21, goodbye, `the last records: ${types.slice(-3)}`);
		const [record] = await s.tape.settled(1);
		assert.equal(record.outcome, goodbye ? 'complete' : 'upstream');
	});
}
