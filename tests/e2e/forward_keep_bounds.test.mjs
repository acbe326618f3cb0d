/* Batches that stay here have bounds too: what a client does not read, what the disk does not
 * take. */
import { test, assert, keys } from './lib/scene.mjs';
import { forward } from './lib/proxy_forward.mjs';
import { message } from './lib/http.mjs';
import { holdWriter } from './lib/slow_disk.mjs';
import { poll, sanitized } from './lib/wait.mjs';

const batch = message('POST /v1/traces/ingest HTTP/1.1', ['Host: a'], '{}');
const many = Buffer.concat(Array(500).fill(batch));
const local = { 'proxy.traces': 'local' };

/* True once count() has stood still for about a second. */
function standsStill(count) {
	let last = -1, same = 0;
	return poll(() => {
		same = count() === last ? same + 1 : 0;
		last = count();
		return same > 60;
	}, 'the client to be read no more', 60_000);
}

test('a client that sends batches and reads no answer is not read for ever', async (s) => {
	await forward(s, { set: local });
	const wire = await s.client();
	wire.socket.pause();
	const before = await s.tape.kB('VmRSS');
	let sent = 0;
	/* The kernel holds some 10 MiB of answers, which are those to 30 MiB of batches. */
	const flood = wire.pump(() => (sent += many.length) < 128 << 20 && many);
	const stopped = await Promise.race([flood.then((all) => !all), standsStill(() => sent)]);
	assert.ok(stopped, `${sent} bytes were taken`);
	const grown = await s.tape.kB('VmRSS') - before;
	if (!sanitized)
		assert.ok(grown < 48 * 1024, `${grown} kB more`);
	wire.reset();
	await flood;
});

test('batches wait for the disk before they are lost', async (s) => {
	await forward(s, { set: { ...local, [keys.maxBytes]: '64k', [keys.pauseMs]: -1 } });
	const release = await holdWriter(s);
	const wire = await s.client();
	const n = 1000;
	let text = '', answers = 0;
	wire.pour((b) => {
		text += b.toString('latin1');
		answers = text.split('204 No Content').length - 1;
	});
	const sent = wire.pump((k) => (k < n / 500 ? many : null));
	let last = -1;
	await poll(() => {
		const same = answers === last && answers > 0;
		last = answers;
		return same;
	}, 'the answers to stop');
	assert.ok(answers < n, 'a tape that cannot take them has not taken them');
	await release();
	await sent;
	await poll(() => answers === n, () => `${n} answers, not ${answers}`, 60_000);
	await s.tape.until((r) => r.length === n, `${n} records`);
	assert.doesNotMatch(s.tape.log, /not recorded/);
});
