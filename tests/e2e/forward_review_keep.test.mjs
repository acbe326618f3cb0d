/* proxy.traces = local: what is answered with 204 is recorded, however fast it comes. */
import { test, assert } from './lib/scene.mjs';
import { message } from './lib/http.mjs';

const n = 1000;
const body = `{"data":[]}${' '.repeat(500)}`;
const batch = message('POST /v1/traces/ingest HTTP/1.1', ['Host: a'], body);
const start = (s, pause) => s.start({ answer: () => {}, set: { 'proxy.traces': 'local',
	'recorder.max_bytes': 65536, 'recorder.pause_ms': pause } });

async function statuses(c) {
	const all = [];
	while (all.length < n && all.at(-1) !== 503) {
		const answer = await c.message();
		assert.ok(answer, 'an answer');
		all.push(answer.head.status);
	}
	return all;
}

test('a pipeline of batches waits for the recorder, and none is lost', async (s) => {
	await start(s, -1);
	const c = await s.client();
	c.send(Buffer.concat(Array(n).fill(Buffer.from(batch))));
	c.end();
	assert.deepEqual(await statuses(c), Array(n).fill(204));
	assert.equal((await c.rest()).length, 0);
	const records = await s.tape.settled(n);
	assert.ok(records.every((r) => r.status === 204 && r.outcome === 'complete'));
	assert.equal(s.upstream.tcp, 0);
});

test('without a pause, a batch that is not recorded is not answered with 204', async (s) => {
	await start(s, 0);
	const c = await s.client();
	c.send(Buffer.concat(Array(n).fill(Buffer.from(batch))));
	c.end();
	const taken = (await statuses(c)).filter((status) => status === 204).length;
	const records = await s.tape.settled(taken);
	assert.equal(records.filter((r) => r.status === 204).length, taken);
});
