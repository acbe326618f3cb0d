/* A value that cannot be meant is refused before any socket opens. */
import { join } from 'node:path';
import { test, assert } from './lib/scene.mjs';
import { run } from './lib/tape.mjs';

const refused = [
	['timeouts.keepalive_ms', '9223372036854775'],
	['timeouts.keepalive_ms', '9223372036854775807'],
	['timeouts.idle_ms', '99999999999999999999'],
	['timeouts.head_ms', '-1'],
	['timeouts.linger_ms', 'soon'],
	['recorder.pause_ms', '-2'],
	['store.commit_ms', '9223372036854775'],
	['upstream.resolve', 'a.example=localhost:9999'],
];

test('milliseconds and addresses out of range are refused by name', async (s) => {
	for (const [key, value] of refused) {
		const { code, out, err } = await run(s.dir, ['proxy', '--listen', '127.0.0.1:0',
			'--upstream', 'http://127.0.0.1:1', '--store', join(s.dir, 'store'),
			'--set', `${key}=${value}`], { ms: 10_000 });
		assert.equal(code, 2, `${key}=${value}: ${err}`);
		assert.equal(out.length, 0);
		assert.ok(err.includes(key), err);
	}
});
