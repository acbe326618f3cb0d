/* proxy.traces = local: trace batches stay here, everything else goes on as before. */
import { gzipSync } from 'node:zlib';
import { test, assert } from './lib/scene.mjs';
import { ask, forward, inside, official, ourCa } from './lib/proxy_forward.mjs';
import { rawBytes, requestsIn } from './lib/proxy_captures.mjs';
import { chunkedMessage, message } from './lib/http.mjs';

const local = { 'proxy.traces': 'local' };
const body = JSON.stringify({ data: [{ object: 'trace', id: `trace_${'0'.repeat(31)}1`,
	workflow_name: 'local', group_id: null, metadata: null }] });
const start = 'POST /v1/traces/ingest HTTP/1.1';
const fields = [`Host: ${official}`, 'Content-Type: application/json', 'OpenAI-Beta: traces=v1'];

/* Answered by us, and told so in the record. */
async function keptHere(s, n, payload = Buffer.from(body)) {
	const records = await s.tape.settled(n);
	const record = records.at(-1);
	assert.equal(record.path, '/v1/traces/ingest');
	assert.equal(record.status, 204);
	assert.equal(record.outcome, 'complete');
	assert.ok((await s.tape.requestBody(record.seq)).equals(payload));
	assert.equal(s.upstream.tcp, 0, 'nothing went up');
	return record;
}

test('a batch is answered with 204 by us, and the upstream sees nothing', async (s) => {
	await forward(s, { set: local });
	const tls = await inside(s);
	for (let n = 1; n < 3; n++) {
		const answer = await ask(tls, message(start, fields, body));
		assert.equal(answer.head.status, 204);
		assert.equal(answer.head.get('content-length'), undefined);
		await keptHere(s, n);
	}
});

test('the record says that it was answered here', async (s) => {
	await forward(s, { set: local });
	await ask(await inside(s), message(start, fields, body));
	const record = await keptHere(s, 1);
	assert.match(record.reason, /proxy\.traces = local/);
	assert.ok(record.flags.includes('kept_here'));
	assert.match(await s.tape.show(record.seq), /proxy\.traces = local/);
	await s.tape.stop();
	await forward(s, { store: 'forwarding' });
	await ask(await inside(s), message(start, fields, body));
	const [forwarded] = await s.tape.settled(1);
	assert.equal(forwarded.status, 200);
	assert.doesNotMatch(JSON.stringify(forwarded), /proxy\.traces/);
});

test('the start says loudly that traces do not leave', async (s) => {
	await forward(s, { set: local });
	assert.match(s.tape.log, /traces.*(local|204|not (sent|forwarded))/i);
	const usual = await s.record({ store: 'usual' });
	assert.doesNotMatch(usual.log, /traces/i);
});

const shapes = {
	'with Expect: 100-continue': { expect: true, bytes: [...fields, 'Expect: 100-continue',
		`Content-Length: ${body.length}`], payload: Buffer.from(body) },
	'in chunks': { whole: chunkedMessage(start, fields, [body.slice(0, 9), body.slice(9)]),
		payload: Buffer.from(body) },
	'in gzip': { whole: message(start, [...fields, 'Content-Encoding: gzip'], gzipSync(body)),
		payload: gzipSync(body) },
	'empty': { whole: message(start, fields, ''), payload: Buffer.alloc(0) },
	'that is no JSON': { whole: message(start, fields, 'what?'), payload: Buffer.from('what?') },
	'of 5 MiB': { whole: message(start, fields, 'x'.repeat(5 << 20)),
		payload: Buffer.from('x'.repeat(5 << 20)) },
};

for (const [what, { expect, bytes, whole, payload }] of Object.entries(shapes)) {
	test(`a batch ${what} is kept whole, and the connection goes on`, async (s) => {
		await forward(s, { set: local });
		const tls = await inside(s);
		if (expect) {
			tls.send([start, ...bytes, '', ''].join('\r\n'));
			const go = await tls.head();
			assert.equal(go.status, 100);
			tls.send(body);
		} else {
			tls.send(whole);
		}
		assert.equal((await tls.message()).head.status, 204);
		await keptHere(s, 1, payload);
		const next = await ask(tls, message(start, fields, body));
		assert.equal(next.head.status, 204);
		await keptHere(s, 2);
	});
}

test('an Expect whose body comes at once is no more than one 204', async (s) => {
	await forward(s, { set: local });
	const tls = await inside(s);
	tls.send(message(start, [...fields, 'Expect: 100-continue'], body));
	let head = await tls.head();
	if (head.status === 100)
		head = await tls.head();
	assert.equal(head.status, 204);
	assert.equal((await ask(tls, message(start, fields, body))).head.status, 204);
	await keptHere(s, 2);
});

test('a model call on the same connection is forwarded', async (s) => {
	await forward(s, { set: local });
	const tls = await inside(s);
	assert.equal((await ask(tls, message(start, fields, body))).head.status, 204);
	const call = await ask(tls, message('POST /v1/responses HTTP/1.1', fields, '{}'));
	assert.equal(call.payload.toString(), 'ok');
	assert.equal((await ask(tls, message(start, fields, body))).head.status, 204);
	assert.deepEqual(s.upstream.requests.map((r) => r.head.target), ['/v1/responses']);
	const records = await s.tape.settled(3);
	assert.deepEqual(records.map((r) => r.status), [204, 200, 204]);
});

test('only POST of that path is a batch', async (s) => {
	await forward(s, { set: local });
	const tls = await inside(s);
	for (const line of ['GET /v1/traces/ingest HTTP/1.1', 'POST /v1/traces HTTP/1.1',
		'POST /v1/traces/ingested HTTP/1.1', 'POST /v1/responses/traces HTTP/1.1'])
		assert.equal((await ask(tls, message(line, fields, ''))).payload.toString(), 'ok', line);
	assert.equal(s.upstream.requests.length, 4);
	const query = await ask(tls, message('POST /v1/traces/ingest?a=b HTTP/1.1', fields, body));
	assert.equal(query.head.status, 204);
	assert.equal(s.upstream.requests.length, 4);
});

test('reverse mode and the TLS listener keep batches too', async (s) => {
	await forward(s, { set: local, tlsListen: true });
	assert.equal((await s.ask(message(start, ['Host: a'], body))).head.status, 204);
	const redirected = await s.tlsClient({ ca: ourCa(s), servername: official });
	assert.equal((await ask(redirected, message(start, fields, body))).head.status, 204);
	await keptHere(s, 2);
});

test('a batch that was cut by its sender gets no 204 and is recorded as cut', async (s) => {
	await forward(s, { set: local });
	const tls = await inside(s);
	tls.send([start, ...fields, 'Content-Length: 100', '', 'half'].join('\r\n'));
	tls.cut();
	const [record] = await s.tape.settled(1);
	assert.notEqual(record.outcome, 'complete');
	assert.equal(s.upstream.tcp, 0);
});

test('the exporter of the captures is served', async (s) => {
	await forward(s, { set: local });
	const tls = await inside(s);
	const [, , batch] = requestsIn(rawBytes('04-tls02.c2s'));
	assert.equal((await ask(tls, batch.bytes)).head.status, 204);
	await keptHere(s, 1, batch.payload);
});

test('forward, the default, sends batches on unchanged', async (s) => {
	await forward(s, { answer: (r, c) => c.send('HTTP/1.1 204 No Content\r\n\r\n') });
	const tls = await inside(s);
	assert.equal((await ask(tls, message(start, fields, body))).head.status, 204);
	assert.equal(s.upstream.requests[0].payload.toString(), body);
});
