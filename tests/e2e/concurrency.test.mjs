/* Many at once: each gets its own answer and its own record. */
import { createHash, randomBytes } from 'node:crypto';
import { test, assert, keys } from './lib/scene.mjs';
import { message } from './lib/http.mjs';

const n = 64;
const sha = (b) => createHash('sha256').update(b).digest('hex');

for (const workers of [1, 4]) {
	test(`${n} clients at once leave ${n} exchanges, ${workers} workers`, async (s) => {
		await s.start({ set: { [keys.workers]: workers }, answer: (r, conn) =>
			conn.send(message('HTTP/1.1 200 OK', [`X-Path: ${r.head.target}`],
			    Buffer.from(r.payload).reverse())) });
		const bodies = Array.from({ length: n }, (_, k) => randomBytes(1 + k * 977));
		await Promise.all(bodies.map(async (body, k) => {
			const answer = await s.ask(message(`POST /v1/echo/${k} HTTP/1.1`, ['Host: a'], body));
			assert.equal(answer.head.get('x-path'), `/v1/echo/${k}`);
			assert.ok(answer.payload.equals(Buffer.from(body).reverse()));
		}));
		const records = await s.tape.settled(n);
		assert.deepEqual(records.map((r) => r.seq), Array.from({ length: n }, (_, k) => k + 1));
		for (const r of records) {
			const body = bodies[Number(r.path.split('/').at(-1))];
			assert.equal(r.outcome, 'complete');
			assert.equal(r.request.sha256, sha(body));
			assert.equal(r.response.sha256, sha(Buffer.from(body).reverse()));
		}
	});
}

test('a connection that says nothing leaves no record', async (s) => {
	await s.start({ answer: (r, conn) => conn.send('HTTP/1.1 204 No Content\r\n\r\n') });
	for (const end of ['end', 'cut', 'reset'])
		(await s.client())[end]();
	await s.ask('GET /v1/models HTTP/1.1\r\nHost: a\r\n\r\n');
	const records = await s.tape.settled(1);
	assert.equal(records.length, 1);
	assert.equal(records[0].seq, 1);
});
