/* A TLS record without a byte in it is allowed and means nothing (RFC 5246 6.2.1).
 * mbedTLS takes more than three in a row for an attack. */
import { execFile, execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { test, assert } from './lib/scene.mjs';
import { deadlineMs } from './lib/wait.mjs';

const source = fileURLToPath(new URL('empty_records.c', import.meta.url));
const ok = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

test('empty TLS records in front of a request do not end the connection', async (s) => {
	await s.start({ tlsListen: true, answer: (r, conn) => conn.send(ok) });
	const binary = join(s.dir, 'empty_records');
	execFileSync(process.env.CC ?? 'cc', ['-std=c11', '-o', binary, source,
		'-lmbedtls', '-lmbedx509', '-lmbedcrypto']);
	for (const n of [0, 1, 2, 3]) {
		const { stdout } = await promisify(execFile)(binary, [s.tape.tlsPort, n].map(String),
		    { timeout: deadlineMs });
		assert.match(stdout, /^HTTP\/1\.1 200 OK\r\n[^]*\r\n\r\nok$/, `${n} empty records`);
	}
	const records = await s.tape.settled(4);
	assert.deepEqual(records.map((r) => r.outcome), Array(4).fill('complete'));
});
