/* doctor: upstreams that answer at length, without end, or to steer a terminal. */
import { test, assert, keys } from './lib/scene.mjs';
import { doctor, doctorText, healthy, sick } from './lib/doctor.mjs';
import { forward } from './lib/proxy_forward.mjs';

const head = (lines, status = '200 OK') => [`HTTP/1.1 ${status}`, ...lines, '', ''].join('\r\n');
const json = (status, text) => Buffer.from(head(['Content-Type: application/json',
	`Content-Length: ${Buffer.byteLength(text)}`], status) + text);

/* Sends piece again and again until the other side has enough. */
async function endlessly(conn, piece) {
	const { socket } = conn;
	let alive = true;
	socket.on('close', () => { alive = false; });
	socket.on('error', () => { alive = false; });
	while (alive)
		if (!socket.write(piece))
			await new Promise((go) => { socket.once('drain', go); socket.once('close', go); });
		else
			await new Promise(setImmediate);
}

const harmless = {
	'of 64 MiB': (r, c) => c.send(Buffer.concat([Buffer.from(head(['Content-Length: 67108864'])),
		Buffer.alloc(64 << 20, 'x')])).catch(() => {}),
	'without end': (r, c) => { c.send(head(['Transfer-Encoding: chunked'], '500 No'));
		return endlessly(c, '4\r\nabcd\r\n'.repeat(1000)); },
	'that stops half-way': (r, c) => c.send(head(['Content-Length: 100'], '403 No') + '{"er'),
	'of JSON that is deep': (r, c) => c.send(json('500 No', '['.repeat(60000))),
	'of JSON with many keys': (r, c) => c.send(json('500 No',
		`{"error":{${Array.from({ length: 6000 }, (_, k) => `"k${k}":1`).join(',')}}}`)),
	'behind some 1xx': (r, c) => c.send(Buffer.concat([
		Buffer.from(head([], '103 Early Hints').repeat(3)), json('200 OK', '{}')])),
	'with an odd reason': (r, c) => c.send(Buffer.from(head(['Content-Length: 0'],
		'401 \x80\xff'), 'latin1')),
};

for (const [what, answer] of Object.entries(harmless)) {
	test(`an answer ${what} is an answer, in bounded time`, async (s) => {
		await forward(s, { answer, set: { 'proxy.on_abort': 'cancel' } });
		const began = performance.now();
		healthy(await doctor(s, {}, ['--timeout', '4']));
		assert.ok(performance.now() - began < 25_000);
	});
}

test('an answer that never begins, or drips, costs the timeout', async (s) => {
	await forward(s, { answer: () => {} });
	sick(await doctor(s, {}, ['--timeout', '0.7']), 'connect', /no answer in time/,
		/--timeout S waits longer than 1 s/, ['ingest', 'base-url', 'upstream', 'record']);
});

test('an endless row of 1xx is no answer', async (s) => {
	await forward(s, { answer: (r, c) => endlessly(c, head([], '103 Early Hints').repeat(50)) });
	sick(await doctor(s, {}, ['--timeout', '3']), 'connect', /1xx|no answer|upstream_failed/, /./,
		['ingest', 'base-url', 'upstream', 'record']);
});

test('an answer that is no HTTP is named as that', async (s) => {
	await forward(s, { answer: (r, c) => { c.send('SSH-2.0-x\r\n\r\n'); c.end(); } });
	sick(await doctor(s), 'connect', /^upstream_failed: /, /upstream\.url/,
		['ingest', 'base-url', 'upstream']);
});

test('words of a stranger are escaped', async (s) => {
	const evil = '\x1b]0;owned\x07\x1b[2J\u202e\u0085\r\nok    fake';
	const text = JSON.stringify({ error: { type: 'proxy_error', code: evil, message: evil } });
	await forward(s, { answer: (r, c) => c.send(json('502 Bad', text)) });
	const r = await doctorText(s);
	assert.equal(r.code, 1);
	assert.doesNotMatch(r.out + r.err, /[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]/);
	assert.doesNotMatch(r.out, /^ok {4}fake/m);
	assert.match(r.out, /\\x1b/);
	const j = await doctor(s);
	assert.equal(j.code, 1);
	assert.ok(j.of('connect')[0].what.includes('\x1b]0;owned'));
});

test('a record that cannot be written is missed', async (s) => {
	await forward(s, { set: { [keys.commitMs]: 60_000 } });
	sick(await doctor(s, {}, ['--timeout', '1.5']), 'record',
		/not in the store after 1500 ms: connect, ingest, base-url/, /`df`/);
});
