/* A store has one writer. */
import { test, assert } from './lib/scene.mjs';
import { run } from './lib/tape.mjs';

test('a second recorder on the same store is refused with a clear message', async (s) => {
	await s.start({ answer: (r, conn) => conn.send('HTTP/1.1 204 No Content\r\n\r\n') });
	const { code, err, out } = await run(s.dir, ['proxy', '--listen', '127.0.0.1:0',
		'--upstream', s.upstream.url, '--store', s.tape.store]);
	assert.ok(code === 2 || code === 3, `exit ${code}`);
	assert.equal(out.toString(), '');
	assert.ok(err.includes(s.tape.store), err);
	assert.match(err, /another|already/i);
	assert.equal(err.trimEnd().split('\n').length, 1, `one line: ${err}`);
	assert.equal((await s.ask('GET /v1/models HTTP/1.1\r\nHost: a\r\n\r\n')).head.status, 204);
	const [record] = await s.tape.settled(1);
	assert.equal(record.outcome, 'complete');
});
