/* kill -9 at any moment: what had been done for longer than a commit is there. */
import { test, assert, keys } from '../lib/scene.mjs';
import { chunk } from '../lib/http.mjs';
import { sanitized, within } from '../lib/wait.mjs';
import { setTimeout as pause } from 'node:timers/promises';

const rounds = sanitized ? 10 : 50;
const clients = 8;
const commitMs = 20;
/* commit_ms may pass before a commit begins, which then takes its own time. */
const marginMs = sanitized ? 1500 : 150;

/* Asks until the recorder dies; notes what was answered whole, and when. */
async function load(s, id, done) {
	try {
		const c = await s.client();
		for (let k = 0; !c.over; k++) {
			const path = `/v1/responses/resp_${id}_${k}`;
			c.send(`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`);
			const answer = await c.message();
			if (!answer?.whole)
				break;
			done.push({ path, at: performance.now() });
		}
	} catch {
		/* Refused or reset: it is dead. */
	}
}

async function answerInPieces(r, conn) {
	conn.send('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n');
	for (let k = 0; k < 3; k++) {
		await pause(3);
		conn.send(chunk(`piece ${k} of ${r.head.target};`));
	}
	await conn.send('0\r\n\r\n');
}

/* Each of must is there, nothing is missing in between, all has ended. */
function holds(records, must) {
	const byPath = new Map(records.map((r) => [r.path, r]));
	for (const { path, age } of must)
		assert.equal(byPath.get(path)?.outcome, 'complete', `${path} was ${age} ms old`);
	records.forEach((r, i) => assert.equal(r.seq, i + 1, 'no gap'));
	for (const r of records)
		assert.ok(['complete', 'interrupted', 'cancelled', 'upstream'].includes(r.outcome),
			r.outcome);
}

test(`kill -9 at ${rounds} random moments loses nothing older than a commit`, async (s) => {
	await s.start({ answer: answerInPieces, set: { [keys.commitMs]: commitMs } });
	const must = [];
	let answered = 0;
	let interrupted = 0;
	for (let round = 0; round < rounds; round++) {
		const done = [];
		const running = Array.from({ length: clients }, (_, k) => load(s, `${round}_${k}`, done));
		await pause(marginMs + commitMs + Math.random() * 300);
		const killed = performance.now();
		s.tape.expectExit = { code: null, signal: 'SIGKILL' };
		s.tape.kill('SIGKILL');
		await within(s.tape.gone, 'its end');
		await Promise.all(running);
		answered += done.length;
		for (const { path, at } of done)
			if (at < killed - commitMs - marginMs)
				must.push({ path, age: Math.round(killed - at) });
		assert.equal((await s.tape.dump('-o', 'jsonl', '-n', '1')).code, 0, 'a dead store opens');
		s.tape = await s.record({ set: { [keys.commitMs]: commitMs } });
		const records = await s.tape.records();
		holds(records, must);
		interrupted = records.filter((r) => r.outcome === 'interrupted').length;
	}
	console.log(`# ${answered} answered, ${must.length} of them older than a commit when it died, `
		+ `${interrupted} interrupted`);
	assert.ok(must.length > rounds, 'there was load');
	assert.ok(interrupted > 0, 'something was in flight');
	const [first] = await s.tape.records();
	assert.equal((await s.tape.responseBody(1)).toString(),
	    [0, 1, 2].map((k) => `piece ${k} of ${first.path};`).join(''));
});
