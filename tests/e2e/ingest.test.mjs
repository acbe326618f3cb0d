/* Trace batches are recorded, and their traces and spans are rows by id. */
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { test, assert } from './lib/scene.mjs';
import { accepted, batch, items, itemsUntil, span, spanId, trace, traceId }
	from './lib/items.mjs';
import { within } from './lib/wait.mjs';

const accepting = { answer: (request, conn) => conn.send(accepted) };

/* Of all that is listed, the traces; of a trace, its spans. */
const traces = (all) => all.filter((x) => x.item?.object !== 'trace.span');
const spans = (all, of) => all.filter((x) => x.item?.trace_id === traceId(of));

const coders = { gzip: gzipSync, br: brotliCompressSync };

for (const name of Object.keys(coders)) {
	test(`a ${name} batch goes up as it came and its items are read`, async (s) => {
		await s.start(accepting);
		const all = [trace(1), span(1, 2), span(1, 1, { parent_id: spanId(2) })];
		const bytes = batch(all, { code: coders[name], more: [`Content-Encoding: ${name}`] });
		assert.equal((await s.ask(bytes)).head.status, 204);
		const [record] = await s.tape.settled(1);
		assert.equal(record.endpoint, 'traces.ingest');
		assert.deepEqual(record.items, { traces: 1, spans: 2, odd: 0 });
		assert.deepEqual(s.upstream.requests[0].payload,
			coders[name](JSON.stringify({ data: all })));
		const got = await items(s);
		assert.deepEqual(got.map((x) => x.item), [all[0], all[2], all[1]]);
		assert.match(await s.tape.show(1), /items +1 trace, 2 spans\n/);
	});
}

test('batches that come twice, split anew and out of order give each item once', async (s) => {
	await s.start(accepting);
	const t = trace(1, { metadata: { customer: 'acme' } });
	const all = [1, 2, 3, 4, 5].map((n) => span(1, n));
	const client = await s.client();
	for (const some of [[all[3], all[1]], [all[4]], [trace(1), all[0]], [all[1], t, all[2]],
		[all[1], all[3]], [trace(1)], [span(2, 1)]]) {
		client.send(batch(some));
		assert.equal((await client.message()).head.status, 204);
	}
	client.cut();
	const records = await s.tape.settled(7);
	assert.deepEqual(records.map((r) => r.items.traces + r.items.spans), [2, 1, 2, 3, 2, 1, 1]);
	const got = await items(s);
	assert.deepEqual(traces(got).map((x) => [x.key, x.item, x.first, x.last]),
		[[traceId(1), t, 1, 6], [traceId(2), null, 7, 7]]);
	assert.deepEqual(spans(got, 1).map((x) => x.item), all);
	assert.deepEqual(spans(got, 1).map((x) => [x.first, x.last]),
		[[3, 3], [1, 5], [4, 4], [1, 5], [2, 2]]);
	assert.equal(spans(got, 1)[0].started_ns, '1795255201000000000');
	/* The same span id elsewhere is another span. */
	assert.deepEqual(spans(got, 2).map((x) => x.item), [span(2, 1)]);
});

test('what is no item is counted, also in a batch that the API refuses', async (s) => {
	await s.start({ answer: (request, conn) => conn.send(
		'HTTP/1.1 400 Bad Request\r\nContent-Length: 2\r\n\r\n{}') });
	const odd = [1, 'x', null, {}, { object: 'trace' }, { object: 'trace', id: '' },
		{ object: 'trace.span', id: 'lonely' }, { object: 'trace.event', id: 'e' }];
	const no = { object: 'trace.span', id: 'no-op', trace_id: 'no-op',
		span_data: { type: 'of the future', whole: [{}] } };
	await s.ask(batch([odd[0], no, ...odd.slice(1)]));
	const [record] = await s.tape.settled(1);
	assert.equal(record.status, 400);
	assert.deepEqual(record.items, { traces: 0, spans: 1, odd: odd.length });
	assert.deepEqual((await items(s)).map((x) => x.item), [null, no]);
	assert.match(await s.tape.show(1), /items +0 traces, 1 span, 8 that are neither\n/);
});

test('other exchanges hold no items, whatever their bodies look like', async (s) => {
	await s.start({ answer: (request, conn) => conn.send(
		'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}') });
	await s.ask(batch([trace(1)], { path: '/v1/traces/other' }));
	const [record] = await s.tape.settled(1);
	assert.equal(record.items, null);
	assert.deepEqual(await items(s), []);
});

test('of a batch whose client leaves what came whole is kept', async (s) => {
	await s.start({ connection: async (conn) => {
		await conn.nextHead();
		await conn.until(() => conn.over, 'the client to leave');
	} });
	const bytes = batch([trace(1), span(1, 1), span(1, 2)]);
	const c = await s.client();
	c.send(bytes.subarray(0, bytes.length - 30));
	await itemsUntil(s, (all) => all.length === 2, 'the first span');
	c.cut();
	const [record] = await s.tape.settled(1);
	assert.equal(record.outcome, 'cancelled');
	assert.deepEqual(record.items, { traces: 1, spans: 1, odd: 0 });
	assert.deepEqual((await items(s)).map((x) => x.item), [trace(1), span(1, 1)]);
});

test('after kill -9 in a batch its items and its exchange are there', async (s) => {
	await s.start({ connection: async (conn) => {
		await conn.nextHead();
		await conn.until(() => conn.over, 'the end');
	} });
	const bytes = batch([trace(1), span(1, 1), span(1, 2)]);
	const c = await s.client();
	c.send(bytes.subarray(0, bytes.length - 30));
	await itemsUntil(s, (all) => all.length === 2, 'the first span');
	s.tape.expectExit = { code: null, signal: 'SIGKILL' };
	s.tape.kill('SIGKILL');
	await within(s.tape.gone, 'the end');
	s.tape = await s.record({});
	const [record] = await s.tape.records();
	assert.equal(record.outcome, 'interrupted');
	assert.equal(record.endpoint, 'traces.ingest');
	assert.deepEqual((await items(s)).map((x) => [x.item, x.first, x.last]),
		[[trace(1), 1, 1], [span(1, 1), 1, 1]]);
});
