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
	['upstream.dns', 'localhost'],
	['forward.ports', '443 65536'],
	['forward.ports', '0'],
	['forward.tunnel', 'all'],
	['forward.tunnel_to', '10.0.0.1/8'],
	['forward.intercept', '*'],
	['forward.allow', '10.0.0.1/8'],
	['forward.auth_file', '/nonexistent/users'],
	['upstream.no_via', 'a.example:443'],
	['listen.tls', 'localhost:443'],
];

test('values that cannot be meant are refused by name', async (s) => {
	for (const [key, value] of refused) {
		const { code, out, err } = await run(s.dir, ['proxy', '--listen', '127.0.0.1:0',
			'--upstream', 'http://127.0.0.1:1', '--store', join(s.dir, 'store'),
			'--set', `${key}=${value}`], { ms: 10_000 });
		assert.equal(code, 2, `${key}=${value}: ${err}`);
		assert.equal(out.length, 0);
		assert.ok(err.includes(key), err);
	}
});

test('a listener for others demands to be told who they are', async (s) => {
	for (const listener of ['http', 'tls']) {
		const { code, out, err } = await run(s.dir, ['proxy', '--set',
			`listen.${listener}=0.0.0.0:0`, '--store', join(s.dir, 'store')], { ms: 10_000 });
		assert.equal(code, 2, err);
		assert.equal(out.length, 0);
		for (const said of [listener, '0.0.0.0:0', 'auth_file', 'allow'])
			assert.ok(err.includes(said), err);
	}
});
