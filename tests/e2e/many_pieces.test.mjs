/* What comes in very many very small pieces costs no memory. */
import { test, assert } from './lib/scene.mjs';
import { sanitized } from './lib/wait.mjs';

const get = 'GET /v1/models HTTP/1.1\r\nHost: a\r\n\r\n';
const blocks = sanitized ? 20 : 200;

/* Sends head, then block over and over, then end; gives what the client got. */
async function trickle(s, head, block, end) {
	const all = head.length + block.length * blocks + end.length;
	await s.start({ answer: async (r, conn) => {
		await conn.send(head);
		await conn.pump((k) => (k < blocks ? block : null));
		await conn.send(end);
	} });
	const c = await s.client();
	let got = 0;
	let last = '';
	c.pour((b) => { got += b.length; last = (last + b.toString('latin1')).slice(-200); });
	c.send(get);
	await c.until(() => got >= all || c.over, 'all of it', 60_000);
	assert.equal(got, all);
	assert.ok(last.endsWith(end));
	const [record] = await s.tape.settled(1);
	assert.equal(record.outcome, 'complete');
	assert.equal(record.status, 200);
	if (!sanitized)
		assert.ok(await s.tape.kB('VmHWM') < 48 * 1024);
	return record;
}

test('millions of chunks of one byte pass and are recorded as one body', async (s) => {
	const block = Buffer.from('1\r\nx\r\n'.repeat(10_000));
	const record = await trickle(s, 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n', block,
	    '0\r\n\r\n');
	assert.equal(record.response.bytes, blocks * 10_000);
	assert.equal(record.response.kept, blocks * 10_000);
});

test('a flood of interim answers passes and the final one is recorded', async (s) => {
	const block = Buffer.from('HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n'.repeat(5_000));
	const record = await trickle(s, '', block, 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
	assert.equal(record.response.bytes, 2);
});
