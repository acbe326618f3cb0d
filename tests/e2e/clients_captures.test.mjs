/* What real clients once sent (tests/e2e/captures), sent again byte for byte. */
import { test, assert } from './lib/scene.mjs';
import { established, forward, inside } from './lib/proxy_forward.mjs';
import { rawBytes, requestsIn } from './lib/proxy_captures.mjs';

/* The head of the CONNECT that a capture of TCP begins with, and what is behind it. */
function cutHead(name) {
	const all = rawBytes(name);
	const at = all.indexOf('\r\n\r\n') + 4;
	return { all, head: all.subarray(0, at).toString('latin1'), tls: all.subarray(at) };
}

const connections = ['04-conn01.c2s', '04-conn03.c2s', '23-conn03.c2s', '30-conn01.c2s'];

for (const name of connections) {
	test(`the CONNECT of ${name} opens a tunnel, and its ClientHello is answered`, async (s) => {
		await forward(s);
		const { head, tls } = cutHead(name);
		const whole = 5 + tls.readUInt16BE(3);
		for (const pieces of [[head, tls.subarray(0, whole)],
			[Buffer.concat([Buffer.from(head), tls.subarray(0, whole)])]]) {
			const wire = await s.client();
			for (const p of pieces)
				wire.send(p);
			await established(wire);
			const hello = await wire.bytes(6);
			assert.deepEqual([hello[0], hello[1], hello[5]], [0x16, 3, 2], 'a ServerHello');
			wire.cut();
		}
	});

	test(`all of ${name}, whose keys nobody has any more, ends in a TLS alert`, async (s) => {
		await forward(s);
		const wire = await s.client();
		wire.send(cutHead(name).all);
		await established(wire);
		await wire.until(() => wire.over, 'the end');
		assert.equal(s.upstream.requests.length, 0);
		assert.deepEqual(await s.tape.records(), []);
	});
}

const contents = { '04-conn01.c2s': '04-tls02.c2s', '04-conn03.c2s': '04-tls04.c2s',
	'23-conn03.c2s': '23-tls04.c2s', '30-conn01.c2s': '30-tls02.c2s' };

for (const [outer, inner] of Object.entries(contents)) {
	test(`the requests of ${inner} inside the tunnel of ${outer} are recorded as they were`,
	    async (s) => {
		await forward(s);
		const lines = cutHead(outer).head.trimEnd().split('\r\n').slice(1);
		const tls = await inside(s, { lines });
		const requests = requestsIn(rawBytes(inner));
		for (const { bytes } of requests) {
			tls.send(bytes);
			assert.equal((await tls.message()).payload.toString(), 'ok');
		}
		const records = await s.tape.settled(requests.length);
		for (const [i, { head, payload }] of requests.entries()) {
			const got = s.upstream.requests[i];
			assert.equal(got.head.raw.toString(), head.raw.toString());
			assert.ok(got.payload.equals(payload));
			assert.ok((await s.tape.requestBody(records[i].seq)).equals(payload));
			assert.equal(records[i].mode, 'forward');
		}
		const label = outer.startsWith('30') ? 'user' : '';
		assert.ok(records.every((r) => (r.label ?? '') === label));
	});

	test(`the requests of ${inner} come all at once and are answered in turn`, async (s) => {
		await forward(s);
		const tls = await inside(s);
		const requests = requestsIn(rawBytes(inner));
		tls.send(rawBytes(inner));
		for (const _ of requests)
			assert.equal((await tls.message()).payload.toString(), 'ok');
		const records = await s.tape.settled(requests.length);
		assert.deepEqual(records.map((r) => r.path), requests.map((r) => r.head.target));
	});
}
